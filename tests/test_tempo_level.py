"""Which tempo is that of the beat: fast waltzes are not counted in half time, slow pieces not twice as fast."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.music import tempo
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.audio.music.tempo_level import MULTIPLES, WEIGHTS, tempo_features, tempo_level
from soundtrack.types import FloatArray

TEMPI_BPM = np.array([45.0, 60.0, 90.0, 120.0, 180.0])


def pulses(period_s: float, *, every: int = 1, hop_s: float = 0.01) -> np.ndarray:
    """An autocorrelation with a peak after each period, higher after every so many."""
    t = np.arange(800) * hop_s
    place = np.round(t / period_s)
    near = np.exp(-0.5 * ((t - place * period_s) / 0.02) ** 2)
    return np.asarray(near * np.where(place % every == 0, 1.0, 0.5))


def waltz(bpm: float, *, bars: int = 40, rate_hz: int = 24_000) -> tuple[FloatArray, np.ndarray]:
    """A bass note, then two chords, in a harmony that changes with each bar; and its beats."""
    beats_s = 0.3 + np.arange(3 * bars) * 60 / bpm
    sound = np.zeros(round((float(beats_s[-1]) + 1.0) * rate_hz))
    for i, beat_s in enumerate(beats_s):
        root = (0, 5, 7, 0, 9, 2, 7, 0)[(i // 3) % 8]
        keys = (36 + root,) if i % 3 == 0 else (60 + root, 64 + root, 67 + root)
        at = round(beat_s * rate_hz)
        after = np.arange(round(0.3 * rate_hz)) / rate_hz
        for key in keys:
            hz = 440 * 2 ** ((key - 69) / 12)
            note = sum(np.sin(2 * np.pi * k * hz * after) / k**2 for k in (1, 2, 3)) * np.exp(-8 * after)
            sound[at : at + len(after)] += (0.3 if i % 3 == 0 else 0.1) * note[: len(sound) - at]
    return sound[None].astype(np.float32), beats_s


@pytest.mark.parametrize("bpm", [172.0, 186.0, 192.0])
def test_a_fast_waltz_is_not_counted_in_half_or_a_third_of_its_time(
    bpm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, beats_s = waltz(bpm)
    frames = take_frames(sound, sample_rate_hz=24_000)
    pulse = tempo.find_pulse(frames)
    assert pulse.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert np.median(np.abs(pulse.beats_s[:, None] - beats_s).min(axis=1)) < 0.03
    monkeypatch.setattr(tempo, "tempo_level", lambda *_, **__: 1.0)
    before_bpm = tempo.find_pulse(frames).tempo_bpm
    assert before_bpm is not None
    assert min(abs(before_bpm * times / bpm - 1) for times in (2, 3)) < 0.01


@pytest.mark.parametrize("bpm", [80.0, 120.0, 160.0])
def test_a_slower_waltz_is_counted_as_before(bpm: float) -> None:
    sound, _ = waltz(bpm, bars=24)
    pulse = tempo.find_pulse(take_frames(sound, sample_rate_hz=24_000))
    assert pulse.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert pulse.beats_per_bar == 3


def test_what_repeats_after_every_beat_has_the_tempo_of_the_beat() -> None:
    repeats = pulses(0.5, every=4)
    level = tempo_level(repeats, repeats, TEMPI_BPM, hop_s=0.01)
    assert TEMPI_BPM[level.argmax()] == 120.0
    assert level.max() == 1.0
    assert level.min() > 0.0


def test_distances_longer_than_a_window_say_nothing() -> None:
    repeats = np.ones(800)
    heard = tempo_features(repeats, repeats, TEMPI_BPM, hop_s=0.01)
    assert heard.shape == (len(TEMPI_BPM), len(WEIGHTS))
    assert heard[0, len(MULTIPLES) - 1] == 0.0
    assert heard[-1, len(MULTIPLES) - 1] == 1.0
