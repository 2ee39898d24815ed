"""Tracks along a drawn line, in order. Pure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from soundtrack.types import FloatArray, TimeArray


def along_path(places: FloatArray, line: TimeArray, *, n: int, among: Collection[int] | None = None) -> list[int]:
    """Positions of tracks along a line, from its start to its end, each once.

    The line is divided into equal steps; each step takes the nearest track that no earlier one took.

    Parameters
    ----------
    places : ndarray, shape=(T, 2), float32
        Where the tracks are.
    line : ndarray, shape=(k, 2), float64
        Corners of the line, at least one.
    n : int >= 1
        Largest number of tracks.
    among : collection of int, optional
        Positions of the tracks that may be taken; all by default.

    Returns
    -------
    list of int
        At most `n`.

    Examples
    --------
    >>> dots = np.array([[0.9, 0], [0, 0.1], [0.5, 0], [0, 0.9]], np.float32)
    >>> along_path(dots, np.array([[0.0, 0.0], [1.0, 0.0]]), n=3)
    [1, 2, 0]
    """
    free = sorted(range(len(places)) if among is None else among)
    steps = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.zeros(0)
    reached = np.concatenate([[0.0], np.cumsum(steps)])
    n = min(n, len(free))
    wanted = np.linspace(0.0, reached[-1], n) if n > 1 else np.array([reached[-1] / 2])
    stops = np.stack([np.interp(wanted, reached, line[:, axis]) for axis in (0, 1)], axis=1)  # (n, 2)
    taken: list[int] = []
    for stop in stops:
        left = [i for i in free if i not in taken]
        taken.append(min(left, key=lambda i: (float(np.hypot(*(places[i] - stop))), i)))
    return taken
