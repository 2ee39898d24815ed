"""The best span of a track of a given length: strong, on bars and complete, or a loop.

Goes in: the bars of a track and their levels. Comes out: where to begin, where the last bar ends, and how long what
follows may ring. A stretch begins on a bar line, best where a section begins; its last bar ends where the next section
or phrase would begin, and what is left of the wanted length is a fade, or it is the track's own ending. A loop is whole
bars, whose last goes on into the first one as the track does somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.spotting.fit.seams import CLEAN, FLOOR, jump_qualities, likeness
from soundtrack.types import BarTable, Ending, FloatArray, MusicAnalysis, Span

RING_S = 0.3
"""After its last bar a stretch fades for at least this long."""
LOOP_OFF = 0.15
"""A loop is longer or shorter than wanted by no more than this share, or half a bar."""
_SAME_S = 0.01
_QUIET_DB, _DEAD_DB = 12.0, 25.0
"""Under the track's loud bars: where strength is 0, and where a bar counts as a hole."""
_HOOK, _SECTION, _PHRASE, _LIFT, _HOLE, _REAL = 0.5, 0.3, 0.12, 0.2, 0.5, 0.25
_LIFT_DB = 6.0
_SEAM, _WEAK, _LENGTH = 3.0, 0.9, 2.0
_FADES_S = 12.0

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a track."""

    span: Span
    """From the first bar line to the end of what is heard, track clock."""
    bars_end_s: float
    """Where the last whole bar ends, track clock; from there on it fades unless it is the track's own ending."""
    n_bars: int
    """Whole bars, at least 1."""
    ends_with_track: bool = False
    """Whether it ends on the track's real ending, so that no fade is needed."""
    loop_quality: float | None = None
    """How well the end goes on into the beginning, in [0, 1]; None where it is no loop."""


def best_excerpt(bars: BarTable, analysis: MusicAnalysis, levels_db: FloatArray, *, wanted_s: float) -> Excerpt | None:
    """The best stretch of at most a length.

    Parameters
    ----------
    bars : BarTable
        n bars.
    analysis : MusicAnalysis
        Sections, and how the track ends.
    levels_db : ndarray, shape=(n,), float32
        Mean level of each bar.
    wanted_s : float > 0
        In seconds.

    Returns
    -------
    Excerpt or None
        As long as wanted; shorter by less than a bar where it ends with the track. None if the track is shorter than
        wanted, or has no two bar lines within that length.
    """
    ground = _Ground(bars, analysis, levels_db)
    lines, end_s = ground.lines, analysis.music_end_s
    ring_s = min(RING_S, wanted_s / 10)
    best: tuple[float, Excerpt] | None = None
    for i in range(len(lines) - 1):
        start_s = float(lines[i])
        if start_s < analysis.music_start_s - 0.1 or start_s >= end_s:
            continue
        j = int(np.searchsorted(lines, start_s + wanted_s - ring_s + _SAME_S, side="right")) - 1
        if start_s + wanted_s <= end_s + _SAME_S and j > i:
            found = Excerpt(Span(start_s, start_s + wanted_s), float(lines[j]), j - i)
            value = ground.worth(i, j) + _SECTION * (j in ground.sections)
        elif (
            analysis.ending is Ending.HARD
            and end_s - start_s <= wanted_s
            and i > 0
            and end_s - float(lines[i - 1]) > wanted_s
        ):
            found = Excerpt(Span(start_s, end_s), end_s, len(lines) - 1 - i, ends_with_track=True)
            value = ground.worth(i, len(lines) - 1) + _SECTION + _REAL
        else:
            continue
        if best is None or value > best[0] + 1e-9:
            best = (value, found)
    return None if best is None else best[1]


def best_loop(bars: BarTable, analysis: MusicAnalysis, levels_db: FloatArray, *, wanted_s: float) -> Excerpt | None:
    """The best stretch of whole bars about as long as wanted whose end goes on into its beginning.

    Parameters are those of `best_excerpt`. None where no stretch of about that length has a seam good enough.
    """
    ground = _Ground(bars, analysis, levels_db)
    lines, quality = ground.lines, jump_qualities(bars, ending=analysis.ending)
    off_s = max(LOOP_OFF * wanted_s, float(np.median(np.diff(lines))) / 2)
    best: tuple[float, Excerpt] | None = None
    for i in range(len(lines) - 1):
        first = int(np.searchsorted(lines, lines[i] + wanted_s - off_s))
        last = int(np.searchsorted(lines, lines[i] + wanted_s + off_s, side="right"))
        for j in range(max(first, i + 1), last):
            if quality[j, i] < FLOOR:
                continue
            off = abs(float(lines[j] - lines[i]) - wanted_s) / wanted_s
            value = ground.worth(i, j) + _SEAM * float(quality[j, i]) - _LENGTH * off
            value -= _WEAK * (quality[j, i] < CLEAN)
            if best is None or value > best[0] + 1e-9:
                span = Span(float(lines[i]), float(lines[j]))
                best = (value, Excerpt(span, span.end_s, j - i, loop_quality=round(float(quality[j, i]), 4)))
    return None if best is None else best[1]


class _Ground:
    """The bars of a track and what each is worth."""

    def __init__(self, bars: BarTable, analysis: MusicAnalysis, levels_db: FloatArray) -> None:
        self.lines: _Doubles = bars.bar_starts_s
        level = np.asarray(levels_db, np.float64)
        self._under = np.clip(float(np.percentile(level, 90)) - level, 0.0, None)
        alike = likeness(bars.features).mean(axis=1)
        spread = float(alike.max() - alike.min())
        hook = (alike - alike.min()) / spread if spread > 1e-6 else np.zeros(len(alike))
        fading = (analysis.ending is Ending.FADE) * (self.lines[1:] > analysis.music_end_s - _FADES_S)
        strength = 1 - np.minimum(self._under / _QUIET_DB, 1.0) + _HOOK * hook
        strength = strength - _HOLE * ((self._under > _DEAD_DB) | fading)
        self._sum = np.concatenate([[0.0], np.cumsum(strength)])
        marks = np.array(analysis.sections_s)
        near = np.abs(self.lines[:, None] - marks[None, :]).min(axis=1, initial=np.inf) < _SAME_S
        self.sections = frozenset(np.flatnonzero(near).tolist())

    def worth(self, i: int, j: int) -> float:
        """What the bars from line i to line j are worth together."""
        mean = float(self._sum[j] - self._sum[i]) / (j - i)
        lift = 0.0 if i == 0 else float(self._under[i - 1] - self._under[i])
        phrase = _PHRASE * (((j - i) % 4 == 0) + ((j - i) % 8 == 0))
        return mean + _SECTION * (i in self.sections) + phrase + _LIFT * float(np.clip(lift / _LIFT_DB, 0.0, 1.0))
