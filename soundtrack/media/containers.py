"""What each container can hold, and so what becomes of every stream of a film.

Goes in: a film's streams and the name of the output. Comes out: a `MuxPlan`, one `Fate` per stream: copied, replaced
by the mix, converted to the nearest that fits, written anew by the container itself, or dropped with a reason. The
picture is copied or the container is refused; only animated GIF, which no container holds beside sound, is encoded.

Sound codecs: AAC where players expect it (mp4, mov, ts), Opus in webm, FLAC in Matroska, because Matroska can't say
how many samples an AAC encoder puts in front, and because whoever picks it wants nothing lost; plain samples in avi
for the same reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from soundtrack.errors import OutputError, UsageError
from soundtrack.media.apart import apart
from soundtrack.media.headers import header_facts
from soundtrack.media.locate import newer_ffmpeg
from soundtrack.media.rehearsal import can_hold
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
    ffmpeg: Path | None = None
    """Who has to write it; None for the usual one."""


_TEXT_SUBTITLES = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"})
_MP4_VIDEO = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png", "vc1"})
_MP4_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac", "dts", "flac", "opus"})
_MOV_VIDEO = frozenset({
    "h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png", "prores", "dnxhd", "rawvideo", "qtrle",
    "cinepak", "dvvideo", "jpeg2000", "v210", "v410", "h263", "svq1", "svq3", "cfhd", "hap", "bmp", "tiff",
})  # fmt: skip
_PCM = frozenset(
    f"pcm_{kind}"
    for kind in ["s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be", "u8", "s8"]
)
_MOV_AUDIO = (_MP4_AUDIO - {"flac", "opus"}) | _PCM | {"pcm_mulaw", "pcm_alaw"}

_MP4 = Container(
    "mp4",
    _MP4_VIDEO,
    _MP4_AUDIO,
    frozenset({"mov_text", "dvd_subtitle"}),
    "mov_text",
    "aac",
    "aac",
    has_cover=True,
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
_SUFFIX_BY_FORMAT = {"mov": ".mp4", "matroska": ".mkv", "avi": ".avi", "mpegts": ".ts"}
_OTHER_SUFFIXES = (".mp4", ".mkv", ".mov")
_CROPS_SINCE = (7, 1)
_ANYTHING = (StreamKind.VIDEO, StreamKind.AUDIO)
_FOR_BROADCAST_ONLY = frozenset({"aac_latm"})  # ffmpeg writes it into Matroska, whose other readers do not know it
_WITH_DATA = ("mp4", "mov", "mpegts")
_MATROSKA_KNOWN = (
    _MP4_VIDEO
    | _MP4_AUDIO
    | {"vp8", "prores", "ffv1", "theora", "msmpeg4v3", "wmv3", "rawvideo", "vorbis", "truehd", "wavpack", "tta"}
    | {"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8"}
)
_SELF_WRITTEN_DATA = frozenset({"tmcd", "text"})


def default_suffix(info: VideoInfo) -> str:
    """Suffix of a scored film for which no name was given: the film's own kind, or the first that holds more of it.

    Examples
    --------
    ``.mkv`` for a Matroska film, ``.mp4`` for an animated GIF, ``.mkv`` for a film in avi that holds VP8.
    """
    own = [info.path.suffix.lower(), _SUFFIX_BY_FORMAT.get(info.container.split(",")[0], "")]
    candidates = [suffix for suffix in (*own, *_OTHER_SUFFIXES) if suffix in _BY_SUFFIX]
    return min(candidates, key=lambda suffix: _n_lost(info, _BY_SUFFIX[suffix]))


def _n_lost(info: VideoInfo, container: Container) -> float:
    """How many streams a container would lose; infinitely many if it cannot hold the picture as it is shown."""
    fates = [_fate(stream, info, container, replaces=frozenset()) for stream in info.streams]
    if fates[info.video_stream].fate is Fate.DROPPED or _shown_wrongly(info, container):
        return math.inf
    return sum(fate.fate is Fate.DROPPED for fate in fates)


def _shown_wrongly(info: VideoInfo, container: Container) -> str | None:
    """What a container cannot say about how the picture is to be shown; None if nothing is missing."""
    if info.rotation_deg and (container.turns_since is None or newer_ffmpeg(container.turns_since) is None):
        return f"that the picture is turned by {info.rotation_deg} degrees"
    if info.hides_head and not container.hides_head:
        return "that the picture's first frames are hidden (the film was cut off a key frame)"
    return None


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


def plan_streams(info: VideoInfo, out: Path, *, replaces: frozenset[int], for_writing: bool = True) -> MuxPlan:
    """What becomes of each stream.

    Parameters
    ----------
    info : VideoInfo
        The film.
    out : Path
        Where it goes; the suffix tells the container.
    replaces : frozenset of int
        Indices of sound streams whose place the mix takes.
    for_writing : bool
        Whether the file is still to be written; False to say what should be in one that is there.

    Raises
    ------
    UsageError
        The suffix is unknown.
    OutputError
        The container can't hold the picture, or not how it is shown.
    """
    container = container_for(out)
    fates = tuple(_tried(stream, info, container, replaces=replaces) for stream in info.streams)
    picture = fates[info.video_stream]
    if picture.fate is Fate.DROPPED:
        cause = f"a {container.muxer} file cannot hold {picture.codec} pictures, and pictures are never re-encoded"
        raise OutputError(f"{out}: {cause}", hint=_use(info, out))
    if for_writing and (unsaid := _shown_wrongly(info, container)):
        raise OutputError(f"{out}: {container.muxer} files cannot say {unsaid}", hint=_use(info, out))
    return MuxPlan(
        container=container,
        fates=fates,
        warnings=tuple(_warnings(fates, out)),
        ffmpeg=_writer(info, out, container) if for_writing else None,
    )


def _writer(info: VideoInfo, out: Path, container: Container) -> Path | None:
    """The ffmpeg that can say how the picture is shown; None for the usual one."""
    facts = dict(apart(info.path, header_facts, info.path).get(info.video_stream, ()))
    if "cropping" in facts:
        found = newer_ffmpeg(_CROPS_SINCE)
        if found is None and info.container.startswith("matroska"):  # older ones would stretch the picture
            hint = "name an ffmpeg of version {}.{} or newer with SOUNDTRACK_FFMPEG".format(*_CROPS_SINCE)
            raise OutputError(f"{out}: this ffmpeg cannot copy the cropping of {info.path.name}", hint=hint)
        return found
    return newer_ffmpeg(container.turns_since) if info.rotation_deg and container.turns_since else None


def _use(info: VideoInfo, out: Path) -> str:
    """What to type instead."""
    suffix = default_suffix(info)
    return f"use {suffix}, for example -o {out.with_suffix(suffix).name}"


def _fate(stream: StreamInfo, info: VideoInfo, container: Container, *, replaces: frozenset[int]) -> StreamFate:
    """What becomes of one stream."""
    fate, codec_out = Fate.DROPPED, "copy"
    match stream.kind:
        case StreamKind.AUDIO | StreamKind.VIDEO if stream.codec == "unknown":
            pass  # no container takes what ffmpeg has no name for
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


def _tried(stream: StreamInfo, info: VideoInfo, container: Container, *, replaces: frozenset[int]) -> StreamFate:
    """What becomes of one stream; where the lists are silent, ffmpeg is asked."""
    planned = _fate(stream, info, container, replaces=replaces)
    if stream.codec == "unknown" or stream.index == info.video_stream or stream.is_attached_picture:
        return planned
    unlisted = planned.fate is Fate.COPIED and stream.kind in _ANYTHING and stream.codec not in _MATROSKA_KNOWN
    refused = planned.fate is Fate.DROPPED and stream.kind in (StreamKind.DATA, StreamKind.SUBTITLE)
    if not unlisted and not (refused and container.muxer in _WITH_DATA):
        return planned
    if stream.codec not in _FOR_BROADCAST_ONLY and can_hold(info, stream, container.muxer):
        return replace(planned, fate=Fate.COPIED)
    if unlisted and stream.kind is StreamKind.AUDIO and stream.channels:
        return replace(planned, fate=Fate.CONVERTED, codec_out=container.encoder)
    return replace(planned, fate=Fate.DROPPED)


def _warnings(fates: tuple[StreamFate, ...], out: Path) -> list[str]:
    """A line for each stream that does not arrive as it was."""
    lines = []
    for fate in fates:
        if fate.fate is Fate.DROPPED:
            lines.append(f"{fate.describe()} left out: {out.suffix} files cannot hold it")
        elif fate.fate is Fate.CONVERTED:
            lines.append(f"{fate.describe()} converted to {fate.codec_out}: {out.suffix} files cannot hold it as it is")
    return lines
