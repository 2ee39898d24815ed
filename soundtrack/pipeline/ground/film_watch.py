"""Films that come into a folder, each once it is complete.

Goes in: a folder. Comes out: an iterator of films. A file counts as complete when its size and its time of change have
been the same for some seconds: a film that is still being copied grows. The folder is looked at again and again, which
works on network disks as well, where systems notify of no changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from soundtrack.pipeline.ground.film_list import looks_like_a_film

LOOK_S = 2.0
"""Time between two looks at the folder, in seconds."""

REST_S = 6.0
"""A film that did not change for this long is complete, in seconds."""

_State = tuple[int, int, int]


def arrivals(
    folder: Path, *, look_s: float = LOOK_S, rest_s: float = REST_S, stop: Event | None = None
) -> Iterator[Path]:
    """Films of a folder, first those that are there, then those that come; a film that is replaced comes again.

    Parameters
    ----------
    folder : Path
        Its films are found as by `listed_films`; it may go away and come back.
    look_s : float > 0
        Time between two looks, in seconds.
    rest_s : float >= 0
        For how long a film has to stay as it is, in seconds.
    stop : Event, optional
        Ends the iterator when it is set.

    Yields
    ------
    Path
        A film that is complete.
    """
    stop = stop or Event()
    given: dict[Path, _State] = {}
    resting: dict[Path, tuple[_State, float]] = {}
    while not stop.is_set():
        for film, state in _states(folder).items():
            if given.get(film) == state:
                continue
            before, since_s = resting.get(film, (None, 0.0))
            if before != state:
                resting[film] = (state, time.monotonic())
            elif time.monotonic() - since_s >= rest_s:
                given[film] = state
                del resting[film]
                yield film
        stop.wait(look_s)


def _states(folder: Path) -> dict[Path, _State]:
    """Size, time of change and inode of each film of a folder, by name; empty files are left out."""
    found = {}
    try:
        films = sorted(path for path in folder.iterdir() if looks_like_a_film(path))
    except OSError:  # it went away, such as a disk that was unplugged
        return {}
    for film in films:
        try:
            status = film.stat()
        except OSError:
            continue
        if status.st_size:
            found[film] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found
