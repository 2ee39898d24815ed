"""Text of a small file that does not say in which encoding it was written, such as subtitles and lyrics.

Goes in: bytes. Comes out: text, or None where no encoding gives readable text: a wrong guess would be evidence of words
that were never written. Tried in this order: byte order marks, UTF-8, UTF-16 by the places of its zeros, then what
chardet finds among the encodings that such files have.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

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
    encoding, confidence, _ = _detected(data, ENCODINGS)
    if not encoding:
        return None
    if confidence < _LEAST_CONFIDENCE:  # too short to tell, or in no listed encoding
        text = data.decode("cp1252", errors="replace")
        few = sum(not c.isascii() for c in text) < _FEW * len(text)
        return None if not few or _SIGN_IN_WORD.search(text) else _readable(text)
    text = data.decode(encoding, errors="replace")
    mixed = [match[0] for match in _MIXED_WORD.finditer(text) if not _LATIN.search(match[0])]
    if mixed and encoding in ("windows-1251", "windows-1253", "windows-1255", "windows-1256", "koi8-r"):
        text = data.decode("cp1252", errors="replace")  # letters of two scripts in one word: accents of a Latin one
    beyond = [c for c in text if not c.isascii()]
    symbols = sum(unicodedata.category(c) in ("So", "Sm", "Sk", "Sc") for c in beyond)
    return _readable(text) if symbols <= _MOST_SYMBOLS * len(beyond) else None


def _detected(data: bytes, encodings: Sequence[str]) -> tuple[str, float, str | None]:
    """Encoding, in lower case and empty for none, confidence and language that chardet finds for some bytes."""
    import warnings

    import chardet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that its answer may be none, which is wanted
        found = chardet.detect(data, include_encodings=("ascii", *encodings), prefer_superset=True)
    return (found["encoding"] or "").lower(), found["confidence"] or 0.0, found["language"]


def _readable(text: str) -> str | None:
    """The text, unless too many of its characters are control codes, unassigned, or damaged."""
    odd = sum(
        c == "\ufffd" or (unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") and c not in "\t\n\r\f\v\x1a")
        for c in text
    )
    return text if text and odd <= max(1.0, _MOST_UNREADABLE * len(text)) else None


# --- text that was read as Latin-1 ----

_CONTROL = re.compile("[\x80-\x9f]")
_WORD = re.compile(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_WINDOWS_SIGNS = frozenset("‘’‚“”„–—…•™€Œœ")
_EAST = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "HALFWIDTH", "FULLWIDTH", "KATAKANA-HIRAGANA"})
_SCRIPTS = _EAST | {"CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI"}
_CENTRAL = re.compile(
    "[^\\W\\d_][\xa3\xaf\xb3\xb9\xbc\xbe\xbf][^\\W\\d_]|[\xaa\xba][a-z\xdf-\xff]{2}"
    "|[\x8a\x8d-\x8f\x9a\x9d-\x9f][a-z\xdf-\xff]|[a-z\xdf-\xff][\x9a\x9d-\x9f]"
)
"""Signs among letters, at the places of letters of Windows-1250."""
_SIGNED = re.compile(f"{_CENTRAL.pattern}|[^\\W\\d_][\xa1-\xa9\xab\xac\xae-\xb3\xb6\xb8\xb9\xbb-\xbf][^\\W\\d_]")
"""The same, or signs among letters at the places of halves of Chinese characters in Big5."""
_WITH_SIGNS = (*ENCODINGS, "mac-roman", "cp850", "cp437")
"""Encodings among which such a text is recognised; those of old Macs and DOS have letters there too."""
_SIGNED_ENCODINGS = ("windows-1250", "big5", "big5hkscs")
_LEAST_SIGNED = 0.035
"""Confidence; titles of other encodings with such signs have at most 0.03."""
_TURKISH = re.compile("[^\\W\\d_]þ(?![aeiouyà-æè-ïò-öù-ý])|[aeiouöüý][^\\Waeiouyöüý]+ý\\b")
_ALPHABETS = {
    ("windows-1254", "tr"): (_TURKISH, frozenset("çðýöþüâîû")),
    ("windows-1257", "lt"): (re.compile("\\bð"), frozenset("àèæëáðøûþ")),
    ("windows-1257", "lv"): (re.compile("\\bð"), frozenset("âèçìîíïòðûþ")),
}
"""Languages in code pages with other letters for some of Latin-1: where no Icelandic word has these, and all."""
_LEAST_OF_ALPHABET = 3
"""Letters beyond ASCII from which such a language is recognised: a single `Ð` may be that of Croatian."""
_LONGEST_GUESSED = 20_000
_LEAST_BYTES = 5
"""Bytes beyond ASCII from which an encoding can be recognised."""
_LEAST_LETTERS, _LEAST_EAST = 4, 2
"""Letters of the longest word from which an encoding is recognised, and the same for scripts of East Asia."""


def repaired(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts of one file, such as its tags, with those in their own encoding that were written as Latin-1.

    Programs of before Unicode wrote tags in the code page of their user, while the tag says Latin-1. In true Latin-1 a
    word is seldom without letters of ASCII, so only words wholly beyond ASCII, or bytes that Latin-1 does not have,
    lead to a guess, and it has to give letters of one other script. Signs among letters lead to a guess as well, where
    Windows-1250 or Big5 gives letters instead. Turkish, Lithuanian and Latvian need letters at places that no
    Icelandic word has, and all of their alphabet. What is not certain stays as it is.

    Examples
    --------
    >>> repaired(["Ïîñëåäíèé ãåðîé", "Motörhead", "ÆØÅ", "BjÃ¶rk", "Don\\x92t"])
    ('Последний герой', 'Motörhead', 'ÆØÅ', 'Björk', 'Don’t')
    >>> repaired(["Cem Karaca", "Resimdeki Gözyaþlarý", "Tamirci Çýraðý"]), repaired(["Þursaflokkurinn", "Garður"])
    (('Cem Karaca', 'Resimdeki Gözyaşları', 'Tamirci Çırağı'), ('Þursaflokkurinn', 'Garður'))
    """
    found = [_of_utf8(text) or text for text in texts]
    left = [
        i for i, text in enumerate(found) if text == texts[i] and not text.isascii() and max(map(ord, text)) <= 0xFF
    ]
    if any(_SIGNED.search(found[i]) for i in left):
        encoding = _encoding_of_signed("\n".join(found[i] for i in left)[:_LONGEST_GUESSED])
        for i in left:
            found[i] = _in(encoding, found[i]) or _in_latin(encoding, found[i]) or found[i]
    odd = [i for i, text in enumerate(found) if text == texts[i] and _is_odd(text)]
    encoding = _encoding_of("\n".join(found[i] for i in odd)[:_LONGEST_GUESSED]) if odd else None
    for i in odd:
        found[i] = _in(encoding, found[i]) or found[i]
    if encoding is None and tuple(found) == tuple(texts):
        found = _of_alphabet(found)
    return tuple(text if text != texts[i] else _with_signs(text) for i, text in enumerate(found))


