"""Strength of each semitone: the rows below the mel bands, which separate major from minor.

Goes in: mono sound as float32 in [-1, 1]. Comes out: float32 ``(n_pitches, frames)``, the mean magnitude around each
semitone from C1 upwards (MIDI 24, equal temperament, A4 = 440 Hz), ten times a second. Mel bands are too wide for
semitones; with these rows the valence of game music is read twice as well as without (docs/models.md).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from soundtrack.types import FloatArray

LOWEST_MIDI = 24
"""MIDI number of the lowest row."""
N_FFT = 4_096
"""Length of the Fourier transform and of its Hann window, in samples at 16 kHz."""
FRAMES_PER_S = 10
"""Rows of the Fourier transform a second."""
_WIDTH = 0.35  # standard deviation of a pitch's bell curve, in semitones
_LOWEST_HZ = 30.0
_NOTHING = 1e-9
"""Smaller weights than this, among those that add up to 1, are not worth the arithmetic."""
_BLOCK_FRAMES = 32


@lru_cache(maxsize=4)
def _bells(n_pitches: int, sample_rate_hz: int) -> FloatArray:
    """Weights of the Fourier bins in each semitone, each row adding up to 1, shape (n_pitches, N_FFT // 2 + 1)."""
    frequency = np.fft.rfftfreq(N_FFT, 1 / sample_rate_hz)
    midi = 69 + 12 * np.log2(np.maximum(frequency, 1.0) / 440.0)
    rows = LOWEST_MIDI + np.arange(n_pitches)[:, None]
    bells = np.exp(-0.5 * ((midi[None, :] - rows) / _WIDTH) ** 2) * (frequency > _LOWEST_HZ)
    return np.asarray(bells / (bells.sum(axis=1, keepdims=True) + 1e-9), dtype=np.float32)


def pitch_magnitude(samples: FloatArray, *, sample_rate_hz: int, n_pitches: int) -> FloatArray:
    """Mean magnitude around each semitone, shape (n_pitches, frames), float32, at least 0.

    Parameters
    ----------
    samples : ndarray, shape=(1, n), float32
        Mono sound in [-1, 1], n >= 1.
    sample_rate_hz : int
        Samples a second.
    n_pitches : int
        Rows, upwards from C1.

    Returns
    -------
    ndarray, shape=(n_pitches, 1 + n // (sample_rate_hz // 10)), float32
        Frame ``t`` is centred on sample ``t * sample_rate_hz // 10``.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)[None]
    >>> int(pitch_magnitude(tone, sample_rate_hz=16_000, n_pitches=84)[:, 5].argmax()) + LOWEST_MIDI
    69
    """
    from scipy.fft import rfft

    hop = sample_rate_hz // FRAMES_PER_S
    padded = np.pad(samples[0].astype(np.float32, copy=False), N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::hop]
    n_frames = 1 + samples.shape[1] // hop
    window = np.hanning(N_FFT).astype(np.float32)
    bells = _bells(n_pitches, sample_rate_hz)
    highest = int(np.flatnonzero((bells > _NOTHING).any(axis=0))[-1]) + 1
    bells = bells[:, :highest]
    out = np.empty((n_pitches, n_frames), np.float32)
    for start in range(0, n_frames, _BLOCK_FRAMES):
        block = frames[start : min(start + _BLOCK_FRAMES, n_frames)] * window
        out[:, start : start + block.shape[0]] = bells @ np.abs(rfft(block, axis=1)[:, :highest]).T
    return out
