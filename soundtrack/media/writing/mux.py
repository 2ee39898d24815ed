"""Mux with one ffmpeg that copies a film's packets and encodes the new sound from a pipe.

Goes in: the film, a `MuxPlan`, and blocks of float sound. Comes out: a film in which every stream that the container
can hold lies packet by packet as it was, with the mix as its first and default sound. Nothing in the file tells when
or where it was made (``bitexact``), so the same input gives the same bytes; only the program is named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from soundtrack.files.safe_write import scratch_folder
from soundtrack.media.opening import open_container
from soundtrack.media.process import WritingPipe, file_arg, input_args, pcm_input_args, writing_pipe
from soundtrack.media.sandbox import apart
from soundtrack.media.writing.formats import Fate, MuxPlan
from soundtrack.media.writing.mp4_switch import say_languages, switch_off
from soundtrack.media.writing.mp4_tags import needs_own_names, stream_title
from soundtrack.media.writing.muxers import Container
from soundtrack.media.writing.own_mark import mark, mark_args
from soundtrack.media.writing.placing import PictureStart, options_before, picture_start, placed
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import StreamInfo, StreamKind, VideoInfo

_DISPOSITIONS = [
    "default",
    "dub",
    "original",
    "comment",
    "lyrics",
    "karaoke",
    "forced",
    "hearing_impaired",
    "visual_impaired",
    "clean_effects",
    "captions",
    "descriptions",
]

_HOLDS_DEFAULT = ("mov", "matroska")
_BRANDS = ("major_brand", "minor_version", "compatible_brands")  # of the film's own container

_LAYOUTS = {2: "stereo", 6: "5.1"}
_SURROUND_RATE = 1.75


@dataclass(frozen=True, slots=True)
class _Out:
    """One stream of the output."""

    source: str
    codec: str
    kind: StreamKind
    from_film: int | None


@contextlib.contextmanager
def mux(
    info: VideoInfo,
    part: Path,
    *,
    name: str,
    plan: MuxPlan,
    mixed_in: StreamInfo | None,
    music_track: bool,
    bitrate_kbps: int,
    channels: int = 2,
    start: PictureStart | None = None,
) -> Iterator[WritingPipe]:
    """Open the film writer; write interleaved float32 at 48 kHz, the channels of the mix (and two of music).

    Parameters
    ----------
    info : VideoInfo
        The film.
    part : Path
        File to write, replaced without asking.
    name : str
        What the file will be called, for the message of an error.
    plan : MuxPlan
        What becomes of its streams.
    mixed_in : StreamInfo, optional
        The original sound inside the mix, whose language and title the mix takes over.
    music_track : bool
        Whether two more channels carry the music alone, for a stream of its own.
    bitrate_kbps : int > 0
        Of a lossy encoder, for two channels.
    channels : {2, 6}
        Of the mix: stereo, or 5.1 in ffmpeg's order.
    start : PictureStart, optional
        From `picture_start` of the same film and plan, where it was asked for already.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    args = _arguments(
        info,
        start or picture_start(info, plan, part),
        plan=plan,
        mixed_in=mixed_in,
        music_track=music_track,
        bitrate_kbps=bitrate_kbps,
        channels=channels,
    )
    with (
        _covers(info, part, plan) as covers,
        writing_pipe(
            [*args, *covers, "-f", plan.container.muxer, file_arg(part)], task=f"writing {name}", ffmpeg=plan.ffmpeg
        ) as pipe,
    ):
        yield pipe
    if plan.container.muxer in ("mp4", "mov"):
        tracks = _tracks(info, plan, music_track=music_track)
        switch_off(part, [n for n, out in enumerate(tracks) if _is_off(out, info)])
        sources = [mixed_in if out.source == "[mix]" else _of_film(out, info) for out in tracks]
        say_languages(part, {n: source.language for n, source in enumerate(sources) if source and source.language})
    mark(part, plan.container.muxer)


def _tracks(info: VideoInfo, plan: MuxPlan, *, music_track: bool) -> list[_Out]:
    """Which streams become tracks of an mp4 or mov file: all but cover art, which becomes a tag."""
    outs = _outputs(info, plan, music_track=music_track)
    return [out for out in outs if out.from_film is None or not info.streams[out.from_film].is_attached_picture]


def _of_film(out: _Out, info: VideoInfo) -> StreamInfo | None:
    """The stream of the film that it comes from."""
    return None if out.from_film is None else info.streams[out.from_film]


