"""The picture side's head: which channels it reads, and its arrays as weights files keep them.

Goes in: arrays of a weights file, or of a fit. Comes out: a `Head` over the picture network and the film numbers. The
film numbers count with a gain, since a hundred of them would otherwise be drowned by five hundred features. numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from soundtrack.emotion.head import N_CLASSES, N_MOOD, Block, Head
from soundtrack.types import EMOTIONS, FloatArray

PICTURE_NETWORK, FILM_NUMBERS = "picture-network", "film-numbers"
"""Names of the channels that it reads, in the order of its columns."""
CLASS_VALENCE_AROUSAL: dict[str, tuple[float, float]] = {
    "Excited": (0.6, 0.7),
    "Fear": (-0.6, 0.6),
    "Neutral": (0.05, -0.1),
    "Relaxation": (0.5, -0.5),
    "Sad": (-0.55, -0.4),
    "Tension": (-0.4, 0.5),
}
"""Where each class lies on the plane, in [-1, 1]; after the layout of affect words by J. Russell 1980."""


def blocks_of(n_features: int, n_film: int) -> tuple[Block, ...]:
    """The head's columns: roots of so many features of the network, then so many film numbers."""
    return Block(PICTURE_NETWORK, n_features, rooted=True), Block(FILM_NUMBERS, n_film)


def picture_head(
    arrays: Mapping[str, FloatArray],
    *,
    n_film: int,
    temperature: float = 1.0,
    confidence_slope: float = 1.0,
    confidence_offset: float = 0.0,
) -> Head:
    """The head of some arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``mean`` and ``deviation`` of the columns, ``class_weight`` (6, F) and ``class_bias`` (6,), ``plane_weight``
        (2, F) and ``plane_bias`` (2,) for valence and arousal.
    n_film : int
        How many of the F columns are film numbers.
    temperature, confidence_slope, confidence_offset : float
        As in `Head`.
    """
    return Head(
        blocks_of(len(arrays["mean"]) - n_film, n_film),
        mean=arrays["mean"],
        scale=arrays["deviation"],
        weight=np.concatenate([arrays["class_weight"], arrays["plane_weight"]]),
        bias=np.concatenate([arrays["class_bias"], arrays["plane_bias"]]),
        temperature=temperature,
        confidence_slope=confidence_slope,
        confidence_offset=confidence_offset,
    )


def head_arrays(head: Head) -> dict[str, FloatArray]:
    """The arrays that `picture_head` makes a head from."""
    return {
        "mean": head.mean,
        "deviation": head.scale,
        "class_weight": head.weight[:N_CLASSES],
        "class_bias": head.bias[:N_CLASSES],
        "plane_weight": head.weight[N_CLASSES:N_MOOD],
        "plane_bias": head.bias[N_CLASSES:N_MOOD],
    }


def picture_blocks(features: FloatArray, film: FloatArray) -> dict[str, FloatArray]:
    """What the head reads: pooled features, shape (n, F), and film numbers, shape (n, N)."""
    return {PICTURE_NETWORK: features, FILM_NUMBERS: film}


def evidence(features: FloatArray, film: FloatArray) -> FloatArray:
    """Square roots of the features (their tails are long) and film numbers side by side, shape (n, F + N)."""
    if features.ndim != 2 or film.ndim != 2 or len(features) != len(film):
        raise ValueError(f"need (n, F) features and (n, N) film numbers, got {features.shape} and {film.shape}")
    return np.concatenate([np.sqrt(np.maximum(features, 0.0)), film], axis=1).astype(np.float32)


def untrained_head(n_features: int, n_film: int, *, seed: int) -> Head:
    """A seeded head of the right shape that has learned nothing."""
    rng = np.random.default_rng(seed)
    n = n_features + n_film
    arrays = {
        "mean": np.zeros(n, np.float32),
        "deviation": np.ones(n, np.float32),
        "class_weight": rng.normal(0, 1, (len(EMOTIONS), n)).astype(np.float32),
        "class_bias": np.zeros(len(EMOTIONS), np.float32),
        "plane_weight": rng.normal(0, 0.4 / np.sqrt(n), (2, n)).astype(np.float32),
        "plane_bias": np.zeros(2, np.float32),
    }
    return picture_head(arrays, n_film=n_film)
