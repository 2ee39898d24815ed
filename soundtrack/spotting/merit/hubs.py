"""Hub correction: prevent a few tracks from being the nearest neighbour of every query.

In spaces of many dimensions some points lie near every query. Cross-domain similarity local scaling (CSLS, Conneau et
al. 2018, section 2.3) takes from each cosine the mean closeness of both sides to their neighbourhoods.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.types import FloatArray

N_REFERENCES = 256
"""Vectors that represent a neighbourhood."""
N_NEIGHBOURS = 10
"""How many of the closest are averaged."""


def references(vectors: FloatArray, *, n: int = N_REFERENCES) -> FloatArray:
    """Some vectors that represent all, evenly picked.

    Parameters
    ----------
    vectors : ndarray, shape=(m, D), float32
        Unit vectors.
    n : int > 0
        Maximum number.

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


@dataclass(frozen=True, slots=True)
class Crowding:
    """How close both sides are to their neighbourhoods in the music, in [-1, 1]."""

    seen: FloatArray = field(repr=False, compare=False)
    """Of the pictures, shape (n,)."""
    heard: FloatArray = field(repr=False, compare=False)
    """Of the music, shape (m,)."""


def crowding(seen: FloatArray, heard: FloatArray) -> Crowding:
    """What the correction takes from the cosines of pictures and music: half of each.

    Parameters
    ----------
    seen : ndarray, shape=(n, D), float32
        Unit vectors of pictures; zero where there is none, which is near nothing.
    heard : ndarray, shape=(m, D), float32
        Unit vectors of all the music there is.
    """
    reference = references(heard)
    return Crowding(closeness(seen, neighbours=reference), closeness(heard, neighbours=reference))