def _is_off(out: _Out, info: VideoInfo) -> bool:
    """Whether it is a subtitle that is off in a film that can say so."""
    source = _of_film(out, info)
    is_subtitle = out.kind is StreamKind.SUBTITLE and info.container.startswith(_HOLDS_DEFAULT)
    return is_subtitle and source is not None and not source.is_default


@contextlib.contextmanager
def _covers(info: VideoInfo, part: Path, plan: MuxPlan) -> Iterator[list[str]]:
    """Arguments that attach cover art as files, which lie beside the output as long as they are needed."""
    wanted = [fate for fate in plan.fates if fate.fate is Fate.ATTACHED]
    n_before = sum(fate.kind is StreamKind.ATTACHMENT and fate.fate is Fate.COPIED for fate in plan.fates)
    args: list[str] = []
    if not wanted:
        yield args
        return
    with scratch_folder(part) as folder:
        for n, fate in enumerate(wanted):
            picture = folder / f"cover{n}"
            content, name = apart(info.path, _cover, info.path, fate.source)
            picture.write_bytes(content)
            kind = "png" if fate.codec == "png" else "jpeg"
            args += ["-attach", file_arg(picture), f"-metadata:s:t:{n_before + n}", f"mimetype=image/{kind}"]
            args += [f"-metadata:s:t:{n_before + n}", f"filename={name or 'cover.' + kind}"]
        yield args


def _cover(path: Path, stream: int) -> tuple[bytes, str | None]:
    """Cover art as it is in the film, and its name."""
    with open_container(path) as film:
        packet = next(p for p in film.demux(film.streams[stream]) if p.size)
        return bytes(packet), film.streams[stream].metadata.get("filename")


def _arguments(
    info: VideoInfo,
    start: PictureStart,
    *,
    plan: MuxPlan,
    mixed_in: StreamInfo | None,
    music_track: bool,
    bitrate_kbps: int,
    channels: int,
) -> list[str]:
    """Everything after ffmpeg's name but covers, muxer and file."""
    kept, titles, names, reel = apart(info.path, _words, info.path)
    muxer = plan.container.muxer
    outs = _outputs(info, plan, music_track=music_track)
    args = ["-y", *input_args(info.path, before=[*options_before(info, plan.container), *start.shift])]
    args += pcm_input_args(sample_rate_hz=MIX_RATE_HZ, channels=channels + (2 if music_track else 0))
    place = placed(start.shown_s, plan.container)
    graph = f"[1:a]{place}[mix]"
    if music_track:
        mixed = "|".join(f"c{k}=c{k}" for k in range(channels))
        music = f"c0=c{channels}|c1=c{channels + 1}"
        graph = f"[1:a]pan={_LAYOUTS[channels]}|{mixed},{place}[mix];[1:a]pan=stereo|{music},{place}[music]"
    args += ["-filter_complex", graph]
    n_audio = 0
    for i, out in enumerate(outs):
        args += ["-map", out.source, f"-c:{i}", out.codec]
        if out.kind is StreamKind.AUDIO:
            if out.codec != "copy":
                is_mix = out.from_film is None and out.source != "[music]"
                rate_kbps = round(bitrate_kbps * (_SURROUND_RATE if is_mix and channels > 2 else 1))
                args += _encoding(plan.container, i, n_audio, bitrate_kbps=rate_kbps)
                if out.from_film is not None:
                    args += [f"-filter:{i}", "aformat=channel_layouts=5.1|stereo|mono"]  # encoders refuse rarer ones
            args += [f"-disposition:{i}", _audio_disposition(out, first=n_audio == 0, kept=kept)]
            n_audio += 1
        elif out.kind is StreamKind.SUBTITLE and info.container.startswith(_HOLDS_DEFAULT):
            args += [f"-disposition:{i}", "+".join(kept.get(out.from_film or 0, [])) or "0"]
        if out.codec == "libx264":
            args += [f"-filter:{i}", "crop=trunc(iw/2)*2:trunc(ih/2)*2", f"-pix_fmt:{i}", "yuv420p", f"-crf:{i}", "16"]
        if _is_hevc(out, info) and plan.container.muxer in ("mp4", "mov") and not info.container.startswith("mov"):
            args += [f"-tag:{i}", "hvc1"]  # players of Apple open no hev1, which ffmpeg writes by itself
    args += _names(outs, info, plan, mixed_in=mixed_in, titles=titles, reel=reel)
    args += ["-map_metadata", "0", "-map_chapters", "0" if plan.container.has_chapters else "-1"]
    args += mark_args(muxer, names)
    args += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    if muxer in ("mp4", "mov"):
        args += ["-movflags", "+faststart" + ("+use_metadata_tags" if needs_own_names(names, muxer) else "")]
        args += ["-strict", "experimental"]  # older versions call FLAC in mp4 that
    return args


