"""Where there is no music, the sheet says why; and each cue says what its music is."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_up import library, sheet, small_library, track
from soundtrack.cli.film.cues import _why_lines
from soundtrack.merit_table import PlanTable
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, Span

NO_INDEX = Path("no-such-index")


def covered_s(found: CueSheet) -> float:
    """Length of what cues and silences hold together, counted once."""
    spans = sorted([c.span for c in found.cues] + [s.span for s in found.silences])
    at_s = total_s = 0.0
    for span in spans:
        total_s += max(0.0, span.end_s - max(at_s, span.start_s))
        at_s = max(at_s, span.end_s)
    return total_s


def test_a_silence_that_was_asked_for_says_so() -> None:
    film = sheet([("Relaxation", 30.0), ("Tension", 30.0), ("Sad", 30.0)])
    found = spot_cues(film, small_library(), constraints=Constraints(silences=(Span(30.0, 60.0),)))
    (silence,) = [s for s in found.silences if s.reason == "silence requested"]
    assert (silence.span.start_s, silence.span.end_s) == pytest.approx((30.0, 60.0), abs=1.0)
    assert covered_s(found) == pytest.approx(90.0, abs=1.0)
    assert any("silence from" in line and "silence requested" in line for line in _why_lines(found, NO_INDEX))


def test_a_scene_with_music_of_its_own_and_one_full_of_speech_say_so() -> None:
    film = sheet(
        [("Relaxation", 30.0), ("Tension", 30.0), ("Sad", 40.0)], music=[0.0, 0.9, 0.0], speech=[0.0, 0.0, 1.0]
    )
    found = spot_cues(film, small_library(), settings=SpottingSettings(plan=PlanTable().adjusted({"silence": 0.6})))
    reasons = [s.reason for s in found.silences]
    assert "the film already has music" in reasons
    assert covered_s(found) == pytest.approx(100.0, abs=2.0)
    assert all(reasons)


def test_where_nothing_fits_the_numbers_are_given() -> None:
    film = sheet([("Sad", 30.0), ("Excited", 30.0)])
    sad = library([track(f"sad {i}", ["Sad"] * 12) for i in range(3)])
    found = spot_cues(film, sad, settings=SpottingSettings(plan=PlanTable().adjusted({"silence": 0.9})))
    if not found.silences:  # it insists on music where all would be silent
        assert covered_s(found) == pytest.approx(60.0, abs=1.0)
    for silence in found.silences:
        assert "merit" in silence.reason or "track ends" in silence.reason


def test_a_cue_says_tempo_key_distance_and_speech() -> None:
    film = sheet([("Relaxation", 40.0)], speech=[0.25])
    found = spot_cues(film, library([track("calm", ["Sad"] * 12, bpm=90.0, key="D minor")]))
    facts = found.cues[0].facts
    assert facts is not None
    assert (facts.tempo_bpm, facts.key, facts.speech_share) == (90.0, "D minor", 0.25)
    assert (facts.valence_apart, facts.arousal_apart) == pytest.approx((-1.0, 0.1), abs=0.01)
    assert any(
        "90 bpm, D minor; valence -1.00 and arousal +0.10 from the picture" in s for s in _why_lines(found, NO_INDEX)
    )
