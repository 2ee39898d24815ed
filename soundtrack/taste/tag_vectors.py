"""Vectors of tags: tags that occur together in playlists, albums, folders and tracks lie close to each other.

Goes in: baskets of tags. Comes out: a unit vector for each tag, from the positive pointwise mutual information of pairs
of tags, factorised (O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix factorization", 2014): what
word2vec learns by sampling, computed directly, which suits small data. Feel words of incompetech.com are the start, so
that mood words have neighbours in a library without playlists.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

MOST_TAGS = 1_000
"""Tags that get a vector, the most common first."""
WIDTH = 32
"""Numbers in a vector, at most."""
LEAST_TRACKS = 2
"""A tag of fewer tracks says nothing about which tracks belong together."""
_START_WEIGHT = 0.05
"""What a piece of incompetech.com counts, a track of the library being 1."""
_SMOOTHING = 0.75
"""Power of the counts of contexts (Levy, Goldberg and Dagan, "Improving distributional similarity", 2015)."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TagVectors:
    """Tags in one space."""

    tags: tuple[str, ...]
    """In lower case, the most common first."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors, shape (n, D); zeros for a tag that occurs with no other."""
    rarity: FloatArray = field(repr=False, compare=False)
    """Weight of each tag in a track, greater for rare ones, shape (n,)."""

    def nearest(self, tag: str, *, n: int = 5) -> list[tuple[str, float]]:
        """The tags closest to a tag, best first, with their cosine similarity; none for an unknown tag."""
        if tag not in self.tags:
            return []
        own = self.tags.index(tag)
        cosine = self.vectors @ self.vectors[own]
        order = [int(i) for i in np.argsort(-cosine, kind="stable") if i != own]
        return [(self.tags[i], round(float(cosine[i]), 4)) for i in order[:n]]

    def of_tracks(self, tags: Sequence[Iterable[str]]) -> FloatArray:
        """Unit vectors of tracks by their tags, shape (len(tags), D); zeros for a track without a known tag."""
        place = {tag: i for i, tag in enumerate(self.tags)}
        rows = np.zeros((len(tags), self.vectors.shape[1]), np.float32)
        for row, named in zip(rows, tags, strict=True):
            known = sorted({place[tag] for tag in named if tag in place})
            if known:
                row[:] = self.rarity[known] @ self.vectors[known]
        return unit_rows(rows)


def unit_rows(rows: npt.NDArray[np.floating]) -> FloatArray:
    """Rows at length 1; zeros stay zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-9, rows / np.maximum(length, 1e-9), 0.0), np.float32)


@cache
def _start() -> tuple[Mapping[str, int], tuple[tuple[str, str, int], ...]]:
    """How often feel words occur alone and in pairs in the pieces of incompetech.com."""
    found = json.loads(Path(__file__).with_name("feel_words.json").read_text(encoding="utf-8"))
    return found["words"], tuple((a, b, n) for a, b, n in found["pairs"])


def tag_vectors(
    tracks: Sequence[Iterable[str]], baskets: Sequence[Sequence[int]] = (), *, start: bool = True
) -> TagVectors:
    """Vectors of the tags of some tracks.

    Parameters
    ----------
    tracks : sequence of iterable of str
        Tags of each track, in lower case.
    baskets : sequence of sequence of int
        Tracks that belong together, by position: playlists, albums, folders. Every basket counts as much as a track.
    start : bool
        Whether the feel words of incompetech.com count as well.

    Returns
    -------
    TagVectors

    Examples
    --------
    >>> found = tag_vectors([["sad", "piano"], ["sad", "piano"], ["rock", "loud"], ["rock", "loud"]], start=False)
    >>> found.nearest("sad", n=1)[0][0]
    'piano'
    """
    named = [sorted(set(tags)) for tags in tracks]
    counts = Counter(tag for tags in named for tag in tags)
    words, pairs = _start() if start else ({}, ())
    known = [tag for tag, n in sorted(counts.items(), key=lambda i: (-i[1], i[0])) if n >= LEAST_TRACKS][:MOST_TAGS]
    known += [word for word in words if word not in set(known)]
    place = {tag: i for i, tag in enumerate(known)}
    cells = [(row, place[tag]) for row, tags in enumerate(named) for tag in tags if tag in place]
    member = _marked(cells, (len(named), len(known)))
    several = [basket for basket in baskets if len(basket) > 1]
    within = _marked([(i, track) for i, basket in enumerate(several) for track in basket], (len(several), len(named)))
    share = within.multiply(1 / np.maximum(within.sum(axis=1), 1)).tocsr() @ member
    together = np.asarray((member.T @ member + share.T @ share).todense(), np.float64)
    for a, b, n in pairs:
        together[place[a], place[b]] += _START_WEIGHT * n
        together[place[b], place[a]] += _START_WEIGHT * n
    vectors = _factors(together)
    n_tracks = max(1, len(named))
    rarity = np.array([np.log(1 + n_tracks / max(1, counts[tag])) for tag in known])
    return TagVectors(tuple(known), vectors, np.asarray(rarity, np.float32))


def _marked(cells: Sequence[tuple[int, int]], shape: tuple[int, int]) -> Any:
    """A sparse table of ones."""
    from scipy.sparse import csr_matrix

    rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
    table = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    table.data[:] = 1.0
    return table


def _factors(together: Array) -> FloatArray:
    """Unit vectors whose products come close to the positive mutual information, shape (n, at most `WIDTH`)."""
    n = len(together)
    pairs = together * (1 - np.eye(n))
    total = pairs.sum()
    if total <= 0:
        return np.zeros((n, 1), np.float32)
    row = pairs.sum(axis=1)
    context = row**_SMOOTHING
    expected = row[:, None] * (context / context.sum())[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        mutual = np.where(pairs > 0, np.log(pairs / expected), 0.0)
    mutual = np.maximum(mutual, 0.0)
    mutual = (mutual + mutual.T) / 2
    np.fill_diagonal(mutual, mutual.max(axis=1))
    values, columns = np.linalg.eigh(mutual)
    best = [int(i) for i in np.argsort(-values, kind="stable") if values[i] > 1e-9][:WIDTH]
    factors = columns[:, best] * np.sqrt(values[best])
    signs = np.sign(factors[np.abs(factors).argmax(axis=0), np.arange(len(best))])
    return unit_rows(factors * np.where(signs == 0, 1.0, signs))
