"""What a channel must offer: one method per medium, and no base class.

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
    """How the clips of a film are sampled; one sampling feeds all channels."""

    n_frames: int
    """Frames of a clip, above 0."""
    frame_rate_hz: float
    """Frames a second inside a clip, above 0."""
    stride_s: float
    """From the start of a clip to the start of the next, in seconds, above 0."""
    side_px: int
    """Side of the square frames, in pixels, above 0."""

    def __post_init__(self) -> None:
        if min(self.n_frames, self.frame_rate_hz, self.stride_s, self.side_px) <= 0:
            raise ValueError(f"every number must be above 0, got {self}")


@dataclass(frozen=True, slots=True)
class StillFormat:
    """How stills are taken from a film beside its clips: fewer and larger, for what is seen and not how it moves."""

    every_s: float
    """From one still to the next, in seconds, above 0."""
    side_px: int
    """Side of the square stills, in pixels, above 0."""

    def __post_init__(self) -> None:
        if min(self.every_s, self.side_px) <= 0:
            raise ValueError(f"every number must be above 0, got {self}")


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """What a channel is made with."""

    device: str
    """``auto``, ``cpu`` or ``cuda``."""
    clips: ClipFormat
    """Of the clips that a picture channel will get."""
    sample_rate_hz: int
    """Of the sound that a sound or track channel will get."""
    stills: StillFormat | None = None
    """Of the stills that come with the clips; None where nobody asks for any."""


class PictureChannel(Protocol):
    """Watches the picture of one film; a new one is made for each film.

    Making one and asking for its `channel` costs next to nothing: weights are loaded at the first clip.
    """

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``picture``."""
        ...

    def push(self, clips: Sequence[Clip]) -> None:
        """Look at the next clips, in order of time; their frames must not be kept or changed."""
        ...

    def finish(self) -> Evidence:
        """Everything found; called once, after the last clip."""
        ...


class SoundChannel(Protocol):
    """Listens to the sound of one film; a new one is made for each film."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``sound``."""
        ...

    def push(self, sound: FloatArray) -> None:
        """Hear the next samples: mono, shape (n,), at the rate of the setup, from 0 on the film's clock."""
        ...

    def finish(self) -> Evidence:
        """Everything found; called once, after the last samples."""
        ...


class TrackChannel(Protocol):
    """Listens to the tracks of the library, one after the other."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``track``."""
        ...

    def read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """One row for each of some spans of a track, from its mono samples of shape (n,) at the rate of the setup."""
        ...


class TextChannel(Protocol):
    """Reads words: a lyric, a subtitle, a wish."""

    @property
    def channel(self) -> Channel:
        """Its name, version and hash; medium ``text``."""
        ...

    def read(self, words: Sequence[str]) -> Evidence:
        """One row for each text; the spans of the evidence count the texts, ``[i, i + 1)``."""
        ...


FilmChannel: TypeAlias = PictureChannel | SoundChannel
"""Either of the two that a film has."""
AnyChannel: TypeAlias = PictureChannel | SoundChannel | TrackChannel | TextChannel
"""Told apart by ``channel.medium``."""
ChannelMaker: TypeAlias = Callable[[ChannelSetup], AnyChannel]
"""What the entry point of another package gives."""
