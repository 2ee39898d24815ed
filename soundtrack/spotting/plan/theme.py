"""A given theme that opens and closes the music of each film of a series.

In between the plan is free: the theme returns in scenes that are like the one in which it was heard, as any piece does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.merit.intervals import Film

_CLOSES_FROM_S = 120.0
"""Shorter films have the theme once for certain."""
_TALK = 0.5
"""Share of speech from which another stretch is better for the theme."""
_NEAR = 3
"""Number of stretches at either end of the film that are looked at for one without much speech."""


def with_theme(constraints: Constraints, film: Film) -> Constraints:
    """The demands with a lock for the theme where it opens the film's music, and where it closes it.

    Parameters
    ----------
    constraints : Constraints
        Whose theme is None for none.
    film : Film
        Divided by these demands.

    Returns
    -------
    Constraints
        Unchanged where the theme is locked already by the person, or no music may sound.
    """
    if constraints.theme is None or any(lock.track_id == constraints.theme for lock in constraints.locks):
        return constraints
    locked = {int(np.searchsorted(film.edges_s, lock.time_s, side="right")) - 1 for lock in constraints.locks}
    free = [i for i in np.flatnonzero(~film.silent).tolist() if i not in locked]
    room = None if constraints.max_cues is None else constraints.max_cues - len(locked) - len(constraints.kept)
    if not free or (room is not None and room < 1):
        return constraints
    ends = [free[:_NEAR]]
    if film.edges_s[-1] >= _CLOSES_FROM_S and (room is None or room > 1):
        ends.append(free[::-1][:_NEAR])
    chosen = {next((i for i in end if film.speech[i] < _TALK), end[0]) for end in ends}
    locks = [
        Lock(float(film.edges_s[i]) + min(0.01, float(film.lengths_s[i]) / 2), constraints.theme)
        for i in sorted(chosen)
    ]
    return replace(constraints, locks=(*constraints.locks, *locks))
