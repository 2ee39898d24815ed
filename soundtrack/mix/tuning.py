"""Settings of the next attempt from measurements of the one before. Pure.

Limiting takes loudness away and a lossy encoder moves peaks, so what was written is measured; where loudness, peaks or
the limiting of speech are out of bounds, the next attempt is made with other settings. Where the limiter will have work
to do, settings are found before anything is encoded, since writing costs several times what mixing does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from soundtrack.mix.levels import BETWEEN_SAMPLES_DB, MAX_MASTER_GAIN_DB, ORIGINAL_LIMIT_DB, Levels
from soundtrack.mix.report import LOUDNESS_TOLERANCE_LU
from soundtrack.mix.speech_windows import PER_S
from soundtrack.timebase import samples
from soundtrack.types import MixNotes, Span

_STEP_UNDER_DB = 0.1
"""How far beyond what is needed a setting is moved, so that the next attempt is inside."""

_SMALLEST_STEP_DB = 0.02
_ENCODER_LU = 0.1
"""A lossy encoder changes loudness by less, as a rule by some hundredths."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an attempt is made with."""

    master_gain_db: float
    """Constant gain of the whole."""
    limiter_dbtp: float
    """Where the limiter is set."""
    cap_db: float
    """The gain never exceeds this."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to."""

    setting: Setting
    """What it was made with."""
    integrated_lufs: float
    """Loudness of what was written, or heard before the encoder."""
    over_db: float
    """How far its true peak is above what is allowed; negative below."""
    speech_limited_db: float
    """How far the limiter went down during speech."""
    limited_db: float
    """How far it went down anywhere."""


def speech_limited_db(reduction_db: Mapping[int, float], speech: Sequence[Span]) -> float:
    """The largest reduction inside speech.

    Parameters
    ----------
    reduction_db : mapping of int to float
        By tenth of a second, see `Limiter`.
    speech : sequence of Span
        Film clock.

    Examples
    --------
    >>> speech_limited_db({9: 3.0, 12: 0.5}, [Span(1.0, 2.0)])
    0.5
    """
    rows = (
        range(samples(span.start_s, sample_rate_hz=PER_S), samples(span.end_s, sample_rate_hz=PER_S)) for span in speech
    )
    return max((reduction_db.get(row, 0.0) for part in rows for row in part), default=0.0)


def next_setting(outcomes: Sequence[Outcome], *, levels: Levels, notes: MixNotes) -> Setting | None:
    """Settings of the next attempt, None where the last one is as good as can be.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All attempts so far, at least one.
    levels : Levels
        Of these attempts.
    notes : MixNotes
        As they came in; a gain that they hold is not moved.
    """
    last = outcomes[-1]
    gain_db, cap_db, limiter_dbtp = last.setting.master_gain_db, last.setting.cap_db, last.setting.limiter_dbtp
    keeps_level = notes.keep_level and levels.original_lufs is not None
    is_fixed = notes.master_gain_db is not None or keeps_level
    if last.over_db > 0:
        limiter_dbtp -= last.over_db + _STEP_UNDER_DB
        cap_db -= last.over_db + _STEP_UNDER_DB
    if last.speech_limited_db > ORIGINAL_LIMIT_DB:
        cap_db = min(cap_db, gain_db - (last.speech_limited_db - ORIGINAL_LIMIT_DB) - _STEP_UNDER_DB)
    off_lu = 0.0 if levels.is_silent else notes.target_lufs - last.integrated_lufs
    if off_lu > LOUDNESS_TOLERANCE_LU and last.limited_db == 0:  # peaks of voice and music were expected to coincide
        cap_db += max(0.0, min(off_lu, -last.over_db - _STEP_UNDER_DB))
    elif off_lu > LOUDNESS_TOLERANCE_LU and last.over_db <= 0:  # and so they were here, but speech has room left
        own_db = limiter_dbtp + ORIGINAL_LIMIT_DB - BETWEEN_SAMPLES_DB - levels.original_peak_dbfs
        room_db = ORIGINAL_LIMIT_DB - last.speech_limited_db - _STEP_UNDER_DB
        cap_db = max(cap_db, min(cap_db + min(off_lu, room_db), own_db))
    if abs(off_lu) > LOUDNESS_TOLERANCE_LU:
        gain_db += off_lu * _gain_per_lu(outcomes)
    gain_db = last.setting.master_gain_db if is_fixed else min(gain_db, cap_db, MAX_MASTER_GAIN_DB)
    gain_db, limiter_dbtp = round(gain_db, 6), round(limiter_dbtp, 6)
    moved = abs(gain_db - last.setting.master_gain_db) > _SMALLEST_STEP_DB or limiter_dbtp != last.setting.limiter_dbtp
    return replace(last.setting, master_gain_db=gain_db, limiter_dbtp=limiter_dbtp, cap_db=cap_db) if moved else None


def is_worth_trying(levels: Levels, *, notes: MixNotes) -> bool:
    """Whether the first setting may miss the target, so that it is heard before anything is written.

    Parameters
    ----------
    levels : Levels
        As measured.
    notes : MixNotes
        As they came in; a gain that they hold is not moved.
    """
    keeps_level = notes.keep_level and levels.original_lufs is not None
    if notes.master_gain_db is not None or keeps_level or levels.is_silent:
        return False
    return notes.target_lufs - levels.limited_lufs > LOUDNESS_TOLERANCE_LU


def came_as_tried(tried: Outcome, written: Outcome, *, notes: MixNotes) -> bool:
    """Whether an encoder left loudness and peaks as they were heard before it, so that nothing is left to correct.

    Parameters
    ----------
    tried, written : Outcome
        Before the encoder, and behind it; of another setting nothing is known.
    notes : MixNotes
        With the target.
    """
    if written.setting != tried.setting:
        return False
    off_lu = [abs(notes.target_lufs - outcome.integrated_lufs) for outcome in (tried, written)]
    is_newly_off = off_lu[1] > LOUDNESS_TOLERANCE_LU >= off_lu[0]
    moved_lu = abs(written.integrated_lufs - tried.integrated_lufs)
    return written.over_db <= 0 and moved_lu <= _ENCODER_LU and not is_newly_off


def _gain_per_lu(outcomes: Sequence[Outcome]) -> float:
    """How much gain one LU costs, learned from the attempts: more than 1 dB where the limiter takes some back."""
    if len(outcomes) < 2:
        return 1.0
    before, last = outcomes[-2:]
    gain_db = last.setting.master_gain_db - before.setting.master_gain_db
    louder_lu = last.integrated_lufs - before.integrated_lufs
    if abs(gain_db) < 0.05 or abs(louder_lu) < 0.02:
        return 1.0
    return min(max(gain_db / louder_lu, 1.0), 4.0)
