"""Installed fonts that can draw a text, and characters that none of them has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

BASE = "DejaVu Sans"
"""Comes with matplotlib, and covers Latin, Greek, Cyrillic and more."""

_NO_LETTERS = ("last resort", "lastresort", "emoji", "color", "mono", "math", "tofu", "blank")
"""Words in the names of fonts that show a box for everything, are in colour, or are not for reading."""


@dataclass(frozen=True, slots=True)
class Fonts:
    """What a text is drawn with."""

    families: tuple[str, ...]
    """Names of fonts, to be tried in this order; `BASE` first."""
    lacking: str
    """Characters of the text that none of them has, each once, in order."""


def fonts_for(text: str) -> Fonts:
    """The fonts for a text; others than `BASE` are looked for only if it lacks characters.

    Examples
    --------
    >>> fonts_for("Ça, Ωμέγα, Чайка")
    Fonts(families=('DejaVu Sans',), lacking='')
    """
    from matplotlib import font_manager

    wanted = {ord(c) for c in text if c.isprintable()}
    missing = wanted - _characters(font_manager.findfont(BASE))
    families = [BASE]
    if missing:
        has = {name: missing & _characters(path) for name, path in _plain_fonts(font_manager)}
        while missing and has:
            best = max(sorted(has), key=lambda name: len(has[name] & missing))
            if not has[best] & missing:
                break
            families.append(best)
            missing = missing - has[best]
    return Fonts(tuple(families), "".join(dict.fromkeys(c for c in text if ord(c) in missing)))


def _plain_fonts(font_manager: Any) -> list[tuple[str, str]]:
    """Name and file of the upright fonts of normal weight that are for reading."""
    return [
        (entry.name, entry.fname)
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal"
        and entry.weight in (400, "normal", "regular", "book", "medium")
        and not any(word in entry.name.lower() for word in _NO_LETTERS)
    ]


@cache
def _characters(path: str) -> frozenset[int]:
    """Code points that a font file has a glyph for; none if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
