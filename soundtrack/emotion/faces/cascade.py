"""Faces without downloaded networks: found by a cascade of local patterns, their expressions unread.

Goes in: the stills that come with the clips. Comes out: the channel ``faces-found``: how many faces a still shows and
the height of the largest, where there is one. The cascade (local binary patterns, after Liao et al. 2007 and Viola and
Jones 2001) comes with scikit-image, the extra ``faces``. The channel is made where the networks of faces are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.channels import digest
from soundtrack.checkpoints.face_networks import faces_path
from soundtrack.emotion.faces.channel import FacesChannel, unsquashed
from soundtrack.types import Channel, ChannelSetup, FloatArray, Medium, Still

if TYPE_CHECKING:
    from skimage.feature import Cascade

FOUND = "faces-found"
"""Name of the channel."""
NAMES = ("faces", "height")
"""Of its numbers: how many faces, and the height of the largest as a share of the picture's, in [0, 1]."""
_LEAST_SIDE_PX = 40
_SCALE, _STEP = 1.2, 1.25


def found_channel(setup: ChannelSetup) -> FacesChannel | None:
    """The channel ``faces-found``; None with the networks of faces, without stills, or without the extra."""
    if setup.stills is None or faces_path().is_file() or find_spec("skimage") is None:
        return None
    every_s = setup.stills.every_s
    sha256 = digest("cascade of local patterns", every_s, _LEAST_SIDE_PX, _SCALE, _STEP)
    channel = Channel(FOUND, "1", Medium.PICTURE, dim=len(NAMES), sha256=sha256, names=NAMES)
    return FacesChannel(every_s, channel=channel, read=read_found)


@cache
def _cascade() -> Cascade:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]


def found_places(still: Still) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each face, as parts of the picture."""
    picture = unsquashed(still)
    height, width = picture.shape[:2]
    found = _cascade().detect_multi_scale(
        img=picture,
        scale_factor=_SCALE,
        step_ratio=_STEP,
        min_size=(_LEAST_SIDE_PX, _LEAST_SIDE_PX),
        max_size=(min(height, width), min(height, width)),
    )
    return [
        (box["c"] / width, box["r"] / height, (box["c"] + box["width"]) / width, (box["r"] + box["height"]) / height)
        for box in found
    ]


def read_found(stills: Sequence[Still]) -> list[FloatArray | None]:
    """Numbers of `NAMES` for each still, shape (2,); None without a face."""
    rows: list[FloatArray | None] = []
    for still in stills:
        places = found_places(still)
        tallest = max((bottom - top for _, top, _, bottom in places), default=0.0)
        rows.append(np.array([len(places), tallest], np.float32) if places else None)
    return rows
