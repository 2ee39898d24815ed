"""The locked set: films, stills and music excluded from all training and selection.

Goes in: the name of a file. Comes out: whether it belongs to the set, which ``locked.json`` lists by the names that the
public corpora give their files (no data, only names). Tables and folders are read without it unless `Part` says
otherwise, so that a figure on the set is one on material never seen. `draw` is the rule by which the set was drawn,
once, before anything was taught without it; ``benchmarks/locked_set.py`` runs it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePath

from soundtrack.files import safe_read

LIST = Path(__file__).with_name("locked.json")
SEED = "locked-1"
"""Of the draw."""
LONGEST_NAME = 3
"""Folders and stem that a name in the list has at most, as in ``Train/Sad/14``."""
TAUGHT_WITH_IT = frozenset({("i3d-emotion", "4"), ("mel-emotion", "3"), ("joint-space", "4")})
"""Names and versions of models whose heads were fitted before the set was drawn, on some of its labels."""


class Part(StrEnum):
    """Which rows of a table are wanted."""

    DEVELOPMENT = "development"
    """All but the locked set: what may be learned from and chosen by."""
    LOCKED = "locked"
    """The locked set alone: to be asked, never to learn from."""
    ALL = "all"
    """Everything: for models that are judged as they are."""

    def takes(self, file: str | PurePath) -> bool:
        """Whether a file belongs to this part."""
        return self is Part.ALL or is_locked(file) == (self is Part.LOCKED)


@dataclass(frozen=True, slots=True)
class Item:
    """What the set may be drawn from."""

    name: str
    """Of the file, without its ending."""
    group: str
    """What belongs together; a group is drawn whole."""
    stratum: str = ""
    """Of which the set is to hold its share."""
    known: bool = False
    """Whether a network in use was shown it, without its label; such groups are drawn last."""


def draw(items: Sequence[Item], n: int, *, seed: str = SEED) -> list[str]:
    """Names of `n` items: whole groups, each stratum by its share, in the order of a hash.

    Every stratum gets its share of `n`, rounded by largest remainders. Its groups are taken in the order of the SHA-256
    of seed and group, those that no network was shown first; a group that is larger than what is wanted still, or than
    a third of `n`, is passed over. What the strata leave open is filled from all groups in that order.

    Examples
    --------
    >>> len(draw([Item(f"a/{i}", group=f"a/{i}") for i in range(10)], 4))
    4
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    order = sorted(
        (g for g, members in groups.items() if len(members) <= max(1, n // 3)),
        key=lambda g: (groups[g][0].known, hashlib.sha256(f"{seed}/{g}".encode()).hexdigest()),
    )
    strata = [item.stratum for item in items]
    exact = {s: n * strata.count(s) / len(strata) for s in sorted(set(strata))}
    quota = {s: int(share) for s, share in exact.items()}
    for s in sorted(exact, key=lambda s: (quota[s] - exact[s], s))[: n - sum(quota.values())]:
        quota[s] += 1
    taken: list[str] = []
    for left in ({s: quota[s] for s in quota}, None):
        for group in order:
            members = groups[group]
            room = n - len(taken) if left is None else left[members[0].stratum]
            if members[0].name in taken or len(members) > room:
                continue
            taken.extend(item.name for item in members)
            if left is not None:
                left[members[0].stratum] -= len(members)
    return sorted(taken)


def digest(sets: Mapping[str, Iterable[str]]) -> str:
    """SHA-256 of all names with the corpus they come from, sorted."""
    lines = sorted(f"{corpus}/{name}" for corpus, names in sets.items() for name in names)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def locked_sets() -> dict[str, frozenset[str]]:
    """Names by corpus.

    Raises
    ------
    ValueError
        The list is not the one that was drawn.
    """
    document = json.loads(safe_read.read_text(LIST, most_bytes=safe_read.TABLE_BYTES))
    sets = {str(corpus): frozenset(names) for corpus, names in document["sets"].items()}
    if digest(sets) != document["sha256"]:
        raise ValueError(f"{LIST.name} was modified: its digest is {digest(sets)}")
    return sets


@cache
def _names() -> frozenset[str]:
    """All names."""
    return frozenset().union(*locked_sets().values())


def is_locked(file: str | PurePath) -> bool:
    """Whether a file belongs to the locked set, by the last parts of its path and whatever its ending.

    Examples
    --------
    >>> is_locked("my-holiday.mp4")
    False
    """
    parts = PurePath(file).with_suffix("").parts
    return any("/".join(parts[-k:]) in _names() for k in range(1, LONGEST_NAME + 1))


def unlocked(files: Iterable[Path]) -> Iterator[Path]:
    """Those of some files that may be learned from."""
    return (file for file in files if Part.DEVELOPMENT.takes(file))
