"""The beat network: it hears a pulse that is there, none where there is none, and the same at every sample rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from soundtrack.audio.music.beat_network import STEP_S, beat_chances
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.audio.music.tempo import find_pulse
from soundtrack.types import FloatArray

BEATS_S = np.arange(0.5, 24.0, 0.6)


def march(rate_hz: int) -> FloatArray:
    """Chords on every beat of a march in four, the first of a bar lower and louder, mono."""
    t = np.arange(round(25.0 * rate_hz)) / rate_hz
    x = np.zeros(len(t))
    for i, beat_s in enumerate(BEATS_S):
        after = np.maximum(t - beat_s, 0)
        shape = (t >= beat_s) * np.exp(-4 * after)
        first = i % 4 == 0
        tones = (65.4, 130.8, 164.8, 196.0) if first else (261.6, 329.6, 392.0)
        x += (0.2 if first else 0.08) * shape * sum(np.sin(2 * np.pi * hz * after) for hz in tones)
    return np.asarray(x[None], np.float32)


def chances(rate_hz: int) -> npt.NDArray[np.float32]:
    return beat_chances(take_frames(march(rate_hz), sample_rate_hz=rate_hz))


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
def test_beats_are_likelier_on_the_beats_than_between_them_at_every_rate(rate_hz: int) -> None:
    found = chances(rate_hz)
    assert found.shape == (int(25.0 / STEP_S), 2) or abs(len(found) - 25.0 / STEP_S) < 3
    assert found.min() >= 0 and found.max() <= 1

    def near(times_s: npt.NDArray[np.float64], column: int) -> npt.NDArray[np.float32]:
        at = np.round(times_s / STEP_S).astype(np.int64)[:, None] + np.arange(-2, 3)
        return np.asarray(found[np.clip(at, 0, len(found) - 1), column].max(axis=1))

    on, between = near(BEATS_S[4:-4], 0), near(BEATS_S[4:-4] + 0.3, 0)
    assert np.median(on) > 0.3
    assert np.median(on) > 3 * np.median(between)
    bars = near(BEATS_S[4:-4], 1)
    assert np.median(bars[::4]) > 2 * np.median(np.delete(bars, np.s_[::4]))


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_nothing_is_likely_in_silence_or_noise(level: float) -> None:
    x = level * np.random.default_rng(1).standard_normal((1, 480_000))
    frames = take_frames(x.astype(np.float32), sample_rate_hz=48_000)
    assert np.percentile(beat_chances(frames)[:, 0], 98) < 0.45
    assert find_pulse(frames).tempo_bpm is None


def test_a_sound_shorter_than_a_step_gives_nothing_and_no_error() -> None:
    assert len(beat_chances(take_frames(np.zeros((1, 100), np.float32), sample_rate_hz=48_000))) <= 1
