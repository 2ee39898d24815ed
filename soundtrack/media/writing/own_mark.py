"""A mark in every scored film by which the tool knows it again, so that ``--force`` replaces no other film.

Goes in: the container, and a file just written. Comes out: options of ffmpeg, or a few bytes behind the file. mp4 and
mov get a box of the type ``free``, which players pass over (ISO/IEC 14496-12, section 8.1.2), because every tag that
ffmpeg can write into both may be in use by the film. The other containers get a tag; a tag of the film itself is not
replaced. A copy of an mp4 or mov file by another program has no such box, and is the user's.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Container
from pathlib import Path

from soundtrack.errors import SoundtrackError
from soundtrack.files.kinds import Kind, head_of, tail_of
from soundtrack.media.opening import open_container
from soundtrack.media.sandbox import apart

_NAME = b"soundtrack"
_BOX = struct.pack(">I4s", 8 + len(_NAME), b"free") + _NAME
TAG = "scored_by"
"""The tag in Matroska and WebM, in lower case."""
_IN_HEAD = re.compile(rb"(RIFF.*ITCH.{4}|G.*\x48.{3}|.{4}G.*\x48.{3})" + _NAME, re.DOTALL)
"""In AVI the tag; in a transport stream, with packets of 188 or 192 bytes, the descriptor of its service."""
_TAGS = {"matroska": TAG, "webm": TAG, "avi": "encoded_by", "mpegts": "service_provider"}


def mark_args(muxer: str, taken: Container[str] = ()) -> list[str]:
    """Options of ffmpeg that write the mark, for containers with tags.

    Parameters
    ----------
    muxer : str
        ffmpeg's name of the container.
    taken : container of str
        Tags that the film has itself, in lower case.
    """
    tag = _TAGS.get(muxer)
    return [] if tag is None or (tag != TAG and tag in taken) else ["-metadata", f"{tag}={_NAME.decode()}"]


def mark(film: Path, muxer: str) -> None:
    """Add the mark to an mp4 or mov file just written; nothing is done to others."""
    if muxer in ("mp4", "mov"):
        with film.open("ab") as file:
            file.write(_BOX)


def is_marked(film: Path) -> bool:
    """Whether a file has the mark; False where it cannot be read."""
    head = head_of(film)
    if head[4:8] == b"ftyp":
        return tail_of(film, len(_BOX)) == _BOX
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        try:
            return apart(film, _tag, film) == _NAME.decode()
        except SoundtrackError:
            return False
    return _IN_HEAD.match(head) is not None


def _tag(path: Path) -> str | None:
    """What the tag says."""
    with open_container(path) as film:
        return next((value for name, value in film.metadata.items() if name.lower() == TAG), None)


FILM = Kind("a film written by soundtrack", is_marked)
"""A film with the mark; all others are the user's."""
