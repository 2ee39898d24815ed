"""Merit of a segment under a span of film, as a sum of named terms.

Goes in: the film's stretches and the library's segments as columns. Comes out: merits, 0 where music neither suits nor
jars, about 1 for a perfect match; and the same split into its named terms. All terms that depend on the segment are
linear in one long vector for each side, so that a film meets a large library in a single matrix product.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from soundtrack.merit_table import MeritTable, Row
from soundtrack.spotting.merit.hubs import crowding
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.view import SegmentTable
from soundtrack.types import FloatArray, Track

SEGMENT_TERMS = ("picture", "mood", "valence", "arousal", "level", "vocals")
"""Terms that depend on the segment: closeness in the joint space less hubs, classes of emotion, valence, arousal,
whether it is much quieter than the rest of its track, and singing against speech."""
TRACK_TERMS = ("pace",)
"""Terms that depend on the whole track: tempo against cut rate."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of the product that gives the merits of segments."""

    film: FloatArray = field(repr=False, compare=False)
    """Shape (n_stretches, A)."""
    music: FloatArray = field(repr=False, compare=False)
    """Shape (n_segments, A)."""
    ends: tuple[int, ...]
    """Where each of `SEGMENT_TERMS` ends among the A columns."""


def sides(film: Film, table: SegmentTable, merit: MeritTable, *, allow_vocals: bool = False) -> Sides:
    """The long vectors of film and music, whose products are merits.

    Parameters
    ----------
    film : Film
        n stretches.
    table : SegmentTable
        S segments.
    merit : MeritTable
        Weights and neutral points.
    allow_vocals : bool
        Whether singing may be used under speech without a penalty.

    Returns
    -------
    Sides
    """
    hubs = crowding(film.vectors, table.vectors)
    seen: FloatArray = (np.linalg.norm(film.vectors, axis=1, keepdims=True) > 0.5).astype(np.float32)
    near_film, near_music = hubs.seen[:, None], hubs.heard[:, None]
    one_film, one_music = np.ones((len(film), 1), np.float32), np.ones((len(table.valence), 1), np.float32)
    film_parts = [
        [
            merit.picture.weight * film.vectors,
            -merit.picture.weight / 2 * seen,
            -merit.picture.weight / 2 * near_film - merit.picture.weight * merit.picture.neutral * seen,
        ],
        [merit.mood.weight * np.sqrt(film.probabilities), -merit.mood.weight * merit.mood.neutral * one_film],
        _apart(merit.valence, _within_reach(film.valence, table.valence)),
        _apart(merit.arousal, _within_reach(film.arousal, table.arousal)),
        [merit.level.weight * one_film],
        [(0.0 if allow_vocals else merit.vocals.weight) * (film.speech[:, None] + 0.1)],
    ]
    music_parts = [
        [table.vectors, near_music, one_music],
        [np.sqrt(table.probabilities), one_music],
        [table.valence[:, None], table.valence[:, None] ** 2, one_music],
        [table.arousal[:, None], table.arousal[:, None] ** 2, one_music],
        [np.clip(table.under_lu[:, None] - merit.level.neutral, 0.0, 20.0)],
        [table.vocal[:, None]],
    ]
    widths = [sum(part.shape[1] for part in parts) for parts in film_parts]
    return Sides(
        film=np.concatenate([p for parts in film_parts for p in parts], axis=1).astype(np.float32),
        music=np.concatenate([p for parts in music_parts for p in parts], axis=1).astype(np.float32),
        ends=tuple(int(end) for end in np.cumsum(widths)),
    )


def _within_reach(wanted: FloatArray, there: FloatArray) -> FloatArray:
    """What the film asks for, as far as the library goes: beyond its 3rd and 97th percentile nothing is nearer."""
    low, high = np.quantile(there, [0.03, 0.97])
    return np.clip(wanted, low, high).astype(np.float32)


def _apart(row: Row, wanted: FloatArray) -> list[FloatArray]:
    """The film's side of a term that falls with the square of a distance."""
    a, weight = wanted[:, None], -row.weight
    constant = np.full_like(a, -weight)
    return [2 * weight * a, constant, (weight * (row.neutral - a**2)).astype(np.float32)]


def split(both: Sides, *, stretch: int) -> FloatArray:
    """The segment terms of one stretch with every segment, shape (6, n_segments), in the order of `SEGMENT_TERMS`."""
    bounds = (0, *both.ends)
    parts = [both.music[:, low:high] @ both.film[stretch, low:high] for low, high in itertools.pairwise(bounds)]
    return np.stack(parts)


def wanted_tempo(cuts_per_min: FloatArray, arousal: FloatArray) -> FloatArray:
    """Beats a minute that suit the cutting and the mood: from about 65 when nothing moves to about 150.

    Parameters
    ----------
    cuts_per_min : ndarray, shape=(n,)
        Cuts a minute, at least 0.
    arousal : ndarray, shape=(n,)
        In [-1, 1].

    Returns
    -------
    ndarray, shape=(n,), float32
    """
    return (82 + 45 * (1 - np.exp(-cuts_per_min / 20)) + 25 * arousal).astype(np.float32)


def track_terms(film: Film, tracks: Sequence[Track], merit: MeritTable) -> FloatArray:
    """The terms that depend on whole tracks.

    Parameters
    ----------
    film : Film
        n stretches.
    tracks : sequence of Track
        T tracks.
    merit : MeritTable
        Weights and neutral points.

    Returns
    -------
    ndarray, shape=(1, n, T), float32
        In the order of `TRACK_TERMS`.
    """
    wanted = np.log2(wanted_tempo(film.cuts_per_min, film.arousal))[:, None]
    tempo = np.array([t.analysis.tempo_bpm or 0.0 for t in tracks], np.float32)
    sure = np.array([t.analysis.tempo_confidence if t.analysis.tempo_bpm else 0.0 for t in tracks], np.float32)
    apart = wanted - np.log2(np.where(tempo > 0, tempo, 100.0))[None, :]
    octave_off = np.minimum(np.abs(apart), np.minimum(np.abs(apart - 1), np.abs(apart + 1)) + 0.3)
    pace = -merit.pace.weight * sure * np.clip(merit.pace.neutral - octave_off, -0.6, merit.pace.neutral)
    return np.asarray(pace[None], np.float32)
