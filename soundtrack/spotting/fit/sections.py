"""Fit a track to the exact length of its cue.

Goes in: the bars of a track, where in it the plan wants to start, and how many samples at 48 kHz are wanted. Comes
out: the sections to play, in order. The music enters on a bar line, is cut and joined at bar lines only, and where it
should end with the track it ends on the track's real last note. Nothing is stretched unless `Wanted.max_stretch` allows
it and it saves seams or waiting.
"""

from __future__ import annotations

import numpy as np

from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.grid import (
    STOPS_COST,
    Fitted,
    Grid,
    Wanted,
    fitted_from,
    grid_of,
    long_enough,
    to_end,
    trimmed,
)
from soundtrack.spotting.fit.seams import Path
from soundtrack.spotting.fit.tempo_change import at_speed, best_speed
from soundtrack.timebase import samples
from soundtrack.types import BarTable, Ending, MusicAnalysis

LEAST_BEFORE_FADE_S = 45.0
"""A shorter cue does not end on a track's own long fade, which would be most of it."""
FADE_COST = 1.6
"""What a real ending may cost in seams and waiting before a fade is the better end."""
_RING_S = 0.25
"""Time that a last note may ring after its measured end."""
WAIT_COST = 0.35
"""Each second that the music waits after the cut, or is over before the picture."""
_PICKUP_COST = 0.6
"""Entering on another beat than the first of a bar."""
_ABRUPT_COST = 0.15
"""Each bar that is missing from four between the last seam and the ending."""
SHIFT_COST = 0.015
"""Each second between the wanted start and the one taken."""


def fit_track(bars: BarTable, analysis: MusicAnalysis, *, duration_s: float, wanted: Wanted) -> Fitted:
    """A track cut to the length of a cue.

    Parameters
    ----------
    bars : BarTable
        Bar lines (or a fixed grid) and what the bars sound like.
    analysis : MusicAnalysis
        Where music starts and ends, and how it ends.
    duration_s : float > 0
        Length of the file.
    wanted : Wanted
        Length and start.

    Returns
    -------
    Fitted
        As long as wanted, to the sample; shorter only where it ends with the track, or where the track is shorter than
        the cue and no seam is good enough to go on.
    """
    if wanted.n_samples <= 0:
        raise ValueError(f"a cue must have at least one sample, got {wanted.n_samples}")
    grid = grid_of(bars, analysis, duration_s)

    def solve(speed: float) -> Fitted:
        """The fit at a speed, counted in samples of the track."""
        scaled = at_speed(wanted, speed)
        if wanted.end_with_track and ends_really(analysis, scaled):
            ended = _fit_ending(grid, scaled)
            if ended is not None:
                return ended
        missed = FADE_COST if wanted.end_with_track else 0.0
        return _fit_plain(grid, scaled, missed=missed)

    starts = (*_first_bars(grid, wanted.start_s, 2), *_first_bars(grid, grid.start / MIX_RATE_HZ, 1))
    whole = [(grid.end - int(grid.lines[first])) / wanted.n_samples for first in starts]
    fitted = best_speed(solve, wanted, grid, also=whole)
    assert fitted is not None  # at its own tempo a track always fits somehow
    return fitted


def ends_really(analysis: MusicAnalysis, wanted: Wanted) -> bool:
    """Whether the track has an ending that suits a cue of this length."""
    too_short_to_fade = analysis.ending is Ending.FADE and wanted.n_samples < LEAST_BEFORE_FADE_S * MIX_RATE_HZ
    return analysis.ending is not Ending.CUT and not too_short_to_fade


