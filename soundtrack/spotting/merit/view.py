"""View of a music library for spotting, with its segments as columns.

Goes in: anything with the shape of `LibraryView`. Comes out: a `SegmentTable`, one row per segment, in the order of the
tracks and of the segments within each track; the vectors' rows follow the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, BarTable, FloatArray, ModelRef, Segment, TimeArray, Track

IntArray = npt.NDArray[np.int64]

_CORRECTION = 0.7
"""How far class probabilities are corrected for what is common in the library: 0 not at all, 1 all the way."""
_EVEN_TRACKS = 4.0
"""Number of tracks without a class that are assumed in addition (smoothing)."""
_LEAST_SHARE = 0.05
"""Classes rarer than this are corrected as if they were this common."""
BY_CLASS = 0.7
"""How far valence and arousal follow the classes of emotion: 0 not at all, 1 they alone."""
_MISSED = 0.5
"""Share of a track's singing that is assumed in each of its segments."""
_LEAST_SPREAD = 0.25
"""Standard deviation that valence and arousal of a film or a library should have."""


class LibraryView(Protocol):
    """A music library, analysed."""

    @property
    def fingerprint(self) -> str:
        """Names the content."""

    @property
    def model(self) -> ModelRef:
        """The networks that made the vectors."""

    @property
    def track_ids(self) -> Sequence[str]:
        """Ids of all tracks that may be used, in an order that never changes by itself."""

    @property
    def embeddings(self) -> FloatArray:
        """Unit vectors of the segments, shape (n_segments, D)."""

    @property
    def rows(self) -> tuple[Sequence[str], Sequence[int]]:
        """Track id and segment index of each row of `embeddings`."""

    def tracks(self) -> Mapping[str, Track]:
        """All tracks by id."""

    def bars(self, track_id: str) -> BarTable:
        """The bars of a track."""


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """The segments of a library as columns."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Shape (n_segments, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n_segments,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n_segments,)."""
    under_lu: FloatArray = field(repr=False, compare=False)
    """How much quieter than its track each is, at least 0, shape (n_segments,)."""
    vocal: FloatArray = field(repr=False, compare=False)
    """Share of each with singing or speech, in [0, 1], at least half that of its track, shape (n_segments,)."""
    start_s: TimeArray = field(repr=False, compare=False)
    """Track clock, shape (n_segments,)."""
    end_s: TimeArray = field(repr=False, compare=False)
    """Track clock, shape (n_segments,)."""
    first_row: IntArray = field(repr=False, compare=False)
    """Row of each track's first segment, and the number of rows at the end, shape (n_tracks + 1,)."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors, shape (n_segments, D)."""


def ordered_vectors(library: LibraryView, tracks: Sequence[Track]) -> FloatArray:
    """The library's vectors in the order of some tracks and their segments.

    Parameters
    ----------
    library : LibraryView
        Whose rows may stand in any order.
    tracks : sequence of Track
        Of this library.

    Returns
    -------
    ndarray, shape=(n_segments, D), float32
    """
    ids, indices = library.rows
    row_of = {(track_id, int(index)): row for row, (track_id, index) in enumerate(zip(ids, indices, strict=True))}
    order = np.array([row_of[t.track_id, s.index] for t in tracks for s in t.segments], np.int64)
    if np.array_equal(order, np.arange(len(library.embeddings))):
        return library.embeddings
    return library.embeddings[order]


def mean_vectors(vectors: FloatArray, first_row: IntArray) -> FloatArray:
    """Unit vector in the mean direction of each track's segments, shape (T, D), float32.

    Parameters
    ----------
    vectors : ndarray, shape=(n_segments, D), float32
    first_row : ndarray, shape=(T + 1,), int64
        First row of each track, and the end.
    """
    means = np.add.reduceat(vectors, first_row[:-1], axis=0)
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)


def drawn_apart(values: TimeArray, weights: TimeArray | None = None) -> FloatArray:
    """Valence or arousal, drawn apart where the readings shrank.

    A network that is unsure answers near the middle for everything, so that every film would get one kind of music.
    What is left of the differences is stretched around the mean, up to twofold, towards the spread that people's
    ratings have.

    Parameters
    ----------
    values : ndarray, shape=(n,), float64
        In [-1, 1].
    weights : ndarray, shape=(n,), float64
        What each counts, such as its length; all the same if not given.

    Returns
    -------
    ndarray, shape=(n,), float32
        In [-1, 1].

    Examples
    --------
    >>> drawn_apart(np.array([-0.1, 0.1])).tolist()
    [-0.20000000298023224, 0.20000000298023224]
    """
    if len(values) == 0:
        return values.astype(np.float32)
    mean = float(np.average(values, weights=weights))
    spread = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    factor = float(np.clip(_LEAST_SPREAD / spread, 1.0, 2.0)) if spread > 1e-9 else 1.0
    return np.clip(mean + factor * (values - mean), -1.0, 1.0).astype(np.float32)


