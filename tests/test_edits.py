"""Edits of a cue sheet: what was asked for changes, to the sample, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from made_up import sheet, small_library
from soundtrack.documents import cuesheet
from soundtrack.documents.cuesheet import length_in_samples, needed_samples
from soundtrack.documents.edits import BY_HAND, LockCues, SetCue, UnlockCues, apply, scenes_under
from soundtrack.errors import InputError, UsageError
from soundtrack.mix.plan import plan_mix
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import round_s, samples
from soundtrack.types import Cue, CueSheet, Span

MOODS = [("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    return spot_cues(sheet(MOODS), small_library())


@pytest.fixture(scope="module")
def stretched() -> CueSheet:
    """Cues at other speeds than their tracks."""
    return spot_cues(sheet(MOODS), small_library(), settings=SpottingSettings(stretch=0.1))


def with_gains(sheet_: CueSheet) -> CueSheet:
    """As after a mix."""
    return replace(sheet_, mix=replace(sheet_.mix, music_gain_db=-3.0, master_gain_db=-1.0, limiter_dbtp=-2.0))


def sample_of(cue: Cue, time_s: float) -> int:
    """The sample of the track that sounds at a moment of the film."""
    left = needed_samples(
        samples(time_s, sample_rate_hz=MIX_RATE_HZ) - samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ),
        speed=cue.speed,
    )
    for section in cue.sections:
        length = length_in_samples(section.track)
        if left < length:
            return samples(section.track.start_s, sample_rate_hz=MIX_RATE_HZ) + left
        left -= length
    raise AssertionError(f"{time_s} s is past the cue")


def test_a_lock_and_its_removal_change_nothing_else(cues: CueSheet) -> None:
    ids = tuple(c.cue_id for c in cues.cues[1:])
    locked = apply(cues, LockCues(ids))
    assert [c.locked for c in locked.cues] == [False, True, True]
    assert apply(locked, LockCues(ids)) == locked
    assert apply(locked, UnlockCues(ids)) == cues
    assert plan_mix(locked) == plan_mix(cues)


def test_a_gain_is_set_and_the_measured_levels_stay(cues: CueSheet) -> None:
    before = with_gains(cues)
    after = apply(before, SetCue("1m02", gain_db=-4.25))
    assert after.cues[1] == replace(before.cues[1], gain_db=-4.25)
    assert replace(after, cues=before.cues) == before


def test_fades_are_played_as_they_are_set(cues: CueSheet) -> None:
    after = apply(cues, SetCue("1m01", fade_in_s=1.25))
    assert plan_mix(after).cues[0].fade_in == samples(1.25, sample_rate_hz=MIX_RATE_HZ)
    after = apply(cues, SetCue("1m03", fade_out_s=3.5))
    assert plan_mix(after).cues[2].fade_out == samples(3.5, sample_rate_hz=MIX_RATE_HZ)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 2), early=st.floats(-3, 18), late=st.floats(-18, 3), fast=st.booleans())
def test_a_trimmed_cue_plays_the_same_sample_at_every_moment(
    cues: CueSheet, stretched: CueSheet, place: int, early: float, late: float, fast: bool
) -> None:
    before = stretched if fast else cues
    cue = before.cues[place]
    start_s, end_s = max(0.0, cue.span.start_s + early), min(before.film.duration_s, cue.span.end_s + late)
    try:
        after = apply(before, SetCue(cue.cue_id, start_s=start_s, end_s=end_s, fade_out_s=0.5))
    except UsageError as error:
        refused = ("its track", "fades", "overlaps", "moved", "touches")
        assume(not any(word in str(error) for word in refused))
        raise
    assert list(cuesheet.faults(after)) == []
    assert cuesheet.loads(cuesheet.dumps(after)) == after
    new = after.cues[place]
    for share in (0.02, 0.3, 0.7, 0.98):
        at_s = new.span.start_s + share * new.span.duration_s
        if cue.span.start_s <= at_s < cue.span.end_s:
            assert abs(sample_of(new, at_s) - sample_of(cue, at_s)) <= (3 if cue.speed != 1 else 0)
    assert [c for i, c in enumerate(after.cues) if i != place] == [c for i, c in enumerate(before.cues) if i != place]


def test_a_cue_trimmed_to_less_than_half_its_fade_is_refused_and_no_internal_error(cues: CueSheet) -> None:
    start_s = cues.cues[1].span.end_s - 0.125
    with pytest.raises(UsageError, match="fades"):
        apply(cues, SetCue("1m02", start_s=start_s, fade_out_s=0.5))


def test_a_cue_that_is_moved_has_its_levels_measured_again(cues: CueSheet) -> None:
    before = with_gains(cues)
    after = apply(before, SetCue("1m03", start_s=before.cues[2].span.start_s + 3))
    assert (after.mix.music_gain_db, after.mix.master_gain_db, after.mix.limiter_dbtp) == (None, None, None)
    assert after.cues[2].facts is None
    assert after.cues[2].scenes == before.cues[2].scenes
    (made,) = [s for s in after.silences if s.reason == BY_HAND]
    assert made.span.end_s == after.cues[2].span.start_s
    back = apply(after, SetCue("1m03", start_s=before.cues[2].span.start_s))
    assert replace(back.cues[2], facts=before.cues[2].facts) == before.cues[2]
    assert back.silences == before.silences


def test_a_plan_names_the_scenes_that_an_edit_would(cues: CueSheet) -> None:
    assert [scenes_under(c, cues.scenes) for c in cues.cues] == [c.scenes for c in cues.cues]


def test_seams_that_are_cut_away_leave_no_trace(cues: CueSheet) -> None:
    cue = cues.cues[0]
    middle = cue.sections[0].track.start_s + 8.0
    end = cue.sections[0].track.end_s
    parts = (
        replace(cue.sections[0], track=Span(cue.sections[0].track.start_s, middle), seam_s=0.06, seam_quality=0.9),
        replace(cue.sections[0], track=Span(middle, end)),
    )
    seamed = replace(cues, cues=(replace(cue, sections=parts), *cues.cues[1:]))
    cut = apply(seamed, SetCue(cue.cue_id, end_s=cue.span.start_s + 6.0, fade_out_s=1.0)).cues[0]
    assert [(s.seam_s, s.seam_quality) for s in cut.sections] == [(0.0, None)]
    late = apply(seamed, SetCue(cue.cue_id, start_s=cue.span.start_s + 10.0)).cues[0]
    assert late.sections == (replace(parts[1], track=Span(round_s(middle + 2.0), end)),)


def test_what_cannot_be_set_says_why(cues: CueSheet) -> None:
    last = cues.cues[2]
    locked = apply(cues, LockCues(("1m02",)))
    closing = replace(last, fade_out_s=0.0)
    length_s = sum(section.track.duration_s for section in last.sections)
    from_its_beginning = replace(last, sections=(replace(last.sections[0], track=Span(0.5, round_s(0.5 + length_s))),))
    ending_early = replace(last, fade_out_s=1.0)
    wrong = {
        "unknown cue 9m99": (cues, SetCue("9m99", gain_db=1.0)),
        "cue 1m02 is locked": (locked, SetCue("1m02", gain_db=1.0)),
        "--gain-db nan: out of range": (cues, SetCue("1m01", gain_db=float("nan"))),
        "--fade-out -1: out of range": (cues, SetCue("1m01", fade_out_s=-1.0)),
        "past the end of the film": (cues, SetCue("1m03", end_s=106.0)),
        "would be empty or moved": (cues, SetCue("1m01", start_s=80.0, end_s=90.0)),
        "its track begins": (
            replace(cues, cues=(*cues.cues[:2], from_its_beginning)),
            SetCue("1m03", start_s=last.span.start_s - 2.0),
        ),
        "its track ends": (
            replace(cues, cues=(*cues.cues[:2], ending_early), film=replace(cues.film, duration_s=1e4)),
            SetCue("1m03", end_s=500.0),
        ),
        "overlaps 1m01": (cues, SetCue("1m02", start_s=cues.cues[1].span.start_s - 4.0)),
        "are longer than the cue": (cues, SetCue("1m01", fade_in_s=30.0)),
        "ends with its track and would be cut off": (
            replace(cues, cues=(*cues.cues[:2], closing)),
            SetCue("1m03", end_s=last.span.end_s - 2.0),
        ),
    }
    for message, (before, edit) in wrong.items():
        with pytest.raises(UsageError, match=message):
            apply(before, edit)
    with pytest.raises(UsageError, match="unknown cue 9m99"):
        apply(cues, LockCues(("1m01", "9m99")))
    with pytest.raises(InputError, match="add up to"):
        apply(replace(cues, cues=(replace(last, span=Span(0.0, 5.0)),)), LockCues(("1m03",)))


def test_a_fade_where_two_cues_touch_is_refused_since_the_crossfade_is_played_there(cues: CueSheet) -> None:
    first, second = cues.cues[:2]
    touching = apply(cues, SetCue(first.cue_id, end_s=second.span.start_s))
    with pytest.raises(UsageError, match="touches 1m02"):
        apply(touching, SetCue(first.cue_id, fade_out_s=0.2))
    with pytest.raises(UsageError, match="touches 1m01"):
        apply(touching, SetCue(second.cue_id, fade_in_s=0.2))
    assert apply(touching, SetCue(first.cue_id, fade_in_s=0.2)).cues[0].fade_in_s == 0.2
