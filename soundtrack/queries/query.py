"""A parsed request for music: clauses and their meanings.

A clause says what is wanted (a mood, an instrument, a word of the tags, a number in a range, a key, a track to be
like), how much, and whether it is denied. `Query.understood` says all of it in plain words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from soundtrack.naming.languages import name_of
from soundtrack.timebase import clock
from soundtrack.types import Span


class Degree(StrEnum):
    """How much of something is wanted."""

    NO = "no"
    """None of it: what has it breaks a rule."""
    LESS = "less"
    """Rather less of it."""
    SOME = "some"
    """As named."""
    MORE = "more"
    """Rather more of it."""
    VERY = "very"
    """Much of it."""


class Quantity(StrEnum):
    """What a number is about."""

    TEMPO = "tempo"
    """In beats a minute."""
    LENGTH = "length"
    """In seconds."""
    LOUDNESS = "loudness"
    """In LUFS."""
    YEAR = "year"
    """Of publication."""


@dataclass(frozen=True, slots=True)
class MoodClause:
    """A mood, as a place on the plane."""

    word: str
    """As it was written."""
    valence: float
    """In [-1, 1]."""
    arousal: float
    """In [-1, 1]."""
    degree: Degree = Degree.SOME
    """How much."""


@dataclass(frozen=True, slots=True)
class SoundClause:
    """An instrument or a voice."""

    word: str
    """As it was written."""
    tag: str
    """Name of the tag that the networks know it by."""
    degree: Degree = Degree.SOME
    """How much."""


@dataclass(frozen=True, slots=True)
class TagClause:
    """A word of genre, folder, title, album or artist, or a style that the networks know."""

    word: str
    """In lower case."""
    degree: Degree = Degree.SOME
    """How much."""


@dataclass(frozen=True, slots=True)
class NumberClause:
    """A number in a range."""

    quantity: Quantity
    """Of what."""
    low: float
    """At least; minus infinity for no limit."""
    high: float
    """At most; infinity for no limit."""
    degree: Degree = Degree.SOME
    """``NO`` for the opposite, else `SOME`."""
    compares: bool = False
    """Whether a word of comparison said it, such as ``faster``; its limits are those of ``fast`` unless `beside`."""


@dataclass(frozen=True, slots=True)
class KeyClause:
    """A key, or a mode alone."""

    tonic: str | None
    """Such as ``C#``; None for any."""
    mode: str | None
    """``major``, ``minor`` or None for either."""
    degree: Degree = Degree.SOME
    """``NO`` for the opposite, else `SOME`."""


@dataclass(frozen=True, slots=True)
class LikeClause:
    """A track that the music is to be like."""

    name: str
    """A file, or a track of the library by its name."""
    degree: Degree = Degree.SOME
    """``NO`` for unlike it."""


@dataclass(frozen=True, slots=True)
class LanguageClause:
    """The language of the singing."""

    code: str
    """ISO 639-1."""
    degree: Degree = Degree.SOME
    """``NO`` for any other, else `SOME`."""


Clause: TypeAlias = MoodClause | SoundClause | TagClause | NumberClause | KeyClause | LikeClause | LanguageClause

MARGINS = {Quantity.TEMPO: 1.05, Quantity.LENGTH: 1.1, Quantity.LOUDNESS: 1.0}
"""How far from a track something is faster, longer or louder than it: factors, or LU."""
_MARKS = {Degree.NO: "no ", Degree.LESS: "less ", Degree.SOME: "", Degree.MORE: "more ", Degree.VERY: "very "}
_UNITS = {Quantity.TEMPO: " bpm", Quantity.LOUDNESS: " LUFS"}


