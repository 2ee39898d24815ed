"""Stereo to mono for analysis, without losing sound that is in opposite phase in the two channels.

Goes in: a block of one or two channels. Comes out: one channel: their mean, as long as that is not far quieter than
the channels. Where it is, as with one channel inverted by a wrong cable or an effect of width, the mean would be near
silence, and the louder channel is taken for both.
"""

from __future__ import annotations

import numpy as np

from soundtrack.types import FloatArray

_CANCELS = 0.02
"""Power of the mean, as a share of that of the channels, below which they cancel: a correlation of -0.96."""
_AUDIBLE = 1e-7
"""Power below which nothing can be heard, so that nothing is lost: -70 dBFS."""


def mono_of(block: FloatArray, gain: float = 1.0) -> FloatArray:
    """One channel for all.

    Parameters
    ----------
    block : ndarray, shape=(channels, n), float32
        Some seconds of sound; the choice is made for all of them. Of other numbers of channels than two it is the mean.
    gain : float
        Factor on the result.

    Returns
    -------
    ndarray, shape=(n,), float32

    Examples
    --------
    >>> left = np.array([0.5, -0.25], np.float32)
    >>> mono_of(np.stack([left, 0 * left])).tolist(), mono_of(np.stack([left, -left])).tolist()
    ([0.25, -0.125], [0.5, -0.25])
    """
    factor = np.float32(gain)
    if len(block) != 2:
        return np.asarray(block.mean(axis=0, dtype=np.float32) * factor)
    mean: FloatArray = (block[0] + block[1]) * np.float32(0.5 * gain)
    left, right = (float(np.dot(channel, channel)) for channel in block)
    if left + right > 2 * _AUDIBLE * max(1, len(mean)):
        remains = float(np.dot(mean, mean)) / gain**2
        if remains < _CANCELS * (left + right) / 2:
            return np.asarray(block[0 if left >= right else 1] * factor)
    return mean
