"""Fingerprint of a film's streams: bytes, times, tags and flags of every stream.

Goes in: a path. Comes out: a `FilmPrint`. Packets are hashed as they lie in the file, one hash per stream, so that
another division into packets makes no difference. Where a container frames H.264 and HEVC in another way, they are
hashed by the slices of the picture; AAC always without the headers that only transport streams have.
"""

from __future__ import annotations

import hashlib
import html
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from soundtrack.media.opening import open_container
from soundtrack.media.reading.headers import Facts, header_facts
from soundtrack.media.sandbox import apart, apart_beside
from soundtrack.media.writing.mp4_tags import stream_title
from soundtrack.types import StreamKind

_FLAGS = [
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
    "attached_pic",
    "captions",
    "descriptions",
]
_START_CODE = re.compile(b"\x00\x00\x01")
_ADTS_BYTES = 7
_LEAP_S = 1.0
_STEADY_KINDS = (StreamKind.VIDEO, StreamKind.AUDIO)


@dataclass(frozen=True, slots=True)
class StreamPrint:
    """One stream of a film."""

    index: int
    """Position in the file."""
    kind: StreamKind
    """What it carries."""
    codec: str
    """Name of the codec."""
    digest: str
    """SHA-256 of its payload."""
    n_packets: int
    """Packets with content."""
    start_s: float | None
    """First presentation time on the picture's clock; None without packets."""
    end_s: float | None
    """Last presentation time and duration on the picture's clock; None without packets."""
    flags: frozenset[str]
    """Dispositions."""
    language: str | None
    """Language tag, None for undetermined."""
    title: str | None
    """Its name."""
    file_name: str | None = None
    """Of an attached file."""
    media_type: str | None = None
    """MIME type of an attached file."""
    facts: Facts = ()
    """What else the headers say of it: cropping, Dolby Vision, a language with its region."""
    tag: str | None = None
    """Of a picture: the four letters by which its container names the codec."""
    has_steady_clock: bool = True
    """Whether all packets have times that follow each other without a jump."""
    last_s: float | None = None
    """Last presentation time on the picture's clock; None without packets."""
    texts: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    """Of subtitles in text: start in tenths of a second and bare words."""

    def describe(self) -> str:
        """For people: ``subtitle stream 3 (subrip)``."""
        return f"{self.kind.value} stream {self.index} ({self.codec})"


@dataclass(frozen=True, slots=True)
class Picture:
    """How the first frame is to be shown."""

    size_px: tuple[int, int]
    """Width and height as coded."""
    rotation_deg: int
    """Turn that a player applies."""
    aspect: str
    """Sample aspect ratio."""
    colour: tuple[int, ...]
    """Range, primaries, transfer and matrix as the frame says."""
    side_data: tuple[str, ...]
    """Kinds and contents of HDR and other data that belong to the picture as a whole."""
    time_s: float | None
    """When it is shown, on the container's clock: the zero of the picture's clock."""


@dataclass(frozen=True, slots=True)
class FilmPrint:
    """All of a film."""

    path: Path
    """The file."""
    streams: tuple[StreamPrint, ...]
    """In file order."""
    video_stream: int
    """Index of the moving picture, -1 without one."""
    picture: Picture | None
    """Its first frame, None if nothing decodes."""
    chapters: tuple[tuple[int, int, str], ...]
    """Start and end in hundredths of a second on the picture's clock, title."""
    tags: dict[str, str]
    """Words about the whole file, names in lower case."""
    facts: Facts = ()
    """What else the headers say: programmes, names of chapters in all languages."""


def film_print(path: Path, *, video_stream: int | None = None, by_slices: bool = False) -> FilmPrint:
    """Read every packet of a film once, decode one picture, and remember what matters.

    Parameters
    ----------
    path : Path
        The film.
    video_stream : int, optional
        The moving picture, if known.
    by_slices : bool
        Whether H.264 and HEVC are hashed without their framing, to compare with another kind of container.

    Raises
    ------
    InputError
        The file can't be opened.
    """
    return apart(path, _film_print, path, video_stream=video_stream, by_slices=by_slices)


def film_print_beside(
    path: Path, *, video_stream: int | None = None, by_slices: bool = False
) -> AbstractContextManager[Callable[[], FilmPrint]]:
    """As `film_print`, while something else is done: what is given waits for it; leaving early ends the reading."""
    return apart_beside(path, _film_print, path, video_stream=video_stream, by_slices=by_slices)


