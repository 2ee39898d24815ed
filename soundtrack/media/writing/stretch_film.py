"""A stretch of a film with another sound, re-encoded: H.264 and AAC, to be looked at.

Goes in: a film, a stretch in frames, and finished sound. Comes out: an MP4, MOV or MKV file of exactly these frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from soundtrack.media.process import file_arg, input_args, pcm_input_args, writing_pipe
from soundtrack.types import FloatArray, VideoInfo

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Suffixes that can be written, and what ffmpeg calls the format."""
DRAFT_HEIGHT_PX = 360
"""Most lines of a draft."""


def write_stretch(
    info: VideoInfo,
    part: Path,
    sound: Iterable[FloatArray],
    *,
    suffix: str,
    first_frame: int,
    n_frames: int,
    fps: Fraction,
    channels: int,
    sample_rate_hz: int,
    draft: bool,
) -> None:
    """Write a stretch of a film.

    Parameters
    ----------
    info : VideoInfo
        The film.
    part : Path
        The new file.
    sound : iterable of ndarray, shape=(channels, n), float32
        As long as the frames.
    suffix : str
        One of `FORMATS`.
    first_frame, n_frames : int
        Which frames, at `fps` from the film's first one.
    draft : bool
        Whether the picture has at most `DRAFT_HEIGHT_PX` lines and is encoded quickly.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    from_s = info.start_s + float((first_frame - Fraction(1, 4)) / fps)
    seek = ["-seek_timestamp", "1", "-ss", f"{from_s:.6f}"] if first_frame else []
    seek += ["-t", f"{float((n_frames + 2) / fps):.6f}"]  # -frames:v would end the sound of an older ffmpeg as well
    args = ["-y", *input_args(info.path, before=seek)]
    args += pcm_input_args(sample_rate_hz=sample_rate_hz, channels=channels)
    size = f"scale=-2:'min({DRAFT_HEIGHT_PX},trunc(ih/2)*2)'" if draft else "scale=trunc(iw/2)*2:trunc(ih/2)*2"
    shown = ["-map", "0:v:0", "-map", "1:a:0", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    shown += ["-vf", f"fps={fps}:start_time=0,trim=end_frame={n_frames},{size},format=yuv420p"]
    quality = ["-preset", "veryfast", "-crf", "28"] if draft else ["-preset", "medium", "-crf", "18"]
    coding = ["-c:v", "libx264", *quality, "-c:a", "aac", "-b:a", f"{128 * max(1, channels // 2)}k"]
    muxed = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-f", FORMATS[suffix]]
    with writing_pipe(
        [*args, *shown, *coding, *muxed, file_arg(part)], task=f"writing a stretch of {info.path}"
    ) as pipe:
        for block in sound:
            pipe.write(np.ascontiguousarray(block.T))
