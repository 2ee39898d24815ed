"""Readings and vectors of segments and tracks, derived from raw evidence.

Goes in: the evidence of a track, the loudness of its segments, and a `Projection` that holds head and joint space.
Comes out: `Derived`, the same bytes for a track just analysed and for one read from the database. `reproject`
brings a whole index to another head or space in one transaction: readers see the old one or the new one, whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from soundtrack.library.heard import SILENT_LUFS
from soundtrack.library.store import rows
from soundtrack.library.store.evidence import TrackBlocks, blocks_of, drop_superseded, gaps, iter_blocks
from soundtrack.library.store.schema import checked
from soundtrack.library.store.store import Store
from soundtrack.progress import Progress, no_progress
from soundtrack.types import Channel, EmotionState, FloatArray, ModelRef, ReadingBatch, Segment, Span

_TRACKS_AT_ONCE = 25  # their numbers fit into the caches of a processor


class Projection(Protocol):
    """From evidence to readings; knows no sound."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What it reads."""

    def read(self, blocks: Mapping[str, FloatArray], counts: Sequence[int] = ()) -> ReadingBatch:
        """Readings of rows of features by channel, each of shape (n, dim); `counts` are the segments of each track."""

    def place(self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray) -> FloatArray:
        """Unit vectors of stretches of which nothing but the mood is known, shape (n, D)."""


