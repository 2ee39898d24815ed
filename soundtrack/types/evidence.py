"""What is known about film and music, and from whom: channels, their raw evidence, and the opinions drawn from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from soundtrack.types.basics import BoolArray, FloatArray, Span
from soundtrack.types.emotion import EmotionState

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Medium(StrEnum):
    """What a channel looks at or listens to."""

    PICTURE = "picture"
    """The picture of a film."""
    SOUND = "sound"
    """The sound of a film."""
    TRACK = "track"
    """A track of the library."""
    TEXT = "text"
    """Words."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A source of evidence: a network, a set of measurements, a lexicon."""

    name: str
    """Lower-case words joined by hyphens, such as ``film-numbers``; unique among the channels of a medium."""
    version: str
    """Changes whenever the features of the same film or track would differ."""
    medium: Medium
    """What it reads."""
    dim: int
    """Features of each span, at least 1."""
    sha256: str
    """Hash of what made the features: weights and configuration; lower-case hex."""
    names: tuple[str, ...] = ()
    """What each feature is called, where people can read them; else none."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be lower-case words joined by hyphens, got {self.name!r}")
        if not self.version:
            raise ValueError("version must not be empty")
        if self.dim < 1:
            raise ValueError(f"dim must be at least 1, got {self.dim}")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 must be 64 lower-case hex digits, got {self.sha256!r}")
        if len(self.names) not in (0, self.dim):
            raise ValueError(f"names must be none or one for each of {self.dim} features, got {len(self.names)}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one channel found, before any head has read it; kept by the library and the film's cache, never in a sheet.

    Raises
    ------
    ValueError
        The number of rows is not that of the spans, their width is not the channel's, or a number is not finite.
    """

    channel: Channel
    """Who found it."""
    spans: tuple[Span, ...]
    """The stretches, ascending, on the film's or the track's clock."""
    features: FloatArray = field(repr=False, compare=False)
    """One row for each span, float32, shape (n, dim)."""

    def __post_init__(self) -> None:
        expected = (len(self.spans), self.channel.dim)
        if self.features.shape != expected:
            raise ValueError(f"features of {self.channel.name} must have shape {expected}, got {self.features.shape}")
        if not bool((abs(self.features) < float("inf")).all()):
            raise ValueError(f"features of {self.channel.name} must be finite")


@dataclass(frozen=True, slots=True)
class Measure:
    """One feature of a channel, by the name that the channel gives it."""

    name: str
    """Of the feature."""
    value: float
    """Its mean over the stretch, in the channel's own unit."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the head would say if it knew this channel alone; small enough to be kept in a sheet."""

    channel: str
    """Name of the channel."""
    weight: float
    """Its share in the fused reading, in [0, 1]; the weights of all opinions of a scene or segment add up to 1."""
    emotion: EmotionState | None = None
    """Classes, valence, arousal; None where the head has no block for the channel, which then weighs 0."""
    measures: tuple[Measure, ...] = ()
    """The channel's own numbers, where it names them and the head has no block for it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            raise ValueError(f"weight must be in [0, 1], got {self.weight}")
        if self.emotion is None and self.weight:
            raise ValueError(f"{self.channel} has no emotion, so its weight must be 0, got {self.weight}")


@dataclass(frozen=True, slots=True)
class OpinionBatch:
    """What one channel says by itself about n stretches; rows belong together."""

    channel: Channel
    """Who says it."""
    known: BoolArray = field(repr=False, compare=False)
    """Whether it knows anything of the stretch, shape (n,)."""
    weight: FloatArray = field(repr=False, compare=False)
    """Share in the fused reading, in [0, 1], shape (n,)."""
    probabilities: FloatArray | None = field(default=None, repr=False, compare=False)
    """Of the classes, shape (n, 6); None where the head has no block for the channel."""
    plane: FloatArray | None = field(default=None, repr=False, compare=False)
    """Valence and arousal, shape (n, 2); None as above."""
    confidence: FloatArray | None = field(default=None, repr=False, compare=False)
    """Chance that the leading class is right, shape (n,); None as above."""
    measures: FloatArray | None = field(default=None, repr=False, compare=False)
    """The channel's own numbers, by its names, shape (n, dim) or (n, 0); None where the head reads them."""
