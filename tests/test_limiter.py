"""Peaks are held, all else is left alone, and blocks make no difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import minimum_filter1d
from scipy.signal import resample_poly

from soundtrack.audio.levels.true_peak import TruePeak
from soundtrack.mix.limiter import LOOK_AHEAD, RELEASE_DB_PER_S, Limiter, lowest_ahead

RATE = 48_000


def limited(audio: np.ndarray, *, ceiling_dbtp: float = -1.0, block: int = 10_000) -> np.ndarray:
    limiter = Limiter(ceiling_dbtp=ceiling_dbtp, channels=len(audio))
    parts = [limiter.push(audio[:, i : i + block]) for i in range(0, audio.shape[1], block)]
    return np.concatenate([*parts, limiter.finish()], axis=1)


def true_peak_dbtp(audio: np.ndarray) -> float:
    """By another route: scipy's polyphase resampler, eight times."""
    oversampled = resample_poly(audio.astype(np.float64), 8, 1, axis=1)
    return float(20 * np.log10(np.abs(oversampled[:, 800:-800]).max()))  # the ends ring where sound is cut off


@pytest.mark.parametrize("ceiling_dbtp", [-1.0, -2.0, -9.0])
def test_noise_and_bursts_stay_under_the_ceiling(rng: np.random.Generator, ceiling_dbtp: float) -> None:
    audio = rng.normal(0, 0.1, (2, 3 * RATE)).astype(np.float32)
    audio[0, RATE : RATE + 2000] *= 12
    audio[1, 2 * RATE] = 3.0
    out = limited(audio, ceiling_dbtp=ceiling_dbtp)
    assert out.shape == audio.shape
    assert true_peak_dbtp(out) <= ceiling_dbtp + 0.3  # four times oversampling under-reads white noise by up to 0.69 dB


def test_a_peak_between_samples_is_found() -> None:
    n = np.arange(RATE)
    tone = (0.98 * np.sin(2 * np.pi * RATE / 4 * n / RATE + np.pi / 4)).astype(np.float32)
    tone *= np.minimum(1, n / 4800).astype(np.float32)
    louder = np.stack([tone, tone]) * np.float32(1.4)
    assert np.abs(louder).max() < 1.0
    out = limited(louder, ceiling_dbtp=-1.0)
    assert true_peak_dbtp(out[:, 5000:-5000]) == pytest.approx(-1.0, abs=0.05)


def test_what_is_under_the_ceiling_passes_bit_for_bit(rng: np.random.Generator) -> None:
    audio = rng.uniform(-0.4, 0.4, (2, RATE)).astype(np.float32)
    np.testing.assert_array_equal(limited(audio), audio)
    audio[0, RATE // 2] = 1.6
    out = limited(audio)
    untouched = slice(0, RATE // 2 - 2 * LOOK_AHEAD)
    np.testing.assert_array_equal(out[:, untouched], audio[:, untouched])
    back_s = 20 * np.log10(1.6) / RELEASE_DB_PER_S + 1 / RELEASE_DB_PER_S + 0.02
    later = slice(RATE // 2 + int(back_s * RATE), None)
    np.testing.assert_array_equal(out[:, later], audio[:, later])


@pytest.mark.parametrize("block", [100, 4097, 48_000])
def test_the_size_of_the_blocks_does_not_matter(rng: np.random.Generator, block: int) -> None:
    audio = rng.normal(0, 0.5, (2, RATE)).astype(np.float32)
    np.testing.assert_allclose(limited(audio, block=block), limited(audio, block=RATE), atol=1e-6)


def test_the_gain_moves_smoothly_and_never_up() -> None:
    audio = np.full((1, RATE), 0.5, dtype=np.float32)
    audio[0, 20_000] = 2.0
    gain = limited(audio)[0] / audio[0]
    assert gain.max() <= 1.0
    rest = np.delete(gain, 20_000)
    assert np.abs(np.diff(20 * np.log10(rest))).max() < 0.1
    assert gain[20_000] <= 10 ** (-1 / 20) / 2.0 + 1e-4


def test_silence_and_very_short_sound_come_through() -> None:
    silence = np.zeros((2, 7), dtype=np.float32)
    np.testing.assert_array_equal(limited(silence), silence)


@pytest.mark.parametrize("frequency_hz", [1_000, 5_000, 10_000, 12_000])
def test_what_the_limiter_lets_pass_is_under_the_ceiling_for_the_meter(frequency_hz: int) -> None:
    """Films were measured by a meter of their own, tracks by another; now there is one for both."""
    n = np.arange(24_000)
    for phase in (0.0, 0.4, 0.8):
        tone = np.sin(2 * np.pi * frequency_hz * n / 48_000 + phase) * np.hanning(len(n))
        limiter, peak = Limiter(ceiling_dbtp=-3.0, channels=2), TruePeak()
        sound = np.stack([tone, tone]).astype(np.float32)
        peak.push(np.concatenate([limiter.push(sound), limiter.finish()], axis=1))
        assert -3.2 < peak.dbtp() < -2.97


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 240, 241])
def test_the_lowest_value_ahead_is_that_of_scipy(rng: np.random.Generator, size: int) -> None:
    values = -np.maximum(rng.normal(size=1000), 0.0)
    theirs = minimum_filter1d(values, size=size, origin=-(size // 2), mode="constant", cval=0.0)
    np.testing.assert_array_equal(lowest_ahead(values, size), theirs[: 1000 - size + 1])
    np.testing.assert_array_equal(lowest_ahead(values[:size], size), [values[:size].min()])
