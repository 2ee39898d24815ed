"""The two constant gains of a mix and the additional ducking depth, from measurements.

Goes in: what `mix/balance.py` measured, the sheet's notes and envelope. Comes out: `Levels`. The rules, in order:

1. Where there is speech over music, the (ducked) music lies the wanted distance under the speech on the whole, but not
   where that would set the music in the clear more than `CLEAR_OVER_SPEECH_LU` above the speech: the dying end of a
   piece under a few words does not set the level of the rest. Without speech it lies `OVER_ORIGINAL_LU` above the
   original, but not under `MUSIC_FLOOR_LUFS`: room tone is not raised to set the level of a score.
2. In every three seconds of talk the distance holds as well: the envelope goes deeper where it does not, and where that
   is not enough because one speaker is much softer than the others, all music is set lower.
3. One gain brings the whole to the target, at most `MAX_MASTER_GAIN_DB` up, and never so far that the limiter would
   take more than `ORIGINAL_LIMIT_DB` from speech, or from the original for its own peaks.
4. Where that leaves the whole under the target, the music is raised, under speech no more than rule 2 allows and in
   the clear up to `CLEAR_OVER_SPEECH_LU` above the speech.
5. The level that the notes ask for is added to the music, as far as rule 2 allows. If the target is that of the
   dialogue, loudness is measured during speech, and the music is not raised for it.

Gains that the notes hold already are taken as they are, and the envelope with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from soundtrack.audio.levels.loudness import SILENCE_LUFS, SILENCE_POWER
from soundtrack.mix.balance import Balance, loudness_lufs, mixed_power
from soundtrack.mix.ducking import CLEAR_BELOW_SPEECH_LU, gain_db_at
from soundtrack.mix.speech_windows import (
    PER_S,
    Windows,
    deepened,
    distances_lu,
    marked,
    missing_db,
    most_music_db,
    talk_windows,
)
from soundtrack.settings import REFERENCE_LUFS
from soundtrack.types import GainPoint, MixNotes, Span, TimeArray

OVER_ORIGINAL_LU = 3.0
"""Music over an original without speech."""

MUSIC_FLOOR_LUFS = -26.0
"""Music without speech beside it is never set lower than this before the final gain."""

CLEAR_OVER_SPEECH_LU = 3.0
"""Music without speech over it is at most this above the speech, be it for their distance or for the target."""

MAX_MUSIC_GAIN_DB = 30.0
"""The music's constant gain stays within this either way."""

MAX_MASTER_GAIN_DB = 24.0
"""The whole is never raised by more: what is that quiet is noise."""

ORIGINAL_LIMIT_DB = 1.0
"""The limiter never takes more from speech, nor from the original for its own peaks."""

BETWEEN_SAMPLES_DB = 0.5
"""How far a true peak is above the highest sample, as a rule."""

_BEFORE, _AFTER = 3, 1
"""Rows around speech in which a limited peak would still hold the speech down."""

_CLEAR_DB = 0.5
"""Music lowered by less is in the clear."""

_LIFT_STEPS = 12
_WORTH_LIFTING_LU = 0.1


@dataclass(frozen=True, slots=True)
class Levels:
    """What was measured and what follows from it.

    Music comes out at the gain of its cue, fades and `ducking` plus `music_gain_db` plus `master_gain_db`; the original
    at `master_gain_db`.
    """

    music_gain_db: float
    """Constant gain of the music against the original, to six decimals, as a cue sheet holds it."""
    master_gain_db: float
    """Constant gain of the whole, to six decimals."""
    master_cap_db: float
    """The final gain never exceeds this, for the sake of the original; infinite without one."""
    ducking: tuple[GainPoint, ...] = field(repr=False)
    """Gain of the music under speech, as deep as every window of talk needs it."""
    original_lufs: float | None
    """Of the film's own sound, None without any."""
    original_peak_dbfs: float
    """Highest sample of the film's own sound; -99 without any."""
    speech_lufs: float | None
    """Loudness of the film's sound during speech over music, None without such speech."""
    speech_over_music_lu: float | None
    """Level of speech above the music there, with the sheet's gains; None without speech over music."""
    speech_over_music_low_lu: float | None
    """The same in three seconds of talk: 95 % of all such windows lie above this; None where there are none."""
    lift_db: float
    """By how much the music was raised for the sake of the target."""
    mix_lufs: float
    """Of the mix before the final gain."""
    limited_lufs: float
    """At least what a limiter leaves of the loudness at the final gain: as if all peaks of film and music coincided."""
    is_silent: bool
    """Whether there is nothing to hear at all."""
    is_too_quiet: bool
    """Whether the final gain was held back because all is so quiet."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all rules ask for."""

    balance: Balance
    speech: tuple[Span, ...]
    notes: MixNotes
    ducking: tuple[GainPoint, ...]
    windows: Windows
    has_original: bool
    ceiling_dbtp: float

    @property
    def is_open(self) -> bool:
        """Whether the envelope may still be changed."""
        return self.notes.music_gain_db is None