def _film_print(path: Path, *, video_stream: int | None, by_slices: bool) -> FilmPrint:
    """The same, in the process that may be lost."""
    with open_container(path) as film:
        if video_stream is None:
            moving = [s for s in film.streams.video if "attached_pic" not in _flags(s)]
            chosen = next((s for s in moving if "default" in _flags(s)), moving[0] if moving else None)
            video_stream = chosen.index if chosen else -1
        readers = [_StreamReader(stream, by_slices=by_slices) for stream in film.streams]
        _read(film, readers)
        picture = _first_picture(path, video_stream) if video_stream >= 0 else None
        zero_s = picture.time_s if picture else None
        if zero_s is None:
            zero_s = (readers[video_stream].start_s if video_stream >= 0 else None) or 0.0
        chapters = tuple(
            (
                round((float(c["start"] * c["time_base"]) - zero_s) * 100),
                round((float(c["end"] * c["time_base"]) - zero_s) * 100),
                str(c["metadata"].get("title", "")),
            )
            for c in film.chapters()
        )
        tags = {name.lower(): value for name, value in film.metadata.items()}
    facts = header_facts(path)
    prints = tuple(replace(reader.result(zero_s), facts=facts.get(n, ())) for n, reader in enumerate(readers))
    return FilmPrint(
        path=path,
        streams=prints,
        video_stream=video_stream,
        picture=picture,
        chapters=chapters,
        tags=tags,
        facts=facts.get(-1, ()),
    )


def _read(film: Any, readers: list[_StreamReader]) -> None:
    """Every packet to its reader; damage ends the reading."""
    import av

    try:
        for packet in film.demux():
            if packet.size and packet.stream_index < len(readers):
                readers[packet.stream_index].add(packet)
    except (av.FFmpegError, OSError):
        return


def _flags(stream: Any) -> frozenset[str]:
    """Names of the dispositions that are set."""
    flags = stream.disposition
    return frozenset(n for n in _FLAGS if hasattr(type(flags), n) and flags & getattr(type(flags), n))


class _StreamReader:
    """Takes the packets of one stream."""

    def __init__(self, stream: Any, *, by_slices: bool) -> None:
        context = stream.codec_context
        self._index = int(stream.index)
        self._kind = StreamKind(stream.type) if stream.type in set(StreamKind) else StreamKind.DATA
        codec = getattr(context, "codec", None)
        self._codec = str(getattr(codec, "canonical_name", None) or getattr(context, "name", None) or "unknown")
        self._tag = str(context.codec_tag) if self._kind is StreamKind.VIDEO and context else None
        self._container = str(stream.container.format.name)
        self._by_slices = by_slices and self._codec in ("h264", "hevc")
        self._flags = _flags(stream)
        self._metadata = {name.lower(): value for name, value in stream.metadata.items()}
        self._hash = hashlib.sha256()
        self._head = bytes(getattr(context, "extradata", None) or b"")
        self._n = 0
        self._is_steady = True
        self._last_s: float | None = None
        self._tick_s = float(stream.time_base or 0)
        self._end_s: float | None = None
        self._last_shown_s: float | None = None
        self._texts: list[tuple[float, str]] = []
        self.start_s: float | None = None
        if self._kind is StreamKind.ATTACHMENT:
            self._hash.update(stream.data or b"")

    def add(self, packet: Any) -> None:
        """The next packet; words that an edit list hides are no part of the film, and no muxer keeps them."""
        if self._kind is StreamKind.SUBTITLE and packet.is_discard:
            return
        payload = memoryview(packet)
        if self._by_slices:
            for unit in _slices(bytes(payload), hevc=self._codec == "hevc", head=self._head):
                self._hash.update(unit)
        elif self._codec == "aac" and not self._head and len(payload) > _ADTS_BYTES:
            self._hash.update(payload[_ADTS_BYTES if payload[1] & 1 else _ADTS_BYTES + 2 :])
        else:
            self._hash.update(payload)
        self._n += 1
        shown, decoded = packet.pts, packet.dts
        self._watch_clock(shown if decoded is None else decoded)
        stamp = decoded if shown is None else shown
        if stamp is not None and self._tick_s:
            time_s = stamp * self._tick_s
            end_s = time_s + (packet.duration or 0) * self._tick_s
            self.start_s = time_s if self.start_s is None else min(self.start_s, time_s)
            self._end_s = end_s if self._end_s is None else max(self._end_s, end_s)
            self._last_shown_s = time_s if self._last_shown_s is None else max(self._last_shown_s, time_s)
            if self._kind is StreamKind.SUBTITLE and (words := _words(bytes(payload), self._codec)):
                self._texts.append((time_s, words))

    def _watch_clock(self, stamp: int | None) -> None:
        """Note whether decoding times are there and climb without a leap."""
        if stamp is None or not self._tick_s:
            self._is_steady = False
            return
        now_s = stamp * self._tick_s
        if self._last_s is not None and self._kind in _STEADY_KINDS:
            self._is_steady = self._is_steady and -_LEAP_S < now_s - self._last_s < _LEAP_S
        self._last_s = now_s

    def result(self, zero_s: float) -> StreamPrint:
        """What was seen, on the picture's clock."""
        language = self._metadata.get("language")
        return StreamPrint(
            index=self._index,
            kind=self._kind,
            codec=self._codec,
            digest=self._hash.hexdigest(),
            n_packets=self._n,
            start_s=None if self.start_s is None else self.start_s - zero_s,
            end_s=None if self._end_s is None else self._end_s - zero_s,
            flags=self._flags,
            language=None if language in (None, "", "und") else language,
            title=stream_title(self._metadata, container=self._container),
            file_name=self._metadata.get("filename"),
            media_type=self._metadata.get("mimetype"),
            tag=self._tag,
            last_s=None if self._last_shown_s is None else self._last_shown_s - zero_s,
            has_steady_clock=self._is_steady,
            texts=tuple((round((time_s - zero_s) * 10), words) for time_s, words in self._texts),
        )


