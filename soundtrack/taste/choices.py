"""Choices of a person between two pieces of music for the same place: from edits of a cue sheet, and as lines of text.

Goes in: a cue sheet before and after an edit, or answers of blind comparisons. Comes out: a `Choice` for each, with
the difference of both sides in the measures of the merit table. As text: one JSON object a line, with ``schema``,
``kind``, ``film`` (fingerprint), ``cue``, ``chosen`` and ``rejected`` (track ids), and ``differences`` by row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from soundtrack.documents.answers import Answer, fault_of_line
from soundtrack.documents.cuesheet import weights_of
from soundtrack.documents.edits import SWAPPED_OUT
from soundtrack.errors import InputError, Reason
from soundtrack.merit_table import MeritTable
from soundtrack.types import Alternative, Cue, CueSheet, Term

SCHEMA = "soundtrack.choice/1"
"""Name of the format."""
SWAP, LOCK, COMPARISON, FORGOTTEN = "swap", "lock", "comparison", "forgotten"
"""Kinds of lines: another track in a cue, a locked cue, an answer of a comparison, and answers that count no more."""
_NOT_HEARD = ("explore", "recent", "hit")
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One piece of music was preferred to another for the same place."""

    kind: str
    """``swap``, ``lock`` or ``comparison``."""
    film: str
    """Fingerprint of the film."""
    cue: str
    """Name of the cue or pair."""
    chosen: str
    """Track id of the preferred music."""
    rejected: str
    """Track id of the other."""
    differences: Mapping[str, float] = field(default_factory=dict)
    """Measure of the chosen minus that of the rejected, by row of the merit table; without neutral points."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Content of the file of choices."""

    edits: tuple[Choice, ...] = ()
    """From edits of cue sheets, oldest first."""
    n_forgotten: int = 0
    """Number of answers of comparisons that count no more, from the oldest."""


def differences(chosen: Sequence[Term], rejected: Sequence[Term], merit: MeritTable) -> dict[str, float]:
    """How far two lists of terms differ in the measures of a table.

    Parameters
    ----------
    chosen, rejected : sequence of Term
        Contributions to merit under `merit`; a missing one is 0.
    merit : MeritTable
        Rows with a weight of 0 say nothing about their measure and are left out.

    Examples
    --------
    >>> differences([Term("mood", 0.3)], [Term("mood", 0.06)], MeritTable())
    {'mood': 0.4}
    """
    ours, theirs = ({t.name: t.value for t in terms} for terms in (chosen, rejected))
    result = {}
    for name, row in merit.rows().items():
        apart = ours.get(name, 0.0) - theirs.get(name, 0.0)
        if row.weight != 0 and apart != 0 and name not in _NOT_HEARD:
            result[name] = round(apart / row.weight, _DECIMALS)
    return result


def edited(choices: Choices, before: CueSheet, after: CueSheet) -> Choices:
    """The choices with those that an edit of a cue sheet shows.

    A cue whose track was exchanged for one of its alternatives is a choice between the two; exchanged back, the choice
    is removed. A locked cue is a choice between its track and the second of the plan; unlocked, it is removed.

    Parameters
    ----------
    choices : Choices
        So far.
    before, after : CueSheet
        Of the same film.
    """
    merit = (weights_of(before) or (MeritTable(),))[0]
    others = {cue.cue_id: cue for cue in before.cues}
    edits = list(choices.edits)
    for cue in after.cues:
        was = others.get(cue.cue_id)
        if was is None:
            continue
        if cue.track_id != was.track_id:
            _note_swap(edits, before, was, cue, merit)
        elif cue.locked != was.locked:
            _drop(edits, LOCK, before.film.fingerprint, cue.cue_id)
            if cue.locked:
                _note_lock(edits, before, cue, merit)
    return Choices(tuple(edits), choices.n_forgotten)


def compared(answers: Iterable[Answer]) -> list[Choice]:
    """The answers of blind comparisons that prefer one side and know the terms of both."""
    found = []
    for answer in answers:
        if answer.choice not in ("left", "right"):
            continue
        chosen, rejected = (answer.left, answer.right) if answer.choice == "left" else (answer.right, answer.left)
        if chosen.terms and rejected.terms:
            terms = [[Term(name, value) for name, value in side.terms.items()] for side in (chosen, rejected)]
            apart = differences(terms[0], terms[1], MeritTable())
            found.append(Choice(COMPARISON, answer.film, answer.pair, chosen.track, rejected.track, apart))
    return found


