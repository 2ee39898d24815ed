"""Musical fit with a goal: a climax of the track falls on a chosen moment of the cue, to the sample.

Goes in: the bars of a track, its strong moments, and when one of them is wanted. Comes out: the sections to play. The
music enters on the cut wherever in a bar that needs; before and after the climax it is joined at bar lines only, as in
`soundtrack.spotting.fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.climax import Climax
from soundtrack.spotting.fit import FADE_COST, SHIFT_COST, WAIT_COST, ends_really
from soundtrack.spotting.grid import STOPS_COST, Fitted, Grid, Wanted, fitted_from, grid_of, to_end, trimmed
from soundtrack.spotting.seams import Ways
from soundtrack.timebase import samples
from soundtrack.types import BarTable, MusicAnalysis

_WEAKER_COST = 1.0
"""For each unit of strength that a climax lacks of the strongest."""
_MOST_BARS = 20_000


@dataclass(frozen=True, slots=True)
class _Part:
    """One side of the climax: stretches in samples, the seams between them, and what they cost."""

    spans: list[tuple[int, int]]
    qualities: tuple[float, ...]
    cost: float
    ends: bool = False


def land(
    bars: BarTable,
    analysis: MusicAnalysis,
    *,
    duration_s: float,
    wanted: Wanted,
    found: Sequence[Climax],
    at: int,
) -> Fitted | None:
    """A track cut to the length of a cue, with one of its strong moments at a given sample.

    Parameters
    ----------
    bars, analysis : BarTable, MusicAnalysis
        As in `fit_track`.
    duration_s : float > 0
        Length of the file.
    wanted : Wanted
        Length and start; the music never waits.
    found : sequence of Climax
        Of the track, strongest first.
    at : int
        Samples at 48 kHz from the cue's start to the moment.

    Returns
    -------
    Fitted or None
        None where no climax can be brought there.
    """
    if not 0 < at < wanted.n_samples:
        return None
    grid = grid_of(bars, analysis, duration_s)
    ending = wanted.end_with_track and ends_really(analysis, wanted)
    best: tuple[float, _Part, _Part] | None = None
    for climax in found:
        line = samples(climax.time_s, sample_rate_hz=MIX_RATE_HZ)
        i = int(np.argmin(np.abs(grid.lines - line)))
        if grid.lines[i] != line or not grid.start < line < grid.end:
            continue
        before = _before(grid, i, at, wanted.start_s)
        if before is None:
            continue
        after = _after(grid, i, wanted.n_samples - at, wanted, ending=ending)
        cost = before.cost + after.cost + _WEAKER_COST * (found[0].strength - climax.strength)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, before, after)
    if best is None:
        return None
    _, before, after = best
    spans = [*before.spans[:-1], (before.spans[-1][0], after.spans[0][1]), *after.spans[1:]]
    return fitted_from(spans, (*before.qualities, *after.qualities), grid, ends=after.ends)


def _before(grid: Grid, i: int, n: int, start_s: float) -> _Part | None:
    """The n samples that lead up to a line: straight on, else over the best seams; None if there is no good one."""
    line = int(grid.lines[i])
    if line - n >= grid.start:
        return _Part([(line - n, line)], (), SHIFT_COST * abs((line - n) / MIX_RATE_HZ - start_s))
    # Played backwards, a jump from b to c is one from c to b.
    backwards = np.ascontiguousarray(grid.quality.T[::-1, ::-1])
    last = len(grid.lines) - 1
    path = Ways(backwards).best(first=last - i, n_bars=_enough_bars(grid, n), must_end=False)
    if path is None:
        return None
    spans: list[tuple[int, int]] = []
    left = n
    for first, end in path.runs:
        low, high = int(grid.lines[last - end]), int(grid.lines[last - first])
        length = min(left, high - low)
        spans.insert(0, (high - length, high))
        left -= length
        if left == 0:
            break
    return _Part(spans, tuple(reversed(path.qualities[: len(spans) - 1])), path.cost)


def _after(grid: Grid, i: int, n: int, wanted: Wanted, *, ending: bool) -> _Part:
    """The n samples from a line on: to the track's real ending if that is wanted and falls right, else to a fade."""
    line = int(grid.lines[i])
    ended = _to_ending(grid, i, n, wanted) if ending else None
    if ended is not None:
        return ended
    missed = FADE_COST if ending else 0.0
    if line + n <= grid.end:
        return _Part([(line, line + n)], (), missed)
    path = grid.ways.best(first=i, n_bars=_enough_bars(grid, n), must_end=False)
    if path is None:
        return _Part([(line, grid.end)], (), missed + STOPS_COST)
    return _Part(trimmed(grid, path, n), path.qualities, missed + path.cost)


def _to_ending(grid: Grid, i: int, n: int, wanted: Wanted) -> _Part | None:
    """From a line to the track's last note, at most `Wanted.max_trail_s` before the n samples are over."""
    usual = float(np.median(np.diff(grid.lines)))
    around = round((n - max(0, grid.end - int(grid.lines[-1]))) / usual)
    best: _Part | None = None
    for n_bars in range(max(1, around - 2), around + 3):
        path = grid.ways.best(first=i, n_bars=n_bars, must_end=True)
        if path is None or grid.lines[path.runs[-1][0]] >= grid.end:
            continue
        spans = to_end(grid, path)
        spare = n - sum(b - a for a, b in spans)
        cost = path.cost + WAIT_COST * spare / MIX_RATE_HZ
        fits = 0 <= spare <= wanted.max_trail_s * MIX_RATE_HZ and cost < FADE_COST
        if fits and (best is None or cost < best.cost - 1e-9):
            best = _Part(spans, path.qualities, cost, ends=True)
    return best


def _enough_bars(grid: Grid, n: int) -> int:
    """So many bars are never shorter than n samples, within reason."""
    return min(-(-n // max(1, int(np.min(np.diff(grid.lines))))) + 1, _MOST_BARS)
