"""The music of a library as places on two planes: by mood, and by likeness.

Goes in: an open library. Comes out: its tracks with two places each, in [-1, 1]. The plane of likeness has the two
principal components of the tracks' vectors: tracks that sound alike are close to each other, and the axes have no name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.spotting.merit.view import LibraryView, mean_vectors, ordered_vectors
from soundtrack.types import FloatArray, Track

_EDGE = 0.95
_OUTLIERS = 2.0
"""Percent of the tracks at each end of an axis that are drawn at its edge."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Tracks and their places."""

    tracks: tuple[Track, ...]
    """In the order of their paths."""
    mood: FloatArray = field(repr=False, compare=False)
    """Valence and arousal, shape (T, 2)."""
    likeness: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (T, 2)."""


def mapped(library: LibraryView) -> Mapped:
    """The tracks of a library with their places.

    Parameters
    ----------
    library : LibraryView
        Open.
    """
    found = library.tracks()
    tracks = sorted((found[i] for i in library.track_ids if found[i].segments), key=lambda t: (str(t.path), t.track_id))
    mood = np.array([(t.emotion.valence, t.emotion.arousal) for t in tracks], np.float32).reshape(-1, 2)
    if not tracks:
        return Mapped((), mood, mood)
    first_row = np.cumsum([0, *(len(t.segments) for t in tracks)])
    return Mapped(tuple(tracks), mood, likeness_places(mean_vectors(ordered_vectors(library, tracks), first_row)))


def likeness_places(vectors: FloatArray) -> FloatArray:
    """Places by likeness: the first two principal components, each stretched over its axis.

    Parameters
    ----------
    vectors : ndarray, shape=(T, D), float32
        Of at least one track.

    Returns
    -------
    ndarray, shape=(T, 2), float32
        In [-1, 1]; the same vectors give the same places. The largest coordinate of each component is positive.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    places = np.zeros((len(vectors), 2))
    for column in range(min(2, axes.shape[1])):
        axis = axes[:, -1 - column]
        axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
        values = centred @ axis
        low, high = np.percentile(values, (_OUTLIERS, 100 - _OUTLIERS))
        if high - low > 1e-9:
            places[:, column] = np.clip(2 * (values - low) / (high - low) - 1, -1, 1) * _EDGE
    return np.round(places, 4).astype(np.float32)
