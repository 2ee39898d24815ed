"""Frames of a decode, their scaling, and facts found while decoding."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from soundtrack.types import ByteArray, Still

_FIRST_WITH_THREADS = 17
"""Release of PyAV from which on scalers have threads of their own."""


@dataclass(slots=True)
class DecodeReport:
    """What the decode found out; filled while it runs, complete when the frames have ended."""

    n_frames: int = 0
    """Frames that were given."""
    n_damaged: int = 0
    """Packets that could not be decoded."""
    n_mended: int = 0
    """Pictures with damage that the decoder painted over."""
    duration_s: float = 0.0
    """End of the last frame on the film's clock: the true length of the picture."""
    warnings: list[str] = field(default_factory=list)
    """What was odd, one line each, without the file's name."""

    def warn(self, text: str) -> None:
        """Add a line once."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """One small frame."""

    time_s: float
    """When it is first shown, on the film's clock."""
    pixels: ByteArray
    """RGB, shape (side, side, 3)."""
    still: Still | None = None
    """The same picture larger, where one is due."""


@cache
def _in_one_thread() -> dict[str, int]:
    """Have a scaler use no threads of its own: for so small a picture they cost more than they save."""
    import av

    return {"threads": 1} if int(av.__version__.partition(".")[0]) >= _FIRST_WITH_THREADS else {}


def squashed(scaler: Any, frame: Any, side_px: int) -> ByteArray:
    """A decoded frame as a square of RGB, shape (side, side, 3), by area averaging, without the padding of its lines.

    Parameters
    ----------
    scaler : av.video.reformatter.VideoReformatter
        One for each size; it keeps what it needs for the next frame.
    frame : av.VideoFrame
    side_px : int > 0
        Side of the square, in pixels.
    """
    from av.video.reformatter import Interpolation

    plane = scaler.reformat(
        frame, side_px, side_px, "rgb24", interpolation=Interpolation.AREA, **_in_one_thread()
    ).planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(side_px, plane.line_size)
    return lines[:, : 3 * side_px].reshape(side_px, side_px, 3)  # a copy where lines are padded
