"""Shots of a draft: cuts where an encoder spent many bytes or placed a key frame out of turn.

Goes in: key frames and the table of packets. Comes out: shots that tile the film. A frame after a cut cannot be
predicted from those before it, so its packet is large beside its neighbours; encoders that look for cuts start again
there, with a key frame before one is due. Both happen without cuts as well: a key frame counts only if its colours
differ from those of the one before, a large packet only if it stands out from those around it and from those a period
of the encoder's own pattern (golden frames, pyramids) away. Cuts come out to within a few frames, not exactly.

How many cuts are found is in docs/benchmarks.md (`benchmarks/tiers.py`).
"""

from __future__ import annotations

import itertools
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from soundtrack.settings import ShotSettings
from soundtrack.types import ByteArray, FrameBatch, Shot, Span, TimeArray
from soundtrack.video.draft.decode import PacketTable
from soundtrack.video.shots import merge_cuts

_Numbers: TypeAlias = npt.NDArray[np.float64]

_LEVELS = 6
"""Levels per channel by which colours are distinguished."""
_TINY_PX = 28
_AROUND_S = 1.0
_AROUND_PERCENTILE = 70.0
_OWN_FRAMES = 2
_LEAST_AROUND = 4
_AT_ONCE = 1 << 20
"""Neighbours that may belong to the same change."""
_OUT_OF_TURN = 0.96
"""A key frame that comes in less than this share of the longest distance was placed for the picture's sake."""
_LARGE, _LARGE_BESIDE_KEYS = 1.4, 1.6
"""Size over the level around it: in films with key frames at fixed distances, and where the encoder places them."""
_LARGE_IN = {"vp8": 10.0, "vp9": 10.0, "av1": np.inf}
"""The same for codecs whose golden frames are large without a cut; sizes in AV1 tell nothing."""
_PLACED_SHARE = 0.2
_SAME_COLOURS, _OTHER_COLOURS = 0.2, 0.5
"""Share of pixels with other colours than in the key frame before: no cut between them; a cut, wherever it is."""
_LEAST_OF_KEY, _LEAST_BESIDE_KEYS = 0.5, 0.7
"""Smallest share of the median key frame that the first frame of a shot takes, in the two kinds of film."""
_NEW_PICTURE = 0.2
"""That share times one minus the correlation of the two pictures: a cut, if the key frame came out of turn."""
_SHORT_GAP_S = 1.3
_LONGEST_PERIOD = 32
_LEAST_FRAMES = 80
_IS_PATTERN = 0.35
_SAME_CUT_S = 0.35


class Keys(StrEnum):
    """How the key frames of a film lie, on which the quality of a draft depends."""

    PLACED = "placed"
    """Where the encoder saw a new picture."""
    FIXED = "fixed"
    """At fixed distances; packets show the cuts."""
    UNPLACED = "unplaced"
    """At fixed distances, and packets show nothing."""


