"""The demo is the first film that a user sees: its four scenes are found, with the moods that a person gives them."""

from __future__ import annotations

import pytest

from soundtrack import pipeline, resources
from soundtrack.demo import movie
from soundtrack.demo.make import make_film
from soundtrack.demo.pieces import PIECES
from soundtrack.types import EMOTIONS, SceneSheet

MOODS = {"park": {"Excited"}, "sea": {"Relaxation"}, "corridor": {"Fear", "Tension"}, "rain": {"Sad"}}
"""What each scene was made to be."""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> SceneSheet:
    """Of the demo film, by the included networks."""
    film = tmp_path_factory.mktemp("demo") / "film.mp4"
    make_film(film, synthesiser=False)
    return pipeline.analyse_video(film)


@pytest.mark.slow
def test_park_and_sea_are_two_scenes_and_rain_is_not_part_of_the_corridor(sheet: SceneSheet) -> None:
    starts = [scene.span.start_s for scene in sheet.scenes]
    assert starts == pytest.approx(list(movie.scene_starts_s().values()), abs=1.6)  # the sea comes by a dissolve


@pytest.mark.slow
def test_each_scene_of_the_demo_has_the_mood_it_was_made_for(sheet: SceneSheet) -> None:
    read = [EMOTIONS[max(range(6), key=scene.emotion.probabilities.__getitem__)] for scene in sheet.scenes]
    assert all(mood in wanted for mood, wanted in zip(read, MOODS.values(), strict=True)), read
    assert [scene.emotion.label for scene in sheet.scenes] == read, "sure enough to be named"
    lively, restful, frightening, sad = (scene.emotion for scene in sheet.scenes)
    assert min(lively.valence, restful.valence) > 0.2 > -0.05 > max(frightening.valence, sad.valence)


@pytest.mark.slow
def test_each_scene_of_the_demo_gets_music_of_its_own(sheet: SceneSheet) -> None:
    planned = pipeline.spot_video(sheet, index=resources.example_index_dir())
    cues, title = planned.cues, {track.track_id: track.title for track in planned.tracks}
    assert len({cue.track_id for cue in cues}) == len(cues) >= 4
    assert {scene for cue in cues for scene in cue.scenes[:1]} == {0, 1, 2, 3}
    written_for = {piece.title: piece.mood for piece in PIECES}
    for cue in cues:
        wanted = list(MOODS.values())[cue.scenes[0]]
        assert written_for[title[cue.track_id] or ""] in wanted, "the sea had a plain piece"


def test_the_moods_are_those_of_the_scenes() -> None:
    assert list(MOODS) == list(movie.scene_starts_s())
