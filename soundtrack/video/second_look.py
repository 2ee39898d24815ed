"""A second look at the frames where a hard cut is likely: very small pictures, three before it and three after.

Goes in: the pictures. Comes out: whether a cut that was passed over is one, because all else moves too (gunfire, a
shaking camera after the cut), and whether one that was found is none, because the picture keeps its shapes and has no
new colours (wings, stage lights). Colours are distinguished in `_LEVELS` levels a channel: what moves keeps them, a cut
brings others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

N_PICTURES = 6
"""Three before the first frame of a shot that may begin, and three from it on."""
_LEVELS = 6
_STEP = 0.4
"""Logarithm of a change over the mean of its four neighbours, above which it stands out a little."""
_NEW_COLOURS, _OTHER_SHAPES = 0.25, 0.6
_OLD_COLOURS, _SAME_SHAPES = 0.08, 0.7

Picture = npt.NDArray[np.float32]


def is_missed(pictures: Sequence[Picture], changes: Sequence[float]) -> bool:
    """Whether a cut that does not stand out enough by itself is one.

    Parameters
    ----------
    pictures : sequence of `N_PICTURES` ndarray, shape=(height, width, 3), float32
        In order; the first frame of the new shot is the fourth.
    changes : sequence of `N_PICTURES` float
        Mean 8-bit change of each picture from the one before it.

    Returns
    -------
    bool
    """
    around = (changes[1] + changes[2] + changes[4] + changes[5]) / 4
    if changes[3] < max(changes[2], changes[4]) or np.log(changes[3] / (around + 1)) <= _STEP:
        return False
    return _new_colours(pictures) > _NEW_COLOURS and _shapes(pictures) < _OTHER_SHAPES


def is_none(pictures: Sequence[Picture]) -> bool:
    """Whether a cut that was found is none: the shapes stay, and the colours are those from before.

    Parameters
    ----------
    pictures : sequence of `N_PICTURES` ndarray, shape=(height, width, 3), float32
        As for `is_missed`.

    Returns
    -------
    bool
    """
    return _shapes(pictures) > _SAME_SHAPES and _new_colours(pictures) < _OLD_COLOURS


def _shapes(pictures: Sequence[Picture]) -> float:
    """Correlation of the pictures before and after, in [-1, 1]."""
    before, after = (p - p.mean() for p in (pictures[2], pictures[3]))
    return float((before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum() + 1e-9))


def _new_colours(pictures: Sequence[Picture]) -> float:
    """How much more the colours differ across the cut than within three pictures on either side, in [-1, 1]."""
    first, before, after, last = (_colours(pictures[i]) for i in (0, 2, 3, 5))
    across, within = _apart(before, after), max(_apart(first, before), _apart(after, last))
    return across - within


def _colours(picture: Picture) -> npt.NDArray[np.float64]:
    """Share of the pixels in each cell of the colour cube."""
    levels = (picture / (256 / _LEVELS)).astype(np.int64)
    cells = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    return np.bincount(cells.ravel(), minlength=_LEVELS**3) / cells.size


def _apart(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Share of the pixels whose colour is not among the other's, in [0, 1]."""
    return float(np.abs(a - b).sum()) / 2
