"""Reason of each silent span of a film.

Goes in: the problem, its plan, and the cues as they were placed. Comes out: the gaps between the cues, in order. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.spotting.plan.place import rest_before
from soundtrack.spotting.plan.problem import Choice, Problem
from soundtrack.timebase import round_s
from soundtrack.types import Cue, FloatArray, Silence, Span
from soundtrack.types.sheet import SILENCE_REQUESTED

_SAME_S = 0.01
SHORTEST_S = 0.5
"""Gaps shorter than this are breaths between two cues."""


def silences(
    problem: Problem, choices: Sequence[Choice], cues: Sequence[Cue], *, best: FloatArray, has_sound: bool
) -> tuple[Silence, ...]:
    """The stretches without music.

    Parameters
    ----------
    problem : Problem
        What decided the plan.
    choices : sequence of Choice
        The plan.
    cues : sequence of Cue
        In order.
    best : ndarray, shape=(n,), float32
        Merit of the best track in each stretch by itself.
    has_sound : bool
        Whether the film's own sound stays.
    """
    film = problem.film
    rests = [(float(film.edges_s[c.last]), rest_before(problem, choices, place)) for place, c in enumerate(choices)]
    planned_to_s = {i: float(film.edges_s[c.last]) for c in choices for i in range(c.first, c.last)}
    found: list[Silence] = []
    for gap in _gaps(cues, float(film.edges_s[-1])):
        for i in range(len(film)):
            start_s = max(gap.start_s, float(film.edges_s[i]))
            end_s = min(gap.end_s, float(film.edges_s[i + 1]))
            if end_s <= start_s:
                continue
            part = Span(start_s, end_s)
            if i in planned_to_s:
                rest_s = max((s for t, s in rests if abs(t - gap.end_s) < _SAME_S), default=0.0)
                enters = any(end_s <= cue.span.start_s < planned_to_s[i] for cue in cues)
                if rest_s > 0:
                    reason = "a rest before music of another mood"
                else:
                    reason = "the music enters later in the scene" if enters else "the track ends before the scene does"
            else:
                reason = _reason(problem, i, best=float(best[i]), has_sound=has_sound)
            if found and found[-1].span.end_s == part.start_s and found[-1].reason == reason:
                part = Span(found.pop().span.start_s, part.end_s)
            found.append(Silence(part, reason))
    return tuple(
        Silence(Span(round_s(s.span.start_s), round_s(s.span.end_s)), s.reason)
        for s in found
        if s.span.duration_s >= SHORTEST_S
    )


def _gaps(cues: Sequence[Cue], film_s: float) -> list[Span]:
    """What the cues leave of the film."""
    gaps, at_s = [], 0.0
    for cue in sorted(cues, key=lambda c: c.span.start_s):
        if cue.span.start_s - at_s >= SHORTEST_S:
            gaps.append(Span(at_s, cue.span.start_s))
        at_s = max(at_s, cue.span.end_s)
    return [*gaps, Span(at_s, film_s)] if film_s - at_s >= SHORTEST_S else gaps


def _reason(problem: Problem, i: int, *, best: float, has_sound: bool) -> str:
    """Why a stretch for which no music was planned is silent."""
    film = problem.film
    if film.demanded[i]:
        return SILENCE_REQUESTED
    if film.silent[i]:
        return "the film already has music"
    if has_sound and film.speech[i] > problem.weights.speech.neutral:
        return f"speech in {float(film.speech[i]):.0%} of the scene"
    if len(film.waiting) and film.waiting[i]:
        return "after the speech, music waits for the next cut"
    silence = float(problem.silence[i])
    if not np.isfinite(best) or best < silence:
        return f"no suitable music: best merit {best:.2f}, silence {silence:.2f}"
    few = "" if not problem.few else "; few cues suit the length, speech and cutting of this film"
    return f"the gain is below the cost of a new cue (merit {best:.2f}, silence {silence:.2f}){few}"
