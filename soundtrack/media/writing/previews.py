"""Previews for a page: a still as JPEG, a span of sound as MP3.

Goes in: a film and a time, or samples. Comes out: bytes, the same for the same input and ffmpeg.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundtrack.audio.mono import mono_of
from soundtrack.media.process import input_args, pcm_input_args, run_ffmpeg
from soundtrack.types import FloatArray

_WALL_S = 60.0


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
