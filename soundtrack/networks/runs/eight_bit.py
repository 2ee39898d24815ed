"""Layers in 8-bit integers, as OpenVINO runs them: up to four times as quick as in float32.

What goes into a layer is rounded to 256 steps up to a bound, each filter to 255 steps around nought. The bound follows
from the batch norm of the layers before: behind it a channel has the mean `bias` and the standard deviation `weight`
over what the network learned from, so that hardly a number is ten deviations away. So nothing has to be measured
beforehand, for any network.

Processors without instructions made for this (VNNI) add products of 8-bit integers in 16 bits, which overflow: the
result would be wrong, not only rounded. Whether it is right is asked of OpenVINO by layers that would overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from soundtrack.networks.runs.openvino_core import Compiled, constant, opset
from soundtrack.types import FloatArray

_DEVIATIONS = 10.0
_STEPS, _FILTER_STEPS = 256, 127
_TRIAL_CHANNELS, _TRIAL_PX = 64, 8
_TOLERANCE = 0.01


@cache
def are_exact() -> bool:
    """Whether this processor adds products of 8-bit integers without overflow; tried out once a process (0.04 s)."""
    op, n, nothing = opset(), _TRIAL_CHANNELS, [0, 0]
    entry = op.parameter([1, n, _TRIAL_PX, _TRIAL_PX], np.float32)
    outputs = []
    for side in (1, 3):
        kernel = filters(np.full((n, n, side, side), 1 / (n * side**2), np.float32))
        y = op.convolution(rounded(entry, 1.0), kernel, [1, 1], nothing, nothing, [1, 1])
        outputs.append(op.reduce_mean(y, op.constant(np.array([2, 3]))))
    means = Compiled(outputs, entry, floats="f32")(np.ones((1, n, _TRIAL_PX, _TRIAL_PX), np.float32))
    return bool(np.allclose(means, 1.0, atol=_TOLERANCE))


def reach(arrays: Mapping[str, FloatArray], norm: str) -> FloatArray:
    """For each channel, what hardly a number exceeds behind a batch norm and ReLU.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        As in the weights file.
    norm : str
        Name of the batch norm, without ``.weight`` and the like.

    Examples
    --------
    >>> reach({"a.weight": np.array([-2.0, 1.0, 0.0]), "a.bias": np.array([0.5, 1.0, -1.0])}, "a")
    array([20.5, 11. ,  0. ])
    """
    return np.maximum(arrays[f"{norm}.bias"] + _DEVIATIONS * np.abs(arrays[f"{norm}.weight"]), 0)


def rounded(x: Any, bound: float, *, is_signed: bool = False) -> Any:
    """What goes into a layer, from nought or `-bound` to `bound`; numbers beyond are taken for the nearest of these."""
    op = opset()
    low, high = (op.constant(np.float32(side)) for side in (-bound if is_signed else 0.0, bound))
    return op.fake_quantize(x, low, high, low, high, _STEPS)


def filters(weight: FloatArray) -> Any:
    """The filters of a layer, shape (channels out, ...), each in steps of its own."""
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    step = np.asarray(np.where(largest > 0, largest, 1) / _FILTER_STEPS, np.float32)
    op = opset()
    return op.multiply(op.convert(op.constant(np.rint(weight / step).astype(np.int8)), "f32"), constant(step))
