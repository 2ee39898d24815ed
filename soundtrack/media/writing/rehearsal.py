"""Test by a short file whether a container can hold a stream, where no list knows.

Goes in: the film, one stream, a muxer. Comes out: yes or no. Half a second of the picture and of the stream is written
and read back: some muxers refuse at once (an unknown sound of a phone), others take everything and make something else
of it (private data in a transport stream). What is known here need not be found out after all the work.
"""

from __future__ import annotations

from pathlib import Path

from soundtrack.errors import FfmpegError, InputError
from soundtrack.files.safe_write import scratch_folder
from soundtrack.media.guard import file_arg, input_args
from soundtrack.media.opening import open_container
from soundtrack.media.process import run_ffmpeg
from soundtrack.media.sandbox import apart
from soundtrack.types import StreamInfo, VideoInfo

_SAMPLE_S = "0.5"


def can_hold(info: VideoInfo, stream: StreamInfo, muxer: str) -> bool:
    """Whether ffmpeg copies a stream into a kind of file, so that it is the same kind of stream there.

    Parameters
    ----------
    info : VideoInfo
        The film.
    stream : StreamInfo
        One of its streams, other than the picture.
    muxer : str
        ffmpeg's name of the container.
    """
    with scratch_folder() as folder:
        sample = folder / "sample"
        args = ["-y", *input_args(info.path, before=["-t", _SAMPLE_S])]
        for index in (info.video_stream, stream.index):
            args += ["-map", f"0:{index}"]
        args += ["-c", "copy", "-strict", "experimental", "-f", muxer, file_arg(sample)]
        try:
            run_ffmpeg(args, task=f"reading {info.path}")
            codecs = apart(sample, _codecs, sample)
        except (FfmpegError, InputError):
            return False
    return len(codecs) < 2 or codecs[1] == apart(info.path, _codecs, info.path)[stream.index]


def _codecs(path: Path) -> list[str]:
    """What each stream of a file is."""
    with open_container(path) as film:
        names = [getattr(s.codec_context, "codec", None) or s for s in film.streams]
        return [str(getattr(name, "canonical_name", None) or getattr(name, "name", None)) for name in names]
