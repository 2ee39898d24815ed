"""Faces in a picture, and their expressions, by two small networks whose weights are no part of the tool.

Goes in: RGB pictures. Comes out: boxes, and shares of seven expressions for each crop. The detector is the tiny face
detector of face-api (MIT), the expressions are those of mini_XCEPTION (O. Arriaga et al. 2017, MIT; trained on
FER-2013), both converted to plain tensors with batch norm folded in by ``benchmarks/face_weights.py``. They always run
on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.errors import ModelError
from soundtrack.types import ByteArray, FloatArray

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes, in the order of the network."""
CROP_PX = 64
"""Side of a grey crop, in pixels."""
_ANCHORS = (
    (1.603231, 2.094468),
    (6.041143, 7.080126),
    (2.882459, 3.518061),
    (4.266906, 5.178857),
    (9.041765, 10.66308),
)
_MEAN_RGB = (117.001, 114.697, 97.404)
_STEP_PX = 32
_LEAST_SCORE, _MOST_OVERLAP = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Box:
    """A face in a picture, in pixels; it may reach past the edges."""

    left: float
    """Left edge."""
    top: float
    """Upper edge."""
    right: float
    """Right edge."""
    bottom: float
    """Lower edge."""
    score: float
    """How sure the detector is, in [0, 1]."""

    @property
    def area(self) -> float:
        """In square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


class FaceNetwork:
    """The loaded networks; make them with `FaceNetwork.load`.

    Parameters
    ----------
    tensors : dict of str to Tensor
        By name, float32.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = tensors

    @classmethod
    def load(cls, path: Path) -> FaceNetwork:
        """The networks of a file.

        Raises
        ------
        ModelError
            The file is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return cls({name: tensor.float() for name, tensor in load_file(path).items()})
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"{path}: cannot read weights: {error}", hint="convert the networks again, or use --no-faces"
            ) from error

    def detect(self, picture: ByteArray, *, least_score: float = _LEAST_SCORE) -> list[Box]:
        """Faces in a picture, the surest first, none overlapping much.

        Parameters
        ----------
        picture : ndarray, shape=(height, width, 3), uint8
            RGB, in its true proportions.
        least_score : float
            Below it, nothing counts as a face.
        """
        height, width = picture.shape[:2]
        rows, columns = (-(-side // _STEP_PX) * _STEP_PX for side in (height, width))
        padded = np.zeros((rows, columns, 3), np.uint8)
        padded[:height, :width] = picture
        with torch.inference_mode():
            x = torch.from_numpy(padded).permute(2, 0, 1)[None].float()
            out = self._grid((x - torch.tensor(_MEAN_RGB).view(1, 3, 1, 1)) / 255.0)[0].numpy()
        n_rows, n_columns = out.shape[1:]
        cells = np.asarray(out, np.float64).reshape(len(_ANCHORS), 5, n_rows, n_columns)
        high, wide = rows / n_rows, columns / n_columns
        anchors = np.array(_ANCHORS)[:, :, None, None]
        middle_x = (np.arange(n_columns)[None, None] + _logistic(cells[:, 0])) * wide
        middle_y = (np.arange(n_rows)[None, :, None] + _logistic(cells[:, 1])) * high
        half_x = np.exp(np.minimum(cells[:, 2], 5.0)) * anchors[:, 0] * wide / 2
        half_y = np.exp(np.minimum(cells[:, 3], 5.0)) * anchors[:, 1] * high / 2
        scores = _logistic(cells[:, 4])
        sides = np.stack([middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y, scores])
        found = sides[:, scores >= least_score].T
        kept: list[Box] = []
        for row in found[np.argsort(-found[:, 4])].tolist():
            box = Box(*row)
            if all(_overlap(box, other) <= _MOST_OVERLAP for other in kept):
                kept.append(box)
        return kept

    def expressions(self, crops: ByteArray) -> FloatArray:
        """Shares of `EXPRESSIONS`, rows adding up to 1, shape (n, 7): means over each crop and its mirror image.

        Parameters
        ----------
        crops : ndarray, shape=(n, CROP_PX, CROP_PX), uint8
            Grey.
        """
        with torch.inference_mode():
            x = torch.from_numpy(crops)[:, None].float() / 127.5 - 1.0
            shares = self._expressions(torch.cat([x, x.flip(3)])).softmax(1)
            return np.asarray((shares[: len(crops)] + shares[len(crops) :]).numpy() / 2, np.float32)

    def _grid(self, x: Tensor) -> Tensor:
        """Output of the detector, shape (n, 25, rows, columns)."""
        t = self._tensors
        x = F.leaky_relu(F.conv2d(x, t["detector.0.weight"], t["detector.0.bias"]), 0.1)
        x = _pooled(x, side=2, stride=2)
        for i in range(1, 6):
            x = F.leaky_relu(self._separable(x, f"detector.{i}"), 0.1)
            x = _pooled(x, side=2, stride=2 if i < 5 else 1)
        return F.conv2d(x, t["detector.6.weight"], t["detector.6.bias"])

    def _expressions(self, x: Tensor) -> Tensor:
        """Logits, shape (n, 7)."""
        t = self._tensors
        for i in range(2):
            x = F.relu(F.conv2d(x, t[f"expression.stem{i}.weight"], t[f"expression.stem{i}.bias"]))
        for i in range(4):
            name = f"expression.block{i}"
            skipped = F.conv2d(x, t[f"{name}.skip.weight"], t[f"{name}.skip.bias"], stride=2)
            x = self._separable(F.relu(self._separable(x, f"{name}.0")), f"{name}.1")
            x = _pooled(x, side=3, stride=2) + skipped
        return F.conv2d(x, t["expression.last.weight"], t["expression.last.bias"], padding=1).mean(dim=(2, 3))

    def _separable(self, x: Tensor, name: str) -> Tensor:
        """A depthwise and a pointwise convolution."""
        depthwise = self._tensors[f"{name}.depthwise"]
        x = F.conv2d(x, depthwise, padding=1, groups=len(depthwise))
        return F.conv2d(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])


def _pooled(x: Tensor, *, side: int, stride: int) -> Tensor:
    """Maximum pooling that pads as TensorFlow does: less before than after."""
    pads = [max((-(-n // stride) - 1) * stride + side - n, 0) for n in x.shape[-2:]]
    (top, left) = (pad // 2 for pad in pads)
    return F.max_pool2d(F.pad(x, (left, pads[1] - left, top, pads[0] - top), value=float("-inf")), side, stride)


def _logistic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0))))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(wide, 0.0) * max(high, 0.0)
    return both / max(a.area + b.area - both, 1e-9)
