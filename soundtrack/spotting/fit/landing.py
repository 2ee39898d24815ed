"""Fit with hit points: climaxes of the track on given moments of the cue.

Goes in: the bars of a track, its strong moments, and when some of them are wanted. Comes out: the sections to play. The
music enters on the cut wherever in a bar that needs; before and after the climax it is joined at bar lines only, as in
`soundtrack.spotting.fit.sections`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.documents.cuesheet import needed_samples
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.chain import Chain, chains
from soundtrack.spotting.fit.climax import Climax
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
from soundtrack.spotting.fit.seams import Ways
from soundtrack.spotting.fit.sections import FADE_COST, SHIFT_COST, WAIT_COST, ends_really
from soundtrack.spotting.fit.tempo_change import at_speed, best_speed
from soundtrack.timebase import samples
from soundtrack.types import BarTable, MusicAnalysis

_WEAKER_COST = 1.0
"""For each unit of strength that a climax lacks of the strongest."""
_DOWNBEAT_COST = 1.2
"""A bar line that is no climax, where several moments are to be hit."""
_STRONG = _DOWNBEAT_COST - 0.01
"""Any climax lacks less than this."""
_LOOP_COST = 0.6
"""Leading up to a climax that comes too early in its track, before it is known how."""
_LEAST_ENTRY = MIX_RATE_HZ
"""A cue does not begin with so few samples before a join; it enters that much earlier in the bars after the join."""
_MOST_PLAIN = 8
"""Number of bar lines tried where no climax can be brought to the only moment."""


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
    hits: Sequence[int],
) -> Fitted | None:
    """A track cut to the length of a cue, with strong moments of it at given samples.

    One moment gets a climax, to the sample, or a bar line where the track has no climax for it. Of several, as many as
    the track allows get one, or another bar line; the first is exact, unless being a little early there brings the
    others within `TOLERANCE_S`.

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
    hits : sequence of int
        Samples at 48 kHz from the cue's start to the moments, ascending.

    Returns
    -------
    Fitted or None
        None where nothing can be brought there.
    """
    inside = sorted({at for at in hits if 0 < at < wanted.n_samples})  # moments may be asked for twice
    grid = grid_of(bars, analysis, duration_s)
    weakness = _weakness(grid, found)
    if not inside or not np.isfinite(weakness).any():
        return None
    exact: dict[float, list[float]] = {}

    def solve(speed: float) -> Fitted | None:
        """The best fit at a speed, counted in samples of the track."""
        scaled = at_speed(wanted, speed)
        moments = [needed_samples(at, speed=speed) for at in inside]
        ending = wanted.end_with_track and ends_really(analysis, scaled)
        best: tuple[Fitted, Chain] | None = None
        for candidates in (_candidates, _plain_lines):
            for chain in candidates(grid, moments, weakness, scaled):
                fitted = _around(grid, chain, scaled, ending=ending)
                if fitted is not None and (best is None or fitted.cost < best[0].cost - 1e-9):
                    best = fitted, chain
            if best is not None:
                break
        if best is None:
            return None
        exact[speed] = _exact_speeds(best[0], best[1], inside, moments, wanted)
        return best[0]

    return best_speed(solve, wanted, grid, better=lambda _, speed: exact.get(speed, ()))


def _weakness(grid: Grid, found: Sequence[Climax]) -> npt.NDArray[np.float64]:
    """What each line lacks of the strongest climax; inf for the first and the last."""
    result = np.full(len(grid.lines), _DOWNBEAT_COST)
    for climax in found:
        line = samples(climax.time_s, sample_rate_hz=MIX_RATE_HZ)
        i = int(np.argmin(np.abs(grid.lines - line)))
        if grid.lines[i] == line:
            result[i] = min(_STRONG, _WEAKER_COST * (found[0].strength - climax.strength))
    result[(grid.lines <= grid.start) | (grid.lines >= grid.end)] = np.inf
    return result


def _candidates(grid: Grid, moments: Sequence[int], weakness: npt.NDArray[np.float64], wanted: Wanted) -> list[Chain]:
    """What may lie on the moments: any climax on a single one, the best chains through several."""
    strong = np.flatnonzero(weakness <= _STRONG)
    if len(moments) == 1:
        return [Chain(int(i), int(i), (), (), moments[0], float(weakness[i]), (0,)) for i in strong]
    ahead = (grid.lines - moments[0]) / MIX_RATE_HZ
    entry = np.where(grid.lines - moments[0] >= grid.start, SHIFT_COST * np.abs(ahead - wanted.start_s), np.inf)
    entry[strong] = np.minimum(entry[strong], _LOOP_COST)
    return chains(grid, moments, weakness=weakness, entry=entry)


def _plain_lines(grid: Grid, moments: Sequence[int], weakness: npt.NDArray[np.float64], wanted: Wanted) -> list[Chain]:
    """Bar lines for a single moment that the music reaches straight from near its wanted start; none for several."""
    if len(moments) > 1:
        return []
    ahead = grid.lines - moments[0]
    able = np.flatnonzero(np.isfinite(weakness) & (ahead >= grid.start))
    order = np.argsort(np.abs(ahead[able] / MIX_RATE_HZ - wanted.start_s), kind="stable")[:_MOST_PLAIN]
    return [Chain(int(i), int(i), (), (), moments[0], float(weakness[i]), (0,)) for i in able[order]]


def _around(grid: Grid, chain: Chain, wanted: Wanted, *, ending: bool) -> Fitted | None:
    """A chain with what leads up to it and what follows; None where nothing can lead up to it."""
    if chain.start <= 0:
        return None
    before = _before(grid, chain.first, chain.start, wanted.start_s)
    if before is None:
        return None
    left = wanted.n_samples - chain.end
    after = _after(grid, chain.last, left, wanted, ending=ending) if left > 0 else None
    spans = list(before.spans)
    for more in (chain.spans, after.spans if after else ()):
        if more:
            spans[-1] = (spans[-1][0], more[0][1])
            spans += more[1:]
    spans[-1] = (spans[-1][0], spans[-1][1] + min(0, left))
    if spans[-1][0] >= spans[-1][1]:
        return None
    qualities = (*before.qualities, *chain.qualities, *(after.qualities if after else ()))
    cost = before.cost + chain.cost + (after.cost if after else FADE_COST * ending)
    return fitted_from(spans, qualities, grid, ends=after is not None and after.ends, cost=cost)


def _exact_speeds(
    fitted: Fitted, chain: Chain, hits: Sequence[int], moments: Sequence[int], wanted: Wanted
) -> list[float]:
    """Speeds at which the same sections would be on the first and the last moment, or would end with the cue."""
    result = []
    if len(hits) > 1:
        apart = moments[-1] - moments[0] + chain.off[-1] - chain.off[0]
        result.append(apart / (hits[-1] - hits[0]))
    if fitted.ends_with_track:
        result.append((fitted.n_samples - moments[-1]) / (wanted.n_samples - hits[-1]) + 1e-6)
    return result


def _before(grid: Grid, i: int, n: int, start_s: float) -> _Part | None:
    """The n samples that lead up to a line: straight on, else over the best seams; None if there is no good one."""
    line = int(grid.lines[i])
    if line - n >= grid.start:
        return _Part([(line - n, line)], (), SHIFT_COST * abs((line - n) / MIX_RATE_HZ - start_s))
    # Played backwards, a jump from b to c is one from c to b.
    backwards = np.ascontiguousarray(grid.quality.T[::-1, ::-1])
    last = len(grid.lines) - 1
    path = long_enough(grid, Ways(backwards), last - i, n, backwards=True)
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
    qualities = tuple(reversed(path.qualities[: len(spans) - 1]))
    tiny = spans[0][1] - spans[0][0]
    if len(spans) > 1 and tiny < _LEAST_ENTRY and spans[1][0] - tiny >= grid.start:
        spans = [(spans[1][0] - tiny, spans[1][1]), *spans[2:]]
        qualities = qualities[1:]
    return _Part(spans, qualities, path.cost)


def _after(grid: Grid, i: int, n: int, wanted: Wanted, *, ending: bool) -> _Part:
    """The n samples from a line on: to the track's real ending if that is wanted and falls right, else to a fade."""
    line = int(grid.lines[i])
    ended = _to_ending(grid, i, n, wanted) if ending else None
    if ended is not None:
        return ended
    missed = FADE_COST if ending else 0.0
    if line + n <= grid.end:
        return _Part([(line, line + n)], (), missed)
    path = long_enough(grid, grid.ways, i, n)
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
