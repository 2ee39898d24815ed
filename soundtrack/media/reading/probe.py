"""Probe a film or track without decoding it.

Goes in: a path. Comes out: `VideoInfo` or `AudioInfo`, or an `InputError` with its reason. Headers are believed only
where they cannot be checked cheaply: the first frame is decoded (its time is the film's zero), and a length that does
not fit the size of the file is counted from the packets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from soundtrack.errors import Reason
from soundtrack.media.guard import MAX_PIXELS
from soundtrack.media.opening import looks_like_media, no_decoder, open_container, refusal
from soundtrack.media.reading.steady import state_of
from soundtrack.media.sandbox import apart
from soundtrack.timebase import round_half_up, round_s
from soundtrack.types import UNKNOWN_CODEC, AudioInfo, StreamInfo, StreamKind, VideoInfo

MAX_JUMP_S = 10.0
"""A gap between neighbouring time stamps longer than this is a fault of the clock and not a pause."""

_PROTECTED_TAGS = {"drms", "drmi", "enca", "encv", "drmt"}
_FALLBACK_FPS = Fraction(25)
_TIMECODE = re.compile(r"[0-2]\d:[0-5]\d:[0-5]\d[:;.,]\d{2,3}")
_MAX_FPS = 500
_PACKETS_TO_TRY = 600
_MIN_BYTES_PER_S = 2_000
_SLOW_TO_COUNT_S = 1800.0
_LONGEST_BELIEVED_S = 24 * 3600.0
_SAMPLE_RATES_HZ = range(4_000, 384_001)
_DSD_RATES_HZ = range(352_800, 2_822_401)
"""Bytes a second and channel of one-bit sound, DSD 64 to DSD 512, which is how libav counts it."""
_CHANNELS = range(1, 33)


@dataclass(frozen=True, slots=True)
class _FirstFrame:
    """The first picture that a player would show."""

    time_s: float
    is_guessed: bool
    width_px: int
    height_px: int
    rotation_deg: int
    timecode: str | None


def probe(path: Path) -> VideoInfo:
    """The film as its container describes it, with the first frame really decoded.

    Parameters
    ----------
    path : Path
        A film.

    Raises
    ------
    InputError
        It is no film that can be read; `reason` says why.
    """
    return apart(path, _probe, path)


def _probe(path: Path) -> VideoInfo:
    """The same, in the process that may be lost."""
    state = state_of(path)
    with open_container(path) as container:
        stream = _moving_picture(container, path)
        fps = _frame_rate(stream)
        first = _first_frame(container, stream, path, fps=fps)
        duration_s = _picture_duration_s(container, stream, path, first=first, fps=fps)
        streams = tuple(_stream_info(s) for s in container.streams)
        return VideoInfo(
            path=path,
            container=container.format.name,
            duration_s=duration_s,
            fps=fps,
            width_px=first.width_px,
            height_px=first.height_px,
            rotation_deg=first.rotation_deg,
            video_stream=stream.index,
            streams=streams,
            start_s=first.time_s,
            hides_head=container.format.name.startswith("mov") and _hides_head(path, stream.index),
            start_timecode=_start_timecode(container, stream) or first.timecode,
            state=state,
        )


def probe_audio(path: Path, *, counted: bool = True) -> AudioInfo:
    """The first sound stream of a file; the length is counted from the packets where the header cannot be right.

    Parameters
    ----------
    path : Path
        Anything with sound.
    counted : bool
        Whether to look at the length; if not, it is the header's, and most of the file stays unread.

    Raises
    ------
    InputError
        There is no sound that can be read; `reason` says why.
    """
    return apart(path, _probe_audio, path, counted=counted)


def _probe_audio(path: Path, *, counted: bool) -> AudioInfo:
    """The same, in the process that may be lost."""
    with open_container(path) as container:
        if not container.streams.audio:
            raise refusal(path, Reason.NO_AUDIO)
        stream = container.streams.audio[0]
        _refuse_protected(stream, path)
        context = stream.codec_context
        if context is None and looks_like_media(path):
            raise no_decoder(path)
        if context is None or not context.sample_rate or not context.channels:
            raise refusal(path, Reason.CORRUPT if looks_like_media(path) else Reason.NOT_MEDIA)
        rate_hz, channels = context.sample_rate, context.channels
        codec = _codec_name(stream)
        rates_hz = _DSD_RATES_HZ if codec.startswith(("dsd_", "dst")) else _SAMPLE_RATES_HZ
        if rate_hz not in rates_hz or channels not in _CHANNELS:
            raise refusal(path, Reason.BAD_FORMAT)
        return AudioInfo(
            codec=codec,
            sample_rate_hz=rate_hz,
            channels=channels,
            duration_s=_sound_duration_s(container, stream, path, counted=counted),
        )


# --- streams ----


def _codec_name(stream: Any) -> str:
    """Name of the codec, not of the decoder that happens to read it."""
    context = stream.codec_context
    if context is None:
        return _data_name(stream) if stream.type == "data" else UNKNOWN_CODEC
    return str(getattr(context.codec, "canonical_name", None) or context.name or UNKNOWN_CODEC)


def _data_name(stream: Any) -> str:
    """What a stream without a decoder carries: ``tmcd`` (time code) and ``text`` (chapters) are written by muxers."""
    if "timecode" in stream.metadata:
        return "tmcd"
    name = str(getattr(stream, "name", None) or "unknown")
    if name == "bin_data" and stream.frames and stream.frames == len(stream.container.chapters()):
        return "text"
    return name


def _hides_head(path: Path, index: int) -> bool:
    """Whether the picture's first packet is there for decoding only: an edit list cut the film off a key frame."""
    import av

    with open_container(path) as unread:
        try:
            first = next((p for p in unread.demux(unread.streams[index]) if p.size), None)
        except (av.FFmpegError, OSError):
            return False
    return first is not None and bool(first.is_discard)


