"""Faces in a picture, their expressions and how far they are turned, by small networks that are no part of the tool.

Goes in: RGB pictures. Comes out: boxes; shares of seven expressions and the turn of each crop. The detector and the
facial points are those of face-api (V. Mandic, MIT). Expressions are the mean of two networks: that of
face_classification (O. Arriaga et al. 2017, MIT; trained on FER-2013) and that of face-api, whose logits are divided by
`SOFTENING`. ``soundtrack models pull faces`` fetches them. They always run on the CPU, by OpenVINO where it is
installed, else by torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.errors import ModelError
from soundtrack.networks.face_layers import FaceRuns
from soundtrack.types import ByteArray, FloatArray

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes, in the order of the network."""
CROP_PX = 112
"""Side of a grey crop, in pixels."""
SOFTENING = 5.0
"""Divisor of the logits of face-api, by likelihood on 840 faces that this network was not trained on (4.97)."""
_SMALL_PX = 64
_ORDER = (3, 5, 4, 1, 2, 6, 0)
_MEAN_FACE = np.array((122.782, 117.001, 104.298), np.float32)
_OUTER_EYES, _NOSE = (36, 45), 30
_NOSE_DEPTH = 0.85
_ANCHORS = (
    (1.603231, 2.094468),
    (6.041143, 7.080126),
    (2.882459, 3.518061),
    (4.266906, 5.178857),
    (9.041765, 10.66308),
)
_MEAN_RGB = np.array((117.001, 114.697, 97.404), np.float32)
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
    runs : FaceRuns
        As `soundtrack.networks.runs.choice.face_runs` makes them.
    """

    def __init__(self, runs: FaceRuns) -> None:
        self._runs = runs

    @classmethod
    def load(cls, path: Path, make: Callable[[Mapping[str, FloatArray]], FaceRuns]) -> FaceNetwork:
        """The networks of a file.

        Parameters
        ----------
        path : Path
            Their weights.
        make : callable
            Makes them of their weights by name: `soundtrack.networks.runs.choice.face_runs`.

        Raises
        ------
        ModelError
            The file is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        if not path.is_file():
            raise ModelError(
                "the networks of faces are not installed", hint="run `soundtrack models pull faces` (41 MB)"
            )
        try:
            return cls(make({name: array.astype(np.float32) for name, array in load_file(path).items()}))
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
        (out,) = self._runs.grid(
            np.ascontiguousarray(((padded - _MEAN_RGB) / np.float32(255)).transpose(2, 0, 1)[None])
        )
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
        both = np.concatenate([crops, crops[:, :, ::-1]])
        small = resampled(both, _SMALL_PX, _SMALL_PX)[:, None]
        others = self._runs.other_expressions(_centred(both))[:, list(_ORDER)] / SOFTENING
        shares = (_softmax(self._runs.expressions(small / 127.5 - 1)) + _softmax(others)) / 2
        return np.asarray((shares[: len(crops)] + shares[len(crops) :]) / 2, np.float32)

    def turns_deg(self, crops: ByteArray) -> FloatArray:
        """How far each face is turned from the camera, in degrees, at least 0, shape (n,): in the plane and sideways.

        Parameters
        ----------
        crops : ndarray, shape=(n, CROP_PX, CROP_PX), uint8
            Grey.
        """
        points = self._runs.points(_centred(crops))
        return np.array([turn_deg(row) for row in points.reshape(-1, 68, 2)], np.float32)


def resampled(pictures: npt.NDArray[np.uint8 | np.float32], height: int, width: int) -> FloatArray:
    """Grey pictures of another size, float32, shape (..., height, width).

    Parameters
    ----------
    pictures : ndarray, shape=(..., rows, columns)
        As ``interpolate(mode="bilinear", antialias=True)`` of torch takes them.
    height, width : int > 0
        Of the result.

    Examples
    --------
    >>> resampled(np.array([[0, 100]], np.uint8), 1, 4).tolist()
    [[0.0, 25.0, 75.0, 100.0]]
    """
    rows, columns = pictures.shape[-2:]
    return np.asarray(_shares(rows, height) @ pictures @ _shares(columns, width).T, np.float32)


@lru_cache(maxsize=256)
def _shares(n_in: int, n_out: int) -> npt.NDArray[np.float64]:
    """Share of each pixel of a line in each pixel of the result, shape (n_out, n_in)."""
    step = n_in / n_out
    middles = (np.arange(n_out) + 0.5) * step
    far = np.abs(np.arange(n_in) + 0.5 - middles[:, None]) / max(step, 1.0)
    shares = np.maximum(1.0 - far, 0.0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


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


def _centred(crops: ByteArray) -> FloatArray:
    """Grey crops as face-api takes pictures, shape (n, 3, CROP_PX, CROP_PX)."""
    return np.asarray((crops[:, None] - _MEAN_FACE.reshape(3, 1, 1)) / np.float32(255), np.float32)


def _softmax(logits: FloatArray) -> FloatArray:
    """Shares that add up to 1, shape (n, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _logistic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0))))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(wide, 0.0) * max(high, 0.0)
    return both / max(a.area + b.area - both, 1e-9)