def _note_swap(edits: list[Choice], sheet: CueSheet, was: Cue, now: Cue, merit: MeritTable) -> None:
    film = sheet.film.fingerprint
    earlier = next((c for c in edits if (c.kind, c.film, c.cue) == (SWAP, film, now.cue_id)), None)
    if earlier is not None and (earlier.chosen, earlier.rejected) == (was.track_id, now.track_id):
        edits.remove(earlier)
        return
    chosen, planned = _offered(sheet, now), _own_terms(sheet, was)
    if chosen is None or not chosen.terms or planned is None:
        return
    _drop(edits, SWAP, film, now.cue_id)
    rejected, terms = planned
    apart = differences(chosen.terms, terms, merit)
    if apart:
        edits.append(Choice(SWAP, film, now.cue_id, now.track_id, rejected, apart))


def _note_lock(edits: list[Choice], sheet: CueSheet, cue: Cue, merit: MeritTable) -> None:
    second = min((a for a in sheet.alternatives if a.cue_id == cue.cue_id), key=lambda a: a.rank, default=None)
    if second is None or not second.terms or not cue.why:
        return
    apart = differences(cue.why, second.terms, merit)
    if apart:
        edits.append(Choice(LOCK, sheet.film.fingerprint, cue.cue_id, cue.track_id, second.track_id, apart))


def _offered(sheet: CueSheet, cue: Cue) -> Alternative | None:
    """The alternative of a sheet that a cue now plays."""
    return next((a for a in sheet.alternatives if (a.cue_id, a.track_id) == (cue.cue_id, cue.track_id)), None)


def _own_terms(sheet: CueSheet, cue: Cue) -> tuple[str, Sequence[Term]] | None:
    """Track and terms of what the plan had in a cue; after a swap it is among the alternatives."""
    if cue.why:
        return cue.track_id, cue.why
    planned = next((a for a in sheet.alternatives if a.cue_id == cue.cue_id and a.note == SWAPPED_OUT), None)
    return (planned.track_id, planned.terms) if planned is not None and planned.terms else None


def _drop(edits: list[Choice], kind: str, film: str, cue: str) -> None:
    edits[:] = [c for c in edits if (c.kind, c.film, c.cue) != (kind, film, cue)]


# --- as text ----


def dumps(choices: Choices) -> str:
    """One line for each choice, after one for the answers that count no more."""
    lines: list[dict[str, object]] = [{"schema": SCHEMA, **asdict(choice)} for choice in choices.edits]
    if choices.n_forgotten:
        lines.insert(0, {"schema": SCHEMA, "kind": FORGOTTEN, "answers": choices.n_forgotten})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def loads(text: str, *, name: str = "choices") -> Choices:
    """The choices of a text.

    Raises
    ------
    InputError
        A line is no choice of this format.
    """
    edits: list[Choice] = []
    n_forgotten = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict):
                raise ValueError("expected a JSON object")
            if entry["schema"] != SCHEMA:
                raise ValueError(f"schema: expected {SCHEMA}")
            if entry["kind"] == FORGOTTEN:
                n_forgotten = _count(entry["answers"])
            else:
                edits.append(_choice(entry))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"{name}: line {number}: {fault_of_line(error)}",
                hint="correct that line, or run `soundtrack taste forget`",
                reason=Reason.BAD_FORMAT,
            ) from error
    return Choices(tuple(edits), n_forgotten)


def _choice(entry: Mapping[str, object]) -> Choice:
    texts = {}
    for key in ("kind", "film", "cue", "chosen", "rejected"):
        value = entry[key]
        if not isinstance(value, str):
            raise ValueError(f"{key}: expected a text")
        texts[key] = value
    if texts["kind"] not in (SWAP, LOCK):
        raise ValueError(f"kind: expected {SWAP} or {LOCK}")
    apart = entry["differences"]
    if not isinstance(apart, dict):
        raise ValueError("differences: expected an object")
    for name, value in apart.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"differences.{name[:60]}: expected a finite number")
    return Choice(**texts, differences={name: float(value) for name, value in apart.items()})


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise ValueError("answers: expected a whole number from 0")
    return value
