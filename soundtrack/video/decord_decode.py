"""Optional decoding with decord, limited to containers where it is exact.

Goes in: a `VideoInfo`. Comes out: small frames with their times. decord counts frames and knows nothing of edit lists
or damaged files; it was seen to give wrong frames silently in transport streams and avi. So it is refused unless
container and codec are among those where it was right, no packet is hidden, and it counts as many frames as there are
packets. The times are taken from the packets.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np

from soundtrack.errors import DependencyError, UsageError
from soundtrack.media.opening import open_container
from soundtrack.media.sandbox import apart
from soundtrack.timebase import round_s
from soundtrack.types import VideoInfo
from soundtrack.video.frames import DecodeReport, TimedFrame

_CONTAINERS = {"mov", "matroska"}
_CODECS = {"h264", "vp8", "vp9"}
_HINT = "leave out --decoder, or use `--decoder auto`"


def decord_frames(info: VideoInfo, *, side_px: int, report: DecodeReport) -> Iterator[TimedFrame]:
    """Frames by decord in order.

    Raises
    ------
    DependencyError
        decord is not installed; there are packages for Linux and Windows on x86-64 only.
    UsageError
        decord would give wrong frames for this film.
    """
    codec = info.streams[info.video_stream].codec
    if info.container.split(",")[0] not in _CONTAINERS or codec not in _CODECS:
        raise UsageError(f"{info.path}: decord returns wrong frames for {codec} in {info.container}", hint=_HINT)
    if info.rotation_deg:
        raise UsageError(f"{info.path}: decord cannot be used for a film with rotation", hint=_HINT)
    decord = _decord()
    times_s = apart(info.path, _shown_times_s, info)
    try:
        reader = decord.VideoReader(str(info.path.absolute()), ctx=decord.cpu(0), width=side_px, height=side_px)
    except (decord.DECORDError, RuntimeError, UnicodeEncodeError) as error:
        raise UsageError(f"{info.path}: decord cannot open it", hint=_HINT) from error
    if len(reader) != len(times_s):
        raise UsageError(f"{info.path}: decord counts {len(reader)} frames, expected {len(times_s)}", hint=_HINT)
    for time_s in times_s:
        try:
            pixels = reader.next().asnumpy()
        except (decord.DECORDError, RuntimeError, StopIteration) as error:
            raise UsageError(f"{info.path}: decord fails at {time_s:.2f} s", hint=_HINT) from error
        report.n_frames += 1
        report.duration_s = round_s(float(time_s) + float(1 / info.fps))
        yield TimedFrame(round_s(float(time_s)), np.asarray(pixels, np.uint8))


def _decord() -> Any:
    """The package, with the symbols of its library kept to itself.

    It asks for them to be shared with every library that is loaded later; python-stretch finds names of its own among
    them and crashes. decord does not need them shared.
    """
    shared = ctypes.RTLD_GLOBAL
    ctypes.RTLD_GLOBAL = ctypes.RTLD_LOCAL  # type: ignore[misc]  # what decord reads while it loads its library
    try:
        import decord
    except ImportError as error:
        raise DependencyError(
            "decord is not installed", hint="run `pip install decord`, or use `--decoder auto`"
        ) from error
    finally:
        ctypes.RTLD_GLOBAL = shared  # type: ignore[misc]  # as above
    return decord


def _shown_times_s(info: VideoInfo) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Times of all frames on the film's clock, from the packets; a film that hides some is refused."""
    stamps = []
    with open_container(info.path) as container:
        for packet in container.demux(container.streams[info.video_stream]):
            if not packet.size:
                continue
            if packet.is_discard or packet.pts is None:
                raise UsageError(f"{info.path}: decord would return hidden frames of the film", hint=_HINT)
            stamps.append(float(packet.pts * packet.time_base))
    times_s = np.sort(np.array(stamps, np.float64)) - info.start_s
    return np.maximum(times_s, 0.0)
