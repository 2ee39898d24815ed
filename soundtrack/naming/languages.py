"""Languages by their codes and English names.

Goes in: what tags and people write, such as ``ger``, ``de-DE`` or ``German``. Comes out: a code of ISO 639-1.
"""

from __future__ import annotations

import difflib
import re

from soundtrack.errors import UsageError

NONE = "none"
"""In a list of languages: music without singing."""

_TABLE = """
    ar ara arabic|bg bul bulgarian|bn ben bengali|ca cat catalan|cs cze,ces czech|cy wel,cym welsh|da dan danish
    |de ger,deu german,deutsch|el gre,ell greek|en eng english|es spa spanish|et est estonian|eu baq,eus basque
    |fa per,fas persian|fi fin finnish|fr fre,fra french|ga gle irish|gl glg galician|he heb hebrew|hi hin hindi
    |hr hrv croatian|hu hun hungarian|id ind indonesian|is ice,isl icelandic|it ita italian|ja jpn japanese
    |ka geo,kat georgian|ko kor korean|la lat latin|lt lit lithuanian|lv lav latvian|mk mac,mkd macedonian
    |ms may,msa malay|nl dut,nld dutch|no nor,nob,nno norwegian|pl pol polish|pt por portuguese|ro rum,ron romanian
    |ru rus russian|sk slo,slk slovak|sl slv slovenian|sq alb,sqi albanian|sr srp serbian|sv swe swedish|sw swa swahili
    |ta tam tamil|te tel telugu|th tha thai|tl tgl tagalog|tr tur turkish|uk ukr ukrainian|ur urd urdu|vi vie vietnamese
    |xh xho xhosa|zh chi,zho chinese|zu zul zulu
"""
_ROWS = [row.split() for row in _TABLE.replace("\n", " ").split("|")]
_CODES = {name: code for code, codes, names in _ROWS for name in (code, *codes.split(","), *names.split(","))}
_CODES |= {"nb": "no", "nn": "no"}
_NAMES = {code: names.split(",")[0].capitalize() for code, _, names in _ROWS}


def code_of(text: str) -> str | None:
    """The code of a language; None for one that is not known.

    Examples
    --------
    >>> code_of("de-DE"), code_of("ger"), code_of("German"), code_of("Klingon")
    ('de', 'de', 'de', None)
    """
    low = text.strip().lower()
    return _CODES.get(low) or _CODES.get(re.split(r"[-_\s(/;,]", low)[0])


def name_of(code: str) -> str:
    """The English name of a language, or its code.

    Examples
    --------
    >>> name_of("de"), name_of("xx")
    ('German', 'xx')
    """
    return _NAMES.get(code, code)


def parse_languages(text: str) -> frozenset[str]:
    """The codes of a list such as ``de,english``; ``none`` is music without singing.

    Raises
    ------
    UsageError
        One is unknown.
    """
    found: set[str] = set()
    for part in (part.strip() for part in text.split(",") if part.strip()):
        code = NONE if part.lower() == NONE else code_of(part)
        if code is None:
            near = difflib.get_close_matches(part.lower(), [*_CODES, NONE], n=1, cutoff=0.7)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"unknown language {part[:60]!r}", hint=f"{meant}use codes or names, such as de or german")
        found.add(code)
    if not found:
        raise UsageError("no language given", hint="use codes or names, such as de or german; none for no singing")
    return frozenset(found)
