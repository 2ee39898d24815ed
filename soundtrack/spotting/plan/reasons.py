"""Reasons of a cue in numbers, and its runner-up.

Goes in: the problem and its plan. Comes out: for each cue the named terms that add up to its merit, and the runners-up
with the margin and what would have changed the choice. Merits are per second of the cue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundtrack.spotting.merit.eligibility import TERM_NAMES, Pool
from soundtrack.spotting.plan.problem import (
    Choice,
    Problem,
    crossing,
    entry_cost,
    join_cost,
    lone_value,
    lone_values,
    piece_terms,
)
from soundtrack.spotting.plan.worth import sounding_terms
from soundtrack.types import Term, TimeArray

_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """A track that could have been used instead."""

    track: int
    """Position in the pool."""
    start_s: float
    """Where it would start, track clock."""
    merit: float
    """Per second, like that of the cue."""
    note: str
    """What would have changed the choice."""
    terms: tuple[Term, ...]
    """Terms of music and picture, without those of the plan."""


def length_s(problem: Problem, choice: Choice) -> float:
    """Length of a choice on the film, in seconds."""
    return float(problem.film.edges_s[choice.last] - problem.film.edges_s[choice.first])


def start_s(problem: Problem, choice: Choice) -> float:
    """Where in its track a choice starts, in seconds."""
    return float(problem.worth.cell[choice.first][choice.last - choice.first - 1][choice.track]) * problem.worth.cell_s


def reasons(
    problem: Problem, pool: Pool, choices: Sequence[Choice], place: int, *, cell: int | None = None
) -> tuple[Term, ...]:
    """The named terms of one cue's merit; zero ones are left out.

    Parameters
    ----------
    problem : Problem
    pool : Pool
        Of this problem.
    choices : sequence of Choice
        The plan.
    place : int
        Which cue.
    cell : int, optional
        Where in its track it starts, if not where it was planned to.

    Returns
    -------
    tuple of Term
        Rounded; their sum is the cue's merit.
    """
    choice, seconds = choices[place], length_s(problem, choices[place])
    planned = _planned_cell(problem, choice)
    parts = parts_from(problem, pool, choice, planned if cell is None else cell)
    value = float(problem.worth.value[choice.first][choice.last - choice.first - 1][choice.track])
    section = problem.weights.section.weight
    at_section = cell in (None, planned) and value - float(parts.sum()) * seconds > section / 2
    entry = section if at_section or cell == 0 else 0.0
    missing = max(0.0, 1 - seconds / problem.preferred_cue_s)
    costs = dict(_costs(problem, choices, place))
    for name, cost in _kept_costs(problem, choice).items():
        costs[name] = costs.get(name, 0.0) + cost
    named = [
        *zip((*TERM_NAMES, "loop"), parts.tolist(), strict=True),
        ("section", entry / seconds),
        ("length", problem.weights.length.weight * missing**2 / seconds),
        ("through", crossing(problem, choice.first, choice.last) / seconds),
        *((name, -cost / seconds) for name, cost in costs.items()),
    ]
    rounded = [Term(name, round(value, _DECIMALS) + 0.0) for name, value in named]
    return tuple(term for term in rounded if term.value != 0)


def _planned_cell(problem: Problem, choice: Choice) -> int:
    """Where in its track a choice starts, in cells."""
    return int(problem.worth.cell[choice.first][choice.last - choice.first - 1][choice.track])


def _music_terms(parts: TimeArray) -> tuple[Term, ...]:
    """Those of `parts_from` that are about the music and the picture, rounded; zero ones are left out."""
    rounded = [Term(name, round(v, _DECIMALS) + 0.0) for name, v in zip(TERM_NAMES, parts[:-1].tolist(), strict=True)]
    return tuple(term for term in rounded if term.value != 0)


def parts_from(problem: Problem, pool: Pool, choice: Choice, cell: int) -> TimeArray:
    """The terms of what sounds if a choice starts in a cell of its track, as `sounding_terms` gives them."""
    return sounding_terms(
        problem.film,
        pool,
        problem.weights,
        track=choice.track,
        cell=cell,
        first=choice.first,
        last=choice.last,
        cell_s=problem.worth.cell_s,
    )


def _costs(problem: Problem, choices: Sequence[Choice], place: int) -> list[tuple[str, float]]:
    """What changing to a cue and using its track again cost, in merit times seconds."""
    choice = choices[place]
    before = choices[place - 1] if place else None
    touching = before is not None and before.last == choice.first
    join = join_cost(problem, before, choice) if before is not None and touching else 0.0
    pieces = [(name, -value) for name, value in piece_terms(problem, choices[:place], choice).items()]
    return [("change", entry_cost(problem, choice.first, touching=touching)), ("join", join), *pieces]


def _kept_costs(problem: Problem, choice: Choice) -> dict[str, float]:
    """What kept cues cost a choice, in merit times seconds; `lone_value` holds it already."""
    if problem.kept_use is None or problem.kept_edge is None:
        return {}
    edges = problem.kept_edge[[choice.first, choice.last], choice.track]
    return {"join": float(edges.sum()), "repeat": float(problem.kept_use[choice.first, choice.track])}


def runners_up(
    problem: Problem, pool: Pool, choices: Sequence[Choice], place: int, *, names: Sequence[str], n: int = 3
) -> list[RunnerUp]:
    """The best other tracks for one cue, all else unchanged.

    Parameters
    ----------
    problem : Problem
    pool : Pool
        Of this problem.
    choices : sequence of Choice
        The plan.
    place : int
        Which cue.
    names : sequence of str
        Of the cues, for the notes.
    n : int
        Maximum number.

    Returns
    -------
    list of RunnerUp
        Best first.
    """
    chosen, seconds = choices[place], length_s(problem, choices[place])
    if np.any(problem.locked[chosen.first : chosen.last] >= 0):
        return []
    lone = lone_values(problem, chosen.first, chosen.last - chosen.first)
    order = np.argsort(-np.round(lone, 6), kind="stable")
    order = order[np.isfinite(lone[order]) & (problem.groups[order] != problem.groups[chosen.track])][: 4 * n + 8]
    rated = []
    seen: set[int] = set()
    for track in order:
        if int(problem.groups[track]) in seen:
            continue
        seen.add(int(problem.groups[track]))
        other = Choice(chosen.first, chosen.last, int(track))
        later = _next_uses(problem, choices, place, (chosen, other))
        own = _value_among(problem, choices, place, chosen, later=later)
        rated.append((own - _value_among(problem, choices, place, other, later=later), other))
    rated.sort(key=lambda pair: round(pair[0], 6))
    whole = sum(term.value for term in reasons(problem, pool, choices, place))
    result = []
    for behind, other in rated[:n]:
        margin = behind / seconds
        note = _note(problem, pool, choices, place, other, margin=margin, names=names)
        terms = _music_terms(parts_from(problem, pool, other, _planned_cell(problem, other)))
        result.append(RunnerUp(other.track, start_s(problem, other), round(whole - margin, _DECIMALS), note, terms))
    return result


def _next_uses(problem: Problem, choices: Sequence[Choice], place: int, pieces: Sequence[Choice]) -> list[int]:
    """Places of the next cue with each of some pieces: what it gains depends on which of them is used here."""
    found = set()
    for piece in pieces:
        group = problem.groups[piece.track]
        later = range(place + 1, len(choices))
        found.update([k for k in later if problem.groups[choices[k].track] == group][:1])
    return sorted(found)


def _value_among(
    problem: Problem, choices: Sequence[Choice], place: int, choice: Choice, *, later: Sequence[int]
) -> float:
    """Value of a choice at its place in the plan: by itself, less joins on both sides, and what it does to others."""
    changed = [*choices[:place], choice, *choices[place + 1 :]]
    value = (lone_value(problem, choice) or 0.0) - sum(cost for _, cost in _costs(problem, changed, place))
    if place + 1 < len(changed) and changed[place + 1].first == choice.last:
        value -= join_cost(problem, choice, changed[place + 1])
    return value + sum(sum(piece_terms(problem, changed[:k], changed[k]).values()) for k in later)


def _note(
    problem: Problem,
    pool: Pool,
    choices: Sequence[Choice],
    place: int,
    other: Choice,
    *,
    margin: float,
    names: Sequence[str],
) -> str:
    """What would have made another track win."""
    seconds = length_s(problem, other)
    terms = [parts_from(problem, pool, c, _planned_cell(problem, c)) for c in (choices[place], other)]
    behind = f"{margin:.3f} behind"
    vocals = -float(terms[1][TERM_NAMES.index("vocals")])
    if vocals > 0 and vocals >= margin:
        return f"{behind}; would win with --allow-vocals"
    used = [(i, c) for i, c in enumerate(choices[:place]) if problem.groups[c.track] == problem.groups[other.track]]
    cost = -sum(value for value in piece_terms(problem, choices[:place], other).values())
    if used and cost > 0 and cost / seconds >= margin:
        return f"{behind}; would win if {names[used[-1][0]]} used other music"
    deficits = [*zip((*TERM_NAMES, "loop"), (terms[0] - terms[1]).tolist(), strict=True)]
    worst, size = max(deficits, key=lambda item: item[1])
    return f"{behind}; would win if equal in {worst}" if size >= margin else f"{behind}, mostly in {worst}"
