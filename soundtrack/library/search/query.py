"""Library queries: tracks by mood, valence and arousal, similarity, name.

Goes in: an open `LibraryView` (or `Store`) and what is wanted. Comes out: `Found`, best first, each track once with the
segment that fits best.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundtrack.errors import LibraryError, UsageError
from soundtrack.library.report import shown
from soundtrack.library.search.library_view import LibraryView
from soundtrack.library.store.store import Store
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.track_names import find_tracks
from soundtrack.types import EMOTIONS, EmotionState, FloatArray, Segment, Track

_SHORTEST_PREFIX = 4
_OVERSAMPLING = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A track that answers a question."""

    track: Track
    """Which track."""
    segment: Segment
    """Where in it."""
    similarity: float
    """How well it answers, at most 1: a cosine, a probability, or one minus a share of the greatest distance."""


def _best(library: LibraryView, fit: Callable[[EmotionState], float], n: int) -> list[Found]:
    """The tracks with the best fitting segments."""
    found = []
    for track in library.tracks().values():
        segment = max(track.segments, key=lambda s: (fit(s.emotion), -s.index))
        found.append(Found(track, segment, fit(segment.emotion)))
    return sorted(found, key=lambda f: (-f.similarity, f.track.track_id))[:n]


def find_mood(library: LibraryView, label: str, *, n: int) -> list[Found]:
    """Tracks with the segments most likely of a class.

    Parameters
    ----------
    library : LibraryView
        Open.
    label : str
        One of `EMOTIONS`.
    n : int >= 1
        How many at most.
    """
    place = EMOTIONS.index(label)
    return _best(library, lambda emotion: emotion.probabilities[place], n)


def find_feeling(library: LibraryView, *, valence: float | None, arousal: float | None, n: int) -> list[Found]:
    """Tracks with the segments nearest in valence and arousal.

    Parameters
    ----------
    library : LibraryView
        Open.
    valence, arousal : float, optional
        In [-1, 1]; what is None does not count.
    n : int >= 1
        How many at most.
    """
    greatest = math.hypot(0.0 if valence is None else 2.0, 0.0 if arousal is None else 2.0)
    if greatest == 0.0:
        raise ValueError("valence or arousal must be given")

    def fit(emotion: EmotionState) -> float:
        """One minus the share of the greatest distance."""
        off = math.hypot(
            0.0 if valence is None else emotion.valence - valence, 0.0 if arousal is None else emotion.arousal - arousal
        )
        return 1.0 - off / greatest

    return _best(library, fit, n)


def find_like(library: LibraryView, vector: FloatArray, *, n: int, leave_out: str | None = None) -> list[Found]:
    """Tracks with the segments most like a vector.

    Parameters
    ----------
    library : LibraryView
        Open.
    vector : ndarray, shape=(D,), float32
        Unit vector.
    n : int >= 1
        How many at most.
    leave_out : str, optional
        A track that is not wanted, such as the one that was asked about.
    """
    found: dict[str, Found] = {}
    k = n * _OVERSAMPLING
    while True:
        (hits,) = library.search(np.asarray(vector, np.float32)[None], k)
        for hit in hits:
            if hit.track_id != leave_out and hit.track_id not in found:
                track = library.track(hit.track_id)
                found[hit.track_id] = Found(track, track.segments[hit.segment_index], hit.similarity)
        if len(found) >= n or len(hits) < k:
            return list(found.values())[:n]
        k *= 4


def in_order(path: Path) -> list[tuple[int, int, bytes]]:
    """A key that sorts paths as people number things: ``CD 2`` before ``CD 10``.

    Examples
    --------
    >>> [p.name for p in sorted(map(Path, ["10.mp3", "a.mp3", "2.mp3"]), key=in_order)]
    ['2.mp3', '10.mp3', 'a.mp3']
    """
    pieces = re.split(rb"([0-9]{1,18})", os.fsencode(path).lower())
    return [(0, int(piece), piece) if i % 2 else (1, 0, piece) for i, piece in enumerate(pieces) if piece]


def find_track(store: Store, name: str) -> str:
    """The id of a track named by its id, the beginning of its id, a path, or as `find_tracks` knows it.

    Raises
    ------
    LibraryError
        No track is meant, or several are.
    """
    path = as_on_disk(Path(os.path.abspath(name)))  # noqa: PTH100 - resolve() follows links
    place = store.locations().get(path)
    if place is not None:
        return place.track_id
    wanted = name.lower()
    if len(wanted) >= _SHORTEST_PREFIX and all(c in "0123456789abcdef" for c in wanted):
        ids = [
            str(track_id)
            for (track_id,) in store.all(
                "SELECT track_id FROM tracks WHERE substr(track_id, 1, ?1) = ?2 UNION"
                " SELECT track_id FROM contents JOIN tracks ON id = track WHERE substr(sha256, 1, ?1) = ?2",
                (len(wanted), wanted),
            )
        ]
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise LibraryError(f"{name}: {len(ids)} tracks match this id", hint="use more characters of the id")
    try:
        found = find_tracks(name, tracks=list(store.tracks().values()))
    except UsageError as error:
        raise LibraryError(str(error), hint=error.hint) from error
    if len(found) > 1:
        places = ", ".join(shown(track.path) for track in found[:3])
        raise LibraryError(f"{name}: {len(found)} tracks have this name: {places}", hint="use a path or an id")
    return found[0].track_id
