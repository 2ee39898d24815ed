"""Licences as files state them, in a few names that can be asked for.

Goes in: the licence or copyright line of a file. Comes out: names of `NAMES`. A statement is taken at its word; nothing
is looked up, and a file that says nothing is ``unknown``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from soundtrack.errors import UsageError
from soundtrack.naming.wording import counted

UNKNOWN = "unknown"
"""The file states no licence."""
_BY = ("cc-by", "cc-by-sa", "cc-by-nd", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd")
NAMES = ("own", "public-domain", "cc0", *_BY, "gpl", "copyright", "other", UNKNOWN)
"""What can be asked for; ``copyright`` is a statement of rights without a licence, ``other`` one that is not known."""

_ADDRESS = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)")
_SHORT = re.compile(r"\bcc[\s_-]*by((?:[\s_-]*(?:nc|sa|nd))*)\b")
_LONG = re.compile(r"\battribution((?:[\s,_-]*(?:non[\s-]?commercial|share[\s-]?alike|no[\s-]?deriv\w*))*)")
_PARTS = (("nc", r"non[\s-]?commercial|nc"), ("sa", r"share[\s-]?alike|sa\b"), ("nd", r"no[\s-]?deriv\w*|nd\b"))
_OWN = re.compile(r"^\W*(own|my own|own work|own music|owned|self[- ]made)\W*$")
_RIGHTS = re.compile(r"©|℗|\(c\)|\(p\)|\bcopyright|\ball rights|\brights reserved|^\W*(19|20)\d\d\b")
_CLAIMED = re.compile(r"\bcontent[\s-]?id\b")


def licences_of(text: str | None) -> frozenset[str]:
    """The licences that a text names, one or more.

    Examples
    --------
    >>> sorted(licences_of("CC BY-SA 3.0 or GPLv2")), sorted(licences_of("2019 A Label")), sorted(licences_of(None))
    (['cc-by-sa', 'gpl'], ['copyright'], ['unknown'])
    """
    low = " ".join((text or "").lower().split())
    if not low:
        return frozenset({UNKNOWN})
    found: set[str] = set()
    for kind, name in _ADDRESS.findall(low):
        if kind == "publicdomain":
            found.add("cc0" if name == "zero" else "public-domain")
        elif name in {by.removeprefix("cc-") for by in _BY}:
            found.add(f"cc-{name}")
    rest = _ADDRESS.sub(" ", low)
    found.update(_by(parts) for parts in (*_SHORT.findall(rest), *_LONG.findall(rest)))
    if re.search(r"\bcc[\s_-]?0\b|\bcc[\s_-]?zero\b", rest):
        found.add("cc0")
    if re.search(r"public[\s-]domain|\bpd\b", rest) and "cc0" not in found:
        found.add("public-domain")
    if re.search(r"\bgpl|\bgnu general public", rest):
        found.add("gpl")
    if _OWN.match(rest):
        found.add("own")
    if found:
        return frozenset(found & set(NAMES)) or frozenset({"other"})
    return frozenset({"copyright" if _RIGHTS.search(low) else "other"})


def _by(parts: str) -> str:
    """Name of a licence that asks for attribution, by what else it asks for."""
    asked = [name for name, written in _PARTS if re.search(written, parts)]
    return "-".join(["cc-by", *asked])


def parse_licences(text: str) -> frozenset[str]:
    """The names of a list such as ``own,cc-by``; ``cc`` means all of Creative Commons.

    Raises
    ------
    UsageError
        A name is unknown.
    """
    asked = [part.strip().lower().replace(" ", "-").replace("_", "-") for part in text.split(",") if part.strip()]
    if not asked:
        raise UsageError("no licence given", hint=f"use one or more of {', '.join(NAMES)}, cc")
    for name in asked:
        if name not in (*NAMES, "cc"):
            near = difflib.get_close_matches(name, NAMES, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"unknown licence {name[:60]!r}", hint=f"{meant}use one or more of {', '.join(NAMES)}, cc")
    return frozenset(asked) - {"cc"} | (frozenset({"cc0", *_BY}) if "cc" in asked else frozenset())


def risk_line(licences: Sequence[str | None]) -> str | None:
    """What a publisher of these tracks should know, in one line; None where each states a licence.

    Examples
    --------
    >>> risk_line(["CC BY 4.0", None])
    'licence: 1 of 2 tracks states none in its file; a platform may claim the sound'
    """
    unknown = sum(licences_of(text) == {UNKNOWN} for text in licences)
    reserved = sum(licences_of(text) == {"copyright"} for text in licences)
    claimed = sum(bool(text and _CLAIMED.search(text.lower())) for text in licences)
    parts = []
    if claimed:
        parts.append(f"{_of(claimed, len(licences))} registered with Content ID by its own statement")
    if unknown:
        said = "states none in its file" if unknown == 1 else "state none in their files"
        parts.append(f"{_of(unknown, len(licences))} {said}")
    if reserved:
        parts.append(f"{_of(reserved, len(licences))} {'states' if reserved == 1 else 'state'} copyright only")
    if not parts:
        return None
    return f"licence: {', '.join(parts)}; a platform may claim the sound"


def _of(n: int, total: int) -> str:
    """A part of some tracks."""
    return f"{n} of {counted(total, 'track')}"