def _of_alphabet(texts: list[str]) -> list[str]:
    """Texts of one file in a code page with letters in the place of some of Latin-1; the same where that is unsure."""
    text = "\n".join(texts)[:_LONGEST_GUESSED]
    letters = [letter for letter in text.lower() if not letter.isascii()]
    fit = {
        language
        for language, (place, alphabet) in _ALPHABETS.items()
        if len(letters) >= _LEAST_OF_ALPHABET and alphabet.issuperset(letters) and place.search(text.lower())
    }
    if not fit:
        return texts
    data = text.encode("latin-1")
    encoding, _, language = _detected(data, (*ENCODINGS, "cp1257"))
    if (encoding, language) not in fit:
        return texts
    return [text.encode("latin-1").decode(encoding) for text in texts]


def _of_utf8(text: str) -> str | None:
    """UTF-8 that was read as Latin-1, or None."""
    try:
        return None if text.isascii() else text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None


def _is_odd(text: str) -> bool:
    """Whether a text that may be Latin-1 is probably not: bytes without a character, or words wholly beyond ASCII."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words or max(map(ord, text)) > 0xFF:
        return False
    whole = max(map(len, words)) >= _LEAST_LETTERS and not any(re.search("[A-Za-z]", word) for word in words)
    return whole or _CONTROL.search(text) is not None


def _encoding_of(text: str) -> str | None:
    """The encoding of a text that was read as Latin-1, or None where it is not certain."""
    data = text.encode("latin-1")
    if sum(byte > 0x7F for byte in data) < _LEAST_BYTES:
        return None
    encoding, confidence, _ = _detected(data, [n for n in ENCODINGS if n not in ("cp1252", "cp1250", "cp1254")])
    return encoding if encoding and confidence >= _LEAST_CONFIDENCE else None


def _encoding_of_signed(text: str) -> str | None:
    """The encoding of a text with signs among its letters, or None where it is not certain."""
    encoding, confidence, _ = _detected(text.encode("latin-1"), _WITH_SIGNS)
    if confidence < _LEAST_SIGNED or encoding not in _SIGNED_ENCODINGS:
        return None
    return None if encoding == "windows-1250" and not _CENTRAL.search(text) else encoding


def _in_latin(encoding: str | None, text: str) -> str | None:
    """A text that was read as Latin-1 in the code page of Central Europe, if that leaves no sign among its letters."""
    if encoding != "windows-1250":
        return None
    new = text.encode("latin-1").decode("cp1250", errors="replace")
    return None if "\ufffd" in new or _SIGN_IN_WORD.search(new) else new


def _in(encoding: str | None, text: str) -> str | None:
    """A text that was read as Latin-1 in another encoding, if that gives words of one other script."""
    try:
        new = text.encode("latin-1").decode(encoding or "ascii")
    except UnicodeError:
        return None
    words = [word for word in _LETTERS.findall(new) if not word.isascii()]
    scripts = {_script(letter) for word in words for letter in word}
    east = scripts & _EAST
    if east:
        is_word = max(map(len, words)) >= _LEAST_EAST
    else:  # an accented letter that is drawn out is none
        is_word = any(len(word) >= _LEAST_LETTERS and len(set(word.casefold())) > 2 for word in words)
    mixed = any(re.search("[A-Za-z]", word) for word in words)
    if not is_word or mixed or not scripts <= _SCRIPTS or (len(scripts) > 1 and scripts != east):
        return None
    if encoding == "cp949" and "CJK" in scripts:
        return None  # Chinese; Korean is written without Chinese characters
    signs = any(
        unicodedata.category(c) in ("So", "Sm", "Sk", "Sc", "No", "Cn", "Co", "Cc") for c in new if c not in "\t\n\r"
    )
    return None if signs else new


def _script(letter: str) -> str:
    """The first word of the name of a letter."""
    return unicodedata.name(letter, "?").partition(" ")[0]


def _with_signs(text: str) -> str:
    """A text with the quotes and dashes of Windows in the place of bytes that Latin-1 does not have."""
    if not _CONTROL.search(text) or max(map(ord, text)) > 0xFF:
        return text
    new = text.encode("latin-1").decode("cp1252", errors="replace")
    return new if {a for a, b in zip(new, text, strict=True) if a != b} <= _WINDOWS_SIGNS else text
