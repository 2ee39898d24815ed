"""What each container can hold, and so what becomes of every stream of a film.

Goes in: a film's streams and the name of the output. Comes out: a `MuxPlan`, one `Fate` per stream: copied, replaced
by the mix, converted to the nearest that fits, written anew by the container itself, or dropped with a reason. The
picture is copied or the container is refused; only animated GIF, which no container holds beside sound, is encoded.

Sound codecs: AAC where players expect it (mp4, mov, ts), Opus in webm, FLAC in Matroska, because Matroska can't say
how many samples an AAC encoder puts in front, and because whoever picks it wants nothing lost; plain samples in avi
for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from soundtrack.errors import OutputError, UsageError
from soundtrack.types import StreamInfo, StreamKind, VideoInfo


class Fate(StrEnum):
    """What becomes of a stream."""

    COPIED = "copied"
    """Packet by packet."""
    MIXED = "mixed"
    """It lives on inside the mix, which takes its place."""
    CONVERTED = "converted"
    """Encoded into the nearest format that the container holds."""
    REWRITTEN = "rewritten"
    """A chapter or time-code track, which the container writes by itself."""
    ATTACHED = "attached"
    """Cover art that the container keeps as an attached file."""
    DROPPED = "dropped"
    """The container can't hold it."""


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
    data: frozenset[str] = frozenset()
    """Data codecs."""
    holds: frozenset[str] = frozenset({"language", "title", "flags"})
    """Which of a stream's language, title and flags can be said."""


@dataclass(frozen=True, slots=True)
class StreamFate:
    """What becomes of one stream of the film."""

    source: int
    """Its index in the film."""
    kind: StreamKind
    """What it carries."""
    codec: str
    """Its codec in the film."""
    fate: Fate
    """What becomes of it."""
    codec_out: str = "copy"
    """Encoder, or ``copy``."""

    def describe(self) -> str:
        """For people: ``subtitle stream 3 (hdmv_pgs_subtitle)``."""
        return f"{self.kind.value} stream {self.source} ({self.codec})"


@dataclass(frozen=True, slots=True)
class MuxPlan:
    """What the output will hold."""

    container: Container
    """The kind of file."""
    fates: tuple[StreamFate, ...]
    """One per stream of the film, in its order."""
    warnings: tuple[str, ...]
    """What is lost or changed, one line each."""


_TEXT_SUBTITLES = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"})
_MP4_VIDEO = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png", "vc1"})
_MP4_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac", "dts", "flac", "opus"})
_MOV_VIDEO = frozenset(
    [
        "h264",
        "hevc",
        "mpeg4",
        "mpeg2video",
        "mpeg1video",
        "mjpeg",
        "png",
        "prores",
        "dnxhd",
        "rawvideo",
        "qtrle",
        "cinepak",
        "dvvideo",
        "jpeg2000",
        "v210",
        "v410",
        "h263",
        "svq1",
        "svq3",
        "cfhd",
        "hap",
        "bmp",
        "tiff",
    ]
)
_PCM = frozenset(
    f"pcm_{kind}"
    for kind in ["s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be", "u8", "s8"]
)
_MOV_AUDIO = (_MP4_AUDIO - {"flac", "opus"}) | _PCM | {"pcm_mulaw", "pcm_alaw"}

