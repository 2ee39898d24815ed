"""Start time of the new sound, equal to that of the picture in every container and ffmpeg version.

Goes in: the film and the `MuxPlan`. Comes out: options in front of the film, and filters for the sound. Versions of
ffmpeg move the film's clock by rules of their own, and version 9 passes over an offset of raw samples (``-itsoffset``).
So ffmpeg is asked where the picture will start, and the sound gets its time stamps from a filter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from soundtrack.files.safe_write import scratch_folder
from soundtrack.media.opening import open_container
from soundtrack.media.process import file_arg, input_args, run_ffmpeg
from soundtrack.media.reading.probe import probe
from soundtrack.media.sandbox import apart
from soundtrack.media.writing.formats import Fate, MuxPlan
from soundtrack.media.writing.muxers import Container
from soundtrack.types import StreamKind, VideoInfo

_CLOCKED = frozenset({StreamKind.VIDEO, StreamKind.AUDIO, StreamKind.SUBTITLE})
_DITHER = "aresample=osf=s16:dither_method=triangular"
_NO_STAMP = -(2**63)


@dataclass(frozen=True, slots=True)
class PictureStart:
    """Where the output begins."""

    shown_s: float
    """When its first frame is shown, in seconds of its own clock."""
    shift: tuple[str, ...] = ()
    """Options in front of the film that make it so."""


def picture_start(info: VideoInfo, plan: MuxPlan, part: Path) -> PictureStart:
    """When this ffmpeg will show the first frame, on the clock of its output.

    It moves the film's clock, by rules that differ between versions, containers and the choice of streams. So it is
    asked: the first packet of the picture is put through the same input and choice, and its time compared. A container
    without time stamps begins with that packet, whenever it is decoded, and the beginning is written for a trial.
    """
    shown_s, decoded_s = apart(info.path, _first_packet_s, info.path, info.video_stream)
    kept = [f.source for f in plan.fates if f.fate in (Fate.COPIED, Fate.CONVERTED) and f.kind in _CLOCKED]
    maps = [part for source in sorted(kept, key=lambda i: i != info.video_stream) for part in ("-map", f"0:{source}")]
    args = [*input_args(info.path, before=options_before(info, plan.container)), *maps, "-c", "copy", "-frames:v", "1"]
    done = run_ffmpeg([*args, "-t", "2", "-f", "framecrc", "-"], task=f"reading {info.path}", ffmpeg=plan.ffmpeg)
    found = done.stdout.decode("ascii", "replace")
    tick = re.search(r"^#tb 0: (\d+)/(\d+)", found, re.MULTILINE)
    first = re.search(r"^0, +(-?\d+), +(-?\d+),", found, re.MULTILINE)
    if tick is None or first is None:
        return PictureStart(0.0)
    tick_s = int(tick[1]) / int(tick[2])
    has_shown = shown_s is not None and int(first[2]) != _NO_STAMP  # avi with B-frames has none at this point
    before_s, after = (shown_s, int(first[2])) if has_shown else (decoded_s, int(first[1]))
    if before_s is None or after == _NO_STAMP:
        return PictureStart(0.0)
    if plan.container.has_stamps:
        return PictureStart(info.start_s + after * tick_s - before_s)
    late_s = 0.0 if int(first[1]) == _NO_STAMP else int(first[1]) * tick_s
    return PictureStart(_start_without_stamps(info, plan, part), ("-itsoffset", f"{-late_s:.6f}"))


def _start_without_stamps(info: VideoInfo, plan: MuxPlan, part: Path) -> float:
    """When readers of such a file will show its first frame: that follows from the order of the pictures alone."""
    args = ["-y", *input_args(info.path, before=options_before(info, plan.container)), "-map", f"0:{info.video_stream}"]
    args += ["-c", "copy", "-t", "2", "-f", plan.container.muxer]
    with scratch_folder(part) as folder:
        sample = folder / "start"
        run_ffmpeg([*args, file_arg(sample)], task=f"reading {info.path}", ffmpeg=plan.ffmpeg)
        return probe(sample).start_s


def _first_packet_s(path: Path, stream: int) -> tuple[float | None, float | None]:
    """When a stream's first packet is shown and when it is decoded, in seconds; None where the file does not say."""
    with open_container(path) as film:
        packet = next((p for p in film.demux(film.streams[stream]) if p.size), None)
        if packet is None:
            return None, None
        shown_s, decoded_s = (None if s is None else float(s * packet.time_base) for s in (packet.pts, packet.dts))
        return shown_s, decoded_s


def options_before(info: VideoInfo, container: Container) -> list[str]:
    """Options in front of the film: raw streams have no clock and get one, programme streams leave some stamps out.

    AVI with B-frames says when a picture is decoded and not when it is shown, which other containers want to know.
    """
    if info.container in ("h264", "hevc", "mpegvideo"):
        return ["-fflags", "+genpts", "-r", f"{info.fps.numerator}/{info.fps.denominator}"]
    if info.container == "mpeg" or (info.container == "avi" and container.has_stamps):
        return ["-fflags", "+genpts"]
    return []


def placed(start_s: float, container: Container) -> str:
    """Filters that put the sound where the picture starts, equal in every ffmpeg.

    An offset of the input (``-itsoffset``) does not reach raw samples in ffmpeg 9. A container without time stamps gets
    silence in front instead, or loses what lies before its start.
    """
    filters = [f"asetpts=PTS{start_s:+.6f}/TB"]
    if not container.has_stamps:
        filters.append("aresample=async=1:first_pts=0")
    if container.is_lossless:
        filters.append(_DITHER)
    return ",".join(filters)
