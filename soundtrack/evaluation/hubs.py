"""Hub correction on a finished similarity matrix, for judging what it buys.

The tool itself corrects segment by segment against its library (`soundtrack.spotting.hubs`); this is the same formula
on a closed set of queries and tracks: cross-domain similarity local scaling, CSLS (Conneau et al. 2018, section 2.3).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def csls(similarity: Array, *, k: int = 10) -> Array:
    """Twice the similarity less the mean similarity of either side to its k nearest, shape as given.

    Parameters
    ----------
    similarity : ndarray, shape=(n_queries, n_tracks)
        Higher is closer.
    k : int, at least 1
        Neighbours that count; all if there are fewer.

    Examples
    --------
    >>> csls(np.array([[1.0, 0.0], [0.0, 1.0]]), k=1).tolist()
    [[0.0, -2.0], [-2.0, 0.0]]
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")

    def crowd(rows: Array) -> Array:
        nearest = min(k, rows.shape[1])
        return np.asarray(np.partition(rows, rows.shape[1] - nearest, axis=1)[:, -nearest:].mean(axis=1))

    return 2 * similarity - crowd(similarity)[:, None] - crowd(similarity.T)[None, :]
