"""Protocols of channels: one method per medium, no base class.

A channel reads one kind of evidence from a film, a track or words and says nothing about mood: that is the head's work
(`soundtrack.emotion.head`). The channels in use are listed in `soundtrack.pipeline.channels`; other packages add theirs
by the entry point ``soundtrack.channels``, a callable that takes a `ChannelSetup` and gives one of the types below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from soundtrack.types.basics import FloatArray, Span
from soundtrack.types.evidence import Channel, Evidence
from soundtrack.types.film import Clip


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """Sampling of the clips of a film, shared by all channels."""

    n_frames: int
    """Frames per clip, above 0."""
    frame_rate_hz: float
    """Frame rate inside a clip in Hz, above 0."""
    stride_s: float
    """From the start of a clip to the start of the next, in seconds, above 0."""
    side_px: int
    """Side of the square frames, in pixels, above 0."""

    def __post_init__(self) -> None:
        if min(self.n_frames, self.frame_rate_hz, self.stride_s, self.side_px) <= 0:
            raise ValueError(f"every number must be above 0, got {self}")


@dataclass(frozen=True, slots=True)
class StillFormat:
    """Sampling of stills: fewer and larger pictures than clips, for content rather than motion."""

    every_s: float
    """From one still to the next, in seconds, above 0."""
    side_px: int
    """Side of the square stills, in pixels, above 0."""

    def __post_init__(self) -> None:
        if min(self.every_s, self.side_px) <= 0:
            raise ValueError(f"every number must be above 0, got {self}")


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """Parameters for creating a channel."""

    device: str
    """``auto``, ``cpu`` or ``cuda``."""
    clips: ClipFormat
    """Sampling of the clips for picture channels."""
    sample_rate_hz: int
    """Sample rate for sound and track channels, in Hz."""
    stills: StillFormat | None = None
    """Sampling of the stills; None if no channel needs stills."""


class PictureChannel(Protocol):
    """Channel of a film's picture; a new instance is created for each film.

    Making one and asking for its `channel` costs next to nothing: weights are loaded at the first clip.
    """

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``picture``."""
        ...

    def push(self, clips: Sequence[Clip]) -> None:
        """Process the next clips in order of time; their frames must not be kept or changed."""
        ...

    def finish(self) -> Evidence:
        """Return all evidence; called once, after the last clip."""
        ...


class SoundChannel(Protocol):
    """Channel of a film's sound; a new instance is created for each film."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``sound``."""
        ...

    def push(self, sound: FloatArray) -> None:
        """Process the next samples: mono, shape (n,), at the rate of the setup, from 0 on the film clock."""
        ...

    def finish(self) -> Evidence:
        """Return all evidence; called once, after the last samples."""
        ...


class TrackChannel(Protocol):
    """Channel of library tracks, one after the other."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``track``."""
        ...

    def read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """Return one row per span of a track, from its mono samples of shape (n,) at the rate of the setup."""
        ...


class TextChannel(Protocol):
    """Channel of text: lyrics, subtitles, requests."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``text``."""
        ...

    def read(self, words: Sequence[str]) -> Evidence:
        """Return one row per text; the spans of the evidence count the texts, ``[i, i + 1)``."""
        ...


FilmChannel: TypeAlias = PictureChannel | SoundChannel
"""A channel of a film's picture or sound."""
AnyChannel: TypeAlias = PictureChannel | SoundChannel | TrackChannel | TextChannel
"""Any channel; ``channel.medium`` gives its kind."""
ChannelMaker: TypeAlias = Callable[[ChannelSetup], AnyChannel]
"""Type of the entry point of a plugin."""
