"""From a written film to the next attempt: louder where there was room, lower where there was none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from soundtrack.mix.levels import Levels
from soundtrack.mix.tuning import Outcome, Setting, came_as_tried, is_worth_trying, next_setting
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
    limited_lufs=-16.0,
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
        Outcome(SETTING, -16.8, over_db=-0.6, speech_limited_db=1.0, limited_db=1.0),
        Outcome(SETTING, -16.8, over_db=0.0, speech_limited_db=0.0, limited_db=0.0),
        Outcome(SETTING, -16.1, over_db=-1.5, speech_limited_db=0.0, limited_db=0.0),
    ],
    ids=["the limiter takes enough from speech", "no room", "loud enough"],
)
def test_else_it_is_left_as_it_is(outcome: Outcome) -> None:
    assert following(outcome) is None


def test_a_film_is_not_left_0_7_lu_soft_while_the_limiter_has_hardly_touched_its_speech() -> None:
    """Voice and music were expected to peak together; the limiter took 0.1 dB from speech where 1 dB is allowed."""
    setting = following(Outcome(SETTING, -16.7, over_db=-0.6, speech_limited_db=0.14, limited_db=2.2))
    assert setting is not None
    assert setting.master_gain_db == pytest.approx(9.7)


def test_nor_raised_until_its_own_peaks_are_limited_by_more_than_a_decibel() -> None:
    outcome = Outcome(SETTING, -17.5, over_db=-0.6, speech_limited_db=0.0, limited_db=2.2)
    setting = next_setting([outcome], levels=replace(LEVELS, original_peak_dbfs=-10.4), notes=NOTES)
    assert setting is not None
    assert setting.master_gain_db == pytest.approx(9.3)


def test_a_gain_that_the_sheet_holds_is_never_moved() -> None:
    fixed = replace(NOTES, master_gain_db=9.0)
    assert following(Outcome(SETTING, -16.8, over_db=-1.5, speech_limited_db=0.0, limited_db=0.0), fixed) is None


@pytest.mark.parametrize(
    ("levels", "notes", "is_tried"),
    [
        (LEVELS, NOTES, False),
        (replace(LEVELS, limited_lufs=-16.5), NOTES, True),
        (replace(LEVELS, limited_lufs=-16.5), replace(NOTES, master_gain_db=9.0), False),
        (replace(LEVELS, limited_lufs=-16.5), replace(NOTES, keep_level=True), False),
        (replace(LEVELS, limited_lufs=-70.0, is_silent=True), NOTES, False),
    ],
    ids=["no peaks", "peaks", "a gain of the sheet", "the level of the film", "silence"],
)
def test_gains_are_tried_only_where_they_may_miss_and_may_be_moved(
    levels: Levels, notes: MixNotes, is_tried: bool
) -> None:
    assert is_worth_trying(levels, notes=notes) is is_tried


@pytest.mark.parametrize(
    ("tried_lufs", "written", "is_as_tried"),
    [
        (-16.1, Outcome(SETTING, -16.13, over_db=-0.5, speech_limited_db=0.0, limited_db=1.0), True),
        (-17.6, Outcome(SETTING, -17.63, over_db=-0.5, speech_limited_db=1.0, limited_db=1.0), True),
        (-16.1, Outcome(SETTING, -16.13, over_db=0.1, speech_limited_db=0.0, limited_db=1.0), False),
        (-16.1, Outcome(SETTING, -16.3, over_db=-0.5, speech_limited_db=0.0, limited_db=1.0), False),
        (-16.19, Outcome(SETTING, -16.22, over_db=-0.5, speech_limited_db=0.0, limited_db=1.0), False),
        (-16.1, Outcome(replace(SETTING, cap_db=8.0), -16.1, -0.5, 0.0, 1.0), False),
    ],
    ids=["within", "soft as before", "peaks", "loudness", "just off the target", "another setting"],
)
def test_what_an_encoder_moved_is_corrected_and_no_more(tried_lufs: float, written: Outcome, is_as_tried: bool) -> None:
    tried = Outcome(SETTING, tried_lufs, over_db=-0.6, speech_limited_db=0.0, limited_db=1.0)
    assert came_as_tried(tried, written, notes=NOTES) is is_as_tried
