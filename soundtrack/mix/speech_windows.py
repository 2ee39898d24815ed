"""Speech over music in every 3 s window of speech: where and by how much to duck further.

Goes in: the powers of speech and music (`mix/balance.py`), where there is speech, the gain envelope so far. Comes out:
the windows that count and a deeper envelope. The distance must hold while one listens, so it is asked for in each
window of `WINDOW` tenths of a second inside a stretch of talk (short-term loudness, EBU Tech 3341), and in each
shorter stretch as a whole. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.audio.levels.loudness import SILENCE_POWER
from soundtrack.mix.ducking import MAX_ATTACK_DB_PER_S, MAX_DEPTH_DB, MAX_RELEASE_DB_PER_S, gain_db_at
from soundtrack.settings import MixSettings
from soundtrack.timebase import round_s, samples
from soundtrack.types import GainPoint, Span, TimeArray

WINDOW = 30
"""Tenths of a second in a window."""

PER_S = 10
"""Rows of a second."""

FAINT_LU = 20.0
"""Speech further than this under the loudest is no measure: music would have to vanish under a whisper."""

LEAST_LU = 9.5
"""Every window of talk lies this far above the music, however soft it is."""

SPARE_LU = 0.5
"""Windows may stay this much under the wanted distance."""

_TOLERANCE_DB = 0.2
"""How far a straight line may lie beside the envelope that it represents."""

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of talk over which speech is held against music."""

    start: Index = field(repr=False, compare=False)
    """First row of each, shape (w,)."""
    stop: Index = field(repr=False, compare=False)
    """First row after each, shape (w,)."""

    def means(self, power: TimeArray) -> TimeArray:
        """Mean power inside each window, shape (w,)."""
        total = np.concatenate([[0.0], np.cumsum(power)])
        return np.asarray((total[self.stop] - total[self.start]) / np.maximum(self.stop - self.start, 1))


def marked(spans: Sequence[Span], k: int) -> Mask:
    """Which rows lie inside the spans, by their middle, shape (k,)."""
    result = np.zeros(k, dtype=bool)
    for span in spans:
        first = samples(max(0.0, span.start_s), sample_rate_hz=PER_S)
        result[first : samples(span.end_s, sample_rate_hz=PER_S)] = True
    return result


def talk_windows(speech: Sequence[Span], music: TimeArray, *, hold_s: float = MixSettings().hold_s) -> Windows:
    """Windows inside stretches of talk, over gaps shorter than `hold_s`, as far as music sounds in them.

    Parameters
    ----------
    speech : sequence of Span
        Film clock.
    music : ndarray, shape=(k,), float64
        Power of the music.
    hold_s : float
        Music stays down over gaps shorter than this.

    Examples
    --------
    >>> talk_windows([Span(1.0, 3.0), Span(3.5, 5.0)], np.ones(100)).start.tolist()
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    """
    spoken = marked(_joined(speech, hold_s), len(music))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], spoken.astype(np.int8), [0]])))
    starts: list[int] = []
    stops: list[int] = []
    for first, end in edges.reshape(-1, 2).tolist():
        last = max(first, end - WINDOW)
        starts += range(first, last + 1)
        stops += (min(first + WINDOW + i, end) for i in range(last - first + 1))
    found = Windows(np.array(starts, np.int64), np.array(stops, np.int64))
    heard = found.means(music) > SILENCE_POWER
    return Windows(found.start[heard], found.stop[heard])


