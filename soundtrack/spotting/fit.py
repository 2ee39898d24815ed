"""Musical fit: how a track becomes exactly as long as its cue.

Goes in: the bars of a track, where in it the plan wants to start, and how many samples at 48 kHz are wanted. Comes
out: the sections to play, in order. The music enters on a bar line, is cut and joined at bar lines only, and where it
should end with the track it ends on the track's real last note. Nothing is stretched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.seams import MAX_BARS, Path, best_way, jump_qualities
from soundtrack.spotting.view import IntArray
from soundtrack.timebase import sample_numbers, samples, seconds
from soundtrack.types import BarTable, Ending, MusicAnalysis, Section, Span

SEAM_S = 0.06
"""Length of the join at a seam: long enough not to click, too short to hear two beats."""
LEAST_BEFORE_FADE_S = 45.0
"""A shorter cue does not end on a track's own long fade, which would be most of it."""
FADE_COST = 1.6
"""What a real ending may cost in seams and waiting before a fade is the better end."""
_LEAST_RUN = MIX_RATE_HZ // 2
"""A cue does not join into so few samples at its end; it plays on and fades."""
_RING_S = 0.25
"""A last note may ring so much longer than its measured end."""
WAIT_COST = 0.35
"""Each second that the music waits after the cut, or is over before the picture."""
_PICKUP_COST = 0.6
"""Entering on another beat than the first of a bar."""
_ABRUPT_COST = 0.15
"""Each bar that is missing from four between the last seam and the ending."""
SHIFT_COST = 0.015
"""Each second between the wanted start and the one taken."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cue needs of a track."""

    n_samples: int
    """Length at 48 kHz, above 0."""
    start_s: float
    """Where the plan would start, track clock."""
    end_with_track: bool = False
    """Whether the cue should end on the track's real ending."""
    max_lead_s: float = 0.0
    """How long the music may wait after the cut so that its ending falls right."""
    max_trail_s: float = 1.5
    """How long before the cue's end the track's real ending may lie."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A track cut to length."""

    sections: tuple[Section, ...]
    """In order."""
    lead_samples: int
    """Samples at 48 kHz that the music waits before it enters."""
    n_samples: int
    """Length of all sections together; with `lead_samples` at most what was wanted."""
    ends_with_track: bool
    """Whether it ends on the track's real ending, so that no fade is needed."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A track's bars in samples; made by `grid_of`."""

    lines: IntArray
    """Bar lines, ascending, shape (n + 1,)."""
    beats: IntArray
    """Beats, ascending."""
    quality: npt.NDArray[np.float64]
    """Of jumps between lines, shape (n + 1, n + 1)."""
    start: int
    """Where music starts."""
    end: int
    """Where music ends."""
    total: int
    """Length of the file."""


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
    if wanted.end_with_track and ends_really(analysis, wanted):
        ended = _fit_ending(grid, wanted)
        if ended is not None:
            return ended
    return _fit_plain(grid, wanted)


def ends_really(analysis: MusicAnalysis, wanted: Wanted) -> bool:
    """Whether the track has an ending that suits a cue of this length."""
    too_short_to_fade = analysis.ending is Ending.FADE and wanted.n_samples < LEAST_BEFORE_FADE_S * MIX_RATE_HZ
    return analysis.ending is not Ending.CUT and not too_short_to_fade


def grid_of(bars: BarTable, analysis: MusicAnalysis, duration_s: float) -> Grid:
    """The bars in samples, inside the file, with at least one bar."""
    total = max(1, int(duration_s * MIX_RATE_HZ + 1e-4))
    end = min(total, samples(analysis.music_end_s, sample_rate_hz=MIX_RATE_HZ))
    start = min(samples(analysis.music_start_s, sample_rate_hz=MIX_RATE_HZ), max(0, end - 1))
    if end <= start:
        start, end = 0, total
    lines = sample_numbers(bars.bar_starts_s, sample_rate_hz=MIX_RATE_HZ)
    n = min(len(bars.features), len(lines) - 1, MAX_BARS)
    inside = np.flatnonzero((lines[: n + 1] >= 0) & (lines[: n + 1] <= total)) if n > 0 else np.zeros(0, np.int64)
    if len(inside) >= 2 and np.all(np.diff(lines[inside]) > 0):
        first, last = int(inside[0]), int(inside[-1])
        table = BarTable(bar_starts_s=bars.bar_starts_s[first : last + 1], features=bars.features[first:last])
        lines = lines[first : last + 1]
    else:
        table = BarTable(bar_starts_s=np.array([start, end]) / MIX_RATE_HZ, features=np.ones((1, 1), np.float32))
        lines = np.array([start, end], np.int64)
    quality = jump_qualities(table, ending=analysis.ending)
    beats = sample_numbers(analysis.beats_s, sample_rate_hz=MIX_RATE_HZ)
    return Grid(lines, beats, quality, start, end, total)


