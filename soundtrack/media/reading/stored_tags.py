"""Tags that the tag reader of the library does not know: those of WavPack, True Audio, Matroska and CAF, and APEv2.

Goes in: a path. Comes out: text by field name. Nothing is decoded.
"""

from __future__ import annotations

import os
from pathlib import Path

from soundtrack.errors import InputError
from soundtrack.files.safe_read import open_regular
from soundtrack.media.opening import open_container
from soundtrack.media.sandbox import apart

_MAX_TEXT = 1_000_000
"""Characters; longer texts are left out."""

_APE, _APE_FOOTER_BYTES = b"APETAGEX", 32
_READS_APE = "aac"
"""FFmpeg's format of raw sound that looks for APEv2 tags before it looks at the sound."""


def stored_tags(path: Path) -> dict[str, str]:
    """The tags of a sound file as ffmpeg reads them, with names in lower case; empty where the file cannot be read.

    Parameters
    ----------
    path : Path
        Anything; read in a process apart.
    """
    try:
        return apart(path, _stored_tags, path)
    except InputError:
        return {}


def has_appended_tags(path: Path) -> bool:
    """Whether a file ends in APEv2 tags, which FFmpeg reads of MP3 only through another of its formats."""
    try:
        with open_regular(path) as file:
            file.seek(-_APE_FOOTER_BYTES, os.SEEK_END)
            return file.read().startswith(_APE)
    except (InputError, OSError):
        return False


def appended_tags(path: Path) -> dict[str, str]:
    """APEv2 tags at the end of a file, as `stored_tags`."""
    try:
        return apart(path, _stored_tags, path, _READS_APE)
    except InputError:
        return {}


def _stored_tags(path: Path, demuxer: str | None = None) -> dict[str, str]:
    """The same, in the process that may be lost."""
    with open_container(path, demuxer=demuxer) as container:
        streams = container.streams.audio[:1]
        found = {**(streams[0].metadata if streams else {}), **container.metadata}
        return {name.lower(): text for name, text in found.items() if len(text) <= _MAX_TEXT}
