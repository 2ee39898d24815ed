"""Streams that each container can hold.

Sound codecs: AAC where players expect it (mp4, mov, ts), Opus in webm, FLAC in Matroska, because Matroska can't say
how many samples an AAC encoder puts in front, and because it is chosen for lossless storage; plain samples in avi
for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import UsageError


@dataclass(frozen=True, slots=True)
class Container:
    """What a kind of file can hold; None means anything."""

    muxer: str
    """ffmpeg's name for writing it."""
    video: frozenset[str] | None
    """Picture codecs."""
    audio: frozenset[str] | None
    """Sound codecs."""
    subtitles: frozenset[str]
    """Subtitle codecs."""
    text_subtitles: str | None
    """Codec that text subtitles of other kinds are converted to."""
    encoder: str
    """Sound encoder of ffmpeg."""
    codec: str
    """What the encoder makes."""
    is_lossless: bool = False
    """Whether the sound comes out as it went in, but for rounding to 16 bits."""
    has_attachments: bool = False
    """Whether it can hold fonts and the like."""
    has_cover: bool = False
    """Whether it can hold cover art as a stream."""
    has_chapters: bool = True
    """Whether it can hold chapters."""
    has_chapter_ends: bool = True
    """Whether they end anywhere but where the next one starts."""
    turns_since: tuple[int, int] | None = None
    """First ffmpeg that can write into it how the picture is turned; None for none."""
    has_stamps: bool = True
    """Whether packets have times; without, a stream starts with the file and frames and samples are counted."""
    hides_head: bool = False
    """Whether it can say that the picture's first frames are not to be shown."""
    data: frozenset[str] = frozenset()
    """Data codecs."""
    holds: frozenset[str] = frozenset({"language", "title", "flags", "default", "codec tag"})
    """Which of a stream's labels can be said."""


TEXT_SUBTITLES = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"})
MP4_VIDEO = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png", "vc1"})
MP4_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac", "dts", "flac", "opus"})
_MOV_VIDEO = frozenset({
    "h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png", "prores", "dnxhd", "rawvideo", "qtrle",
    "cinepak", "dvvideo", "jpeg2000", "v210", "v410", "h263", "svq1", "svq3", "cfhd", "hap", "bmp", "tiff",
})  # fmt: skip
_PCM = frozenset(
    f"pcm_{kind}"
    for kind in ["s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be", "u8", "s8"]
)
_MOV_AUDIO = (MP4_AUDIO - {"flac", "opus"}) | _PCM | {"pcm_mulaw", "pcm_alaw"}

_MP4 = Container(
    "mp4",
    MP4_VIDEO,
    MP4_AUDIO,
    frozenset({"mov_text", "dvd_subtitle"}),
    "mov_text",
    "aac",
    "aac",
    has_cover=True,
    has_chapter_ends=False,
    turns_since=(0, 0),
    hides_head=True,
)
_MOV = Container(
    "mov",
    _MOV_VIDEO,
    _MOV_AUDIO,
    frozenset({"mov_text"}),
    "mov_text",
    "aac",
    "aac",
    has_chapter_ends=False,
    turns_since=(0, 0),
    hides_head=True,
    holds=frozenset({"language", "title", "default", "codec tag"}),
)
_MATROSKA = Container(
    "matroska",
    None,
    None,
    frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}),
    "srt",
    "flac",
    "flac",
    is_lossless=True,
    has_attachments=True,
    holds=frozenset({"language", "title", "flags", "default", "file name", "media type"}),
    turns_since=(7, 0),
)
_WEBM = Container(
    "webm",
    frozenset({"vp8", "vp9", "av1"}),
    frozenset({"vorbis", "opus"}),
    frozenset({"webvtt"}),
    "webvtt",
    "libopus",
    "opus",
    turns_since=(7, 0),
)
_AVI = Container(
    "avi",
    frozenset(
        [
            "mpeg4",
            "mjpeg",
            "h264",
            "msmpeg4v3",
            "msmpeg4v2",
            "rawvideo",
            "huffyuv",
            "ffv1",
            "mpeg2video",
            "mpeg1video",
            "dvvideo",
            "h263",
        ]
    ),
    frozenset({"mp3", "mp2", "ac3", "aac", "pcm_s16le", "pcm_u8"}),
    frozenset(),
    None,
    "pcm_s16le",
    "pcm_s16le",
    is_lossless=True,
    has_chapters=False,
    has_stamps=False,
    holds=frozenset(),
)
_MPEGTS = Container(
    "mpegts",
    frozenset({"h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4"}),
    frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts", "opus"}),
    frozenset({"dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle"}),
    None,
    "aac",
    "aac",
    has_chapters=False,
    holds=frozenset({"language"}),
)

BY_SUFFIX = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": _MOV,
    ".qt": _MOV,
    ".mkv": _MATROSKA,
    ".webm": _WEBM,
    ".avi": _AVI,
    ".ts": _MPEGTS,
    ".m2ts": _MPEGTS,
    ".mts": _MPEGTS,
}


def container_for(out: Path) -> Container:
    """The kind of file that a name asks for.

    Raises
    ------
    UsageError
        The suffix is unknown.
    """
    container = BY_SUFFIX.get(out.suffix.lower())
    if container is None:
        raise UsageError(
            f"{out}: unknown file type: {repr(out.suffix) if out.suffix else 'no file extension'}",
            hint=f"use one of: {' '.join(sorted(BY_SUFFIX))}",
        )
    return container
