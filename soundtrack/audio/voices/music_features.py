"""Features for music detection in a film's own sound.

Goes in: four seconds of mono sound at 16 kHz. Comes out: one row of `N_MARKS` numbers: the shape of the spectrum and
how it moves in time; how long single frequencies stay on (Seyerlehner et al., 2007, find music in television by these
horizontal bars); how well they lie on a scale of semitones; how regular the onsets are; how harmony holds. A gain
changes none of them, unless it takes the sound into silence.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

SAMPLE_RATE_HZ = 16_000
"""Rate of the sound."""
WINDOW = 4 * SAMPLE_RATE_HZ
"""Samples that a row looks at."""
N_BANDS = 20
"""Bands of the spectrum, evenly spaced in pitch."""
N_MARKS = 3 * N_BANDS + 24
"""Numbers in a row."""

_N_FFT, _HOP = 1024, 512
_FRAMES_PER_S = SAMPLE_RATE_HZ / _HOP
_FLOOR = 1e-9
_EDGES_HZ = (80.0, 7_000.0)
_AROUND = 10
_PEAK_DB = 6.0
_RUNS_S = (0.2, 0.4, 0.8)


@lru_cache(maxsize=1)
def _bank() -> FloatArray:
    """Overlapping triangles that are evenly spaced in pitch, shape (N_BANDS, bins)."""
    centres = np.geomspace(*_EDGES_HZ, N_BANDS + 2)
    bins = np.arange(_N_FFT // 2 + 1) * SAMPLE_RATE_HZ / _N_FFT
    rise = (bins[None, :] - centres[:-2, None]) / np.maximum(centres[1:-1] - centres[:-2], 20.0)[:, None]
    fall = (centres[2:, None] - bins[None, :]) / np.maximum(centres[2:] - centres[1:-1], 20.0)[:, None]
    bank = np.maximum(0.0, np.minimum(rise, fall))
    nearest = np.argmin(np.abs(bins[None, :] - centres[1:-1, None]), axis=1)
    bank[np.arange(N_BANDS), nearest] = np.maximum(bank[np.arange(N_BANDS), nearest], 0.5)
    return np.asarray(bank / bank.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=1)
def _window() -> FloatArray:
    """Hann window of a frame."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT), np.float32)


def music_marks(sound: FloatArray) -> FloatArray:
    """The row of four seconds.

    Parameters
    ----------
    sound : ndarray, shape=(WINDOW,), float32
        Mono at 16 kHz.

    Returns
    -------
    ndarray, shape=(N_MARKS,), float32
        Finite.

    Examples
    --------
    >>> music_marks(np.zeros(WINDOW, np.float32)).shape
    (84,)
    """
    from scipy.fft import rfft

    if sound.shape != (WINDOW,):
        raise ValueError(f"sound must have shape ({WINDOW},), got {sound.shape}")
    loudest = max(float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))), 1e-6)
    frames = np.lib.stride_tricks.sliding_window_view(sound / np.float32(loudest), _N_FFT)[::_HOP] * _window()
    power = np.abs(rfft(frames, axis=1)) ** 2 / _N_FFT + _FLOOR  # (frames, bins)
    decibels = (10 * np.log10(power)).astype(np.float32)
    bands = (10 * np.log10(power @ _bank().T)).astype(np.float32)  # (frames, bands)
    out = _local(decibels)
    parts = [_shape(bands), _dynamics(bands), _bars(out), _scale(decibels, out), _harmony(power)]
    return np.concatenate(parts).astype(np.float32)


def _shape(bands: FloatArray) -> FloatArray:
    """Mean of each band against all, its spread, and how fast it moves, shape (3 N_BANDS,)."""
    mean = bands.mean(axis=0)
    return np.concatenate([mean - mean.mean(), bands.std(axis=0), np.abs(np.diff(bands, axis=0)).mean(axis=0)])