def _stream_info(stream: Any) -> StreamInfo:
    """One stream in our words."""
    disposition = stream.disposition
    audio = stream.type == "audio" and stream.codec_context is not None
    return StreamInfo(
        index=stream.index,
        kind=StreamKind(stream.type) if stream.type in set(StreamKind) else StreamKind.DATA,
        codec=_codec_name(stream),
        is_default=bool(disposition & type(disposition).default),
        is_attached_picture=_is_attached_picture(stream),
        language=stream.language if stream.language != "und" else None,
        channels=stream.codec_context.channels if audio else None,
        sample_rate_hz=stream.codec_context.sample_rate if audio else None,
    )


def _start_timecode(container: Any, picture: Any) -> str | None:
    """Timecode of the first picture: the picture's own, else a timecode track's, else the container's."""
    tracks = [s.metadata for s in container.streams if s.type == "data"]
    for tags in (picture.metadata, *tracks, container.metadata):
        for name, value in tags.items():
            if name.lower() == "timecode" and (found := _TIMECODE.fullmatch(value.strip())):
                return found[0]
    return None


def _is_attached_picture(stream: Any) -> bool:
    """Whether it is cover art."""
    disposition = stream.disposition
    return bool(disposition & type(disposition).attached_pic)


def _refuse_protected(stream: Any, path: Path) -> None:
    """Raise for streams whose tag says that they are encrypted; decoding them would give noise."""
    if stream.codec_context is not None and stream.codec_context.codec_tag in _PROTECTED_TAGS:
        raise refusal(path, Reason.ENCRYPTED)


def _moving_picture(container: Any, path: Path) -> Any:
    """The video stream that a player shows: the default one, else the first, never cover art."""
    streams = [s for s in container.streams.video if not _is_attached_picture(s) and s.codec_context is not None]
    if not streams:
        raise refusal(path, Reason.NO_VIDEO)
    stream = next((s for s in streams if _stream_info(s).is_default), streams[0])
    _refuse_protected(stream, path)
    if (stream.codec_context.width or 0) * (stream.codec_context.height or 0) > MAX_PIXELS:
        raise refusal(path, Reason.TOO_LARGE)
    if container.format.name == "gif" and stream.frames == 1:
        raise refusal(path, Reason.STILL_IMAGE)
    return stream


# --- the first frame ----


def _first_frame(container: Any, stream: Any, path: Path, *, fps: Fraction) -> _FirstFrame:
    """Decode until a picture with a time comes; a film without one in its first packets is damaged or protected.

    Matroska loses time stamps below zero: the first picture's time then follows from the first one that has a time.
    """
    picture: Any = None
    for n_before, frame in enumerate(_first_pictures(container, stream, path)):
        picture = picture or frame
        time_s = presentation_s(frame)
        if time_s is not None:
            return _describe(picture, stream, time_s=time_s - n_before / float(fps), is_guessed=n_before > 0)
    if picture is None and not stream.codec_context.width:  # the limit on pixels already stopped the opening
        raise refusal(path, Reason.TOO_LARGE, detail=f"video damaged or larger than {MAX_PIXELS // 10**6} megapixels")
    if picture is None:
        raise refusal(path, Reason.CORRUPT)
    return _describe(picture, stream, time_s=0.0, is_guessed=True)