class DraftShots:
    """Watches key frames and says afterwards where the shots of the film are.

    Parameters
    ----------
    codec : str
        ffmpeg's name of it.
    settings : ShotSettings, optional
        The shortest shot; the other thresholds are for full decodes.

    Examples
    --------
    >>> detector = DraftShots()
    >>> detector.push(FrameBatch(times_s=np.array([0.0]), frames=np.zeros((1, 112, 112, 3), np.uint8)))
    >>> table = PacketTable(np.array([0.0]), np.array([9]), np.array([True]), duration_s=0.04)
    >>> detector.finish(table)
    [Shot(index=0, span=Span(start_s=0.0, end_s=0.04))]
    """

    def __init__(self, codec: str = "h264", settings: ShotSettings | None = None) -> None:
        self._codec = codec
        self._settings = settings or ShotSettings()
        self._keys_s: list[float] = []
        self._recoloured: list[float] = []
        self._unlike: list[float] = []
        self._before: tuple[_Numbers, _Numbers] | None = None
        self.kind = Keys.UNPLACED if codec == "av1" else Keys.FIXED
        """How the film's key frames lie; final after `finish`."""

    def push(self, batch: FrameBatch) -> None:
        """Look at the next key frames."""
        for time_s, frame in zip(batch.times_s.tolist(), batch.frames, strict=True):
            tiny = _thinned(frame)
            now = (_colours(tiny), (tiny - tiny.mean()).ravel())
            self._keys_s.append(time_s)
            if self._before is not None:
                recoloured = float(np.abs(now[0] - self._before[0]).sum()) / 2
                spread = float(np.linalg.norm(now[1]) * np.linalg.norm(self._before[1])) + 1e-9
                self._recoloured.append(recoloured)
                self._unlike.append(recoloured * (1 - float(now[1] @ self._before[1]) / spread))
            self._before = now

    def finish(self, table: PacketTable) -> list[Shot]:
        """Shots that tile the film.

        Parameters
        ----------
        table : PacketTable
            All packets; its `duration_s` is above 0.
        """
        if not table.duration_s > 0:
            raise ValueError(f"duration_s must be above 0, got {table.duration_s}")
        large = prominence(table.times_s, table.sizes, table.are_key)
        share = table.sizes / np.median(table.sizes[table.are_key]) if table.are_key.any() else np.ones(len(large))
        cuts_s = self._cuts(table.times_s, large, share)
        kept = merge_cuts(cuts_s, [], duration_s=table.duration_s, min_shot_s=self._settings.min_shot_s)
        edges_s = [0.0, *kept, table.duration_s]
        return [Shot(i, Span(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges_s))]

    def _cuts(self, times_s: TimeArray, large: _Numbers, share_of_key: _Numbers) -> list[float]:
        """Cuts in no order, some of them close together."""
        keys = np.array(self._keys_s)
        gaps = np.diff(keys)
        longest_s = float(gaps.max()) if len(gaps) else 0.0
        out_of_turn = gaps < _OUT_OF_TURN * longest_s
        if len(gaps) > 2 and out_of_turn[:-1].mean() > _PLACED_SHARE:  # the last gap may be a rest
            self.kind = Keys.PLACED
            out_of_turn |= out_of_turn.sum() == len(gaps) - 1  # a distance that comes once is not the encoder's
        is_placed = self.kind is Keys.PLACED
        least = _LARGE_IN.get(self._codec, _LARGE_BESIDE_KEYS if is_placed else _LARGE)
        may_be_cut = share_of_key >= (_LEAST_BESIDE_KEYS if is_placed else _LEAST_OF_KEY)
        cuts_s = self._without_same(keys, _peaks(times_s, np.where(may_be_cut, large, 0.0), least))
        starts = np.array(cuts_s)
        for i, recoloured in enumerate(self._recoloured):
            is_early = bool(out_of_turn[i]) and self._unlike[i] > _NEW_PICTURE
            is_between = len(starts) and bool(((starts > keys[i]) & (starts < keys[i + 1])).any())
            may_be_late = gaps[i] <= _SHORT_GAP_S or self.kind is Keys.UNPLACED
            if is_early or (recoloured > _OTHER_COLOURS and may_be_late and not is_between):
                cuts_s.append(float(keys[i + 1]))
        return cuts_s

    def _without_same(self, keys: _Numbers, cuts_s: list[float]) -> list[float]:
        """The cuts without those between two key frames that show the same."""
        places = np.searchsorted(keys, cuts_s) - 1
        return [
            cut_s
            for cut_s, i in zip(cuts_s, places.tolist(), strict=True)
            if not (0 <= i < len(self._recoloured) and self._recoloured[i] < _SAME_COLOURS)
        ]


