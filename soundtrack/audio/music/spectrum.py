"""One pass of short-time Fourier transforms over a track, shared by all musical analyses.

Goes in: sound of shape (channels, samples) at any rate from 16 kHz. Comes out: `Frames`, time series that tempo, key
and structure share, about 90 a second, and chroma about 20 a second. Frame ``t`` is centred on ``t * hop_s``.
Everything is taken from mono at half rate where the rate allows (22 or 24 kHz), in blocks, so that memory stays near
that of the sound itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from soundtrack.audio.downsample import Downsampler
from soundtrack.types import FloatArray

N_BANDS = 40
"""Bands of the timbre, spaced as the mel scale from 30 Hz to 10 kHz."""
LOW_BANDS = 3
"""How many of them are bass: to about 180 Hz."""
_N_FFT, _HOP = 1024, 256
_TONE_N_FFT, _TONE_HOP = 4096, 1024
_TONE_DOWN = 4
"""Reduction of the rate for tones: nothing above 2 kHz counts."""
_BLOCK_SAMPLES = 1 << 17
"""Number of samples that are transformed at once; the work on them stays near the processor."""
_TONE_LOW_HZ, _TONE_HIGH_HZ = 80.0, 2_000.0
_A4_HZ = 440.0


@dataclass(frozen=True, slots=True)
class Frames:
    """Time series of a track."""

    hop_s: float
    """Seconds from one frame to the next."""
    onset: FloatArray = field(repr=False, compare=False)
    """How much starts in each frame, over all bands, at least 0, shape (n,)."""
    bass_onset: FloatArray = field(repr=False, compare=False)
    """The same of the bass alone, shape (n,)."""
    bands: FloatArray = field(repr=False, compare=False)
    """Level of the bands in dB over full scale, shape (n, N_BANDS)."""
    level_db: FloatArray = field(repr=False, compare=False)
    """RMS level in dBFS, at least -100, shape (n,)."""
    tone_hop_s: float
    """Seconds from one frame of `chroma` to the next."""
    chroma: FloatArray = field(repr=False, compare=False)
    """Strength of the twelve pitch classes from C, at least 0, shape (m, 12)."""
    duration_s: float
    """Length of the sound in seconds."""

    @property
    def n(self) -> int:
        """How many frames there are."""
        return len(self.onset)


@lru_cache(maxsize=8)
def _filters(sample_rate_hz: int) -> FloatArray:
    """Triangles of area 1 on the mel scale, shape (bins, N_BANDS)."""
    high_hz = min(10_000.0, 0.49 * sample_rate_hz)
    mel = np.linspace(np.log1p(30.0 / 700), np.log1p(high_hz / 700), N_BANDS + 2)
    edges = 700 * np.expm1(mel)
    # The lowest triangles would be narrower than a bin: no edge closer than one bin to the one before.
    width = sample_rate_hz / _N_FFT
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + width)
    hz = np.arange(_N_FFT // 2 + 1)[:, None] * width
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    shape = np.maximum(0, np.minimum(rise, fall))
    return np.asarray(shape / np.maximum(shape.sum(axis=0), 1e-9), np.float32)


def _mono(samples: FloatArray, sample_rate_hz: int) -> tuple[FloatArray, int]:
    """Mono sound, at half rate where that leaves 16 kHz, and its rate."""
    mono = samples[0] if len(samples) == 1 else samples.mean(axis=0, dtype=np.float32)
    if not np.isfinite(mono).all():
        mono = np.nan_to_num(mono)
    return (mono, sample_rate_hz) if sample_rate_hz < 32_000 else (_slower(mono, 2), sample_rate_hz // 2)


def _slower(mono: FloatArray, factor: int) -> FloatArray:
    """The sound at a rate `factor` times lower, shape (ceil(n / factor),)."""
    down = Downsampler(factor, 1)
    return np.concatenate([*down.push(mono), *down.finish()])


def _blocks(mono: FloatArray, n_frames: int, *, n_fft: int, hop: int, bins: slice) -> Iterator[FloatArray]:
    """Size of some bins of the spectrum of centred Hann windows, some frames at a time, shape (frames, bins)."""
    from scipy.fft import rfft

    window = (np.hanning(n_fft + 1)[:-1] / (n_fft / 4)).astype(np.float32)
    padded = np.concatenate([np.zeros(n_fft // 2, np.float32), mono, np.zeros(n_fft, np.float32)])
    views = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop][:n_frames]
    at_once = max(1, _BLOCK_SAMPLES // n_fft)
    for start in range(0, len(views), at_once):
        yield np.abs(rfft(views[start : start + at_once] * window, axis=1)[:, bins])


def _chroma(mono: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Pitch classes from the peaks of long spectra, in tune with the track, shape (m, 12)."""
    width = sample_rate_hz / _TONE_N_FFT
    low, high = int(_TONE_LOW_HZ / width), int(_TONE_HIGH_HZ / width)
    rows, pitches, strengths = [], [], []
    n_frames = 0
    for part in _blocks(
        _slower(mono, _TONE_DOWN),
        len(mono) // _TONE_HOP + 1,
        n_fft=_TONE_N_FFT // _TONE_DOWN,
        hop=_TONE_HOP // _TONE_DOWN,
        bins=slice(low - 1, high + 1),
    ):
        left, mid, right = part[:, :-2], part[:, 1:-1], part[:, 2:]
        loudest = np.maximum(mid.max(axis=1, keepdims=True), 1e-6)
        row, column = np.nonzero((mid > left) & (mid >= right) & (mid > 0.02 * loudest) & (mid > 1e-5))
        a, b, c = (np.log(np.maximum(x[row, column], 1e-9)) for x in (left, mid, right))
        shift = np.clip(0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6), -0.5, 0.5)
        pitches.append(12 * np.log2((column + low + shift) * width / _A4_HZ) + 69)
        strengths.append(np.sqrt(mid[row, column]))
        rows.append(row + n_frames)
        n_frames += len(part)
    if not rows:
        return np.zeros((0, 12), np.float32)
    row, pitch, strength = np.concatenate(rows), np.concatenate(pitches), np.concatenate(strengths)
    # Tuning: the mean distance from the tempered scale, on a circle of one semitone.
    turn = np.angle(np.sum(strength * np.exp(2j * np.pi * pitch))) / (2 * np.pi) if len(pitch) else 0.0
    pitch = pitch - turn
    off = pitch - np.round(pitch)
    weight = strength * np.cos(np.pi * off) ** 2
    cell = row * 12 + np.round(pitch).astype(np.int64) % 12
    return np.bincount(cell, weights=weight, minlength=n_frames * 12).reshape(n_frames, 12).astype(np.float32)


