"""True-peak limiter, transparent below its ceiling.

Goes in: blocks of sound. Comes out: the same sound, later by nothing (the delay is taken back), no peak above the
ceiling, bit for bit unchanged away from the peaks. Peaks are those of the signal oversampled four times (ITU-R
BS.1770-5, annex 2), with twice as many taps as the meter of `soundtrack.audio.levels.true_peak` has. The gain falls
along a smooth curve within `LOOK_AHEAD` before a peak, is there when the peak comes, and returns at `RELEASE_DB_PER_S`;
all channels share it, so the picture of the room stays put.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from soundtrack.audio.levels.true_peak import interpolator
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import FloatArray, TimeArray

LOOK_AHEAD = 240
"""Samples before a peak in which the gain goes down: 5 ms."""

RELEASE_DB_PER_S = 30.0
"""How fast the gain comes back."""

_HALF = 12
"""Samples on either side that the interpolation looks at."""

_CHUNK = 32
_PHASES = 3
_OVERSHOOT = 0.6
"""Interpolated peaks above the ceiling have a sample of at least this part of the ceiling close by."""

_DELAY = _HALF + LOOK_AHEAD


@functools.cache
def _interpolation() -> FloatArray:
    """Matrix from a chunk and its surroundings to three points after each sample, shape (chunk + 2 half, 3 chunk)."""
    matrix = np.zeros((_CHUNK + 2 * _HALF, _PHASES, _CHUNK), dtype=np.float32)
    taps = interpolator(2 * _HALF, beta=8.0)  # (2 half, 3)
    for i in range(_CHUNK):
        matrix[i + 1 : i + 1 + 2 * _HALF, :, i] = taps
    return matrix.reshape(len(matrix), -1)


def true_peaks(audio: FloatArray, *, above: float = 0.0) -> FloatArray:
    """Peak of the oversampled signal around each sample, over all channels.

    Parameters
    ----------
    audio : ndarray, shape=(channels, _HALF + n + _HALF), float32
        The samples with twelve more on either side.
    above : float >= 0
        Peaks that cannot exceed this are not interpolated; the sample's own size is returned there.

    Returns
    -------
    ndarray, shape=(n,), float32
        Largest size between the sample before and the sample after; the first one knows only what comes after it.
    """
    n = audio.shape[1] - 2 * _HALF
    size = np.abs(audio).max(axis=0)
    peaks: FloatArray = size[_HALF : _HALF + n].copy()
    n_chunks = -(-n // _CHUNK)
    padded = np.zeros((audio.shape[0], n_chunks * _CHUNK + 2 * _HALF), dtype=np.float32)
    padded[:, : audio.shape[1]] = audio
    around = np.zeros(padded.shape[1], dtype=np.float32)
    around[: len(size)] = size
    windows = np.lib.stride_tricks.sliding_window_view(around, _CHUNK + 2 * _HALF)[::_CHUNK]
    busy = np.flatnonzero(windows.max(axis=1) > above * _OVERSHOOT)
    if not len(busy):
        return peaks
    between = np.zeros((len(busy), _CHUNK), dtype=np.float32)
    for channel in padded:
        chunks = np.lib.stride_tricks.sliding_window_view(channel, _CHUNK + 2 * _HALF)[::_CHUNK][busy]
        points = np.abs(chunks @ _interpolation()).reshape(len(busy), _PHASES, _CHUNK)
        np.maximum(between, points.max(axis=1), out=between)
    after = np.zeros(n_chunks * _CHUNK, dtype=np.float32)
    after.reshape(n_chunks, _CHUNK)[busy] = between
    np.maximum(peaks, after[:n], out=peaks)
    np.maximum(peaks[1:], after[: n - 1], out=peaks[1:])
    return peaks


def lowest_ahead(values: TimeArray, size: int) -> TimeArray:
    """Smallest of each value and those that follow it, `size` in all, by windows of twice the length again and again.

    The same as scipy's ``minimum_filter1d``, whose import takes longer than mixing a short film.

    Parameters
    ----------
    values : ndarray, shape=(n,), float64
        At least `size` of them.
    size : int > 0
        Length of a window.

    Returns
    -------
    ndarray, shape=(n - size + 1,), float64

    Examples
    --------
    >>> lowest_ahead(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 3).tolist()
    [1.0, 1.0, 2.0]
    """
    lowest, width = values, 1
    while 2 * width <= size:
        lowest = np.minimum(lowest[:-width], lowest[width:])
        width *= 2
    n = len(values) - size + 1
    return np.minimum(lowest[:n], lowest[size - width : size - width + n])


class Limiter:
    """Streaming limiter; `push` blocks, then `finish`; together they return exactly the samples that went in.

    Parameters
    ----------
    ceiling_dbtp : float
        No true peak comes out above it.
    channels : int > 0
        Channels of every block.
    """

    def __init__(self, *, ceiling_dbtp: float, channels: int = 2) -> None:
        self._ceiling_db = ceiling_dbtp
        self._ceiling = float(10 ** (ceiling_dbtp / 20))
        self._audio = np.zeros((channels, 1 + _HALF), dtype=np.float32)
        self._needed_db: TimeArray = np.zeros(0, dtype=np.float64)
        self._held_db: TimeArray = np.zeros(LOOK_AHEAD, dtype=np.float64)
        curve = np.hanning(LOOK_AHEAD + 3)[1:-1]
        self._curve = curve / curve.sum()
        self.largest_reduction_db = 0.0
        """How far the gain ever went down, at least 0."""
        self.reduction_db: dict[int, float] = {}
        """How far the gain went down in each tenth of a second in which it did, by its number."""
        self._n_out = 0

    def push(self, block: FloatArray) -> FloatArray:
        """The samples that are ready, fewer than went in at first.

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            Not changed.

        Returns
        -------
        ndarray, shape=(channels, m), float32
        """
        self._audio = np.concatenate([self._audio, block], axis=1)
        known = self._audio.shape[1] - 1 - 2 * _HALF - len(self._needed_db)
        if known > 0:
            fresh = self._audio[:, len(self._needed_db) :]
            peaks = true_peaks(fresh, above=self._ceiling)[1:]
            needed = np.zeros(len(peaks), dtype=np.float64)
            over = peaks > self._ceiling
            needed[over] = self._ceiling_db - 20 * np.log10(peaks[over].astype(np.float64))
            self._needed_db = np.concatenate([self._needed_db, needed])
        n = len(self._needed_db) - LOOK_AHEAD
        if n <= 0:
            return np.zeros((len(block), 0), dtype=np.float32)
        ready = self._audio[:, 1 + _HALF : 1 + _HALF + n]
        out = self._reduced(ready, n)
        self._audio = self._audio[:, n:]
        self._needed_db = self._needed_db[n:]
        return out

    def finish(self) -> FloatArray:
        """The rest."""
        return self.push(np.zeros((len(self._audio), _DELAY), dtype=np.float32))

    def _reduced(self, ready: FloatArray, n: int) -> FloatArray:
        """The next `n` samples with the gain that the peaks up to the look-ahead ask for."""
        first = self._n_out
        self._n_out += n
        if not self._needed_db.any() and not self._held_db.any():
            return ready.copy()
        ahead = lowest_ahead(self._needed_db, LOOK_AHEAD + 1)[:n]
        slope_db = RELEASE_DB_PER_S / MIX_RATE_HZ
        climb = slope_db * np.arange(1, n + 1)
        held = np.minimum.accumulate(np.concatenate([[self._held_db[-1]], ahead - climb]))[1:] + climb
        held = np.minimum(held, 0.0)
        steps = np.concatenate([self._held_db, held])
        gain_db = np.minimum(np.convolve(steps, self._curve, mode="valid"), 0.0)
        self._held_db = steps[-LOOK_AHEAD:]
        self.largest_reduction_db = max(self.largest_reduction_db, float(-gain_db.min()))
        reduced = gain_db < -1e-6
        self._note(first, gain_db, np.flatnonzero(reduced))
        gain = np.where(reduced, 10 ** (gain_db / 20), 1.0).astype(np.float32)
        return np.asarray(ready * gain, dtype=np.float32)

    def _note(self, first: int, gain_db: TimeArray, reduced: npt.NDArray[np.int64]) -> None:
        """Keep the largest reduction of every tenth of a second, `first` being the first sample's place in all."""
        if not len(reduced):
            return
        tenths, starts = np.unique((first + reduced) // (MIX_RATE_HZ // 10), return_index=True)
        lowest = np.minimum.reduceat(gain_db[reduced], starts)
        for tenth, low in zip(tenths.tolist(), lowest.tolist(), strict=True):
            self.reduction_db[tenth] = max(self.reduction_db.get(tenth, 0.0), -low)
