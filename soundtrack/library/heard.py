"""Result of analysing one file: everything about a track except its name and place.

`Heard` is passed from a worker process to the process that writes the index. `Listener` is the type of the analysis
function: from a path to `Heard`, or an `InputError` with the reason. A known track that lacks the evidence of some
channels is analysed for these only, which gives `Observed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from soundtrack.types import (
    AudioInfo,
    BarTable,
    EmotionState,
    Evidence,
    FloatArray,
    Loudness,
    MusicAnalysis,
    Segment,
    Tags,
    Track,
)

SILENT_LUFS = -60.0
"""A track or segment at or below this loudness is silent, and is never offered."""


class Warned(StrEnum):
    """Closed list of what may be odd about a file that is indexed all the same."""

    TRUNCATED = "truncated"
    """It ends earlier than its header says."""
    DAMAGED = "damaged"
    """Parts of it could not be decoded."""
    COVER_SKIPPED = "cover_skipped"
    """Its cover art is too large to be looked at; the sound is whole."""
    OFFSET = "offset"
    """Its samples lie far off zero, which clicks where it begins and ends."""
    SILENT = "silent"
    """Nothing can be heard in it; it is never offered for a scene."""
    LONG = "long"
    """Only its beginning was heard whole, the rest in windows."""
    SPEECH = "speech"
    """Voices and hardly any music are heard in it; it is offered only where spoken word is allowed."""
    DISC = "disc"
    """It holds several tracks, as the ``.cue`` sheet beside it says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The analysis of one file."""

    tags: Tags
    """Cleaned."""
    audio: AudioInfo
    """The decoded stream."""
    loudness: Loudness
    """Of the whole track."""
    analysis: MusicAnalysis
    """Tempo, key, bars, sections, ends."""
    bars: BarTable
    """Where it may be cut."""
    emotion: EmotionState
    """Mean over the segments."""
    segments: tuple[Segment, ...]
    """Stretches of about ten seconds, at least one."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors of the segments, shape (n_segments, D)."""
    vector: FloatArray = field(repr=False, compare=False)
    """Unit vector of the whole, shape (D,)."""
    warnings: tuple[Warned, ...] = ()
    """What was odd."""
    evidence: tuple[Evidence, ...] = ()
    """What each channel found in the segments, as the index keeps it."""

    def track(self, track_id: str, path: Path) -> Track:
        """The track that this makes, under a name and at a place."""
        return Track(
            track_id=track_id,
            path=path,
            tags=self.tags,
            audio=self.audio,
            loudness=self.loudness,
            analysis=self.analysis,
            emotion=self.emotion,
            segments=self.segments,
        )


@dataclass(frozen=True, slots=True)
class Observed:
    """What some channels found in a track that is known otherwise."""

    evidence: tuple[Evidence, ...]
    """Of each of them, in the segments of the track."""


class Listener(Protocol):
    """Analyses one file; raises `InputError` with a reason for a file that cannot be used."""

    def __call__(self, path: Path, channels: tuple[str, ...] = (), /) -> Heard | Observed:
        """Everything about a track; or, where channels are named, what those find in it and nothing else."""


def require_unit_vectors(vectors: FloatArray, *, dim: int) -> None:
    """Refuse vectors that a search could never find or would find everywhere.

    Parameters
    ----------
    vectors : ndarray, shape=(n, dim), float32
        Rows to be stored.

    Raises
    ------
    ValueError
        Wrong width or type, not finite, or a row whose length is not 1 (to a thousandth).

    Examples
    --------
    >>> require_unit_vectors(np.eye(2, dtype=np.float32), dim=2)
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim or vectors.dtype != np.float32:
        raise ValueError(f"vectors must be float32 of shape (n, {dim}), got {vectors.dtype} of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite")
    lengths = np.linalg.norm(vectors, axis=1)
    if vectors.size and float(np.abs(lengths - 1.0).max()) > 1e-3:
        raise ValueError(f"vectors must have length 1, got lengths from {lengths.min():.4f} to {lengths.max():.4f}")
