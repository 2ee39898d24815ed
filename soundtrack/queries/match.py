"""Match of tracks and a request: each clause compared with facts about the track.

Goes in: a `Query`, and `Facts`, the tracks as columns. Comes out: for each clause and track a value in [-1, 1], 0
where nothing is known, and whether the track breaks what was asked: a "no" that is not kept, a number out of its range,
another key. Tracks that break less come first, whatever else they have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.queries.query import (
    Clause,
    Degree,
    KeyClause,
    LanguageClause,
    LikeClause,
    MoodClause,
    NumberClause,
    Quantity,
    Query,
    SoundClause,
    TagClause,
)
from soundtrack.types import FloatArray

BoolArray = npt.NDArray[np.bool_]

_REACH = 0.8
"""So far from the wanted place on the plane, a mood says nothing; beyond, it speaks against."""
_NEAR = 0.35
"""A mood that is denied is broken so near to its place."""
_ABSENT = -0.3
"""What a word of tags counts where a track lacks it and no network knows it: tags are never complete."""
_SAME = 0.97
"""A track so alike is the one that it is not to be like."""
_WEIGHTS = {Degree.NO: 1.5, Degree.LESS: 1.0, Degree.SOME: 1.0, Degree.MORE: 1.25, Degree.VERY: 1.5}
_OTHER_OCTAVE = 0.6
"""What a tempo of half or twice the wanted counts."""
_SCALES = {Quantity.TEMPO: 0.3, Quantity.LENGTH: 1.0, Quantity.LOUDNESS: 6.0, Quantity.YEAR: 10.0}
"""So far out of its range a number counts -1: octaves, octaves, LU, years."""
_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Facts:
    """Some tracks as columns; NaN where nothing is known."""

    tempo_bpm: FloatArray = field(repr=False, compare=False)
    """Shape (T,)."""
    length_s: FloatArray = field(repr=False, compare=False)
    """Shape (T,)."""
    loudness_lufs: FloatArray = field(repr=False, compare=False)
    """Shape (T,)."""
    year: FloatArray = field(repr=False, compare=False)
    """Shape (T,)."""
    keys: Sequence[str | None] = field(repr=False)
    """Such as ``A minor``."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (T,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (T,)."""
    tags: Mapping[str, FloatArray] = field(repr=False, compare=False)
    """Chance of each tag, in [0, 1], 0.5 where it is decided, shape (T,)."""
    words: Sequence[frozenset[str]] = field(repr=False)
    """Words and names in the tags of each, in lower case."""
    likeness: Mapping[str, FloatArray] = field(repr=False, compare=False)
    """Cosine with each track that is named as a reference, shape (T,)."""
    languages: Sequence[str | None] = field(default=(), repr=False)
    """Codes of the languages of the singing, ``none`` for no singing; empty where no request asks for one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How tracks answer a request."""

    values: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (clauses, T)."""
    broken: BoolArray = field(repr=False, compare=False)
    """What is not as asked, shape (clauses, T)."""
    merit: FloatArray = field(repr=False, compare=False)
    """Weighted mean of the values, in [-1, 1], shape (T,)."""

    def order(self) -> list[int]:
        """Positions of the tracks, best first."""
        n_broken = self.broken.sum(axis=0)
        return sorted(range(len(self.merit)), key=lambda t: (int(n_broken[t]), -round(float(self.merit[t]), 6), t))

    def worth(self) -> FloatArray:
        """One number for each track, in [-2, 1]: its merit, less one where anything is broken, shape (T,)."""
        return np.asarray(self.merit - self.broken.any(axis=0), np.float32)


def answer(query: Query, facts: Facts) -> Answer:
    """How some tracks answer a request.

    Parameters
    ----------
    query : Query
        As understood.
    facts : Facts
        Of T tracks.
    """
    rows = [_clause(clause, facts) for clause in query.clauses]
    values = np.nan_to_num(np.stack([value for value, _ in rows])).astype(np.float32)
    weights = np.array([_WEIGHTS[clause.degree] for clause in query.clauses])
    merit = np.asarray(weights @ values / weights.sum(), np.float32)
    return Answer(values, np.stack([broken for _, broken in rows]), merit)


def _clause(clause: Clause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    """Values and breaches of one clause, shape (T,) each; values may be NaN."""
    value, present = _agreement(clause, facts)
    binding = isinstance(clause, NumberClause | KeyClause | LanguageClause)
    if clause.degree is Degree.NO:
        return -value, present
    if clause.degree is Degree.LESS:
        return -value, np.zeros(len(value), np.bool_)
    return value, ~present & np.isfinite(value) if binding else np.zeros(len(value), np.bool_)


def _agreement(clause: Clause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    """How far each track has what a clause names, and whether it has it, as if it were wanted; NaN for unknown."""
    match clause:
        case MoodClause():
            apart = np.hypot(facts.valence - clause.valence, facts.arousal - clause.arousal)
            return np.clip(1 - apart / _REACH, -1, 1), apart < _NEAR
        case SoundClause():
            named = np.array([bool({clause.tag, clause.word} & words) for words in facts.words])
            chance = np.where(named, np.maximum(facts.tags[clause.tag], 0.95), facts.tags[clause.tag])
            return 2 * chance - 1, chance >= 0.5
        case TagClause():
            return _tagged(clause, facts)
        case LikeClause():
            cosine = facts.likeness[clause.name]
            return np.clip(cosine, -1, 1), cosine > _SAME
        case KeyClause() | LanguageClause():
            return _in_key(clause, facts) if isinstance(clause, KeyClause) else _sung_in(clause, facts)
        case NumberClause():
            return _in_range(clause, facts)


def _tagged(clause: TagClause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    named = np.array([clause.word in words for words in facts.words])
    heard = facts.tags.get(clause.word)
    if heard is None:
        return np.where(named, 1.0, _ABSENT).astype(np.float32), named
    return np.where(named, 1.0, 2 * heard - 1).astype(np.float32), named | (heard >= 0.5)


def _in_key(clause: KeyClause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    value = np.full(len(facts.keys), np.nan, np.float32)
    for i, key in enumerate(facts.keys):
        if key:
            tonic, _, mode = key.partition(" ")
            right = clause.tonic is None or _pitch(tonic) == _pitch(clause.tonic)
            value[i] = 1.0 if right and clause.mode in (None, mode.lower()) else -1.0
    return value, value > 0


def _sung_in(clause: LanguageClause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    sung = [np.nan if code is None else 1.0 if code == clause.code else -1.0 for code in facts.languages]
    value = np.array(sung, np.float32)
    return value, value > 0


def _pitch(tonic: str) -> int:
    """Semitones above C."""
    return (_PITCHES[tonic[0].upper()] + tonic.count("#") + tonic.count("♯") - tonic[1:].count("b")) % 12


def _in_range(clause: NumberClause, facts: Facts) -> tuple[FloatArray, BoolArray]:
    known = {
        Quantity.TEMPO: facts.tempo_bpm,
        Quantity.LENGTH: facts.length_s,
        Quantity.LOUDNESS: facts.loudness_lufs,
        Quantity.YEAR: facts.year,
    }[clause.quantity]
    value = _near_range(known, clause)
    within = (known >= clause.low) & (known <= clause.high)
    if clause.quantity is Quantity.TEMPO and math.isfinite(clause.low) and math.isfinite(clause.high):
        for factor in (0.5, 2.0):
            other = (known * factor >= clause.low) & (known * factor <= clause.high) & ~within
            value = np.where(other, _OTHER_OCTAVE, value)
            within = within | (other if clause.degree is not Degree.NO else False)
    return np.asarray(value, np.float32), within


def _near_range(known: FloatArray, clause: NumberClause) -> FloatArray:
    """1 inside the range, less outside, down to -1."""
    low, high = clause.low, clause.high
    if clause.quantity in (Quantity.TEMPO, Quantity.LENGTH):
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.log2(np.maximum(known, 1e-3))
        low = math.log2(low) if low > 0 and math.isfinite(low) else -math.inf
        high = math.log2(high) if math.isfinite(high) and high > 0 else math.inf
    off = np.maximum(np.maximum(low - known, known - high), 0.0)
    inside = off == 0
    return np.where(inside, 1.0, -np.minimum(off / _SCALES[clause.quantity], 1.0))