@dataclass(frozen=True, slots=True)
class _Mixed:
    """The mix at one gain of the music."""

    ducking: tuple[GainPoint, ...]
    row_gain_db: TimeArray
    """Of the music as measured, shape (k,)."""
    lufs: float
    cap_db: float


def set_levels(
    balance: Balance,
    *,
    speech: Sequence[Span],
    notes: MixNotes,
    has_original: bool,
    ducking: Sequence[GainPoint] = (),
    ceiling_dbtp: float | None = None,
) -> Levels:
    """The gains of the mix.

    Parameters
    ----------
    balance : Balance
        What was measured.
    speech : sequence of Span
        Spans with speech, film clock.
    notes : MixNotes
        Target and wanted distance; gains that it holds are taken as they are.
    has_original : bool
        Whether the film's own sound is part of the mix.
    ducking : sequence of GainPoint
        The envelope with which the music was measured.
    ceiling_dbtp : float, optional
        Where the limiter will be set; the notes' ceiling by default.
    """
    windows = talk_windows(speech if has_original else (), balance.reference)
    ceiling_dbtp = notes.ceiling_dbtp if ceiling_dbtp is None else ceiling_dbtp
    scene = _Scene(balance, tuple(speech), notes, tuple(ducking), windows, has_original, ceiling_dbtp)
    original_lufs = loudness_lufs(balance.original) if has_original else None
    music_gain_db, speech_lufs, most_lift_db, most_db = _against_original(scene, original_lufs)
    lift_db = 0.0
    if notes.music_gain_db is not None:
        music_gain_db = notes.music_gain_db
    elif notes.master_gain_db is None and has_original and not notes.dialogue_gated:
        lift_db = _lift_db(scene, music_gain_db, min(most_lift_db, MAX_MUSIC_GAIN_DB - music_gain_db))
    level_db = notes.music_level_db if notes.music_gain_db is None and has_original else 0.0
    if level_db:
        level_db = float(np.clip(min(level_db, most_db - music_gain_db - lift_db), -MAX_MUSIC_GAIN_DB, None))
    music_gain_db = _as_written(music_gain_db + lift_db + level_db)
    mixed = _mixed(scene, music_gain_db)
    is_silent = mixed.lufs <= SILENCE_LUFS
    wanted_db = notes.target_lufs - mixed.lufs
    if notes.master_gain_db is not None:
        master_gain_db = notes.master_gain_db
    else:
        master_gain_db = 0.0 if is_silent else _master_db(scene, mixed)
    master_gain_db = _as_written(master_gain_db)
    sounding = balance.music * 10 ** (mixed.row_gain_db / 10)
    apart = distances_lu(windows, voice=balance.original, music=sounding)
    over_music = _over_music(scene)
    return Levels(
        music_gain_db=music_gain_db,
        master_gain_db=master_gain_db,
        master_cap_db=mixed.cap_db,
        ducking=mixed.ducking,
        original_lufs=original_lufs,
        original_peak_dbfs=_peak_db(np.maximum(balance.front_peak, balance.other_peak)) if has_original else -99.0,
        speech_lufs=speech_lufs,
        speech_over_music_lu=None if speech_lufs is None else speech_lufs - loudness_lufs(sounding[over_music]),
        speech_over_music_low_lu=float(np.percentile(apart, 5)) if len(apart) and speech_lufs is not None else None,
        lift_db=lift_db,
        mix_lufs=mixed.lufs,
        limited_lufs=_limited_lufs(scene, mixed, master_gain_db),
        is_silent=is_silent,
        is_too_quiet=not is_silent and wanted_db > MAX_MASTER_GAIN_DB and mixed.cap_db >= MAX_MASTER_GAIN_DB,
    )


