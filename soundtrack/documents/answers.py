"""Answers of a blind comparison of two pieces of music under the same stretch of film: one JSON object a line.

Goes in: text. Comes out: a tuple of `Answer`, and text again. A line holds these keys:

``schema``
    ``soundtrack.answer/1``.
``film``
    Fingerprint of the film.
``scene``
    Index of the scene in the cue sheet, from 0.
``start_s``, ``end_s``
    The stretch that was played, film clock, in seconds.
``against``
    The opponent of the planned music: ``random``, ``arousal``, ``true``, or ``former`` (an earlier cue sheet).
``pair``
    Name of the pair; the same in an answer to its repetition.
``left``, ``right``
    The two sides: ``track`` (track id, or fingerprint of the film for its own music), ``start_s`` (track clock),
    ``source`` (``plan`` or the opponent), and ``terms``.
``choice``
    ``left``, ``right``, ``neither`` (no difference in preference) or ``both-bad``.
``time``
    UTC, to the second, such as ``2026-03-01T20:15:00Z``.

``terms`` maps rows of `soundtrack.merit_table.MeritTable` to ``weight x (measure - neutral)`` with the default table,
averaged over the stretch, whatever table selected the music; it is empty where the track is not in the library.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from soundtrack.errors import InputError, Reason

SCHEMA = "soundtrack.answer/1"
"""Name of the format."""
CHOICES = ("left", "right", "neither", "both-bad")
"""Possible choices."""
OPPONENTS = ("random", "arousal", "true", "former")
"""Possible opponents of the planned music."""
PLAN = "plan"
"""Source of the planned music."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHOWN_CHARACTERS = 200
_HINT = "correct that line or remove it"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two pieces of music."""

    track: str
    """Track id; fingerprint of the film for the film's own music."""
    start_s: float
    """Position at the start of the stretch, track clock, in seconds."""
    source: str
    """``plan``, or the opponent."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Contributions of the rows of the default merit table; empty if unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice of one person."""

    film: str
    """Fingerprint of the film."""
    scene: int
    """Index of the scene."""
    start_s: float
    """Start of the stretch, film clock."""
    end_s: float
    """End of the stretch, film clock."""
    against: str
    """One of `OPPONENTS`."""
    pair: str
    """Name of the pair."""
    left: Side
    """First of the two as shown."""
    right: Side
    """Second of the two as shown."""
    choice: str
    """One of `CHOICES`."""
    time: str
    """UTC, to the second."""

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise ValueError(f"choice: expected one of {', '.join(CHOICES)}, got {self.choice!r}")
        if self.against not in OPPONENTS:
            raise ValueError(f"against: expected one of {', '.join(OPPONENTS)}, got {self.against!r}")
        if {self.left.source, self.right.source} != {PLAN, self.against}:
            raise ValueError(f"source: expected {PLAN} on one side and {self.against} on the other")
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise ValueError("start_s and end_s: expected 0 <= start_s < end_s")
        if not _TIME.fullmatch(self.time):
            raise ValueError(f"time: expected UTC as 2026-03-01T20:15:00Z, got {self.time!r}")

    @property
    def chosen(self) -> str | None:
        """Source of the side that was chosen; None for ``neither`` and ``both-bad``."""
        return {"left": self.left.source, "right": self.right.source}.get(self.choice)


def dumps(answers: Iterable[Answer]) -> str:
    """The lines of some answers, in their order."""
    return "".join(json.dumps({"schema": SCHEMA, **asdict(a)}, ensure_ascii=False) + "\n" for a in answers)


def loads(text: str, *, name: str = "answers") -> tuple[Answer, ...]:
    """The answers of a file, in its order.

    Parameters
    ----------
    text : str
        One JSON object a line; empty lines are skipped.
    name : str
        File name for errors.

    Raises
    ------
    InputError
        A line is not an answer of this format.
    """
    answers = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            answers.append(_answer(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            fault = f"{name}: line {number}: {fault_of_line(error)}"
            raise InputError(fault, hint=_HINT, reason=Reason.BAD_FORMAT) from error
    return tuple(answers)


def fault_of_line(error: Exception) -> str:
    """What is wrong with a line of a file that has one JSON object a line, in a few words.

    Examples
    --------
    >>> fault_of_line(KeyError("film"))
    "missing key 'film'"
    """
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return "expected a JSON object"
    return f"missing key {error}"[:_SHOWN_CHARACTERS] if isinstance(error, KeyError) else str(error)[:_SHOWN_CHARACTERS]


def _answer(entry: object) -> Answer:
    if not isinstance(entry, dict):
        raise ValueError("expected a JSON object")
    if entry["schema"] != SCHEMA:
        raise ValueError(f"schema: expected {SCHEMA}")
    scene = entry["scene"]
    if isinstance(scene, bool) or not isinstance(scene, int) or scene < 0:
        raise ValueError("scene: expected a whole number from 0")
    return Answer(
        film=_text(entry, "film"),
        scene=scene,
        start_s=_number(entry, "start_s"),
        end_s=_number(entry, "end_s"),
        against=_text(entry, "against"),
        pair=_text(entry, "pair"),
        left=_side(entry["left"]),
        right=_side(entry["right"]),
        choice=_text(entry, "choice"),
        time=_text(entry, "time"),
    )


def _side(entry: object) -> Side:
    if not isinstance(entry, dict) or not isinstance(entry["terms"], dict):
        raise ValueError("left and right: expected an object with terms")
    terms = {name: _number(entry["terms"], name) for name in entry["terms"]}
    return Side(_text(entry, "track"), _number(entry, "start_s"), _text(entry, "source"), terms)


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a text")
    return value


def _number(entry: Mapping[str, object], key: str) -> float:
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key}: expected a finite number")
    return float(value)
