"""Keys of chords and scales that leave no doubt."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.music.key import PITCH_CLASSES, find_key, key_fits
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.types import FloatArray

RATE_HZ = 22_050


def chords(roots_and_kinds: list[tuple[int, str]], *, cents: float = 0.0) -> FloatArray:
    """A second of each chord, with four partials a note, as sound."""
    t = np.arange(RATE_HZ) / RATE_HZ
    out = []
    for root, kind in roots_and_kinds:
        wave = np.zeros(len(t))
        for step in (0, 4 if kind == "major" else 3, 7):
            hz = 440 * 2 ** ((root + step - 9 + cents / 100) / 12)
            for k in range(1, 5):
                wave += np.sin(2 * np.pi * hz * k * t) / k**2
        out.append(wave * np.exp(-2 * t))
    return (0.1 * np.concatenate(out)[None]).astype(np.float32)


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("cents", [0, 30, -40])
def test_a_cadence_in_major_has_its_tonic(tonic: int, cents: float) -> None:
    sound = chords([(tonic + s, "major") for s in (0, 5, 7, 0)], cents=cents)
    assert find_key(take_frames(sound, sample_rate_hz=RATE_HZ).chroma).name == f"{PITCH_CLASSES[tonic]} major"


@pytest.mark.parametrize("tonic", [0, 4, 9])
def test_a_cadence_in_minor_has_its_tonic(tonic: int) -> None:
    sound = chords([(tonic, "minor"), (tonic + 5, "minor"), (tonic + 7, "major"), (tonic, "minor")])
    assert find_key(take_frames(sound, sample_rate_hz=RATE_HZ).chroma).name == f"{PITCH_CLASSES[tonic]} minor"


def test_turning_the_chroma_turns_the_key(rng: np.random.Generator) -> None:
    weights = rng.random(12)
    fits = key_fits(weights)
    turned = key_fits(np.roll(weights, 5))
    assert np.allclose(np.roll(fits[:12], 5), turned[:12])
    assert np.allclose(np.roll(fits[12:], 5), turned[12:])


def test_noise_and_silence_have_no_key(rng: np.random.Generator) -> None:
    noise = (0.1 * rng.standard_normal((1, RATE_HZ * 10))).astype(np.float32)
    assert find_key(take_frames(noise, sample_rate_hz=RATE_HZ).chroma).name is None
    assert find_key(np.zeros((10, 12), np.float32)).name is None
    assert find_key(np.zeros((0, 12), np.float32)).name is None
