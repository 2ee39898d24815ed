"""Frames of a camera, or of a film that poses as one, one after the other with their times.

Goes in: the number of a camera, or a probed film. Comes out: RGB frames. A camera is read by OpenCV on its own clock; a
film is decoded by ffmpeg in a process apart, like any film, at `FILM_RATE_HZ` and as fast as its frames are taken.
Nothing is kept.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.media.guard import input_args
from soundtrack.media.process import reading_pipe
from soundtrack.types import ByteArray, VideoInfo

FILM_RATE_HZ = Fraction(25)
"""Frames a second that are taken from a film."""
LONGEST_SIDE_PX = 960
"""A film is scaled down to this, in pixels; a camera's pictures stay as they are."""
_DARK_FRAMES = 10


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One picture."""

    time_s: float
    """Seconds since the first one."""
    pixels: ByteArray = field(repr=False, compare=False)
    """RGB, shape (height, width, 3)."""


@dataclass(slots=True)
class Camera:
    """What a camera gives; an iterator over its frames."""

    frames: Iterator[CameraFrame]
    """The pictures, until there are no more."""
    is_live: bool
    """Whether pictures that are not taken in time are lost."""
    failure: InputError | None = None
    """Why the pictures ended, if they should not have."""


@contextlib.contextmanager
def open_device(number: int | str) -> Iterator[Camera]:
    """A camera of this machine, closed at the end of the block.

    Parameters
    ----------
    number : int or str
        The first camera is 0; or what OpenCV calls it.

    Raises
    ------
    InputError
        There is no such camera, or it gives no picture.
    """
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a missing camera is reported in our words
    capture = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise InputError(
                f"camera {number}: cannot be opened",
                hint="connect a camera, close programs that use it, or use a film instead: --camera FILE",
                reason=Reason.MISSING,
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        is_read, first = capture.read()
        if not is_read:
            raise InputError(
                f"camera {number}: gives no picture",
                hint="close programs that use the camera, or use another one: --camera 1",
                reason=Reason.EMPTY,
            )
        camera = Camera(iter(()), is_live=True)
        camera.frames = _device_frames(capture, first, camera, number)
        yield camera
    finally:
        capture.release()


def _device_frames(capture: Any, first: ByteArray, camera: Camera, number: int | str) -> Iterator[CameraFrame]:
    """Pictures as they come; the reason why they end is left with the camera."""
    start_s = time.monotonic()
    frame: ByteArray | None = first
    while frame is not None:
        yield CameraFrame(time.monotonic() - start_s, np.ascontiguousarray(_as_colour(frame)[:, :, ::-1]))
        is_read, frame = capture.read()
        if not is_read:
            frame = None
    camera.failure = InputError(
        f"camera {number}: no more pictures after {time.monotonic() - start_s:.1f} s",
        hint="check that the camera is still connected, and start again",
        reason=Reason.CORRUPT,
    )


def _as_colour(frame: ByteArray) -> ByteArray:
    """A picture with three channels, blue first."""
    return frame if frame.ndim == 3 else np.repeat(frame[:, :, None], 3, axis=2)


@contextlib.contextmanager
def open_film(info: VideoInfo) -> Iterator[Camera]:
    """A film in place of a camera.

    Parameters
    ----------
    info : VideoInfo
        As `soundtrack.media.reading.probe.probe` gave it.

    Raises
    ------
    FfmpegError
        While frames are taken: it cannot be decoded.
    """
    share = min(1.0, LONGEST_SIDE_PX / max(info.width_px, info.height_px))
    width, height = (max(2, round(side * share / 2) * 2) for side in (info.width_px, info.height_px))
    args = [*input_args(info.path), "-map", f"0:{info.video_stream}", "-an", "-sn", "-dn"]
    args += ["-vf", f"fps={FILM_RATE_HZ},scale={width}:{height},format=rgb24", "-f", "rawvideo", "pipe:1"]
    with reading_pipe(args, task=f"reading {info.path}") as pipe:

        def frames() -> Iterator[CameraFrame]:
            n_bytes, place = width * height * 3, 0
            while len(data := pipe.read(n_bytes)) == n_bytes:
                pixels = np.frombuffer(data, np.uint8).reshape(height, width, 3)
                yield CameraFrame(place / float(FILM_RATE_HZ), pixels)
                place += 1

        yield Camera(frames(), is_live=False)


def one_picture(camera: Camera) -> ByteArray:
    """One picture, taken once a camera has got used to the light, RGB.

    Raises
    ------
    InputError
        There is none.
    """
    taken = list(islice(camera.frames, _DARK_FRAMES + 1))
    if not taken:
        raise InputError(
            "no picture to read", hint="use a film with at least one picture, or a camera", reason=Reason.EMPTY
        )
    return taken[-1].pixels


def squashed(pixels: ByteArray, side_px: int) -> ByteArray:
    """The whole picture as a square, by area averaging, shape (side, side, 3)."""
    import cv2

    return np.asarray(cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA))
