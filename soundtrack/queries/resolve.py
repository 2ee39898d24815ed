"""Parts of a request to clauses: every word is looked up, and unknown words are reported."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from soundtrack.errors import UsageError
from soundtrack.naming.languages import code_of
from soundtrack.naming.mood_words import ASKED, place_of
from soundtrack.queries.grammar import Part, parts_of
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
from soundtrack.queries.vocabulary import (
    COMPARISONS,
    FILLERS,
    PACES,
    SOUNDS,
    STYLES,
    UNSUNG,
    VERY_SHIFT,
    Known,
    mood_place,
)

_LONGEST_PHRASE = 4
_VERY, _SLIGHTLY = 1.35, 0.55
"""What a degree does to the place of a mood."""
_AT_MOST = re.compile(
    r"less than|fewer than|(not|no) more than|at most|up to|shorter|slower|quieter|softer"
    r"|under|below|before|until|max|<|≤"
)
_NEAR = re.compile(r"about|around|roughly|approx|circa|ca\.?$|~")
_OF_YEARS = re.compile(r"before|after|since|until|from|about|around|circa|ca\.?$|$")
_WIDTHS = {Quantity.TEMPO: 0.04, Quantity.LENGTH: 0.1}
"""How far from an exact number counts as met, as a share; about doubles it."""
_DONE = frozenset(
    (
        *("adventure", "attack", "battle", "dance", "fight", "garden", "heartbreak", "love", "murder", "party"),
        *("regret", "relax", "romance", "tension"),
    )
)
"""Words that name a doer with the ending of a comparison."""
_LU, _YEARS = 1.0, 2.0
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_NO_UNIT = "write its unit: bpm, s, min or LUFS"


def understand(text: str, known: Known) -> Query:
    """What a request asks for.

    Parameters
    ----------
    text : str
        Such as ``hopeful, no drums, 90 bpm, strings, like intro.mp3``.
    known : Known
        Tags and words of the library.

    Raises
    ------
    UsageError
        A word is unknown, a number has no unit, or nothing is asked for; the hint names near words.

    Examples
    --------
    >>> understand("no drums, 90 bpm", Known(sounds=frozenset({"drums"}))).understood()
    ['no drums', '86 to 94 bpm']
    """
    parts = parts_of(text)
    clauses: list[Clause] = []
    unknown: list[str] = []
    degree: str | None = None
    i = 0
    while i < len(parts):
        part = parts[i]
        if part.first:
            degree = None
        if part.kind == "degree":
            degree, i = part.texts[0], i + 1
            continue
        if part.kind != "word":
            found: Clause | None = _other(part)
            length = 1
        else:
            run = list(_run(parts[i:]))
            found, length = _longest(run, known, denied=part.denied, degree=degree)
            if found is None and run[0] not in FILLERS:
                unknown.append(run[0])
        if found is not None:
            clauses.append(found)
        if found is not None or part.kind != "word" or parts[i].texts[0].lower() not in FILLERS:
            degree = None
        i += length
    if unknown:
        raise UsageError(_said_unknown(unknown), hint=_hint(unknown, known))
    if not clauses:
        raise UsageError(f"{text[:60]!r} asks for nothing", hint='use e.g. "hopeful, no drums, 90 bpm"')
    return Query(text.strip(), tuple(dict.fromkeys(clauses)))


def _run(parts: Sequence[Part]) -> Iterator[str]:
    """The words from here to the next part of another kind, or to the end of the clause."""
    for n, part in enumerate(parts):
        if part.kind != "word" or (n and part.first) or n >= _LONGEST_PHRASE:
            return
        yield part.texts[0].strip("\"'.!?()").lower()


def _longest(run: list[str], known: Known, *, denied: bool, degree: str | None) -> tuple[Clause | None, int]:
    """The clause of the longest phrase that means something, and how many words it has."""
    for n in range(len(run), 0, -1):
        phrase = " ".join(run[:n])
        clause = None if phrase in FILLERS else _meant(phrase, known)
        if clause is not None:
            return _by_degree(clause, denied=denied, degree=degree), n
    return None, 1


def _meant(phrase: str, known: Known) -> Clause | None:
    """What a phrase in lower case means, with hyphens or without: ``lo-fi``."""
    found = _looked_up(phrase, known)
    if found is None and "-" in phrase:
        found = _looked_up(phrase.replace("-", ""), known) or _looked_up(phrase.replace("-", " "), known)
    return found


def _compared(word: str) -> MoodClause | None:
    """A mood with an ending of comparison, as more of it."""
    for ending, base in (("ier", "y"), ("iest", "y"), ("er", ""), ("est", ""), ("er", "e"), ("est", "e")):
        stem = word.removesuffix(ending) + base
        if not word.endswith(ending):
            continue
        for plain in (stem, stem[:-1] if stem[-2:-1] == stem[-1:] else stem):
            if plain not in _DONE and (place := place_of(plain)) is not None:
                valence, arousal = (max(-1.0, min(1.0, round(_VERY * x, 3))) for x in place)
                return MoodClause(plain, valence, arousal, Degree.MORE)
    return None


def _looked_up(phrase: str, known: Known) -> Clause | None:
    """What a phrase in lower case means as it is written."""
    sound = "vocals" if phrase in UNSUNG else SOUNDS.get(phrase)
    if sound is not None:  # where no network tells it, the library's own words may, and nothing else
        named = TagClause(phrase) if phrase in known.words and phrase not in UNSUNG else None
        heard = SoundClause(phrase, sound, Degree.NO if phrase in UNSUNG else Degree.SOME)
        return heard if sound in known.sounds else named
    if phrase in PACES:
        return NumberClause(*PACES[phrase], compares=phrase in COMPARISONS)
    if phrase in ("major", "minor"):
        return KeyClause(None, phrase)
    style = STYLES.get(phrase)
    if phrase not in ASKED and style is not None and (style in known.sounds or phrase in known.words):
        return TagClause(style if style in known.sounds else phrase)
    return _mood(phrase, known)


def _mood(phrase: str, known: Known) -> Clause | None:
    """A phrase as a mood, or else as a word of the library."""
    if (place := place_of(phrase)) is not None:
        return MoodClause(phrase, *place)
    if phrase in known.words:
        return TagClause(phrase)
    place = mood_place(phrase)
    return _compared(phrase) or (None if place is None else MoodClause(phrase, *place))


def _by_degree(clause: Clause, *, denied: bool, degree: str | None) -> Clause:
    """The clause with what was said before it: "not very sad" is less sad, "not instrumental" is sung."""
    if isinstance(clause, SoundClause) and clause.degree is Degree.NO:
        return replace(clause, degree=Degree.SOME if denied else Degree.NO)
    graded = isinstance(clause, MoodClause | SoundClause | TagClause)
    if denied:
        softened = graded and degree in ("VERY", "TOO", "MORE")
        return replace(clause, degree=Degree.LESS if softened else Degree.NO)
    if not graded:
        if degree in ("LESS", "TOO"):
            return replace(clause, degree=Degree.NO)
        return _shifted(clause) if degree in ("VERY", "MORE") and isinstance(clause, NumberClause) else clause
    if isinstance(clause, MoodClause) and (degree is not None or clause.degree is not Degree.MORE):
        factor = {"VERY": _VERY, "MORE": _VERY, "SLIGHTLY": _SLIGHTLY}.get(degree or "", 1.0)
        valence, arousal = (max(-1.0, min(1.0, round(factor * x, 3))) for x in (clause.valence, clause.arousal))
        clause = replace(clause, valence=valence, arousal=arousal)
    return clause if degree is None else replace(clause, degree=_degree(degree))


def _degree(name: str | None) -> Degree:
    return {"VERY": Degree.VERY, "MORE": Degree.MORE, "LESS": Degree.LESS, "TOO": Degree.LESS}.get(
        name or "", Degree.SOME
    )


def _shifted(clause: NumberClause) -> NumberClause:
    """A word for a number with "very" before it."""
    shift = VERY_SHIFT[clause.quantity]
    if clause.quantity is Quantity.LOUDNESS:
        return replace(clause, low=clause.low + shift, high=clause.high - shift)
    return replace(clause, low=clause.low / shift, high=clause.high * shift)


def _other(part: Part) -> Clause:
    """The clause of a part that is no word."""
    degree = Degree.NO if part.denied else Degree.SOME
    match part.kind:
        case "sung":
            word = part.texts[0].split()[-1]
            code = code_of(word)
            if code is None:
                raise UsageError(f"unknown language {word!r}", hint="use e.g. sung in German")
            return LanguageClause(code, degree)
        case "like" | "file":
            name = part.texts[0]
            if part.kind == "like":
                name = re.sub(r"^(like|similar to|sounds like|as in)\s+", "", name, flags=re.IGNORECASE)
            return LikeClause(name.strip().strip('"'), degree)
        case "key":
            return replace(_key(part.texts[0]), degree=degree)
        case "decade":
            return replace(_decade(part.texts[0].lower(), part.texts[1].lower()), degree=degree)
    return replace(_quantity(*part.texts), degree=degree)


_GERMAN = re.compile(r"(?P<letter>[a-h])(?P<change>is|es|s|[#♯♭])?[\s-]?(?P<mode>dur|moll)$", re.IGNORECASE)


def _key(text: str) -> KeyClause:
    """``F# minor``, ``Bbm``, ``in C`` or, with the German names of notes, ``h-Moll``."""
    low = re.sub(r"^(in|key\s+of|key)\s+", "", text.strip(), flags=re.IGNORECASE)
    if german := _GERMAN.match(low):
        letter, change = german["letter"].upper(), (german["change"] or "").lower()
        lowered = change in ("es", "s", "♭") or (letter == "B" and not change)  # B is Bb, and H is B
        note = ("B" if letter == "H" else letter) + ("#" if change in ("is", "#", "♯") else "b" if lowered else "")
        return KeyClause(note, "major" if german["mode"].lower() == "dur" else "minor")
    rest = low[1:].lower()
    sharp = "#" in rest or "♯" in rest or "sharp" in rest
    flat = "♭" in rest or "flat" in rest or bool(re.match(r"\s?b", rest))
    tonic = low[0].upper() + ("#" if sharp else "b" if flat else "")
    named = re.search(r"(maj|min)(or)?$|m$", rest)
    return KeyClause(tonic, None if named is None else "major" if named[0].startswith("maj") else "minor")