def _names(
    outs: list[_Out],
    info: VideoInfo,
    plan: MuxPlan,
    *,
    mixed_in: StreamInfo | None,
    titles: dict[int, str | None],
    reel: str | None,
) -> list[str]:
    """Options that say languages, titles and the reel; the mix takes over those of the sound inside it."""
    in_mov = plan.container.muxer in ("mp4", "mov")
    mix = next(i for i, out in enumerate(outs) if out.from_film is None)
    language = mixed_in.language if mixed_in else None
    said = [(f"s:{mix}", "language", language or "und")]
    for i, out in enumerate(outs):
        source = mixed_in.index if mixed_in and i == mix else out.from_film
        title = None if source is None else titles.get(source)
        said += [(f"s:{i}", key, title) for key in (("title", "handler_name") if in_mov else ("title",)) if title]
        if out.from_film == info.video_stream and reel:  # ffmpeg takes that of the time-code track from the picture
            said.append((f"s:{i}", "reel_name", reel))
        if out.source == "[music]":
            said += [(f"s:{i}", "title", "Music"), (f"s:{i}", "language", "und")]
    args = [part for place, key, value in said for part in (f"-metadata:{place}", f"{key}={value}")]
    return args if in_mov else [*args, *(part for name in _BRANDS for part in ("-metadata", f"{name}="))]


def _outputs(info: VideoInfo, plan: MuxPlan, *, music_track: bool) -> list[_Out]:
    """Streams of the output in order: the film's, the mix before its first sound or behind the picture, music last."""
    encoder = plan.container.encoder
    mix = _Out("[mix]", encoder, StreamKind.AUDIO, None)
    sounds = [f.source for f in plan.fates if f.kind is StreamKind.AUDIO]
    place = sounds[0] if sounds else info.video_stream
    outs: list[_Out] = []
    for fate in plan.fates:
        if sounds and fate.source == place:
            outs.append(mix)
        if fate.fate in (Fate.COPIED, Fate.CONVERTED):
            outs.append(_Out(f"0:{fate.source}", fate.codec_out, fate.kind, fate.source))
        if not sounds and fate.source == place:
            outs.append(mix)
    return [*outs, _Out("[music]", encoder, StreamKind.AUDIO, None)] if music_track else outs


def _is_hevc(out: _Out, info: VideoInfo) -> bool:
    """Whether it is a picture in HEVC that is copied."""
    return out.from_film is not None and out.codec == "copy" and info.streams[out.from_film].codec == "hevc"


def _encoding(container: Container, i: int, n_audio: int, *, bitrate_kbps: int) -> list[str]:
    """Options of a sound encoder."""
    args = ["-ar:a:" + str(n_audio), str(MIX_RATE_HZ)]
    if container.encoder == "aac":
        args += [f"-b:{i}", f"{bitrate_kbps}k", f"-aac_coder:{i}", "fast"]
    elif container.encoder == "libopus":
        args += [f"-b:{i}", f"{bitrate_kbps}k"]
    elif container.encoder == "flac":
        args += [f"-sample_fmt:{i}", "s16"]
    return args


def _words(path: Path) -> tuple[dict[int, list[str]], dict[int, str | None], set[str], str | None]:
    """Flags of every stream and its title, by index; names of the film's tags; the reel."""
    flags: dict[int, list[str]] = {}
    titles: dict[int, str | None] = {}
    with open_container(path) as film:
        for stream in film.streams:
            has, known = stream.disposition, type(stream.disposition)
            flags[stream.index] = [n for n in _DISPOSITIONS if hasattr(known, n) and has & getattr(known, n)]
            titles[stream.index] = stream_title(stream.metadata, container=film.format.name)
        names = {name.lower() for name in film.metadata}
        reel = next((s.metadata["reel_name"] for s in film.streams if s.metadata.get("reel_name")), None)
        return flags, titles, names, reel


def _audio_disposition(out: _Out, *, first: bool, kept: dict[int, list[str]]) -> str:
    """The first sound is the one to play; the others keep what they say of themselves."""
    if first:
        return "default"
    flags = [flag for flag in kept.get(out.from_film, []) if flag != "default"] if out.from_film is not None else []
    return "+".join(flags) or "0"
