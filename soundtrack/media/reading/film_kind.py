"""Recognition of films, for ``--force``, by decoding."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from soundtrack.errors import SoundtrackError
from soundtrack.files.kinds import Kind, head_of


def _is_film(path: Path) -> bool:
    """Whether there is a moving picture in it that can be decoded."""
    try:
        now = path.stat()
    except (OSError, ValueError):
        return False
    return _shows_picture(path, (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns))


@lru_cache(maxsize=16)
def _shows_picture(path: Path, _state: tuple[int, ...]) -> bool:
    """The same, found out once for each state of a file: a run asks several times before it replaces one."""
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