def _decade(bound: str, text: str) -> NumberClause:
    """The years of ``80s``, or a number of seconds after a limit of length."""
    n = int(re.sub(r"\D", "", text))
    is_time = n < 100 and "'" not in text and not text.startswith("the")
    if is_time and (n <= 30 or not _OF_YEARS.match(bound)):
        return _bounded(Quantity.LENGTH, bound, float(n), float(n))
    first = n if n > 100 else (2000 if n < 30 else 1900) + n
    return _bounded(Quantity.YEAR, bound, float(first), float(first + 9))


def _quantity(bound: str, span: str, unit: str) -> NumberClause:
    low, high = _numbers(span)
    kind = unit.lower()
    if ":" in span:
        quantity, factor = Quantity.LENGTH, 1.0
    elif kind == "bpm" or kind.startswith("beats"):
        quantity, factor = Quantity.TEMPO, 1.0
    elif kind in ("lufs", "lkfs"):
        quantity, factor = Quantity.LOUDNESS, 1.0
    elif kind:
        quantity, factor = Quantity.LENGTH, _SECONDS[kind[0]]
    elif 1400 <= low <= high <= 2200:
        quantity, factor = Quantity.YEAR, 1.0
    else:
        raise UsageError(f"{span}: number without a unit", hint=_NO_UNIT)
    limits = {Quantity.TEMPO: (10, 500), Quantity.LENGTH: (0, 360_000), Quantity.LOUDNESS: (-70, 0)}
    least, most = limits.get(quantity, (1400, 2200))
    if not least <= low * factor <= high * factor <= most:
        raise UsageError(f"{span} {unit}".strip() + ": out of range", hint=f"use {least} to {most} for the {quantity}")
    return _bounded(quantity, bound.lower(), low * factor, high * factor)


