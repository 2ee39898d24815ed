"""What a music editor would sign: pieces that return, rests, turning points, and no entrance inside a sentence."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from made_up import library, sheet, small_library, track
from soundtrack.cli.choices import mix_settings
from soundtrack.cli.film.score import score
from soundtrack.cli.film.spot import spot
from soundtrack.cli.options import DensityName, DuckName
from soundtrack.documents import cuesheet
from soundtrack.merit_table import PlanTable
from soundtrack.settings import DENSITIES, SPEECH_OVER_MUSIC_LU, MixSettings, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, SceneSheet, Span


def alike(film: SceneSheet) -> SceneSheet:
    """The film with one vector for all scenes of one mood: the same place, the same people."""
    first: dict[str, int] = {}
    rows = [first.setdefault(scene.emotion.label, i) for i, scene in enumerate(film.scenes)]
    return replace(film, embeddings=np.asarray(film.embeddings)[rows])


def titles(of: CueSheet) -> list[str]:
    names = {t.track_id: t.title or "" for t in of.tracks}
    return [names[c.track_id] for c in of.cues]


FILM = alike(
    sheet([("Relaxation", 60.0), ("Tension", 60.0), ("Relaxation", 60.0), ("Sad", 60.0), ("Relaxation", 60.0)])
)


def test_sparse_leaves_half_of_a_film_without_music_however_well_it_suits() -> None:
    """Pieces that suit every scene perfectly: only the wish for silence speaks against them."""
    moods = ["Sad", "Excited", "Relaxation", "Tension"]
    made = library([track(mood, [mood] * 20) for mood in moods])
    source = sheet([(mood, 60.0) for mood in moods * 2])
    played = {
        density: sum(
            c.span.duration_s for c in spot_cues(source, made, settings=SpottingSettings(density=density)).cues
        )
        for density in ("sparse", "normal")
    }
    assert 0 < played["sparse"] <= 250.0
    assert played["normal"] > 400.0


def test_a_piece_returns_where_the_scene_does_and_the_film_has_few_pieces() -> None:
    made = spot_cues(FILM, small_library())
    names = titles(made)
    assert names[0] == names[2] == names[4]
    assert len(set(names)) == 3
    assert any(term.name == "theme" and term.value > 0 for term in made.cues[2].why)
    assert not list(cuesheet.faults(made))


def test_a_returning_piece_goes_on_where_it_left_off_or_begins_again() -> None:
    made = spot_cues(FILM, small_library())
    first, second, third = (cue for cue in made.cues if cue.track_id == made.cues[0].track_id)
    tracks = small_library().tracks()
    start_s = tracks[first.track_id].analysis.music_start_s
    ways = (first.sections[-1].track.end_s, start_s)
    assert min(abs(second.sections[0].track.start_s - way) for way in ways) < 6.0
    assert third.fade_out_s == 0.0  # the film ends with the piece
    for cue in made.cues:
        assert cue.merit == pytest.approx(sum(term.value for term in cue.why), abs=1e-3)


def test_a_piece_does_not_return_in_a_scene_of_another_kind() -> None:
    two = library([track("calm one", ["Relaxation"] * 12), track("calm two", ["Relaxation"] * 12, bpm=80)])
    film = sheet([("Relaxation", 60.0), ("Tension", 60.0)])
    vectors = np.asarray(film.embeddings).copy()
    vectors[1] = -vectors[0]
    made = spot_cues(replace(film, embeddings=vectors), two, settings=SpottingSettings(density="full"))
    assert len(made.cues) == 1 or len(set(titles(made))) == 2


def test_in_a_film_of_talk_the_piece_comes_back_after_the_words_whatever_the_picture() -> None:
    """Two calm pieces, and two calm pictures that are unlike: the talk between them makes one bed of both."""
    two = library([track("calm one", ["Relaxation"] * 12), track("calm two", ["Relaxation"] * 12, bpm=80)])
    playing = {}
    for said in (0.9, 0.2):
        film = sheet([("Relaxation", 80.0), ("Relaxation", 100.0), ("Relaxation", 80.0)], speech=[0.0, said, 0.0])
        vectors = np.asarray(film.embeddings).copy()
        vectors[2] = -vectors[0]
        silence = Constraints(silences=(Span(80.0, 180.0),))
        playing[said] = titles(spot_cues(replace(film, embeddings=vectors), two, constraints=silence))
    assert [len(of) for of in playing.values()] == [2, 2]
    assert {said: len(set(of)) for said, of in playing.items()} == {0.9: 1, 0.2: 2}


def test_there_is_a_rest_before_music_of_another_mood_and_the_sheet_says_why() -> None:
    film = sheet([("Relaxation", 40.0), ("Tension", 40.0)])
    made = spot_cues(film, small_library())
    first, second = made.cues
    assert 3.0 <= second.span.start_s - first.span.end_s <= 8.0
    assert second.span.start_s == 40.0
    assert [s.reason for s in made.silences] == ["a rest before music of another mood"]
    for other in (MixSettings(keep_original=False), None):
        mute = film if other else sheet([("Relaxation", 40.0), ("Tension", 40.0)], has_audio=False)
        through = spot_cues(mute, small_library(), mix=other)
        assert through.cues[0].span.end_s > 40.0  # no film in full silence
        assert not through.silences
    none = SpottingSettings(plan=PlanTable().adjusted({"air": 0}))
    assert not spot_cues(film, small_library(), settings=none).silences


def test_a_hit_in_the_rest_keeps_its_music() -> None:
    film = sheet([("Relaxation", 40.0), ("Tension", 40.0)])
    made = spot_cues(film, small_library(), constraints=Constraints(hits=(38.5,)))
    assert any(c.span.start_s <= 38.5 < c.span.end_s for c in made.cues)


def test_talk_is_left_dry_but_a_hit_in_it_brings_music() -> None:
    film = sheet([("Neutral", 40.0), ("Tension", 60.0), ("Sad", 40.0)], speech=[0.0, 0.9, 0.0])
    made = spot_cues(film, small_library())
    assert any("speech in 100%" in s.reason for s in made.silences)
    assert not any(c.span.start_s < 90.0 and c.span.end_s > 50.0 for c in made.cues)
    asked = spot_cues(film, small_library(), constraints=Constraints(hits=(60.0,)))
    assert any(c.span.start_s <= 60.0 < c.span.end_s for c in asked.cues)


def test_no_cue_starts_inside_a_sentence() -> None:
    film = sheet([("Relaxation", 40.0), ("Tension", 40.0), ("Sad", 40.0)])
    free = spot_cues(film, small_library())
    assert 40.0 in [c.span.start_s for c in free.cues]
    spoken = spot_cues(replace(film, speech=(Span(36.0, 44.0),)), small_library())
    assert not any(36.3 < c.span.start_s < 43.7 for c in spoken.cues)
    over = spot_cues(replace(film, speech=(Span(30.0, 40.1),)), small_library())
    assert 40.0 in [c.span.start_s for c in over.cues]  # the sentence is over on the cut


def test_the_greatest_change_of_mood_starts_a_cue() -> None:
    """In a film of calm, fight, loneliness and dance the cut at 0:30 got no change."""
    film = sheet([("Relaxation", 30.0), ("Tension", 30.0), ("Sad", 30.0), ("Excited", 30.0)])
    starts = [c.span.start_s for c in spot_cues(film, small_library()).cues]
    assert {30.0, 60.0, 90.0} <= set(starts)


def test_a_hit_on_a_cut_starts_a_cue_there() -> None:
    film, cut_s = sheet([("Sad", 100.0)]), 40.0
    assert cut_s in [shot.span.start_s for shot in film.shots]
    assert len(spot_cues(film, small_library()).cues) == 1
    made = spot_cues(film, small_library(), constraints=Constraints(hits=(cut_s + 0.02,)))
    assert any(abs(c.span.start_s - cut_s) < 0.06 for c in made.cues)


def test_density_leaves_half_of_the_film_silent_or_none() -> None:
    film = sheet([("Neutral", 80.0), ("Tension", 80.0), ("Sad", 80.0), ("Neutral", 80.0)], speech=[0.9, 0.0, 0.0, 0.0])
    lengths = {
        density: sum(
            c.span.duration_s for c in spot_cues(film, small_library(), settings=SpottingSettings(density=density)).cues
        )
        for density in ("sparse", "normal", "full")
    }
    assert lengths["sparse"] <= 170.0 < lengths["normal"] < lengths["full"]
    assert lengths["full"] >= 159.0
    with pytest.raises(ValueError, match="density must be one of"):
        spot_cues(film, small_library(), settings=SpottingSettings(density="half"))


def test_a_short_loop_is_not_played_over_and_over() -> None:
    short = track("loop", ["Sad"] * 2)
    longer = track("longer", ["Sad"] * 11 + ["Neutral"])
    made = spot_cues(sheet([("Sad", 170.0)]), library([short, longer]))
    looped = [c.span.duration_s for c, title in zip(made.cues, titles(made), strict=True) if title == "loop"]
    assert all(seconds < 4 * short.audio.duration_s for seconds in looped)


def test_ducking_and_density_are_options_of_both_commands() -> None:
    for command in (spot, score):
        options = inspect.signature(command).parameters
        assert {"density", "duck"} <= set(options)
    mix = mix_settings(target=None, keep_original=True, keep_level=False, duck=DuckName.ACCESSIBLE)
    assert mix.speech_over_music_lu == 20.0
    made = spot_cues(sheet([("Sad", 30.0)]), small_library(), mix=mix)
    assert made.mix.speech_over_music_lu == 20.0
    assert list(DENSITIES) == [name.value for name in DensityName]
    assert list(SPEECH_OVER_MUSIC_LU) == [name.value for name in DuckName]