def said(clause: Clause) -> str:
    """A clause in plain words.

    Examples
    --------
    >>> said(NumberClause(Quantity.TEMPO, 86.4, 93.6, Degree.NO)), said(SoundClause("violins", "violin"))
    ('not 86 to 94 bpm', 'violin')
    >>> said(NumberClause(Quantity.TEMPO, 120, math.inf, Degree.NO))
    'tempo below 120 bpm'
    """
    mark, denial = _MARKS[clause.degree], "not " if clause.degree is Degree.NO else ""
    match clause:
        case MoodClause():
            return f"{denial or mark}{clause.word} (valence {clause.valence:+.2f}, arousal {clause.arousal:+.2f})"
        case SoundClause():
            return mark + clause.tag
        case TagClause():
            return f"{mark}'{clause.word}'"
        case KeyClause():
            what = " ".join(part for part in (clause.tonic, clause.mode) if part)
            return f"{denial}in {what}"
        case LikeClause():
            return ("unlike " if clause.degree is Degree.NO else "like ") + clause.name
        case NumberClause() | LanguageClause():
            return _range(clause) if isinstance(clause, NumberClause) else f"{denial}sung in {name_of(clause.code)}"


def _one(clause: NumberClause, value: float) -> str:
    if clause.quantity is Quantity.LENGTH:
        return clock(value)
    return f"{value:.0f}{_UNITS.get(clause.quantity, '')}"


def _range(clause: NumberClause) -> str:
    denied = clause.degree is Degree.NO
    if math.isinf(clause.low):
        return f"{clause.quantity} {'above' if denied else 'at most'} {_one(clause, clause.high)}"
    if math.isinf(clause.high):
        return f"{clause.quantity} {'below' if denied else 'at least'} {_one(clause, clause.low)}"
    low, high = _one(clause, clause.low), _one(clause, clause.high)
    between = low if low == high else f"{low.removesuffix(_UNITS.get(clause.quantity, ' '))} to {high}"
    return ("not " if denied else "") + between


def _beside(clause: Clause, known: Mapping[Quantity, float]) -> Clause:
    """A comparison with its limit beyond what is known; any other clause as it is."""
    if not isinstance(clause, NumberClause) or not clause.compares or clause.quantity not in known:
        return clause
    value, margin = known[clause.quantity], MARGINS[clause.quantity]
    if clause.quantity is Quantity.LOUDNESS:
        below, above = value - margin, value + margin
    else:
        below, above = value / margin, value * margin
    return replace(clause, high=below) if math.isinf(clause.low) else replace(clause, low=above)


@dataclass(frozen=True, slots=True)
class Query:
    """A request for music."""

    text: str
    """As it was written."""
    clauses: tuple[Clause, ...]
    """At least one."""

    def beside(self, known: Mapping[Quantity, float]) -> Query:
        """The same with comparisons measured from the track that the music is to be like, where they are known of it.

        Parameters
        ----------
        known : mapping of Quantity to float
            Of that track.

        Examples
        --------
        >>> faster = NumberClause(Quantity.TEMPO, 120.0, math.inf, compares=True)
        >>> Query("faster", (faster,)).beside({Quantity.TEMPO: 140.0}).understood()
        ['tempo at least 147 bpm']
        """
        return replace(self, clauses=tuple(_beside(clause, known) for clause in self.clauses))

    def understood(self) -> list[str]:
        """How it was understood, one text for each clause."""
        return [said(clause) for clause in self.clauses]

    def moods(self) -> list[MoodClause]:
        """The moods that are wanted, without those that are not."""
        return [c for c in self.clauses if isinstance(c, MoodClause) and c.degree not in (Degree.NO, Degree.LESS)]

    def mood(self) -> tuple[float, float] | None:
        """Mean place of the moods that are wanted; None where none is."""
        moods = self.moods()
        if not moods:
            return None
        return sum(c.valence for c in moods) / len(moods), sum(c.arousal for c in moods) / len(moods)


@dataclass(frozen=True, slots=True)
class WordWish:
    """Music as asked for in words."""

    text: str
    """Such as ``hopeful, no drums, 90 bpm, like intro.mp3``, or the name of a file that the music is to be like."""
    span: Span | None = None
    """Where, film clock; None for the whole film."""
