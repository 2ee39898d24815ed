"""What a music file says about itself, made safe to keep and to show.

Goes in: a path. Comes out: `Tags`. Tags are text by strangers: control characters, direction overrides and lone
surrogates are taken out, length is bounded, and nothing but showing is ever done with them. A file whose tags cannot
be read has none. This module is the only one that imports tinytag; pictures are never decoded.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from soundtrack.types import Tags

MAX_CHARACTERS = 500
"""Longer texts are cut."""

_LED_ASTRAY = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError)
"""How a parser of tags fails on a hostile file."""

_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_text(text: object) -> str | None:
    """One line that can be shown anywhere, or None if nothing is left.

    Examples
    --------
    >>> clean_text("  a\\x1b[31m\\n b\\x00\\u202e "), clean_text("\\x00 "), clean_text(None)
    ('a[31m b', None, None)
    """
    if text is None:
        return None
    kept = "".join(" " if c.isspace() else c for c in str(text)[: 8 * MAX_CHARACTERS] if _is_kept(c))
    return " ".join(kept.split())[:MAX_CHARACTERS].strip() or None


def _is_kept(character: str) -> bool:
    return character in "\t\n\r" or unicodedata.category(character) not in _DROPPED


def read_tags(path: Path) -> Tags:
    """The tags of a file, cleaned; empty ones where there are none or they cannot be read."""
    from tinytag import TinyTag, TinyTagException

    try:
        found: Mapping[str, object] = TinyTag.get(path, duration=False, image=False).as_dict()
    except (
        TinyTagException,
        OSError,
        ValueError,
        ArithmeticError,
        LookupError,
        MemoryError,
        AttributeError,
        TypeError,
    ):
        return Tags()  # a parser led astray by a hostile file fails in many ways

    def first(*names: str) -> str | None:
        """The first of some fields that holds text."""
        for name in names:
            value = found.get(name)
            texts = value if isinstance(value, list) else [value]
            for text in texts:
                cleaned = clean_text(text)
                if cleaned is not None:
                    return cleaned
        return None

    return Tags(
        title=first("title"),
        artist=first("artist", "albumartist", "composer"),
        album=first("album"),
        genre=first("genre"),
        year=first("year"),
        licence=first("license", "copyright"),
        isrc=first("isrc"),
    )
