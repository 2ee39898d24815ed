"""Pictures and films with ratings, from which picture heads learn beside the labelled films.

Goes in: what channels saw of them, and what people said. Comes out: `Rated` stills with the `RatedFilms` that belong
to them, whole or a part; and `Unrated` stills, of which only teachers know something.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Blocks, classes_near, rows_of
from soundtrack.types import FloatArray

DARK_FROM = -0.25
"""Valence from which down a rated film counts as dark."""
NAMED_SHARE = 0.8
"""Of a rated film's belief that goes to the classes it was given; the rest goes to the classes near its rating."""


@dataclass(frozen=True, slots=True)
class RatedFilms:
    """Films of all kinds with ratings and a class by each of several raters; n of them."""

    features: Blocks = field(repr=False, compare=False)
    """Of all clips, by channel, each of shape (n_clips, dim)."""
    film_of: npt.NDArray[np.int64] = field(repr=False, compare=False)
    """Which film each clip belongs to, shape (n_clips,)."""
    shares: FloatArray = field(repr=False, compare=False)
    """Of the raters, by the class that they gave each film, shape (n, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""

    @property
    def dark(self) -> npt.NDArray[np.bool_]:
        """Which show what is unpleasant, shape (n,)."""
        return np.asarray(self.valence <= DARK_FROM)

    @property
    def beliefs(self) -> FloatArray:
        """How likely each class is taken to be, shape (n, 6)."""
        near = classes_near(self.valence, self.arousal)
        return np.asarray(NAMED_SHARE * self.shares + (1 - NAMED_SHARE) * near, np.float32)


@dataclass(frozen=True, slots=True)
class Rated:
    """Stills with ratings; rows belong together."""

    features: Blocks = field(repr=False, compare=False)
    """By channel, each of shape (n, dim)."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    teachers: FloatArray | None = field(default=None, repr=False, compare=False)
    """What the teachers say, standardised, shape (n, T); None if they were not asked."""
    weight: FloatArray | None = field(default=None, repr=False, compare=False)
    """How much each counts, shape (n,); None: 1 each."""
    films: RatedFilms | None = field(default=None, repr=False, compare=False)
    """Rated films that heads learn from beside the stills, all of them with any part of the stills."""

    @property
    def weights(self) -> FloatArray:
        """`weight`, or ones, shape (n,)."""
        return np.ones(len(self.valence), np.float32) if self.weight is None else self.weight

    def beside(self, more: Rated) -> Rated:
        """These stills and others, with the films of these; the teachers are asked of neither any more."""
        return Rated(
            {name: np.concatenate([rows, more.features[name]]) for name, rows in self.features.items()},
            np.concatenate([self.valence, more.valence]),
            np.concatenate([self.arousal, more.arousal]),
            weight=np.concatenate([self.weights, more.weights]),
            films=self.films,
        )

    def some(self, rows: npt.NDArray[np.bool_]) -> Rated:
        """Those stills alone, with all films."""
        teachers = None if self.teachers is None else self.teachers[rows]
        weight = None if self.weight is None else self.weight[rows]
        return Rated(rows_of(self.features, rows), self.valence[rows], self.arousal[rows], teachers, weight, self.films)


@dataclass(frozen=True, slots=True)
class Unrated:
    """Stills without ratings, of which the teachers know something; rows belong together."""

    features: Blocks = field(repr=False, compare=False)
    """By channel, each of shape (n, dim)."""
    teachers: FloatArray = field(repr=False, compare=False)
    """Standardised as those of the rated ones, shape (n, T)."""


def beside(rated: Rated | None, worded: Rated | None) -> Rated | None:
    """Rated stills and those rated by words alone; None without either."""
    return rated if worded is None else worded if rated is None else rated.beside(worded)