_MP4 = Container(
    "mp4", _MP4_VIDEO, _MP4_AUDIO, frozenset({"mov_text", "dvd_subtitle"}), "mov_text", "aac", "aac", has_cover=True
)
_MOV = Container(
    "mov",
    _MOV_VIDEO,
    _MOV_AUDIO,
    frozenset({"mov_text"}),
    "mov_text",
    "aac",
    "aac",
    holds=frozenset({"language", "title"}),
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
)
_WEBM = Container(
    "webm",
    frozenset({"vp8", "vp9", "av1"}),
    frozenset({"vorbis", "opus"}),
    frozenset({"webvtt"}),
    "webvtt",
    "libopus",
    "opus",
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

_BY_SUFFIX = {
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
_SUFFIX_BY_FORMAT = {"mov": ".mp4", "matroska": ".mkv", "avi": ".avi", "mpegts": ".ts", "gif": ".mp4", "h264": ".mp4"}
_SELF_WRITTEN_DATA = frozenset({"bin_data", "tmcd", "text", "none", "unknown"})


def default_suffix(info: VideoInfo) -> str:
    """Suffix of a scored film for which no name was given: the film's own kind where sound fits, else the nearest.

    Examples
    --------
    ``.mkv`` for a Matroska film, ``.mp4`` for an animated GIF.
    """
    suffix = info.path.suffix.lower()
    if suffix in _BY_SUFFIX:
        return suffix
    if suffix in (".gif", ".h264", ".264", ".hevc", ".265"):
        return ".mp4"
    return _SUFFIX_BY_FORMAT.get(info.container.split(",")[0], ".mkv")


def container_for(out: Path) -> Container:
    """The kind of file that a name asks for.

    Raises
    ------
    UsageError
        The suffix is unknown.
    """
    container = _BY_SUFFIX.get(out.suffix.lower())
    if container is None:
        raise UsageError(
            f"{out}: cannot tell the kind of file from {out.suffix or 'a name without suffix'!r}",
            hint=f"use one of {' '.join(sorted(_BY_SUFFIX))}",
        )
    return container


def plan_streams(info: VideoInfo, out: Path, *, replaces: frozenset[int]) -> MuxPlan:
    """What becomes of each stream.

    Parameters
    ----------
    info : VideoInfo
        The film.
    out : Path
        Where it goes; the suffix tells the container.
    replaces : frozenset of int
        Indices of sound streams whose place the mix takes.

    Raises
    ------
    UsageError
        The suffix is unknown.
    OutputError
        The container can't hold the picture.
    """
    container = container_for(out)
    fates = tuple(_fate(stream, info, container, replaces=replaces) for stream in info.streams)
    picture = fates[info.video_stream]
    if picture.fate is Fate.DROPPED:
        raise OutputError(
            f"{out}: a {container.muxer} file cannot hold {picture.codec} pictures, and pictures are never re-encoded",
            hint=f"use {default_suffix(info)} or .mkv, for example -o {out.with_suffix(default_suffix(info)).name}",
        )
    return MuxPlan(container=container, fates=fates, warnings=tuple(_warnings(fates, out)))


def _fate(stream: StreamInfo, info: VideoInfo, container: Container, *, replaces: frozenset[int]) -> StreamFate:
    """What becomes of one stream."""
    fate, codec_out = Fate.DROPPED, "copy"
    match stream.kind:
        case StreamKind.VIDEO if stream.is_attached_picture:
            fits = container.has_cover and container.video is not None and stream.codec in container.video
            fate = Fate.COPIED if fits else Fate.ATTACHED if container.has_attachments else Fate.DROPPED
        case StreamKind.VIDEO if stream.codec == "gif":
            fate, codec_out = Fate.CONVERTED, "libx264"
        case StreamKind.VIDEO if container.video is None or stream.codec in container.video:
            fate = Fate.COPIED
        case StreamKind.AUDIO if stream.index in replaces:
            fate = Fate.MIXED
        case StreamKind.AUDIO if container.audio is None or stream.codec in container.audio:
            fate = Fate.COPIED
        case StreamKind.AUDIO if stream.channels:
            fate, codec_out = Fate.CONVERTED, container.encoder
        case StreamKind.SUBTITLE if stream.codec in container.subtitles:
            fate = Fate.COPIED
        case StreamKind.SUBTITLE if stream.codec in _TEXT_SUBTITLES and container.text_subtitles:
            fate, codec_out = Fate.CONVERTED, container.text_subtitles
        case StreamKind.ATTACHMENT if container.has_attachments:
            fate = Fate.COPIED
        case StreamKind.DATA if stream.codec in container.data:
            fate = Fate.COPIED
        case StreamKind.DATA if stream.codec in _SELF_WRITTEN_DATA and info.container.startswith("mov"):
            fate = Fate.REWRITTEN
    return StreamFate(stream.index, stream.kind, stream.codec, fate, codec_out)


def _warnings(fates: tuple[StreamFate, ...], out: Path) -> list[str]:
    """A line for each stream that does not arrive as it was."""
    lines = []
    for fate in fates:
        if fate.fate is Fate.DROPPED:
            lines.append(f"{fate.describe()} left out: {out.suffix} files cannot hold it")
        elif fate.fate is Fate.CONVERTED:
            lines.append(f"{fate.describe()} converted to {fate.codec_out}: {out.suffix} files cannot hold it as it is")
    return lines
