"""Check that a conversion kept all lines of subtitles and their times.

Goes in: texts with their start in tenths of a second, before and after. Comes out: what differs, in words.
"""

from __future__ import annotations

import unicodedata

Lines = tuple[tuple[int, str], ...]


def come_alike(old: Lines, new: Lines) -> bool:
    """Whether as many texts come at the same times, to a tenth of a second.

    Parameters
    ----------
    old, new : tuple of (int, str)
        Start in tenths of a second and text.
    """
    return len(old) == len(new) and all(abs(a[0] - b[0]) <= 1 for a, b in zip(old, new, strict=True))


def altered(old: Lines, new: Lines, *, name: str) -> list[str]:
    """Which texts changed beyond what cannot be seen, in one line that shows the first; empty if none did.

    Parameters
    ----------
    old, new : tuple of (int, str)
        Start in tenths of a second and text.
    name : str
        Of the stream.

    Examples
    --------
    >>> altered(((2, "Go <b>"),), ((2, "Go"),), name="s")
    ["s: 1 of 1 texts changed: 'Go <b>' became 'Go'"]
    """
    pairs = zip(old, new, strict=False)
    changed = [(a, b) for (_, a), (_, b) in pairs if _letters(a) != _letters(b)]
    if not changed:
        return []
    before, after = changed[0]
    return [f"{name}: {len(changed)} of {len(old)} texts changed: {before!r} became {after!r}"]


def _letters(text: str) -> str:
    """A text without spaces and without characters that cannot be seen."""
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")
