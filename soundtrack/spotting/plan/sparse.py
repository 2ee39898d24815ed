"""Less music: the plan of ``--density sparse``, which leaves about half of a film without.

Goes in: the planning problem and its plan. Comes out: the plan with the least worth of silence that leaves half of the
film without music, found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from soundtrack.spotting.plan.problem import Choice, Problem, playing_s

_SHARE = 0.5
"""Most music, as a share of the stretches that may have some."""
_MOST, _STEPS = 2.5, 7
"""Greatest merit added to silence, and number of plans on the way: to 0.02."""


def sparser(
    problem: Problem, choices: list[Choice], choose: Callable[[Problem], list[Choice]], *, least_asked: float
) -> tuple[Problem, list[Choice]]:
    """The problem with silence worth more, and its plan.

    Parameters
    ----------
    problem : Problem
        As for the normal density.
    choices : list of Choice
        Its plan.
    choose : function
        From a problem to its plan.
    least_asked : float
        Worth of silence in stretches where a person asked for music; these stay as they are.

    Returns
    -------
    tuple of Problem and list of Choice
        Music in at most half of the film; the least found where no plan has less, but some.
    """
    film = problem.film
    free = ~film.silent & (problem.silence > least_asked + 1e-3)
    most_s = _SHARE * float(film.lengths_s[~film.silent].sum())
    best, found = problem, choices
    low, high = 0.0, _MOST
    for _ in range(_STEPS):
        if low == 0.0 and playing_s(problem, choices) <= most_s:
            break
        middle = (low + high) / 2
        stated = replace(problem, silence=(problem.silence + np.where(free, middle, 0)).astype(np.float32))
        plan = choose(stated)
        if plan and playing_s(stated, plan) <= max(most_s, playing_s(best, found)):
            best, found = stated, plan
        if plan and playing_s(stated, plan) > most_s:
            low = middle
        else:
            high = middle
    return best, found