def prominence(times_s: TimeArray, sizes: npt.NDArray[np.int64], are_key: npt.NDArray[np.bool_]) -> _Numbers:
    """Size of each packet over the level around it, shape (n,); 0 for key frames and where too little is around.

    Parameters
    ----------
    times_s : ndarray, shape=(n,), float64
        In seconds, ascending.
    sizes : ndarray, shape=(n,), int64
        In bytes.
    are_key : ndarray, shape=(n,), bool

    Examples
    --------
    >>> times = np.arange(100) / 25
    >>> sizes = np.full(100, 100)
    >>> sizes[50] = 900
    >>> float(prominence(times, sizes, np.zeros(100, bool))[50])
    9.0
    """
    level = sizes.astype(np.float64)
    usual = _around(level, are_key, times_s)
    if period := _period(level, are_key):
        unkeyed = np.pad(np.where(are_key, 0.0, level), 1)
        largest = np.maximum(np.maximum(unkeyed[:-2], unkeyed[1:-1]), unkeyed[2:])  # of each and its neighbours
        alike = np.pad(largest, period, constant_values=np.inf)
        usual = np.maximum(usual, np.minimum(alike[: len(level)], alike[2 * period :]))
    return np.where(np.isnan(usual), 0.0, level / np.maximum(usual, 1.0))


def _around(level: _Numbers, are_key: npt.NDArray[np.bool_], times_s: TimeArray) -> _Numbers:
    """The level of the packets around each, without key frames and its own, shape (n,); NaN where there are few."""
    found = np.full(len(level), np.nan)
    firsts = np.searchsorted(times_s, times_s - _AROUND_S)
    lasts = np.searchsorted(times_s, times_s + _AROUND_S)
    asked = np.flatnonzero(~are_key)
    steps = np.arange(np.max(lasts - firsts, initial=1))
    for rows in np.array_split(asked, len(asked) * len(steps) // _AT_ONCE + 1):
        near = np.minimum(firsts[rows, None] + steps, lasts[rows, None] - 1)
        counted = (steps < (lasts - firsts)[rows, None]) & ~are_key[near] & (np.abs(near - rows[:, None]) > _OWN_FRAMES)
        n_near = counted.sum(axis=1)
        for n in np.unique(n_near[n_near >= _LEAST_AROUND]).tolist():  # as many in each row, for one percentile of all
            same = n_near == n
            levels = level[near[same][counted[same]]].reshape(-1, n)
            found[rows[same]] = np.percentile(levels, _AROUND_PERCENTILE, axis=1)
    return found


def _period(level: _Numbers, are_key: npt.NDArray[np.bool_]) -> int:
    """Frames after which an encoder's pattern of large and small packets repeats; 0 without one."""
    if len(level) < _LEAST_FRAMES or are_key.all():
        return 0
    logs = np.log(np.maximum(level, 1.0))
    logs[are_key] = np.median(logs[~are_key])
    logs -= np.convolve(np.pad(logs, 25, mode="edge"), np.full(51, 1 / 51), "valid")
    whole = float((logs**2).mean()) + 1e-9
    alike = {lag: float((logs[lag:] * logs[:-lag]).mean()) / whole for lag in range(2, _LONGEST_PERIOD + 1)}
    best = max(lag for lag, value in alike.items() if value >= 0.85 * max(alike.values()))
    return best if alike[best] > _IS_PATTERN else 0


def _peaks(times_s: TimeArray, large: _Numbers, least: float) -> list[float]:
    """Times of the packets above `least`, the largest of those close together."""
    peaks: list[int] = []
    for i in np.flatnonzero(large > least).tolist():
        if not peaks or times_s[i] - times_s[peaks[-1]] >= _SAME_CUT_S:
            peaks.append(i)
        elif large[i] > large[peaks[-1]]:
            peaks[-1] = i
    return [float(times_s[i]) for i in peaks]


def _thinned(frame: ByteArray) -> _Numbers:
    """A very small picture by the mean of blocks."""
    step = max(1, min(frame.shape[:2]) // _TINY_PX)
    height, width = (n // step * step for n in frame.shape[:2])
    blocks = frame[:height, :width].reshape(height // step, step, width // step, step, 3)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float64)


def _colours(tiny: _Numbers) -> _Numbers:
    """Share of the pixels in each cell of the colour cube."""
    levels = (tiny / (256 / _LEVELS)).astype(np.int64)
    cells = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    return np.asarray(np.bincount(cells.ravel(), minlength=_LEVELS**3) / cells.size, np.float64)
