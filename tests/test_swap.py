"""Swapping a cue's music for a runner-up: that cue changes, nothing else does, and back gives the old music."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_up import library, sheet, small_library, track
from soundtrack.cli.words import parse_swap
from soundtrack.documents import cuesheet
from soundtrack.errors import LibraryError, UsageError
from soundtrack.pipeline.sheets.swap import ducked, swap_music, swapped_lines
from soundtrack.settings import MixSettings
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.spotting.plan.swap import swap_cue
from soundtrack.types import CueSheet

LIBRARY = small_library()


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    return spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), LIBRARY)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_swapped_cue_is_sound_and_the_others_stay(cues: CueSheet, place: int) -> None:
    cue = cues.cues[place]
    runner_up = next(a for a in cues.alternatives if a.cue_id == cue.cue_id and a.rank == 2)
    swapped = swap_cue(cues, cue.cue_id, rank=2, library=LIBRARY)
    assert list(cuesheet.faults(swapped)) == []
    assert swapped.cues[place].track_id == runner_up.track_id
    assert swapped.cues[place].span.start_s == cue.span.start_s
    assert [c for i, c in enumerate(swapped.cues) if i != place] == [c for i, c in enumerate(cues.cues) if i != place]
    back = swap_cue(swapped, cue.cue_id, rank=2, library=LIBRARY)
    assert back.cues[place].track_id == cue.track_id
    assert list(cuesheet.faults(back)) == []


def test_what_cannot_be_swapped_says_so(cues: CueSheet) -> None:
    with pytest.raises(UsageError, match="unknown cue 9m99"):
        swap_cue(cues, "9m99", rank=2, library=LIBRARY)
    with pytest.raises(UsageError, match="no alternative 77"):
        swap_cue(cues, cues.cues[0].cue_id, rank=77, library=LIBRARY)
    smaller = type(LIBRARY)(LIBRARY.all_tracks[:1], LIBRARY.embeddings[:12])
    with pytest.raises(LibraryError, match="no longer in the library"):
        swap_cue(cues, cues.cues[0].cue_id, rank=2, library=smaller)


def test_a_locked_cue_is_not_swapped_until_it_is_unlocked(cues: CueSheet) -> None:
    """--swap ignored the lock."""
    cue = cues.cues[0]
    locked = replace(cues, cues=(replace(cue, locked=True), *cues.cues[1:]))
    with pytest.raises(UsageError, match=f"cue {cue.cue_id} is locked") as error:
        swap_cue(locked, cue.cue_id, rank=2, library=LIBRARY)
    assert f"cues unlock CUES {cue.cue_id}" in (error.value.hint or "")
    assert swap_cue(cues, cue.cue_id, rank=2, library=LIBRARY).cues[0].track_id != cue.track_id


def test_a_swap_names_the_new_track_and_gives_its_facts(cues: CueSheet) -> None:
    cue = cues.cues[0]
    swapped = swap_cue(cues, cue.cue_id, rank=2, library=LIBRARY)
    titles = {t.track_id: f"{t.artist} - {t.title}" for t in swapped.tracks}
    (line,) = swapped_lines(cues, swapped)
    assert line == f"cue {cue.cue_id}: {titles[swapped.cues[0].track_id]} instead of {titles[cue.track_id]}"
    assert swapped_lines(cues, cues) == []
    facts = swapped.cues[0].facts
    assert facts is not None and cue.facts is not None
    assert (facts.tempo_bpm, facts.valence_apart) != (cue.facts.tempo_bpm, cue.facts.valence_apart)


@pytest.mark.parametrize("text", ["", "1m02", "1m02=", "=2", "1m02=1", "1m02=x"])
def test_what_is_no_swap_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a valid swap"):
        parse_swap(text)
    assert parse_swap("1m02=3") == ("1m02", 3)


def test_ducking_follows_the_music_that_was_swapped_in(monkeypatch: pytest.MonkeyPatch) -> None:
    loud, quiet = track("loud", ["Sad"] * 12), track("quiet", ["Relaxation"] * 12)
    quiet = replace(quiet, segments=tuple(replace(s, loudness_lufs=-23.0) for s in quiet.segments))
    made = library([loud, quiet])
    monkeypatch.setattr("soundtrack.pipeline.sheets.swap.open_library", lambda _, **_options: made)
    mix = MixSettings()
    found = spot_cues(sheet([("Sad", 60.0)], speech=[0.7]), made, mix=mix)
    before = ducked(found, made.tracks(), mix)
    assert swap_music(before, ()) is before
    other = next(a for a in before.alternatives if a.track_id == quiet.track_id)
    after = swap_music(before, [(other.cue_id, other.rank)])
    assert list(cuesheet.faults(after)) == []
    deepest = [min((p.gain_db for p in s.ducking), default=0.0) for s in (before, after)]
    assert deepest[0] < deepest[1] - 3
    back = swap_music(after, [(other.cue_id, other.rank)])
    assert back.ducking == before.ducking
    with pytest.raises(UsageError, match="more than one --swap"):
        swap_music(before, [("1m01", 2), ("1m01", 3)])
