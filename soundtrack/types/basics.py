"""Arrays, the six classes, and the span of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
TimeArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

EMOTIONS: tuple[str, ...] = ("Excited", "Fear", "Neutral", "Relaxation", "Sad", "Tension")
"""The six classes, in the order of every probability vector of the tool."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, half-open."""

    start_s: float
    """First moment inside, in seconds, at least 0."""
    end_s: float
    """First moment after, in seconds, at least `start_s`."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s <= self.end_s):
            raise ValueError(f"span must have 0 <= start <= end, got [{self.start_s}, {self.end_s})")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Span) -> float:
        """Seconds that both spans share, at least 0."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))
