"""How many cues a film gets: few where it is talk and cut slowly, any number where it is cut fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up import library, sheet, small_library, track
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.merit.intervals import divide
from soundtrack.spotting.plan.density import most_cues
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import EmotionState, SceneSheet, Span

SCENES = [(mood, 30.0) for _ in range(5) for mood in ("Neutral", "Relaxation")]
"""Five minutes that change a little every half minute."""


def cut_at(film: SceneSheet, per_min: float) -> SceneSheet:
    """The film with another number of cuts a minute."""
    return replace(film, scenes=tuple(replace(s, film=replace(s.film, cut_rate_per_min=per_min)) for s in film.scenes))


def ceiling(film: SceneSheet, constraints: Constraints | None = None, **settings: object) -> int | None:
    wishes = constraints or Constraints()
    return most_cues(divide(film, wishes, keep_original=True), SpottingSettings(**settings), wishes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speech", "per_min", "most"),
    [
        (0.5, 12.0, 3),  # talk: 0.6 a minute
        (0.2, 4.0, 3),  # some talk, and few cuts
        (0.2, 12.0, 5),  # some talk, cut at leisure: one a minute
        (0.0, 4.0, 5),  # no talk, and each scene is another mood for half a minute: a cue marks two turns
        (0.0, 25.0, 5),
        (0.5, 30.0, None),  # cut fast
    ],
)
def test_the_ceiling_follows_speech_and_cutting(speech: float, per_min: float, most: int | None) -> None:
    film = cut_at(sheet(SCENES, speech=[speech] * len(SCENES)), per_min)
    assert ceiling(film) == most


def test_what_a_person_asks_for_raises_the_ceiling_or_takes_its_place() -> None:
    film = cut_at(sheet(SCENES, speech=[0.5] * len(SCENES)), 4.0)
    lock = Lock(40.0, small_library().track_ids[0])
    assert ceiling(film, Constraints(locks=(lock,), hits=(100.0,))) == 5
    assert ceiling(film, Constraints(max_cues=8)) is None
    assert ceiling(film, Constraints(one_track=True)) is None
    assert ceiling(film, density="full") is None


def test_a_slowly_cut_film_with_small_changes_gets_few_cues() -> None:
    """Each half minute has a track that suits it better, by enough to change as long as nothing limits that."""
    made = library([track(mood, [mood] * 31) for mood in ("Neutral", "Relaxation", "Sad")])
    film = sheet([(mood, 30.0) for _ in range(5) for mood in ("Sad", "Relaxation")], speech=[0.5, 0.1] * 5)
    fast, slow = (len(spot_cues(cut_at(film, per_min), made).cues) for per_min in (30.0, 4.0))
    assert 1 <= slow <= 5
    assert fast > slow


def test_one_cue_more_where_the_ceiling_leaves_most_of_a_film_without_music() -> None:
    """An interview with three pictures between its answers: two cues would play for a quarter of it."""
    answers = sheet([("Neutral", 66.0), ("Relaxation", 30.0)] * 3, speech=[0.9, 0.0] * 3)
    film = cut_at(answers, 4.0)
    assert ceiling(film) == 2
    made = library([track("calm", ["Relaxation"] * 12)])
    cues = {
        density: spot_cues(film, made, settings=SpottingSettings(density=density)).cues
        for density in ("normal", "sparse")
    }
    assert [len(of) for of in cues.values()] == [3, 2]
    assert len({cue.track_id for cue in cues["normal"]}) == 1


def test_a_short_film_changes_its_music_where_the_mood_turns_and_where_a_talk_parts_it() -> None:
    """A minute and a half of dancing, of which a third might be fear as well: one piece."""
    moods = ("Excited", "Fear")
    made = library([track(mood, [mood] * 12, title=mood) for mood in moods])
    dancing = sheet([("Fear", 30.0), ("Excited", 30.0), ("Excited", 30.0)], has_audio=False)
    dim = EmotionState((0.45, 0.45, 0.04, 0.02, 0.02, 0.02), -0.2, 0.5, 0.4)
    dancing = replace(dancing, scenes=(replace(dancing.scenes[0], emotion=dim), *dancing.scenes[1:]))
    assert ceiling(dancing) == 1
    assert len(spot_cues(dancing, made).cues) == 1
    turning = sheet([("Excited", 30.0), ("Fear", 30.0), ("Excited", 30.0)])
    assert ceiling(turning) == 3
    assert len(spot_cues(turning, made).cues) == 3
    parted = sheet([("Relaxation", 40.0), ("Relaxation", 40.0), ("Relaxation", 40.0)], speech=[0.0, 0.9, 0.0])
    assert ceiling(parted) == 2


def test_turns_between_long_moods_are_marked_under_the_ceiling() -> None:
    """Three moods that last 80 seconds each, in a film of talk: two cues, and a scene between or beside them rests."""
    scenes = [("Relaxation", 80.0), ("Tension", 80.0), ("Sad", 80.0)]
    film = cut_at(sheet(scenes, speech=[0.3, 0.3, 0.3]), 4.0)
    assert ceiling(film) == 2
    cues = spot_cues(film, small_library()).cues
    marks = np.array([t for cue in cues for t in (cue.span.start_s, cue.span.end_s)])
    assert all(np.abs(marks - turn_s).min() <= 5.0 for turn_s in (80.0, 160.0))


def test_what_rests_is_the_scene_that_says_least() -> None:
    """Four minutes, five moods: of the four cues that these get, none is for the neutral street in the middle."""
    moods = ("Tension", "Relaxation", "Neutral", "Sad", "Excited")
    film = cut_at(sheet([(mood, 48.0) for mood in moods]), 20.0)
    made = library([track(mood, [mood] * 12) for mood in moods])
    cues = spot_cues(film, made).cues
    assert len(cues) == 4
    assert not any(cue.span.overlap_s(Span(98.0, 142.0)) for cue in cues)
    mute = cut_at(sheet([(mood, 48.0) for mood in moods], has_audio=False), 20.0)
    played_s = sum(cue.span.duration_s for cue in spot_cues(mute, made).cues)
    assert played_s > 0.9 * 240.0  # without any sound, silence would be total


def test_a_calm_scene_with_a_voice_keeps_its_music_though_a_little_of_it_reads_as_neutral() -> None:
    """Narration in half of a scene: music plays under it, for a quarter of Neutral makes no neutral picture."""
    moods = ("Excited", "Relaxation", "Fear", "Sad")
    film = sheet([(mood, 22.0) for mood in moods], speech=[0.0, 0.5, 0.0, 0.0])
    calm = replace(film.scenes[1].emotion, probabilities=(0.02, 0.0, 0.28, 0.69, 0.01, 0.0))
    film = replace(
        film,
        scenes=tuple(replace(s, emotion=calm) if s.index == 1 else s for s in film.scenes),
        readings=tuple(replace(r, emotion=calm) if r.span.start_s == 22.0 else r for r in film.readings),
    )
    made = library([track(mood, [mood] * 12) for mood in moods])
    assert any(cue.span.overlap_s(Span(24.0, 42.0)) > 15.0 for cue in spot_cues(film, made).cues)


def test_a_long_film_keeps_its_ceiling_by_a_price() -> None:
    moods = ("Tension", "Relaxation", "Sad")
    film = cut_at(sheet([(moods[i % 3], 40.0) for i in range(48)]), 8.0)
    assert ceiling(film) == 32
    cues = spot_cues(film, library([track(mood, [mood] * 12) for mood in moods])).cues
    assert 16 <= len(cues) <= 32


def test_the_sheet_says_where_the_number_of_cues_is_the_reason_of_a_silence() -> None:
    made = library([track(mood, [mood] * 31) for mood in ("Neutral", "Relaxation", "Sad")])
    film = cut_at(sheet(SCENES, speech=[0.9, 0.0] * 5), 4.0)
    reasons = [silence.reason for silence in spot_cues(film, made).silences]
    assert any(reason.endswith("few cues suit the length, speech and cutting of this film") for reason in reasons), (
        reasons
    )


def test_full_has_music_under_neutral_pictures_that_the_library_hardly_suits() -> None:
    """Silence is worth more there than the music that there is: `full` plays all the same."""
    film = sheet([("Relaxation", 60.0), ("Neutral", 60.0)])
    made = library([track("calm", ["Relaxation"] * 12), track("lively", ["Excited"] * 12)])
    plan = SpottingSettings().plan.adjusted({"neutral": 2.0, "wanting": 0.0})
    played_s = {
        density: sum(
            c.span.duration_s for c in spot_cues(film, made, settings=SpottingSettings(density=density, plan=plan)).cues
        )
        for density in ("normal", "full")
    }
    assert played_s["normal"] < 70.0
    assert played_s["full"] > 115.0
