"""Cache of film analyses, so that scoring a film again starts at spotting.

Goes in: a film's fingerprint and how it would be watched. Comes out: the scene sheet of an earlier run, or nothing. An
entry is a file of two parts: a line of JSON with the key and the SHA-256 of the rest, and the scene sheet as text. Its
key is a hash over the bytes of the film, the networks, the settings, the libraries that decode, and the tool's own code
for watching: whatever could change the sheet changes the key. An entry that is damaged in any way counts as missing
and is rewritten. The folder never grows beyond a bound; what was not used for longest goes first. A folder that
cannot be written is no failure: nothing is kept then.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from soundtrack import __version__, resources
from soundtrack.documents import scenesheet
from soundtrack.errors import SoundtrackError
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.types import SceneSheet

SCHEMA = "soundtrack.analysis/1"
"""What an entry says it is."""

MOST_BYTES = 256 * 1024 * 1024
"""The folder holds no more; about a thousand films of feature length."""

_PARTS = (
    "soundtrack.audio",
    "soundtrack.checkpoints",
    "soundtrack.files",
    "soundtrack.networks",
    "soundtrack.channels",
    "soundtrack.documents.codec",
    "soundtrack.documents.writing",
    "soundtrack.emotion",
    "soundtrack.documents.limits",
    "soundtrack.media",
    "soundtrack.pipeline",
    "soundtrack.documents.scenesheet",
    "soundtrack.settings",
    "soundtrack.timebase",
    "soundtrack.types",
    "soundtrack.video",
)
"""Parts of the tool that have a say in what a film's analysis is."""
_LIBRARIES = (
    "av",
    "decord",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "scenedetect-headless",
    "scipy",
    "silero-vad",
    "torch",
)
_SUFFIX = ".scenes"


def user_folder() -> Path:
    """Where analyses are kept for the user; need not exist."""
    return resources.cache_dir() / "analyses"


class AnalysisCache:
    """The analyses in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first entry is written.
    settings : mapping of str to object
        How films are watched: models, decoder, device, thresholds; everything that is the same for all films of a run.
        Values are distinguished by their ``repr``.
    most_bytes : int >= 0
        The folder holds no more.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object], *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        says = "\n".join(f"{name}={settings[name]!r}" for name in sorted(settings))
        self._settings = hashlib.sha256(f"{SCHEMA}\n{__version__}\n{_own_code()}\n{_libraries()}\n{says}".encode())

    def may_have(self, path: Path) -> bool:
        """Whether there is an entry for a film of this size, so that its bytes are worth reading before the picture."""
        try:
            size = path.stat().st_size
            return any(self._folder.glob(f"{size}-*{_SUFFIX}"))
        except OSError:
            return False

    def find(self, path: Path, fingerprint: str) -> SceneSheet | None:
        """The sheet of a film, under its present name; None if it is not known or its entry is damaged.

        Parameters
        ----------
        path : Path
            The film.
        fingerprint : str
            Of its bytes.
        """
        entry = self._entry(path, fingerprint)
        try:
            head, text = safe_read.read_text(entry, most_bytes=safe_read.DOCUMENT_BYTES).split("\n", 1)
            said = json.loads(head)
            if said != _head(entry.stem, text):
                return None
            sheet = scenesheet.loads(text, name=str(entry))
        except (OSError, ValueError, RecursionError, SoundtrackError):
            return None
        if sheet.film.fingerprint != fingerprint:
            return None
        with contextlib.suppress(OSError):
            os.utime(entry)  # it is the youngest now
        return scenesheet.rounded(replace(sheet, film=replace(sheet.film, name=path.name)))

    def keep(self, path: Path, sheet: SceneSheet) -> None:
        """Write an entry, whole or not at all, and drop what is too much; does nothing where it cannot.

        A sheet whose warnings name the file's place is not kept, since it would be wrong in another place.
        """
        if any(str(path) in line for line in sheet.warnings):
            return
        with contextlib.suppress(OSError, ValueError, SoundtrackError):
            entry = self._entry(path, sheet.film.fingerprint)
            text = scenesheet.dumps(sheet)
            content = f"{json.dumps(_head(entry.stem, text), sort_keys=True)}\n{text}"
            if len(content) > self._most_bytes:
                return
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_text(entry, content, kind=OWN, force=True)
            drop_oldest(self._folder, (_SUFFIX,), most_bytes=self._most_bytes, besides=entry)

    def _entry(self, path: Path, fingerprint: str) -> Path:
        """Where a film's entry lies: its size, so that one look at the folder tells whether hashing may be of use."""
        key = self._settings.copy()
        key.update(f"\n{fingerprint}\n".encode() + os.fsencode(path.suffix.lower()))
        return self._folder / f"{path.stat().st_size}-{key.hexdigest()}{_SUFFIX}"


def drop_oldest(folder: Path, suffixes: Sequence[str], *, most_bytes: int, besides: Path) -> None:
    """Bring the files of those endings in a folder under a bound; what was not used for longest goes first."""
    found = []
    for entry in (path for suffix in suffixes for path in folder.glob(f"*{suffix}")):
        with contextlib.suppress(OSError):
            status = entry.stat()
            found.append((status.st_mtime_ns, entry.name, status.st_size, entry))
    total = sum(size for _, _, size, _ in found)
    for _, _, size, entry in sorted(found):
        if total <= most_bytes:
            return
        if entry != besides:
            entry.unlink(missing_ok=True)
            total -= size


def _head(stem: str, text: str) -> dict[str, str]:
    """The first line of an entry: what it is, whose, and what the rest must be."""
    return {"schema": SCHEMA, "key": stem, "sha256": hashlib.sha256(text.encode()).hexdigest()}


@functools.cache
def _own_code() -> str:
    """Hash of the tool's own code and numbers for watching films."""
    return resources.code_digest(*_PARTS)


@functools.cache
def _libraries() -> str:
    """Versions of the outside libraries that have a say, as they are installed."""
    found = []
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def libraries() -> str:
    """As `_libraries`, for other caches."""
    return _libraries()
