"""Stereo in opposite phase is heard, and all other stereo is mixed down as ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from media_made import ffmpeg
from soundtrack.audio.mono import mono_of
from soundtrack.library.update.listen import _take_in
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.previews import sound_mp3
from soundtrack.pipeline.film.watch import hear
from soundtrack.pipeline.library.listened import listen_to
from soundtrack.types import FloatArray

RATE = 44_100


def song(seconds: float = 10.0, *, seed: int = 1) -> FloatArray:
    """Noise in bursts of half a second, shape (n,)."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    envelope = np.exp(-6 * (np.arange(n) / RATE % 0.5))
    return np.asarray(0.3 * rng.standard_normal(n) * envelope, np.float32)


def opposite(sound: FloatArray) -> FloatArray:
    """The same in opposite phase in two channels."""
    return np.stack([sound, -sound])


@given(seed=st.integers(0, 1_000), correlation=st.floats(-0.9, 1.0), gain=st.sampled_from([1.0, 2**0.5]))
def test_ordinary_stereo_is_the_mean_to_the_bit(seed: int, correlation: float, gain: float) -> None:
    first, second = song(0.5, seed=seed), song(0.5, seed=seed + 5_000)
    other = correlation * first + (1 - correlation**2) ** 0.5 * second
    block = np.stack([first, other]).astype(np.float32)
    former = (block[0] + block[1]) * np.float32(0.5 * gain)
    assert np.array_equal(mono_of(block, gain), former)
    if gain == 1.0:
        assert np.array_equal(mono_of(block), block.mean(axis=0))
    assert np.array_equal(mono_of(block[:1], gain), block[0] * np.float32(gain))


@pytest.mark.parametrize("scale", [1.0, 0.9, 1.1, 1e-2])
def test_opposite_phase_was_silence(scale: float) -> None:
    sound = song()
    found = mono_of(np.stack([scale * sound, -sound]).astype(np.float32))
    if scale == 1e-2:
        assert np.abs(found).max() == pytest.approx(0.495 * np.abs(sound).max(), rel=1e-3), "little cancels"
    else:
        assert np.array_equal(found, (scale * sound).astype(np.float32) if scale >= 1 else -sound)


def test_silence_and_faint_noise_stay_the_mean() -> None:
    faint = np.asarray(1e-5 * song(), np.float32)
    assert not mono_of(opposite(faint)).any() and not mono_of(np.zeros((2, 9), np.float32)).any()
    assert mono_of(np.zeros((2, 0), np.float32)).shape == (0,)


def test_a_track_in_opposite_phase_is_analysed_like_the_same_track_in_phase() -> None:
    sound = song(20.0)
    whole = 10 * RATE

    def taken(stereo: FloatArray) -> FloatArray:
        blocks = enumerate([stereo[:, :whole], stereo[:, whole:]])
        return _take_in(blocks, decode_hz=RATE, rate_hz=16_000, mono_gain=1.0, expected_s=20.0).analysis

    assert np.array_equal(taken(opposite(sound)), taken(np.stack([sound, sound])))


@dataclass
class _Ear:
    """A channel that keeps what it hears."""

    heard: list[FloatArray] = field(default_factory=list)

    def push(self, mono: FloatArray) -> None:
        self.heard.append(mono)

    def finish(self) -> None:
        return None


def write_wav(path: Path, stereo: FloatArray) -> Path:
    """Stereo as a file."""
    wavfile.write(path, RATE, np.ascontiguousarray(stereo.T))
    return path


@pytest.mark.parametrize("make", [opposite, lambda sound: np.stack([sound, sound])])
def test_the_sound_of_a_film_in_opposite_phase_is_heard(
    tmp_path: Path, make: Callable[[FloatArray], FloatArray]
) -> None:
    sound = song(4.0)
    wav, film = write_wav(tmp_path / "a.wav", make(sound)), tmp_path / "film.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x48:rate=10:duration=4", "-i", wav, "-c:a", "flac", film)
    ear = _Ear()
    hear(probe(film), [ear], threading.Event())  # type: ignore[list-item]
    heard = np.concatenate(ear.heard)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.5)


def test_excerpts_and_previews_of_opposite_phase_are_not_silent(tmp_path: Path) -> None:
    sound = song(12.0)
    both, wide = (
        write_wav(tmp_path / f"{i}.wav", s) for i, s in enumerate([np.stack([sound, sound]), opposite(sound)])
    )
    expected, found = listen_to(both), listen_to(wide)
    assert found.analysis.tempo_bpm == expected.analysis.tempo_bpm
    assert np.array_equal(found.bars.bar_starts_s, expected.bars.bar_starts_s)
    short = np.stack([sound, sound])[:, : 3 * RATE]
    same, wide_mp3 = (sound_mp3(s, sample_rate_hz=RATE) for s in (short, opposite(sound)[:, : 3 * RATE]))
    assert same == wide_mp3
