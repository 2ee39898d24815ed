"""Tags of a music file, cleaned for storage and display.

Goes in: a path. Comes out: `Header`. Tags are text by strangers: control characters, direction overrides and lone
surrogates are taken out, length is bounded, and nothing but showing is ever done with them. A file whose tags cannot
be read has none. This module is the only one that imports tinytag; containers that tinytag does not know, and APEv2
tags, are read by ffmpeg, in a process apart. Pictures are never decoded.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soundtrack.files.text_encoding import repaired
from soundtrack.media.reading.stored_tags import appended_tags, has_appended_tags, stored_tags
from soundtrack.naming.names import SEPARATOR
from soundtrack.types import Tags

MAX_CHARACTERS = 500
"""Longer texts are cut."""

MAX_VALUES = 50
"""Of a field with more values the rest is left out."""

_LED_ASTRAY = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError)
"""How a parser of tags fails on a hostile file."""

_AS_TINYTAG = {"date": "year", "album_artist": "albumartist", "album artist": "albumartist"}
"""Names of ffmpeg's fields that are others here."""

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


@dataclass(frozen=True, slots=True)
class Header:
    """What the beginning (or the end) of a file claims."""

    tags: Tags
    """Cleaned."""
    duration_s: float | None
    """Length in seconds as the header has it; often wrong, None where it says nothing."""


def read_fields(path: Path, *, duration: bool = True) -> Mapping[str, object]:
    """The tags of a file as they are, by field, with the claimed length if asked for; empty if they cannot be read."""
    from tinytag import TinyTag, TinyTagException

    try:
        found = dict(TinyTag.get(path, image=False, duration=duration).as_dict())
    except (TinyTagException, OSError, MemoryError, *_LED_ASTRAY):
        return {}
    return _repaired({name: value for name, value in found.items() if name != "filename"})


def _repaired(fields: Mapping[str, object]) -> dict[str, object]:
    """The same fields with texts in their own encoding that the file calls Latin-1."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    texts = [text for values in lists.values() for text in values if isinstance(text, str)]
    if all(text.isascii() for text in texts):
        return dict(fields)
    mended = iter(repaired(texts))
    made = {name: [next(mended) if isinstance(t, str) else t for t in values] for name, values in lists.items()}
    return {name: made[name] if isinstance(value, list) else made[name][0] for name, value in fields.items()}


def _as_tinytag(fields: Mapping[str, str]) -> dict[str, object]:
    """FFmpeg's fields by the names of tinytag."""
    return {_AS_TINYTAG.get(name, name): text for name, text in fields.items()}


def read_header(path: Path) -> Header:
    """The tags and the claimed length of a file; empty where there are none or they cannot be read."""
    found = read_fields(path)
    if not found:
        found = _as_tinytag(stored_tags(path))
    elif not found.get("title") and not found.get("artist") and has_appended_tags(path):
        found = {**_as_tinytag(appended_tags(path)), **found}

    def values(name: str) -> list[str]:
        """What a field holds, each text once."""
        value = found.get(name)
        cleaned = (clean_text(text) for text in (value if isinstance(value, list) else [value])[:MAX_VALUES])
        return list(dict.fromkeys(text for text in cleaned if text is not None))

    def first(*names: str) -> str | None:
        """The first text of the first of some fields that holds any."""
        return next((text for name in names for text in values(name)), None)

    def every(*names: str) -> str | None:
        """All texts of the first of some fields that holds any, as one line."""
        texts = next((texts for name in names if (texts := values(name))), [])
        return SEPARATOR.join(texts)[:MAX_CHARACTERS].strip() or None

    tags = Tags(
        title=first("title"),
        artist=every("artist", "albumartist", "composer"),
        album=first("album"),
        genre=every("genre"),
        year=first("year"),
        licence=first("license", "copyright"),
        isrc=first("isrc"),
        album_artist=every("albumartist"),
    )
    claimed = found.get("duration")
    known = isinstance(claimed, int | float) and math.isfinite(claimed) and claimed > 0
    return Header(tags, float(claimed) if known and isinstance(claimed, int | float) else None)