@dataclass(frozen=True, slots=True)
class Moods:
    """Classes, valence, arousal and confidence of some stretches; rows belong together."""

    probabilities: npt.NDArray[np.float64] = field(repr=False, compare=False)
    """Shape (n, 6), rows adding up to 1."""
    valence: npt.NDArray[np.float64] = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: npt.NDArray[np.float64] = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: npt.NDArray[np.float64] = field(repr=False, compare=False)
    """In [0, 1], shape (n,)."""

    def states(self) -> tuple[EmotionState, ...]:
        """One for each row."""
        columns = (self.valence.tolist(), self.arousal.tolist(), self.confidence.tolist())
        return tuple(
            EmotionState(tuple(shares), *numbers)
            for shares, *numbers in zip(self.probabilities.tolist(), *columns, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from the evidence of a track."""

    segments: Moods
    """Of each segment."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors of the segments, float32, shape (n, D)."""
    whole: Moods
    """Of the track: the mean of the audible segments, one row."""
    vector: FloatArray = field(repr=False, compare=False)
    """Unit vector of the track, float32, shape (D,)."""


def derive(batch: ReadingBatch, loudness_lufs: Sequence[float]) -> Derived:
    """What follows from the readings of a track's segments.

    Parameters
    ----------
    batch : ReadingBatch
        One row for each segment.
    loudness_lufs : sequence of float
        Of each segment.
    """
    share = np.clip(batch.probabilities.astype(np.float64), 0.0, None)
    segments = Moods(
        probabilities=share / share.sum(axis=1, keepdims=True),
        valence=np.clip(batch.valence.astype(np.float64), -1.0, 1.0),
        arousal=np.clip(batch.arousal.astype(np.float64), -1.0, 1.0),
        confidence=np.clip(batch.confidence.astype(np.float64), 0.0, 1.0),
    )
    audible = np.flatnonzero(np.array(loudness_lufs) > SILENT_LUFS)
    if not len(audible):
        audible = np.zeros(1, np.int64)
    vectors = batch.embedding.astype(np.float32)
    mean = segments.probabilities[audible].mean(axis=0, keepdims=True)
    return Derived(
        segments=segments,
        vectors=vectors,
        whole=Moods(
            probabilities=mean / mean.sum(axis=1, keepdims=True),
            valence=segments.valence[audible].mean(keepdims=True),
            arousal=segments.arousal[audible].mean(keepdims=True),
            confidence=segments.confidence[audible].mean(keepdims=True),
        ),
        vector=_mean_vector(vectors[audible]),
    )


def _mean_vector(vectors: FloatArray) -> FloatArray:
    """Unit vector in the mean direction of some, shape (D,)."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    return vectors[0] if length < 1e-6 else np.asarray(mean / length, np.float32)


def segments_of(
    derived: Derived, spans: Sequence[Span], loudness_lufs: Sequence[float], vocal_shares: Sequence[float | None]
) -> tuple[Segment, ...]:
    """The segments of a track."""
    described = zip(spans, derived.segments.states(), loudness_lufs, vocal_shares, strict=True)
    return tuple(Segment(i, *facts) for i, facts in enumerate(described))


# --- in the database ----


def derive_track(store: Store, track_id: str, projection: Projection) -> bool:
    """Write what follows from the evidence of one track; inside a transaction. False where some is lacking."""
    found = blocks_of(store, track_id, projection.channels)
    if found is None:
        return False
    _write(store, found, projection)
    store.execute("UPDATE state SET generation = generation + 1")
    return True


def reproject(
    store: Store,
    projection: Projection,
    model: ModelRef,
    *,
    tell: Progress = no_progress,
) -> int:
    """Derive all tracks by another head or joint space, and sign the index by it; inside a transaction.

    Tells how many tracks were derived. One that lacks evidence keeps its moods, gets vectors by these alone, and is
    noted as not analysed, so that it is as soon as its file is there.

    Parameters
    ----------
    store : Store
        Open for writing.
    projection : Projection
        The new head and joint space.
    model : ModelRef
        What they are called.
    tell : callable
        Called with ``("project", done, total)``.
    """
    total, done = store.counts()["tracks"], 0
    for found in iter_blocks(store, projection.channels, at_once=_TRACKS_AT_ONCE):
        _write(store, found, projection)
        done += len(found.tracks)
        tell("project", done, total)
    for gap in gaps(store, projection.channels):
        _place(store, gap.track_id, projection)
    drop_superseded(store, projection.channels)
    store.sign(model)
    store.execute("UPDATE state SET generation = generation + 1")
    return done


def _place(store: Store, track_id: str, projection: Projection) -> None:
    """Write the vectors of a track of which nothing but its moods is known."""
    segments = store.track(track_id).segments
    moods = [segment.emotion for segment in segments]
    probabilities = np.array([mood.probabilities for mood in moods], np.float32)
    valence = np.array([mood.valence for mood in moods], np.float32)
    arousal = np.array([mood.arousal for mood in moods], np.float32)
    confidence = np.array([mood.confidence for mood in moods], np.float32)
    vectors = projection.place(probabilities, valence, arousal)
    batch = ReadingBatch(probabilities, valence, arousal, confidence, vectors)
    derived = derive(batch, [segment.loudness_lufs for segment in segments])
    store.execute(
        "UPDATE vectors SET segments = ?, whole = ? WHERE track = (SELECT id FROM tracks WHERE track_id = ?)",
        (derived.vectors.astype("<f4").tobytes(), derived.vector.astype("<f4").tobytes(), track_id),
    )
    store.execute("UPDATE tracks SET features = 0 WHERE track_id = ?", (track_id,))


def _write(store: Store, found: TrackBlocks, projection: Projection) -> None:
    """Write what follows from the evidence of some tracks, read at once."""
    batch = projection.read(found.blocks, found.counts)
    loudness = _loudness_of(store, found)
    bounds = [0, *np.cumsum(found.counts).tolist()]
    segments: list[tuple[object, ...]] = []
    vectors: list[tuple[object, ...]] = []
    tracks: list[tuple[object, ...]] = []
    for track, (start, end) in zip(found.tracks, pairwise(bounds), strict=True):
        part = slice(start, end)
        derived = derive(_part(batch, part), loudness[part])
        moods = _columns(derived.segments)
        segments.extend((*mood, track, position) for position, mood in enumerate(moods))
        vectors.append((derived.vectors.astype("<f4").tobytes(), derived.vector.astype("<f4").tobytes(), track))
        tracks.append((*_columns(derived.whole)[0], track))
    changes = ", ".join(f"{name} = ?" for name in rows.EMOTION)
    store.many(f"UPDATE segments SET {changes} WHERE track = ? AND position = ?", segments)
    store.many("UPDATE vectors SET segments = ?, whole = ? WHERE track = ?", vectors)
    store.many(f"UPDATE tracks SET {changes} WHERE id = ?", tracks)


def _part(batch: ReadingBatch, part: slice) -> ReadingBatch:
    """Some rows."""
    return ReadingBatch(*(getattr(batch, column.name)[part] for column in fields(batch)))


def _columns(moods: Moods) -> list[tuple[object, ...]]:
    """Columns of some moods, as in `rows.EMOTION`."""
    shares = moods.probabilities.astype("<f8")
    numbers = zip(moods.valence.tolist(), moods.arousal.tolist(), moods.confidence.tolist(), strict=True)
    return [(share.tobytes(), *three) for share, three in zip(shares, numbers, strict=True)]


@checked
def _loudness_of(store: Store, found: TrackBlocks) -> list[float]:
    """Loudness of the segments of some tracks, in the order of the blocks."""
    chosen = ", ".join(map(str, found.tracks))
    levels = store.all(f"SELECT track, loudness_lufs FROM segments WHERE track IN ({chosen}) ORDER BY track, position")
    counts = dict.fromkeys(found.tracks, 0)
    for track, _ in levels:
        counts[rows.integer(track, "channel")] += 1
    if tuple(counts.values()) != found.counts:
        raise rows.RowError("evidence: segment count does not match")
    return [rows.number(level, "loudness_lufs") for _, level in levels]
