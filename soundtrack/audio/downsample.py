"""Downsampling in blocks: one decode serves the meters, the musical analysis and the networks.

Goes in: mono sound at one rate. Comes out: the same sound at one or several lower rates, sample i of each at the moment
``i / rate``. A linear-phase low-pass filter (Kaiser window, 80 dB down at the new Nyquist frequency) is applied to
overlapping stretches by Fourier transform, of which the lower part alone goes back: no delay, no drift, rates in any
ratio, and the way into the spectrum is gone once for all rates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

_REACH = 24
"""Samples at the lower rate that the filter reaches to either side."""
_PASS = 0.9
"""Where the filter is half way down, as a share of the new Nyquist frequency."""
_KAISER = 8.0
_STRETCH = 12_288
"""Samples of a stretch, about: it is a multiple of whatever the rates need."""


@dataclass(frozen=True, slots=True)
class _Way:
    """From stretches of the input's spectrum to one lower rate."""

    n_out: int
    """Samples that a stretch becomes, its margins included."""
    first: int
    """Where the margin ends."""
    n_new: int
    """Samples that are kept of each stretch."""
    response: FloatArray = field(repr=False, compare=False)
    """Of the filter, with the scale of both transforms, shape (n_out // 2 + 1,)."""


def _low_pass(ratio: float) -> npt.NDArray[np.float64]:
    """Taps of the filter that goes before a rate `ratio` times lower, unit gain at 0 Hz."""
    half = int(_REACH * ratio)
    taps = np.sinc(_PASS / ratio * np.arange(-half, half + 1)) * np.kaiser(2 * half + 1, _KAISER)
    return np.asarray(taps / taps.sum(), np.float64)


class Downsampler:
    """Takes mono blocks of any length and gives the same sound at lower rates.

    Parameters
    ----------
    from_hz : int > 0
        Rate of what is pushed.
    to_hz : int > 0
        One or more rates, each lower than `from_hz`.

    Examples
    --------
    >>> down = Downsampler(48_000, 16_000, 24_000)
    >>> parts = [down.push(np.ones(1000, np.float32)), down.push(np.ones(501, np.float32)), down.finish()]
    >>> low, high = (np.concatenate(pieces) for pieces in zip(*parts))
    >>> len(low), len(high), bool(abs(low[100:400] - 1).max() < 1e-3)
    (501, 751, True)
    """

    def __init__(self, from_hz: int, *to_hz: int) -> None:
        from scipy.fft import next_fast_len

        if not to_hz or min(to_hz) < 1 or max(to_hz) >= from_hz:
            raise ValueError(f"to_hz must be rates in (0, from_hz = {from_hz}), got {to_hz}")
        self._rates = [(rate // math.gcd(rate, from_hz), from_hz // math.gcd(rate, from_hz)) for rate in to_hz]
        unit = math.lcm(*(down for _, down in self._rates))
        taps = [_low_pass(from_hz / rate) for rate in to_hz]
        self._margin = unit * -(-max(len(t) // 2 for t in taps) // unit)
        self._n = unit * next_fast_len(max(-(-_STRETCH // unit), 4 * self._margin // unit), real=True)
        self._hop = self._n - 2 * self._margin
        self._ways = [self._way(t, up, down) for t, (up, down) in zip(taps, self._rates, strict=True)]
        self._waiting: FloatArray = np.zeros(self._margin, np.float32)
        self._n_in = 0
        self._n_out = [0] * len(to_hz)

    def _way(self, taps: npt.NDArray[np.float64], up: int, down: int) -> _Way:
        n_out = self._n * up // down
        centred = np.zeros(self._n)
        centred[: len(taps)] = taps
        response = np.fft.rfft(np.roll(centred, -(len(taps) // 2))).real[: n_out // 2 + 1] * (up / down)
        return _Way(n_out, self._margin * up // down, self._hop * up // down, response.astype(np.float32))

    def push(self, block: FloatArray) -> tuple[FloatArray, ...]:
        """The next samples at each rate, as far as whole stretches go.

        Parameters
        ----------
        block : ndarray, shape=(n,), float32
            Mono.
        """
        self._n_in += len(block)
        pieces = self._advance(np.concatenate([self._waiting, block]))
        for i, piece in enumerate(pieces):
            self._n_out[i] += len(piece)
        return pieces

    def finish(self) -> tuple[FloatArray, ...]:
        """What still waits; the whole output is ``ceil(n x to_hz / from_hz)`` samples long."""
        missing = self._n_in - self._n_in // self._hop * self._hop + self._hop
        tail = np.concatenate([self._waiting, np.zeros(missing + 2 * self._margin, np.float32)])
        wanted = [-(-self._n_in * up // down) - n for (up, down), n in zip(self._rates, self._n_out, strict=True)]
        return tuple(piece[:n] for piece, n in zip(self._advance(tail), wanted, strict=True))

    def _advance(self, sound: FloatArray) -> tuple[FloatArray, ...]:
        """Filter all whole stretches and keep what the next one needs."""
        from scipy.fft import irfft, rfft

        n_ready = max(0, (len(sound) - 2 * self._margin) // self._hop)
        self._waiting = sound[n_ready * self._hop :].copy()
        if n_ready == 0:
            return tuple(np.zeros(0, np.float32) for _ in self._ways)
        stretches = np.lib.stride_tricks.sliding_window_view(sound, self._n)[:: self._hop][:n_ready]
        spectrum = rfft(stretches, axis=1)  # (n_ready, n // 2 + 1)
        pieces = []
        for way in self._ways:
            low = irfft(spectrum[:, : way.n_out // 2 + 1] * way.response, way.n_out, axis=1)  # (n_ready, n_out)
            pieces.append(np.ascontiguousarray(low[:, way.first : way.first + way.n_new]).reshape(-1))
        return tuple(pieces)
