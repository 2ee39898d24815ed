"""K-weighted power of sound in blocks, the basis of all loudness measures.

Goes in: blocks of (channels, samples) at one rate. Comes out: the mean square after the K filter of ITU-R BS.1770-5
(tables 1 and 2 at 48 kHz, the same analogue filter at other rates), one number per channel and step of 100 ms. The
recursive filter is computed as matrix products over rows of some sixty samples: each row needs four numbers from the
one before, its state, and all states of a step come from one small product. That is exact and several times faster
than walking from sample to sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

STEP_S = 0.1
"""Length of a step."""
_LONGEST_ROW, _SHORTEST_ROW = 64, 20
Doubles = npt.NDArray[np.float64]


@lru_cache(maxsize=8)
def k_filter(sample_rate_hz: int) -> Doubles:
    """The filter's two sections as rows b0, b1, b2, 1, a1, a2, shape (2, 6): a shelf and a high-pass.

    Examples
    --------
    >>> k_filter(48_000)[0, :3].round(4).tolist()
    [1.5351, -2.6917, 1.1984]
    """
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


def _run(sections: Doubles, sound: Doubles, state: Doubles) -> tuple[Doubles, Doubles]:
    """Sound (n, m) through the filter column by column, from a state (4, m): output and the state after it."""
    out, state = np.empty_like(sound), state.copy()
    for i, row in enumerate(sound):
        x = row
        for s, (b0, b1, b2, _, a1, a2) in enumerate(sections):
            y = b0 * x + state[2 * s]
            state[2 * s] = b1 * x - a1 * y + state[2 * s + 1]
            state[2 * s + 1] = b2 * x - a2 * y
            x = y
        out[i] = x
    return out, state


@dataclass(frozen=True, slots=True)
class _Rows:
    """The filter as matrices over rows of `n` samples, `per_step` of them in a step; a state is four numbers."""

    n: int
    per_step: int
    step_on: Doubles = field(repr=False, compare=False)
    """State to state after a step of silence, shape (4, 4)."""
    out_of_sound: FloatArray = field(repr=False, compare=False)
    """Row to output from rest, shape (n, n)."""
    out_of_state: FloatArray = field(repr=False, compare=False)
    """State to output in silence, shape (4, n)."""
    push: FloatArray = field(repr=False, compare=False)
    """Row to the state after it from rest, shape (n, 4)."""
    states: FloatArray = field(repr=False, compare=False)
    """Pushes of a step's rows to the states before each and after the last, shape (4 per_step, 4 (per_step + 1))."""
    ring: FloatArray = field(repr=False, compare=False)
    """From the state before a step to what is left of it before each row, shape (4, 4 * per_step)."""


@lru_cache(maxsize=8)
def _rows(sample_rate_hz: int) -> _Rows:
    """The matrices for a rate."""
    step = round(sample_rate_hz * STEP_S)
    n = max(d for d in range(1, _LONGEST_ROW + 1) if step % d == 0)
    n = n if n >= _SHORTEST_ROW else step
    per_step = step // n
    sections = k_filter(sample_rate_hz)
    out_of_sound, push = _run(sections, np.eye(n), np.zeros((4, n)))
    out_of_state, row_on = _run(sections, np.zeros((n, 4)), np.eye(4))
    # In a basis of states whose outputs over a step are orthonormal, short numbers do for them.
    ringing, state = [], np.eye(4)
    for _ in range(per_step):
        ringing.append(out_of_state @ state)
        state = row_on @ state
    basis = np.linalg.qr(np.concatenate(ringing), mode="r")
    back = np.linalg.inv(basis)
    out_of_state, push, row_on = out_of_state @ back, basis @ push, basis @ row_on @ back
    powers = [np.eye(4)]
    for _ in range(per_step):
        powers.append(row_on @ powers[-1])
    states = np.zeros((per_step, 4, per_step + 1, 4))
    for row in range(per_step):
        for later in range(row + 1, per_step + 1):
            states[row, :, later] = powers[later - row - 1].T
    return _Rows(
        n=n,
        per_step=per_step,
        step_on=powers[-1],
        out_of_sound=np.ascontiguousarray(out_of_sound.T, np.float32),
        out_of_state=np.ascontiguousarray(out_of_state.T, np.float32),
        push=np.ascontiguousarray(push.T, np.float32),
        states=states.reshape(4 * per_step, -1).astype(np.float32),
        ring=np.concatenate([power.T for power in powers[:-1]], axis=1).astype(np.float32),
    )


