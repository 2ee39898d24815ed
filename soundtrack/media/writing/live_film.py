"""Frames of a camera as a film, or in a window: both take them one by one, whenever they come.

Goes in: RGB frames with times. Comes out: an H.264 film of constant rate in which each frame stays until the next one,
or a window of ffplay, which is part of most installations of ffmpeg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from soundtrack.errors import DependencyError
from soundtrack.media.guard import file_arg
from soundtrack.media.process import writing_pipe
from soundtrack.media.writing.own_mark import mark, mark_args
from soundtrack.processes.children import start_fed, stop
from soundtrack.processes.surroundings import find_program
from soundtrack.types import ByteArray

FPS = Fraction(25)
"""Frames a second of the film."""
_MOST_MISSED_S = 10.0
_EXTENSION_MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
SUFFIXES = tuple(_EXTENSION_MUXERS)
"""Endings that such a film may have."""

Show = Callable[[float, ByteArray], None]
"""Takes a time in seconds and a frame."""


class WindowClosedError(Exception):
    """The user closed the window."""


@contextlib.contextmanager
def live_film(film: Path, *, size_px: tuple[int, int], suffix: str) -> Iterator[Show]:
    """A film that is written while its frames come; whole at the end of the block.

    Parameters
    ----------
    film : Path
        The new file.
    size_px : (int, int)
        Width and height of the frames; an odd side loses a line.
    suffix : str
        One of `SUFFIXES`, which gives the container.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    source = ["-protocol_whitelist", "pipe,fd", "-format_whitelist", "rawvideo", *_raw(size_px), "-i", "pipe:0"]
    colour = ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
    colour += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    muxer = _EXTENSION_MUXERS[suffix.lower()]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", *mark_args(muxer), "-f", muxer]
    with writing_pipe(["-y", *source, *colour, *coding, file_arg(film)], task=f"writing {film.name}") as pipe:
        n_written = 0

        def show(time_s: float, pixels: ByteArray) -> None:
            nonlocal n_written
            due = round(min(time_s, n_written / float(FPS) + _MOST_MISSED_S) * FPS) + 1
            for _ in range(due - n_written):
                pipe.write(pixels.tobytes())
            n_written = max(n_written, due)

        yield show
    mark(film, muxer)


@contextlib.contextmanager
def window(title: str, *, size_px: tuple[int, int]) -> Iterator[Show]:
    """A window in which frames appear as they come; closed at the end of the block.

    Raises
    ------
    DependencyError
        There is no ffplay.
    WindowClosedError
        While frames are shown: the user closed it.
    """
    player = find_program("ffplay")
    if player is None:
        raise DependencyError(
            "a window needs ffplay, which is not installed",
            hint="install ffmpeg with the system package manager, or write a film: -o film.mp4",
        )
    options = ["-hide_banner", "-v", "quiet", "-window_title", title, "-framedrop", "-fflags", "nobuffer"]
    options += ["-protocol_whitelist", "pipe,fd", "-format_whitelist", "rawvideo", *_raw(size_px), "-i", "pipe:0"]
    process = start_fed([str(player), *options])
    assert process.stdin is not None
    into = process.stdin
    try:

        def show(_time_s: float, pixels: ByteArray) -> None:
            view = memoryview(pixels.tobytes())
            try:
                while view:
                    view = view[into.write(view) or 0 :]
            except BrokenPipeError as error:
                raise WindowClosedError from error

        yield show
    finally:
        with contextlib.suppress(OSError):
            into.close()
        stop(process)


def _raw(size_px: tuple[int, int]) -> list[str]:
    """Options for frames without a container."""
    size = f"{size_px[0]}x{size_px[1]}"
    return ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", size, "-framerate", str(FPS)]
