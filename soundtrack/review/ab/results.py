"""Results of blind comparisons: shares with Wilson intervals, and the rater's agreement with their own answers.

Goes in: answers. Comes out: one `Result` for each opponent. Shares count clear choices only; without any there is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from soundtrack.documents.answers import OPPONENTS, PLAN, Answer
from soundtrack.naming.wording import counted
from soundtrack.yardsticks.wilson import CONFIDENCE, wilson


@dataclass(frozen=True, slots=True)
class Result:
    """Comparison with one opponent."""

    against: str
    """The opponent."""
    n_answers: int
    """All answers."""
    plan: int
    """Choices of the planned music."""
    other: int
    """Choices of the opponent."""
    neither: int
    """Answers without a preference."""
    both_bad: int
    """Answers that reject both."""
    share: float | None
    """Choices of the planned music among the clear choices; None without any."""
    low: float | None
    """Lower bound of its 95 % interval (Wilson 1927)."""
    high: float | None
    """Upper bound."""
    n_repeated: int
    """Pairs that were answered more than once."""
    n_consistent: int
    """Of those, pairs whose first two answers agree."""


def results(answers: Sequence[Answer]) -> list[Result]:
    """Results for each opponent that has answers, in the order of `OPPONENTS`.

    Parameters
    ----------
    answers : sequence of Answer
        In the order in which they were given.
    """
    return [_result(name, own) for name in OPPONENTS if (own := [a for a in answers if a.against == name])]


def as_json(found: Sequence[Result], *, film: str) -> dict[str, object]:
    """The results as JSON."""
    return {"film": film, "confidence": CONFIDENCE, "results": [asdict(r) for r in found]}


def lines(found: Sequence[Result]) -> list[str]:
    """The results for people, one line each."""
    if not found:
        return ["no answers for this film"]
    return [_line(r) for r in found]


def _result(against: str, answers: Sequence[Answer]) -> Result:
    sources = Counter(a.chosen for a in answers)
    choices = Counter(a.choice for a in answers)
    plan, other = sources[PLAN], sources[against]
    share = low = high = None
    if plan + other:
        interval = wilson(plan, plan + other)
        share, low, high = interval.value, interval.low, interval.high
    by_pair: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        by_pair[answer.film, answer.pair].append(answer)
    repeated = [pair for pair in by_pair.values() if len(pair) > 1]
    same = sum((a.chosen, a.choice == "both-bad") == (b.chosen, b.choice == "both-bad") for a, b, *_ in repeated)
    return Result(
        against, len(answers), plan, other, choices["neither"], choices["both-bad"], share, low, high,
        len(repeated), same,
    )  # fmt: skip


def _line(r: Result) -> str:
    counts = f"plan {r.plan}, {r.against} {r.other}, neither {r.neither}, both bad {r.both_bad}"
    share = "no clear choice"
    if r.share is not None and r.low is not None and r.high is not None:
        interval = f"95% interval {100 * r.low:.0f} to {100 * r.high:.0f}%"
        share = f"plan preferred in {100 * r.share:.0f}% of clear choices ({interval})"
    own = f"; same answer to {r.n_consistent} of {counted(r.n_repeated, 'repeated pair')}" if r.n_repeated else ""
    return f"against {r.against}: {counts}; {share}{own}"
