"""Kept cues: compatibility with other constraints, and their place in the plan.

Goes in: constraints with kept cues. Comes out: the same without what the kept cues settle already, or an error. A kept
cue is never changed, so a demand that contradicts one is refused; a mood holds for what is left of its span. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from soundtrack.errors import UsageError
from soundtrack.merit_table import PlanTable
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.view import IntArray
from soundtrack.spotting.plan.problem import alike
from soundtrack.timebase import clock
from soundtrack.types import Cue, FloatArray, Span, Track

_NEAR_S = 0.01
_RESTART = 12.0
"""What it costs to start a piece beside a kept cue with the same piece, in merit times seconds."""


def reconcile(constraints: Constraints) -> Constraints:
    """The constraints without locks that kept cues meet already, and with a note on all that they overrule.

    Raises
    ------
    UsageError
        A demand contradicts a kept cue.
    """
    kept = constraints.kept
    if not kept:
        return constraints
    _require_room(constraints)
    for silence in constraints.silences:
        for cue in kept:
            if silence.overlap_s(cue.span) > _NEAR_S:
                raise _collision(cue, f"--silence {_shown(silence)} requests silence")
    locks = []
    for lock in constraints.locks:
        under = [cue for cue in kept if _body(cue).start_s <= lock.time_s < _body(cue).end_s]
        if any(cue.track_id != lock.track_id for cue in under):
            raise _collision(under[0], f"--lock {clock(lock.time_s)} requests another track")
        if not under:
            locks.append(lock)
    notes = []
    for wish in constraints.moods:
        over = [cue for cue in kept if wish.span.overlap_s(_body(cue)) > _NEAR_S]
        if is_under(wish.span, over):
            raise _collision(over[0], f"--mood {_shown(wish.span)} requests a mood")
        notes += [f"cue {cue.cue_id} is kept; --mood {_shown(wish.span)} applies to the rest of it" for cue in over]
    for cue in kept:
        if cue.track_id in constraints.avoid:
            notes.append(f"cue {cue.cue_id} is kept despite --avoid")
        elif constraints.only is not None and cue.track_id not in constraints.only:
            notes.append(f"cue {cue.cue_id} is kept despite --only")
    return replace(constraints, locks=tuple(locks), notes=(*constraints.notes, *notes))


def _require_room(constraints: Constraints) -> None:
    """Refuse more kept cues, or more tracks in them, than are allowed."""
    kept = constraints.kept
    if constraints.max_cues is not None and len(kept) > constraints.max_cues:
        raise UsageError(
            f"{len(kept)} kept cues exceed --max-cues {constraints.max_cues}",
            hint="increase --max-cues, or unlock cues: `soundtrack cues unlock CUES CUE`",
        )
    tracks = {cue.track_id for cue in kept} | {lock.track_id for lock in constraints.locks}
    if constraints.one_track and len(tracks) > 1:
        raise UsageError(
            "--one-track conflicts with kept cues or locks of several tracks",
            hint="leave out --one-track, or unlock cues: `soundtrack cues unlock CUES CUE`",
        )


def is_under(span: Span, kept: Sequence[Cue]) -> bool:
    """Whether kept cues sound throughout a span, so that nothing can be asked for there."""
    return bool(kept) and sum(span.overlap_s(_body(cue)) for cue in kept) > span.duration_s - _NEAR_S


def _body(cue: Cue) -> Span:
    """A cue without its fade-out, over which other music may enter."""
    return Span(cue.span.start_s, max(cue.span.start_s, cue.span.end_s - cue.fade_out_s))


def _shown(span: Span) -> str:
    return f"{clock(span.start_s)}-{clock(span.end_s)}"


def _collision(cue: Cue, what: str) -> UsageError:
    return UsageError(
        f"cue {cue.cue_id} is kept from {clock(cue.span.start_s)} to {clock(cue.span.end_s)}, where {what}",
        hint=f"leave out one of the two, or run `soundtrack cues unlock CUES {cue.cue_id}`",
    )


# --- what the plan has to know ----


def use_costs(
    kept: Sequence[Cue],
    film: Film,
    tracks: Sequence[Track],
    plan: PlanTable,
    *,
    groups: IntArray,
    artists: IntArray,
    free: bool,
) -> FloatArray:
    """What starting each track in each stretch costs because kept cues use it, its piece or its artist, shape (n, T).

    Parameters
    ----------
    kept : sequence of Cue
        Cues whose tracks are among `tracks`.
    film : Film
        n stretches.
    tracks : sequence of Track
        T tracks.
    plan : PlanTable
        What returns and repeats count.
    groups, artists : ndarray, shape=(T,), int64
        Which tracks are one piece of music, and which are by one artist.
    free : bool
        Whether using a track again costs nothing.
    """
    cost = np.zeros((len(film), len(tracks)), np.float32)
    position = {track.track_id: i for i, track in enumerate(tracks)}
    for cue in kept if not free else ():
        i = position[cue.track_id]
        stretch = min(int(np.searchsorted(film.edges_s, cue.span.start_s, side="right")) - 1, len(film) - 1)
        like = alike(film, stretch, neutral=plan.theme.neutral)[:, None]
        again = plan.theme.weight * like + plan.repeat.weight * (1 - like)
        cost -= np.where(groups == groups[i], again, np.where(artists == artists[i], plan.artist.weight, 0.0))
    return cost


def edge_costs(
    kept: Sequence[Cue],
    film: Film,
    tracks: Sequence[Track],
    plan: PlanTable,
    *,
    joins: FloatArray,
    groups: IntArray,
    free: bool,
) -> FloatArray:
    """What each track costs right before or after a kept cue, by key and tempo, shape (n + 1, T).

    Parameters
    ----------
    kept : sequence of Cue
        Cues whose tracks are among `tracks`.
    film : Film
        n stretches.
    tracks : sequence of Track
        T tracks.
    plan : PlanTable
        What joins count.
    joins : ndarray, shape=(T, T), float32
        Cost of changing from row to column, in [0, 1].
    groups : ndarray, shape=(T,), int64
        Which tracks are one piece of music: it should not start again where it just was.
    free : bool
        Whether using a track again costs nothing.
    """
    cost = np.zeros((len(film) + 1, len(tracks)), np.float32)
    position = {track.track_id: i for i, track in enumerate(tracks)}
    middles = (film.edges_s[:-1] + film.edges_s[1:]) / 2
    for cue in kept:
        under = np.flatnonzero(film.demanded & (middles >= cue.span.start_s) & (middles < cue.span.end_s))
        if len(under):
            same = np.where((groups == groups[position[cue.track_id]]) & (not free), _RESTART, 0.0)
            cost[under[0]] += same - plan.join.weight * joins[:, position[cue.track_id]]
            cost[under[-1] + 1] += same - plan.join.weight * joins[position[cue.track_id]]
    return cost
