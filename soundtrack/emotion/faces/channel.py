"""Channel of faces: shares of seven expressions in each still that shows a face.

Goes in: the stills that come with the clips. Comes out: one row for each still with a face, means over its faces by
size, sharpness, turn and the detector's certainty, with their clarity as the last number; nothing where no face is.
Crops, points and boxes are let go at once: only shares are kept. The included head has no block for the channel, so it
does not change the reading of a scene.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from soundtrack.channels import digest
from soundtrack.checkpoints.face_networks import faces_path
from soundtrack.emotion.faces.stretching import stretched
from soundtrack.emotion.seen.stills import spans_of
from soundtrack.networks.faces import CROP_PX, Box, FaceNetwork, resampled
from soundtrack.networks.runs.choice import face_runs
from soundtrack.types import ByteArray, Channel, ChannelSetup, Clip, Evidence, FloatArray, Medium, Still

FACES = "faces"
"""Name of the channel."""
VERSION = "3"
"""Of the channel; changes whenever the numbers of the same film would differ."""
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "clarity")
"""Of its numbers: shares that add up to 1, and how much the faces count, in [0, 1]."""
PLANE = {
    "angry": (-0.5, 0.6),
    "disgust": (-0.6, 0.2),
    "fear": (-0.6, 0.6),
    "happy": (0.8, 0.3),
    "sad": (-0.6, -0.4),
    "surprise": (0.1, 0.7),
    "neutral": (0.0, -0.1),
}
"""Valence and arousal of each expression, in [-1, 1]; signs after J. Russell 1980, values by judgement."""
_Read = Callable[[Sequence[Still]], list[FloatArray | None]]
_LEAST_SIDE_PX = 24
_FULL_SIDE_PX = 64.0
_FULL_SHARPNESS = 100.0
_SHARP_PX = 64
_FULL_TURN_DEG, _MOST_TURN_DEG = 15.0, 60.0
_MOST_FACES = 8
_WIDEST = 4.0


def faces_channel(setup: ChannelSetup) -> FacesChannel | None:
    """The channel ``faces``; None where no stills are taken or the weights are not at hand."""
    if setup.stills is None or not faces_path().is_file():
        return None
    return FacesChannel(setup.stills.every_s)


class FacesChannel:
    """Looks for faces in the stills of one film.

    Parameters
    ----------
    every_s : float > 0
        From one still to the next, in seconds.
    channel, read : Channel and callable, optional
        What is read of the faces of some stills instead of expressions, a row or None for each.
    """

    def __init__(self, every_s: float, *, channel: Channel | None = None, read: _Read | None = None) -> None:
        sha256 = digest("tiny face detector, points, two expressions", every_s, _LEAST_SIDE_PX)
        expressions = Channel(FACES, VERSION, Medium.PICTURE, dim=len(NAMES), sha256=sha256, names=NAMES)
        self.channel = channel or expressions
        self._read = read or read_stills
        self._every_s = every_s
        self._times_s: list[float] = []
        self._rows: list[FloatArray | None] = []
        self._end_s = 0.0

    def push(self, clips: Sequence[Clip]) -> None:
        """Look at the stills of the next clips, each once."""
        last_s = self._times_s[-1] if self._times_s else -1.0
        fresh = {still.time_s: still for clip in clips for still in clip.stills if still.time_s > last_s}
        self._end_s = max(self._end_s, *(clip.span.end_s for clip in clips), 0.0)
        self._times_s += fresh
        self._rows += self._read(list(fresh.values()))

    def finish(self) -> Evidence:
        """A row for each still with a face, for the stretch that the still represents."""
        spans = spans_of(self._times_s, every_s=self._every_s, end_s=self._end_s)
        pairs = [(span, row) for span, row in zip(spans, self._rows, strict=True) if row is not None]
        rows = np.stack([row for _, row in pairs]) if pairs else np.zeros((0, self.channel.dim), np.float32)
        return Evidence(self.channel, tuple(span for span, _ in pairs), rows)


@cache
def _network() -> FaceNetwork:
    """The networks, once for all films."""
    return FaceNetwork.load(faces_path(), face_runs)


def read_stills(stills: Sequence[Still]) -> list[FloatArray | None]:
    """Numbers of `NAMES` for each still, shape (8,); None where no face is large enough."""
    crops: list[ByteArray] = []
    weights: list[float] = []
    owners: list[int] = []
    for i, still in enumerate(stills):
        picture = unsquashed(still)
        for box in _network().detect(picture)[:_MOST_FACES]:
            side = min(box.right - box.left, box.bottom - box.top)
            if side < _LEAST_SIDE_PX:
                continue
            crop = _crop(picture, box)
            crops.append(crop)
            weights.append(box.score * min(1.0, side / _FULL_SIDE_PX) * min(1.0, _sharpness(crop) / _FULL_SHARPNESS))
            owners.append(i)
    rows: list[FloatArray | None] = [None] * len(stills)
    if not crops:
        return rows
    shares = _network().expressions(np.stack(crops))
    clarity = np.array(weights) * facing(_network().turns_deg(np.stack(crops)))
    for i in sorted(set(owners)):
        weight = np.where(np.array(owners) == i, clarity, 0.0)
        if weight.sum() > 0:
            rows[i] = np.append(weight @ shares / weight.sum(), weight.max()).astype(np.float32)
    return rows


def facing(turns_deg: FloatArray) -> FloatArray:
    """Factor of the clarity of turned faces, in [0, 1]: 1 up to 15 degrees, 0 from 60 degrees on, linear between.

    Faces turned in the plane of the picture by 15, 30 and 45 degrees are read right about as much less often.

    Parameters
    ----------
    turns_deg : ndarray, shape=(n,), float32
        At least 0, in degrees.

    Examples
    --------
    >>> facing(np.array([0.0, 15.0, 37.5, 60.0, 90.0], np.float32)).tolist()
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    share = (_MOST_TURN_DEG - turns_deg) / (_MOST_TURN_DEG - _FULL_TURN_DEG)
    return np.asarray(np.clip(share, 0.0, 1.0), np.float32)


