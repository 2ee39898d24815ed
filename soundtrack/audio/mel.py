"""Log-mel spectrogram with semitone bands: the input of the music network.

Goes in: mono sound as float32 in [-1, 1]. Comes out: float32 ``(n_mels + n_pitches, frames)``: first the natural
logarithm of mel-band magnitudes, then, where asked for, the magnitude of each semitone. The filter bank is librosa's
(HTK mel scale, triangles of height 1), kept in a file for the default settings, since librosa takes a second to import;
the short-time Fourier transform is our own because it is faster. Tests hold both equal to librosa's. Frame ``t`` is
centred on sample ``t * hop_length``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from soundtrack.audio.pitch import FRAMES_PER_S, pitch_magnitude
from soundtrack.types import FloatArray

_BLOCK_FRAMES = 256


@dataclass(frozen=True, slots=True)
class MelSettings:
    """How a mel spectrogram is taken; part of a model's config, since weights know only one way."""

    sample_rate_hz: int = 16_000
    """Samples a second that the sound must have."""
    n_fft: int = 512
    """Length of the Fourier transform, in samples."""
    win_length: int = 400
    """Length of the Hann window, in samples, at most `n_fft`."""
    hop_length: int = 160
    """Samples from one frame to the next."""
    n_mels: int = 64
    """Mel bands."""
    fmin_hz: float = 125.0
    """Lower edge of the lowest band, in Hz."""
    fmax_hz: float = 7_500.0
    """Upper edge of the highest band, in Hz, at most half of `sample_rate_hz`."""
    log_offset: float = 1e-3
    """Added to a magnitude before the logarithm, so that silence is a finite number."""
    n_pitches: int = 0
    """Rows of semitones below the mel bands, from C1 upwards; taken ten times a second and held in between."""

    def __post_init__(self) -> None:
        if not 0 < self.win_length <= self.n_fft:
            raise ValueError(f"win_length must be in (0, n_fft = {self.n_fft}], got {self.win_length}")
        if min(self.hop_length, self.n_mels, self.sample_rate_hz) < 1:
            raise ValueError("hop_length, n_mels and sample_rate_hz must be at least 1")
        if not 0 <= self.fmin_hz < self.fmax_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                f"bands must be within [0, {self.sample_rate_hz / 2:g}] Hz, got {self.fmin_hz}, {self.fmax_hz}"
            )
        if not self.log_offset > 0:
            raise ValueError(f"log_offset must be above 0, got {self.log_offset}")

    @property
    def bands(self) -> tuple[float, ...]:
        """All that the filter bank depends on."""
        return self.sample_rate_hz, self.n_fft, self.n_mels, self.fmin_hz, self.fmax_hz

    @property
    def frames_per_s(self) -> float:
        """Frames a second."""
        return self.sample_rate_hz / self.hop_length


KEPT_BANK = Path(__file__).with_name("mel_bank.npy")
"""What librosa gives for the default settings, which all included networks have, shape (64, 257), float32."""


@lru_cache(maxsize=4)
def _filter_bank(settings: MelSettings) -> FloatArray:
    """Triangles of the mel bands, shape (n_mels, n_fft // 2 + 1)."""
    if settings.bands == MelSettings().bands:
        return np.asarray(np.load(KEPT_BANK, allow_pickle=False), np.float32)
    from soundtrack.audio.mel_triangles import triangles  # a second to import

    bank = triangles(
        sr=settings.sample_rate_hz,
        n_fft=settings.n_fft,
        n_mels=settings.n_mels,
        fmin=settings.fmin_hz,
        fmax=settings.fmax_hz,
        htk=True,
        norm=None,
    )
    return np.ascontiguousarray(bank, dtype=np.float32)


def _window(settings: MelSettings) -> FloatArray:
    """Periodic Hann window, centred in n_fft samples."""
    n = settings.win_length
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    left = (settings.n_fft - n) // 2
    return np.pad(hann, (left, settings.n_fft - n - left)).astype(np.float32)


def mel_magnitude(samples: FloatArray, settings: MelSettings) -> FloatArray:
    """Mel-band magnitudes of a sound, shape (n_mels, frames), float32, at least 0.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        Mono sound in [-1, 1] at ``settings.sample_rate_hz``, n >= 1.
    settings : MelSettings
        How to look.

    Returns
    -------
    ndarray, shape=(n_mels, 1 + n // hop_length), float32

    Examples
    --------
    >>> mel_magnitude(np.zeros((1, 16_000), np.float32), MelSettings()).shape
    (64, 101)
    """
    if samples.ndim != 2 or samples.shape[0] != 1 or samples.shape[1] < 1:
        raise ValueError(f"samples must have shape (1, n) with n >= 1, got {samples.shape}")
    from scipy.fft import rfft

    half = settings.n_fft // 2
    padded: npt.NDArray[np.float32] = np.pad(samples[0].astype(np.float32, copy=False), half)
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)[:: settings.hop_length]
    n_frames = 1 + samples.shape[1] // settings.hop_length
    bank = _filter_bank(settings)
    window = _window(settings)
    out = np.empty((settings.n_mels, n_frames), np.float32)
    for start in range(0, n_frames, _BLOCK_FRAMES):
        block = frames[start : min(start + _BLOCK_FRAMES, n_frames)] * window
        spectrum = np.abs(rfft(block, axis=1))  # (block, n_fft // 2 + 1)
        out[:, start : start + block.shape[0]] = bank @ spectrum.T
    return out


def log_mel(samples: FloatArray, settings: MelSettings) -> FloatArray:
    """Log-mel spectrogram of a sound with its semitones, shape (n_mels + n_pitches, frames), float32, finite.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        Mono sound in [-1, 1] at ``settings.sample_rate_hz``; values that are not finite count as silence.
    settings : MelSettings
        How to look.

    Returns
    -------
    ndarray, shape=(n_mels + n_pitches, 1 + n // hop_length), float32
        Rows up to n_mels: natural logarithm of magnitude plus ``settings.log_offset``. Rows from there: magnitude.

    Examples
    --------
    >>> silent = log_mel(np.zeros((1, 1_600), np.float32), MelSettings())
    >>> bool(np.allclose(silent, np.log(1e-3)))
    True
    """
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    mel = np.log(mel_magnitude(samples, settings) + np.float32(settings.log_offset))
    if settings.n_pitches == 0:
        return cast(FloatArray, mel)
    pitch = pitch_magnitude(samples, sample_rate_hz=settings.sample_rate_hz, n_pitches=settings.n_pitches)
    held = np.arange(mel.shape[1]) * settings.hop_length * FRAMES_PER_S // settings.sample_rate_hz
    return np.concatenate([mel, pitch[:, np.minimum(held, pitch.shape[1] - 1)]])
