"""Faces in a picture, their expressions and how far they are turned, by small networks that are no part of the tool.

Goes in: RGB pictures. Comes out: boxes; shares of seven expressions and the turn of each crop. The detector and the
facial points are those of face-api (V. Mandic, MIT). Expressions are the mean of two networks: that of
face_classification (O. Arriaga et al. 2017, MIT; trained on FER-2013) and that of face-api, whose logits are divided by
`SOFTENING`. ``soundtrack models pull faces`` fetches them. They always run on the CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.errors import ModelError
from soundtrack.types import ByteArray, FloatArray

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes, in the order of the network."""
CROP_PX = 112
"""Side of a grey crop, in pixels."""
SOFTENING = 5.0
"""Divisor of the logits of face-api, by likelihood on 840 faces that this network was not trained on (4.97)."""
_SMALL_PX = 64
_ORDER = (3, 5, 4, 1, 2, 6, 0)
_MEAN_FACE = (122.782, 117.001, 104.298)
_OUTER_EYES, _NOSE = (36, 45), 30
_NOSE_DEPTH = 0.85
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

        if not path.is_file():
            raise ModelError(
                "the networks of faces are not installed", hint="run `soundtrack models pull faces` (41 MB)"
            )
        try:
            return cls({name: tensor.float() for name, tensor in load_file(path).items()})
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"{path}: cannot read weights: {error}", hint="run `soundtrack models pull faces`, or use --no-faces"
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
            x = torch.from_numpy(crops)[:, None].float()
            x = torch.cat([x, x.flip(3)])
            small = F.interpolate(x, (_SMALL_PX, _SMALL_PX), mode="bilinear", antialias=True)
            shares = (self._expressions(small / 127.5 - 1.0).softmax(1) + self._other_expressions(x).softmax(1)) / 2
            return np.asarray((shares[: len(crops)] + shares[len(crops) :]).numpy() / 2, np.float32)

    def turns_deg(self, crops: ByteArray) -> FloatArray:
        """How far each face is turned from the camera, in degrees, at least 0, shape (n,): in the plane and sideways.

        Parameters
        ----------
        crops : ndarray, shape=(n, CROP_PX, CROP_PX), uint8
            Grey.
        """
        with torch.inference_mode():
            x = _centred(torch.from_numpy(crops)[:, None].float())
            points = self._product(F.avg_pool2d(self._dense(x, "points", n_blocks=3), 14, 2), "points").numpy()
        return np.array([turn_deg(row) for row in points.reshape(-1, 68, 2)], np.float32)

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
            x = F.relu(F.conv2d(x, t[f"expression.stem{i}.weight"], t[f"expression.stem{i}.bias"], stride=2 - i))
        for i in range(2):
            name = f"expression.block{i}"
            skipped = F.conv2d(x, t[f"{name}.skip.weight"], t[f"{name}.skip.bias"], stride=2)
            x = self._separable(F.relu(self._separable(F.relu(x), f"{name}.0")), f"{name}.1")
            x = _pooled(x, side=3, stride=2) + skipped
        return F.conv2d(x, t["expression.last.weight"], t["expression.last.bias"], padding=1).mean(dim=(2, 3))

    def _other_expressions(self, x: Tensor) -> Tensor:
        """Softened logits of face-api in the order of `EXPRESSIONS`, shape (n, 7)."""
        pooled = F.avg_pool2d(self._dense(_centred(x), "expression2", n_blocks=4), 7, 2)
        return self._product(pooled, "expression2")[:, list(_ORDER)] / SOFTENING

    def _dense(self, x: Tensor, name: str, *, n_blocks: int) -> Tensor:
        """Blocks of separable convolutions whose outputs add up; each halves the picture."""
        t = self._tensors
        for i in range(n_blocks):
            if i == 0:
                x = F.conv2d(_padded(x, side=3, stride=2), t[f"{name}.0.0.weight"], t[f"{name}.0.0.bias"], stride=2)
            else:
                x = self._separable(x, f"{name}.{i}.0", stride=2)
            x = total = F.relu(x)
            j = 1
            while f"{name}.{i}.{j}.weight" in t:
                total = total + self._separable(x, f"{name}.{i}.{j}")
                x = F.relu(total)
                j += 1
        return x

    def _product(self, pooled: Tensor, name: str) -> Tensor:
        """The last layer, shape (n, outputs)."""
        return F.linear(pooled.flatten(1), self._tensors[f"{name}.last.weight"], self._tensors[f"{name}.last.bias"])

    def _separable(self, x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """A depthwise and a pointwise convolution."""
        depthwise = self._tensors[f"{name}.depthwise"]
        x = F.conv2d(_padded(x, side=3, stride=stride), depthwise, stride=stride, groups=len(depthwise))
        return F.conv2d(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])


def turn_deg(points: npt.NDArray[np.floating[Any]]) -> float:
    """How far a face is turned, in degrees in [0, 90]: root of the squares of its tilt and of its turn to a side.

    The tilt is the slope of the line between the outer corners of the eyes. The turn to a side comes from the tip of
    the nose, which stands out from that line by about 0.85 of half its length and moves off its middle.

    Parameters
    ----------
    points : ndarray, shape=(68, 2)
        x and y of facial points, in the order of the 300-W annotation (C. Sagonas et al. 2013), y downwards.

    Examples
    --------
    >>> points = np.zeros((68, 2))
    >>> points[36], points[45], points[30] = (0.3, 0.4), (0.7, 0.4), (0.5, 0.6)
    >>> turn_deg(points)
    0.0
    """
    left, right = (np.asarray(points[i], np.float64) for i in _OUTER_EYES)
    along = right - left
    length = float(np.hypot(*along))
    if length < 1e-6:
        return 90.0
    tilt = math.atan2(abs(float(along[1])), float(along[0]))
    aside = float((np.asarray(points[_NOSE], np.float64) - (left + right) / 2) @ along) / length / (length / 2)
    return min(90.0, math.degrees(math.hypot(tilt, math.atan(aside / _NOSE_DEPTH))))


def _centred(x: Tensor) -> Tensor:
    """Grey crops as face-api takes pictures."""
    return (x.expand(-1, 3, -1, -1) - torch.tensor(_MEAN_FACE).view(1, 3, 1, 1)) / 255.0


def _pooled(x: Tensor, *, side: int, stride: int) -> Tensor:
    """Maximum pooling."""
    return F.max_pool2d(_padded(x, side=side, stride=stride, value=float("-inf")), side, stride)


def _padded(x: Tensor, *, side: int, stride: int, value: float = 0.0) -> Tensor:
    """Edges as TensorFlow adds them: fewer before than after."""
    pads = [max((-(-n // stride) - 1) * stride + side - n, 0) for n in x.shape[-2:]]
    (top, left) = (pad // 2 for pad in pads)
    return F.pad(x, (left, pads[1] - left, top, pads[0] - top), value=value)


def _logistic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0))))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(wide, 0.0) * max(high, 0.0)
    return both / max(a.area + b.area - both, 1e-9)
