"""Hub correction: keep a few tracks from being everybody's nearest neighbour.

In spaces of many dimensions some points lie near every query. Cross-domain similarity local scaling (CSLS, Conneau et
al. 2018, section 2.3) takes from each cosine the mean closeness of both sides to their neighbourhoods.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

N_REFERENCES = 256
"""Vectors that stand for a neighbourhood."""
N_NEIGHBOURS = 10
"""How many of the closest are averaged."""


def references(vectors: FloatArray, *, n: int = N_REFERENCES) -> FloatArray:
    """Some vectors that stand for all, evenly picked.

    Parameters
    ----------
    vectors : ndarray, shape=(m, D), float32
        Unit vectors.
    n : int > 0
        At most so many.

    Returns
    -------
    ndarray, shape=(min(m, n), D), float32
    """
    if len(vectors) <= n:
        return vectors
    return vectors[np.linspace(0, len(vectors) - 1, n).astype(np.int64)]


def closeness(vectors: FloatArray, *, neighbours: FloatArray, k: int = N_NEIGHBOURS) -> FloatArray:
    """Mean cosine of each vector with the nearest of a neighbourhood.

    Parameters
    ----------
    vectors : ndarray, shape=(n, D), float32
        Unit vectors.
    neighbours : ndarray, shape=(m, D), float32
        Unit vectors.
    k : int > 0
        How many of the nearest count; all if there are fewer.

    Returns
    -------
    ndarray, shape=(n,), float32
        In [-1, 1]; 0 without neighbours.
    """
    k = min(k, len(neighbours))
    result = np.zeros(len(vectors), np.float32)
    if k == 0:
        return result
    for start in range(0, len(vectors), 32_768):
        cosines = vectors[start : start + 32_768] @ neighbours.T  # (block, m)
        cosines.partition(cosines.shape[1] - k, axis=1)
        result[start : start + 32_768] = cosines[:, -k:].mean(axis=1)
    return result


def csls(similarity: npt.NDArray[np.float64], *, k: int = N_NEIGHBOURS) -> npt.NDArray[np.float64]:
    """The same correction on a closed set of queries and tracks, to judge what it buys.

    Twice the similarity less the mean similarity of either side to its k nearest, shape as given.

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

    def crowd(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        nearest = min(k, rows.shape[1])
        return np.asarray(np.partition(rows, rows.shape[1] - nearest, axis=1)[:, -nearest:].mean(axis=1))

    return 2 * similarity - crowd(similarity)[:, None] - crowd(similarity.T)[None, :]