def _numbers(span: str) -> tuple[float, float]:
    """Smallest and largest number of ``90``, ``80-100``, ``-20 to -14``, ``between 80 and 100`` or ``2:30-3:10``."""
    if ":" in span:
        clocks = [60.0 * int(m) + int(s) for m, s in re.findall(r"(\d+):(\d+)", span)]
        return min(clocks), max(clocks)
    found = [float(n) for n in re.findall(r"(?:(?<![\d\s])|(?<=\s)|^)-?\d+(?:\.\d+)?|\d+(?:\.\d+)?", span)]
    if len(found) == 2 and found[1] < 0 <= found[0]:
        found[1] = -found[1]  # the dash of a range
    return min(found), max(found)


def _bounded(quantity: Quantity, bound: str, low: float, high: float) -> NumberClause:
    """A range of numbers with what stands before it."""
    near = bool(_NEAR.match(bound))
    if not bound or near or low < high:
        if bound and not near and quantity is Quantity.YEAR and not bound.startswith("from"):
            return _open(quantity, bound, low, high)
        if low == high or near:
            low, high = _widened(quantity, low, high, twice=near)
        return NumberClause(quantity, low, high)
    return _open(quantity, bound, low, high)


def _open(quantity: Quantity, bound: str, low: float, high: float) -> NumberClause:
    if quantity is Quantity.YEAR and bound == "before":
        return NumberClause(quantity, -math.inf, low - 1)
    if quantity is Quantity.YEAR and bound == "after":
        return NumberClause(quantity, high + 1, math.inf)
    if _AT_MOST.match(bound):
        return NumberClause(quantity, -math.inf, high)
    return NumberClause(quantity, low, math.inf)