def _first_pictures(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """Frames of the first packets; damaged packets are passed over, protected ones refused."""
    import av

    try:
        for n, packet in enumerate(container.demux(stream)):
            if packet.size and packet.has_sidedata("encryption_info"):
                raise refusal(path, Reason.ENCRYPTED)
            try:
                frames = packet.decode()
            except av.FFmpegError:
                frames = []
            yield from frames
            if n >= _PACKETS_TO_TRY:
                break
    except (av.FFmpegError, OSError) as error:
        raise refusal(path, Reason.CORRUPT) from error


def presentation_s(frame: Any) -> float | None:
    """Container time at which a decoded frame is shown, in seconds; None where the file does not say."""
    stamp = frame.pts if frame.pts is not None else frame.dts
    tick = frame.time_base if stamp is not None else None
    return stamp * tick.numerator / tick.denominator if tick else None


def _describe(frame: Any, stream: Any, *, time_s: float, is_guessed: bool) -> _FirstFrame:
    """Time, shown size and turn of the first picture."""
    aspect = Fraction(stream.codec_context.sample_aspect_ratio or 1)
    width_px, height_px = max(1, round_half_up(frame.width * aspect)), frame.height
    rotation_deg = round_half_up(-frame.rotation / 90) * 90 % 360
    if rotation_deg in (90, 270):
        width_px, height_px = height_px, width_px
    return _FirstFrame(
        time_s=time_s,
        is_guessed=is_guessed,
        width_px=width_px,
        height_px=height_px,
        rotation_deg=rotation_deg,
        timecode=_group_timecode(frame),
    )


def _group_timecode(frame: Any) -> str | None:
    """Timecode in the header of a group of pictures (ISO/IEC 13818-2, 6.3.8); zero is what encoders write for none."""
    packed = next((bytes(data)[:4] for data in frame.side_data if data.type.name == "GOP_TIMECODE"), b"")
    code = int.from_bytes(packed, "little")
    hours, minutes, seconds, pictures = code >> 19 & 31, code >> 13 & 63, code >> 6 & 63, code & 63
    text = f"{hours:02}:{minutes:02}:{seconds:02}{';' if code >> 24 & 1 else ':'}{pictures:02}"
    return text if hours + minutes + seconds + pictures and _TIMECODE.fullmatch(text) else None


def _frame_rate(stream: Any) -> Fraction:
    """Average frames a second, or a guess that makes sense."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate is not None and 0 < rate <= _MAX_FPS:
            return Fraction(rate)
    return _FALLBACK_FPS


# --- lengths ----


def _picture_duration_s(container: Any, stream: Any, path: Path, *, first: _FirstFrame, fps: Fraction) -> float:
    """Length of the picture: the header's, unless it is absent or cannot fit the size of the file."""
    ends_s = []
    if stream.duration and stream.time_base:
        ends_s.append(float((stream.start_time or 0) * stream.time_base + stream.duration * stream.time_base))
    if tag_s := _tagged_end_s(stream):
        ends_s.append(tag_s)
    if container.duration:
        ends_s.append((container.start_time or 0) / 1e6 + container.duration / 1e6)
    duration_s = next((end - first.time_s for end in ends_s if end > first.time_s), 0.0)
    too_thin = path.stat().st_size < duration_s * _MIN_BYTES_PER_S
    if 0 < duration_s <= _LONGEST_BELIEVED_S and not too_thin and not first.is_guessed:
        return round_s(duration_s)
    with open_container(path) as unread:
        return round_s(_counted_s(unread, unread.streams[stream.index], frame_s=float(1 / fps)))


def _tagged_end_s(stream: Any) -> float | None:
    """End of the stream as Matroska's statistics tag gives it, in seconds."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def _counted_s(container: Any, stream: Any, *, frame_s: float) -> float:
    """Length from the distances of the decoding times; a jump of the clock counts as one frame."""
    import av

    total_s, last_s = 0.0, None
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            stamp = packet.dts if packet.dts is not None else packet.pts
            now_s = float(stamp * packet.time_base) if stamp is not None else None
            step_s = now_s - last_s if now_s is not None and last_s is not None else frame_s
            total_s += step_s if 0 < step_s <= MAX_JUMP_S else frame_s
            last_s = now_s
    except (av.FFmpegError, OSError):
        pass  # the part before the damage counts
    return max(total_s, frame_s)


def _sound_duration_s(container: Any, stream: Any, path: Path, *, counted: bool) -> float:
    """Length of the sound, the header's if it is not to be counted; a file in which nothing decodes is refused."""
    import av

    header_s = float((stream.duration or 0) * stream.time_base) if stream.time_base else 0.0
    if header_s <= 0:
        header_s = (container.duration or 0) / 1e6
    n_enough = _PACKETS_TO_TRY if container.format.name == "flac" and header_s > _SLOW_TO_COUNT_S else math.inf
    n_enough = 0 if header_s > 0 and not counted else n_enough
    total, decodes, n_packets = Fraction(0), False, 0
    protected = False
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            protected = protected or packet.has_sidedata("encryption_info")
            n_packets += 1
            total += (packet.duration or 0) * (packet.time_base or stream.time_base or 0)
            if not decodes and n_packets <= _PACKETS_TO_TRY:
                try:
                    decodes = bool(packet.decode())
                except av.FFmpegError:
                    continue
            if n_packets > n_enough and (decodes or n_packets > _PACKETS_TO_TRY):
                break
    except (av.FFmpegError, OSError):
        pass  # the part before the damage counts
    if n_packets == 0:
        raise refusal(path, Reason.NO_AUDIO)
    if protected:
        raise refusal(path, Reason.ENCRYPTED)
    if not decodes and n_packets > 1:
        raise refusal(path, Reason.CORRUPT if looks_like_media(path) else Reason.NOT_MEDIA)
    counted_s = float(total)
    close = n_packets > n_enough or abs(header_s - counted_s) <= 0.1 + 0.01 * counted_s
    return round_s(header_s if header_s > 0 and (close or counted_s == 0) else counted_s)
