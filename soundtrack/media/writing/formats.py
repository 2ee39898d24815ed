"""Plan for every stream of a film in its new container.

Goes in: a film's streams and the name of the output. Comes out: a `MuxPlan`, one `Fate` per stream: copied, replaced
by the mix, converted to the nearest that fits, rewritten by the container itself, or dropped with a reason. The
picture is copied or the container is refused; only animated GIF, which no container holds beside sound, is encoded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from soundtrack.errors import OutputError
from soundtrack.media.locate import newer_ffmpeg
from soundtrack.media.reading.foreseen import foreseen_losses
from soundtrack.media.reading.headers import header_facts
from soundtrack.media.sandbox import apart
from soundtrack.media.writing.muxers import BY_SUFFIX, MP4_AUDIO, MP4_VIDEO, TEXT_SUBTITLES, Container, container_for
from soundtrack.media.writing.rehearsal import can_hold
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


_SUFFIX_BY_FORMAT = {"mov": ".mp4", "matroska": ".mkv", "avi": ".avi", "mpegts": ".ts"}
_OTHER_SUFFIXES = (".mp4", ".mkv", ".mov")
_CROPS_SINCE = (7, 1)
_ANYTHING = (StreamKind.VIDEO, StreamKind.AUDIO)
_FOR_BROADCAST_ONLY = frozenset({"aac_latm"})  # ffmpeg writes it into Matroska, whose other readers do not know it
_WITH_DATA = ("mp4", "mov", "mpegts")
_MATROSKA_KNOWN = (
    MP4_VIDEO
    | MP4_AUDIO
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
    candidates = [suffix for suffix in (*own, *_OTHER_SUFFIXES) if suffix in BY_SUFFIX]
    return min(candidates, key=lambda suffix: _n_lost(info, BY_SUFFIX[suffix]))


def _n_lost(info: VideoInfo, container: Container) -> float:
    """How many streams a container would lose; infinitely many if it cannot hold the picture as it is shown."""
    fates = [_fate(stream, info, container, replaces=frozenset()) for stream in info.streams]
    if fates[info.video_stream].fate is Fate.DROPPED or _shown_wrongly(info, container):
        return math.inf
    return sum(fate.fate is Fate.DROPPED for fate in fates)


def _shown_wrongly(info: VideoInfo, container: Container) -> str | None:
    """What a container cannot say about how the picture is to be shown; None if nothing is missing."""
    if info.rotation_deg and (container.turns_since is None or newer_ffmpeg(container.turns_since) is None):
        return f"a rotation of {info.rotation_deg} degrees"
    if info.hides_head and not container.hides_head:
        return "hidden first frames (the film was not cut on a key frame)"
    return None


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
        cause = f"a {container.muxer} file cannot store {picture.codec} video, and video is never re-encoded"
        raise OutputError(f"{out}: {cause}", hint=_use(info, out))
    if for_writing and (unsaid := _shown_wrongly(info, container)):
        raise OutputError(f"{out}: {container.muxer} files cannot store {unsaid}", hint=_use(info, out))
    warnings = tuple(_warnings(fates, out))
    if not for_writing:
        return MuxPlan(container=container, fates=fates, warnings=warnings)
    facts = apart(info.path, header_facts, info.path)
    names = {-1: "film"} | {f.source: f.describe() for f in fates if f.fate in (Fate.COPIED, Fate.CONVERTED)}
    is_cropped = any(what == "cropping" for found in facts.values() for what, _ in found)
    crops = is_cropped and newer_ffmpeg(_CROPS_SINCE) is not None
    losses = foreseen_losses(facts, names, muxer=container.muxer, crops=crops)
    writer = _writer(info, out, container, facts=dict(facts.get(info.video_stream, ())))
    return MuxPlan(container=container, fates=fates, warnings=(*warnings, *losses), ffmpeg=writer)


def _writer(info: VideoInfo, out: Path, container: Container, *, facts: Mapping[str, str]) -> Path | None:
    """The ffmpeg that can say how the picture is shown; None for the usual one."""
    if "cropping" in facts:
        found = newer_ffmpeg(_CROPS_SINCE)
        if found is None and info.container.startswith("matroska"):  # older ones would stretch the picture
            hint = "set SOUNDTRACK_FFMPEG to ffmpeg {}.{} or newer".format(*_CROPS_SINCE)
            raise OutputError(f"{out}: this ffmpeg cannot copy the cropping of {info.path.name}", hint=hint)
        return found
    return newer_ffmpeg(container.turns_since) if info.rotation_deg and container.turns_since else None


def _use(info: VideoInfo, out: Path) -> str:
    """What to type instead."""
    suffix = default_suffix(info)
    return f"use {suffix}, e.g. -o {out.with_suffix(suffix).name}"


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
        case StreamKind.SUBTITLE if stream.codec in TEXT_SUBTITLES and container.text_subtitles:
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
            lines.append(f"{fate.describe()} omitted: not supported by {out.suffix}")
        elif fate.fate is Fate.CONVERTED:
            lines.append(
                f"{fate.describe()} converted to {fate.codec_out}: original format not supported by {out.suffix}"
            )
    return lines
