"""Bars of a track in samples at 48 kHz, the requirements of a cue, and the resulting sections.

The shared ground of `soundtrack.spotting.fit.sections` and `soundtrack.spotting.fit.landing`, which look for the
sections, and of `soundtrack.spotting.fit.tempo_change`, which lets them try other speeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.seams import MAX_BARS, Path, Ways, jump_qualities
from soundtrack.spotting.merit.view import IntArray
from soundtrack.timebase import sample_numbers, samples, seconds
from soundtrack.types import BarTable, MusicAnalysis, Section, Span

SEAM_S = 0.06
"""Length of the join at a seam: long enough not to click, too short to hear two beats."""
STOPS_COST = 3.0
"""Music that is over before the cue, for want of a good seam."""
_MOST_BARS = 20_000
"""Of a cue."""
_LEAST_RUN = MIX_RATE_HZ // 2
"""A cue does not join into so few samples at its end; it plays on and fades."""


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
    max_stretch: float = 0.0
    """By how much of its tempo the track may be played faster or slower, such as 0.02."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A track cut to length."""

    sections: tuple[Section, ...]
    """In order."""
    lead_samples: int
    """Samples at 48 kHz that the music waits before it enters."""
    n_samples: int
    """Length of all sections together on the film; with `lead_samples` at most what was wanted."""
    ends_with_track: bool
    """Whether it ends on the track's real ending, so that no fade is needed."""
    speed: float = 1.0
    """At which the sections are played, to six decimals."""
    cost: float = 0.0
    """What its seams, its waiting and the missing of its goals cost."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A track's bars in samples; made by `grid_of`."""

    lines: IntArray
    """Bar lines, ascending, shape (n + 1,)."""
    beats: IntArray
    """Beats, ascending."""
    quality: npt.NDArray[np.float64]
    """Of jumps between lines, shape (n + 1, n + 1)."""
    ways: Ways
    """Over these jumps."""
    start: int
    """Where music starts."""
    end: int
    """Where music ends."""
    total: int
    """Length of the file."""


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
    return Grid(lines, beats, quality, Ways(quality), start, end, total)


def long_enough(grid: Grid, ways: Ways, first: int, n: int, *, backwards: bool = False) -> Path | None:
    """The best way from a bar that lasts n samples at least; None if all ways need a seam that is not good enough.

    Counted in usual bars at first: a short one, as at a track's end, would ask for several times the music.
    """
    lines = (grid.lines[-1] - grid.lines)[::-1] if backwards else grid.lines
    usual = max(1, round(float(np.median(np.diff(lines)))))
    n_bars, lasts, path = 0, 0, None

    def lasting(path: Path) -> int:
        """Its samples."""
        return sum(int(lines[b] - lines[a]) for a, b in path.runs)

    while lasts < n and n_bars < _MOST_BARS:
        n_bars = min(n_bars + 1 + (n - lasts) // usual, _MOST_BARS)
        path = ways.best(first=first, n_bars=n_bars, must_end=False)
        if path is None:
            return None
        lasts = lasting(path)
    other = None if path is None else ways.varied(first=first, n_bars=n_bars)
    return other if other is not None and lasting(other) >= n else path


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


def to_end(grid: Grid, path: Path) -> list[tuple[int, int]]:
    """The runs of a path in samples, the last one up to the end of the music."""
    parts = [(int(grid.lines[a]), int(grid.lines[b])) for a, b in path.runs]
    parts[-1] = (parts[-1][0], grid.end)
    return parts


def fitted_from(
    parts: list[tuple[int, int]], qualities: tuple[float, ...], grid: Grid, *, ends: bool, cost: float = 0.0
) -> Fitted:
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
    return Fitted(tuple(sections), 0, sum(b - a for a, b in parts), ends_with_track=ends, cost=cost)
