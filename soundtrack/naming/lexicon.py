"""A word list of the user's own, with valence and arousal, that comes before the built-in one.

Goes in: a table with a heading, separated by commas, semicolons or tabs, such as ``word, valence, arousal`` with one
row for each word. Comes out: `Lexicon`. Numbers are on a scale from -1 to 1, 0 to 1 or 1 to 9, whichever is the first
that holds nearly all of them. A row that cannot be read is left out and named.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.naming.names import as_on_disk
from soundtrack.naming.wording import counted

MOST_BYTES = 1 << 24
"""A larger file is refused."""
_MOST_NAMED = 5
_LONGEST_WORD = 80
_SCALES = ((-1.0, 1.0), (0.0, 1.0), (1.0, 9.0))
_HOLDS = 0.99
"""Share of the numbers that a scale has to hold."""
_HINT = "use a table with a heading and the columns word, valence and arousal, separated by commas or tabs"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words with their places."""

    path: Path
    """The file."""
    words: Mapping[str, tuple[float, float]] = field(repr=False)
    """Valence and arousal, in [-1, 1], by word in lower case."""
    scale: tuple[float, float]
    """Least and largest number of the scale it was read on."""
    bad_rows: tuple[str, ...] = ()
    """Rows that were left out, each with its number and the reason."""

    def notes(self) -> list[str]:
        """What was read, and what was not, one line each."""
        low, high = self.scale
        lines = [f"{self.path}: {counted(len(self.words), 'word')}, read on a scale from {low:g} to {high:g}"]
        lines += [f"{self.path}: {row}" for row in self.bad_rows[:_MOST_NAMED]]
        more = len(self.bad_rows) - _MOST_NAMED
        return lines + ([f"{self.path}: {counted(more, 'further row')} left out"] if more > 0 else [])


def read_lexicon(path: Path) -> Lexicon:
    """The words of a file.

    Raises
    ------
    InputError
        It cannot be read, is no such table, or holds no usable row.
    """
    path = as_on_disk(path)
    text = safe_read.read_text(path, most_bytes=MOST_BYTES).removeprefix("\ufeff")
    lines = text.splitlines()
    if not lines:
        raise InputError(f"{path}: the file is empty", hint=_HINT, reason=Reason.EMPTY)
    separator = max("\t;,", key=lines[0].count)
    found, bad = _rows(lines[1:], separator, _columns(lines[0].split(separator), path), path)
    low, high = _scale([value for *_, valence, arousal in found for value in (valence, arousal)])
    words: dict[str, tuple[float, float]] = {}
    for number, word, valence, arousal in found:
        if not (low <= valence <= high and low <= arousal <= high):
            bad.append((number, f"{word[:20]!r} is outside of {low:g} to {high:g}"))
        elif word in words:
            bad.append((number, f"{word[:20]!r} was rated before"))
        else:
            places = (2 * (value - low) / (high - low) - 1 for value in (valence, arousal))
            words[word] = (next(places), next(places))
    said = tuple(f"row {number} left out: {why}" for number, why in sorted(bad))
    if not words:
        raise InputError(f"{path}: no usable row{f', {said[0]}' if said else ''}", hint=_HINT, reason=Reason.BAD_FORMAT)
    return Lexicon(path, words, (low, high), said)


def _rows(
    lines: Sequence[str], separator: str, columns: tuple[int, int, int], path: Path
) -> tuple[list[tuple[int, str, float, float]], list[tuple[int, str]]]:
    """Number, word, valence and arousal of each row as written, and the rows that cannot be read."""
    found: list[tuple[int, str, float, float]] = []
    bad: list[tuple[int, str]] = []
    try:
        for number, row in enumerate(csv.reader(lines, delimiter=separator), start=2):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= max(columns):
                bad.append((number, "too few columns"))
                continue
            word, *texts = (row[at].strip() for at in columns)
            valence, arousal = map(_number, texts)
            if not word or len(word) > _LONGEST_WORD:
                bad.append((number, "no word" if not word else "the word is too long"))
            elif valence is None or arousal is None:
                bad.append((number, f"{texts[0 if valence is None else 1][:20]!r} is not a number"))
            else:
                found.append((number, word.lower(), valence, arousal))
    except csv.Error as error:
        raise InputError(f"{path}: not a table: {error}", hint=_HINT, reason=Reason.BAD_FORMAT) from error
    return found, bad


def _columns(heading: Sequence[str], path: Path) -> tuple[int, int, int]:
    """Where the word, its valence and its arousal are."""
    names = [name.strip().strip('"').lower() for name in heading]

    def at(wanted: str) -> int | None:
        exact = [i for i, name in enumerate(names) if name in (wanted, f"{wanted}_mean")]
        return exact[0] if exact else next((i for i, name in enumerate(names) if name.startswith(wanted)), None)

    word, valence, arousal = at("word"), at("valence"), at("arousal")
    if valence is None or arousal is None:
        missing = "valence" if valence is None else "arousal"
        raise InputError(f"{path}: no column {missing} in the first row", hint=_HINT, reason=Reason.BAD_FORMAT)
    return (0 if word is None else word), valence, arousal


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _scale(values: Sequence[float]) -> tuple[float, float]:
    """The first scale that holds nearly all numbers; the narrower of two only where a number below 0 asks for it."""
    for low, high in _SCALES:
        inside = sum(low <= value <= high for value in values)
        if inside >= _HOLDS * len(values) and (low >= 0 or any(-1 <= value < 0 for value in values)):
            return low, high
    return _SCALES[-1]
