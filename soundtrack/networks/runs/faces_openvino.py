"""The networks of faces run by OpenVINO, in float32, as in torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from soundtrack.networks.face_layers import Graph, Padding, Run
from soundtrack.networks.runs.openvino_core import Compiled, constant, opset
from soundtrack.types import FloatArray

_AUTO = {"none": "valid", "one": "explicit", "same": "same_upper"}


class OpenVinoFaces:
    """Layers of a network that is compiled as a whole; see `soundtrack.networks.face_layers.Layers`.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Weights by name, float32.
    """

    def __init__(self, arrays: Mapping[str, FloatArray]) -> None:
        self._arrays, self._op = arrays, opset()

    def network(self, graph: Graph, n_channels: int) -> Run:
        """A network whose input has some channels; pictures may have any size."""
        entry = self._op.parameter([-1, n_channels, -1, -1], np.float32)
        run = Compiled([graph(self, entry)], entry, floats="f32")
        return lambda batch: run(batch)[0]

    def has(self, name: str) -> bool:
        return name in self._arrays

    def convolution(self, x: Any, name: str, *, bias: str = "", stride: int = 1, padding: Padding = "none") -> Any:
        weight, edges = self._arrays[name], [int(padding == "one")] * 2
        if name.endswith("depthwise"):
            weight, layer = weight[:, None], self._op.group_convolution
        else:
            layer = self._op.convolution
        y = layer(x, constant(weight), [stride] * 2, edges, edges, [1, 1], auto_pad=_AUTO[padding])
        return self._op.add(y, constant(self._arrays[bias].reshape(1, -1, 1, 1))) if bias else y

    def product(self, x: Any, name: str) -> Any:
        flat = self._op.reshape(x, self._op.constant(np.array([0, -1])), True)
        y = self._op.matmul(flat, constant(self._arrays[f"{name}.weight"]), False, True)
        return self._op.add(y, constant(self._arrays[f"{name}.bias"][None]))

    def largest(self, x: Any, *, side: int, stride: int) -> Any:
        nothing, steps = [0, 0], [stride] * 2
        return self._op.max_pool(x, steps, [1, 1], nothing, nothing, [side] * 2, auto_pad="same_upper").output(0)

    def mean(self, x: Any, *, side: int = 0, stride: int = 1) -> Any:
        if not side:
            return self._op.reduce_mean(x, self._op.constant(np.array([2, 3])))
        return self._op.avg_pool(x, [stride] * 2, [0, 0], [0, 0], [side] * 2, True)

    def sum(self, x: Any, y: Any) -> Any:
        return self._op.add(x, y)

    def relu(self, x: Any, *, slope: float = 0.0) -> Any:
        return self._op.prelu(x, constant(np.array([slope], np.float32))) if slope else self._op.relu(x)