def _slices(payload: bytes, *, hevc: bool, head: bytes) -> Iterator[bytes]:
    """Units of a packet that hold picture, whichever way they are framed, without the zeros that may follow them."""
    for padded in _length_framed(payload, head, hevc=hevc) if head[:1] == b"\x01" else _start_coded(payload):
        unit = padded.rstrip(b"\x00")
        if not unit:
            continue
        kind = (unit[0] >> 1) & 63 if hevc else unit[0] & 31
        if kind < 32 if hevc else 1 <= kind <= 5:
            yield unit


def _length_framed(payload: bytes, head: bytes, *, hevc: bool) -> Iterator[bytes]:
    """Units with their length in front, as in mp4 and Matroska."""
    size = (head[21] if hevc else head[4]) % 4 + 1
    place = 0
    while place + size <= len(payload):
        length = int.from_bytes(payload[place : place + size], "big")
        yield payload[place + size : place + size + length]
        place += size + length


def _start_coded(payload: bytes) -> Iterator[bytes]:
    """Units between start codes, as in transport streams."""
    starts = [m.end() for m in _START_CODE.finditer(payload)]
    for begin, end in zip(starts, [*(s - 3 for s in starts[1:]), len(payload)], strict=True):
        yield payload[begin:end]


def _words(payload: bytes, codec: str) -> str:
    """The bare text of a subtitle packet, empty for pictures and pauses."""
    if codec == "mov_text":
        payload = payload[2 : 2 + int.from_bytes(payload[:2], "big")]
    text = payload.decode("utf-8", "replace")
    if codec in ("ass", "ssa"):
        text = text.split(",", 8)[-1]
    text = re.sub(r"<br */?>|\\\u2060?[Nnh]", " ", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>|\{[^}]*\}", "", text)).split())


_WHOLE_PICTURE_DATA = (
    "MASTERING",
    "CONTENT_LIGHT",
    "DOVI",
    "DYNAMIC_HDR_VIVID",
)


def _turn(matrix: bytes) -> str:
    """How a display matrix turns, mirrors and scales; the shift back into view is left to the player."""
    a, b, _, c, d, *_ = (value / 65536 for value in struct.unpack("9i", matrix[:36]))
    return " ".join(f"{round(value, 2) + 0:g}" for value in (a, b, c, d))


def _first_picture(path: Path, video_stream: int) -> Picture | None:
    """Decode one frame and tell how it is shown."""
    import av

    with open_container(path) as film:
        stream = film.streams[video_stream]
        try:
            frame = next(film.decode(stream))
        except (av.FFmpegError, OSError, StopIteration):
            return None
        side_data = []
        for data in frame.side_data:
            name = getattr(data.type, "name", str(data.type))
            if name == "DISPLAYMATRIX":
                side_data.append(f"{name}:{_turn(bytes(data))}")
            elif any(wanted in name.upper() for wanted in _WHOLE_PICTURE_DATA):
                side_data.append(f"{name}:{hashlib.sha256(bytes(data)).hexdigest()[:16]}")
        return Picture(
            size_px=(frame.width, frame.height),
            rotation_deg=round(frame.rotation) % 360,
            aspect=str(stream.sample_aspect_ratio or 1),
            colour=tuple(
                int(getattr(frame, name, 2) or 0)
                for name in ("color_range", "color_primaries", "color_trc", "colorspace")
            ),
            side_data=tuple(sorted(side_data)),
            time_s=float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else None,
        )
