"""Valence and arousal of 10,000 English words, as rated by people.

Goes in: a word in lower case. Comes out: its place, or None. The table is derived, by ``benchmarks/word_norms.py``,
from the Glasgow norms (Scott, Keitel, Becirspahic, Yao and Sereno 2019, "The Glasgow Norms: Ratings of 5,500 words on
nine scales", Behavior Research Methods 51, 1258-1270, CC BY 4.0), and for further words from the valences of VADER
(Hutto and Gilbert 2014, MIT) and AFINN (Nielsen 2011, Apache-2.0) with an arousal by regression from word vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

_STEPS = 20
"""Whole numbers of the table are in these parts of 1."""


@cache
def _table() -> dict[str, tuple[float, float]]:
    text = resources.files("soundtrack.naming").joinpath("word_norms.tsv").read_text(encoding="ascii")
    rows = (line.split("\t") for line in text.splitlines())
    return {word: (int(valence) / _STEPS, int(arousal) / _STEPS) for word, valence, arousal in rows}


def norm_of(word: str) -> tuple[float, float] | None:
    """Valence and arousal of a word, each in [-1, 1]; None for a word that is not in the table.

    Examples
    --------
    >>> norm_of("happy"), norm_of("xylitol")
    ((0.8, 0.4), None)
    """
    return _own.get(word) or _table().get(word)


def label_norm_of(label: str) -> tuple[float, float] | None:
    """The table's place of the word for an object, or of its last part; None where neither is rated.

    Examples
    --------
    >>> label_norm_of("wolf spider") == label_norm_of("spider") is not None
    True
    """
    return next((_table()[word] for word in words_of_label(label) if word in _table()), None)


def words_of_label(label: str) -> tuple[str, ...]:
    """What to look up for the label of an object: its name, the name without spaces, and its last word.

    Examples
    --------
    >>> words_of_label("wolf_spider")
    ('wolf spider', 'wolfspider', 'spider')
    """
    name = label.lower().replace("_", " ")
    return name, name.replace(" ", ""), name.split()[-1]


_own: Mapping[str, tuple[float, float]] = {}
_path: Path | None = None


def use_words(words: Mapping[str, tuple[float, float]], path: Path | None = None) -> None:
    """Let the words of the user's own list come before the table, in this process; none for the table alone."""
    global _own, _path
    _own, _path = words, path


def words_path() -> Path | None:
    """File of the user's own list in use; None without one."""
    return _path


def own_norm_of(word: str) -> tuple[float, float] | None:
    """The place of a word in the user's own list, of whatever language; None without one."""
    return _own.get(word)
