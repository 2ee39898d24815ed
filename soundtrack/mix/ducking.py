"""Ducking: from speech spans to a gain envelope.

Goes in: where speech is, and how loud the music is there. Comes out: corners of an envelope in dB over the film's
clock, linear in between, never above 0. The music has reached its depth before the first word (look-ahead), stays
down over breaths and over any gap too short to come back and stay a moment (no pumping), and returns slowly. The
depth depends on the music alone: in the clear it is meant to lie `CLEAR_BELOW_SPEECH_LU` under the level of speech
(`mix/balance.py` sees to that), so it has to fall by what is missing to the wanted distance, more where the track is
loud at that place, less where it is quiet.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from soundtrack.settings import MIX_RATE_HZ, REFERENCE_LUFS, MixSettings
from soundtrack.timebase import round_s
from soundtrack.types import Cue, GainPoint, Span, TimeArray, Track

CLEAR_BELOW_SPEECH_LU = 3.0
"""Level of music at the reference below the level of speech, outside speech."""

MAX_ATTACK_DB_PER_S = 30.0
"""The music never falls faster."""

MAX_RELEASE_DB_PER_S = 12.0
"""The music never comes back faster."""

MAX_DEPTH_DB = 20.0
"""Music never goes further down: a deeper hole is heard as one. Beside softer speech all music is set lower."""

VOCALS_DEPTH_DB = 18.0
"""Vocals of the music that are lowered for speech go so far down below the rest: what a separator leaves is masked."""

MIN_CLEAR_S = 1.5
"""A return of the music is made only if it can stay up for this long."""

_QUIET_LUFS = -60.0


@dataclass(frozen=True, slots=True)
class MusicLevel:
    """How loud the music is over a stretch of film, cue gain included, before ducking."""

    span: Span
    """Film clock."""
    lufs: float
    """Loudness; `REFERENCE_LUFS` for a track at its own average."""


@dataclass(frozen=True, slots=True)
class _Dip:
    """A stretch of held-down music."""

    start_s: float
    end_s: float
    depth_db: float


def music_levels(cues: Sequence[Cue], tracks: Mapping[str, Track]) -> tuple[MusicLevel, ...]:
    """Loudness of the music over the film's clock, as far as the library knows it.

    Parameters
    ----------
    cues : sequence of Cue
        In any order.
    tracks : mapping of str to Track
        By track id; a cue whose track is missing here is taken to lie at the reference.
    """
    levels: list[MusicLevel] = []
    for cue in cues:
        track = tracks.get(cue.track_id)
        if track is None:
            levels.append(MusicLevel(cue.span, REFERENCE_LUFS))
            continue
        film_s = cue.span.start_s
        for section in cue.sections:
            for segment in track.segments:
                start_s = max(segment.span.start_s, section.track.start_s)
                end_s = min(segment.span.end_s, section.track.end_s)
                if end_s > start_s:
                    at_s = film_s + (start_s - section.track.start_s) / cue.speed
                    span = Span(at_s, at_s + (end_s - start_s) / cue.speed)
                    levels.append(MusicLevel(span, segment.loudness_lufs + cue.gain_db))
            film_s += section.track.duration_s / cue.speed
    return tuple(levels)


def duck(
    speech: Sequence[Span], music: Sequence[MusicLevel], *, duration_s: float, settings: MixSettings
) -> tuple[GainPoint, ...]:
    """Gain of the music because of speech, as corners of an envelope that is linear in dB between them.

    Parameters
    ----------
    speech : sequence of Span
        Spans with speech, film clock, in any order.
    music : sequence of MusicLevel
        Where music sounds and how loud; speech elsewhere makes no dip.
    duration_s : float > 0
        Length of the film.
    settings : MixSettings
        Wanted distance, attack, release and hold.

    Returns
    -------
    tuple of GainPoint
        Ascending in time, all gains at most 0; empty when the music never has to move.

    Examples
    --------
    >>> level = (MusicLevel(Span(0.0, 60.0), -20.0),)
    >>> points = duck((Span(10.0, 20.0),), level, duration_s=60.0, settings=MixSettings())
    >>> [(p.time_s, p.gain_db) for p in points]
    [(9.3, 0.0), (9.65, -9.0), (20.0, -9.0), (21.2, 0.0)]
    """
    spans = _merged([s for s in speech if any(s.overlap_s(m.span) > 0 for m in music)], settings=settings)
    dips = [_dip(span, speech, music, settings=settings) for span in spans]
    return _envelope([dip for dip in dips if dip.depth_db > 0], duration_s=duration_s, settings=settings)


def duck_vocals(speech: Sequence[Span], *, duration_s: float, settings: MixSettings) -> tuple[GainPoint, ...]:
    """Gain of the vocals of the music because of speech, below that of the music; the parameters are those of `duck`.

    Examples
    --------
    >>> points = duck_vocals((Span(10.0, 20.0),), duration_s=60.0, settings=MixSettings())
    >>> [(p.time_s, p.gain_db) for p in points]
    [(9.05, 0.0), (9.65, -18.0), (20.0, -18.0), (21.5, 0.0)]
    """
    dips = [
        _Dip(span.start_s - settings.attack_s, span.end_s, VOCALS_DEPTH_DB)
        for span in _merged(speech, settings=settings)
    ]
    return _envelope(dips, duration_s=duration_s, settings=settings)


def _envelope(dips: Sequence[_Dip], *, duration_s: float, settings: MixSettings) -> tuple[GainPoint, ...]:
    """The corners of some dips, rounded as in a sheet."""
    points = _corners(dips, duration_s=duration_s, settings=settings)
    return tuple(GainPoint(round_s(time_s), round(min(gain_db, 0.0), 3) + 0.0) for time_s, gain_db in points)


def gain_db_at(points: Sequence[GainPoint], times_s: TimeArray) -> TimeArray:
    """Envelope at many times: linear in dB between corners, level before the first and after the last.

    Parameters
    ----------
    points : sequence of GainPoint
        Ascending in time; may be empty.
    times_s : ndarray, shape=(n,), float64
        Film clock.

    Returns
    -------
    ndarray, shape=(n,), float64
        In dB, at most 0.
    """
    if not points:
        return np.zeros(len(times_s), dtype=np.float64)
    corners = np.array([(p.time_s, p.gain_db) for p in points], dtype=np.float64)
    return np.minimum(np.interp(times_s, corners[:, 0], corners[:, 1]), 0.0)


def moving(points: Sequence[GainPoint], *, start: int, stop: int) -> list[tuple[int, int]]:
    """Stretches of samples at `MIX_RATE_HZ` outside which the envelope is 0 dB, apart and in order.

    Parameters
    ----------
    points : sequence of GainPoint
        Ascending in time; may be empty.
    start, stop : int
        Samples of the film that are asked about.

    Examples
    --------
    >>> moving([GainPoint(1.0, 0.0), GainPoint(1.5, -6.0), GainPoint(2.0, 0.0)], start=0, stop=480_000)
    [(48000, 96002)]
    """
    found: list[tuple[int, int]] = []
    places = [start, *(math.floor(p.time_s * MIX_RATE_HZ) for p in points), stop - 1]
    gains_db = [0.0, *(p.gain_db for p in points), 0.0]
    if points:  # level before the first and after the last
        gains_db[0], gains_db[-1] = gains_db[1], gains_db[-2]
    for (before, before_db), (after, after_db) in itertools.pairwise(zip(places, gains_db, strict=True)):
        if before_db >= 0.0 and after_db >= 0.0:
            continue
        first, last = max(start, before), min(stop, after + 2)
        if first >= last:
            continue
        if found and first <= found[-1][1]:
            first, _ = found.pop()
        found.append((first, last))
    return found


def _fall_s(depth_db: float, *, settings: MixSettings) -> float:
    """How long the music takes to go down."""
    return max(settings.attack_s, depth_db / MAX_ATTACK_DB_PER_S)


def _rise_s(depth_db: float, *, settings: MixSettings) -> float:
    """How long the music takes to come back."""
    return max(settings.release_s, depth_db / MAX_RELEASE_DB_PER_S)


def _merged(spans: Sequence[Span], *, settings: MixSettings) -> list[Span]:
    """Speech joined over gaps in which the music would not lift, or could not come back and stay."""
    room_s = settings.attack_s * 2 + settings.release_s + MIN_CLEAR_S
    gap_s = max(settings.hold_s, room_s)
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start_s - joined[-1].end_s < gap_s:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return joined


def _dip(span: Span, speech: Sequence[Span], music: Sequence[MusicLevel], *, settings: MixSettings) -> _Dip:
    """How far the music has to go down over one stretch of talk."""
    power = 0.0
    length_s = 0.0
    for level in music:
        if level.lufs <= _QUIET_LUFS:
            continue
        shared_s = sum(
            part.overlap_s(level.span) for part in speech if part.start_s < span.end_s and part.end_s > span.start_s
        )
        power += shared_s * 10 ** (level.lufs / 10)
        length_s += shared_s
    if length_s == 0:
        return _Dip(span.start_s, span.end_s, 0.0)
    above_reference_lu = 10 * math.log10(power / length_s) - REFERENCE_LUFS
    depth_db = settings.speech_over_music_lu - CLEAR_BELOW_SPEECH_LU + above_reference_lu
    return _Dip(span.start_s - settings.attack_s, span.end_s, min(max(depth_db, 0.0), MAX_DEPTH_DB))


def _corners(dips: Sequence[_Dip], *, duration_s: float, settings: MixSettings) -> list[tuple[float, float]]:
    """The dips as one polygon; where two meet on their slopes, a straight line joins their floors."""
    points: list[tuple[float, float]] = []
    for i, dip in enumerate(dips):
        before = dips[i - 1] if i else None
        after = dips[i + 1] if i + 1 < len(dips) else None
        fall_from_s = dip.start_s - _fall_s(dip.depth_db, settings=settings)
        if before is None or before.end_s + _rise_s(before.depth_db, settings=settings) <= fall_from_s:
            points.append((fall_from_s, 0.0))
        points.append((dip.start_s, -dip.depth_db))
        points.append((dip.end_s, -dip.depth_db))
        rise_to_s = dip.end_s + _rise_s(dip.depth_db, settings=settings)
        if after is None or rise_to_s <= after.start_s - _fall_s(after.depth_db, settings=settings):
            points.append((rise_to_s, 0.0))
    return _clipped(points, duration_s=duration_s)


def _clipped(points: list[tuple[float, float]], *, duration_s: float) -> list[tuple[float, float]]:
    """The part of the polygon inside the film, with corners where it enters and leaves."""
    if not points or points[-1][0] <= 0 or points[0][0] >= duration_s:
        return []
    times = np.array([p[0] for p in points])
    gains = np.array([p[1] for p in points])
    inside = [(t, g) for t, g in points if 0 <= t <= duration_s]
    if points[0][0] < 0:
        inside.insert(0, (0.0, float(np.interp(0.0, times, gains))))
    if points[-1][0] > duration_s:
        inside.append((duration_s, float(np.interp(duration_s, times, gains))))
    return [p for i, p in enumerate(inside) if i == 0 or p[0] > inside[i - 1][0]]