def target_lufs(power: TimeArray, *, speech: Sequence[Span], notes: MixNotes) -> float:
    """The loudness that has to meet the target: of the whole, or of what sounds during speech.

    Parameters
    ----------
    power : ndarray, shape=(k,), float64
        K-weighted, by tenths of a second.
    speech : sequence of Span
        Film clock.
    notes : MixNotes
        Whether the dialogue counts.
    """
    spoken = marked(speech, len(power)) if notes.dialogue_gated else np.zeros(len(power), bool)
    return loudness_lufs(power[spoken] if spoken.any() else power)


def _as_written(gain_db: float) -> float:
    """A gain as a cue sheet holds it, so that rendering a sheet that was kept gives the same sound."""
    return round(gain_db, 6) + 0.0


def _over_music(scene: _Scene) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows with speech over music, shape (k,)."""
    reference = scene.balance.reference
    return marked(scene.speech, len(reference)) & (reference > SILENCE_POWER)


def _clear_lufs(scene: _Scene) -> float:
    """Loudness of the music where neither speech nor the envelope is in its way; that of silence without such rows."""
    reference = scene.balance.reference
    ducked_db = gain_db_at(scene.ducking, (np.arange(len(reference)) + 0.5) / PER_S)
    spoken = marked([_around(span) for span in scene.speech], len(reference))
    return loudness_lufs(reference[~spoken & (ducked_db > -_CLEAR_DB) & (reference > SILENCE_POWER)])


def _against_original(scene: _Scene, original_lufs: float | None) -> tuple[float, float | None, float, float]:
    """First rule: the music's gain, the loudness of speech over music, how far it may be raised, its largest gain."""
    if original_lufs is None or original_lufs <= SILENCE_LUFS:
        return 0.0, None, 0.0, MAX_MUSIC_GAIN_DB
    balance = scene.balance
    spoken, over_music = marked(scene.speech, len(balance.original)), _over_music(scene)
    voice_lufs = loudness_lufs(balance.original[over_music if over_music.any() else spoken])
    speech_lufs: float | None = None
    if over_music.any() and voice_lufs > SILENCE_LUFS:
        speech_lufs = voice_lufs
        gain_db = voice_lufs - scene.notes.speech_over_music_lu - loudness_lufs(balance.reference[over_music])
        gain_db = min(gain_db, voice_lufs + CLEAR_OVER_SPEECH_LU - _clear_lufs(scene))
    elif spoken.any() and voice_lufs > SILENCE_LUFS:
        gain_db = voice_lufs - CLEAR_BELOW_SPEECH_LU - REFERENCE_LUFS
    else:
        gain_db = max(original_lufs + OVER_ORIGINAL_LU, MUSIC_FLOOR_LUFS) - REFERENCE_LUFS
    most_db = most_music_db(
        scene.windows,
        voice=balance.original,
        music=balance.reference,
        points=scene.ducking,
        wanted_lu=scene.notes.speech_over_music_lu,
    )
    gain_db = min(max(min(gain_db, most_db), -MAX_MUSIC_GAIN_DB), MAX_MUSIC_GAIN_DB)
    if spoken.any() and voice_lufs > SILENCE_LUFS:
        most_lift_db = voice_lufs + CLEAR_OVER_SPEECH_LU - (REFERENCE_LUFS + gain_db)
    else:
        most_lift_db = MAX_MUSIC_GAIN_DB
    return gain_db, speech_lufs, max(0.0, min(most_lift_db, most_db - gain_db)), min(most_db, MAX_MUSIC_GAIN_DB)


