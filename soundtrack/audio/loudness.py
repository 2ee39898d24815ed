"""Loudness, loudness range and true peak of sound of any length, block by block.

Goes in: blocks of (channels, samples). Comes out: `Loudness` and the momentary and short-term curves. Conventions:
ITU-R BS.1770-5 (K weighting, channel weights, 400 ms blocks every 100 ms, gates at -70 LUFS and 10 LU under the mean,
true peak four times oversampled) and EBU Tech 3342 (range: 3 s windows, gates at -70 LUFS and 20 LU under the mean,
10th to 95th percentile). Only one number per 100 ms is kept: 0.9 MB for a film of three hours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray, Loudness, Span

SILENCE_LUFS = -70.0
"""Loudness of silence, the absolute gate."""
SILENCE_DBTP = -99.0
"""True peak of silence."""
STEP_S = 0.1
"""From one value of a curve to the next."""
_MOMENTARY_STEPS, _SHORT_TERM_STEPS = 4, 30
_RELATIVE_GATE_LU, _RANGE_GATE_LU = -10.0, -20.0
_OVERSAMPLING = 4
_TAPS_PER_PHASE = 12
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LoudnessCurve:
    """Loudness over time, one value every `STEP_S`."""

    window_s: float
    """Length of the window that each value stands for: 0.4 or 3 seconds."""
    times_s: Doubles = field(repr=False, compare=False)
    """Middle of each window, in seconds, shape (n,)."""
    lufs: Doubles = field(repr=False, compare=False)
    """At least -70, shape (n,)."""


def channel_weights(n_channels: int) -> Doubles:
    """Weights of BS.1770-5 for the usual order of that many channels, shape (n_channels,).

    Rear and side channels count 1.41; the low-frequency channel of 5.1, 6.1 and 7.1 does not count.

    Examples
    --------
    >>> channel_weights(6).tolist()
    [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]
    """
    if n_channels < 1:
        raise ValueError(f"n_channels must be at least 1, got {n_channels}")
    if n_channels <= 3:
        return np.ones(n_channels)
    if n_channels <= 5:
        return np.array([1.0] * (n_channels - 2) + [1.41, 1.41])
    return np.array([1.0, 1.0, 1.0, 0.0] + [1.41] * (n_channels - 4))


@lru_cache(maxsize=8)
def _k_weighting(sample_rate_hz: int) -> Doubles:
    """Second-order sections of the K filter at any rate; at 48 kHz those of BS.1770-5, tables 1 and 2."""
    shelf_hz, shelf_db, shelf_q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = math.tan(math.pi * shelf_hz / sample_rate_hz)
    high = 10 ** (shelf_db / 20)
    mid = high**0.4996667741545416
    a0 = 1 + k / shelf_q + k * k
    shelf = [
        (high + mid * k / shelf_q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - mid * k / shelf_q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / shelf_q + k * k) / a0,
    ]
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * pass_hz / sample_rate_hz)
    a0 = 1 + k / pass_q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / pass_q + k * k) / a0]
    return np.array([shelf, high_pass])


@lru_cache(maxsize=1)
def _interpolator() -> FloatArray:
    """Low-pass filter that makes four samples of one, 48 taps, unit gain in each phase."""
    from scipy.signal import firwin

    taps = firwin(_OVERSAMPLING * _TAPS_PER_PHASE + 1, 1 / _OVERSAMPLING, window=("kaiser", 5.0))[:-1]
    phases = taps.reshape(_TAPS_PER_PHASE, _OVERSAMPLING)
    return np.asarray((phases / phases.sum(axis=0)).reshape(-1), np.float32)


def _to_lufs(power: Doubles) -> Doubles:
    """Loudness of weighted mean squares, not under silence."""
    floor = 10 ** ((SILENCE_LUFS + 0.691) / 10)
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, floor)))


def _gated_lufs(power: Doubles) -> float:
    """Loudness of 400 ms blocks after both gates (BS.1770-5, equations 5 to 7)."""
    loud = power[_to_lufs(power) > SILENCE_LUFS]
    if len(loud) == 0:
        return SILENCE_LUFS
    gate = float(_to_lufs(np.array([loud.mean()]))[0]) + _RELATIVE_GATE_LU
    return float(_to_lufs(np.array([loud[_to_lufs(loud) > gate].mean()]))[0])


def _moving_mean(power: Doubles, steps: int) -> Doubles:
    """Mean of every run of `steps` neighbours, shape (n - steps + 1,); empty when there are fewer."""
    if len(power) < steps:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(power, steps).mean(axis=1))


class LoudnessMeter:
    """Measures sound that is pushed block by block, of any block length.

    Parameters
    ----------
    sample_rate_hz : int > 0
        Samples a second.
    weights : sequence of float, optional
        One per channel; `channel_weights` of the first block's channels otherwise.
    true_peak : bool
        Whether to measure the true peak, two thirds of the cost.

    Examples
    --------
    >>> t = np.arange(48_000 * 5) / 48_000
    >>> meter = LoudnessMeter()
    >>> meter.push(np.tile(10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t), (2, 1)).astype(np.float32))
    >>> round(meter.result().integrated_lufs, 1)
    -23.0
    """

    def __init__(
        self, *, sample_rate_hz: int = 48_000, weights: Sequence[float] | None = None, true_peak: bool = True
    ) -> None:
        if sample_rate_hz < 8000:
            raise ValueError(f"sample_rate_hz must be at least 8000, got {sample_rate_hz}")
        self._rate = sample_rate_hz
        self._weights = None if weights is None else np.asarray(weights, np.float64)
        self._with_peak = true_peak
        self._step = round(sample_rate_hz * STEP_S)
        self._state: Doubles | None = None
        self._tail: FloatArray = np.zeros((0, 0), np.float32)
        self._open_sum, self._open_n = 0.0, 0
        self._steps: list[Doubles] = []
        self._peak = 0.0

    def push(self, block: FloatArray) -> None:
        """Measure the next block.

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            In [-1, 1] nominally; values beyond are measured as they are.
        """
        from scipy.signal import sosfilt

        if block.ndim != 2:
            raise ValueError(f"block must have shape (channels, n), got {block.shape}")
        if self._state is None:
            if self._weights is None:
                self._weights = channel_weights(block.shape[0])
            self._state = np.zeros((2, block.shape[0], 2))
            self._tail = np.zeros((block.shape[0], _TAPS_PER_PHASE - 1), np.float32)
        if self._weights is None or len(self._weights) != block.shape[0]:
            raise ValueError(f"block must have as many channels as there are weights, got {block.shape[0]}")
        if block.shape[1] == 0:
            return
        if self._with_peak:
            self._push_peak(block)
        for start in range(0, block.shape[1], 16 * self._rate):
            piece = block[:, start : start + 16 * self._rate].astype(np.float64)
            weighted, self._state = sosfilt(_k_weighting(self._rate), piece, axis=1, zi=self._state)
            self._push_power(self._weights @ np.square(weighted))

    def _push_power(self, power: Doubles) -> None:
        """Gather the weighted squares, shape (n,), into steps of 100 ms."""
        missing = self._step - self._open_n
        if len(power) < missing:
            self._open_sum += float(power.sum())
            self._open_n += len(power)
            return
        first = np.array([self._open_sum + power[:missing].sum()])
        n_whole, rest = divmod(len(power) - missing, self._step)
        whole = power[missing : missing + n_whole * self._step].reshape(n_whole, self._step).sum(axis=1)
        self._steps.append(np.concatenate([first, whole]) / self._step)
        self._open_sum, self._open_n = float(power[len(power) - rest :].sum()) if rest else 0.0, rest

    def _push_peak(self, block: FloatArray) -> None:
        """Keep the highest peak between the samples; a step late at most by the filter's length."""
        from scipy.signal import upfirdn

        joined = np.concatenate([self._tail, block], axis=1)
        self._tail = joined[:, -(_TAPS_PER_PHASE - 1) :].copy()
        self._peak = max(self._peak, float(np.abs(block).max()))
        # Between samples the filter rises over its inputs by at most the sum of its taps' sizes: skip the rest.
        reach = float(np.abs(_interpolator().reshape(_TAPS_PER_PHASE, _OVERSAMPLING)).sum(axis=0).max())
        chunk = 4096
        for start in range(0, joined.shape[1] - _TAPS_PER_PHASE + 1, chunk):
            piece = joined[:, start : start + chunk + _TAPS_PER_PHASE - 1]
            if float(np.abs(piece).max()) * reach <= self._peak:
                continue
            between = upfirdn(_interpolator(), piece, up=_OVERSAMPLING, axis=1)
            first = _OVERSAMPLING * (_TAPS_PER_PHASE - 1)
            self._peak = max(self._peak, float(np.abs(between[:, first : -first or None]).max()))

    def _powers(self) -> Doubles:
        """Weighted mean squares per 100 ms, shape (n,)."""
        return np.concatenate(self._steps) if self._steps else np.zeros(0)

    def _curve(self, steps: int) -> LoudnessCurve:
        """Loudness of every run of `steps` steps."""
        lufs = _to_lufs(_moving_mean(self._powers(), steps))
        middle = (np.arange(len(lufs), dtype=np.float64) + steps / 2) * STEP_S
        return LoudnessCurve(steps * STEP_S, middle, lufs)

    def momentary(self) -> LoudnessCurve:
        """Loudness of 400 ms every 100 ms."""
        return self._curve(_MOMENTARY_STEPS)

    def short_term(self) -> LoudnessCurve:
        """Loudness of 3 s every 100 ms."""
        return self._curve(_SHORT_TERM_STEPS)

    def loudness_inside(self, spans: Sequence[Span]) -> float | None:
        """Gated loudness of some stretches alone, such as those with speech, or None when they hold no 400 ms of sound.

        A block counts when its middle lies in a span.

        Parameters
        ----------
        spans : sequence of Span
            On the clock of the sound pushed.
        """
        power = _moving_mean(self._powers(), _MOMENTARY_STEPS)
        middle = (np.arange(len(power)) + _MOMENTARY_STEPS / 2) * STEP_S
        inside = np.zeros(len(power), np.bool_)
        for span in spans:
            inside |= (middle >= span.start_s) & (middle < span.end_s)
        lufs = _gated_lufs(power[inside])
        return lufs if lufs > SILENCE_LUFS else None

    def result(self) -> Loudness:
        """What was measured so far."""
        powers = self._powers()
        short = _moving_mean(powers, _SHORT_TERM_STEPS)
        short = short[_to_lufs(short) > SILENCE_LUFS]
        range_lu = 0.0
        if len(short):
            gate = float(_to_lufs(np.array([short.mean()]))[0]) + _RANGE_GATE_LU
            low, high = np.percentile(_to_lufs(short[_to_lufs(short) > gate]), [10, 95])
            range_lu = float(high - low)
        peak_dbtp = 20 * math.log10(self._peak) if self._peak > 0 else SILENCE_DBTP
        return Loudness(
            integrated_lufs=_gated_lufs(_moving_mean(powers, _MOMENTARY_STEPS)),
            range_lu=range_lu,
            true_peak_dbtp=max(SILENCE_DBTP, peak_dbtp),
        )


def measure_loudness(samples: FloatArray, *, sample_rate_hz: int = 48_000) -> Loudness:
    """Loudness of sound that is in memory already.

    Parameters
    ----------
    samples : ndarray, shape=(channels, n), float32
        In [-1, 1].
    sample_rate_hz : int > 0
        Samples a second.

    Examples
    --------
    >>> measure_loudness(np.zeros((2, 48_000), np.float32))
    Loudness(integrated_lufs=-70.0, range_lu=0.0, true_peak_dbtp=-99.0)
    """
    meter = LoudnessMeter(sample_rate_hz=sample_rate_hz)
    meter.push(samples)
    return meter.result()
