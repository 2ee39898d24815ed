"""Scenes: tiling, minimum length, boundaries where the mood changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundtrack.errors import InputError
from soundtrack.settings import SceneSettings
from soundtrack.types import EMOTIONS, EmotionState, Reading, Shot, Span
from soundtrack.video.scenes import SceneGroup, group_scenes
from soundtrack.video.visual_features import N_FILM

DIM = 4
MOODS = {"calm": (0, 0.6, -0.5, 3), "fear": (1, -0.6, 0.7, 1), "sad": (2, -0.5, -0.6, 4)}


def reading(start_s: float, end_s: float, mood: str, *, confidence: float = 0.8) -> Reading:
    """What a network would say about a clip of this mood."""
    axis, valence, arousal, label = MOODS[mood]
    probabilities = [0.1] * len(EMOTIONS)
    probabilities[label] = 0.5
    embedding = np.zeros(DIM, np.float32)
    embedding[axis] = 1.0
    emotion = EmotionState(tuple(probabilities), valence=valence, arousal=arousal, confidence=confidence)
    return Reading(Span(start_s, end_s), emotion, embedding)


def readings(moods: str) -> list[Reading]:
    """One clip of two seconds per letter: c(alm), f(ear), s(ad)."""
    names = {name[0]: name for name in MOODS}
    return [reading(2.0 * i, 2.0 * i + 2, names[letter]) for i, letter in enumerate(moods)]


def shots(*edges_s: float) -> list[Shot]:
    """Shots between edges."""
    return [Shot(i, Span(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges_s))]


def starts(group: SceneGroup) -> list[float]:
    """Where the scenes begin."""
    return [scene.span.start_s for scene in group.scenes]


def test_boundaries_lie_where_the_mood_changes() -> None:
    group = group_scenes(shots(0, 3, 9, 14, 20, 24, 31, 40), readings("c" * 10 + "f" * 10))
    assert starts(group) == [0, 20]
    assert [scene.emotion.label for scene in group.scenes] == ["Relaxation", "Fear"]
    assert [(scene.first_shot, scene.n_shots) for scene in group.scenes] == [(0, 4), (4, 3)]
    assert np.allclose(group.embeddings, [[1, 0, 0, 0], [0, 1, 0, 0]])


def test_one_mood_is_one_scene_however_often_it_cuts() -> None:
    group = group_scenes(shots(*np.arange(0, 60.5, 0.5)), readings("s" * 30))
    assert starts(group) == [0]
    assert group.scenes[0].n_shots == 120
    assert group.scenes[0].film.cut_rate_per_min == pytest.approx(119)


def test_a_few_seconds_never_make_a_scene() -> None:
    group = group_scenes(shots(0, 20, 24, 44), readings("c" * 10 + "f" * 2 + "c" * 10))
    assert starts(group) == [0]


def test_a_short_stretch_joins_the_neighbour_that_is_more_alike() -> None:
    group = group_scenes(shots(0, 20, 24, 44), readings("c" * 10 + "s" * 2 + "s" * 10))
    assert starts(group) == [0, 20]
    assert group_scenes(shots(0, 20, 24, 44), readings("c" * 12 + "s" * 10)).scenes[1].span.start_s == 24


def test_a_film_shorter_than_a_scene_is_one_scene() -> None:
    group = group_scenes(shots(0, 1, 3), readings("cf"))
    assert starts(group) == [0]


def test_a_long_take_is_one_scene() -> None:
    assert starts(group_scenes(shots(0, 80), readings("c" * 20 + "f" * 20))) == [0]


def test_an_outlier_does_not_colour_the_scene() -> None:
    group = group_scenes(shots(0, 40), readings("c" * 18 + "ff"))
    assert group.scenes[0].emotion.valence == pytest.approx(0.6)
    assert np.allclose(group.embeddings[0], [1, 0, 0, 0])


def test_sure_readings_count_more() -> None:
    mixed = [reading(2.0 * i, 2.0 * i + 2, "calm", confidence=0.9) for i in range(5)]
    mixed += [reading(10 + 2.0 * i, 12 + 2.0 * i, "fear", confidence=0.1) for i in range(5)]
    (scene,) = group_scenes(shots(0, 20), mixed).scenes
    assert scene.emotion.label == "Relaxation"
    assert scene.emotion.valence > 0.2


def test_a_class_that_one_look_rules_out_is_not_that_of_the_scene() -> None:
    """The evidence of the looks is averaged, not their shares, which would make this scene a restful one."""

    def look(start_s: float, relaxation: float, sad: float) -> Reading:
        shares = [(1 - relaxation - sad) / 4] * len(EMOTIONS)
        shares[3], shares[4] = relaxation, sad
        return Reading(Span(start_s, start_s + 2), EmotionState(tuple(shares), 0.0, 0.0, 0.5), np.eye(DIM)[0])

    looks = [look(0, 0.90, 0.06), look(2, 0.02, 0.86)]
    found = group_scenes(shots(0, 4), looks).scenes[0].emotion
    wanted = np.sqrt(np.prod([one.emotion.probabilities for one in looks], axis=0))
    assert found.probabilities == pytest.approx(tuple(wanted / wanted.sum()), abs=1e-6)
    assert found.label == "Sad"


def test_scenes_whose_pictures_ask_for_the_same_music_differ_by_their_class() -> None:
    """Frightening, then sad, with vectors that point the same way: two scenes."""
    frightening, sad = reading(0, 2, "fear").emotion, reading(0, 2, "sad").emotion
    shares = [tuple(0.97 if p == 0.5 else 0.006 for p in mood.probabilities) for mood in (frightening, sad)]
    sure = [EmotionState(each, valence=-0.5, arousal=0.0, confidence=0.8) for each in shares]
    looks = [Reading(Span(2.0 * i, 2.0 * i + 2), sure[i >= 10], np.eye(DIM, dtype=np.float32)[0]) for i in range(20)]
    assert starts(group_scenes(shots(*np.arange(0, 41, 4)), looks)) == [0, 20]


def test_opposite_embeddings_still_give_a_unit_vector() -> None:
    a, b = reading(0, 2, "calm"), reading(2, 4, "calm")
    b = Reading(b.span, b.emotion, -a.embedding)
    group = group_scenes(shots(0, 4), [a, b])
    assert np.linalg.norm(group.embeddings, axis=1) == pytest.approx([1.0])


def test_speech_and_music_are_shares_of_the_scene() -> None:
    group = group_scenes(
        shots(0, 20, 40), readings("c" * 10 + "f" * 10), speech=[Span(5, 10), Span(18, 24)], music=[Span(30, 90)]
    )
    assert [s.speech_share for s in group.scenes] == pytest.approx([0.35, 0.2])
    assert [s.music_share for s in group.scenes] == pytest.approx([0.0, 0.5])


def test_film_numbers_come_from_the_clips_of_the_scene() -> None:
    rows = [np.full(N_FILM, 0.25 if i < 10 else 0.75, np.float32) for i in range(20)]
    group = group_scenes(shots(0, 20, 40), readings("c" * 10 + "f" * 10), numbers=rows)
    assert [s.film.brightness for s in group.scenes] == pytest.approx([0.25, 0.75])


def test_a_stretch_without_readings_takes_the_nearest() -> None:
    group = group_scenes(shots(0, 20, 60), readings("c" * 10 + "f" * 10))
    assert group.scenes[-1].emotion.label == "Fear"
    late = group_scenes(shots(0, 20, 60), readings("c" * 10))
    assert late.scenes[-1].emotion.label == "Relaxation"


def test_too_many_scenes_are_refused() -> None:
    with pytest.raises(InputError, match="2 scenes, at most 1"):
        group_scenes(shots(0, 20, 40), readings("c" * 10 + "f" * 10), settings=SceneSettings(max_scenes=1))


def test_nothing_to_group_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="need shots and readings"):
        group_scenes([], readings("c"))


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.floats(0.05, 30), min_size=1, max_size=40),
    moods=st.lists(st.sampled_from("cfs"), min_size=1, max_size=60),
    min_scene_s=st.floats(0.5, 20),
    merit=st.floats(0, 1),
)
def test_scenes_tile_the_shots(lengths: list[float], moods: list[str], min_scene_s: float, merit: float) -> None:
    film = shots(*np.concatenate([[0.0], np.cumsum(lengths)]).tolist())
    chosen = SceneSettings(min_scene_s=min_scene_s, boundary_merit=merit)
    group = group_scenes(film, readings("".join(moods)), settings=chosen)
    scenes = group.scenes
    assert [scene.index for scene in scenes] == list(range(len(scenes)))
    assert scenes[0].first_shot == 0
    assert scenes[-1].first_shot + scenes[-1].n_shots == len(film)
    for scene, after in itertools.pairwise(scenes):
        assert scene.first_shot + scene.n_shots == after.first_shot
        assert scene.span.end_s == after.span.start_s
    for scene in scenes:
        assert scene.span.start_s == film[scene.first_shot].span.start_s
        assert scene.span.end_s == film[scene.first_shot + scene.n_shots - 1].span.end_s
    assert len(scenes) == 1 or min(scene.span.duration_s for scene in scenes) >= min_scene_s - 1e-9
    assert group.embeddings.shape == (len(scenes), DIM)
    assert group.embeddings.dtype == np.float32
    assert np.linalg.norm(group.embeddings, axis=1) == pytest.approx(np.ones(len(scenes)), abs=1e-5)


@pytest.mark.slow
def test_ten_hours_of_short_shots_take_seconds() -> None:
    film = shots(*np.arange(0, 36_000, 4.0).tolist())
    group = group_scenes(film, readings(("c" * 40 + "f" * 40) * 225))
    assert len(group.scenes) == pytest.approx(450, abs=2)
