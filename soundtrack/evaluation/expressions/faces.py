"""Accuracy of the expressions of faces on labelled pictures, and how it falls with size, turn and blur.

Goes in: a table with the columns file and emotion, one picture of a face in each row. Comes out: `FaceReport`. The same
pictures are read again made smaller, turned in the plane of the picture, and blurred. Faces turned away from the camera
would need pictures of their own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundtrack.checkpoints.face_networks import faces_path
from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.media.reading.photo import read_head, read_photo
from soundtrack.networks.faces import CROP_PX, EXPRESSIONS, FaceNetwork
from soundtrack.networks.runs.choice import face_runs
from soundtrack.progress import Progress, no_progress
from soundtrack.types import ByteArray, FloatArray

SIZES_PX = (32, 24, 16)
TURNS_DEG = (15, 30, 45)
BLURS_PX = (1.0, 2.0)
_MOST_BYTES = 1 << 24
_MOST_PX = 256
_BLURRED_PX = 64
"""Side of a face in whose pixels blur is given."""


@dataclass(frozen=True, slots=True)
class FaceReport:
    """How often the strongest expression is the labelled one."""

    n_faces: int
    """Pictures that were read."""
    accuracy: float
    """Share that is right, in [0, 1]."""
    by_class: Mapping[str, tuple[float, int]]
    """Share that is right and number of pictures, for each expression."""
    changed: Mapping[str, float]
    """Accuracy of the same pictures made smaller, turned or blurred."""

    @property
    def macro(self) -> float:
        """Mean over the classes."""
        return float(np.mean([share for share, _ in self.by_class.values()]))

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "n_faces": self.n_faces,
            "accuracy": round(self.accuracy, 4),
            "macro_accuracy": round(self.macro, 4),
            "by_class": {name: round(share, 4) for name, (share, _) in self.by_class.items()},
            "changed": {name: round(share, 4) for name, share in self.changed.items()},
        }

    def lines(self) -> list[str]:
        """For people."""
        error = (self.accuracy * (1 - self.accuracy) / self.n_faces) ** 0.5
        lines = [
            f"accuracy {self.accuracy:.3f} +- {error:.3f} of {self.n_faces} faces, mean of classes {self.macro:.3f}"
        ]
        lines += [f"  {name:<10}{share:.2f} of {n}" for name, (share, n) in self.by_class.items()]
        return lines + [f"{name:<12}{share:.3f}" for name, share in self.changed.items()]


def evaluate_faces(table: Path, *, progress: Progress = no_progress) -> FaceReport:
    """Read each picture of a table as a face.

    Parameters
    ----------
    table : Path
        CSV with the columns file (relative to the table) and emotion (one of the seven expressions).
    progress : callable

    Raises
    ------
    InputError
        The table or a picture cannot be read, or an emotion is unknown.
    ModelError
        The networks of faces are not installed.
    """
    rows = _rows(table)
    network = FaceNetwork.load(faces_path(), face_runs)
    crops = np.empty((len(rows), CROP_PX, CROP_PX), np.uint8)
    for done, (path, _) in enumerate(rows):
        progress("reading faces", done, len(rows))
        crops[done] = _crop(path)
    truth = np.array([EXPRESSIONS.index(name) for _, name in rows])
    right = network.expressions(crops).argmax(axis=1) == truth
    by_class = {
        name: (float(right[truth == i].mean()), int((truth == i).sum()))
        for i, name in enumerate(EXPRESSIONS)
        if (truth == i).any()
    }
    changed = {}
    for name, change in _changes().items():
        progress(f"changed faces: {name}", 0, 0)
        other = np.stack([change(crop) for crop in crops])
        changed[name] = float((network.expressions(other).argmax(axis=1) == truth).mean())
    return FaceReport(len(rows), float(right.mean()), by_class, changed)


def _crop(path: Path) -> ByteArray:
    """A picture as the network takes it: grey, square, by linear interpolation."""
    from scipy import ndimage

    head = read_head(path)
    share = min(1.0, _MOST_PX / max(head.width_px, head.height_px, 1))
    size = (max(1, round(head.width_px * share)), max(1, round(head.height_px * share)))
    framed = read_photo(path, sides_px=(), frame_px=size if head.width_px else (_MOST_PX, _MOST_PX)).framed
    assert framed is not None
    grey = np.round(framed @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
    zoom = (CROP_PX / grey.shape[0], CROP_PX / grey.shape[1])
    whole = ndimage.zoom(grey, zoom, order=1, mode="nearest", grid_mode=True)
    return np.asarray(np.clip(np.round(whole), 0, 255), np.uint8)


def _rows(table: Path) -> list[tuple[Path, str]]:
    """Pictures with their labels."""
    hint = f"use a CSV with the columns file and emotion: {', '.join(EXPRESSIONS)}"
    text = safe_read.read_text(table, most_bytes=_MOST_BYTES)
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        file, emotion = (row.get("file") or "").strip(), (row.get("emotion") or "").strip().lower()
        if not file or emotion not in EXPRESSIONS:
            wrong = "no file" if not file else f"unknown emotion {emotion[:30]!r}"
            raise InputError(f"{table}: row {number}: {wrong}", hint=hint, reason=Reason.BAD_FORMAT)
        found.append((table.parent / file, emotion))
    if not found:
        raise InputError(f"{table}: no rows", hint=hint, reason=Reason.EMPTY)
    return found


def _changes() -> dict[str, Callable[[ByteArray], ByteArray]]:
    """The same face made smaller, turned and blurred."""
    from scipy import ndimage

    def as_bytes(crop: FloatArray) -> ByteArray:
        return np.asarray(np.clip(np.round(crop), 0, 255), np.uint8)

    def smaller(side: int) -> Callable[[ByteArray], ByteArray]:
        def change(crop: ByteArray) -> ByteArray:
            blurred = ndimage.gaussian_filter(crop.astype(np.float32), 0.4 * CROP_PX / side)
            small = ndimage.zoom(blurred, side / CROP_PX, order=1, mode="nearest", grid_mode=True)
            return as_bytes(ndimage.zoom(small, CROP_PX / side, order=1, mode="nearest", grid_mode=True))

        return change

    def turned(degrees: int) -> Callable[[ByteArray], ByteArray]:
        return lambda crop: as_bytes(
            ndimage.rotate(crop.astype(np.float32), degrees, reshape=False, order=1, mode="nearest")
        )

    def blurred(sigma: float) -> Callable[[ByteArray], ByteArray]:
        return lambda crop: as_bytes(ndimage.gaussian_filter(crop.astype(np.float32), sigma * CROP_PX / _BLURRED_PX))

    return {
        **{f"{side} px": smaller(side) for side in SIZES_PX},
        **{f"turned {degrees}°": turned(degrees) for degrees in TURNS_DEG},
        **{f"blur {sigma:g} px": blurred(sigma) for sigma in BLURS_PX},
    }
