"""Numbers with their nouns, for messages."""

from __future__ import annotations


def counted(n: int, thing: str) -> str:
    """A number with its noun in the right number.

    Examples
    --------
    >>> counted(1, "cue"), counted(0, "track"), counted(2, "copy")
    ('1 cue', '0 tracks', '2 copies')
    """
    if n == 1:
        return f"{n} {thing}"
    return f"{n} {thing[:-1]}ies" if thing.endswith("y") else f"{n} {thing}s"
