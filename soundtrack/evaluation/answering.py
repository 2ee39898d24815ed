"""``soundtrack eval answers``: how often people prefer the planned music, and how far people agree with themselves.

Goes in: answers of blind comparisons. Comes out: `AnswersReport`. A pair that was answered twice shows how steady the
person is. If each answer turns over by chance with probability q, two answers agree with probability 1 - 2q(1 - q), and
at most 1 - q of the answers can be foreseen: the ceiling of any score on such answers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from soundtrack.documents.answers import OPPONENTS, PLAN, Answer
from soundtrack.errors import InputError, Reason
from soundtrack.naming.wording import counted
from soundtrack.yardsticks.bootstrap import Interval, json_number
from soundtrack.yardsticks.wilson import wilson


@dataclass(frozen=True, slots=True)
class Against:
    """Answers against one opponent."""

    n: int
    """All of them."""
    n_decided: int
    """Those that prefer one side."""
    preferred: Interval
    """Share of the decided ones that prefer the planned music, with its Wilson interval."""


@dataclass(frozen=True, slots=True)
class AnswersReport:
    """What `soundtrack eval answers` prints."""

    against: dict[str, Against]
    """By opponent, those with decided answers only."""
    n_repeated: int
    """Pairs that were decided twice."""
    agreement: float | None
    """Share of them with the same choice; None without any."""

    @property
    def ceiling(self) -> float | None:
        """Largest share of answers that can be foreseen, in [0.5, 1]; None without repeated pairs."""
        return None if self.agreement is None else ceiling_of(self.agreement)

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "against": {
                name: {
                    "n": found.n,
                    "n_decided": found.n_decided,
                    "preferred": json_number(found.preferred.value),
                    "interval": [json_number(found.preferred.low), json_number(found.preferred.high)],
                }
                for name, found in self.against.items()
            },
            "n_repeated": self.n_repeated,
            "agreement": self.agreement,
            "ceiling": self.ceiling,
        }

    def lines(self) -> list[str]:
        """For people: each score, with the ceiling beside it."""
        top = "unknown: no pair was answered twice" if self.ceiling is None else f"{self.ceiling:.3f}"
        lines = [f"{'against':8}  {'answers':>7}  {'decided':>7}  {'plan preferred':22}  ceiling"]
        for name, found in self.against.items():
            lines.append(f"{name:8}  {found.n:7d}  {found.n_decided:7d}  {found.preferred!s:22}  {top}")
        if self.agreement is not None:
            lines += ["", f"answered twice: {counted(self.n_repeated, 'pair')}, {self.agreement:.0%} alike"]
        return lines


def ceiling_of(agreement: float) -> float:
    """The share of answers that can be foreseen at most, from the share of repeated ones that agree.

    Examples
    --------
    >>> ceiling_of(1.0), ceiling_of(0.5), round(ceiling_of(0.82), 3)
    (1.0, 0.5, 0.9)
    """
    return (1 + math.sqrt(max(0.0, 2 * agreement - 1))) / 2


def judge_answers(answers: Sequence[Answer], *, name: str) -> AnswersReport:
    """The scores of the planned music, and the ceiling.

    Parameters
    ----------
    answers : sequence of Answer
        Oldest first.
    name : str
        What messages call the file of the answers.

    Raises
    ------
    InputError
        No answer prefers one side.
    """
    found: dict[str, Against] = {}
    for opponent in OPPONENTS:
        asked = [answer for answer in answers if answer.against == opponent]
        decided = [answer for answer in asked if answer.chosen is not None]
        if not decided:
            continue
        n_plan = sum(answer.chosen == PLAN for answer in decided)
        found[opponent] = Against(len(asked), len(decided), wilson(n_plan, len(decided)))
    if not found:
        hint = "compare more music blindly first: `soundtrack review --ab FILM`"
        raise InputError(f"{name}: no answer prefers one side", hint=hint, reason=Reason.EMPTY)
    twice: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for answer in answers:
        twice[answer.film, answer.pair].append(answer.chosen)
    pairs = [chosen[:2] for chosen in twice.values() if len(chosen) > 1 and None not in chosen[:2]]
    agreement = sum(first == second for first, second in pairs) / len(pairs) if pairs else None
    return AnswersReport(found, len(pairs), agreement)
