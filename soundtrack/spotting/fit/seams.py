"""Seams: bar lines where music can be cut and joined inaudibly.

Goes in: the bars of a track. Comes out: the quality of every jump from one bar line to another, and the best way to
make a stretch of music a wanted number of bars long. A jump from line i to line j is good if bar i - 1 sounds like bar
j - 1 (the analysis before fits) and bar j sounds like bar i (what comes is what was expected).
"""

from __future__ import annotations

import itertools
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
_FREE_RETURNS = 3
"""Jumps back that begin one loop again before it tires: it is heard four times."""
_AGAIN_COST = 0.3
"""For the next return, twice as much for the one after it, and so on."""
_MOST_CELLS = 1 << 28
"""Most values that one way may take to work out, about a second; from then on no loop gets dearer."""
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
        self._worked = {must_end: _Worked(self.gain, must_end=must_end) for must_end in (False, True)}

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
        worked = self._worked[must_end]
        if first + 1 >= len(self._quality) or not np.isfinite(worked.value(first + 1, n_bars - 1)):
            return None
        jumps, bar, left = [], first + 1, n_bars - 1
        while (jump := worked.next_jump(bar, left)) is not None:
            jumps.append((jump.line, jump.target))
            bar, left = jump.target + 1, jump.left - 1
        return self._path(first, jumps, n_bars)

    def varied(self, *, first: int, n_bars: int) -> Path | None:
        """A good way in which no loop is played again and again, where other seams allow that.

        Found jump by jump, each loop dearer from then on, with twice the track in view; taken if it is cheaper than
        `best` with all returns counted.

        Parameters
        ----------
        first, n_bars
            As for `best`; the way may end anywhere.
        """
        plain = self.best(first=first, n_bars=n_bars, must_end=False)
        if plain is None or _again_cost(plain) == 0:
            return plain
        returns = np.zeros(self.gain.shape, np.int32)
        jumps: list[tuple[int, int]] = []
        bar, left, cells, in_view = first + 1, n_bars - 1, 0, 2 * len(returns)
        worked = self._worked[False]
        while (jump := worked.next_jump(bar, min(left, in_view))) is not None:
            jumps.append((jump.line, jump.target))
            left -= jump.line - bar + 1
            bar = jump.target + 1
            _count(returns, jump.line, jump.target)
            if returns[jumps[-1]] >= _FREE_RETURNS and cells < _MOST_CELLS:
                cells += returns.size * min(left, in_view)
                gain = self.gain - _AGAIN_COST * np.maximum(0, returns - _FREE_RETURNS + 1)
                worked = _Worked(gain, must_end=False)
        other = self._path(first, jumps, n_bars)
        return min(plain, other, key=lambda path: path.cost + _again_cost(path))

    def _path(self, first: int, jumps: list[tuple[int, int]], n_bars: int) -> Path:
        """The way with these jumps."""
        runs, start, left = [], first, n_bars
        for line, target in jumps:
            runs.append((start, line))
            left -= line - start
            start = target
        runs.append((start, start + left))
        cost = -float(sum(self.gain[jump] for jump in jumps))
        return Path(tuple(runs), tuple(float(self._quality[jump]) for jump in jumps), cost=cost)


@dataclass(frozen=True, slots=True)
class _Jump:
    """From a line to another, and how many bars are left to play then."""

    line: int
    target: int
    left: int


class _Worked:
    """Values and first jumps of all lines for each number of bars left, for given gains of jumps."""

    def __init__(self, gain: _Table, *, must_end: bool) -> None:
        self._gain = gain
        n = len(gain) - 1
        self._values = [np.where(np.arange(n + 1) == n, 0.0, -np.inf) if must_end else np.zeros(n + 1)]
        self._jumps = [np.full(n + 1, -1, np.int16)]

    def value(self, line: int, left: int) -> float:
        """What the best way from a line is worth, by the bars that are left."""
        while len(self._values) <= left:
            self._one_more()
        return float(self._values[left][line])

    def next_jump(self, line: int, left: int) -> _Jump | None:
        """The first jump of the best way from a line; None where it needs none."""
        self.value(line, left)
        for more in range(left, 0, -1):
            target = int(self._jumps[more][line])
            if target >= 0:
                return _Jump(line, target, more)
            line += 1
        return None

    def _one_more(self) -> None:
        """Values and jumps with one bar more left to play."""
        n = len(self._gain) - 1
        playing = np.full(n + 1, -np.inf)
        playing[:n] = self._values[-1][1:]
        jumping = self._gain + playing[None, :]
        target = jumping.argmax(axis=1)
        best = jumping[np.arange(n + 1), target]
        leap = best > playing
        self._values.append(np.where(leap, best, playing))
        self._jumps.append(np.where(leap, target, -1).astype(np.int16))


def _count(returns: npt.NDArray[np.int32], line: int, target: int) -> None:
    """Count a jump for its loop and for those as long that share bars with it."""
    length = line - target
    for by in range(-abs(length) + 1, abs(length)):
        if 0 <= line + by < len(returns) and 0 <= target + by < len(returns):
            returns[line + by, target + by] += 1


def _again_cost(path: Path) -> float:
    """What the loops of a way cost for being played again and again."""
    jumps = [(a[1], b[0]) for a, b in itertools.pairwise(path.runs)]
    cost = 0.0
    for k, (line, target) in enumerate(jumps):
        length = line - target
        alike = [before for before, to in jumps[:k] if before - to == length]
        returns = sum(abs(before - line) < abs(length) for before in alike)
        cost += _AGAIN_COST * max(0, returns - _FREE_RETURNS + 1)
    return cost
