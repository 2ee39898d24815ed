"""Recognition of films, for ``--force``, by decoding."""

from __future__ import annotations

from pathlib import Path

from soundtrack.errors import SoundtrackError
from soundtrack.files.kinds import Kind, head_of


def _is_film(path: Path) -> bool:
    """Whether there is a moving picture in it that can be decoded."""
    from soundtrack.media.reading.probe import probe

    if not head_of(path, 1):
        return False
    try:
        probe(path)
    except SoundtrackError:
        return False
    return True


FILM = Kind("a film", _is_film)
"""Anything with a moving picture."""
