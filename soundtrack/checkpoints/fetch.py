"""Download published weights: only on request, over https, and with a pinned hash.

Goes in: an address and the SHA-256 that the file must have. Comes out: the file, whole or not at all. The download goes
to a temporary file beside its target and is renamed once the hash is right. A redirect to anything but https is
refused, and so is a file larger than its limit.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

from soundtrack.checkpoints.manifest import ModelEntry, public_models
from soundtrack.errors import ModelError, OutputError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.progress import Progress
from soundtrack.resources import cache_dir

_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Response(Protocol):
    """What an opener gives back: a readable answer with headers."""

    headers: http.client.HTTPMessage

    def read(self, amount: int = -1, /) -> bytes:
        """At most that many bytes; empty at the end."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


Opener = Callable[[str], Response]


def check_url(url: str, *, allow_loopback: bool = False) -> None:
    """Refuse an address that is not https.

    Parameters
    ----------
    url : str
        The address.
    allow_loopback : bool
        Whether plain http to this very machine will do, for tests.

    Raises
    ------
    ModelError
        It is none.
    """
    parts = urlsplit(url)
    is_loopback = parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    if not parts.hostname or (parts.scheme != "https" and not (allow_loopback and is_loopback)):
        raise ModelError(
            f"{url}: only https addresses are allowed",
            hint="download the file, then run `soundtrack models add NAME FILE`",
        )


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed addresses only."""

    def __init__(self, *, allow_loopback: bool) -> None:
        super().__init__()
        self._allow_loopback = allow_loopback

    def redirect_request(  # noqa: PLR0917 - the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Check where it leads before going there."""
        check_url(newurl, allow_loopback=self._allow_loopback)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(*, allow_loopback: bool = False) -> Opener:
    """An opener that follows safe redirects; with `allow_loopback`, also plain http to this machine, for tests."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SafeRedirects(allow_loopback=allow_loopback),
    ):
        director.add_handler(handler)

    def open_url(url: str) -> Response:
        check_url(url, allow_loopback=allow_loopback)
        answer: Response = director.open(url, timeout=_TIMEOUT_S)
        return answer

    return open_url


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str,
    max_bytes: int,
    open_url: Opener | None = None,
    progress: Progress | None = None,
    otherwise: str = "download the file and run `soundtrack models add NAME FILE`",
) -> None:
    """Download a file whose bytes are known.

    Parameters
    ----------
    url : str
        Where it is.
    target : Path
        Where it goes; its folder is made if need be.
    sha256 : str
        Which bytes it must have, lower-case hex.
    max_bytes : int > 0
        A larger file is refused.
    open_url : callable, optional
        Instead of the https opener.
    progress : callable, optional
        Called with (stage, bytes so far, bytes in all or 0).
    otherwise : str
        What to do by hand, for the hint of an error.

    Raises
    ------
    ModelError
        It cannot be reached, is too large, is cut short, or has other bytes.
    OutputError
        The target cannot be written.
    """
    hint = f"check the network connection, or {otherwise}"
    try:
        answer = (open_url or opener())(url)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise ModelError(f"{url}: download failed: {error}", hint=hint) from error
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, kind=OWN, force=True) as part:
            with part.open("wb") as file:
                found = _copy(answer, file, url=url, max_bytes=max_bytes, progress=progress)
            if found != sha256.lower():
                raise ModelError(
                    f"{url}: SHA-256 mismatch: got {found}, expected {sha256.lower()}",
                    hint="do not use this file; download it again from the published address",
                )
    except (http.client.HTTPException, urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise ModelError(f"{url}: download interrupted: {error}", hint=hint) from error
    except OSError as error:
        raise OutputError(
            f"{target}: {error.strerror or error}", hint="free some disk space, or check the permissions of the folder"
        ) from error
    finally:
        answer.close()


def _copy(answer: Response, file: IO[bytes], *, url: str, max_bytes: int, progress: Progress | None) -> str:
    """Answer to file, piece by piece; the SHA-256 of what came."""
    length = answer.headers.get("Content-Length") or ""
    total = int(length) if length.isdigit() else 0
    too_large = ModelError(
        f"{url}: larger than the expected {max_bytes >> 20} MB", hint="check the address; nothing was saved"
    )
    if total > max_bytes:
        raise too_large
    digest, done = hashlib.sha256(), 0
    while block := answer.read(_BLOCK_BYTES):
        done += len(block)
        if done > max_bytes:
            raise too_large
        digest.update(block)
        file.write(block)
        if progress is not None:
            progress("fetch", done, total)
    if total and done != total:
        raise ModelError(f"{url}: download interrupted after {done} of {total} bytes", hint="try again")
    return digest.hexdigest()


def pull_model(
    name: str,
    *,
    url: str | None = None,
    sha256: str | None = None,
    folder: Path | None = None,
    open_url: Opener | None = None,
    progress: Progress | None = None,
) -> ModelEntry:
    """Fetch a public model, check it, convert it, and keep it in the user's models folder; returns its entry.

    Parameters
    ----------
    name : str
        As `soundtrack models list` names it.
    url, sha256 : str, optional
        Instead of what the manifest says; without a pinned hash nothing is fetched.
    folder : Path, optional
        Instead of the user's models folder.
    open_url : callable, optional
        Instead of the https opener.

    Raises
    ------
    ModelError
        The name is unknown, no hash is pinned, or the file is not what it should be.
    """
    public = next((model for model in public_models() if model.name == name), None)
    if public is None:
        known = ", ".join(model.name for model in public_models()) or "none"
        raise ModelError(f"{name!r} is not a public model; known models: {known}", hint="run `soundtrack models list`")
    pinned = sha256 or public.sha256
    if pinned is None:
        raise ModelError(
            f"no SHA-256 is known for {name}: refusing an unverified download",
            hint=f"soundtrack models pull {name} --sha256 HEX, or download {url or public.url} and: "
            f"soundtrack models add {name} FILE",
        )
    download = cache_dir() / "downloads" / f"{name}.pt"
    fetch(url or public.url, download, sha256=pinned, max_bytes=public.max_bytes, open_url=open_url, progress=progress)
    try:
        from soundtrack.checkpoints.weights import add_model  # torch, which many who ask for paths do not need

        return add_model(name, download, folder=folder)
    finally:
        download.unlink(missing_ok=True)
