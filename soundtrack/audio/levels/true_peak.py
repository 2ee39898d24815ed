"""The true peak of sound of any length, block by block: the highest value between the samples.

Goes in: blocks of (channels, samples). Comes out: one number, exactly that of four times oversampling (ITU-R BS.1770-5,
annex 2) over everything. Little is really oversampled: between samples the filter rises over its inputs by at most
the sum of its taps' sizes, so that only stretches near the highest peak so far need a look.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from soundtrack.types import FloatArray

SILENT_DBTP = -99.0
"""True peak of silence."""

_OVERSAMPLING = 4
_TAPS = 12
_COARSE, _FINE = 512, 32
_FIRST = 64


@lru_cache(maxsize=2)
def interpolator(n_taps: int = _TAPS, *, beta: float = 5.0) -> FloatArray:
    """Taps of the filters that find the values between two samples, shape (n_taps, 3), unit gain in each column.

    Row ``k`` goes with the ``k``-th of some neighbouring samples; the values lie after the last of their first half, a
    quarter, a half and three quarters on. It is the usual windowed sinc of four times as many taps, whose fourth phase
    is the sample itself.

    Parameters
    ----------
    n_taps : int > 0
        How many neighbouring samples count, an even number; the meter's twelve are those of BS.1770.
    beta : float >= 0
        Of the Kaiser window.

    Examples
    --------
    >>> interpolator().shape, interpolator(24, beta=8.0).shape
    ((12, 3), (24, 3))
    """
    n = np.arange(_OVERSAMPLING * n_taps)
    taps = np.sinc((n - len(n) // 2) / _OVERSAMPLING) * np.kaiser(len(n) + 1, beta)[:-1]
    phases = taps.reshape(n_taps, _OVERSAMPLING)[::-1, 1:]
    return np.asarray(phases / phases.sum(axis=0), np.float32)


@lru_cache(maxsize=1)
def _fine_filter() -> FloatArray:
    """The values between `_FINE` samples as one matrix, shape (_FINE + 11, 3 * _FINE)."""
    matrix = np.zeros((_FINE + _TAPS - 1, _FINE, _OVERSAMPLING - 1), np.float32)
    for i in range(_FINE):
        matrix[i : i + _TAPS, i] = interpolator()
    return matrix.reshape(len(matrix), -1)


def _pieces(stretches: FloatArray) -> FloatArray:
    """Stretches (m, _COARSE + 11) as overlapping pieces, a view of shape (m, _COARSE / _FINE, _FINE + 11)."""
    return np.lib.stride_tricks.sliding_window_view(stretches, _FINE + _TAPS - 1, axis=1)[:, ::_FINE]


class TruePeak:
    """Finds the highest peak of what is pushed; a peak is noticed a dozen samples late at most.

    Examples
    --------
    >>> peak = TruePeak()
    >>> peak.push(np.sin(np.pi * (np.arange(4000) + 0.5) / 2).astype(np.float32)[None])  # samples of 0.707
    >>> round(peak.value, 2)  # 1.0 but for the start
    1.01
    """

    def __init__(self) -> None:
        self.value = 0.0
        """The peak so far, as a factor of full scale."""
        self._tail: FloatArray | None = None
        self._reach = float(np.abs(interpolator()).sum(axis=0).max())

    def push(self, block: FloatArray) -> None:
        """Look through the next block.

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            In [-1, 1] nominally.
        """
        if block.shape[1] == 0:
            return
        tail = np.zeros((block.shape[0], _TAPS - 1), np.float32) if self._tail is None else self._tail
        seam = np.concatenate([tail, block[:, : _TAPS - 1]], axis=1)
        self.value = max(self.value, float(block.max()), -float(block.min()))
        self._oversample(seam)
        self._tail = np.concatenate([tail, block[:, 1 - _TAPS :]], axis=1)[:, 1 - _TAPS :]
        n_whole = max(0, (block.shape[1] - _TAPS + 1) // _COARSE)
        if n_whole:
            self._search(np.lib.stride_tricks.sliding_window_view(block, _COARSE + _TAPS - 1, axis=1)[:, ::_COARSE])
        self._oversample(block[:, n_whole * _COARSE :])

    def dbtp(self) -> float:
        """The peak so far in dBTP, at least `SILENT_DBTP`."""
        return max(SILENT_DBTP, 20 * math.log10(self.value)) if self.value > 0 else SILENT_DBTP

    def _search(self, stretches: FloatArray) -> None:
        """Oversample where the peak may lie, from the loudest down; shape (channels, n, _COARSE + 11)."""
        size = np.maximum(stretches.max(axis=2), -stretches.min(axis=2))
        near = stretches[size * self._reach > self.value]  # (m, _COARSE + 11)
        pieces, sizes = (_pieces(sound) for sound in (near, np.abs(near)))
        size = sizes.max(axis=2)
        if size.size > _FIRST:
            loudest = float(np.partition(size, -_FIRST, axis=None)[-_FIRST])
            self._keep(pieces[size >= loudest] @ _fine_filter())
            size[size >= loudest] = 0.0
        self._keep(pieces[size * self._reach > self.value] @ _fine_filter())

    def _oversample(self, sound: FloatArray) -> None:
        """Look at all of a short stretch, shape (channels, n)."""
        if sound.shape[1] >= _TAPS:
            self._keep(np.lib.stride_tricks.sliding_window_view(sound, _TAPS, axis=1) @ interpolator())

    def _keep(self, between: FloatArray) -> None:
        if between.size:
            self.value = max(self.value, float(between.max()), -float(between.min()))
