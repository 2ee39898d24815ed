"""Taste of a library: vectors by which tracks that belong together are found.

Goes in: tags of tracks, playlists, albums and folders, ratings. Comes out: `Taste`, a unit vector for each track that
joins the tags' vectors and the playlists' vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from soundtrack.taste.listening import is_installed, track_vectors
from soundtrack.taste.tag_vectors import tag_vectors
from soundtrack.types import FloatArray

GROUP_WEIGHT = 0.25
"""What a row of an album or a folder counts, a playlist being 1."""
MOST_IN_A_GROUP = 200
"""A larger album or folder says nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known about the tracks of a library; tracks by position."""

    tags: tuple[tuple[str, ...], ...]
    """Tags of each track, in lower case."""
    playlists: tuple[tuple[int, ...], ...]
    """Tracks that each playlist names."""
    groups: tuple[tuple[int, ...], ...] = ()
    """Tracks of each album and each folder."""
    liking: tuple[float, ...] = ()
    """From ratings and play counts, 1 where nothing is known, in [0.2, 3]; empty for 1 throughout."""


@dataclass(frozen=True, slots=True)
class Taste:
    """Vectors of the tracks of a library."""

    by_tags: FloatArray = field(repr=False, compare=False)
    """Unit vectors or zeros, shape (T, D)."""
    by_playlists: FloatArray | None = field(repr=False, compare=False)
    """Unit vectors or zeros, shape (T, E); None without the library implicit."""
    uses: FloatArray = field(repr=False, compare=False)
    """How often each track is in a playlist, weighed by liking, shape (T,)."""

    def joined(self) -> FloatArray:
        """Both sides in one vector, whose products are the mean of both cosines, shape (T, D + E)."""
        if self.by_playlists is None:
            return self.by_tags
        both = np.concatenate([self.by_tags, self.by_playlists], axis=1)
        return np.asarray(both / np.sqrt(2), np.float32)


def taste_of(sources: Sources, *, listening: bool | None = None) -> Taste:
    """The taste of a library.

    Parameters
    ----------
    sources : Sources
        What is known.
    listening : bool, optional
        Whether playlists are factorised; by default where the library implicit is installed.

    Raises
    ------
    DependencyError
        It is asked for, and implicit is not installed.
    """
    n = len(sources.tags)
    liking = np.array(sources.liking or np.ones(n), np.float32)
    groups = [group for group in sources.groups if 1 < len(group) <= MOST_IN_A_GROUP]
    tags = tag_vectors(sources.tags, [*sources.playlists, *groups])
    by_playlists: FloatArray | None = None
    if is_installed() if listening is None else listening:
        rows: list[Mapping[int, float]] = [{t: float(liking[t]) for t in named} for named in sources.playlists]
        rows += [{t: GROUP_WEIGHT * float(liking[t]) for t in named} for named in groups]
        by_playlists = track_vectors(rows, n_tracks=n)
    uses = np.zeros(n, np.float32)
    for named in sources.playlists:
        uses[list(named)] += liking[list(named)]
    return Taste(tags.of_tracks(sources.tags), by_playlists, uses)


def company(vectors: FloatArray, known: Iterable[int]) -> FloatArray:
    """How well each track goes with some tracks, in [-1, 1], shape (T,); a known one by the others.

    Examples
    --------
    >>> company(np.eye(2, dtype=np.float32)[[0, 0, 1]], [0]).tolist()
    [0.0, 1.0, 0.0]
    """
    places = sorted(set(known))
    if not places:
        return np.zeros(len(vectors), np.float32)
    total = vectors[places].sum(axis=0)
    others = np.full(len(vectors), len(places), np.float32)
    found = vectors @ total
    own = np.einsum("ij,ij->i", vectors[places], vectors[places])
    found[places] -= own
    others[places] = max(1, len(places) - 1)
    return np.asarray(found / others, np.float32)
