"""Input options for ffmpeg and PyAV: absolute names after ``file:``, allow-lists of protocols and formats, limits.

Goes in: paths. Comes out: arguments for ffmpeg, or the same limits as options for PyAV. An untrusted media file
may name other files or addresses (playlists, scripts) or claim a picture of ten gigapixels; none of it gets past here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,flv,asf,gif,dv,"
    "mp3,flac,ogg,wav,w64,aac,aiff,wv,ape,tta,mpc,mpc8,dsf,caf,amr,ac3,eac3,dts,"
    "mxf,au,voc,mlp,truehd,iff,tak,oma,rm,shn,xwma,gsm,vqf"
)
"""Containers that may be opened; playlists and scripts that name other files are left out on purpose."""

MAX_PIXELS = 8192 * 8192
"""Largest picture that is decoded."""

MAX_STREAMS = 128
"""Most streams that a container may have."""


def file_arg(path: Path) -> str:
    """A file as ffmpeg's argument: absolute and behind ``file:``, so that no name can be an option or a protocol.

    Names that are not UTF-8 keep their bytes (as surrogates), which `subprocess` and PyAV turn back.

    Examples
    --------
    >>> file_arg(Path("/music/pipe:0.mp3"))
    'file:/music/pipe:0.mp3'
    """
    return "file:" + os.fsdecode(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def guard_options(*, formats: str = FORMATS, protocols: str = "file") -> dict[str, str]:
    """The limits that stand before every input, as PyAV and ffmpeg-python take them."""
    return {
        "protocol_whitelist": protocols,
        "format_whitelist": formats,
        "max_pixels": str(MAX_PIXELS),
        "max_streams": str(MAX_STREAMS),
    }


def input_args(path: Path, *, before: Sequence[str] = ()) -> list[str]:
    """Guards, further input options, ``-i`` and the file.

    Parameters
    ----------
    path : Path
        The input.
    before : sequence of str
        Options that belong to this input, such as ``["-ss", "1.5"]``.
    """
    guards = [part for name, value in guard_options().items() for part in (f"-{name}", value)]
    return [*guards, *before, "-i", file_arg(path)]


def pcm_input_args(*, sample_rate_hz: int, channels: int) -> list[str]:
    """Arguments for raw float32 samples that come through ffmpeg's standard input."""
    guards = ["-protocol_whitelist", "pipe,fd", "-format_whitelist", "f32le"]
    return [*guards, "-f", "f32le", "-ar", str(sample_rate_hz), "-ac", str(channels), "-i", "pipe:0"]
