"""Colours of shots, from very small pictures as they are decoded.

Goes in: pictures with their times, and later the shots. Comes out: how much of each shot is in each cell of a colour
cube. `scene_cuts` puts scene boundaries on the right one of several cuts by them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.types import ByteArray, FloatArray, Shot

N_COLOURS = 27
"""Cells of the colour cube, three levels a channel."""
_LEVELS = 3
_STEP_S = 0.2
"""Time from one sampled picture to the next; the first one after a gap is sampled always."""


class ColourSampler:
    """Remembers the colours of a few pictures a second: 32 bytes for each.

    Examples
    --------
    >>> from soundtrack.types import Span
    >>> sampler = ColourSampler()
    >>> sampler.push(0.0, np.zeros((4, 4, 3), np.uint8))
    >>> float(sampler.of([Shot(0, Span(0.0, 1.0))])[0, 0])
    1.0
    """

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._rows: list[ByteArray] = []

    def push(self, time_s: float, picture: ByteArray) -> None:
        """Look at the next picture, shape (height, width, 3)."""
        if self._times_s and time_s < self._times_s[-1] + _STEP_S - 1e-6:
            return
        levels = (picture // (256 / _LEVELS)).astype(np.int64)
        cells = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
        share = np.bincount(cells.ravel(), minlength=N_COLOURS) / cells.size
        self._times_s.append(time_s)
        self._rows.append(np.round(255 * share).astype(np.uint8))

    def of(self, shots: Sequence[Shot]) -> FloatArray:
        """Share of the pixels of each shot in each cell of the colour cube, shape (n_shots, N_COLOURS).

        A shot between two samples has the colours of the one before its end.
        """
        times_s, rows = np.array(self._times_s), np.array(self._rows, np.float32).reshape(-1, N_COLOURS)
        result = np.zeros((len(shots), N_COLOURS), np.float32)
        for i, shot in enumerate(shots):
            first, last = np.searchsorted(times_s, [shot.span.start_s - 1e-6, shot.span.end_s - 1e-6]).tolist()
            inside = rows[min(first, max(0, last - 1)) : max(last, 1)]
            if len(inside):
                mean = inside.mean(axis=0)
                result[i] = mean / max(float(mean.sum()), 1e-9)
        return result
