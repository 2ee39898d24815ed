"""Playlist files: m3u, m3u8, pls and xspf.

Goes in: the path of a playlist. Comes out: absolute paths, in its order, whether or not something lies there. Nothing
that is named is opened, addresses of the network are left out, and a playlist that a playlist names is not followed.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes
from xml.etree import ElementTree

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.naming.names import as_on_disk

SUFFIXES = frozenset({".m3u", ".m3u8", ".pls", ".xspf"})
"""Endings of the names of playlists, in lower case."""
MOST_BYTES = 16 << 20
"""A larger file is no playlist."""
MOST_ENTRIES = 100_000
"""Largest number of different names in a playlist: each is looked up on the disk."""
MOST_LINES = 1_000_000
"""Largest number of lines."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""What starts like this is an address; one letter is a drive of Windows."""
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def is_playlist(path: Path) -> bool:
    """Whether a file is called like a playlist.

    Examples
    --------
    >>> is_playlist(Path("calm.M3U8")), is_playlist(Path("calm.mp3"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def read_playlist(path: Path) -> list[Path]:
    """The files that a playlist names.

    Parameters
    ----------
    path : Path
        Called ``.m3u``, ``.m3u8``, ``.pls`` or ``.xspf``.

    Returns
    -------
    list of Path
        Absolute, without ``..``; relative names count from the playlist's folder. Each once, in order. Of the ways in
        which a name may be meant (percent signs, backslashes, an old encoding), the one under which a file lies.

    Raises
    ------
    InputError
        It cannot be read, or is no playlist of its kind.
    """
    if not is_playlist(path):
        raise ValueError(f"not a playlist name: {path}")
    data = safe_read.read_bytes(path, most_bytes=MOST_BYTES)
    kind = path.suffix.lower()
    if kind == ".xspf":
        names = _xspf(data, path)
    else:
        lines = _lines(_text(data))
        if len(lines) > MOST_LINES:
            raise InputError(
                f"{path}: has {len(lines)} lines, at most {MOST_LINES}",
                hint="split the playlist",
                reason=Reason.TOO_LARGE,
            )
        names = _pls(lines, path) if kind == ".pls" else _m3u(lines)
    folder = Path(os.path.abspath(path.parent))  # noqa: PTH100 - resolve() would follow links
    names = list(dict.fromkeys(names))
    if len(names) > MOST_ENTRIES:
        raise InputError(
            f"{path}: names {len(names)} files, at most {MOST_ENTRIES}",
            hint="split the playlist",
            reason=Reason.TOO_LARGE,
        )
    found = (_located(name, folder, quoted=kind == ".xspf") for name in names)
    return list(dict.fromkeys(file for file in found if file is not None))


def _text(data: bytes) -> str:
    """The text of a playlist; bytes that are not UTF-8 stay what they are, as in names of files."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            data = data.removeprefix(mark) if encoding == "utf-8" else data
            return data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace").lstrip("\ufeff")
    return data.decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    """Lines by their ends alone; names may hold what Unicode calls a line end."""
    return re.split(r"\r\n|\n|\r", text)


def _m3u(lines: list[str]) -> list[str]:
    """Names in an m3u: one a line; what starts with # is a remark."""
    return [name for line in lines if (name := line.strip()) and not name.startswith("#")]


def _pls(lines: list[str], path: Path) -> list[str]:
    """Names in a pls: File1, File2 and so on, by their numbers."""
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, delimiters=("=",), comment_prefixes=(";", "#")
    )
    try:
        parser.read_string("\n".join(line.strip() for line in lines), source=path.name)
    except configparser.Error as error:
        raise _no_playlist(path, "not a pls file: [playlist] header is missing") from error
    numbered = [
        (int(match[1]), value)
        for section in parser.sections()
        if section.lower() == "playlist"
        for key, value in parser.items(section)
        if (match := re.fullmatch(r"file([0-9]{1,9})", key)) and value
    ]
    return [value for _, value in sorted(numbered)]


def _xspf(data: bytes, path: Path) -> list[str]:
    """Addresses in an xspf: the first location of each track that is no address of the network."""
    target = _Locations()
    parser = ElementTree.XMLParser(target=target)
    try:
        parser.feed(data)
        parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise _no_playlist(path, f"not an xspf file: {error}") from error
    if target.root != "playlist":
        raise _no_playlist(path, "not an xspf file: <playlist> element is missing")
    return [next((name for name in names if not _is_remote(name)), names[0]) for names in target.tracks if names]


class _Locations:
    """Takes the parser's calls and keeps the locations of tracks; refuses documents that define entities."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.tracks: list[list[str]] = []
        self._open: list[str] = []
        self._heard: list[str] = []

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """No playlist needs one, and entities are the way to blow a small document up."""
        del name, public, system
        raise ValueError("a document type is not allowed")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens."""
        del attributes
        name = tag.rpartition("}")[2]
        if not self._open:
            self.root = name
        self._open.append(name)
        if name == "track":
            self.tracks.append([])
        self._heard = []

    def data(self, text: str) -> None:
        """Text of the innermost element."""
        if self._open[-1:] == ["location"]:
            self._heard.append(text)

    def end(self, tag: str) -> None:
        """An element closes."""
        del tag
        if self._open[-2:] == ["track", "location"]:
            self.tracks[-1].append("".join(self._heard).strip())
        self._open.pop()

    def close(self) -> None:
        """Nothing is left to do."""


def _no_playlist(path: Path, why: str) -> InputError:
    """A file that is called like a playlist only."""
    return InputError(f"{path}: {why}", hint="save the playlist again in the music player", reason=Reason.BAD_FORMAT)


def _is_remote(name: str) -> bool:
    """Whether a name is an address of the network."""
    return bool(_ADDRESS.match(name)) and not name.lower().startswith("file:")


def _located(name: str, folder: Path, *, quoted: bool) -> Path | None:
    """The file that a name means; None for addresses and for what cannot be a name."""
    forms = list(dict.fromkeys(_forms(name, quoted=quoted)))
    paths = [Path(os.path.normpath(folder / form)) for form in forms if form and "\0" not in form]
    if not paths:
        return None
    found = next((path for path in paths if os.path.lexists(path)), None)
    return found or next((other for path in paths if (other := as_on_disk(path)) != path), paths[0])


def _forms(name: str, *, quoted: bool) -> Iterator[str]:
    """The ways in which a name may be meant, the plainest first."""
    if name.lower().startswith("file:"):
        rest = name[5:]
        host, slash, tail = rest[2:].partition("/") if rest.startswith("//") else ("", "", "")
        if slash and host.lower() in {"", "localhost"}:
            rest = f"/{tail}"
        yield os.fsdecode(unquote_to_bytes(os.fsencode(rest)))
        yield rest
        return
    if _is_remote(name):
        if not quoted:
            yield from () if "://" in name else (name,)
        return
    if quoted:
        yield os.fsdecode(unquote_to_bytes(os.fsencode(name)))
    yield name
    yield name.replace("\\", "/")
    yield unquote(name, errors="surrogateescape")
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        yield os.fsencode(name).decode("cp1252", "replace")
