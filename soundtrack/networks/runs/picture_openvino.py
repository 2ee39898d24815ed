"""The picture network run by OpenVINO: the layers of `soundtrack.networks.i3d`, made from its weights.

Batch norm is folded into the convolutions. Kernels whose frames are zero but for the middle one, as `i3d.inflate` makes
them, are one frame deep here, and get the frames that they would have looked at. Convolutions run in 8-bit
integers where the processor has instructions for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from soundtrack.networks.i3d_layers import BATCH_NORM_EPS, LAYERS, POOLS, Size, convolutions, same_padding
from soundtrack.networks.runs.eight_bit import are_exact, filters, reach, rounded
from soundtrack.networks.runs.folding import folded
from soundtrack.networks.runs.openvino_core import Compiled, Precision, constant, opset
from soundtrack.types import ByteArray, FloatArray

_AT_ONCE = 2
_ONE: Size = (1, 1, 1)
_FIRST, _FIRST_STRIDE = "Conv3d_1a_7x7", 2
_AXES = np.array([0, 4, 1, 2, 3]), np.array([2, 3, 4])


class OpenVinoPicture:
    """The network, ready to run.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        Weights under the names of `i3d_layers.expected_shapes`.
    width : float
        Of the network.
    precision : {"f32", "bf16", "int8"}, optional
        What convolutions compute with; by default 8-bit integers where they are exact, else the quicker floats.
    """

    device = "cpu"

    def __init__(self, arrays: Mapping[str, FloatArray], width: float, *, precision: Precision | None = None) -> None:
        is_int8 = precision == "int8" or (precision is None and are_exact())
        layers = _Layers(arrays, width, is_int8=is_int8)
        self.is_flat = all(layers.flat.values())
        self._skips_frames = layers.flat[_FIRST]
        op = opset()
        entry = op.parameter([-1, -1, -1, -1, 3], np.uint8)  # (n, t, h, w, 3)
        x = op.convert(op.transpose(entry, op.constant(_AXES[0])), "f32")
        x = op.subtract(op.divide(x, op.constant(np.float32(127.5))), op.constant(np.float32(1.0)))
        for name in LAYERS:
            if name in POOLS:
                x = _pool(x, *POOLS[name])
            elif name == _FIRST:
                x = layers.convolution(x, name, (1 if self._skips_frames else _FIRST_STRIDE, 2, 2))
            elif name.startswith("Mixed"):
                x = _mixed(layers, x, name)
            else:
                x = layers.convolution(x, name)
        floats = None if precision == "int8" else precision
        self._run = Compiled([op.reduce_mean(x, op.constant(_AXES[1]))], entry, floats=floats)

    def features(self, clips: ByteArray) -> FloatArray:
        """Pooled vectors, float32, shape (n, n_features); `clips` (n, t, side, side, 3), uint8 RGB."""
        if self._skips_frames:
            n_frames = clips.shape[1]
            first = 3 - same_padding(n_frames, 7, _FIRST_STRIDE)[0]
            clips = clips[:, first::_FIRST_STRIDE][:, : -(-n_frames // _FIRST_STRIDE)]
        return np.concatenate([self._run(clips[i : i + _AT_ONCE])[0] for i in range(0, len(clips), _AT_ONCE)])


class _Layers:
    """Convolutions with batch norm and ReLU."""

    def __init__(self, arrays: Mapping[str, FloatArray], width: float, *, is_int8: bool) -> None:
        self._bounds = _bounds(arrays) if is_int8 else None
        self._folded: dict[str, tuple[FloatArray, FloatArray]] = {}
        self.flat: dict[str, bool] = {}
        for name in convolutions(width):
            kernel = f"{name}.conv3d.weight"
            weight = arrays[kernel]
            middle = weight.shape[2] // 2
            self.flat[name] = not (weight[:, :, :middle].any() or weight[:, :, middle + 1 :].any())
            if self.flat[name]:
                weight = weight[:, :, middle : middle + 1]
            self._folded[name] = folded({**arrays, kernel: weight}, f"{name}.conv3d", f"{name}.bn", eps=BATCH_NORM_EPS)

    def convolution(self, x: Any, name: str, stride: Size = _ONE) -> Any:
        """Shape (n, channels, t, h, w) to the same."""
        op = opset()
        weight, shift = self._folded[name]
        nothing = [0, 0, 0]
        if self._bounds is None:
            kernel = constant(weight)
        else:
            x, kernel = rounded(x, self._bounds[name], is_signed=name == _FIRST), filters(weight)
        y = op.convolution(x, kernel, list(stride), nothing, nothing, list(_ONE), auto_pad="same_upper")
        return op.relu(op.add(y, constant(shift.reshape(1, -1, 1, 1, 1))))


def _bounds(arrays: Mapping[str, FloatArray]) -> dict[str, float]:
    """For each convolution, what hardly a number that it gets exceeds."""

    def most(*names: str) -> float:
        return max(float(reach(arrays, f"{name}.bn").max()) for name in names)

    bounds, bound = {_FIRST: 1.0}, most(_FIRST)  # pictures go from -1 to 1
    for name in LAYERS:
        if name.startswith("Mixed"):
            bounds |= {f"{name}.{branch}": bound for branch in ("b0", "b1a", "b2a", "b3b")}
            bounds |= {f"{name}.b{i}b": most(f"{name}.b{i}a") for i in (1, 2)}
            bound = most(*(f"{name}.{branch}" for branch in ("b0", "b1b", "b2b", "b3b")))
        elif name not in POOLS and name != _FIRST:
            bounds[name], bound = bound, most(name)
    return bounds


def _pool(x: Any, kernel: Size, stride: Size) -> Any:
    """SAME max pooling."""
    nothing = [0, 0, 0]
    return (
        opset().max_pool(x, list(stride), list(_ONE), nothing, nothing, list(kernel), auto_pad="same_upper").output(0)
    )


def _mixed(layers: _Layers, x: Any, name: str) -> Any:
    """An Inception block."""
    branches = [
        layers.convolution(x, f"{name}.b0"),
        layers.convolution(layers.convolution(x, f"{name}.b1a"), f"{name}.b1b"),
        layers.convolution(layers.convolution(x, f"{name}.b2a"), f"{name}.b2b"),
        layers.convolution(_pool(x, (3, 3, 3), _ONE), f"{name}.b3b"),
    ]
    return opset().concat(branches, 1)
