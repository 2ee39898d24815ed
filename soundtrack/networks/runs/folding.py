"""Batch norm as part of the convolution before it, in numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from soundtrack.types import FloatArray


def folded(
    arrays: Mapping[str, FloatArray], convolution: str, norm: str, *, eps: float
) -> tuple[FloatArray, FloatArray]:
    """Weights and intercepts of a convolution with its batch norm in them.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        As in the weights file.
    convolution, norm : str
        Names of the two, without ``.weight`` and the like.
    eps : float
        Of the batch norm.

    Examples
    --------
    >>> one = np.ones(1, np.float32)
    >>> names = {"c.weight": one[:, None], "n.weight": 2 * one, "n.bias": one}
    >>> folded({**names, "n.running_mean": one, "n.running_var": one}, "c", "n", eps=0.0)
    (array([[2.]], dtype=float32), array([-1.], dtype=float32))
    """
    gain = arrays[f"{norm}.weight"] / np.sqrt(arrays[f"{norm}.running_var"] + np.float32(eps))
    weight = arrays[f"{convolution}.weight"]
    shift = arrays[f"{norm}.bias"] - arrays[f"{norm}.running_mean"] * gain
    return weight * gain.reshape(-1, *[1] * (weight.ndim - 1)), shift
