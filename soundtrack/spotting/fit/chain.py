"""Fit to several hit points: from the first to the last over bar lines, with the best seams.

Goes in: the bars of a track, its strong lines, and the moments. Comes out: a few `Chain` of bars, best first. The first
moment is hit to the sample; at the others the line nearest to each may be off by what the bars give, which costs little
up to `TOLERANCE_S` and much beyond. No seam is made within half a bar of a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.grid import Grid
from soundtrack.spotting.merit.view import IntArray

EXACT_S = 0.010
"""Music this near to a moment has hit it."""
TOLERANCE_S = 0.080
"""Music this near to a moment is taken to fall on it: two frames at 25 a second."""
_NEAR_COST = 0.3
"""At the edge of the tolerance."""
_MISS_COST, _FAR_COST = 1.5, 1.0
"""Beyond it, and what is added half a bar away."""
_MOST = 6
"""Number of chains that are looked at."""
_MOST_BARS = 4_000

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chain:
    """Bars from the first moment to behind the last one."""

    first: int
    """Line on the first moment."""
    last: int
    """Line where it stops."""
    spans: tuple[tuple[int, int], ...]
    """Stretches of the track in samples; empty where both lines are the same."""
    qualities: tuple[float, ...]
    """Of the seams between them."""
    start: int
    """Sample of the cue on which the first line falls."""
    cost: float
    """Of seams, of weak lines, and of what is missed."""
    off: tuple[int, ...]
    """How much later than each moment its line falls, in samples."""

    @property
    def end(self) -> int:
        """Sample of the cue at which it stops."""
        return self.start + sum(b - a for a, b in self.spans)


def misfit(off: npt.ArrayLike, half_bar: npt.ArrayLike) -> _Doubles:
    """What being off by n samples costs.

    Examples
    --------
    >>> [round(float(misfit(x, 48_000)), 2) for x in (0, 480, 3_840, 24_000)]
    [0.0, 0.0, 0.3, 2.0]
    """
    off_s = np.abs(np.asarray(off, np.float64)) / MIX_RATE_HZ
    half_s = np.maximum(np.asarray(half_bar, np.float64), 1.0) / MIX_RATE_HZ
    beyond = _MISS_COST + _FAR_COST * np.minimum(1.0, off_s / half_s)
    return np.where(off_s <= EXACT_S, 0.0, np.where(off_s <= TOLERANCE_S, _NEAR_COST * off_s / TOLERANCE_S, beyond))


def chains(grid: Grid, moments: Sequence[int], *, weakness: _Doubles, entry: _Doubles) -> list[Chain]:
    """The best ways from the first of some moments to the last.

    Parameters
    ----------
    grid : Grid
        Of the track.
    moments : sequence of int
        Two or more, ascending, in samples of the cue at the track's tempo.
    weakness : ndarray, shape=(n + 1,), float64
        What each line lacks of being the track's strongest.
    entry : ndarray, shape=(n + 1,), float64
        What it costs to lead up to each line at the first moment; inf where that is impossible.

    Returns
    -------
    list of Chain
        At most a few, cheapest first; none of them may be any good.
    """
    lines, n = grid.lines, len(grid.lines) - 1
    lengths = np.diff(lines)
    wanted = np.asarray(moments, np.int64) - moments[0]
    usual = float(np.median(lengths))
    value, place = -(weakness + entry), np.zeros(n + 1, np.int64)
    came: list[IntArray] = []
    ended: list[tuple[float, int, int]] = []
    gain = grid.ways.gain
    for step in range(1, min(_MOST_BARS, int(2 * wanted[-1] / usual) + 4)):
        near = (np.abs(place[:, None] - wanted[None, :]) < usual / 2).any(axis=1)
        leaving = np.where(near, -np.inf, value)[:, None] + gain[:, :n]
        target = leaving.argmax(axis=0)
        leaps = leaving[target, np.arange(n)] > value[:n]
        source = np.where(leaps, target, np.arange(n))
        reached = np.where(leaps, leaving[target, np.arange(n)], value[:n])
        at = place[source]
        reached = reached - _at_moments(at, lengths, wanted[1:], weakness)
        came.append(source)
        value, place = np.full(n + 1, -np.inf), np.zeros(n + 1, np.int64)
        value[1:], place[1:] = reached, at + lengths
        over = np.flatnonzero((place > wanted[-1]) & np.isfinite(value))
        ended += [(float(value[line]), step, int(line)) for line in over]
        value[over] = -np.inf
        if not np.isfinite(value).any():
            break
    ended.sort(key=lambda found: (-round(found[0], 9), found[1], found[2]))
    return [_walk(grid, came, step, line, moments, cost=-worth) for worth, step, line in ended[:_MOST]]


def _at_moments(at: IntArray, lengths: IntArray, wanted: IntArray, weakness: _Doubles) -> _Doubles:
    """What the moments inside each bar cost if it starts at a place: each counts for the nearer of its lines."""
    cost = np.zeros(len(lengths))
    for moment in wanted.tolist():
        inside = (at <= moment) & (moment < at + lengths)
        early, late = at - moment, at + lengths - moment
        nearer = np.abs(early) <= late
        off = np.where(nearer, early, late)
        weak = np.where(nearer, weakness[:-1], weakness[1:])
        cost += np.where(inside, misfit(off, lengths / 2) + weak, 0.0)
    return cost


def _walk(grid: Grid, came: list[IntArray], step: int, line: int, moments: Sequence[int], *, cost: float) -> Chain:
    """The chain that arrives at a line after n bars."""
    bars: list[int] = []
    at = line
    for k in range(step - 1, -1, -1):
        bars.append(at - 1)
        at = int(came[k][at - 1])
    bars.reverse()
    first = at
    spans: list[tuple[int, int]] = []
    qualities: list[float] = []
    heard, place = [moments[0]], moments[0]
    for i, bar in enumerate(bars):
        low, high = int(grid.lines[bar]), int(grid.lines[bar + 1])
        if i and bar == bars[i - 1] + 1:
            spans[-1] = (spans[-1][0], high)
        else:
            spans.append((low, high))
            if i:
                qualities.append(float(grid.quality[bars[i - 1] + 1, bar]))
        place += high - low
        heard.append(place)
    off = [min((line_at - moment for line_at in heard), key=abs) for moment in moments]
    within = round(TOLERANCE_S * MIX_RATE_HZ)
    middle = -round((max(off) + min(off)) / 2)
    shift = middle if max(map(abs, off)) > within >= max(abs(x + middle) for x in off) else 0
    half = float(np.median(np.diff(grid.lines))) / 2
    if shift:
        cost += float(misfit([x + shift for x in off], half).sum() - misfit(off, half).sum())
    return Chain(first, line, tuple(spans), tuple(qualities), moments[0] + shift, cost, tuple(x + shift for x in off))
