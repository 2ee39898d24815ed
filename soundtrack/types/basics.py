"""Array types, the six emotion classes, and time spans."""

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
"""The six emotion classes, in the order of all probability vectors."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open time span."""

    start_s: float
    """Start in seconds, inclusive, at least 0."""
    end_s: float
    """End in seconds, exclusive, at least `start_s`."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s <= self.end_s):
            raise ValueError(f"span must have 0 <= start <= end, got [{self.start_s}, {self.end_s})")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Span) -> float:
        """Overlap of both spans in seconds, at least 0."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))
