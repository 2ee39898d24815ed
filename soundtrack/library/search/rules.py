"""Rules about what counts as music, by name and length, stored in the index and applied when it is opened.

Goes in: patterns in gitignore's syntax and limits of length. Comes out: `Rules`, and `NameRules`, which says of a path
whether it is left out. A rule decides what is offered, not the analysis: a track that is left out stays in the index,
so a rule may change without a new analysis. Only files that no run has heard yet are spared the listening.
``.soundtrackignore`` files are read where they are, each time.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import UsageError
from soundtrack.library.identity import read_beginning
from soundtrack.library.search.patterns import MOST_PATTERNS, spec_of
from soundtrack.library.store.store import Store
from soundtrack.naming.names import composed

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_NAME = ".soundtrackignore"
"""Name of a file with patterns of what is no music in its folder and below."""

MIN_LENGTH_S = 3.0
"""Shorter tracks are by default not offered."""

MOST_BYTES = 1 << 16
"""Of a longer ``.soundtrackignore`` the rest is not read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What of an index is offered."""

    exclude: tuple[str, ...] = ()
    """Patterns of what is no music, relative to each folder that was indexed."""
    include: tuple[str, ...] = ()
    """Patterns of what is music all the same, whatever excludes it and however much of it is spoken."""
    min_length_s: float = MIN_LENGTH_S
    """Shorter tracks are left out, in seconds."""
    max_length_s: float | None = None
    """Longer tracks are left out, in seconds; None for no limit."""
    allow_spoken: bool = False
    """Whether spoken word is offered like music."""

    def __post_init__(self) -> None:
        if len(self.exclude) + len(self.include) > MOST_PATTERNS:
            raise UsageError(
                f"{len(self.exclude) + len(self.include)} patterns, at most {MOST_PATTERNS}",
                hint="remove some with `soundtrack library rules --drop PATTERN`",
            )
        for pattern in (*self.exclude, *self.include):
            require_pattern(pattern)
        for limit in (self.min_length_s, self.max_length_s):
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise UsageError(f"{limit}: invalid length", hint="use a number of seconds, 0 or more")
        if self.max_length_s is not None and self.max_length_s < self.min_length_s:
            raise UsageError(
                f"--min-length {self.min_length_s:g} s is greater than --max-length {self.max_length_s:g} s",
                hint="use a --max-length greater than --min-length",
            )


@dataclass(frozen=True, slots=True)
class RuleChange:
    """How rules are to change; what is empty or None stays."""

    exclude: tuple[str, ...] = ()
    """Patterns to add."""
    include: tuple[str, ...] = ()
    """Patterns to add."""
    drop: tuple[str, ...] = ()
    """Patterns to take out of both lists."""
    min_length_s: float | None = None
    """New least length, in seconds."""
    max_length_s: float | None = None
    """New greatest length, in seconds; 0 for no limit."""
    allow_spoken: bool | None = None
    """Whether spoken word is to be offered."""
    clear: bool = False
    """Begin from the rules of a new index."""

    def apply(self, rules: Rules) -> Rules:
        """Rules after this change.

        Raises
        ------
        UsageError
            A pattern means nothing or is not there, or the limits leave nothing.

        Examples
        --------
        >>> RuleChange(exclude=("*.wav",)).apply(Rules()).exclude
        ('*.wav',)
        """
        before = Rules() if self.clear else rules
        for pattern in self.drop:
            if pattern not in (*before.exclude, *before.include):
                raise UsageError(f"{pattern!r}: unknown rule", hint="run `soundtrack library rules` to list the rules")
        longest = before.max_length_s if self.max_length_s is None else self.max_length_s
        return Rules(
            exclude=tuple(p for p in dict.fromkeys((*before.exclude, *self.exclude)) if p not in self.drop),
            include=tuple(p for p in dict.fromkeys((*before.include, *self.include)) if p not in self.drop),
            min_length_s=before.min_length_s if self.min_length_s is None else self.min_length_s,
            max_length_s=longest or None,
            allow_spoken=before.allow_spoken if self.allow_spoken is None else self.allow_spoken,
        )


# --- kept with the index ----


def read_rules(store: Store) -> Rules:
    """The rules of an index; those of a new one where a stranger wrote nonsense, which must not stop a film."""
    try:
        return _rules(store)
    except (TypeError, ValueError, OverflowError, RecursionError, UsageError):
        return Rules()


def rules_fault(store: Store) -> str | None:
    """Why the rules kept with an index are not used, or None."""
    try:
        _rules(store)
    except (TypeError, ValueError, OverflowError, RecursionError, UsageError) as error:
        return f"rules: {error}"
    return None


def _rules(store: Store) -> Rules:
    """The rules of an index, strictly."""
    found = {str(name): json.loads(str(value)) for name, value in store.all("SELECT name, value FROM rules")}
    longest = found.get("max_length_s")
    return Rules(
        exclude=tuple(str(pattern) for pattern in found.get("exclude", ())),
        include=tuple(str(pattern) for pattern in found.get("include", ())),
        min_length_s=float(found.get("min_length_s", MIN_LENGTH_S)),
        max_length_s=None if longest is None else float(longest),
        allow_spoken=found.get("allow_spoken", False) is True,
    )


def write_rules(store: Store, rules: Rules) -> None:
    """Keep rules with an index; inside a transaction."""
    store.execute("DELETE FROM rules")
    for name, value in asdict(rules).items():
        store.execute("INSERT INTO rules VALUES (?, ?)", (name, json.dumps(value)))


# --- names ----


def require_pattern(pattern: str) -> None:
    """Refuse text that is not a valid pattern of gitignore's syntax.

    Raises
    ------
    UsageError
        It means nothing, or might take for ever.
    """
    if spec_of([pattern]) is None:
        raise UsageError(
            f"{pattern!r} is not a valid pattern",
            hint="use .gitignore syntax, e.g. 'Audiobooks/' or '*.wav', with at most three asterisks",
        )


def _read_lines(path: str) -> list[str]:
    """Lines of a ``.soundtrackignore``; none where there is no regular file that can be read."""
    return os.fsdecode(read_beginning(path, MOST_BYTES).removeprefix(b"\xef\xbb\xbf")).splitlines()


class NameRules:
    """Which paths are left out by their names; reads each ``.soundtrackignore`` on the way once.

    Parameters
    ----------
    rules : Rules
        Of the index.
    roots : sequence of Path
        What was given to be indexed: patterns are relative to these folders, and a file that was given by itself is
        never left out.
    """

    def __init__(self, rules: Rules, roots: Sequence[Path]) -> None:
        self._exclude = spec_of(rules.exclude)
        self._include = spec_of(rules.include)
        self._roots = {os.fspath(root) for root in roots}
        self._above = tuple(root.rstrip("/") + "/" for root in sorted(self._roots))
        self._chains: dict[str, tuple[tuple[int, GitIgnoreSpec], ...]] = {}

    def leaves_out(self, path: str) -> bool:
        """Whether an absolute path is left out; patterns of ``.soundtrackignore`` that lie deeper overrule others."""
        chain = self._chain(path.rpartition("/")[0])
        if (not chain and self._exclude is None) or path in self._roots or self.takes_in(path):
            return False
        if self._exclude is not None and any(self._exclude.check_file(r).include for r in self._relative(path)):
            return True
        verdicts = (spec.check_file(composed(path[start:])).include for start, spec in reversed(chain))
        return next((verdict for verdict in verdicts if verdict is not None), False)

    def takes_in(self, path: str) -> bool:
        """Whether an absolute path is music by a pattern, whatever else is said about it."""
        if self._include is None:
            return False
        return any(self._include.check_file(relative).include for relative in self._relative(path))

    def _relative(self, path: str) -> list[str]:
        """A path as each folder above it that was indexed sees it, accents composed."""
        below = [path[len(above) :] for above in self._above if path.startswith(above)] or [path.lstrip("/")]
        return [composed(relative) for relative in below]

    def _chain(self, folder: str) -> tuple[tuple[int, GitIgnoreSpec], ...]:
        """Where names begin and what is said of them, from the outermost folder to this one."""
        pending = []
        at = folder
        while at not in self._chains and any(f"{at}/".startswith(above) for above in self._above):
            pending.append(at)
            if not at:  # the root of the disk is the outermost folder there is
                break
            at = at.rpartition("/")[0]
        chain = self._chains.get(at, ())
        for below in reversed(pending):
            spec = spec_of(_read_lines(f"{below}/{IGNORE_NAME}"))
            chain = chain if spec is None else (*chain, (len(below) + 1, spec))
            self._chains[below] = chain
        return chain


EVERYTHING = Rules(include=("*",), min_length_s=0.0, allow_spoken=True)
"""Rules that leave nothing out that can be heard."""
