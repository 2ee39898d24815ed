"""Channels, their raw evidence about film and music, and opinions derived from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from soundtrack.types.basics import BoolArray, FloatArray, Span
from soundtrack.types.emotion import EmotionState

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Medium(StrEnum):
    """Input of a channel."""

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
    """Input of the channel."""
    dim: int
    """Number of features per span, at least 1."""
    sha256: str
    """Hash of the weights and configuration behind the features; lower-case hex."""
    names: tuple[str, ...] = ()
    """Names of the features if they are meaningful to people, else empty."""

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
    """Raw output of one channel; stored in the library and the film cache, never in a sheet.

    Raises
    ------
    ValueError
        The number of rows is not that of the spans, their width is not the channel's, or a number is not finite.
    """

    channel: Channel
    """The channel."""
    spans: tuple[Span, ...]
    """Time spans, ascending, on the film or track clock."""
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
    """One named feature of a channel."""

    name: str
    """Name of the feature."""
    value: float
    """Mean over the span, in the unit of the channel."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """Reading of the head from this channel only."""

    channel: str
    """Name of the channel."""
    weight: float
    """Weight in the fused reading, in [0, 1]; the weights of a scene or segment add up to 1."""
    emotion: EmotionState | None = None
    """Class probabilities, valence, arousal; None if the head does not use the channel (weight 0)."""
    measures: tuple[Measure, ...] = ()
    """Named measures of a channel that the head does not use, or on which an opinion is based."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            raise ValueError(f"weight must be in [0, 1], got {self.weight}")
        if self.emotion is None and self.weight:
            raise ValueError(f"{self.channel} has no emotion, so its weight must be 0, got {self.weight}")


@dataclass(frozen=True, slots=True)
class OpinionBatch:
    """Opinions of one channel about n spans as arrays with one row per span."""

    channel: Channel
    """The channel."""
    known: BoolArray = field(repr=False, compare=False)
    """Whether the channel has evidence for the span, shape (n,)."""
    weight: FloatArray = field(repr=False, compare=False)
    """Weight in the fused reading, in [0, 1], shape (n,)."""
    probabilities: FloatArray | None = field(default=None, repr=False, compare=False)
    """Class probabilities, shape (n, 6); None if the head does not use the channel."""
    plane: FloatArray | None = field(default=None, repr=False, compare=False)
    """Valence and arousal, shape (n, 2); None as above."""
    confidence: FloatArray | None = field(default=None, repr=False, compare=False)
    """Probability that the leading class is correct, shape (n,); None as above."""
    measures: FloatArray | None = field(default=None, repr=False, compare=False)
    """Named measures of the channel, shape (n, dim) or (n, 0); None if the head uses the channel."""
