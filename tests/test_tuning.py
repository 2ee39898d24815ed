"""From a written film to the next attempt: louder where there was room, lower where there was none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from soundtrack.mix.levels import Levels
from soundtrack.mix.tuning import Outcome, Setting, next_setting
from soundtrack.types import MixNotes

NOTES = MixNotes(target_lufs=-16.0, ceiling_dbtp=-1.0, keep_original=True, speech_over_music_lu=10.0, crossfade_s=0.5)
SETTING = Setting(master_gain_db=9.0, limiter_dbtp=-1.6, cap_db=9.0)
LEVELS = Levels(
    music_gain_db=0.0,
    master_gain_db=9.0,
    master_cap_db=9.0,
    original_lufs=-25.0,
    original_peak_dbfs=-11.0,
    speech_lufs=-25.0,
    speech_over_music_lu=10.0,
    speech_over_music_low_lu=10.0,
    lift_db=0.0,
    mix_lufs=-25.0,
    ducking=(),
    is_silent=False,
    is_too_quiet=False,
)


def following(outcome: Outcome, notes: MixNotes = NOTES) -> Setting | None:
    return next_setting([outcome], levels=LEVELS, notes=notes)


def test_a_film_that_came_out_soft_with_room_above_its_peaks_is_made_louder() -> None:
    setting = following(Outcome(SETTING, -16.8, over_db=-1.5, speech_limited_db=0.0, limited_db=0.0))
    assert setting is not None
    assert setting.master_gain_db == pytest.approx(9.8)


def test_no_further_than_its_peaks_allow() -> None:
    setting = following(Outcome(SETTING, -17.8, over_db=-0.6, speech_limited_db=0.0, limited_db=0.0))
    assert setting is not None
    assert 9.0 < setting.master_gain_db < 9.6


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(SETTING, -16.8, over_db=-0.6, speech_limited_db=0.0, limited_db=0.8),
        Outcome(SETTING, -16.8, over_db=0.0, speech_limited_db=0.0, limited_db=0.0),
        Outcome(SETTING, -16.1, over_db=-1.5, speech_limited_db=0.0, limited_db=0.0),
    ],
    ids=["the limiter works already", "no room", "loud enough"],
)
def test_else_it_is_left_as_it_is(outcome: Outcome) -> None:
    assert following(outcome) is None


def test_a_gain_that_the_sheet_holds_is_never_moved() -> None:
    fixed = replace(NOTES, master_gain_db=9.0)
    assert following(Outcome(SETTING, -16.8, over_db=-1.5, speech_limited_db=0.0, limited_db=0.0), fixed) is None
