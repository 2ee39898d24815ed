"""File kinds that the tool writes, recognised by content and never by name.

Goes in: a path. Comes out: whether the file there is of a kind. ``--force`` replaces a file only where it is of the
kind that is about to be written. A film is known in `soundtrack.media.writing.own_mark`, since that may need a demuxer.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 1 << 16
"""So much of a file is looked at first."""

_MOST_JSON_BYTES = 1 << 25
_BOM = b"\xef\xbb\xbf"
_STEM_RATE_HZ, _STEM_BITS = 48_000, 24


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file."""

    name: str
    """For people, with its article: ``a cue sheet``."""
    is_one: Callable[[Path], bool]
    """Whether the file under a path is one; False where it cannot be read."""


def head_of(path: Path, n_bytes: int = HEAD_BYTES) -> bytes:
    """The first bytes of a regular file without a byte-order mark; none of anything else."""
    return _read(path, n_bytes).removeprefix(_BOM)


def tail_of(path: Path, n_bytes: int) -> bytes:
    """The last bytes of a regular file; none of anything else."""
    return _read(path, n_bytes, from_end=True)


def _read(path: Path, n_bytes: int, *, from_end: bool = False) -> bytes:
    """Some bytes of a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b""
        try:
            file.seek(max(0, status.st_size - n_bytes) if from_end else 0)
            return file.read(n_bytes)
        except OSError:
            return b""


def _document(schema: str) -> Callable[[Path], bool]:
    """JSON that says of itself what it is."""
    written = re.compile(rb'\s*\{\s*"schema"\s*:\s*"' + re.escape(schema.encode()) + rb"/\d")

    def is_one(path: Path) -> bool:
        head = head_of(path)
        if written.match(head):
            return True  # as the tool writes it, even if what follows is damaged
        if not head.lstrip().startswith(b"{"):
            return False
        try:  # as another program wrote it, which may sort keys
            found = json.loads(head_of(path, _MOST_JSON_BYTES))
        except (ValueError, RecursionError):
            return False
        return str(found.get("schema", "")).startswith(f"{schema}/")

    return is_one


def beginning_with(pattern: bytes) -> Callable[[Path], bool]:
    """A file whose beginning looks like that."""
    expression = re.compile(pattern, re.DOTALL)
    return lambda path: expression.match(head_of(path)) is not None


def _is_stem(path: Path) -> bool:
    """A FLAC file by the tool in the format that stems are written in."""
    head = head_of(path, 42)
    if len(head) < 42 or not head.startswith(b"fLaC") or head[4] & 0x7F:
        return False
    fields = int.from_bytes(head[18:26], "big")  # rate: 20 bits, channels less one: 3, bits less one: 5, samples: 36
    return fields >> 44 == _STEM_RATE_HZ and (fields >> 36 & 0x1F) + 1 == _STEM_BITS and SOUNDS["flac"].is_one(path)


def _is_archive(path: Path) -> bool:
    """A zip with the two members of an archive of an index."""
    if not head_of(path, 4).startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(path) as opened:
            return sorted(opened.namelist()) == ["library.sqlite3", "manifest.json"]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


MARK = "Written by soundtrack"
"""In text formats of other programs, by which the tool tells its files from those of the user."""
XML_HEAD = rb"\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE[^>]*>\s*)?"
"""What may come before the first element of XML."""

CUE_SHEET = Kind("a cue sheet", _document("soundtrack.cuesheet"))
SCENE_SHEET = Kind("a scene sheet", _document("soundtrack.scenes"))
ARCHIVE = Kind("an archive of an index", _is_archive)
STEM = Kind("a stem", _is_stem)
TRAINING = Kind("a training run marker", _document("soundtrack.training"))
SOUNDS = {
    "wav": Kind("an excerpt by soundtrack", beginning_with(rb"RIFF....WAVE.*ITCH.{4}soundtrack")),
    "flac": Kind("an excerpt by soundtrack", beginning_with(rb"fLaC.*(?i:encoded_by)=soundtrack")),
    "mp3": Kind("an excerpt by soundtrack", beginning_with(rb"ID3.*TENC.{6}.?soundtrack")),
}
"""Excerpts by file ending: other sounds of the same format, such as music of the user, are not of the kind."""
SOUND_METADATA = ("-metadata", "encoded_by=soundtrack")
"""Arguments of ffmpeg by which an excerpt is recognised."""
PAGE = Kind("a page of a cue sheet", beginning_with(rb"<!DOCTYPE html>.*<title>Music in "))
MAP_PAGE = Kind("a map of a library", beginning_with(rb"<!DOCTYPE html>.*<title>Map of the music library</title>"))
NIGHTS = {
    "html": Kind("a report of a batch", beginning_with(rb"<!DOCTYPE html>.*<title>Report of scored films</title>")),
    "json": Kind("a report of a batch", _document("soundtrack.night")),
}
"""By file ending."""
PICTURES = {
    "png": Kind("a picture by soundtrack", beginning_with(rb"\x89PNG\r\n\x1a\n.*tEXtSoftware\0soundtrack")),
    "svg": Kind("a picture by soundtrack", beginning_with(XML_HEAD + rb"<svg\s.*<dc:title>soundtrack</dc:title>")),
}
"""By file ending: other pictures, such as photos of the user, are not of the kind."""
PICTURE_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": "soundtrack"},
    "svg": {"Creator": "soundtrack", "Date": None},
}
"""What matplotlib writes into a picture so that it is recognised, by file ending; no date."""
OWN = Kind("a soundtrack file", lambda _: True)
"""For places of soundtrack's own: the cache, the user's models, the folder of a training run."""
