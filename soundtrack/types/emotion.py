"""What the networks say about a stretch of picture or music."""

from __future__ import annotations

from dataclasses import dataclass, field

from soundtrack.types.basics import EMOTIONS, FloatArray, Span

CLASS_VALENCE_AROUSAL: dict[str, tuple[float, float]] = {
    "Excited": (0.6, 0.7),
    "Fear": (-0.6, 0.6),
    "Neutral": (0.05, -0.1),
    "Relaxation": (0.5, -0.5),
    "Sad": (-0.55, -0.4),
    "Tension": (-0.4, 0.5),
}
"""Where a plain example of each class lies on the plane, in [-1, 1]; after the layout of affect words by J. Russell
1980. Heads are taught by it and words of mood are placed by it, on both sides."""
UNSURE_UNDER = 0.25
"""Confidence under which a stretch counts as neutral, whatever its leading class."""


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high):
        raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value}")


@dataclass(frozen=True, slots=True)
class EmotionState:
    """What a network believes about the mood of a stretch of picture or music."""

    probabilities: tuple[float, ...]
    """One per class of `EMOTIONS`, in [0, 1], adding up to 1."""
    valence: float
    """Unpleasant to pleasant, in [-1, 1]."""
    arousal: float
    """Calm to excited, in [-1, 1]."""
    confidence: float
    """Calibrated chance that the leading class is right, in [0, 1]."""

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(EMOTIONS):
            raise ValueError(f"probabilities must have {len(EMOTIONS)} entries, got {len(self.probabilities)}")
        for p in self.probabilities:
            _in_range("probability", p, 0.0, 1.0)
        if abs(sum(self.probabilities) - 1.0) > 1e-3:
            raise ValueError(f"probabilities must add up to 1, got {sum(self.probabilities)}")
        _in_range("valence", self.valence, -1.0, 1.0)
        _in_range("arousal", self.arousal, -1.0, 1.0)
        _in_range("confidence", self.confidence, 0.0, 1.0)

    @property
    def label(self) -> str:
        """The most probable class; ``Neutral`` where that is too unsure to be named."""
        if self.confidence < UNSURE_UNDER:
            return "Neutral"
        return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: self.probabilities[i])]


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """What a network says about n stretches at once; rows belong together."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated class probabilities, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: FloatArray = field(repr=False, compare=False)
    """Calibrated chance that the leading class is right, in [0, 1], shape (n,)."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vectors in the joint space, shape (n, D)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the networks say about one stretch of film or music."""

    span: Span
    """The stretch, on the film's or the track's clock."""
    emotion: EmotionState
    """Classes, valence, arousal."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vector in the joint space, float32, shape (D,)."""
