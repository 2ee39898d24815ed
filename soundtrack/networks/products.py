"""Matrix products whose rows do not depend on their neighbours, and the two functions that turn them into chances.

Libraries of linear algebra add up in another order for tables of other sizes and for other numbers of threads. What is
kept and compared byte for byte (the vectors of an index, derived one track at a time or ten thousand at once) needs one
order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray


def row_products(rows: FloatArray, weight: FloatArray) -> FloatArray:
    """``rows @ weight.T``, each number as one dot product of its own, shape (n, k).

    Parameters
    ----------
    rows : ndarray, shape=(n, f), float32
        One row for each stretch.
    weight : ndarray, shape=(k, f), float32
        One row for each output.

    Examples
    --------
    >>> row_products(np.ones((1, 3), np.float32), np.array([[1, 2, 3]], np.float32))
    array([[6.]], dtype=float32)
    """
    return np.asarray(np.vecdot(rows[:, None, :], weight[None]))


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities along the last axis."""
    wide = np.asarray(logits, np.float64)
    powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def log_odds(probability: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """log(p / (1 - p)), kept finite."""
    p = np.clip(np.asarray(probability, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)), np.float64)
