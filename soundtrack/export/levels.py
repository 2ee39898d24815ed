"""The level of a clip over time as keyframes: the cue's own gain, its fades, and the ducking under speech.

Goes in: a clip of music and its sheet. Comes out: `GainKey` corners at frames of the film; between two the gain in dB
is linear, as the formats have it. Equal-power fades get corners enough that they are never more than 1.5 dB off above
-20 dB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from soundtrack.export.clips import MusicClip
from soundtrack.timebase import frame_time_s, frames
from soundtrack.types import CueSheet

FLOOR_DB = -60.0
"""Silence, as far as keyframes go."""
_SHORTEST_FADE_FRAMES = 2
"""A fade shorter than this cannot be told in frames."""
_FADE_CORNERS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class GainKey:
    """A keyframe of level."""

    frame: int
    """Frame of the film."""
    gain_db: float
    """Gain of the music there, at least `FLOOR_DB`, to a hundredth."""


def gain_keys(clip: MusicClip, sheet: CueSheet) -> tuple[GainKey, ...]:
    """The level of a clip from its first frame to its last one.

    Parameters
    ----------
    clip : MusicClip
        Of this sheet.
    sheet : CueSheet

    Returns
    -------
    tuple of GainKey
        Ascending, at least one, all inside the clip; corners on straight lines are left out.
    """
    cue, fps = clip.cue, sheet.film.fps
    first, last = clip.record_in, clip.record_out - 1
    corners_s = [point.time_s for point in sheet.ducking]
    frame_s = float(1 / fps)
    fade_in_s, fade_out_s = (
        s if s >= _SHORTEST_FADE_FRAMES * frame_s else 0.0 for s in (cue.fade_in_s, cue.fade_out_s)
    )
    for part in _FADE_CORNERS:
        corners_s += [cue.span.start_s + part * fade_in_s, cue.span.end_s - part * fade_out_s]
    corners_s += [cue.span.start_s + fade_in_s + frame_s, cue.span.end_s - fade_out_s - frame_s]
    marks = {first, last, *(f for f in (frames(max(0.0, t), fps=fps) for t in corners_s) if first < f < last)}
    times_s = [point.time_s for point in sheet.ducking] or [0.0]
    gains_db = [point.gain_db for point in sheet.ducking] or [0.0]
    keys = []
    for frame in sorted(marks):
        time_s = frame_time_s(frame, fps=fps)
        gain_db = cue.gain_db + float(np.interp(time_s, times_s, gains_db))
        gain_db += _fade_db(time_s - cue.span.start_s, fade_in_s)
        gain_db += _fade_db(cue.span.end_s - time_s, fade_out_s)
        keys.append(GainKey(frame, round(max(FLOOR_DB, gain_db), 2) + 0.0))
    return _without_straight(keys)


def _fade_db(since_s: float, length_s: float) -> float:
    """Gain of an equal-power fade so long after its silent end."""
    if length_s <= 0 or since_s >= length_s:
        return 0.0
    return max(FLOOR_DB, 20 * math.log10(max(1e-6, math.sin(math.pi / 2 * max(0.0, since_s) / length_s))))


def _without_straight(keys: list[GainKey]) -> tuple[GainKey, ...]:
    """The keys that change the course."""
    result = keys[:1]
    for i in range(1, len(keys) - 1):
        before, key, after = result[-1], keys[i], keys[i + 1]
        part = (key.frame - before.frame) / (after.frame - before.frame)
        if abs(before.gain_db + part * (after.gain_db - before.gain_db) - key.gain_db) > 0.005:
            result.append(key)
    return tuple(result + keys[1:][-1:])
