"""Loudness, loudness range and true peak of sound of any length, block by block.

Goes in: blocks of (channels, samples). Comes out: `Loudness`. Conventions:
ITU-R BS.1770-5 (K weighting, channel weights, 400 ms blocks every 100 ms, gates at -70 LUFS and 10 LU under the mean,
true peak four times oversampled) and EBU Tech 3342 (range: 3 s windows, gates at -70 LUFS and 20 LU under the mean,
10th to 95th percentile). Only one number per 100 ms is kept: 0.9 MB for a film of three hours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.audio.levels.k_weighting import STEP_S, Doubles, KPower
from soundtrack.audio.levels.true_peak import SILENT_DBTP, TruePeak
from soundtrack.types import FloatArray, Loudness, Span

SILENCE_LUFS = -70.0
"""Loudness of silence, the absolute gate."""
SILENCE_POWER = 10 ** ((SILENCE_LUFS + 0.691) / 10)
"""The absolute gate as a weighted mean square."""
MOMENTARY_STEPS = 4
"""Steps of a gated block, 400 ms."""
_SHORT_TERM_STEPS = 30
_RELATIVE_GATE_LU, _RANGE_GATE_LU = -10.0, -20.0


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


def _to_lufs(power: Doubles) -> Doubles:
    """Loudness of weighted mean squares, not under silence."""
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, SILENCE_POWER)))


def gated_lufs(power: Doubles) -> float:
    """Loudness of 400 ms blocks after both gates (BS.1770-5, equations 5 to 7).

    Parameters
    ----------
    power : ndarray, shape=(n,), float64
        Weighted mean square of each block.

    Examples
    --------
    >>> round(gated_lufs(np.full(100, 0.1)), 2)
    -10.69
    """
    loud = power[power > SILENCE_POWER]
    if len(loud) == 0:
        return SILENCE_LUFS
    gate = float(_to_lufs(np.array([loud.mean()]))[0]) + _RELATIVE_GATE_LU
    return float(_to_lufs(np.array([loud[_to_lufs(loud) > gate].mean()]))[0])


def moving_mean(power: Doubles, steps: int) -> Doubles:
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
        Whether to measure the true peak, a quarter of the cost.

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
        self._weights = None if weights is None else np.asarray(weights, np.float64)
        self._power = KPower(sample_rate_hz)
        self._peak = TruePeak() if true_peak else None
        self._steps: list[Doubles] = []

    def push(self, block: FloatArray) -> None:
        """Measure the next block.

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            In [-1, 1] nominally; values beyond are measured as they are.
        """
        if block.ndim != 2:
            raise ValueError(f"block must have shape (channels, n), got {block.shape}")
        if self._weights is None:
            self._weights = channel_weights(block.shape[0])
        if len(self._weights) != block.shape[0]:
            raise ValueError(f"block must have as many channels as there are weights, got {block.shape[0]}")
        if self._peak is not None:
            self._peak.push(block)
        self._steps.append(self._weights @ self._power.push(block))

    def _powers(self) -> Doubles:
        """Weighted mean squares per 100 ms, shape (n,)."""
        return np.concatenate(self._steps) if self._steps else np.zeros(0)

    def loudness_inside(self, spans: Sequence[Span]) -> float | None:
        """Gated loudness of some stretches alone, such as those with speech, or None when they hold no 400 ms of sound.

        A block counts when its middle is in a span.

        Parameters
        ----------
        spans : sequence of Span
            On the clock of the sound pushed.
        """
        power = moving_mean(self._powers(), MOMENTARY_STEPS)
        middle = (np.arange(len(power)) + MOMENTARY_STEPS / 2) * STEP_S
        inside = np.zeros(len(power), np.bool_)
        for span in spans:
            inside |= (middle >= span.start_s) & (middle < span.end_s)
        lufs = gated_lufs(power[inside])
        return lufs if lufs > SILENCE_LUFS else None

    def result(self) -> Loudness:
        """What was measured so far."""
        powers = self._powers()
        short = moving_mean(powers, _SHORT_TERM_STEPS)
        short = short[short > SILENCE_POWER]
        range_lu = 0.0
        if len(short):
            gate = float(_to_lufs(np.array([short.mean()]))[0]) + _RANGE_GATE_LU
            low, high = np.percentile(_to_lufs(short[_to_lufs(short) > gate]), [10, 95])
            range_lu = float(high - low)
        return Loudness(
            integrated_lufs=gated_lufs(moving_mean(powers, MOMENTARY_STEPS)),
            range_lu=range_lu,
            true_peak_dbtp=SILENT_DBTP if self._peak is None else self._peak.dbtp(),
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
