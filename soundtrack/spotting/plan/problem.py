"""The planning problem of a whole film: a track or silence for every interval.

Goes in: a `Problem`: what every track is worth under every run of stretches, and what changing costs. Comes out: the
value of any list of `Choice`, found by `soundtrack.spotting.plan.beam`. The value of a plan is the merit of all that
sounds (and of silence where nothing does), second by second, less what its cues cost. Unit: merit times seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from soundtrack.merit_table import PlanTable
from soundtrack.spotting.merit.intervals import BoolArray, Film
from soundtrack.spotting.merit.view import IntArray
from soundtrack.spotting.plan.worth import Worth
from soundtrack.types import FloatArray

_GREATEST, _LEAST_GREATEST = 5.0, 0.6
"""Weight of the greatest change of mood, if there is one."""
NO_TRACK = -1
"""In place of a track: silence."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A track under a run of stretches."""

    first: int
    """First stretch."""
    last: int
    """The stretch after the last one."""
    track: int
    """Position in the pool."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything that decides a plan; n stretches, T tracks."""

    film: Film
    """The stretches."""
    worth: Worth
    """Values of cues."""
    silence: FloatArray = field(repr=False, compare=False)
    """Merit of silence in each stretch, shape (n,)."""
    joins: FloatArray = field(repr=False, compare=False)
    """Cost of changing from row to column, in [0, 1], shape (T, T)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """Arousal of each track in each cell, shape (T, width)."""
    groups: IntArray = field(repr=False, compare=False)
    """Which tracks are one piece of music, shape (T,), in [0, T)."""
    artists: IntArray = field(repr=False, compare=False)
    """Which tracks are by one artist, shape (T,), in [0, T)."""
    locked: IntArray = field(repr=False, compare=False)
    """Track that must sound in each stretch, or `NO_TRACK` for any or none, shape (n,)."""
    allowed: BoolArray = field(repr=False, compare=False)
    """Which tracks may be used, shape (T,)."""
    min_cue_s: float
    """Shorter cues are not made, unless they hold a lock."""
    preferred_cue_s: float
    """From this length on, a change costs least."""
    weights: PlanTable = field(default_factory=PlanTable)
    """What changes, joins and repeats count."""
    max_cues: int | None = None
    """Maximum number of cues."""
    turns: FloatArray | None = field(default=None, repr=False, compare=False)
    """How far each edge parts two moods that last, in [0, 1], shape (n + 1,); None for the film's contrast."""
    cue_price: float = 0.0
    """What every cue costs besides, in merit times seconds."""
    few: bool = False
    """Whether cues are limited to what suits the film."""
    free_repeats: bool = False
    """Whether using a track again costs nothing."""
    air_s: FloatArray | None = field(default=None, repr=False, compare=False)
    """Seconds of silence before each edge where other music enters, shape (n + 1,); None for none."""
    kept_use: FloatArray | None = field(default=None, repr=False, compare=False)
    """What starting each track in each stretch costs because kept cues use it, shape (n, T); None without them."""
    kept_edge: FloatArray | None = field(default=None, repr=False, compare=False)
    """What each track costs from or up to each edge because a kept cue is on its other side, shape (n + 1, T)."""


def lone_value(problem: Problem, choice: Choice) -> float | None:
    """Value of a cue by itself, or None where the rules forbid it."""
    values = lone_values(problem, choice.first, choice.last - choice.first)
    value = float(values[choice.track])
    return value if np.isfinite(value) else None


def lone_values(problem: Problem, first: int, n: int) -> FloatArray:
    """Value of each track as a cue of n stretches by itself, shape (T,); minus infinity where the rules forbid it."""
    film = problem.film
    values = np.where(problem.allowed, problem.worth.value[first][n - 1], -np.inf)
    length_s = float(film.edges_s[first + n] - film.edges_s[first])
    locks = problem.locked[first : first + n]
    locks = np.unique(locks[locks != NO_TRACK])
    if len(locks) > 1 or (len(locks) == 0 and length_s < problem.min_cue_s - 1e-6):
        return np.full(len(values), -np.inf, np.float32)
    if len(locks) == 1:
        values = np.where(np.arange(len(values)) == locks[0], values, -np.inf)
    missing = max(0.0, 1 - length_s / problem.preferred_cue_s)
    values = values + problem.weights.length.weight * missing**2 + crossing(problem, first, first + n)
    if problem.kept_use is not None and problem.kept_edge is not None:
        values = values - problem.kept_use[first] - problem.kept_edge[first] - problem.kept_edge[first + n]
    return np.asarray(values, np.float32)


def silence_value(problem: Problem, stretch: int) -> float:
    """Value of leaving one stretch without music; minus infinity under a lock."""
    if problem.locked[stretch] != NO_TRACK:
        return -np.inf
    return float(problem.silence[stretch]) * float(problem.film.lengths_s[stretch])


def entry_cost(problem: Problem, first: int, *, touching: bool) -> float:
    """What starting a new cue costs; no more than any cue at the film's start."""
    if first == 0:
        return problem.cue_price
    cost = -problem.weights.change.weight * (1 - 0.75 * float(problem.film.contrast[first]))
    early = any(len(edges) > 0 and bool(edges[first]) for edges in (problem.film.speaking, problem.film.waiting))
    talking = -problem.weights.sentence.weight if early else 0.0
    return talking + problem.cue_price + (cost if touching else cost * problem.weights.after_silence.weight)


