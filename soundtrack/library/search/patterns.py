"""Patterns in gitignore syntax, matched in linear time.

Goes in: lines of a ``.soundtrackignore``, or patterns of a rule. Comes out: a spec of pathspec, which knows the syntax.
Its regular expressions try every way of sharing a path among the stars of a pattern: one line with three stars can take
a minute on a path made for it. Between two stars only pieces of fixed length are left, and the first place at which
such a piece fits is as good as any later one; an atomic group says so to the engine. Of what cannot be said like that,
patterns of a few stars remain, the rest means nothing. This module is the only one that imports pathspec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from soundtrack.naming.names import composed

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_STARS = 3
"""Largest number of runs of stars in a pattern, besides a leading ``**/``."""

MOST_PATTERNS = 1_000
"""Largest number of different patterns in one place; later ones are passed over."""

_DEEP = "(?:/.+)?/"
"""How pathspec writes ``/**/``."""
_ANYWHERE = "^(?:.+/)?"
"""How it writes a leading ``**/``, or that there is no slash in a pattern."""
_NEGATED = re.compile(r"(?<!\\)\[\^(?!/\])")
"""A negated set, which pathspec lets match a slash, and git does not."""
_STAR = r"\[\^/\]\*"
_ONE = r"(?:\\.|\[\^/\](?!\*)|\[\^?[^]\[\\^/]+\]|[^]\[\\/()|*])"
_BETWEEN_STARS = re.compile(rf"{_STAR}({_ONE}+)(?={_STAR})")


def spec_of(lines: Iterable[str]) -> GitIgnoreSpec | None:
    """What some lines mean together; lines that mean nothing are passed over, None if all do.

    Examples
    --------
    >>> spec_of(["*.wav"]).check_file("a/b.wav").include
    True
    >>> spec_of(["", "# remark", "*a*b*c*d"]) is None
    True
    """
    from pathspec import GitIgnoreSpec

    patterns = []
    once = list(dict.fromkeys(reversed(list(lines))))[::-1]  # of equal lines the last one counts
    for line in once:
        if "\0" in line or len(re.findall(r"\*+", line.removeprefix("**/"))) > MOST_STARS:
            continue
        try:
            for pattern in GitIgnoreSpec.from_lines([composed(line)], backend="simple").patterns:
                if pattern.include is not None and pattern.regex is not None:
                    regex = re.compile(_without_detours(str(pattern.regex.pattern)))
                    patterns.append(type(pattern)(regex, pattern.include))
        except (ValueError, re.error):
            continue
        if len(patterns) >= MOST_PATTERNS:
            break
    return GitIgnoreSpec(patterns, backend="simple") if patterns else None


def _without_detours(regex: str) -> str:
    """An expression of pathspec that matches the same paths without trying the stars in every way.

    Raises
    ------
    ValueError
        That cannot be said.

    Examples
    --------
    >>> _without_detours(r"^(?:.+/)?[^/]*a[^/]*b(?:(?P<ps_d>/)|$)")
    '^(?:.+/)?(?>[^/]*?a)[^/]*b(?:(?P<ps_d>/)|$)'
    >>> _without_detours(r"^a(?:/.+)?/b(?:/.+)?/c(?:(?P<ps_d>/)|$)")
    '(?>^a(?=/))(?>(?:/.+?)??/b(?=/))(?:/.+)?/c(?:(?P<ps_d>/)|$)'
    """
    regex = _NEGATED.sub("[^/", regex)
    regex = regex.replace("[^/]*[^/]*", "[^/]*").replace("[^/]*[^/]*", "[^/]*")
    regex = _BETWEEN_STARS.sub(r"(?>[^/]*?\1)", regex)
    if any(part.count("[^]*") > 1 for part in regex.replace("[^/]*?", "").replace("[^/]", "[^]").split("/")):
        raise ValueError("stars around something of no fixed length")
    first, *rest = regex.split(_DEEP)
    if not rest:
        return regex
    first = first.replace(_ANYWHERE, "^(?:.+?/)??", 1)
    middle = "".join(f"(?>(?:/.+?)??/{part}(?=/))" for part in rest[:-1])
    return f"(?>{first}(?=/)){middle}{_DEEP}{rest[-1]}"
