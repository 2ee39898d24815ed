"""EfficientNet-Lite2 run by OpenVINO, made from the weights of its package.

Its layers are those of ``efficientnet-lite-pytorch``: blocks of three convolutions (wider, each channel by itself,
narrower), ReLU6 after the first two, and a shortcut where sides and channels stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from soundtrack.networks.runs.folding import folded
from soundtrack.networks.runs.openvino_core import Compiled, Floats, constant, opset
from soundtrack.networks.runs.still_weights import DIM, SIDE_PX, still_weights
from soundtrack.types import ByteArray, FloatArray

_AT_ONCE = 2
_EPS = 1e-3
_HALVING = frozenset({1, 4, 7, 15})
"""Blocks that halve the sides."""
_AXES = np.array([0, 3, 1, 2]), np.array([2, 3])


class OpenVinoStills:
    """The network, ready to run.

    Parameters
    ----------
    floats : {"f32", "bf16"}, optional
        What it computes with; by default the quicker ones of this processor.

    Raises
    ------
    DependencyError
        The package of the weights is missing, or carries others than the ones tested.
    """

    def __init__(self, *, floats: Floats | None = None) -> None:
        op, arrays = opset(), still_weights()

        def convolution(x: Any, name: str, norm: str, *, stride: int = 1, is_bounded: bool = True) -> Any:
            weight, shift = folded(arrays, name, norm, eps=_EPS)
            steps, nothing = [stride] * 2, [0, 0]
            if weight.shape[1] == 1:  # each channel by itself
                kernel, layer = constant(weight[:, None]), op.group_convolution
            else:
                kernel, layer = constant(weight), op.convolution
            y = layer(x, kernel, steps, nothing, nothing, [1, 1], auto_pad="same_upper")
            y = op.add(y, constant(shift.reshape(1, -1, 1, 1)))
            return op.clamp(y, 0.0, 6.0) if is_bounded else y

        entry = op.parameter([-1, SIDE_PX, SIDE_PX, 3], np.uint8)
        x = op.convert(op.transpose(entry, op.constant(_AXES[0])), "f32")
        x = op.divide(op.subtract(x, op.constant(np.float32(127))), op.constant(np.float32(128)))  # as it was trained
        x = convolution(x, "_conv_stem", "_bn0", stride=2)
        for i in range(sum(name.endswith("_project_conv.weight") for name in arrays)):
            block, is_wider = f"_blocks.{i}.", f"_blocks.{i}._expand_conv.weight" in arrays
            y = convolution(x, f"{block}_expand_conv", f"{block}_bn0") if is_wider else x
            y = convolution(y, f"{block}_depthwise_conv", f"{block}_bn1", stride=2 if i in _HALVING else 1)
            y = convolution(y, f"{block}_project_conv", f"{block}_bn2", is_bounded=False)
            is_alike = i not in _HALVING and y.get_output_partial_shape(0)[1] == x.get_output_partial_shape(0)[1]
            x = op.add(y, x) if is_alike else y
        x = convolution(x, "_conv_head", "_bn1")
        self._run = Compiled([op.reduce_mean(x, op.constant(_AXES[1]))], entry, floats=floats)

    def features(self, pictures: ByteArray) -> FloatArray:
        """Pooled numbers, at least 0, float32, shape (n, DIM); `pictures` (n, SIDE_PX, SIDE_PX, 3), uint8 RGB."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE_PX, SIDE_PX, 3):
            raise ValueError(f"pictures must be uint8 (n, {SIDE_PX}, {SIDE_PX}, 3), got {pictures.shape}")
        parts = [self._run(pictures[i : i + _AT_ONCE])[0] for i in range(0, len(pictures), _AT_ONCE)]
        return np.concatenate([np.empty((0, DIM), np.float32), *parts])
