"""Training of heads with channels missing, so that each channel is usable alone.

Goes in: standardised rows and the columns of each channel. Comes out: the same rows, and beside them each row once
without each channel (0, the channel's mean, as `Head.read` has it), with weights that add up to those before. That is
what dropping one channel at random, with that chance, comes to on average; nothing is drawn, so the same rows give the
same head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Some:
    """Rows with all channels and with all but one; what belongs together has one place."""

    rows: Matrix = field(repr=False, compare=False)
    """Standardised, shape (m, columns)."""
    origin: IntArray = field(repr=False, compare=False)
    """Which row each came from, shape (m,)."""
    weight: Matrix = field(repr=False, compare=False)
    """How much each counts, shape (m,); those of one origin add up to 1."""


def with_absences(x: Matrix, channels: Sequence[slice], *, share: float) -> Some:
    """Rows with all channels, and with each of them missing.

    Parameters
    ----------
    x : ndarray, shape=(n, columns), float64
        Standardised.
    channels : sequence of slice
        Columns of each.
    share : float in [0, 1)
        Of the weight that goes to rows without one of the channels; 0, or a single channel, leaves all as it is.

    Examples
    --------
    >>> with_absences(np.ones((1, 3)), [slice(0, 2), slice(2, 3)], share=0.5).rows.tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be in [0, 1), got {share}")
    everyone = np.arange(len(x))
    if not share or len(channels) < 2:
        return Some(x, everyone, np.ones(len(x)))
    parts, weights = [x], [np.full(len(x), 1 - share)]
    for columns in channels:
        without = x.copy()
        without[:, columns] = 0.0
        parts.append(without)
        weights.append(np.full(len(x), share / len(channels)))
    return Some(np.concatenate(parts), np.tile(everyone, len(parts)), np.concatenate(weights))
