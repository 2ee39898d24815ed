"""Emotion readings of picture and music."""

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
"""Typical valence and arousal of each class, in [-1, 1]; after the layout of affect words by J. Russell
1980. Used for training heads and for placing mood words."""
UNSURE_UNDER = 0.25
"""Confidence below which a reading counts as neutral."""


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high):
        raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value}")


@dataclass(frozen=True, slots=True)
class EmotionState:
    """Mood of a span of picture or music as read by a network."""

    probabilities: tuple[float, ...]
    """One per class of `EMOTIONS`, in [0, 1], adding up to 1."""
    valence: float
    """Unpleasant to pleasant, in [-1, 1]."""
    arousal: float
    """Calm to excited, in [-1, 1]."""
    confidence: float
    """Calibrated probability that the leading class is correct, in [0, 1]."""

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

    def top(self, n: int = 3) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, best first.

        Examples
        --------
        >>> EmotionState((0.1, 0.0, 0.2, 0.1, 0.5, 0.1), 0.0, 0.0, 0.5).top(2)
        [('Sad', 0.5), ('Neutral', 0.2)]
        """
        order = sorted(range(len(EMOTIONS)), key=lambda i: (-self.probabilities[i], i))
        return [(EMOTIONS[i], self.probabilities[i]) for i in order[:n]]

    @property
    def label(self) -> str:
        """The most probable class, or ``Neutral`` if the confidence is too low."""
        if self.confidence < UNSURE_UNDER:
            return "Neutral"
        return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: self.probabilities[i])]


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Readings of n spans as arrays with one row per span."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated class probabilities, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: FloatArray = field(repr=False, compare=False)
    """Calibrated probability that the leading class is correct, in [0, 1], shape (n,)."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vectors in the joint space, shape (n, D)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Emotion and embedding of one span of film or music."""

    span: Span
    """Time span on the film or track clock."""
    emotion: EmotionState
    """Class probabilities, valence, arousal."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vector in the joint space, float32, shape (D,)."""