def face_places(still: Still) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each face that counts, as parts of the picture; none without the networks."""
    if not faces_path().is_file():
        return []
    picture = unsquashed(still)
    height, width = picture.shape[:2]
    found = _network().detect(picture)[:_MOST_FACES]
    return [
        (box.left / width, box.top / height, box.right / width, box.bottom / height)
        for box in found
        if min(box.right - box.left, box.bottom - box.top) >= _LEAST_SIDE_PX
    ]


def unsquashed(still: Still) -> ByteArray:
    """A still in its true proportions: its longer side becomes longer, so that nothing is lost."""
    aspect = float(np.clip(still.aspect, 1 / _WIDEST, _WIDEST))
    side = len(still.pixels)
    n, axis = (round(side * aspect), 1) if aspect >= 1 else (round(side / aspect), 0)
    return stretched(still.pixels, n, axis=axis)


def _resized(picture: ByteArray, side: int) -> ByteArray:
    """Linear interpolation of a grey picture, shape (side, side)."""
    return np.asarray(np.rint(resampled(picture, side, side)).clip(0, 255), np.uint8)


def _crop(picture: ByteArray, box: Box) -> ByteArray:
    """A face, grey, as the expressions want it; what lies outside of the picture repeats its edge."""
    half = max(box.right - box.left, box.bottom - box.top) / 2
    middle_x, middle_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    ys = np.clip(np.arange(round(middle_y - half), round(middle_y + half)), 0, len(picture) - 1)
    xs = np.clip(np.arange(round(middle_x - half), round(middle_x + half)), 0, picture.shape[1] - 1)
    grey = picture[np.ix_(ys, xs)] @ np.array([0.299, 0.587, 0.114])
    return _resized(np.asarray(grey.round(), np.uint8), CROP_PX)


def _sharpness(crop: ByteArray) -> float:
    """Variance of the Laplacian, at 64 px."""
    x = _resized(crop, _SHARP_PX).astype(np.float64)
    return float((4 * x[1:-1, 1:-1] - x[:-2, 1:-1] - x[2:, 1:-1] - x[1:-1, :-2] - x[1:-1, 2:]).var())
