"""How much music: the plan's weights by density and kind of film, and a ceiling on the number of cues.

Goes in: the film, the planning problem and its plan. Comes out: the best plan with no more cues than the film's speech
and cutting call for; in a long film that with the least price of a cue, found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from soundtrack.merit_table import PlanTable
from soundtrack.settings import DENSITIES, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.talk import talking
from soundtrack.spotting.plan.problem import Choice, Problem, playing_s
from soundtrack.types import FloatArray

INSISTING = (-0.5, -2.0, -8.0)
"""What silence is worth when the plan would leave the whole film silent: who asks for music gets the best there is."""
_TALK_CHANGES = 3.0
"""Further costs of a change of music in a talking film, as a multiple of the usual ones."""
_PER_MIN, _TALK_PER_MIN = 1.0, 0.6
"""Most cues a minute of a film, and of a talking film."""
_FAST_PER_MIN, _SHORT_S = 30.0, 150.0
"""With this many cuts a minute or more, shots of two seconds, a film has no ceiling; a shorter one changes its music
where the mood turns, and where a talk parts it."""
_TURN, _LASTING_S = 0.6, (20.0, 45.0)
"""Contrast from which an edge parts two moods, and how long both last where the ceiling does not hinder the change: in
a film without talk, and in one of talk."""
_MOST_SILENCE = 0.6
"""Largest share of a film without music at the normal density; where the ceiling leaves more, it is one cue higher."""
_COUNTED = 24
"""Ceilings up to this are counted out exactly; beyond, every cue gets a price."""
_DEAREST, _STEPS = 128.0, 8
"""Greatest price of a cue, in merit times seconds, and number of plans on the way: to 0.5."""


def by_density(settings: SpottingSettings) -> PlanTable:
    """The plan's weights, with music wherever it may be for the full density; `sparse` does the sparse one."""
    plan, density = settings.plan, settings.density
    if density not in DENSITIES:
        raise ValueError(f"density must be one of {', '.join(DENSITIES)}, got {density}")
    if density == "full":
        return plan.adjusted(
            {"silence": INSISTING[0], "no_sound": INSISTING[0], "speech": 0.0, "neutral": 0.0, "air": 0.0}
        )
    return plan


def calmer(film: Film, plan: PlanTable) -> PlanTable:
    """The plan's weights with fewer changes of music where a film is talk: its pictures change without a turn.

    They are neutral by themselves as well, which there says nothing for silence.
    """
    share = float(film.speech @ film.lengths_s) / max(float(film.edges_s[-1]), 1e-9)
    change = max(plan.change.weights[0], plan.change.weight * (1 + _TALK_CHANGES * talking(share)))
    return plan.adjusted({"change": change, "neutral": plan.neutral.weight * (1 - film.talk)})


def most_cues(film: Film, settings: SpottingSettings, constraints: Constraints) -> int | None:
    """Number of cues that a film calls for at most; None where there is no ceiling."""
    length_s = float(film.edges_s[-1])
    pace = float(film.cuts_per_min @ film.lengths_s) / max(length_s, 1e-9)
    limited = constraints.one_track or constraints.max_cues is not None or settings.loop
    if settings.density == "full" or limited:
        return None
    asked = len(constraints.hits) + len(constraints.locks) + len(constraints.moods)
    asked += sum(request.span is not None for request in constraints.requests)
    if length_s < _SHORT_S:
        spoken = film.speech > settings.plan.speech.neutral
        n_talks = int((spoken[1:] > spoken[:-1]).sum())
        return 1 + int((film.contrast[1:-1] >= _TURN).sum()) + n_talks + asked
    if pace >= _FAST_PER_MIN:
        return None
    rate = _PER_MIN + film.talk * (_TALK_PER_MIN - _PER_MIN)
    n_turns = int((turns(film) >= _TURN).sum())
    least = 1 + n_turns // 2  # a cue marks two turns, with its start and its end
    return max(least, int(rate * length_s / 60 + 1e-6) - len(constraints.kept)) + asked


def within(
    problem: Problem,
    choices: list[Choice],
    choose: Callable[[Problem], list[Choice]],
    *,
    most: int | None,
    density: str,
) -> tuple[Problem, list[Choice]]:
    """The problem and its plan under the ceiling, or one cue above it where that leaves too much without music.

    Parameters
    ----------
    problem, choices, choose, most : Problem, list of Choice, function, int
        As for `fewer`.
    density : str
        Of `DENSITIES`; a sparse film has no such limit.

    Returns
    -------
    tuple of Problem and list of Choice
    """
    stated, plan = fewer(problem, choices, choose, most=most)
    if most is None or density == "sparse" or len(plan) >= len(choices):
        return stated, plan
    film = problem.film
    least_s = (1 - _MOST_SILENCE) * float(film.lengths_s[~film.silent].sum())
    if playing_s(stated, plan) >= least_s:
        return stated, plan
    more = fewer(problem, choices, choose, most=most + 1)
    return more if playing_s(*more) > playing_s(stated, plan) else (stated, plan)


def fewer(
    problem: Problem, choices: list[Choice], choose: Callable[[Problem], list[Choice]], *, most: int | None
) -> tuple[Problem, list[Choice]]:
    """The problem with changes of music at a higher price, and its plan.

    Parameters
    ----------
    problem : Problem
        With the usual price.
    choices : list of Choice
        Its plan.
    choose : function
        From a problem to its plan.
    most : int, optional
        Number of cues at most, not counting kept ones; None for any.

    Returns
    -------
    tuple of Problem and list of Choice
        The fewest cues found where no price gives as few.
    """
    if most is None or len(choices) <= most:
        return problem, choices
    if most <= _COUNTED:
        stated = replace(problem, max_cues=most, few=True)
        return stated, choose(stated)
    best, found = problem, choices
    low, high = 0.0, _DEAREST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        stated = replace(problem, cue_price=middle, few=True)
        plan = choose(stated)
        if plan and len(plan) <= max(most, len(found) - 1):
            best, found = stated, plan
        if plan and len(plan) > most:
            low = middle
        else:
            high = middle
    return best, found


def turns(film: Film) -> FloatArray:
    """How far each inner edge is a turn between two moods that last, in [0, 1], shape (n + 1,)."""
    edges_s, marks_s = film.edges_s, film.edges_s[film.contrast >= _TURN]
    before_s = edges_s[1:-1] - marks_s[np.searchsorted(marks_s, edges_s[1:-1]) - 1]
    after_s = marks_s[np.searchsorted(marks_s, edges_s[1:-1], side="right")] - edges_s[1:-1]
    lasting_s = _LASTING_S[0] + film.talk * (_LASTING_S[1] - _LASTING_S[0])
    lasting = np.clip(np.minimum(before_s, after_s) / lasting_s, 0.0, 1.0)
    return np.concatenate([[0.0], film.contrast[1:-1] * lasting, [0.0]]).astype(np.float32)
