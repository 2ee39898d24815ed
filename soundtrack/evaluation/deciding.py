"""Merit of every sound under every picture, as spotting computes it, for `eval labels`.

Goes in: what both sides read of labelled clips, with their vectors. Comes out: merits from the table of the settings
by `soundtrack.spotting.merit.terms`, the very function that chooses music. The clips' pictures are taken for one film
and their sounds for one library. What these readings do not say (tempo, singing, levels) is at its neutral point.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.space import JointSpace
from soundtrack.merit_table import MeritTable
from soundtrack.spotting.merit.hubs import crowding
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.terms import sides
from soundtrack.spotting.merit.view import SegmentTable, against_the_rest, drawn_apart, placed_by_class
from soundtrack.training.calibrate import evidence_means
from soundtrack.training.space import SideRows
from soundtrack.types import FloatArray

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]

MERIT = "merit"
"""The row of the ablation table that decides in spotting."""
WITH_HUBS = "+ hub correction"
"""The row of the cosine with the hub correction, which is the term ``picture`` of the merit."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says about the windows or stretches of clips, rows in the order of the clips."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Shape (n_rows, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """Shape (n_rows,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """Shape (n_rows,)."""
    vectors: FloatArray = field(repr=False, compare=False)
    """Unit vectors in the joint space, shape (n_rows, D)."""
    clip: IntArray = field(repr=False, compare=False)
    """Which clip each row belongs to, ascending from 0 without gaps, shape (n_rows,)."""

    @classmethod
    def of(cls, rows: SideRows, space: JointSpace, side: str) -> Said:
        """What a tower says, with vectors of a space."""
        vectors = space.project(side, rows.probabilities, rows.valence, rows.arousal, rows.features)
        return cls(rows.probabilities, rows.valence, rows.arousal, vectors, rows.clip)

    @property
    def first_row(self) -> IntArray:
        """Row of each clip's first one, and the number of rows, shape (n + 1,)."""
        return np.searchsorted(self.clip, np.arange(int(self.clip[-1]) + 2)).astype(np.int64)

    def means(self, values: FloatArray) -> FloatArray:
        """Mean of some values over each clip."""
        lengths = np.diff(self.first_row).reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(np.add.reduceat(values, self.first_row[:-1], axis=0) / lengths, np.float32)

    @property
    def directions(self) -> FloatArray:
        """Unit vector of each clip, shape (n, D)."""
        total = self.means(self.vectors)
        return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9), np.float32)


def decided(seen: Said, heard: Said, merit: MeritTable) -> Matrix:
    """Merit of every clip's sound under every clip's picture, mean over the stretches of the sound.

    Parameters
    ----------
    seen, heard : Said
        Pictures of n clips, sounds of m clips.
    merit : MeritTable
        Weights and neutral points.

    Returns
    -------
    ndarray, shape=(n, m), float64
    """
    first_row = heard.first_row
    both = sides(_film(seen), _table(heard, first_row), merit)
    by_stretch = both.film.astype(np.float64) @ both.music.astype(np.float64).T
    return np.asarray(np.add.reduceat(by_stretch, first_row[:-1], axis=1) / np.diff(first_row)[None, :])


def corrected(seen: Said, heard: Said) -> Matrix:
    """Cosine of every clip's picture with every clip's sound, with the hub correction of spotting, shape (n, m)."""
    pictures, sounds = seen.directions, heard.directions
    hubs = crowding(pictures, sounds)
    return np.asarray(pictures @ sounds.T - hubs.seen[:, None] / 2 - hubs.heard[None, :] / 2, np.float64)


def _film(seen: Said) -> Film:
    """The pictures as the stretches of one film."""
    n = int(seen.clip[-1]) + 1
    probabilities = evidence_means(seen.probabilities, seen.clip, n).astype(np.float32)
    zeros, no = np.zeros(n, np.float32), np.zeros(n, np.bool_)
    return Film(
        edges_s=np.arange(n + 1, dtype=np.float64),
        scene=np.arange(n, dtype=np.int64),
        probabilities=probabilities,
        valence=_placed(seen.means(seen.valence), probabilities, axis=0),
        arousal=_placed(seen.means(seen.arousal), probabilities, axis=1),
        vectors=seen.directions,
        cuts_per_min=zeros,
        speech=zeros,
        silent=no,
        demanded=no,
        contrast=np.zeros(n + 1, np.float32),
    )


def _placed(values: FloatArray, probabilities: FloatArray, *, axis: int) -> FloatArray:
    """Valence or arousal as spotting takes it."""
    return drawn_apart(placed_by_class(values.astype(np.float64), probabilities, axis=axis))


def _table(heard: Said, first_row: IntArray) -> SegmentTable:
    """The sounds as the tracks of one library."""
    rows = np.arange(len(heard.clip), dtype=np.float64)
    return SegmentTable(
        probabilities=against_the_rest(heard.probabilities, first_row),
        valence=_placed(heard.valence, heard.probabilities, axis=0),
        arousal=_placed(heard.arousal, heard.probabilities, axis=1),
        under_lu=np.zeros(len(rows), np.float32),
        vocal=np.zeros(len(rows), np.float32),
        start_s=rows,
        end_s=rows + 1,
        first_row=first_row,
        vectors=heard.vectors,
    )
