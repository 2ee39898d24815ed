"""Previews for a page: a still as JPEG, a span of sound as MP3, a small copy of a film.

Goes in: a film and a time, or samples. Comes out: bytes or a file, the same for the same input and ffmpeg.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from soundtrack.audio.mono import mono_of
from soundtrack.media.process import file_arg, input_args, pcm_input_args, run_ffmpeg
from soundtrack.progress import Progress, no_progress
from soundtrack.types import FloatArray, VideoInfo

COPY_HEIGHT_PX = 540
"""Most lines of a small copy."""
_WALL_S = 60.0
_COPY_WALL_S = 6 * 3600.0
_BROWSER_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "theora"})
_BROWSER_CONTAINERS = frozenset({"mp4", "matroska", "ogg"})
_WRITTEN = re.compile(rb"out_time_us=(\d+)")


def still_jpeg(film: Path, *, time_s: float, width_px: int = 192) -> bytes:
    """One frame of a film, upright.

    Parameters
    ----------
    film : Path
    time_s : float >= 0
        When, from the film's start.
    width_px : int > 0
        Width of the picture; its height follows.

    Returns
    -------
    bytes
        A JPEG file; empty where the film has no frame there.

    Raises
    ------
    FfmpegError
        The film cannot be decoded there.
    """
    source = input_args(film, before=["-ss", f"{time_s:.3f}"])
    shown = ["-an", "-sn", "-dn", "-frames:v", "1", "-vf", f"scale={width_px}:-2:flags=area", "-pix_fmt", "yuvj420p"]
    args = [*source, *shown, "-c:v", "mjpeg", "-q:v", "6", "-flags:v", "+bitexact", "-f", "image2pipe", "pipe:1"]
    return run_ffmpeg(args, task=f"extracting a still of {film}", wall_s=_WALL_S).stdout


def sound_mp3(sound: FloatArray, *, sample_rate_hz: int, bitrate_kbps: int = 56) -> bytes:
    """A stretch of sound in the format that every browser plays.

    Parameters
    ----------
    sound : ndarray, shape=(channels, n), float32
        In [-1, 1]; becomes mono.
    sample_rate_hz : int > 0
    bitrate_kbps : int > 0

    Raises
    ------
    FfmpegError
        This ffmpeg cannot write MP3.
    """
    mono = np.ascontiguousarray(mono_of(sound))
    coding = ["-c:a", "libmp3lame", "-b:a", f"{bitrate_kbps}k", "-ar", "32000", "-flags:a", "+bitexact"]
    head = ["-fflags", "+bitexact", "-write_xing", "0", "-id3v2_version", "0", "-map_metadata", "-1"]
    args = [*pcm_input_args(sample_rate_hz=sample_rate_hz, channels=1), *coding, *head, "-f", "mp3", "pipe:1"]
    return run_ffmpeg(args, task="encoding a preview", input=mono.tobytes(), wall_s=_WALL_S).stdout


def some_browser_shows(info: VideoInfo) -> bool:
    """Whether there is a browser that shows the picture of a film, by its codec and container."""
    codec = next(stream.codec for stream in info.streams if stream.index == info.video_stream)
    return codec in _BROWSER_CODECS and bool(_BROWSER_CONTAINERS & set(info.container.split(",")))


def write_small_copy(info: VideoInfo, out: Path, *, progress: Progress = no_progress) -> None:
    """Write a small MP4 of a film that every browser plays, whose clock starts at the first shown frame.

    Parameters
    ----------
    info : VideoInfo
        The film.
    out : Path
        The new file.

    Raises
    ------
    FfmpegError
        The film cannot be decoded, or this ffmpeg has no H.264 encoder.
    """
    seek = ["-seek_timestamp", "1", "-ss", f"{info.start_s:.6f}"] if info.start_s else []
    shown = ["-map", f"0:{info.video_stream}", "-vf", f"scale=-2:'min({COPY_HEIGHT_PX},trunc(ih/2)*2)',format=yuv420p"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-movflags", "+faststart"]
    if info.main_audio is not None and info.main_audio.has_decoder:
        shown += ["-map", f"0:{info.main_audio.index}"]
        coding += ["-c:a", "aac", "-b:a", "160k", "-ac", "2"]
    args = ["-y", *input_args(info.path, before=seek), *shown, "-sn", "-dn", "-map_metadata", "-1"]
    total = max(1, round(info.duration_s))

    def tell(lines: bytes) -> None:
        for written in _WRITTEN.findall(lines):
            progress("making a small copy", min(total, int(written) // 1_000_000), total)

    run_ffmpeg(
        [*args, *coding, "-progress", "pipe:1", "-f", "mp4", file_arg(out)],
        task=f"making a small copy of {info.path}",
        wall_s=_COPY_WALL_S,
        on_output=tell,
    )
