"""Tags of containers that the tag reader of the library does not know, such as WavPack, True Audio, Matroska and CAF.

Goes in: a path. Comes out: text by field name. Nothing is decoded.
"""

from __future__ import annotations

from pathlib import Path

from soundtrack.errors import InputError
from soundtrack.media.opening import open_container
from soundtrack.media.sandbox import apart

_MAX_TEXT = 1_000_000
"""Characters; longer texts are left out."""


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


def _stored_tags(path: Path) -> dict[str, str]:
    """The same, in the process that may be lost."""
    with open_container(path) as container:
        streams = container.streams.audio[:1]
        found = {**(streams[0].metadata if streams else {}), **container.metadata}
        return {name.lower(): text for name, text in found.items() if len(text) <= _MAX_TEXT}
