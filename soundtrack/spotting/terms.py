"""How well a segment of music suits a stretch of film: named terms that add up to a merit.

Goes in: the film's stretches and the library's segments as columns. Comes out: merits, 0 where music neither suits nor
jars, about 1 for a perfect match; and the same split into its named terms. All terms that depend on the segment are
linear in one long vector for each side, so that a film meets a large library in a single matrix product.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from soundtrack.spotting.film import Film
from soundtrack.spotting.hubs import closeness, references
from soundtrack.spotting.view import SegmentTable
from soundtrack.types import FloatArray, Track

SEGMENT_TERMS = ("picture", "mood", "valence", "arousal", "level")
"""Terms that depend on the segment: closeness in the joint space less hubs, classes of emotion, valence, arousal, and
whether it is so much quieter than its track that little would be heard."""
TRACK_TERMS = ("pace", "vocals")
"""Terms that depend on the whole track: tempo against cut rate, singing against speech."""

_PICTURE = 0.5
_MOOD = 0.6
_MOOD_NEUTRAL = 0.65
"""Bhattacharyya coefficient of two emotion readings that say nothing about each other."""
_VALENCE = 0.7
_AROUSAL = 1.0
_APART_NEUTRAL = 0.3
"""Squared distance in valence or arousal, from which on music jars: 0.55 apart."""
_LEVEL = 0.03
"""For each LU beyond `_LEVEL_FREE_LU` that a segment is quieter than its track."""
_LEVEL_FREE_LU = 6.0
_PACE = 0.25
_PACE_NEUTRAL = 0.35
"""Octaves between the tempo and the one the cutting asks for, from which on music jars."""
_VOCALS = 0.8


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of the product that gives the merits of segments."""

    film: FloatArray = field(repr=False, compare=False)
    """Shape (n_stretches, A)."""
    music: FloatArray = field(repr=False, compare=False)
    """Shape (n_segments, A)."""
    ends: tuple[int, ...]
    """Where each of `SEGMENT_TERMS` ends among the A columns."""


def sides(film: Film, table: SegmentTable) -> Sides:
    """The long vectors of film and music, whose products are merits.

    Parameters
    ----------
    film : Film
        n stretches.
    table : SegmentTable
        S segments.

    Returns
    -------
    Sides
    """
    reference = references(table.vectors)
    seen: FloatArray = (np.linalg.norm(film.vectors, axis=1, keepdims=True) > 0.5).astype(np.float32)
    near_film: FloatArray = closeness(film.vectors, neighbours=reference)[:, None]
    near_music: FloatArray = closeness(table.vectors, neighbours=reference)[:, None]
    one_film, one_music = np.ones((len(film), 1), np.float32), np.ones((len(table.valence), 1), np.float32)
    film_parts = [
        [_PICTURE * film.vectors, -_PICTURE / 2 * seen, -_PICTURE / 2 * near_film],
        [_MOOD * np.sqrt(film.probabilities), -_MOOD * _MOOD_NEUTRAL * one_film],
        _apart(_VALENCE, _within_reach(film.valence, table.valence)),
        _apart(_AROUSAL, _within_reach(film.arousal, table.arousal)),
        [-_LEVEL * one_film],
    ]
    music_parts = [
        [table.vectors, near_music, one_music],
        [np.sqrt(table.probabilities), one_music],
        [table.valence[:, None], table.valence[:, None] ** 2, one_music],
        [table.arousal[:, None], table.arousal[:, None] ** 2, one_music],
        [np.clip(table.under_lu[:, None] - _LEVEL_FREE_LU, 0.0, 20.0)],
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


def _apart(weight: float, wanted: FloatArray) -> list[FloatArray]:
    """The film's side of a term that falls with the square of a distance."""
    a = wanted[:, None]
    constant = np.full_like(a, -weight)
    return [2 * weight * a, constant, (weight * (_APART_NEUTRAL - a**2)).astype(np.float32)]


def split(both: Sides, *, stretch: int) -> FloatArray:
    """The segment terms of one stretch with every segment, shape (5, n_segments), in the order of `SEGMENT_TERMS`."""
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


def track_terms(film: Film, tracks: Sequence[Track], *, allow_vocals: bool) -> FloatArray:
    """The terms that depend on whole tracks.

    Parameters
    ----------
    film : Film
        n stretches.
    tracks : sequence of Track
        T tracks.
    allow_vocals : bool
        Whether singing may lie under speech without a penalty.

    Returns
    -------
    ndarray, shape=(2, n, T), float32
        In the order of `TRACK_TERMS`.
    """
    wanted = np.log2(wanted_tempo(film.cuts_per_min, film.arousal))[:, None]
    tempo = np.array([t.analysis.tempo_bpm or 0.0 for t in tracks], np.float32)
    sure = np.array([t.analysis.tempo_confidence if t.analysis.tempo_bpm else 0.0 for t in tracks], np.float32)
    apart = wanted - np.log2(np.where(tempo > 0, tempo, 100.0))[None, :]
    octave_off = np.minimum(np.abs(apart), np.minimum(np.abs(apart - 1), np.abs(apart + 1)) + 0.3)
    pace = _PACE * sure * np.clip(_PACE_NEUTRAL - octave_off, -0.6, _PACE_NEUTRAL)
    vocal = np.array([t.analysis.vocal_share or 0.0 for t in tracks], np.float32)
    vocals = np.zeros_like(pace) if allow_vocals else -_VOCALS * vocal[None, :] * (film.speech[:, None] + 0.1)
    return np.stack([pace, vocals]).astype(np.float32)
