"""Grammar of requests for music, parsed by lark.

Goes in: ``very sad, no drums or vocals, 80-100 bpm, like a.mp3``. Comes out: parts in their order, each with its kind
and whether a "no" before it still holds: up to the next comma, "but" or "with". What the words mean is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from soundtrack.errors import UsageError

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

MOST_CHARACTERS = 2_000
"""A longer request is refused."""

_BOUNDS = "|".join(
    r"""less than,fewer than,not more than,no more than,at most,up to,shorter than,slower than,quieter than,softer than,
    under,below,before,until,max,more than,at least,longer than,faster than,louder than,over,above,after,since,from,
    min(?=\s+\d),about,around,roughly,approximately,circa,ca\.?""".replace("\n    ", "").split(",")
)
_KEY = r"[A-Ga-g]\s?([#♯]|b(?=\s|-|m|$)|♭|-?\s?sharp|-?\s?flat)?\s?-?(major|minor|maj|min)"
_GERMAN_KEY = r"([a-h](is|es|s|[#♯♭])?)[\s-]?(dur|moll)"
_SHORT_KEY = r"\b((in|key(\s+of)?)\s+(?-i:[A-G][#♯b♭]?)(?=\s*([,;.]|$))|(in\s+)?(?-i:[A-G][#♯b♭]?m)(?![\w#]))"
GRAMMAR = r"""
start: (clause | _SEP)*
clause: NO? item+
item: LIKE          -> like
    | FILE          -> file
    | SUNG          -> sung
    | QUOTED        -> word
    | KEY           -> key
    | decade
    | quantity
    | degree
    | WORD          -> word
degree: VERY | MORE | LESS | SLIGHTLY | TOO
decade: BOUND? DECADE
quantity: BOUND? range UNIT?
range: RANGE | BETWEEN | CLOCKS | CLOCK | NUMBER

_SEP.30: /[,;\n]|\.(?=\s|$)|\b(but|with|plus)\b|(?<=\s)\+(?=\s)/i
LIKE.29: /\b(like|similar to|sounds like|as in)\s+("[^"]+"|[^,;\n]+)/i
FILE.28: /[^\s,;]+\.(mp3|flac|ogg|opus|m4a|aac|wav|aiff?|wma|mp4|mka|ape|wv)\b/i
SUNG.28: /\b(sung|singing|sings?|lyrics|vocals|voices?)\s+in\s+(?!(major|minor)\b)[^\W\d_]{3,}/i
QUOTED.27: /"[^"]*"/
NO.26: /\b(not at all|no|not|without|never|except|avoid|minus|non|w\/o)\b/i
BOUND.25: /\b(@BOUNDS@)\b|[<>]=?|~|≤|≥/i
KEY.24: /\b(in\s+)?(@ENGLISH@|@GERMAN@)\b|@SHORT@/i
BETWEEN.23: /\bbetween\s+-?\d+(\.\d+)?\s+and\s+-?\d+(\.\d+)?/i
CLOCKS.22: /\d{1,3}:\d{2}\s*(-|–|to)\s*\d{1,3}:\d{2}\b/
RANGE.21: /-?\d+(\.\d+)?\s*(to\s*-?|[-–]\s*)\d+(\.\d+)?/i
DECADE.20: /\b(the\s+)?(\d{3}0|[1-9]0)'?s\b(?!\w)/i
CLOCK.19: /\d{1,3}:\d{2}\b/
NUMBER.18: /-?\d+(\.\d+)?/
UNIT.17: /(bpm|beats\s+(per|a)\s+minute|lufs|lkfs|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\b/i
VERY.16: /\b(very|really|extremely|highly|super|so)\b/i
MORE.15: /\b(more|much|lots of|many|extra|prominent)\b/i
LESS.14: /\b(less|fewer|few|little|hardly any|not much|not many)\b/i
SLIGHTLY.13: /\b(slightly|somewhat|a little|a bit|rather|fairly|quite|mildly)\b/i
TOO.12: /\btoo\b/i
WORD.1: /[^\s,;"]+/
%ignore /\s+/
"""
for _mark, _pattern in {"BOUNDS": _BOUNDS, "ENGLISH": _KEY, "GERMAN": _GERMAN_KEY, "SHORT": _SHORT_KEY}.items():
    GRAMMAR = GRAMMAR.replace(f"@{_mark}@", _pattern)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a request."""

    kind: str
    """``word``, ``like``, ``file``, ``sung``, ``key``, ``decade``, ``quantity`` or ``degree``."""
    texts: tuple[str, ...]
    """What was written, without names of terminals; of a quantity its bound, its range and its unit."""
    denied: bool
    """Whether a "no" holds."""
    first: bool
    """Whether a clause begins here."""


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", lexer="basic")


def parts_of(text: str) -> list[Part]:
    """The parts of a request in their order.

    Raises
    ------
    UsageError
        The text is empty, too long, or not a request.

    Examples
    --------
    >>> [(part.kind, part.texts, part.denied) for part in parts_of("no drums, 90 bpm")]
    [('word', ('drums',), True), ('quantity', ('', '90', 'bpm'), False)]
    """
    from lark import Token
    from lark.exceptions import UnexpectedInput

    from soundtrack.queries.rewording import reworded

    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"request of {len(text)} characters, at most {MOST_CHARACTERS}", hint="use fewer words")
    text = reworded(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        shown = text[max(0, error.pos_in_stream or 0) :][:20] or text[-20:]
        raise UsageError(
            f"{text[:60]!r} is not understood at {shown!r}", hint='use e.g. "hopeful, no drums, 90 bpm"'
        ) from error
    found: list[Part] = []
    for clause in tree.children:
        if not isinstance(clause, Token) and clause.data == "clause":
            found.extend(_parts(clause))
    return found


def _parts(clause: Tree[Token]) -> list[Part]:
    from lark import Token

    denied = bool(clause.children) and isinstance(clause.children[0], Token)
    items = [child for child in clause.children if not isinstance(child, Token)]
    result: list[Part] = []
    for item in items:
        inner = item
        while inner.children and not isinstance(inner.children[0], Token) and inner.data == "item":
            inner = inner.children[0]
        kind = str(inner.data)
        tokens = list(inner.scan_values(lambda value: isinstance(value, Token)))
        texts = tuple(str(token) for token in tokens)
        if kind == "quantity":
            by_type = {token.type: str(token) for token in tokens}
            span = next(str(t) for t in tokens if t.type in ("RANGE", "BETWEEN", "CLOCKS", "CLOCK", "NUMBER"))
            texts = (by_type.get("BOUND", ""), span, by_type.get("UNIT", ""))
        elif kind == "decade":
            by_type = {token.type: str(token) for token in tokens}
            texts = (by_type.get("BOUND", ""), by_type["DECADE"], "")
        elif kind == "degree":
            texts = (tokens[0].type,)
        result.append(Part(kind, texts, denied, not result))
    return result