def placed_by_class(values: TimeArray, probabilities: FloatArray, *, axis: int) -> TimeArray:
    """Valence or arousal, drawn towards where the classes of emotion lie, on the same scale for picture and music.

    Pictures and music are read by networks of their own, whose plain numbers shrink differently: a calm picture reads
    as excited as a middling piece. The classes mean the same on both sides.

    Parameters
    ----------
    values : ndarray, shape=(n,), float64
        As read, in [-1, 1].
    probabilities : ndarray, shape=(n, 6), float32
        Of the classes.
    axis : {0, 1}
        Valence or arousal.

    Returns
    -------
    ndarray, shape=(n,), float64
    """
    places = np.array([CLASS_VALENCE_AROUSAL[name][axis] for name in EMOTIONS])
    return np.asarray((1 - BY_CLASS) * values + BY_CLASS * (probabilities.astype(np.float64) @ places), np.float64)


def against_the_rest(probabilities: FloatArray, first_row: IntArray) -> FloatArray:
    """Class probabilities of segments, as far as they differ from those of the library as a whole.

    A network that calls most of a library sad still knows which of its tracks is the least sad, and it is among those
    tracks that one must be chosen. Every class is divided by its mean share in the library, to a power below 1, so that
    a library in which all classes are as common stays as it is (after M. Saerens et al., "Adjusting the outputs of a
    classifier to new a priori probabilities", 2002, equation 4, held back).

    Parameters
    ----------
    probabilities : ndarray, shape=(n_segments, 6), float32
        Rows adding up to 1.
    first_row : ndarray, shape=(n_tracks + 1,), int64
        Where the tracks start; every track counts once.

    Returns
    -------
    ndarray, shape=(n_segments, 6), float32
        Rows adding up to 1.
    """
    n_tracks = len(first_row) - 1
    if n_tracks < 1:
        return probabilities
    by_track = np.add.reduceat(probabilities, first_row[:-1], axis=0) / np.diff(first_row)[:, None]
    even = 1 / probabilities.shape[1]
    share = (by_track.sum(axis=0) + _EVEN_TRACKS * even) / (n_tracks + _EVEN_TRACKS)
    weighed = probabilities * (even / np.maximum(share, _LEAST_SHARE)) ** _CORRECTION
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True), np.float32)


def segment_table(tracks: Sequence[Track], vectors: FloatArray) -> SegmentTable:
    """The segments of some tracks as columns.

    Parameters
    ----------
    tracks : sequence of Track
        Each with at least one segment.
    vectors : ndarray, shape=(n_segments, D), float32
        Unit vectors in the same order.

    Returns
    -------
    SegmentTable
    """
    counts = [len(track.segments) for track in tracks]
    if sum(counts) != len(vectors):
        raise ValueError(f"there must be one vector per segment, got {len(vectors)} for {sum(counts)} segments")
    if not all(counts):
        raise ValueError("every track must have at least one segment")
    segments = [segment for track in tracks for segment in track.segments]
    first_row: IntArray = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    probabilities = np.array([s.emotion.probabilities for s in segments], np.float32).reshape(-1, 6)
    valence, arousal = (np.array([getattr(s.emotion, name) for s in segments]) for name in ("valence", "arousal"))
    return SegmentTable(
        probabilities=against_the_rest(probabilities, first_row),
        valence=drawn_apart(placed_by_class(valence, probabilities, axis=0)),
        arousal=drawn_apart(placed_by_class(arousal, probabilities, axis=1)),
        under_lu=np.maximum(
            np.repeat([t.loudness.integrated_lufs for t in tracks], counts) - [s.loudness_lufs for s in segments], 0.0
        ).astype(np.float32),
        vocal=np.array([_vocal(t, s) for t in tracks for s in t.segments], np.float32),
        start_s=np.array([s.span.start_s for s in segments], np.float64),
        end_s=np.array([s.span.end_s for s in segments], np.float64),
        first_row=first_row,
        vectors=np.asarray(vectors, np.float32),
    )


def _vocal(track: Track, segment: Segment) -> float:
    """Share of a segment with a voice, at least half that of its track, as singing is missed in part; 0 if unknown."""
    whole = track.analysis.vocal_share or 0.0
    return whole if segment.vocal_share is None else max(segment.vocal_share, _MISSED * whole)


def subset(table: SegmentTable, positions: Sequence[int]) -> SegmentTable:
    """The same columns for some of the tracks, in the order given.

    Parameters
    ----------
    table : SegmentTable
        Of all tracks.
    positions : sequence of int
        Which tracks.

    Returns
    -------
    SegmentTable
    """
    ranges = [np.arange(table.first_row[p], table.first_row[p + 1]) for p in positions]
    rows = np.concatenate(ranges) if ranges else np.zeros(0, np.int64)
    return SegmentTable(
        probabilities=table.probabilities[rows],
        valence=table.valence[rows],
        arousal=table.arousal[rows],
        under_lu=table.under_lu[rows],
        vocal=table.vocal[rows],
        start_s=table.start_s[rows],
        end_s=table.end_s[rows],
        first_row=np.concatenate([[0], np.cumsum([len(r) for r in ranges], dtype=np.int64)]).astype(np.int64),
        vectors=table.vectors[rows],
    )
