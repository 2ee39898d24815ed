"""Levels that were changed in an editing program, as the gain of a cue and the gain envelope of a sheet.

Goes in: the level of a clip as it was exported and as it came back. Comes out: how the gain of its cue changes, and
points of the envelope where the level was drawn otherwise. An envelope never boosts, so what rises above it goes into
the gain. Within `SAME_DB` levels are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from soundtrack.export.edited.line import EditClip, LevelKey, level_at
from soundtrack.export.keyframes import FLOOR_DB, fade_db
from soundtrack.types import Cue, GainPoint, TimeArray

SAME_DB = 0.06
"""Levels that differ by less are the same: formats keep hundredths, and corners are left out within 0.05 dB."""
_SAME_FADE_DB = 1.0
"""A fade is the cue's own where the level follows it within this: it is steep, and edges are on frames."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the level of a clip was changed."""

    gain_db: float = 0.0
    """Change of the whole clip."""
    times_s: tuple[float, ...] = ()
    """Corners on the film's clock where the level has another shape; none where it is the same one."""
    levels_db: tuple[float, ...] = ()
    """Level at these, as the format says it."""


def drawn_level(edit: EditClip, base: EditClip | None) -> Drawn:
    """How the level of a clip differs from that of the clip as exported; not at all where it has none.

    Parameters
    ----------
    edit : EditClip
        As it came back.
    base : EditClip, optional
        As exported, of the same music.
    """
    if base is None or not (edit.keys or edit.lane_keys):
        return Drawn()
    start_s, end_s = float(edit.start_s), float(edit.end_s)
    moved_s = float(base.offset_s - edit.offset_s)  # how much later the same music is now
    own_s = [start_s + float(k.time_s) for k in edit.keys]
    own_s += [float(base.start_s) + moved_s + float(k.time_s) for k in base.keys]
    lane_s = [float(k.time_s) for k in (*edit.lane_keys, *base.lane_keys)]
    inside = sorted({start_s, end_s - 1e-3, *(t for t in (*own_s, *lane_s) if start_s < t < end_s)})
    times_s = np.array(inside)
    changed = _level(edit.keys, times_s - start_s) - _level(base.keys, times_s - moved_s - float(base.start_s))
    lane = _level(edit.lane_keys, times_s)
    changed += lane - _level(base.lane_keys, times_s)
    heard = times_s[(times_s - moved_s >= float(base.start_s)) & (times_s - moved_s < float(base.end_s))]
    counted = changed if edit.lane_keys or not len(heard) else changed[np.isin(times_s, heard)]
    middle = float(np.median(counted))
    if np.all(np.abs(counted - middle) <= SAME_DB):
        return Drawn(gain_db=0.0 if abs(middle) <= SAME_DB else round(middle, 2))
    levels = _level(edit.keys, times_s - start_s) + lane
    return Drawn(0.0, tuple(inside), tuple(np.maximum(FLOOR_DB, levels).tolist()))


def _level(keys: Sequence[LevelKey], times_s: TimeArray) -> TimeArray:
    """Level of some keys, 0 dB without any."""
    return level_at(keys, times_s) if keys else np.zeros_like(times_s)


def redrawn(
    cue: Cue, drawn: Sequence[Drawn], ducking: Sequence[GainPoint], *, music_db: float
) -> tuple[Cue, tuple[GainPoint, ...]]:
    """A cue and the envelope that together have the level that was drawn.

    Parameters
    ----------
    cue : Cue
        With its new times.
    drawn : sequence of Drawn
        Of its clips, in order.
    ducking : sequence of GainPoint
        The envelope so far.
    music_db : float
        Gain of all music in the format, on top of the cue's own.
    """
    constant = [d.gain_db for d in drawn if not d.times_s]
    if not any(d.times_s for d in drawn):
        gain_db = float(np.median(constant)) if constant else 0.0
        return _with_gain(cue, cue.gain_db + gain_db), tuple(ducking)
    times_s = np.array([t for d in drawn for t in d.times_s])
    levels = np.array([level for d in drawn for level in d.levels_db])
    cue = _with_fades_of(cue, times_s, levels, ducking, music_db)
    faded = (times_s < cue.span.start_s + cue.fade_in_s) | (times_s > cue.span.end_s - cue.fade_out_s)
    if faded.all():
        return cue, tuple(ducking)
    times_s, below = times_s[~faded], levels[~faded] - cue.gain_db - music_db  # in the fades the envelope stays
    up = max(0.0, float(below.max()))
    corners = [GainPoint(float(t), min(0.0, round(float(b) - up, 3))) for t, b in zip(times_s, below, strict=True)]
    return _with_gain(cue, cue.gain_db + up), _spliced(ducking, corners)


def _with_fades_of(
    cue: Cue, times_s: TimeArray, levels: TimeArray, ducking: Sequence[GainPoint], music_db: float
) -> Cue:
    """The cue without those of its fades that the drawn level does not have: the envelope has them then."""
    plain = levels - cue.gain_db - music_db
    if ducking:
        plain = plain - np.interp(times_s, [p.time_s for p in ducking], [p.gain_db for p in ducking])
    lasts = []
    for length_s, since in (
        (cue.fade_in_s, times_s - cue.span.start_s),
        (cue.fade_out_s, cue.span.end_s - times_s),
    ):
        within = (since < length_s) & (levels > FLOOR_DB + 1)
        is_other = length_s > 0 and bool(np.any(np.abs(plain - fade_db(since, length_s))[within] > _SAME_FADE_DB))
        lasts.append(0.0 if is_other else length_s)
    return replace(cue, fade_in_s=lasts[0], fade_out_s=lasts[1])


def _with_gain(cue: Cue, gain_db: float) -> Cue:
    """The cue with another gain."""
    return replace(cue, gain_db=round(gain_db, 2) + 0.0)


def _spliced(ducking: Sequence[GainPoint], corners: Sequence[GainPoint]) -> tuple[GainPoint, ...]:
    """The envelope with other corners from the first to the last of some; it steps where the two do not meet."""
    first_s, last_s = corners[0].time_s, corners[-1].time_s

    def level(time_s: float) -> float:
        return float(np.interp(time_s, [p.time_s for p in ducking], [p.gain_db for p in ducking])) if ducking else 0.0

    before = [p for p in ducking if p.time_s < first_s]
    after = [p for p in ducking if p.time_s > last_s]
    edges = GainPoint(first_s, level(first_s)), GainPoint(last_s, level(last_s))
    return (*before, edges[0], *corners, edges[1], *after)