def take_frames(samples: FloatArray, *, sample_rate_hz: int) -> Frames:
    """Time series of a track.

    Parameters
    ----------
    samples : ndarray, shape=(channels, n), float32
        In [-1, 1].
    sample_rate_hz : int >= 16000
        Samples a second.

    Examples
    --------
    >>> take_frames(np.zeros((1, 44_100), np.float32), sample_rate_hz=44_100).chroma.shape
    (22, 12)
    """
    if samples.ndim != 2 or sample_rate_hz < 16_000:
        raise ValueError(f"need (channels, n) at 16 kHz or more, got {samples.shape} at {sample_rate_hz} Hz")
    mono, rate = _mono(samples, sample_rate_hz)
    filters = _filters(rate)
    heard = slice(0, int(np.flatnonzero(filters.any(axis=1))[-1]) + 1)
    blocks = _blocks(mono, len(mono) // _HOP + 1, n_fft=_N_FFT, hop=_HOP, bins=heard)
    bands = np.concatenate([block @ filters[heard] for block in blocks])
    # Compressed as 1000 times the size plus one: a whisper in a pause is no onset, a soft note after silence is one.
    loud = np.log1p(1000.0 * bands)
    rise = np.zeros_like(loud)
    np.maximum(loud[2:] - np.maximum(loud[:-2], _neighbours_max(loud[:-2]) * 0.9), 0, out=rise[2:])
    n = len(bands)
    power = np.zeros(n * _HOP, np.float32)
    shifted = mono[: max(0, n * _HOP - _HOP // 2)]
    power[_HOP // 2 : _HOP // 2 + len(shifted)] = np.square(shifted)
    rms = np.sqrt(power.reshape(n, _HOP).mean(axis=1))
    return Frames(
        hop_s=_HOP / rate,
        onset=rise.mean(axis=1),
        bass_onset=rise[:, :LOW_BANDS].mean(axis=1),
        bands=(20 * np.log10(np.maximum(bands, 1e-6))).astype(np.float32),
        level_db=(20 * np.log10(np.maximum(rms, 1e-5))).astype(np.float32),
        tone_hop_s=_TONE_HOP / rate,
        chroma=_chroma(mono, rate),
        duration_s=samples.shape[1] / sample_rate_hz,
    )


def _neighbours_max(x: FloatArray) -> FloatArray:
    """Largest of each band and its two neighbours: a note that glides is no new note."""
    wide = np.maximum(x[:, :-1], x[:, 1:])
    return np.concatenate([wide[:, :1], np.maximum(wide[:, :-1], wide[:, 1:]), wide[:, -1:]], axis=1)


def mean_between(values: FloatArray, edges_s: npt.NDArray[np.float64], *, hop_s: float) -> FloatArray:
    """Mean of a time series between neighbouring times.

    Parameters
    ----------
    values : ndarray, shape=(n, F), float32
        Row ``t`` belongs to the time ``t * hop_s``.
    edges_s : ndarray, shape=(k + 1,), float64
        Ascending, in seconds.
    hop_s : float > 0
        Seconds from row to row.

    Returns
    -------
    ndarray, shape=(k, F), float32
        A stretch without a row gets the nearest one.

    Examples
    --------
    >>> mean_between(np.array([[0.0], [1.0], [2.0], [3.0]], np.float32), np.array([0.0, 2.0, 4.0]), hop_s=1.0).tolist()
    [[0.5], [2.5]]
    """
    n = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    first = np.clip(np.ceil(edges_s[:-1] / hop_s - 1e-9).astype(np.int64), 0, max(0, n - 1))
    last = np.clip(np.ceil(edges_s[1:] / hop_s - 1e-9).astype(np.int64), first + 1, max(1, n))
    return np.asarray((sums[last] - sums[first]) / (last - first)[:, None], np.float32)
