"""More or less like this, at once: one cue gets other music by likeness, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_up import library, sheet, small_library, track
from soundtrack.documents import cuesheet
from soundtrack.errors import UsageError
from soundtrack.spotting.plan.lean import lean_cue
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

LIBRARY = small_library()
EVERY = frozenset(LIBRARY.track_ids)
MOOD_OF = {t.track_id: t.emotion.label for t in LIBRARY.all_tracks}


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    return spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), LIBRARY)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_more_takes_the_music_that_is_most_like_it_and_less_takes_other_music(cues: CueSheet, place: int) -> None:
    cue = cues.cues[place]
    for is_wanted in (True, False):
        asked = {"liked": [cue.track_id] if is_wanted else [], "denied": [] if is_wanted else [cue.track_id]}
        leaned = lean_cue(cues, cue.cue_id, **asked, library=LIBRARY, offered=EVERY)
        assert list(cuesheet.faults(leaned)) == []
        now = leaned.cues[place]
        assert now.track_id != cue.track_id
        assert (MOOD_OF[now.track_id] == MOOD_OF[cue.track_id]) is is_wanted
        assert now.span.start_s == cue.span.start_s
        assert abs(now.span.end_s - cue.span.end_s) < 2.0  # with the end of its track, as after a swap
        assert [c for c in leaned.cues if c.cue_id != cue.cue_id] == [c for c in cues.cues if c.cue_id != cue.cue_id]
        own = [a for a in leaned.alternatives if a.cue_id == cue.cue_id]
        assert [a.rank for a in own] == [2, 3, 4]
        assert own[0].track_id == cue.track_id  # one key brings it back
        assert len({now.track_id, *(a.track_id for a in own)}) == 4
        others = [a for a in cues.alternatives if a.cue_id != cue.cue_id]
        assert [a for a in leaned.alternatives if a.cue_id != cue.cue_id] == others


def test_what_was_refused_before_does_not_come_back(cues: CueSheet) -> None:
    cue, denied, now = cues.cues[0], [], cues
    for _ in range(len(EVERY) - 1):
        denied.append(now.cues[0].track_id)
        now = lean_cue(now, cue.cue_id, liked=[], denied=denied, library=LIBRARY, offered=EVERY)
        assert now.cues[0].track_id not in denied
    assert len({*denied, now.cues[0].track_id}) == len(EVERY)
    with pytest.raises(UsageError, match="no other track"):
        lean_cue(now, cue.cue_id, liked=[], denied=EVERY, library=LIBRARY, offered=EVERY)


def test_a_track_that_the_rules_leave_out_is_not_taken(cues: CueSheet) -> None:
    cue = cues.cues[0]
    first = lean_cue(cues, cue.cue_id, liked=[], denied=[cue.track_id], library=LIBRARY, offered=EVERY)
    taken = first.cues[0].track_id
    second = lean_cue(cues, cue.cue_id, liked=[], denied=[cue.track_id], library=LIBRARY, offered=EVERY - {taken})
    assert second.cues[0].track_id != taken


def test_singing_under_speech_is_taken_only_where_it_is_allowed() -> None:
    made = library(
        [
            track("planned", ["Sad"] * 12, artist="a"),
            track("sung", ["Sad"] * 12, artist="b", vocal_share=1.0, vocal_shares=[1.0] * 12),
            track("played", [*["Sad"] * 2, *["Neutral"] * 10], artist="c", segment_s=8.0),
        ]
    )
    found = spot_cues(sheet([("Sad", 60.0)], speech=[0.7]), made)
    names = {t.track_id: t.tags.title for t in made.all_tracks}
    cue, offered = found.cues[0], frozenset(names)
    assert names[cue.track_id] == "planned"
    assert any(span.overlap_s(cue.span) > 0 for span in found.speech)
    taken = [
        lean_cue(found, cue.cue_id, liked=[], denied=[], library=made, offered=offered, allow_vocals=is_allowed)
        for is_allowed in (False, True)
    ]
    assert [names[sheet.cues[0].track_id] for sheet in taken] == ["played", "sung"]
    assert next(a for a in taken[0].alternatives if a.rank == 2).track_id == cue.track_id


def test_a_locked_cue_and_an_unknown_one_are_refused(cues: CueSheet) -> None:
    locked = replace(cues, cues=(replace(cues.cues[0], locked=True), *cues.cues[1:]))
    with pytest.raises(UsageError, match="is locked"):
        lean_cue(locked, locked.cues[0].cue_id, liked=[], denied=[], library=LIBRARY, offered=EVERY)
    with pytest.raises(UsageError, match="unknown cue 9m99"):
        lean_cue(cues, "9m99", liked=[], denied=[], library=LIBRARY, offered=EVERY)
