"""Everyday ways of asking to the forms that the grammar of requests has.

Goes in: a request as written. Comes out: the same with double negations resolved, spelled numbers as digits, and limits
before their numbers: ``no music without drums, 90 bpm or less`` becomes ``with drums, at most 90 bpm``. Names of files,
quoted words and what follows "like" stay as they are, and so does all that is not listed, so that unknown words are
reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from soundtrack.errors import UsageError

_KEPT = re.compile(
    r'("[^"]*"|\b(?:like|similar to|sounds like|as in)\s+[^,;\n]+'
    r"|[^\s,;]+\.(?:mp3|flac|ogg|opus|m4a|aac|wav|aiff?|wma|mp4|mka|ape|wv)\b)",
    re.IGNORECASE,
)
"""Names, which are never reworded."""
_QUOTED = re.compile(r'("[^"]*")')
_UNLIKE = re.compile(r"\bunlike\b", re.IGNORECASE)
_UNWANTED = re.compile(
    r"\b(i\s+)?do(es)?(\s*n['’]?t|\s+not)\s+(want|like|need|use|have|wish)\b(\s+(to\s+hear|any)\b)?", re.I
)
_EXCEPTION = re.compile(
    r"\b(no|none|nothing|without|never)\b[^,;.]*\b(except|excepting|apart from|other than|besides|unless)\b", re.I
)

_DIGITS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_DIGITS |= {"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60}
_DIGITS |= {"fifty": 50, "ninety": 90}
_SPELLED = "|".join(sorted(_DIGITS, key=len, reverse=True))
_TIME = r"(?:seconds?|secs?|minutes?|mins?|hours?)"
_DECADES = {"twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70}
_DECADES |= {"eighties": 80, "nineties": 90}
_NUMBER = r"-?\d+(?:\.\d+)?"
_UNIT = r"(?:bpm|beats\s+(?:per|a)\s+minute|lufs|lkfs|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\b"
_FROM_ON = "more|longer|faster|louder|later|newer|above|over|up|higher|upwards?"
_UP_TO = "less|fewer|shorter|slower|quieter|softer|earlier|older|under|below|lower"

_Replacement = str | Callable[[re.Match[str]], str]


def _limit(match: re.Match[str]) -> str:
    """``90 bpm or less`` as ``at most 90 bpm``."""
    most = re.fullmatch(_UP_TO, match[2], re.I)
    year = re.fullmatch(r"\d{4}", match[1].strip())
    return f"{('until' if most else 'since') if year else ('at most' if most else 'at least')} {match[1].strip()}"


_RULES: tuple[tuple[str, _Replacement], ...] = (
    # what "not" takes back
    (r"\b(no|not|never|nothing)\s+((any|music|songs?|tracks?|pieces?)\s+)?without\b(\s+(any|an?|some)\b)?", ", with"),
    (r"\bnot\s+(just|only|merely|simply)\b", " "),
    (r"\bnot\s+(all\s+that|that|overly|particularly|especially)\b", "not very"),
    (r"\bnot\s+([\w-]+)\s+at\s+all\b", r"not \1"),
    (r"\bneither\b", ", no"),
    (r"\b(nothing|none)\s+(too|with|of)\b", "no"),
    (r"\b(everything|anything|all)\s+(but|except)\b", "no"),
    (r"\bnothing\b(?!\s+but)|\bno\s+need\s+for\b", "no"),
    (r"\b((almost|nearly|virtually|next\s+to)\s+no|(barely|scarcely)(\s+any)?)\b", "hardly any"),
    # degrees
    (
        r"\b(kinda|sorta|a\s+touch|a\s+(tiny|little)\s+bit|(kind|sort)\s+of(?=\s+[a-z]+(\s*,|\s*$)))(\s+of)?\b",
        "slightly",
    ),
    (r"\bpretty\s+(?=[a-z])", "fairly "),
    (r"\b(incredibly|deeply|totally|utterly|intensely|insanely|especially|particularly)\b", "very"),
    (r"\b(way|far)\s+(?=[a-z]+er\b|more\b|less\b|too\b)", "much "),
    # numbers
    (r"\bhalf\s+an?\s+(minute|hour)\b", lambda m: "30 seconds" if m[1].lower() == "minute" else "30 minutes"),
    (rf"\b({_SPELLED})\s+and\s+a\s+half\s+(?=minutes?\b)", lambda m: f"{_DIGITS[m[1].lower()]}.5 "),
    (rf"\b({_SPELLED})(?=(\s+(to|and|or)\s+({_SPELLED}|\d+))?\s+{_TIME}\b)", lambda m: str(_DIGITS[m[1].lower()])),
    (r"\b(\d+)\s*m(in(ute)?s?)?\s*(and\s+)?(\d{1,2})\s*s(ec(ond)?s?)?\b", lambda m: f"{m[1]}:{int(m[5]):02}"),
    (rf"\b({_NUMBER})\s*-?ish\b", r"about \1"),
    (
        rf"\b(bpm|tempo)\s*(of|is|at|[:=])?\s*((about|around|under|over|below|above)?\s*{_NUMBER}(\s*(-|–|to)\s*\d+)?)(?!\s*bpm|[\d.])",
        r"\3 bpm",
    ),
    (rf"\b((faster|slower)\s+than\s+{_NUMBER})(?!\s*{_UNIT}|[\d.])", r"\1 bpm"),
    (r"((louder|quieter|softer)\s+than\s+-\d+(\.\d+)?)(?!\s*lu|[\d.])", r"\1 lufs"),
    (rf"({_NUMBER}\s*(?:{_UNIT})?)\s*(?:or|and)\s+({_FROM_ON}|{_UP_TO})\b(?=\s*([,;.]|$|but\b|with))", _limit),
    (r"\bnewer\s+than\b|\blater\s+than\b", "after"),
    (r"\bolder\s+than\b|\bearlier\s+than\b", "before"),
    (rf"\b({'|'.join(_DECADES)})\b", lambda m: f"19{_DECADES[m[1].lower()]}s"),
    (r"\b(year|released|recorded|published)\s+(in\s+)?(?=(the\s+year\s+)?\d{4}\b(?!\s*(-|–|to)))", " "),
    (
        r"\b(year|years|released|recorded|published)\b(?=\s*(in|from|before|after|since|until|about|around|[:=]?\s*\d{4}))",
        " ",
    ),
    # keys and headings
    (
        r"\b((in|of)\s+)?(?-i:a)\s+(minor|major)\s+(?=(key|mode|scale|chords?|tonality|mood|feel|song|piece|tune|track)\b)",
        r"\3 ",
    ),
    (r"\b(mood|tempo|genre|style|key|year|instruments?|length|loudness)\s*[:=]", " "),
    (r"(?<=[A-Za-z]{2})/(?=[A-Za-z]{2})", " or "),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in _RULES)


def reworded(text: str) -> str:
    """A request in the forms that the grammar has.

    Raises
    ------
    UsageError
        An exception is made from a denial, which could mean two things.

    Examples
    --------
    >>> reworded("no music without drums, 90 bpm or less").strip(" ,")
    'with drums, at most 90 bpm'
    """
    text = "".join(
        p if i % 2 else _UNLIKE.sub("not like", _UNWANTED.sub(" no ", p)) for i, p in enumerate(_QUOTED.split(text))
    )
    pieces = [piece if i % 2 else _plain(piece) for i, piece in enumerate(_KEPT.split(text))]
    return "".join(pieces)


def _plain(piece: str) -> str:
    """A piece without names."""
    if exception := _EXCEPTION.search(piece):
        raise UsageError(
            f"{exception[0]!r} is not understood", hint='say what is wanted and what is not, e.g. "piano, no drums"'
        )
    for pattern, replacement in _COMPILED:
        piece = pattern.sub(replacement, piece)
    return piece
