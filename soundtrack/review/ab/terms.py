"""Contributions of the rows of the default merit table for any track under a scene.

Goes in: the scenes of a film and the library. Comes out: numbers by name of the row, as the file of answers holds them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.merit_table import MeritTable
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import Film, divide
from soundtrack.spotting.merit.terms import SEGMENT_TERMS, TRACK_TERMS, Sides, sides, split, track_terms
from soundtrack.spotting.merit.view import LibraryView, SegmentTable, ordered_vectors, segment_table
from soundtrack.types import FloatArray, SceneSheet, Track

_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Weighed:
    """A film and a library, ready to be compared."""

    tracks: tuple[Track, ...]
    """All tracks that may be used."""
    _film: Film
    _table: SegmentTable
    _sides: Sides
    _by_track: FloatArray = field(repr=False, compare=False)

    def terms(self, track_id: str, start_s: float, *, scene: int) -> dict[str, float]:
        """Contributions of the rows for a track under a scene; empty for a track that is not in the library.

        Parameters
        ----------
        track_id : str
        start_s : float
            Where the music starts, track clock; its segment counts.
        scene : int
            Index of the scene.
        """
        place = next((i for i, t in enumerate(self.tracks) if t.track_id == track_id), None)
        stretches = np.flatnonzero(self._film.scene == scene)
        if place is None or len(stretches) == 0:
            return {}
        first, last = self._table.first_row[place], self._table.first_row[place + 1]
        row = int(first + np.clip(np.searchsorted(self._table.start_s[first:last], start_s + 1e-6) - 1, 0, None))
        lengths = self._film.lengths_s[stretches]
        segment = np.stack([split(self._sides, stretch=int(n))[:, row] for n in stretches], axis=1)
        values = np.concatenate([segment, self._by_track[:, stretches, place]])
        means = np.average(values, axis=1, weights=lengths)
        names = (*SEGMENT_TERMS, *TRACK_TERMS)
        return {name: round(float(mean), _DECIMALS) for name, mean in zip(names, means, strict=True)}

    def arousal_apart(self, scene: int) -> dict[str, tuple[float, float]]:
        """For each track: its smallest distance in arousal from a scene, and where that segment starts in seconds."""
        stretches = np.flatnonzero(self._film.scene == scene)
        wanted = float(np.average(self._film.arousal[stretches], weights=self._film.lengths_s[stretches]))
        apart = np.abs(self._table.arousal - wanted)
        result = {}
        for i, track in enumerate(self.tracks):
            rows = slice(self._table.first_row[i], self._table.first_row[i + 1])
            nearest = int(np.argmin(apart[rows]))
            result[track.track_id] = (float(apart[rows][nearest]), float(self._table.start_s[rows][nearest]))
        return result


def weigh(scenes: SceneSheet, library: LibraryView, *, keep_original: bool) -> Weighed:
    """A film and a library with the default merit table.

    Parameters
    ----------
    scenes : SceneSheet
        The film.
    library : LibraryView
        The library; spoken word and what its rules leave out are not among the tracks.
    keep_original : bool
        Whether the film's own sound stays.
    """
    known, merit = library.tracks(), MeritTable()
    tracks = tuple(t for name in library.track_ids if (t := known[name]).segments)
    film = divide(scenes, Constraints(), keep_original=keep_original)
    table = segment_table(tracks, ordered_vectors(library, tracks))
    by_track = track_terms(film, tracks, merit)
    return Weighed(tracks, film, table, sides(film, table, merit), by_track)
