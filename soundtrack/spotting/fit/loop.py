"""A track cut to the exact length of a cue so that the cue's end goes on into its beginning.

Goes in: the bars of a track and a length. Comes out: sections that begin on a bar line inside a loop, play to the
loop's end, join its start, and stop where they began. So the track itself goes on between the last and the first
picture. The length of whole bars is brought to that of the cue by a small change of tempo.
"""

from __future__ import annotations

import math

import numpy as np

from soundtrack.documents.cuesheet import MOST_STRETCHED_S, needed_samples
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.grid import Fitted, Grid, Wanted, fitted_from, grid_of
from soundtrack.spotting.fit.seams import CLEAN, FLOOR
from soundtrack.types import BarTable, MusicAnalysis

_SHORTEST_S = 6.0
"""A shorter loop is not repeated."""
_BEFORE = round(0.03 * MIX_RATE_HZ)
"""At another tempo each end is stretched by itself, and they meet in two short fades: this many samples before a bar
line, whose attack hides them."""
_MOST_REPEATS = 8
_SEAM, _WEAK, _TEMPO, _REPEAT = 3.0, 0.9, 10.0, 0.3
"""What the seam's quality, a seam that is not clean, the share of the tempo, and each further repetition count."""


def fit_loop(bars: BarTable, analysis: MusicAnalysis, *, duration_s: float, wanted: Wanted) -> Fitted | None:
    """A track cut to the length of a cue so that its end goes on into its beginning.

    Parameters
    ----------
    bars : BarTable
        Bar lines and what the bars sound like.
    analysis : MusicAnalysis
        Where music starts and ends, and its sections.
    duration_s : float > 0
        Length of the file.
    wanted : Wanted
        Length, and the largest change of tempo.

    Returns
    -------
    Fitted or None
        As long as wanted, to the sample; None where no whole bars of about that length have a seam good enough.
    """
    grid = grid_of(bars, analysis, duration_s)
    best: tuple[float, int, int, int] | None = None
    lines = grid.lines.astype(np.float64)
    inside = (grid.lines >= grid.start - MIX_RATE_HZ // 10) & (grid.lines <= grid.end)
    for repeats in range(1, _MOST_REPEATS + 1):
        length = wanted.n_samples / repeats
        if repeats > 1 and length < _SHORTEST_S * MIX_RATE_HZ:
            break
        speed = (lines[None, :] - lines[:, None]) / length
        fits = (np.abs(speed - 1) <= wanted.max_stretch) & inside[:, None] & inside[None, :] & (grid.quality.T >= FLOOR)
        for i, j in np.argwhere(fits):
            quality, off = float(grid.quality[j, i]), abs(float(speed[i, j]) - 1)
            value = _SEAM * quality - _WEAK * (quality < CLEAN) - _TEMPO * off - _REPEAT * (repeats - 1)
            if j - i >= 2 and (best is None or value > best[0] + 1e-9):
                best = (value, int(i), int(j), repeats)
    return None if best is None else _turned(grid, analysis, best, wanted)


def _turned(grid: Grid, analysis: MusicAnalysis, found: tuple[float, int, int, int], wanted: Wanted) -> Fitted | None:
    """The loop from a bar line inside it, where a section begins if one does."""
    value, i, j, repeats = found
    marks = np.round(np.array(analysis.sections_s) * MIX_RATE_HZ)
    sections = [m for m in range(i + 1, j) if len(marks) and np.abs(marks - grid.lines[m]).min() < MIX_RATE_HZ // 100]
    middle = sections[0] if sections else i + max(1, (j - i) // 8 * 4 or (j - i) // 2)
    at, first, last = (int(grid.lines[k]) for k in (middle, i, j))
    exact = repeats * (last - first) / wanted.n_samples
    speed = 1.0 if exact == 1.0 else math.floor(exact * 1e6) / 1e6
    if speed != 1.0:
        at = max(first + 1, at - _BEFORE)
    parts = [(at, last), *([(first, last)] * (repeats - 1)), (first, at)]
    needed = wanted.n_samples if speed == 1.0 else needed_samples(wanted.n_samples, speed=speed)
    end = at + needed - repeats * (last - first)
    if end > grid.total or end <= first or any(b - a > (MOST_STRETCHED_S - 1) * MIX_RATE_HZ for a, b in parts):
        return None
    parts[-1] = (first, end)
    quality = float(grid.quality[j, i])
    fitted = fitted_from(parts, (quality,) * repeats, grid, ends=False, cost=_SEAM - value)
    return Fitted(fitted.sections, 0, wanted.n_samples, ends_with_track=False, speed=speed, cost=fitted.cost)