def _joined(spans: Sequence[Span], gap_s: float) -> list[Span]:
    """Spans in order, joined over gaps shorter than `gap_s`."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start_s - joined[-1].end_s < gap_s:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return joined


def distances_lu(windows: Windows, *, voice: TimeArray, music: TimeArray) -> TimeArray:
    """How far speech is above the music in each window, shape (w,).

    Parameters
    ----------
    windows : Windows
    voice, music : ndarray, shape=(k,), float64
        Powers.
    """
    levels = [np.maximum(windows.means(power), SILENCE_POWER) for power in (voice, music)]
    return np.asarray(10 * np.log10(levels[0] / levels[1]))


def most_music_db(
    windows: Windows, *, voice: TimeArray, music: TimeArray, points: Sequence[GainPoint], wanted_lu: float
) -> float:
    """The largest gain of the music at which ducking still keeps it under the softest talk; infinite without talk.

    Music goes down by `MAX_DEPTH_DB` at most, so beside a loud talker a soft one is protected only if the music as a
    whole is not too loud: 95 % of the windows reach the wanted distance, less `SPARE_LU`, and all of them `LEAST_LU`.

    Parameters
    ----------
    windows : Windows
    voice, music : ndarray, shape=(k,), float64
        Powers of the film's own sound and of the music under `points`.
    points : sequence of GainPoint
        The envelope so far, which can be deepened.
    wanted_lu : float
        Distance to be held.
    """
    if not len(windows.start):
        return math.inf
    voices = windows.means(voice)
    heard = np.maximum(np.maximum(voices, voices.max() * 10 ** (-FAINT_LU / 10)), SILENCE_POWER)
    distance_lu = 10 * np.log10(heard / np.maximum(windows.means(music), SILENCE_POWER))
    ducked_db = gain_db_at(points, (np.arange(len(voice)) + 0.5) / PER_S)
    lowest = np.minimum.reduceat(np.concatenate([ducked_db, [0.0]]), _edges(windows))[::2]
    reach_lu = distance_lu + np.maximum(MAX_DEPTH_DB + lowest, 0.0)
    least_lu = min(LEAST_LU, wanted_lu)
    return float(min(np.percentile(reach_lu, 5) - max(wanted_lu - SPARE_LU, least_lu), reach_lu.min() - least_lu))


def _edges(windows: Windows) -> Index:
    """First row and row after of each window, alternating, shape (2 w,)."""
    return np.stack([windows.start, windows.stop], axis=1).reshape(-1)


def missing_db(windows: Windows, *, voice: TimeArray, music: TimeArray, wanted_lu: float) -> TimeArray:
    """By how much the music has to go further down in each row, shape (k,), at most 0.

    Parameters
    ----------
    windows : Windows
    voice, music : ndarray, shape=(k,), float64
        Powers of the film's own sound and of the music as it would be.
    wanted_lu : float
        Distance to be held.
    """
    result = np.zeros(len(voice))
    if not len(windows.start):
        return result
    voices = windows.means(voice)
    heard = np.maximum(voices, voices.max() * 10 ** (-FAINT_LU / 10))
    levels = np.maximum(windows.means(music), SILENCE_POWER)
    lacking = np.minimum(10 * np.log10(np.maximum(heard, SILENCE_POWER) / levels) - wanted_lu, 0.0)
    is_whole = windows.stop - windows.start == WINDOW
    lowest = np.zeros(len(voice))
    np.minimum.at(lowest, windows.start[is_whole], lacking[is_whole])
    for i in range(WINDOW if is_whole.any() else 0):
        np.minimum(result[i:], lowest[: len(lowest) - i], out=result[i:])
    for w in np.flatnonzero(~is_whole & (lacking < 0)).tolist():
        part = result[windows.start[w] : windows.stop[w]]
        np.minimum(part, lacking[w], out=part)
    return result


def deepened(
    points: Sequence[GainPoint], missing: TimeArray, *, look_ahead_s: float = MixSettings().attack_s
) -> tuple[GainPoint, ...]:
    """The envelope with the music further down where that is missing.

    Parameters
    ----------
    points : sequence of GainPoint
        The envelope so far.
    missing : ndarray, shape=(k,), float64
        As from `missing_db`.
    look_ahead_s : float
        So long before a row its depth is reached.

    Returns
    -------
    tuple of GainPoint
        The very same points where nothing is missing; else never above them by more than 0.1 dB, never moving faster
        than ducking may, and never deeper than `MAX_DEPTH_DB` where the points are not.
    """
    if not len(missing) or missing.min() > -_TOLERANCE_DB / 2:
        return tuple(points)
    ahead = round(look_ahead_s * PER_S)
    early = np.min([np.concatenate([missing[i:], np.zeros(i)]) for i in range(min(ahead, len(missing)) + 1)], axis=0)
    times_s = np.arange(len(missing) + 1) / PER_S
    before = gain_db_at(points, times_s)
    extra = np.minimum(np.concatenate([early, [0.0]]), np.concatenate([[0.0], early]))
    wanted = np.maximum(before + np.where(extra < 0, extra - _TOLERANCE_DB / 2, 0.0), np.minimum(before, -MAX_DEPTH_DB))
    steady = _no_faster(wanted)
    kept = _corners(steady)
    return tuple(GainPoint(round_s(float(times_s[i])), round(min(float(steady[i]), 0.0), 3) + 0.0) for i in kept)


def _no_faster(gain_db: TimeArray) -> TimeArray:
    """The highest envelope under another that falls and rises no faster than music may move, shape (n,)."""
    at = np.arange(len(gain_db))
    rise, fall = MAX_RELEASE_DB_PER_S / PER_S * at, MAX_ATTACK_DB_PER_S / PER_S * at
    risen = np.minimum.accumulate(gain_db - rise) + rise
    return np.asarray(np.minimum.accumulate((risen + fall)[::-1])[::-1] - fall)


def _corners(gain_db: TimeArray) -> list[int]:
    """Rows between which straight lines stay within half of `_TOLERANCE_DB` (Douglas and Peucker)."""
    kept, open_ = {0, len(gain_db) - 1}, [(0, len(gain_db) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        line = np.interp(np.arange(first, last + 1), [first, last], [gain_db[first], gain_db[last]])
        off = np.abs(gain_db[first : last + 1] - line)
        worst = int(off.argmax())
        if off[worst] > _TOLERANCE_DB / 2:
            kept.add(first + worst)
            open_ += [(first, first + worst), (first + worst, last)]
    return sorted(kept)
