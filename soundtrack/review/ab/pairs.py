"""Pairs of a blind comparison: which scenes, which opponents, which side, and what is asked twice.

Goes in: a cue sheet, the weighed library and a seed. Comes out: trials in a random order that the seed decides.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from soundtrack.documents import cuesheet
from soundtrack.documents.answers import PLAN, Answer, Side
from soundtrack.errors import InputError, LibraryError, Reason
from soundtrack.review.ab.terms import Weighed
from soundtrack.types import Cue, CueSheet, Span

SHORTEST_S, LONGEST_S = 5.0, 20.0
"""Length of a stretch, in seconds."""
REPEATED = 0.25
"""Share of the pairs that are shown a second time, with the sides exchanged."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One pair as it is shown."""

    pair: str
    """Name of the pair; the same for its repetition."""
    cue_id: str
    """Cue of the planned music."""
    scene: int
    """Index of the scene."""
    span: Span
    """What is played, film clock."""
    against: str
    """The opponent."""
    left: Side
    """First of the two."""
    right: Side
    """Second of the two."""


def make_trials(
    sheet: CueSheet, weighed: Weighed, *, against: str, n_pairs: int, seed: int, former: CueSheet | None = None
) -> tuple[Trial, ...]:
    """Trials for a cue sheet.

    Parameters
    ----------
    sheet : CueSheet
        With at least one cue of `SHORTEST_S` or more inside a scene.
    weighed : Weighed
        The library beside the film.
    against : {"random", "arousal", "true", "former"}
        The opponent.
    former : CueSheet, optional
        The opponent ``former``: an earlier sheet of the same film.
    n_pairs : int > 0
        Different pairs; a quarter of them is repeated at the end.
    seed : int >= 0
        Decides scenes, tracks, order and sides.

    Raises
    ------
    InputError
        The sheet has no stretch that is long enough, or the film no sound.
    LibraryError
        The library has no other track.
    """
    rng = np.random.default_rng([seed, n_pairs])
    places = _places(sheet)
    if places and former is not None:
        places = _where_other(places, former)
        if not places:
            raise InputError(
                f"{sheet.film.name}: the earlier sheet has no other music for {SHORTEST_S:g} s in the same places",
                hint="compare with another sheet, or use --against random",
                reason=Reason.TOO_SHORT,
            )
    if not places:
        raise InputError(
            f"{sheet.film.name}: no cue of {SHORTEST_S:g} s or more within a scene",
            hint="plan more music first",
            reason=Reason.TOO_SHORT,
        )
    if against == "true" and not sheet.film.has_audio:
        raise InputError(
            f"{sheet.film.name}: no sound, so that there is no music of its own",
            hint="use --against random or --against arousal",
            reason=Reason.NO_AUDIO,
        )
    trials = []
    for number in range(n_pairs):
        cue, scene, span = places[number % len(places)]
        then = None if former is None else _former_cue(former, cue, span)
        if then is not None:
            other = replace(_side(then, span, weighed=weighed, scene=scene), source=against)
        else:
            other = _opponent(
                cue, scene, sheet=sheet, weighed=weighed, against=against, rng=rng, turn=number // len(places)
            )
        plan = _side(cue, span, weighed=weighed, scene=scene)
        both = (plan, other) if rng.random() < 0.5 else (other, plan)
        pair = f"{against if former is None else _named(former)}-{seed}-{number}"
        trials.append(Trial(pair, cue.cue_id, scene, span, against, *both))
    order = [trials[i] for i in rng.permutation(len(trials))]
    again = [replace(t, left=t.right, right=t.left) for t in order[: round(REPEATED * n_pairs)]]
    return (*order, *again)


def still_open(trials: Sequence[Trial], answers: Sequence[Answer], *, film: str) -> list[Trial]:
    """The trials without those that are answered for a film."""
    done = Counter((a.pair, a.left.track) for a in answers if a.film == film)
    result = []
    for trial in trials:
        key = (trial.pair, trial.left.track)
        if done[key] > 0:
            done[key] -= 1
        else:
            result.append(trial)
    return result


def _places(sheet: CueSheet) -> list[tuple[Cue, int, Span]]:
    """Stretches where a cue plays inside a scene, in the order of the film."""
    found = []
    for cue in sheet.cues:
        for scene in sheet.scenes:
            start = max(cue.span.start_s, scene.span.start_s)
            end = min(cue.span.end_s, scene.span.end_s, start + LONGEST_S)
            if end - start >= SHORTEST_S - 1e-6:
                found.append((cue, scene.index, Span(start, end)))
    return found


def _where_other(places: Sequence[tuple[Cue, int, Span]], former: CueSheet) -> list[tuple[Cue, int, Span]]:
    """The parts of stretches in which an earlier sheet plays one cue with other music."""
    found = []
    for cue, scene, span in places:
        for then in former.cues:
            start, end = max(span.start_s, then.span.start_s), min(span.end_s, then.span.end_s)
            if then.track_id != cue.track_id and end - start >= SHORTEST_S - 1e-6:
                found.append((cue, scene, Span(start, end)))
    return found


def _former_cue(former: CueSheet, cue: Cue, span: Span) -> Cue | None:
    """The cue of an earlier sheet that plays other music throughout a stretch."""
    over = [c for c in former.cues if c.span.start_s <= span.start_s + 1e-6 and span.end_s - 1e-6 <= c.span.end_s]
    return next((c for c in over if c.track_id != cue.track_id), None)


def _named(former: CueSheet) -> str:
    """A name for an earlier sheet, so that pairs of two such sheets are not taken for the same."""
    return f"former.{hashlib.sha256(cuesheet.dumps(former).encode()).hexdigest()[:8]}"


def _side(cue: Cue, span: Span, *, weighed: Weighed, scene: int) -> Side:
    start_s = round(cue.sections[0].track.start_s + (span.start_s - cue.span.start_s) * cue.speed, 3)
    return Side(cue.track_id, start_s, PLAN, weighed.terms(cue.track_id, start_s, scene=scene))


def _opponent(
    cue: Cue, scene: int, *, sheet: CueSheet, weighed: Weighed, against: str, rng: np.random.Generator, turn: int
) -> Side:
    """The other side of a pair."""
    if against == "true":
        return Side(sheet.film.fingerprint, 0.0, against)
    others = [t for t in weighed.tracks if t.track_id != cue.track_id]
    if not others:
        raise LibraryError("the library has no other track", hint="index more music first")
    if against == "random":
        track = others[int(rng.integers(len(others)))]
        start_s = track.segments[int(rng.integers(len(track.segments)))].span.start_s
        name = track.track_id
    else:
        near = weighed.arousal_apart(scene)
        ranked = sorted((near[t.track_id], t.track_id) for t in others)
        (_, start_s), name = ranked[turn % len(ranked)]
    return Side(name, round(start_s, 3), against, weighed.terms(name, start_s, scene=scene))