class KFilter:
    """K-weights sound that is pushed block by block, of any block length, and gives it in whole steps.

    Parameters
    ----------
    sample_rate_hz : int >= 8000
        Samples a second.

    Examples
    --------
    >>> weighted = KFilter(48_000)
    >>> weighted.push(np.ones((2, 10_000), np.float32)).shape, weighted.finish().shape
    ((2, 2, 4800), (2, 1, 400))
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rows = _rows(sample_rate_hz)
        self._waiting: FloatArray | None = None
        self._state: Doubles | None = None

    def push(self, block: FloatArray) -> FloatArray:
        """The steps that are now complete, shape (channels, steps, samples of a step).

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            The next sound.
        """
        step = self._rows.n * self._rows.per_step
        if self._waiting is not None and self._waiting.shape[1]:
            block = np.concatenate([self._waiting, block], axis=1)
        n = block.shape[1] // step
        self._waiting = block[:, n * step :].copy()
        if self._state is None:
            self._state = np.zeros((block.shape[0], 4))
        weighted = np.empty((block.shape[0], n, step), np.float32)
        for channel, sound in enumerate(block[:, : n * step] if n else ()):
            self._state[channel] = self._weight(sound.reshape(n, step), self._state[channel], weighted[channel])
        return weighted

    def finish(self) -> FloatArray:
        """What is left, shorter than a step, shape (channels, 1, n); (channels, 0, 0) where nothing is."""
        rest = np.zeros((0, 0), np.float32) if self._waiting is None else self._waiting
        n, step = rest.shape[1], self._rows.n * self._rows.per_step
        if n == 0:
            return np.zeros((len(rest), 0, 0), np.float32)
        return self.push(np.zeros((len(rest), step - n), np.float32))[:, :, :n]

    def _weight(self, steps: FloatArray, state: Doubles, out: FloatArray) -> Doubles:
        """Fill `out` with one channel's weighted steps (n, step); returns the state after them."""
        if not state.any() and not steps.any():  # silence from rest stays silence
            out[:] = 0.0
            return state
        rows, n = self._rows, len(steps)
        sound = np.ascontiguousarray(steps).reshape(n * rows.per_step, rows.n)
        states = (sound @ rows.push).reshape(n, -1) @ rows.states  # (n, 4 * (per_step + 1))
        after = states[:, -4:].astype(np.float64)
        after[0] += rows.step_on @ state
        after[1:] += after[:-1] @ rows.step_on.T  # of two steps ago less than 1e-20 is left
        before = np.concatenate([state[None], after[:-1]])
        states = states[:, :-4] + before.astype(np.float32) @ rows.ring
        weighted = np.matmul(sound, rows.out_of_sound, out=out.reshape(sound.shape))
        weighted += states.reshape(-1, 4) @ rows.out_of_state
        return np.asarray(after[-1])


class KPower:
    """Measures sound that is pushed block by block, of any block length.

    Parameters
    ----------
    sample_rate_hz : int >= 8000
        Samples a second.

    Examples
    --------
    >>> power = KPower(48_000)
    >>> power.push(np.ones((2, 10_000), np.float32)).shape
    (2, 2)
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._filter = KFilter(sample_rate_hz)

    def push(self, block: FloatArray) -> Doubles:
        """Mean squares of the steps that are now complete, shape (channels, steps).

        Parameters
        ----------
        block : ndarray, shape=(channels, n), float32
            The next sound.
        """
        weighted = self._filter.push(block)
        return np.asarray(np.einsum("cij,cij->ci", weighted, weighted) / max(weighted.shape[2], 1), np.float64)
