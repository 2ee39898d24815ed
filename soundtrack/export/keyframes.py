"""The level of a clip over time as keyframes: the gains of the sheet, the cue's fades, and the ducking under speech.

Goes in: a clip of music and its sheet. Comes out: `GainKey` corners at frames of the film; between two the gain in dB
is linear, as the formats have it. The corners are as few as keep the line within `_TOLERANCE_DB` of the level of the
mix at every frame that is looked at; equal-power fades need about twenty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from soundtrack.export.clips import MusicClip
from soundtrack.timebase import frame_time_s, frames
from soundtrack.types import CueSheet, TimeArray

FLOOR_DB = -60.0
"""Silence, as far as keyframes go."""
_SHORTEST_FADE_FRAMES = 2
"""A fade shorter than this cannot be expressed in frames."""
_MOST_FADE_KEYS = 240
_TOLERANCE_DB = 0.05


@dataclass(frozen=True, slots=True)
class GainKey:
    """A keyframe of level."""

    frame: int
    """Frame of the film."""
    gain_db: float
    """Gain of the music there, at least `FLOOR_DB`, to a hundredth."""


def gain_keys(clip: MusicClip, sheet: CueSheet, *, gain_db: float = 0.0, later: int = 0) -> tuple[GainKey, ...]:
    """The level of a clip from its first frame to its last one.

    Parameters
    ----------
    clip : MusicClip
        Of this sheet.
    sheet : CueSheet
    gain_db : float
        Gain on top of the cue's own, in dB.
    later : int
        How many frames after the frame of a key its gain is reached, for programs that glide towards it.

    Returns
    -------
    tuple of GainKey
        Ascending, at least one, all inside the clip; corners on straight lines are left out.
    """
    cue, fps = clip.cue, sheet.film.fps
    first, last = clip.record_in, clip.record_out - 1
    fade_in_s, fade_out_s = (
        s if Fraction(s) * fps >= _SHORTEST_FADE_FRAMES else 0.0 for s in (cue.fade_in_s, cue.fade_out_s)
    )
    marks = {first, last}
    for time_s in [*(point.time_s for point in sheet.ducking), cue.span.start_s, cue.span.end_s]:
        middle = frames(time_s, fps=fps)
        marks |= {middle - 1, middle, middle + 1}
    marks |= _between(cue.span.start_s, cue.span.start_s + fade_in_s, fps=fps)
    marks |= _between(cue.span.end_s - fade_out_s, cue.span.end_s, fps=fps)
    inside = sorted({first, last, *(mark - later for mark in marks if first < mark - later < last)})
    times_s = np.array([frame_time_s(frame + later, fps=fps) for frame in inside])
    gains_db = cue.gain_db + gain_db + fade_db(times_s - cue.span.start_s, fade_in_s)
    gains_db += fade_db(cue.span.end_s - times_s, fade_out_s)
    if sheet.ducking:
        gains_db += np.interp(times_s, [p.time_s for p in sheet.ducking], [p.gain_db for p in sheet.ducking])
    keys = [
        GainKey(frame, round(max(FLOOR_DB, g), 2) + 0.0) for frame, g in zip(inside, gains_db.tolist(), strict=True)
    ]
    return tuple(_without_straight(keys))


def _between(start_s: float, end_s: float, *, fps: Fraction) -> set[int]:
    """Frames of a fade and one on either side; of a very long one as many as are needed."""
    first, last = frames(max(0.0, start_s), fps=fps) - 1, frames(max(0.0, end_s), fps=fps) + 1
    return (
        set(range(first, last + 1, max(1, (last - first) // _MOST_FADE_KEYS))) | {last} if last - first > 2 else set()
    )


def fade_db(since_s: TimeArray, length_s: float) -> TimeArray:
    """Gain of an equal-power fade so long after its silent end, at least `FLOOR_DB`."""
    if length_s <= 0:
        return np.zeros_like(since_s)
    place = np.clip(since_s / length_s, 0.0, 1.0)
    return np.asarray(np.maximum(FLOOR_DB, 20 * np.log10(np.maximum(1e-6, np.sin(math.pi / 2 * place)))))


def _without_straight(keys: Sequence[GainKey]) -> list[GainKey]:
    """The fewest keys of a line that passes all of them within the tolerance, found from left to right.

    From each kept key a cone of slopes stays open that misses none of the keys since by more; the key before the one
    that closes it is kept.
    """
    result = [keys[0]]
    low, high = -math.inf, math.inf
    for i, key in enumerate(keys[1:], start=1):
        run, rise = key.frame - result[-1].frame, key.gain_db - result[-1].gain_db
        if not low <= rise / run <= high:
            result.append(keys[i - 1])
            low, high = -math.inf, math.inf
            run, rise = key.frame - result[-1].frame, key.gain_db - result[-1].gain_db
        low, high = max(low, (rise - _TOLERANCE_DB) / run), min(high, (rise + _TOLERANCE_DB) / run)
    return [*result, keys[-1]] if result[-1] is not keys[-1] else result
