"""Climaxes of a track: bar lines where it becomes and stays louder and more excited.

Goes in: a track and its bars. Comes out: its `Climax` lines, strongest first; none where nothing stands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundtrack.audio.music.structure import bar_levels_db
from soundtrack.spotting.fit.seams import MAX_BARS
from soundtrack.types import BarTable, Section, Segment, TimeArray

CLEAR = 0.25
"""A line of less strength is no climax: as much as 2 dB louder than before and than the rest of the track."""
MOST = 6
"""Maximum number considered per track."""
_NEAR_BEST = 0.6
"""Share of the strongest line's strength that others must have."""
_RISE_DB, _HEIGHT_DB = 12.0, 24.0
"""A rise by this amount, and this distance above the track's mean, each count 1."""
_EXCITED = 0.5
"""What being more excited than the track's mean counts, beside becoming so."""
_AROUND_S = 8.0
"""Seconds before and after a line over which arousal is compared."""


@dataclass(frozen=True, slots=True)
class Climax:
    """A bar line that the music has worked up to."""

    time_s: float
    """Track clock."""
    strength: float
    """At least `CLEAR`; about 1 where the music rises by 8 dB out of calm."""


def climaxes(bars: BarTable, segments: Sequence[Segment]) -> tuple[Climax, ...]:
    """The strong moments of a track.

    Parameters
    ----------
    bars : BarTable
        Bar lines and the level of each bar.
    segments : sequence of Segment
        With the arousal of each stretch.

    Returns
    -------
    tuple of Climax
        Strongest first, no two on neighbouring lines; empty where nothing stands out.
    """
    n = min(len(bars.features), len(bars.bar_starts_s) - 1, MAX_BARS)
    if n < 2:
        return ()
    lines = np.asarray(bars.bar_starts_s[: n + 1], np.float64)
    strength = _strengths(lines, bar_levels_db(bars.features[:n]).astype(np.float64), segments)
    padded = np.concatenate([[-np.inf], strength, [-np.inf]])
    peak = (strength >= padded[:-2]) & (strength > padded[2:])
    floor = max(CLEAR, _NEAR_BEST * float(strength.max()))
    found = np.flatnonzero(peak & (strength >= floor))
    found = found[np.argsort(-np.round(strength[found], 6), kind="stable")][:MOST]
    return tuple(Climax(float(lines[i + 1]), float(strength[i])) for i in found)


def _strengths(lines: TimeArray, level_db: TimeArray, segments: Sequence[Segment]) -> TimeArray:
    """Strength of each inner bar line, shape (n - 1,)."""
    n, middle_db = len(level_db), float(np.median(level_db))
    starts = np.array([s.span.start_s for s in segments])
    arousal = np.array([s.emotion.arousal for s in segments])
    lengths = np.array([s.span.duration_s for s in segments])
    mean = float(np.average(arousal, weights=lengths)) if lengths.sum() > 0 else 0.0
    steps = (np.arange(16) + 0.5) * _AROUND_S / 16

    def excitement(times_s: TimeArray) -> float:
        """Mean arousal at some times."""
        at = np.clip(np.searchsorted(starts, times_s, side="right") - 1, 0, max(0, len(starts) - 1))
        return float(arousal[at].mean()) if len(arousal) else 0.0

    result = np.empty(n - 1)
    for i in range(1, n):
        after_db, before_db = float(level_db[i : i + 2].mean()), float(level_db[max(0, i - 2) : i].mean())
        after, before = excitement(lines[i] + steps), excitement(lines[i] - steps)
        louder = (after_db - before_db) / _RISE_DB + (after_db - middle_db) / _HEIGHT_DB
        rising = after_db > before_db or after > before
        result[i - 1] = louder + (after - before) + _EXCITED * (after - mean) if rising else 0.0
    return result


def nearest_s(
    times_s: Sequence[float], sections: Sequence[Section], at_s: float, *, speed: float = 1.0
) -> float | None:
    """How long after a moment the nearest of some times of the track is heard.

    Parameters
    ----------
    times_s : sequence of float
        Such as climaxes or downbeats, track clock.
    sections : sequence of Section
        The stretches that are played, in order.
    at_s : float >= 0
        The moment, counted from the start of the first section on the film's clock.
    speed : float > 0
        At which the sections are played.

    Returns
    -------
    float or None
        In seconds, negative if it comes before; None where none of them is played.
    """
    best: float | None = None
    played_s = 0.0
    for section in sections:
        for time_s in times_s:
            if section.track.start_s - 1e-4 <= time_s < section.track.end_s:
                off_s = (played_s + time_s - section.track.start_s) / speed - at_s
                best = off_s if best is None or abs(off_s) < abs(best) else best
        played_s += section.track.duration_s
    return best
