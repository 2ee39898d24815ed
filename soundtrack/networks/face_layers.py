"""The networks of faces, layer by layer, for whatever runs them.

Goes in: layers that torch or OpenVINO make. Comes out: the detector, two networks of expressions and one of facial
points. Names of weights are those of `soundtrack.checkpoints.face_networks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from soundtrack.types import FloatArray

Padding = str
"""``none``, ``one`` pixel on each side, or ``same``: as TensorFlow adds edges, fewer before than after."""


class Layers(Protocol):
    """Layers with the weights of the networks; `x` and what they give are the values of whatever runs them."""

    def has(self, name: str) -> bool:
        """Whether there are weights of a name."""
        ...

    def convolution(self, x: Any, name: str, *, bias: str = "", stride: int = 1, padding: Padding = "none") -> Any:
        """A convolution; of each channel by itself where its name ends in ``depthwise``."""
        ...

    def product(self, x: Any, name: str) -> Any:
        """All numbers of an item by a matrix, and an intercept."""
        ...

    def largest(self, x: Any, *, side: int, stride: int) -> Any:
        """Maximum pooling, padded as ``same``."""
        ...

    def mean(self, x: Any, *, side: int = 0, stride: int = 1) -> Any:
        """Average pooling without padding; over the whole picture, shape (n, channels), for side 0."""
        ...

    def sum(self, x: Any, y: Any) -> Any:
        """Two of one shape, added."""
        ...

    def relu(self, x: Any, *, slope: float = 0.0) -> Any:
        """Negative numbers multiplied by a slope."""
        ...


Graph = Callable[[Layers, Any], Any]
"""What a network does with its input."""
Run = Callable[[FloatArray], FloatArray]
"""A network, ready to run on one batch, shape (n, channels, height, width)."""


class Maker(Layers, Protocol):
    """Layers that become networks."""

    def network(self, graph: Graph, n_channels: int) -> Run:
        """A network whose input has some channels; pictures may have any size."""
        ...


@dataclass(frozen=True, slots=True)
class FaceRuns:
    """The networks of faces, ready to run; see the functions of their names."""

    grid: Run
    expressions: Run
    other_expressions: Run
    points: Run


def made(maker: Maker) -> FaceRuns:
    """All four networks."""
    return FaceRuns(
        grid=maker.network(grid, 3),
        expressions=maker.network(expressions, 1),
        other_expressions=maker.network(other_expressions, 3),
        points=maker.network(points, 3),
    )


def grid(layers: Layers, x: Any) -> Any:
    """Output of the detector, shape (n, 25, rows, columns); `x` (n, 3, rows, columns)."""
    x = layers.relu(layers.convolution(x, "detector.0.weight", bias="detector.0.bias"), slope=0.1)
    x = layers.largest(x, side=2, stride=2)
    for i in range(1, 6):
        x = layers.relu(_separable(layers, x, f"detector.{i}"), slope=0.1)
        x = layers.largest(x, side=2, stride=2 if i < 5 else 1)
    return layers.convolution(x, "detector.6.weight", bias="detector.6.bias")


def expressions(layers: Layers, x: Any) -> Any:
    """Logits of face_classification, shape (n, 7); `x` (n, 1, 64, 64)."""
    for i in range(2):
        name = f"expression.stem{i}"
        x = layers.relu(layers.convolution(x, f"{name}.weight", bias=f"{name}.bias", stride=2 - i))
    for i in range(2):
        name = f"expression.block{i}"
        skipped = layers.convolution(x, f"{name}.skip.weight", bias=f"{name}.skip.bias", stride=2)
        x = _separable(layers, layers.relu(x), f"{name}.0")
        x = _separable(layers, layers.relu(x), f"{name}.1")
        x = layers.sum(layers.largest(x, side=3, stride=2), skipped)
    x = layers.convolution(x, "expression.last.weight", bias="expression.last.bias", padding="one")
    return layers.mean(x)


def other_expressions(layers: Layers, x: Any) -> Any:
    """Logits of face-api in an order of its own, shape (n, 7); `x` (n, 3, 112, 112)."""
    return layers.product(
        layers.mean(_dense(layers, x, "expression2", n_blocks=4), side=7, stride=2), "expression2.last"
    )


def points(layers: Layers, x: Any) -> Any:
    """Facial points, x and y in turn, shape (n, 136); `x` (n, 3, 112, 112)."""
    return layers.product(layers.mean(_dense(layers, x, "points", n_blocks=3), side=14, stride=2), "points.last")


def _dense(layers: Layers, x: Any, name: str, *, n_blocks: int) -> Any:
    """Blocks of separable convolutions whose outputs add up; each halves the picture."""
    for i in range(n_blocks):
        if i == 0:
            first = f"{name}.0.0"
            x = layers.convolution(x, f"{first}.weight", bias=f"{first}.bias", stride=2, padding="same")
        else:
            x = _separable(layers, x, f"{name}.{i}.0", stride=2)
        x = total = layers.relu(x)
        j = 1
        while layers.has(f"{name}.{i}.{j}.weight"):
            total = layers.sum(total, _separable(layers, x, f"{name}.{i}.{j}"))
            x = layers.relu(total)
            j += 1
    return x


def _separable(layers: Layers, x: Any, name: str, *, stride: int = 1) -> Any:
    """A depthwise and a pointwise convolution."""
    x = layers.convolution(x, f"{name}.depthwise", stride=stride, padding="same")
    return layers.convolution(x, f"{name}.weight", bias=f"{name}.bias")
