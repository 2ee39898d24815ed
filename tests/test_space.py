"""The joint space: unit vectors, likenesses that mean what they say, and a fit that finds planted structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.music_channels import HARMONY, NETWORK
from soundtrack.emotion.picture_head import PICTURE_NETWORK, picture_blocks
from soundtrack.emotion.space import MUSIC, PICTURE, JointSpace, SideProjection
from soundtrack.errors import ModelError
from soundtrack.evaluation.folds import PLANE, Evidence, cross_read, merit
from soundtrack.training.space import SideRows, SpaceSettings, fit_fixed, fit_space, reweighted, target_likeness
from soundtrack.yardsticks.metrics import own_source, two_afc_emotion, two_afc_true_track


def side(rng: np.random.Generator, n: int, n_features: int = 8) -> tuple[np.ndarray, ...]:
    p = rng.dirichlet(np.ones(6), n).astype(np.float32)
    v, a = rng.uniform(-1, 1, (2, n)).astype(np.float32)
    return p, v, a, rng.normal(size=(n, n_features)).astype(np.float32)


def test_vectors_are_units_on_both_sides(rng):
    space = JointSpace.untrained(dim=24)
    for name in space.sides:
        vectors = space.project(name, *side(rng, 50))
        assert vectors.dtype == np.float32
        assert vectors.shape == (50, 24)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_classes_alone_give_the_bhattacharyya_coefficient(rng):
    space = reweighted(JointSpace.untrained(), (1.0, 0.0, 0.0))
    a, b = side(rng, 5), side(rng, 5)
    cosines = space.project("picture", *a) @ space.project("music", *b).T
    assert np.allclose(cosines, np.sqrt(a[0]) @ np.sqrt(b[0]).T, atol=1e-5)


def test_plane_alone_falls_off_with_distance():
    space = reweighted(JointSpace.untrained(), (0.0, 1.0, 0.0))
    p, features = np.full((5, 6), 1 / 6, np.float32), np.zeros((5, 8), np.float32)
    valence, arousal = np.array([0.0, 0.1, 0.4, 0.8, 1.0], np.float32), np.zeros(5, np.float32)
    vectors = space.project_music(p, valence, arousal, features)
    cosines = vectors @ vectors[0]
    assert cosines[0] == pytest.approx(1.0)
    assert (np.diff(cosines) < 0).all()


def test_odd_inputs_never_give_nan():
    space = JointSpace.untrained()
    zeros = np.zeros((2, 6), np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32)
    for features in (np.zeros((2, 8), np.float32), np.full((2, 8), 1e30, np.float32)):
        assert np.isfinite(space.project("picture", *zeros, features)).all()


def test_nothing_in_nothing_out():
    space = JointSpace.untrained()
    empty = np.zeros((0, 6), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32)
    assert space.project("music", *empty, np.zeros((0, 8), np.float32)).shape == (0, 32)


def test_tensors_come_back(rng):
    space = JointSpace.untrained(seed=3)
    again = JointSpace.from_tensors(space.tensors(), ref=space.ref)
    rows = side(rng, 4)
    assert np.array_equal(space.project("picture", *rows), again.project("picture", *rows))


def with_words() -> JointSpace:
    """A space with a side for words: moods alone, no features."""
    space = JointSpace.untrained()
    words = SideProjection.untrained(n_features=0, n_code=space.dim - 9, rng=np.random.default_rng(0))
    return JointSpace({**space.sides, "words": words}, weights=space.weights, ref=space.ref)


def test_any_side_can_be_compared_with_any_other_and_comes_back_from_its_file(rng):
    space = with_words()
    again = JointSpace.from_tensors(space.tensors(), ref=space.ref)
    assert set(again.sides) == {"picture", "music", "words"}
    p, v, a, features = side(rng, 30)
    word = space.project("words", p, v, a, np.zeros((30, 0), np.float32))
    assert np.array_equal(word, again.project("words", p, v, a, np.zeros((30, 0), np.float32)))
    for other in ("picture", "music", "words"):
        cosines = word @ space.project(other, p, v, a, features[:, : 0 if other == "words" else None]).T
        assert (cosines.argmax(axis=1) == np.arange(30)).all(), other


def test_a_missing_channel_counts_as_its_mean_in_the_space_too(rng):
    space = JointSpace.untrained()
    p, v, a, features = side(rng, 5)
    missing, at_mean = features.copy(), features.copy()
    missing[:, 4:], at_mean[:, 4:] = np.nan, space.sides["music"].feature_mean[4:]
    assert np.array_equal(space.project("music", p, v, a, missing), space.project("music", p, v, a, at_mean))
    nothing = space.project("music", p, v, a, np.full_like(features, np.nan))
    assert np.allclose(np.linalg.norm(nothing, axis=1), 1, atol=1e-6)


def test_a_space_without_pictures_is_refused():
    space = JointSpace.untrained()
    with pytest.raises(ValueError, match="needs the sides picture and music"):
        JointSpace({"music": space.sides["music"]}, weights=space.weights, ref=space.ref)


def test_the_embedded_spaces_load_and_name_their_towers():
    tiny, embedded = JointSpace.load("tiny-space"), JointSpace.load()
    assert tiny.ref.sha256 != embedded.ref.sha256
    assert embedded.ref.name == "emotion-embedded"
    assert len(embedded.ref.sha256) == 64


def test_another_kind_of_model_is_refused():
    with pytest.raises(ModelError, match="not a joint space"):
        JointSpace.load("tiny-music")


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (-1.0, 1.0, 1.0)])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        reweighted(JointSpace.untrained(), weights)


def test_target_is_highest_for_the_own_sound_and_falls_with_mood():
    target = target_likeness(np.array([0, 0, 3]), PLANE, own_share=0.5)
    assert target[0, 0] > target[0, 1] > target[0, 2] > 0


def planted(rng: np.random.Generator, *, n: int = 48, noise: float = 1.0) -> Evidence:
    """Clips whose class shows in both sides, with three windows each."""
    classes = np.arange(n) % 6
    moods = rng.normal(size=(6, 6))
    own = rng.normal(size=(n, 4))
    hidden = np.concatenate([3 * moods[classes], own], axis=1)
    maps = rng.normal(size=(10, 20)), rng.normal(size=(10, 70))
    clip = np.repeat(np.arange(n), 3)
    seen = np.maximum((hidden @ maps[0])[clip] + noise * rng.normal(size=(3 * n, 20)) + 10, 0)
    heard = (hidden @ maps[1])[clip] + noise * rng.normal(size=(3 * n, 70))
    film = rng.normal(size=(3 * n, 5))
    return Evidence(
        picture_blocks(seen.astype(np.float32), film.astype(np.float32)),
        clip,
        {NETWORK: heard[:, :-N_TONAL].astype(np.float32), HARMONY: heard[:, -N_TONAL:].astype(np.float32)},
        clip,
        classes,
        tuple(str(i) for i in range(n)),
    )


def test_codes_find_pairs_they_never_saw(rng):
    evidence = planted(rng, n=60, noise=0.3)
    seen = evidence.seen[PICTURE_NETWORK]
    flat = np.full((len(seen), 6), 1 / 6, np.float32), *np.zeros((2, len(seen)), np.float32)
    video = SideRows(*flat, seen, evidence.seen_clip)
    music = SideRows(*flat, np.concatenate([*evidence.heard.values()], axis=1), evidence.heard_clip)
    learn = np.arange(60) < 45
    space = fit_fixed(
        video.only(learn),
        music.only(learn),
        evidence.classes[learn],
        plane=PLANE,
        weights=(0.0, 0.0, 1.0),
        settings=SpaceSettings(),
    )
    judged = [s.only(~learn) for s in (video, music)]
    similarity = judged[0].project(space, PICTURE) @ judged[1].project(space, MUSIC).T
    assert two_afc_true_track(similarity, np.arange(15)) > 0.8


@pytest.mark.slow
def test_a_fitted_space_finds_pairs_it_never_saw(rng):
    evidence = planted(rng)
    found = cross_read(evidence, n_folds=3).similarities["joint"]
    sources = np.arange(len(evidence.classes))
    assert two_afc_emotion(found, evidence.classes, own_source(sources)) > 0.8
    assert two_afc_true_track(found, sources) > 0.8


@pytest.mark.slow
def test_shuffled_labels_give_chance(rng):
    """Were a label of the judged fold to leak, this would rise above chance."""
    evidence = planted(rng, n=60)
    noise = replace(
        evidence,
        seen={name: np.abs(rng.normal(size=rows.shape)).astype(np.float32) for name, rows in evidence.seen.items()},
        heard={name: rng.normal(size=rows.shape).astype(np.float32) for name, rows in evidence.heard.items()},
    )
    read = cross_read(noise, n_folds=3)
    accuracies = [
        float(np.mean(p.argmax(axis=1) == noise.classes)) for p in (read.video_probabilities, read.music_probabilities)
    ]
    assert max(accuracies) < 0.36
    sources = np.arange(60)
    assert abs(two_afc_emotion(read.similarities["joint"], noise.classes, own_source(sources)) - 0.5) < 0.09


def test_fitting_twice_gives_the_same_space(rng):
    p, v, a, f = side(rng, 24)
    rows = SideRows(p, v, a, f, np.arange(24))
    classes = np.arange(24) % 6
    spaces = [
        fit_space(rows, rows, classes, sources=np.arange(24), plane=PLANE, judge=merit, settings=SpaceSettings(dim=16))
        for _ in range(2)
    ]
    assert all(np.array_equal(x, spaces[1].tensors()[k]) for k, x in spaces[0].tensors().items())
