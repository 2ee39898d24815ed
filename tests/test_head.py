"""One head for all sides: its numbers are those of the heads in use, and a missing channel is ordinary."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.head import READ_ERROR, Block, Domain, Head, classes_near
from soundtrack.emotion.head_file import HeadForm, form_document
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_head import felt_of, head_form
from soundtrack.emotion.picture_head import blocks_of, picture_blocks
from soundtrack.errors import ModelError
from soundtrack.networks.mel_config import MelCnnConfig

BLOCKS = (Block("network", 12, rooted=True), Block("numbers", 3))


@pytest.fixture
def head() -> Head:
    """Two channels, calibrated somehow."""
    plain = Head.untrained(BLOCKS, seed=4)
    return Head(BLOCKS, plain.mean, plain.scale, plain.weight * 3, plain.bias + 0.1, temperature=0.8)


def test_it_says_what_the_former_head_of_the_picture_said(rng: np.random.Generator) -> None:
    """The two linear layers as they were computed before there were blocks."""
    mean, deviation = rng.normal(size=15).astype(np.float32), rng.uniform(0.5, 2, 15).astype(np.float32)
    classes, plane = rng.normal(size=(6, 15)).astype(np.float32), rng.normal(size=(2, 15)).astype(np.float32)
    class_bias, plane_bias = rng.normal(size=6).astype(np.float32), rng.normal(size=2).astype(np.float32)
    features, film = rng.exponential(size=(9, 12)).astype(np.float32), rng.normal(size=(9, 3)).astype(np.float32)

    x = (np.concatenate([np.sqrt(features), film], axis=1) - mean) / deviation
    logits = (x @ classes.T + class_bias) / 0.7
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    va = np.clip(x @ plane.T + plane_bias, -1, 1)
    odds = np.log(probabilities.max(axis=1) / (1 - probabilities.max(axis=1)))
    confidence = 1 / (1 + np.exp(-(0.4 * odds - 0.3)))

    arrays = {
        "mean": mean,
        "deviation": deviation,
        "class_weight": classes,
        "class_bias": class_bias,
        "plane_weight": plane,
        "plane_bias": plane_bias,
    }
    form = HeadForm(blocks_of(12, 3), temperature=0.7, confidence_slope=0.4, confidence_offset=-0.3)
    head = form.head(arrays, where="here")
    mood = head.read(picture_blocks(features, film))
    np.testing.assert_allclose(mood.probabilities, probabilities, atol=1e-6)
    np.testing.assert_allclose(np.stack([mood.valence, mood.arousal], axis=1), va, atol=1e-6)
    np.testing.assert_allclose(mood.confidence, confidence, atol=1e-6)


def test_it_says_what_a_head_of_the_music_said(rng: np.random.Generator) -> None:
    """Files of music heads once held one table; it is read as before: clipped, one map, classes by softmax."""
    inputs = (rng.normal(size=(9, 16 + N_TONAL)) * 4).astype(np.float32)
    n_inputs = inputs.shape[1]
    table = {
        "mean": rng.normal(size=n_inputs).astype(np.float32),
        "scale": rng.uniform(0.5, 2, n_inputs).astype(np.float32),
        "weight": rng.normal(0, n_inputs**-0.5, (17, n_inputs)).astype(np.float32),
        "bias": rng.normal(size=17).astype(np.float32),
    }
    head = head_form({}, MusicTowerConfig(cnn=MelCnnConfig(n_features=8)), where="here").head(table, where="here")
    mood = head.read({"music-network": inputs[:, :16], "harmony": inputs[:, 16:]})
    out = np.clip((inputs - table["mean"]) / table["scale"], -5, 5) @ table["weight"].T + table["bias"]
    powers = np.exp(out[:, :6])
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mood.probabilities, probabilities, atol=1e-6)
    np.testing.assert_allclose(mood.valence, np.clip(out[:, 6], -1, 1), atol=1e-5)
    np.testing.assert_allclose(mood.arousal, np.clip(out[:, 7], -1, 1), atol=1e-5)
    np.testing.assert_allclose(felt_of(mood), np.clip(out[:, 8:], 0, 1), atol=1e-5)
    np.testing.assert_allclose(mood.confidence, probabilities.max(axis=1), atol=2e-6)


def test_a_music_head_that_gives_other_numbers_is_refused() -> None:
    form = form_document(Head.untrained((Block("harmony", 4),), n_further=3))
    document: dict[str, object] = json.loads(json.dumps(form))
    with pytest.raises(ModelError, match=r"head\.n_outputs must be 17, got 11"):
        head_form({"head": document}, MusicTowerConfig(), where="here")
    with pytest.raises(ModelError, match="head must be an object"):
        head_form({"head": [1]}, MusicTowerConfig(), where="here")


def test_a_missing_channel_counts_as_its_mean_and_lowers_the_confidence(head: Head, rng: np.random.Generator) -> None:
    features = rng.exponential(size=(30, 12)).astype(np.float32)
    at_mean = np.broadcast_to(head.mean[12:], (30, 3)).astype(np.float32)
    full, without = head.read({"network": features, "numbers": at_mean}), head.read({"network": features})
    np.testing.assert_array_equal(full.probabilities, without.probabilities)
    np.testing.assert_array_equal(full.valence, without.valence)
    assert bool((without.confidence <= full.confidence).all())
    sure = full.confidence > 0.3
    assert sure.any()
    assert bool((without.confidence[sure] < full.confidence[sure]).all())


def test_a_row_of_nan_is_a_channel_missing_there_alone(head: Head, rng: np.random.Generator) -> None:
    features, film = rng.exponential(size=(4, 12)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    film[2] = np.nan
    mood, alone = head.read({"network": features, "numbers": film}), head.read({"network": features})
    np.testing.assert_array_equal(mood.probabilities[2], alone.probabilities[2])
    assert not np.array_equal(mood.probabilities[1], alone.probabilities[1])
    assert head.opinions({"network": features, "numbers": film})["numbers"].weight[2] == 0.0


def test_opinions_say_who_said_what(head: Head, rng: np.random.Generator) -> None:
    features, film = rng.exponential(size=(6, 12)).astype(np.float32), rng.normal(size=(6, 3)).astype(np.float32)
    said = head.opinions({"network": features, "numbers": film, "stranger": film})
    assert list(said) == ["network", "numbers"]
    np.testing.assert_array_equal(said["numbers"].mood.probabilities, head.read({"numbers": film}).probabilities)
    np.testing.assert_allclose(said["network"].weight + said["numbers"].weight, 1.0, atol=1e-6)
    louder = head.opinions({"network": features, "numbers": 10 * film})
    assert bool((louder["numbers"].weight > said["numbers"].weight).all())


def test_a_channel_at_its_mean_has_no_say(head: Head, rng: np.random.Generator) -> None:
    features = rng.exponential(size=(5, 12)).astype(np.float32)
    said = head.opinions({"network": features, "numbers": np.zeros((5, 3), np.float32)})
    np.testing.assert_array_equal(said["numbers"].weight, np.zeros(5, np.float32))
    np.testing.assert_array_equal(said["network"].weight, np.ones(5, np.float32))


@pytest.mark.parametrize(
    ("blocks", "about"),
    [
        ({}, "at least one"),
        ({"stranger": (2, 3)}, "at least one"),
        ({"network": (2, 11)}, "shape"),
        ({"network": (2, 12), "numbers": (3, 3)}, "one length"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(head: Head, blocks: dict[str, tuple[int, int]], about: str) -> None:
    with pytest.raises(ValueError, match=about):
        head.read({name: np.zeros(shape, np.float32) for name, shape in blocks.items()})


def test_no_rows_give_no_rows(head: Head) -> None:
    assert head.read({"network": np.zeros((0, 12), np.float32)}).probabilities.shape == (0, 6)
    assert head.opinions({"network": np.zeros((0, 12), np.float32)})["network"].weight.shape == (0,)


@pytest.fixture
def bounded(head: Head) -> Head:
    """Whatever has large numbers is of another kind."""
    odds = np.zeros(15, np.float32)
    odds[0], odds[12:] = 1e-6, 40.0
    return replace(head, domain=Domain(odds, -60.0))


def test_a_picture_unlike_the_labelled_films_is_read_by_valence_and_arousal(head: Head, bounded: Head):
    odd = {"network": np.zeros((1, 12), np.float32), "numbers": np.full((1, 3), 3.0, np.float32)}
    plain, mood = head.read(odd), bounded.read(odd)
    np.testing.assert_allclose(
        mood.probabilities, classes_near(plain.valence, plain.arousal, error=READ_ERROR), atol=1e-3
    )
    np.testing.assert_array_equal((mood.valence, mood.arousal), (plain.valence, plain.arousal))
    agreement = np.sqrt(mood.probabilities * plain.probabilities).sum()
    assert agreement < 0.99
    assert mood.confidence[0] - 1 / 6 == pytest.approx(agreement * (plain.confidence[0] - 1 / 6), abs=0.01)


def test_a_picture_like_the_labelled_films_is_read_as_ever(head: Head, bounded: Head):
    usual = {"network": np.zeros((1, 12), np.float32), "numbers": np.zeros((1, 3), np.float32)}
    usual["network"][:, :3] = 4.0
    np.testing.assert_allclose(bounded.read(usual).probabilities, head.read(usual).probabilities, atol=1e-6)


def test_a_row_with_gaps_is_not_called_odd(head: Head, bounded: Head):
    gaps = {"network": np.full((1, 12), np.nan, np.float32), "numbers": np.full((1, 3), 3.0, np.float32)}
    np.testing.assert_array_equal(bounded.read(gaps).probabilities, head.read(gaps).probabilities)