def _first_bars(grid: Grid, start_s: float, n: int) -> list[int]:
    """The bars that start nearest to a time, at or after the start of the music, nearest first."""
    wanted = samples(max(0.0, start_s), sample_rate_hz=MIX_RATE_HZ)
    able = np.flatnonzero((grid.lines[:-1] >= grid.start - MIX_RATE_HZ // 10) & (grid.lines[:-1] < grid.end))
    if not len(able):
        able = np.array([0])
    order = np.argsort(np.abs(grid.lines[able] - wanted), kind="stable")
    return [int(able[i]) for i in order[:n]]


def _fit_plain(grid: Grid, wanted: Wanted) -> Fitted:
    """Sections that fill the whole cue; its end is left to a fade."""
    first = _first_bars(grid, wanted.start_s, 1)[0]
    n = wanted.n_samples
    if grid.lines[first] + n > grid.end:
        earlier = np.flatnonzero((grid.lines[:-1] + n <= grid.end) & (grid.lines[:-1] >= grid.start))
        if len(earlier):
            first = int(earlier[-1])
        elif grid.end - grid.start >= n:
            return fitted_from([(grid.end - n, grid.end)], (), grid, ends=False)
    at = int(grid.lines[first])
    if at + n <= grid.end:
        return fitted_from([(at, at + n)], (), grid, ends=False)
    shortest = max(1, int(np.min(np.diff(grid.lines))))
    for start in dict.fromkeys((first, *_first_bars(grid, grid.start / MIX_RATE_HZ, 1))):
        path = best_way(grid.quality, first=start, n_bars=min(-(-n // shortest) + 1, 20_000), must_end=False)
        if path is not None:
            return fitted_from(trimmed(grid, path, n), path.qualities, grid, ends=False)
    first = _first_bars(grid, grid.start / MIX_RATE_HZ, 1)[0]
    at = int(grid.lines[first])
    end = min(grid.end, at + n) if grid.end > at else min(grid.total, at + n)
    return fitted_from([(at, end)], (), grid, ends=False)


def trimmed(grid: Grid, path: Path, n: int) -> list[tuple[int, int]]:
    """The runs of a path in samples, cut off after n samples."""
    result: list[tuple[int, int]] = []
    left = n
    for first, last in path.runs:
        at = int(grid.lines[first])
        length = min(left, int(grid.lines[last]) - at)
        result.append((at, at + length))
        left -= length
        if left == 0:
            break
    if len(result) > 1 and result[-1][1] - result[-1][0] < _LEAST_RUN and result[-2][1] + _LEAST_RUN <= grid.total:
        tiny = result.pop()
        result[-1] = (result[-1][0], result[-1][1] + tiny[1] - tiny[0])
    return result


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
            path = best_way(grid.quality, first=first, n_bars=n_bars, must_end=True)
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
    _, lead, path, pickup = best
    parts = to_end(grid, path)
    parts[0] = (parts[0][0] - pickup, parts[0][1])
    ring = min(n - lead - sum(b - a for a, b in parts), grid.total - grid.end, int(_RING_S * rate))
    parts[-1] = (parts[-1][0], parts[-1][1] + max(0, ring))
    fitted = fitted_from(parts, path.qualities, grid, ends=True)
    return Fitted(fitted.sections, lead, fitted.n_samples, ends_with_track=True)


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


def to_end(grid: Grid, path: Path) -> list[tuple[int, int]]:
    """The runs of a path in samples, the last one up to the end of the music."""
    parts = [(int(grid.lines[a]), int(grid.lines[b])) for a, b in path.runs]
    parts[-1] = (parts[-1][0], grid.end)
    return parts


def fitted_from(parts: list[tuple[int, int]], qualities: tuple[float, ...], grid: Grid, *, ends: bool) -> Fitted:
    """Sections from sample positions."""
    sections = []
    for i, (first, last) in enumerate(parts):
        span = Span(seconds(first, sample_rate_hz=MIX_RATE_HZ), seconds(last, sample_rate_hz=MIX_RATE_HZ))
        if i + 1 == len(parts):
            sections.append(Section(track=span))
            continue
        room = min(parts[i + 1][0], grid.total - last, (last - first) // 2, (parts[i + 1][1] - parts[i + 1][0]) // 2)
        seam_s = round(min(SEAM_S, 2 * room / MIX_RATE_HZ), 6)
        sections.append(Section(track=span, seam_s=seam_s, seam_quality=round(qualities[i], 4)))
    return Fitted(tuple(sections), 0, sum(b - a for a, b in parts), ends_with_track=ends)