def _dynamics(bands: FloatArray) -> FloatArray:
    """How level and onsets move, shape (8,)."""
    level = 10 * np.log10(np.mean(10 ** (bands / 10), axis=1) + _FLOOR)
    centred = bands - bands.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(len(bands))[:, None], axis=0)) ** 2
    rate_hz = np.fft.rfftfreq(len(bands), 1 / _FRAMES_PER_S)
    total = spectrum[rate_hz > 0.3].sum() + 1e-9
    modulation = [spectrum[(rate_hz > a) & (rate_hz <= b)].sum() / total for a, b in ((0.3, 1.5), (1.5, 3), (3, 8))]
    onsets = np.maximum(np.diff(bands, axis=0), 0).mean(axis=1)
    onsets = onsets - onsets.mean()
    lags = np.arange(round(0.24 * _FRAMES_PER_S), round(1.3 * _FRAMES_PER_S))
    own = float(onsets @ onsets) + 1e-9
    regular = np.array([float(onsets[lag:] @ onsets[:-lag]) for lag in lags]) / own
    return np.array(
        [
            level.std(),
            np.mean(level < level.max() - 20),
            np.mean(level < np.mean(level) - 6),
            *modulation,
            regular.max(),
            np.sort(regular)[-len(regular) // 4],
        ],
        np.float32,
    )


def _local(decibels: FloatArray) -> FloatArray:
    """How far each bin stands out of its surroundings, in dB, shape (frames, bins)."""
    summed = np.cumsum(np.pad(decibels, ((0, 0), (_AROUND + 1, _AROUND)), mode="edge"), axis=1, dtype=np.float64)
    width = 2 * _AROUND + 1
    return np.asarray(decibels - (summed[:, width:] - summed[:, :-width]) / width, np.float32)


def _bars(out: FloatArray) -> FloatArray:
    """How long frequencies stay on, shape (11,)."""
    out = out[:, 6:440]
    on = out > 3.0
    share = on.mean(axis=0)
    parts = [np.sort(part)[::-1] for part in np.array_split(share, 3)]
    tops = [float(part[k]) for part in parts for k in (2, 12)]
    busiest = np.sort(on[: len(on) // 2].mean(axis=0))[::-1][:5].mean()
    peaks = (out > _PEAK_DB) & (out >= np.roll(out, 1, axis=1)) & (out >= np.roll(out, -1, axis=1))
    wide = peaks | np.roll(peaks, 1, axis=1)
    n_peaks = max(1, int(peaks.sum()))
    so_far = np.cumsum(np.pad(wide, ((1, 0), (0, 0))), axis=0, dtype=np.int16)
    runs = []
    for length_s in _RUNS_S:
        n = round(length_s * _FRAMES_PER_S)
        lasting = so_far[n:] - so_far[:-n] >= n - 1
        runs.append(float(lasting.sum()) / n_peaks)
    return np.array([*tops, busiest, *runs, np.log10(n_peaks)], np.float32)


def _scale(decibels: FloatArray, out: FloatArray) -> FloatArray:
    """How well peaks from 250 to 2,500 Hz lie on one scale of semitones, shape (2,)."""
    low, high = (round(f * _N_FFT / SAMPLE_RATE_HZ) for f in (250, 2500))
    part = decibels[:, low - 1 : high + 1]
    middle, left, right = part[:, 1:-1], part[:, :-2], part[:, 2:]
    out = out[:, low:high]
    is_peak = (out > _PEAK_DB) & (middle > left) & (middle >= right)
    row, column = np.nonzero(is_peak)
    if len(row) < 20:
        return np.zeros(2, np.float32)
    bend = left[row, column] - 2 * middle[row, column] + right[row, column]
    shift = np.clip(0.5 * (left[row, column] - right[row, column]) / np.minimum(bend, -1e-3), -0.5, 0.5)
    hertz = (low + column + shift) * SAMPLE_RATE_HZ / _N_FFT
    angle = 2 * np.pi * (12 * np.log2(hertz / 440.0))
    weight = out[row, column]
    concentration = abs(np.sum(weight * np.exp(1j * angle))) / weight.sum()
    halves = [
        abs(np.sum(weight[s] * np.exp(1j * angle[s]))) / weight[s].sum() for s in (row < 62, row >= 62) if s.any()
    ]
    return np.array([concentration, min(halves)], np.float32)


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.int64]:
    """Pitch class of every bin from 130 to 2,100 Hz, -1 elsewhere, shape (bins,)."""
    hertz = np.arange(_N_FFT // 2 + 1) * SAMPLE_RATE_HZ / _N_FFT
    inside = (hertz > 130) & (hertz < 2_100)
    return np.where(inside, np.round(12 * np.log2(np.maximum(hertz, 1.0) / 440.0)).astype(np.int64) % 12, -1)


def _harmony(power: FloatArray) -> FloatArray:
    """How the twelve pitch classes hold over time, shape (3,)."""
    classes = _classes()
    chroma = np.stack([power[:, classes == k].sum(axis=1) for k in range(12)], axis=1)
    chroma = chroma / chroma.sum(axis=1, keepdims=True)
    unit = chroma / np.linalg.norm(chroma, axis=1, keepdims=True)
    mean = chroma.mean(axis=0)
    entropy = -np.sum(mean * np.log(mean + 1e-9)) / np.log(12)
    steps = [float(np.mean(np.sum(unit[n:] * unit[:-n], axis=1))) for n in (3, 16)]
    return np.array([entropy, *steps], np.float32)
