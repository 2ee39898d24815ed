"""One ffmpeg that copies a film's packets and encodes the new sound that is piped into it.

Goes in: the film, a `MuxPlan`, and blocks of float sound. Comes out: a film in which every stream that the container
can hold lies packet by packet as it was, with the mix as its first and default sound. Nothing in the file tells when
or where it was made (``bitexact``), so the same input gives the same bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from soundtrack.media.apart import apart
from soundtrack.media.container import open_container
from soundtrack.media.containers import Fate, MuxPlan
from soundtrack.media.mp4_switch import switch_off
from soundtrack.media.mp4_tags import needs_own_names
from soundtrack.media.muxers import Container
from soundtrack.media.placing import options_before, picture_start, placed
from soundtrack.media.process import WritingPipe, file_arg, input_args, pcm_input_args, writing_pipe
from soundtrack.safe_write import scratch_folder
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

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    args = _arguments(
        info, part, plan=plan, mixed_in=mixed_in, music_track=music_track, bitrate_kbps=bitrate_kbps, channels=channels
    )
    with (
        _covers(info, part, plan) as covers,
        writing_pipe(
            [*args, *covers, "-f", plan.container.muxer, file_arg(part)], task=f"writing {name}", ffmpeg=plan.ffmpeg
        ) as pipe,
    ):
        yield pipe
    if plan.container.muxer in ("mp4", "mov"):
        switch_off(part, _off(info, plan, music_track=music_track))


def _off(info: VideoInfo, plan: MuxPlan, *, music_track: bool) -> list[int]:
    """Which tracks of the output, counted from 0, are subtitles that are off in the film."""
    if not info.container.startswith(_HOLDS_DEFAULT):
        return []
    outs = [
        out
        for out in _outputs(info, plan, music_track=music_track)
        if out.from_film is None or not info.streams[out.from_film].is_attached_picture  # those are tags, no tracks
    ]
    return [
        n
        for n, out in enumerate(outs)
        if out.kind is StreamKind.SUBTITLE and out.from_film is not None and not info.streams[out.from_film].is_default
    ]


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
    """Cover art as it lies in the film, and its name."""
    with open_container(path) as film:
        packet = next(p for p in film.demux(film.streams[stream]) if p.size)
        return bytes(packet), film.streams[stream].metadata.get("filename")


def _arguments(
    info: VideoInfo,
    part: Path,
    *,
    plan: MuxPlan,
    mixed_in: StreamInfo | None,
    music_track: bool,
    bitrate_kbps: int,
    channels: int,
) -> list[str]:
    """Everything after ffmpeg's name but covers, muxer and file."""
    kept, titles, custom_tags = apart(info.path, _words, info.path)
    outs = _outputs(info, plan, music_track=music_track)
    start = picture_start(info, plan, part)
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
    mix = next(i for i, out in enumerate(outs) if out.from_film is None)
    language = mixed_in.language if mixed_in else None
    args += [f"-metadata:s:{mix}", f"language={language or 'und'}"]
    keys = ("title", "handler_name") if plan.container.muxer in ("mp4", "mov") else ("title",)
    for i, out in enumerate(outs):
        title = titles.get(
            mixed_in.index if mixed_in and i == mix else out.from_film if out.from_film is not None else -1
        )
        if title and (i == mix or len(keys) > 1):
            args += [part for key in keys for part in (f"-metadata:s:{i}", f"{key}={title}")]
    if music_track:
        args += [f"-metadata:s:{len(outs) - 1}", "title=Music", f"-metadata:s:{len(outs) - 1}", "language=und"]
    args += ["-map_metadata", "0", "-map_chapters", "0" if plan.container.has_chapters else "-1"]
    args += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    if plan.container.muxer in ("mp4", "mov"):
        args += ["-movflags", "+faststart" + ("+use_metadata_tags" if custom_tags else "")]
        args += ["-strict", "experimental"]  # older versions call FLAC in mp4 that
    return args


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


def _words(path: Path) -> tuple[dict[int, list[str]], dict[int, str | None], bool]:
    """Flags of every stream and its title, by index; whether there are tags that mp4 does not know."""
    flags: dict[int, list[str]] = {}
    titles: dict[int, str | None] = {}
    with open_container(path) as film:
        for stream in film.streams:
            has, names = stream.disposition, type(stream.disposition)
            flags[stream.index] = [n for n in _DISPOSITIONS if hasattr(names, n) and has & getattr(names, n)]
            titles[stream.index] = stream.metadata.get("title")
        return flags, titles, needs_own_names({name.lower() for name in film.metadata})


def _audio_disposition(out: _Out, *, first: bool, kept: dict[int, list[str]]) -> str:
    """The first sound is the one to play; the others keep what they say of themselves."""
    if first:
        return "default"
    flags = [flag for flag in kept.get(out.from_film, []) if flag != "default"] if out.from_film is not None else []
    return "+".join(flags) or "0"
