"""Sound at a whole fraction of its rate, block by block: one decode serves meters at 48 kHz and speech at 16 kHz.

A linear-phase low-pass filter (Kaiser window, 80 dB down at the new Nyquist frequency) and every n-th sample of its
output, of which the delay is taken out: sample i of the output is the sound at sample n x i of the input.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray


class Downsampler:
    """Takes mono blocks of any length and gives the same sound at a lower rate.

    Parameters
    ----------
    factor : int >= 2
        Input samples for one output sample.

    Examples
    --------
    >>> down = Downsampler(3)
    >>> out = np.concatenate([down.push(np.ones(1000, np.float32)), down.push(np.ones(500, np.float32)), down.finish()])
    >>> len(out), bool(abs(out[100:400] - 1).max() < 1e-3)
    (500, True)
    """

    def __init__(self, factor: int) -> None:
        from scipy.signal import firwin

        if factor < 2:
            raise ValueError(f"factor must be at least 2, got {factor}")
        self._factor = factor
        half = 24 * factor
        taps: npt.NDArray[np.float64] = firwin(2 * half + 1, 0.9 / factor, window=("kaiser", 8.0))
        self._taps = taps.astype(np.float32)
        self._half = half
        self._waiting: FloatArray = np.zeros(half, np.float32)
        self._n_in = 0
        self._n_out = 0

    def push(self, block: FloatArray) -> FloatArray:
        """The next output samples, as far as the input allows.

        Parameters
        ----------
        block : ndarray, shape=(n,), float32
            Mono.
        """
        from scipy.signal import upfirdn

        self._n_in += len(block)
        self._waiting = np.concatenate([self._waiting, block])
        n_ready = (len(self._waiting) - 2 * self._half - 1) // self._factor + 1
        if n_ready <= 0:
            return np.zeros(0, np.float32)
        needed = (n_ready - 1) * self._factor + 2 * self._half + 1
        filtered = upfirdn(
            self._taps, self._waiting[:needed], up=1, down=self._factor
        )  # 2 x half is a multiple of factor
        out = filtered[2 * self._half // self._factor :][:n_ready]
        self._waiting = self._waiting[n_ready * self._factor :]
        self._n_out += n_ready
        return np.asarray(out, np.float32)

    def finish(self) -> FloatArray:
        """What the filter still holds; the whole output is ``ceil(n / factor)`` samples long."""
        n_in = self._n_in
        missing = -(-n_in // self._factor) - self._n_out
        rest = self.push(np.zeros(self._half + self._factor, np.float32))[:missing]
        self._n_in = n_in
        return rest
