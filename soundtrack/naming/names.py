"""Comparison of names: accents, capitals, several names in one tag.

Goes in: names as files, tags, playlists and people write them. Comes out: a form in which equal names are equal, the
names in a tag, and the file that a path means. Names are compared in Unicode's composed form (NFC); what is opened
keeps the bytes that the file system has.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

SEPARATOR = "; "
"""Between several values of one tag."""

_SEVERAL = re.compile(r"\s*;\s*|\s+/\s+|(?<=[^/]{3})/(?=[^/]{3})|\s+(?:feat\.?|ft\.|featuring)\s+", re.IGNORECASE)
"""What separates names in one tag: ID3v2.3 knows no other way than a slash, which ``AC/DC`` has in its name."""

_MOST_NAMES = 100_000
"""A folder with more entries is not looked through for a name in another form."""


def composed(text: str) -> str:
    """The text with every accent in the letter that it belongs to.

    Examples
    --------
    >>> composed("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The form in which two names that people take for one are equal.

    Examples
    --------
    >>> folded(" Cafe\\u0301 ") == folded("CAF\\u00c9")
    True
    """
    return composed(composed(text).casefold()).strip()


def names_in(tag: str | None) -> tuple[str, ...]:
    """The names in one tag, folded: the whole of it first, then each by itself.

    Examples
    --------
    >>> names_in("Anna; Berta"), names_in("AC/DC"), names_in("Nina/Carlo"), names_in(None)
    (('anna; berta', 'anna', 'berta'), ('ac/dc',), ('nina/carlo', 'nina', 'carlo'), ())
    """
    if not tag:
        return ()
    whole = folded(tag)
    return tuple(dict.fromkeys(name for name in (whole, *_SEVERAL.split(whole)) if name))


def as_on_disk(path: Path) -> Path:
    """The path under which a file really lies, where its name has accents in another form; else the path as it is.

    Examples
    --------
    >>> as_on_disk(Path("/no/such/file"))
    PosixPath('/no/such/file')
    """
    text = os.fspath(path)
    if text.isascii() or os.path.lexists(path):
        return path
    for form in ("NFC", "NFD"):
        other = Path(unicodedata.normalize(form, text))
        if os.path.lexists(other):
            return other
    found = Path(path.anchor)
    for part in path.parts[1:] if path.anchor else path.parts:
        if os.path.lexists(found / part):
            found /= part
        elif (entry := _entry(found, part)) is not None:
            found /= entry
        else:
            return path
    return found


def _entry(folder: Path, name: str) -> str | None:
    """The entry of a folder that has this name in another form."""
    wanted = composed(name)
    try:
        with os.scandir(folder) as listing:
            for n, entry in enumerate(listing):
                if n >= _MOST_NAMES:
                    return None
                if composed(entry.name) == wanted:
                    return entry.name
    except OSError:
        return None
    return None
