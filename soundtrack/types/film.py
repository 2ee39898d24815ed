"""The film: streams, frames, clips, shots, scenes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from soundtrack.types.basics import ByteArray, Span, TimeArray
from soundtrack.types.emotion import EmotionState
from soundtrack.types.evidence import Opinion


class StreamKind(StrEnum):
    """Kind of a stream in a container."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    DATA = "data"
    ATTACHMENT = "attachment"


UNKNOWN_CODEC = "unknown"
"""Codec name of a stream that ffmpeg cannot decode."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a container."""

    index: int
    """Position in the file, from 0."""
    kind: StreamKind
    """Kind of the stream."""
    codec: str
    """ffmpeg's name, or `UNKNOWN_CODEC`."""
    is_default: bool = False
    """Whether the file marks it as the default stream."""
    is_attached_picture: bool = False
    """Whether it is cover art."""
    language: str | None = None
    """Language tag of the stream."""
    channels: int | None = None
    """Audio channels."""
    sample_rate_hz: int | None = None
    """Sample rate in Hz."""

    @property
    def has_decoder(self) -> bool:
        """Whether ffmpeg can decode it."""
        return self.codec != UNKNOWN_CODEC


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A film as the container describes it; t = 0 is its first shown frame."""

    path: Path
    """Path of the file."""
    container: str
    """ffmpeg's format name, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration_s: float
    """Length of the picture in seconds according to the header."""
    fps: Fraction
    """Average frames a second, above 0."""
    width_px: int
    """Shown width after rotation, in pixels."""
    height_px: int
    """Shown height after rotation, in pixels."""
    rotation_deg: int
    """Clockwise rotation applied by players: 0, 90, 180 or 270 degrees."""
    video_stream: int
    """Index of the film's video stream in `streams`."""
    streams: tuple[StreamInfo, ...]
    """All streams in file order."""
    start_s: float = 0.0
    """Container time of the first shown frame, in seconds; may be negative."""
    hides_head: bool = False
    """Whether an edit list hides the first frames."""
    start_timecode: str | None = None
    """SMPTE timecode of the first picture as the file gives it, such as ``01:00:00;00``."""
    state: tuple[int, ...] = field(default=(), repr=False, compare=False)
    """What the file system said of the file, to notice a change; empty if there is no file."""

    @property
    def audio_streams(self) -> tuple[StreamInfo, ...]:
        """The audio streams in file order."""
        return tuple(s for s in self.streams if s.kind is StreamKind.AUDIO)

    @property
    def main_audio(self) -> StreamInfo | None:
        """The decodable audio stream that a player would select, or None for a silent film."""
        streams = sorted(self.audio_streams, key=lambda s: (not s.has_decoder, not s.is_default))
        return streams[0] if streams else None


@dataclass(frozen=True, slots=True)
class Still:
    """One larger picture of the film."""

    time_s: float
    """Time at which it is shown, film clock."""
    pixels: ByteArray = field(repr=False, compare=False)
    """RGB, shape (side, side, 3); the whole picture squashed to a square."""
    aspect: float = 1.0
    """Width of the shown picture divided by its height, above 0."""


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Consecutive decoded frames, scaled down and upright."""

    times_s: TimeArray = field(repr=False, compare=False)
    """When each frame is first shown, in seconds, ascending, shape (n,)."""
    frames: ByteArray = field(repr=False, compare=False)
    """RGB, shape (n, side, side, 3); the whole picture squashed to a square."""
    stills: tuple[Still, ...] = field(default=(), repr=False, compare=False)
    """Stills of the same time span, if requested."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stack of frames for the network."""

    span: Span
    """Time span on the film clock."""
    frames: ByteArray = field(repr=False, compare=False)
    """RGB, shape (n_frames, side, side, 3)."""
    stills: tuple[Still, ...] = field(default=(), repr=False, compare=False)
    """Stills of the same time span, if requested."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The frames between two cuts."""

    index: int
    """Position in the film, from 0."""
    span: Span
    """From its first frame to the first frame of the next shot."""


@dataclass(frozen=True, slots=True)
class FilmNumbers:
    """Visual features of a film span."""

    cut_rate_per_min: float
    """Cuts per minute."""
    brightness: float
    """Mean luma, in [0, 1]."""
    saturation: float
    """Mean HSV saturation, in [0, 1]."""
    motion: float
    """Mean absolute luma change between consecutive frames, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One or more consecutive shots of one mood; the unit that receives music."""

    index: int
    """Position in the film, from 0."""
    span: Span
    """From its first shot's start to its last shot's end."""
    first_shot: int
    """Index of its first shot."""
    n_shots: int
    """Number of shots, at least 1."""
    emotion: EmotionState
    """Robust mean of its readings."""
    film: FilmNumbers
    """Cut rate, brightness, saturation, motion."""
    speech_share: float = 0.0
    """Share of the scene with speech, in [0, 1]."""
    music_share: float = 0.0
    """Share of the scene with existing music, in [0, 1]."""
    opinions: tuple[Opinion, ...] = ()
    """Opinion of each channel; empty in sheets of earlier versions."""
