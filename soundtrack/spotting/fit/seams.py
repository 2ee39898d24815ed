"""Seams: bar lines where music can be cut and joined inaudibly.

Goes in: the bars of a track. Comes out: the quality of every jump from one bar line to another, and the best way to
make a stretch of music a wanted number of bars long. A jump from line i to line j is good if bar i - 1 sounds like bar
j - 1 (the analysis before fits) and bar j sounds like bar i (what comes is what was expected).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.types import BarTable, Ending, FloatArray

FLOOR = 0.6
"""No seam is made under this quality, in [0, 1]."""
MAX_BARS = 600
"""Longer tables are used up to here."""
_HALF_KNOWN = 0.9
"""Where one side of a jump has nothing to be compared with."""
_LOOP = 0.85
"""From the end of a track that was made as a loop to its start."""
_FADE_S = 12.0
"""Length of a fade-out by its maker, at most."""
_UNLIKE = 0.6
"""Cosine of two bars that have nothing to do with each other."""
_JUMP_COST = 0.35
CLEAN = 0.85
"""Seams of this quality or better count as clean, in [0, 1]."""
_WEAK_COST = 1.6
"""Added for a seam below `CLEAN`, so that moving the ending by a bar or another loop is cheaper."""
_SHORT_COST = 0.3
"""Added for a jump back by less than a phrase: a loop of two bars soon tires."""
_PHRASE_BARS = 4
_OFF_PHRASE_COST = 0.15
"""For a jump by anything but whole phrases."""

_Table = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the bars of a track."""

    runs: tuple[tuple[int, int], ...]
    """Bars played without a jump: first, and the one after the last."""
    qualities: tuple[float, ...]
    """Of the seams between the runs, in [0, 1]."""
    cost: float
    """What its seams cost; 0 without any."""


def likeness(features: FloatArray) -> _Table:
    """How alike each pair of bars is, in [0, 1], shape (n, n).

    Half of it is the cosine, the plain similarity of two bars; the other half is the cosine around the
    mean over the track, which tells its own bars apart where all of them share a colour.

    Parameters
    ----------
    features : ndarray, shape=(n, F), float32

    Returns
    -------
    ndarray, shape=(n, n), float64
    """
    raw = features.astype(np.float64)
    unit = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
    sounding = np.clip((unit @ unit.T - _UNLIKE) / (1 - _UNLIKE), 0.0, 1.0)
    centred = raw - raw.mean(axis=0, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    scale = float(np.median(norms)) if len(norms) else 0.0
    if scale < 1e-6:
        return np.asarray(sounding, np.float64)
    centred /= np.maximum(norms, 0.25 * scale)
    own = np.clip(0.5 + 0.5 * (centred @ centred.T), 0.0, 1.0)
    return np.asarray(0.5 * sounding + 0.5 * own, np.float64)


def jump_qualities(bars: BarTable, *, ending: Ending) -> _Table:
    """Quality of a jump from each bar line to each other.

    A track that stops in the middle of things goes on from its end into its start, as loops do. Nothing jumps away
    after a last note has rung, nor into or out of a fade.

    Parameters
    ----------
    bars : BarTable
        n bars.
    ending : Ending
        How the track ends.

    Returns
    -------
    ndarray, shape=(n + 1, n + 1), float64
        In [0, 1]; from row to column; 0 where there is no jump.
    """
    n = len(bars.features)
    alike = likeness(bars.features)
    quality = np.zeros((n + 1, n + 1))
    quality[1:n, 1:n] = np.sqrt(alike[: n - 1, : n - 1] * alike[1:n, 1:n])
    quality[1:n, 0] = _HALF_KNOWN * alike[1:n, 0]
    if ending is Ending.CUT:
        quality[n, 1:n] = _HALF_KNOWN * alike[n - 1, : n - 1]
        quality[n, 0] = _LOOP
    if ending is Ending.FADE:
        fading = bars.bar_starts_s > bars.bar_starts_s[-1] - _FADE_S
        quality[fading, :] = 0.0
        quality[:, fading] = 0.0
    np.fill_diagonal(quality, 0.0)
    return quality


class Ways:
    """The best ways through the bars of one track, worked out together and only as far as they are asked for.

    Parameters
    ----------
    quality : ndarray, shape=(n + 1, n + 1), float64
        Of jumps, as from `jump_qualities`.
    """

    def __init__(self, quality: _Table) -> None:
        self._quality = quality
        n = len(quality) - 1
        by_bars = np.arange(n + 1)[:, None] - np.arange(n + 1)[None, :]
        cost = _JUMP_COST + (1 - quality) + np.where(by_bars % _PHRASE_BARS == 0, 0.0, _OFF_PHRASE_COST)
        cost += np.where(quality >= CLEAN, 0.0, _WEAK_COST)
        cost += np.where((by_bars > 0) & (by_bars < _PHRASE_BARS), _SHORT_COST, 0.0)
        self.gain = np.where(quality >= FLOOR, -cost, -np.inf)
        """What a jump from each line to each other is worth, at most 0; -inf where none is made."""
        ends = np.where(np.arange(n + 1) == n, 0.0, -np.inf)
        # By whether the track must end: value of being at a line with so many bars left, and where to jump first.
        self._values = {False: [np.zeros(n + 1)], True: [ends]}
        self._jumps = {False: [np.full(n + 1, -1, np.int16)], True: [np.full(n + 1, -1, np.int16)]}

    def best(self, *, first: int, n_bars: int, must_end: bool) -> Path | None:
        """The best way to play a number of bars.

        Parameters
        ----------
        first : int
            Bar to start with.
        n_bars : int > 0
            How many bars are wanted.
        must_end : bool
            Whether the last bar played must be the track's last.

        Returns
        -------
        Path or None
            With the fewest and best seams; None if all ways need a seam under `FLOOR`.
        """
        values = self._values[must_end]
        while len(values) < n_bars:
            self._one_more(must_end)
        if first + 1 >= len(self._quality) or not np.isfinite(values[n_bars - 1][first + 1]):
            return None
        jumps, runs, qualities = self._jumps[must_end], [], []
        start, bar = first, first + 1
        for left in range(n_bars - 1, 0, -1):
            target = int(jumps[left][bar])
            if target >= 0:
                runs.append((start, bar))
                qualities.append(float(self._quality[bar, target]))
                start = bar = target
            bar += 1
        runs.append((start, bar))
        return Path(tuple(runs), tuple(qualities), cost=-float(values[n_bars - 1][first + 1]))

    def _one_more(self, must_end: bool) -> None:
        """Values and jumps with one bar more left to play."""
        values = self._values[must_end]
        n = len(self._quality) - 1
        playing = np.full(n + 1, -np.inf)
        playing[:n] = values[-1][1:]
        jumping = self.gain + playing[None, :]
        target = jumping.argmax(axis=1)
        best = jumping[np.arange(n + 1), target]
        leap = best > playing
        values.append(np.where(leap, best, playing))
        self._jumps[must_end].append(np.where(leap, target, -1).astype(np.int16))