def crossing(problem: Problem, first: int, last: int) -> float:
    """What a cue gains (never more than nothing) by playing through changes of the picture's mood.

    The greatest change of the film counts several times: it is where music says something.
    """
    row, film = problem.weights.through, problem.film
    turns = film.contrast if problem.turns is None else problem.turns
    inner = np.clip((turns[first + 1 : last] - row.neutral) / (1 - row.neutral), 0.0, 1.0)
    marked = _GREATEST if first < film.greatest < last and film.contrast[film.greatest] >= _LEAST_GREATEST else 0.0
    return row.weight * (float(inner.sum()) + marked)


def likeness(problem: Problem, first: int) -> FloatArray:
    """How alike a stretch is to every stretch, in [0, 1], shape (n,)."""
    return alike(problem.film, first, neutral=problem.weights.theme.neutral)


def alike(film: Film, first: int, *, neutral: float) -> FloatArray:
    """How alike a stretch is to every stretch: the cosine of their vectors above the neutral point, shape (n,).

    Where a person named the mood, the classes of emotion take the place of the vector. In a film of talk all are alike:
    its pictures go with what is said, and a piece that comes back is the same bed going on.
    """
    seen = np.linalg.norm(film.vectors, axis=1) > 0.5
    if seen[first]:
        cosine = np.where(seen, film.vectors @ film.vectors[first], 0.0)
    else:
        cosine = np.sqrt(np.maximum(film.probabilities, 0)) @ np.sqrt(np.maximum(film.probabilities[first], 0))
        cosine = np.where(seen, 0.0, cosine)
    like = np.clip((cosine - neutral) / (1 - neutral), 0.0, 1.0)
    return np.asarray(film.talk + (1 - film.talk) * like, np.float32)


def plan_value(problem: Problem, choices: Sequence[Choice]) -> float:
    """Value of a whole plan; minus infinity where it breaks a rule.

    Parameters
    ----------
    problem : Problem
    choices : sequence of Choice
        In order, not overlapping.

    Returns
    -------
    float
        Merit times seconds.
    """
    if problem.max_cues is not None and len(choices) > problem.max_cues:
        return -np.inf
    total, edge = 0.0, 0
    used: list[Choice] = []
    before: Choice | None = None
    for choice in choices:
        total += sum(silence_value(problem, i) for i in range(edge, choice.first))
        touching = before is not None and before.last == choice.first
        lone = lone_value(problem, choice)
        if lone is None:
            return -np.inf
        if touching and before is not None and problem.groups[before.track] == problem.groups[choice.track]:
            return -np.inf
        total += lone - entry_cost(problem, choice.first, touching=touching)
        if touching and before is not None:
            total -= join_cost(problem, before, choice)
        total += sum(piece_terms(problem, used, choice).values())
        used.append(choice)
        before, edge = choice, choice.last
    return total + sum(silence_value(problem, i) for i in range(edge, len(problem.film)))


def playing_s(problem: Problem, choices: Sequence[Choice]) -> float:
    """Seconds with music of a plan."""
    return sum(float(problem.film.edges_s[c.last] - problem.film.edges_s[c.first]) for c in choices)


def piece_terms(problem: Problem, earlier: Sequence[Choice], choice: Choice) -> dict[str, float]:
    """What a cue gains or loses by the pieces that were used before it, by the names of the plan's rows.

    A piece that was used before gains where the scene is like the one in which it was last used, and loses where it
    is not; a further piece loses a little, and so does another piece by an artist that was used already.
    """
    if problem.free_repeats or not earlier:
        return {}
    weights, groups, artists = problem.weights, problem.groups, problem.artists
    before = [other for other in earlier if groups[other.track] == groups[choice.track]]
    same_artist = sum(artists[other.track] == artists[choice.track] for other in earlier) - len(before)
    terms = {"artist": weights.artist.weight * max(0, int(same_artist))}
    if before:
        like = float(likeness(problem, choice.first)[before[-1].first])
        return terms | {"theme": weights.theme.weight * like, "repeat": weights.repeat.weight * (1 - like)}
    return terms | {"piece": weights.piece.weight}


def arousals(problem: Problem, choice: Choice) -> tuple[float, float]:
    """Arousal of the music where a cue starts and where it ends."""
    cell = int(problem.worth.cell[choice.first][choice.last - choice.first - 1][choice.track])
    length_s = float(problem.film.edges_s[choice.last] - problem.film.edges_s[choice.first])
    row = problem.arousal[choice.track]
    end = min(cell + max(0, int(length_s / problem.worth.cell_s) - 1), len(row) - 1)
    return float(row[cell]), float(row[end])


def join_cost(problem: Problem, before: Choice, after: Choice) -> float:
    """What a direct change from one cue to the next costs: key, tempo, and a leap that the picture does not make."""
    leap = arousals(problem, after)[0] - arousals(problem, before)[1]
    wanted = float(problem.film.arousal[after.first] - problem.film.arousal[after.first - 1])
    apart = float(problem.joins[before.track, after.track])
    return -problem.weights.join.weight * apart - problem.weights.leap.weight * abs(leap - wanted)