def _mixed(scene: _Scene, music_gain_db: float) -> _Mixed:
    """Second rule and what follows for the whole."""
    balance, k = scene.balance, len(scene.balance.original)
    ducking, gain_db = scene.ducking, np.full(k, music_gain_db)
    if scene.is_open and len(scene.windows.start):
        missing = missing_db(
            scene.windows,
            voice=balance.original,
            music=balance.reference * 10 ** (music_gain_db / 10),
            wanted_lu=scene.notes.speech_over_music_lu,
        )
        ducking = deepened(ducking, missing)
        middles_s = (np.arange(k) + 0.5) / PER_S
        gain_db = gain_db + gain_db_at(ducking, middles_s) - gain_db_at(scene.ducking, middles_s)
    lufs = target_lufs(mixed_power(balance, music_gain_db=gain_db), speech=scene.speech, notes=scene.notes)
    return _Mixed(ducking, gain_db, lufs, _cap_db(scene, gain_db))


def _limited_lufs(scene: _Scene, mixed: _Mixed, master_gain_db: float) -> float:
    """Loudness with every row held down by its own peaks and those of its neighbours, from which the gain returns."""
    balance = scene.balance
    peaks = np.maximum(balance.front_peak + balance.music_peak * 10 ** (mixed.row_gain_db / 20), balance.other_peak)
    over_db = 20 * np.log10(np.maximum(peaks, 1e-9)) + master_gain_db + BETWEEN_SAMPLES_DB - scene.ceiling_dbtp
    down_db = np.pad(np.maximum(over_db, 0.0), 1)
    down_db = np.maximum(np.maximum(down_db[:-2], down_db[2:]), down_db[1:-1])
    power = mixed_power(balance, music_gain_db=mixed.row_gain_db) * 10 ** ((master_gain_db - down_db) / 10)
    return target_lufs(power, speech=scene.speech, notes=scene.notes)


def _cap_db(scene: _Scene, row_gain_db: TimeArray) -> float:
    """Third rule: the largest final gain at which the limiter leaves the original as it is, but for its last dB."""
    if not scene.has_original:
        return math.inf
    balance = scene.balance
    peaks = np.maximum(balance.front_peak, balance.other_peak)
    spoken = marked([_around(span) for span in scene.speech], len(peaks))
    with_music = balance.front_peak + balance.music_peak * 10 ** (row_gain_db / 20)
    peaks = np.where(spoken, np.maximum(with_music, balance.other_peak), peaks)
    return scene.ceiling_dbtp + ORIGINAL_LIMIT_DB - BETWEEN_SAMPLES_DB - _peak_db(peaks)


def _around(span: Span) -> Span:
    """Speech with the rows around it in which a limited peak would still hold it down."""
    return Span(max(0.0, span.start_s - _BEFORE / PER_S), span.end_s + _AFTER / PER_S)


def _peak_db(peaks: TimeArray) -> float:
    """The highest of some peaks, at least -99."""
    return max(-99.0, 20 * math.log10(max(float(peaks.max(initial=0.0)), 1e-9)))


def _master_db(scene: _Scene, mixed: _Mixed) -> float:
    """Third rule: the final gain."""
    if scene.notes.keep_level and scene.has_original:
        return 0.0
    return min(scene.notes.target_lufs - mixed.lufs, MAX_MASTER_GAIN_DB, mixed.cap_db)


def _lift_db(scene: _Scene, music_gain_db: float, most_db: float) -> float:
    """Fourth rule: the smallest raise of the music that brings the whole to the target, or as much as may be."""

    def lacking_lu(lift_db: float) -> float:
        mixed = _mixed(scene, music_gain_db + lift_db)
        if mixed.lufs <= SILENCE_LUFS:
            return 0.0
        return scene.notes.target_lufs - mixed.lufs - _master_db(scene, mixed)

    if most_db <= 0 or not scene.balance.music.any() or lacking_lu(0.0) <= _WORTH_LIFTING_LU:
        return 0.0
    low, high = 0.0, most_db
    if lacking_lu(high) > 0:
        return _worth(scene, music_gain_db, high)
    for _ in range(_LIFT_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if lacking_lu(middle) > 0 else (low, middle)
    return high


def _worth(scene: _Scene, music_gain_db: float, lift_db: float) -> float:
    """The raise, or nothing where it changes little because the music is under speech throughout."""
    louder_lu = _mixed(scene, music_gain_db + lift_db).lufs - _mixed(scene, music_gain_db).lufs
    return lift_db if louder_lu > _WORTH_LIFTING_LU else 0.0
