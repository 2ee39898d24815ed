"""Matrix products whose rows do not depend on their neighbours.

Libraries of linear algebra add up in another order for tables of other sizes and for other numbers of threads. What is
kept and compared byte for byte (the vectors of an index, derived one track at a time or ten thousand at once) needs one
order.
"""

from __future__ import annotations

import numpy as np

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