def _widened(quantity: Quantity, low: float, high: float, *, twice: bool) -> tuple[float, float]:
    factor = 2.0 if twice else 1.0
    if quantity is Quantity.YEAR:
        return low - _YEARS * (factor - 1), high + _YEARS * (factor - 1)
    if quantity is Quantity.LOUDNESS:
        return low - _LU * factor, high + _LU * factor
    return low * (1 - _WIDTHS[quantity] * factor), high * (1 + _WIDTHS[quantity] * factor)


def _said_unknown(words: Sequence[str]) -> str:
    kinds = [f"{w!r}" + (" (an instrument without evidence here)" if w in SOUNDS else "") for w in words]
    return f"unknown word{'s' if len(words) > 1 else ''} {', '.join(kinds)}"


def _hint(words: Sequence[str], known: Known) -> str:
    offered = known.suggestions()
    if all(word in SOUNDS or word in UNSUNG for word in words):
        heard = ", ".join(sorted(known.sounds)) or "none"
        return f"instruments and styles known here: {heard}; `soundtrack index` adds evidence that an old index lacks"
    near = {w: difflib.get_close_matches(w, offered, n=2, cutoff=0.7) for w in words}
    parts = [f"{' or '.join(map(repr, found))} for {w!r}" for w, found in near.items() if found]
    if parts:
        return f"did you mean {'; '.join(parts)}?"
    return (
        "use English moods, instruments, words of genres and titles, bpm, keys, lengths, LUFS, years, or like FILE; "
        "--lexicon FILE adds moods in any language"
    )
