"""The networks of faces run by torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.networks.face_layers import Graph, Padding, Run
from soundtrack.types import FloatArray


class TorchFaces:
    """Layers that are run one by one; see `soundtrack.networks.face_layers.Layers`.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Weights by name, float32.
    """

    def __init__(self, arrays: Mapping[str, FloatArray]) -> None:
        self._tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def network(self, graph: Graph, n_channels: int) -> Run:
        """A network whose input has some channels."""

        def run(batch: FloatArray) -> FloatArray:
            if batch.shape[1] != n_channels:
                raise ValueError(f"batch must have {n_channels} channels, got {batch.shape}")
            with torch.inference_mode():
                found: FloatArray = graph(self, torch.from_numpy(batch)).numpy()
            return found

        return run

    def has(self, name: str) -> bool:
        return name in self._tensors

    def convolution(
        self, x: Tensor, name: str, *, bias: str = "", stride: int = 1, padding: Padding = "none"
    ) -> Tensor:
        weight, shift = self._tensors[name], self._tensors.get(bias)
        groups = len(weight) if name.endswith("depthwise") else 1
        x = _padded(x, side=weight.shape[-1], stride=stride) if padding == "same" else x
        return F.conv2d(x, weight, shift, stride=stride, padding=int(padding == "one"), groups=groups)

    def product(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x.flatten(1), self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def largest(self, x: Tensor, *, side: int, stride: int) -> Tensor:
        return F.max_pool2d(_padded(x, side=side, stride=stride, value=float("-inf")), side, stride)

    def mean(self, x: Tensor, *, side: int = 0, stride: int = 1) -> Tensor:
        return F.avg_pool2d(x, side, stride) if side else x.mean(dim=(2, 3))

    def sum(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def relu(self, x: Tensor, *, slope: float = 0.0) -> Tensor:
        return F.leaky_relu(x, slope)


def _padded(x: Tensor, *, side: int, stride: int, value: float = 0.0) -> Tensor:
    """Edges as TensorFlow adds them: fewer before than after."""
    pads = [max((-(-n // stride) - 1) * stride + side - n, 0) for n in x.shape[-2:]]
    (top, left) = (pad // 2 for pad in pads)
    return F.pad(x, (left, pads[1] - left, top, pads[0] - top), value=value)
