"""The most likely beats, given how likely a beat is at each moment.

Goes in: chances from `beat_network`. Comes out: the beats, as steps. A Viterbi walk over the time of a beat and the
distance from the one before it, as in the bar pointer model (Whiteley, Cemgil and Godsill 2006, "Bayesian modelling of
temporal structure in musical audio") with one state for each beat: a beat brings its log odds, so that half the tempo
misses the beats between, and double the tempo pays for beats that are none. Distances change reluctantly, and tempi
near `_PREFERRED_BPM` are preferred a little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.beat_network import STEP_S
from soundtrack.types import FloatArray

SLOWEST_BPM, FASTEST_BPM = 45.0, 225.0
"""Tempi that are looked for."""
_PREFERRED_BPM, _PREFERENCE = 115.0, 0.8
"""What a beat an octave away from the preferred tempo costs."""
_FLOOR, _BIAS = 0.03, 0.7
"""Added to chances before the log odds are taken; and what every beat brings besides."""
_BESIDE = 0.5
"""What the chance of a neighbouring step counts: a beat between two steps has half its chance in each."""
_STIFF, _BAND = 20.0, 6
"""What a change of distance costs, for each unit of its logarithm; the greatest change, in steps."""
_NEVER = -1e9


def likely_beats(chances: FloatArray) -> npt.NDArray[np.int64]:
    """Steps of the most likely beats, ascending.

    Parameters
    ----------
    chances : ndarray, shape=(n,), float32
        How likely a beat is at each step of `STEP_S` seconds, in [0, 1].

    Examples
    --------
    >>> chances = np.zeros(200, np.float32)
    >>> chances[7::25] = 0.9
    >>> likely_beats(chances).tolist()
    [7, 32, 57, 82, 107, 132, 157, 182]
    """
    n = len(chances)
    if not n:
        return np.zeros(0, np.int64)
    gains = _gains(chances)
    lags = np.arange(int(60 / FASTEST_BPM / STEP_S), int(np.ceil(60 / SLOWEST_BPM / STEP_S)) + 1)
    preferred = -_PREFERENCE * np.log2(60 / (lags * STEP_S) / _PREFERRED_BPM) ** 2
    former, cost = _changes(lags)
    # A walk may begin with any beat that has no room for another one before it.
    value = np.where(np.arange(n)[:, None] <= lags, gains[:, None] + preferred, _NEVER)
    came = np.full((n, len(lags)), -1, np.int16)
    shortest = int(lags[0])
    # A value depends on nothing closer than the shortest distance: that many steps can be computed at once.
    for start in range(shortest, n, shortest):
        at = np.arange(start, min(n, start + shortest))
        source = at[:, None] - lags
        options = value[np.maximum(source, 0)[:, :, None], former] - cost
        best = options.argmax(axis=2)[:, :, None]
        reached = np.take_along_axis(options, best, axis=2)[:, :, 0] + gains[at, None] + preferred
        better = (source >= 0) & (reached > value[at])
        value[at] = np.where(better, reached, value[at])
        came[at] = np.where(better, np.take_along_axis(former[None], best, axis=2)[:, :, 0], -1)
    # It ends with a beat that has no room for another one after it.
    ends = np.where(np.arange(n)[:, None] >= n - lags, value, _NEVER)
    step, lag = divmod(int(ends.argmax()), len(lags))
    found = [step]
    while (before := int(came[step, lag])) >= 0:
        step, lag = step - int(lags[lag]), before
        found.append(step)
    return np.array(found[::-1], np.int64)


def _gains(chances: FloatArray) -> npt.NDArray[np.float64]:
    """What a beat at each step brings: the log odds of its chance."""
    beside = np.maximum(np.append(chances[1:], 0.0), np.append(0.0, chances[:-1]))
    likely = np.maximum(chances, _BESIDE * beside).astype(np.float64)
    return np.asarray(np.log((likely + _FLOOR) / (1 - likely + _FLOOR)) + _BIAS)


def _changes(lags: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each distance the former ones it may follow, as indices, and what each costs, shapes (k, 2 * _BAND + 1).

    One step more or less is free, since distances are not whole steps.
    """
    band = np.arange(-_BAND, _BAND + 1)
    wanted = np.arange(len(lags))[:, None] + band
    former = np.clip(wanted, 0, len(lags) - 1)
    free = np.abs(np.log(1 + np.sign(band) / lags[:, None]))
    apart = np.abs(np.log(lags[:, None] / lags[former]))
    return former, np.where(former == wanted, _STIFF * np.maximum(apart - 1.05 * free, 0.0), -_NEVER)