def _first_bars(grid: Grid, start_s: float, n: int) -> list[int]:
    """The bars that start nearest to a time, at or after the start of the music, nearest first."""
    wanted = samples(max(0.0, start_s), sample_rate_hz=MIX_RATE_HZ)
    able = np.flatnonzero((grid.lines[:-1] >= grid.start - MIX_RATE_HZ // 10) & (grid.lines[:-1] < grid.end))
    if not len(able):
        able = np.array([0])
    order = np.argsort(np.abs(grid.lines[able] - wanted), kind="stable")
    return [int(able[i]) for i in order[:n]]


def _fit_plain(grid: Grid, wanted: Wanted, *, missed: float) -> Fitted:
    """Sections that fill the whole cue; its end is left to a fade, which may cost something."""
    first = _first_bars(grid, wanted.start_s, 1)[0]
    n = wanted.n_samples
    if grid.lines[first] + n > grid.end:
        earlier = np.flatnonzero((grid.lines[:-1] + n <= grid.end) & (grid.lines[:-1] >= grid.start))
        if len(earlier):
            first = int(earlier[-1])
        elif grid.end - grid.start >= n:
            return fitted_from([(grid.end - n, grid.end)], (), grid, ends=False, cost=missed)
    at = int(grid.lines[first])
    if at + n <= grid.end:
        return fitted_from([(at, at + n)], (), grid, ends=False, cost=missed)
    for start in dict.fromkeys((first, *_first_bars(grid, grid.start / MIX_RATE_HZ, 1))):
        path = long_enough(grid, grid.ways, start, n)
        if path is not None:
            parts = trimmed(grid, path, n)
            seams = path.cost * (len(parts) - 1) / max(1, len(path.qualities))
            return fitted_from(parts, path.qualities, grid, ends=False, cost=missed + seams)
    first = _first_bars(grid, grid.start / MIX_RATE_HZ, 1)[0]
    at = int(grid.lines[first])
    end = min(grid.end, at + n) if grid.end > at else min(grid.total, at + n)
    return fitted_from([(at, end)], (), grid, ends=False, cost=missed + STOPS_COST)


def _fit_ending(grid: Grid, wanted: Wanted) -> Fitted | None:
    """Sections that end with the track, or None where a fade is better."""
    n, rate = wanted.n_samples, MIX_RATE_HZ
    usual = float(np.median(np.diff(grid.lines)))
    tail = max(0, grid.end - int(grid.lines[-1]))
    best: tuple[float, int, Path, int] | None = None
    for first in dict.fromkeys((*_first_bars(grid, wanted.start_s, 4), *_ending_bars(grid, n))):
        shift = abs(float(grid.lines[first]) / rate - wanted.start_s) * SHIFT_COST
        around = round((n - tail) / usual)
        for n_bars in range(max(1, around - 2), around + 2):
            path = grid.ways.best(first=first, n_bars=n_bars, must_end=True)
            if path is None or path.cost + shift >= FADE_COST or grid.lines[path.runs[-1][0]] >= grid.end:
                continue
            length = sum(b - a for a, b in to_end(grid, path))
            for pickup, extra in _pickups(grid, first):
                spare = n - length - pickup
                lead, trail = (spare, 0) if spare <= wanted.max_lead_s * rate else (0, spare)
                if spare < 0 or trail > wanted.max_trail_s * rate:
                    continue
                abrupt = _ABRUPT_COST * max(0, 4 - (path.runs[-1][1] - path.runs[-1][0]))
                cost = path.cost + shift + extra + abrupt + WAIT_COST * spare / rate
                if cost < FADE_COST and (best is None or cost < best[0] - 1e-9):
                    best = (cost, lead, path, pickup)
    if best is None:
        return None
    cost, lead, path, pickup = best
    parts = to_end(grid, path)
    parts[0] = (parts[0][0] - pickup, parts[0][1])
    ring = min(n - lead - sum(b - a for a, b in parts), grid.total - grid.end, int(_RING_S * rate))
    parts[-1] = (parts[-1][0], parts[-1][1] + max(0, ring))
    fitted = fitted_from(parts, path.qualities, grid, ends=True)
    return Fitted(fitted.sections, lead, fitted.n_samples, ends_with_track=True, cost=cost)


def _ending_bars(grid: Grid, n: int) -> list[int]:
    """The bars from which the track plays through to its end in about n samples."""
    if grid.end < n:
        return []
    return [int(i) for i in np.argsort(np.abs(grid.end - grid.lines[:-1] - n), kind="stable")[:2]]


def _pickups(grid: Grid, first: int) -> list[tuple[int, float]]:
    """Samples by which the music may start before a bar line, on which beat of the bar before, and what that costs."""
    line = int(grid.lines[first])
    floor = int(grid.lines[first - 1]) if first > 0 else max(grid.start, line - MIX_RATE_HZ * 2)
    inside = grid.beats[(grid.beats > floor + MIX_RATE_HZ // 50) & (grid.beats < line - MIX_RATE_HZ // 50)]
    return [(0, 0.0), *((line - int(beat), _PICKUP_COST) for beat in inside if first > 0)]
