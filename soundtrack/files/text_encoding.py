"""Text of a small file that does not say in which encoding it was written, such as subtitles and lyrics.

Goes in: bytes. Comes out: text, or None where no encoding gives readable text: a wrong guess would be evidence of words
that were never written. Tried in this order: byte order marks, UTF-8, UTF-16 by the places of its zeros, then what
chardet finds among the encodings that such files have.
"""

from __future__ import annotations

import re
import unicodedata

ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "koi8-r", "cp866"),
    *("cp932", "shift_jis_2004", "euc-jp", "gb18030", "big5hkscs", "cp949"),
)
"""What chardet may choose from; with all that it knows it prefers rare ones for short texts."""

_LEAST_CONFIDENCE = 0.03
"""Texts in encodings that are not listed stay below it; one accented line of a listed one has 0.045."""
_MOST_UNREADABLE = 0.01
"""Share of characters that no text has."""
_MOST_DAMAGED = 0.25
"""Damaged characters of UTF-8, as a share of its characters beyond ASCII."""
_MOST_SYMBOLS = 0.3
"""Share of signs such as frames and formulas beyond ASCII: a wrong encoding makes such of letters."""
_FEW = 0.15
"""Texts with a smaller share of bytes beyond ASCII are of a Latin script."""
_MANY_ZEROS = 0.2
"""Share of zero bytes from which a file is UTF-16: times of subtitles are ASCII."""
_MIXED_WORD = re.compile(r"[A-Za-z][^\W\d_a-zA-Z]|[^\W\d_a-zA-Z][A-Za-z]")
_SIGN_IN_WORD = re.compile(r"[^\W\d_](?![’‘–—…·\xad])[^\x00-\x7f\w\s][^\W\d_]")
_LATIN = re.compile(r"[À-ɏḀ-ỿªº]")


def decoded(data: bytes) -> str | None:
    """The text of a file, without a byte order mark; None where its encoding is not recognised.

    Examples
    --------
    >>> decoded("Déjà vu, mon amour".encode("cp1252")), decoded(bytes(range(128, 256)))
    ('Déjà vu, mon amour', None)
    """
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return _readable(data.decode("utf-32", errors="replace"))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _readable(data.decode("utf-16", errors="replace"))
    text = data.decode("utf-8-sig", errors="replace")
    damaged, beyond = text.count("\ufffd"), sum(not c.isascii() for c in text)
    if damaged <= _MOST_DAMAGED * (beyond - damaged) and data.count(0) < _MANY_ZEROS * len(data):
        return _readable(text)
    if data.count(0) >= _MANY_ZEROS * len(data):
        return _readable(
            data.decode("utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be", "replace")
        )
    return _guessed(data)


def _guessed(data: bytes) -> str | None:
    """Text in one of `ENCODINGS`."""
    import warnings

    import chardet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that its answer may be none, which is wanted
        found = chardet.detect(data, include_encodings=("ascii", *ENCODINGS), prefer_superset=True)
    encoding = found["encoding"]
    if encoding is None:
        return None
    if (found["confidence"] or 0.0) < _LEAST_CONFIDENCE:  # too short to tell, or in no listed encoding
        text = data.decode("cp1252", errors="replace")
        few = sum(not c.isascii() for c in text) < _FEW * len(text)
        return None if not few or _SIGN_IN_WORD.search(text) else _readable(text)
    text = data.decode(encoding, errors="replace")
    mixed = [match[0] for match in _MIXED_WORD.finditer(text) if not _LATIN.search(match[0])]
    if mixed and encoding.lower() in ("windows-1251", "windows-1253", "windows-1255", "windows-1256", "koi8-r"):
        text = data.decode("cp1252", errors="replace")  # letters of two scripts in one word: accents of a Latin one
    beyond = [c for c in text if not c.isascii()]
    symbols = sum(unicodedata.category(c) in ("So", "Sm", "Sk", "Sc") for c in beyond)
    return _readable(text) if symbols <= _MOST_SYMBOLS * len(beyond) else None


def _readable(text: str) -> str | None:
    """The text, unless too many of its characters are control codes, unassigned, or damaged."""
    odd = sum(
        c == "\ufffd" or (unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") and c not in "\t\n\r\f\v\x1a")
        for c in text
    )
    return text if text and odd <= max(1.0, _MOST_UNREADABLE * len(text)) else None
