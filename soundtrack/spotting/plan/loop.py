"""The one cue of a film that is shown in a loop: its end goes on into its beginning.

Goes in: the planning problem of a film. Comes out: the best track that has a loop of the film's length, and how it is
cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from soundtrack.errors import NothingFitsError, UsageError
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.fit.grid import Fitted, Wanted
from soundtrack.spotting.fit.loop import fit_loop
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.eligibility import Pool
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.view import LibraryView
from soundtrack.spotting.plan.problem import Choice, Problem, lone_values
from soundtrack.timebase import round_s, samples

_COST = 0.15
"""What a unit of a loop's cost counts against the merit of a second of the film."""
_N_TRACKS = 40
"""Number of tracks that are tried, best first."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A track under the whole film."""

    choice: Choice
    """From the first stretch to the last."""
    fitted: Fitted
    """How it is cut."""


def require_loopable(film: Film, constraints: Constraints, *, name: str) -> None:
    """Refuse a film in which music cannot play from the first picture to the last.

    Raises
    ------
    UsageError
        Part of it is to stay silent, cues are kept, or a hit point is to be met.
    """
    if film.silent.any():
        raise UsageError(
            f"{name}: --loop needs music throughout, but part of the film is silent or has music of its own",
            hint="remove --silence, or add --over-music or --replace",
        )
    if constraints.kept or constraints.hits:
        raise UsageError("--loop cannot be used with --keep or --hit", hint="leave out one of the two")


def choose_loop(problem: Problem, pool: Pool, library: LibraryView, settings: SpottingSettings, *, name: str) -> Loop:
    """The best track that has a loop of the film's length.

    Parameters
    ----------
    problem, pool : Problem, Pool
        What is planned with.
    library : LibraryView
        Knows the bars of the tracks.
    settings : SpottingSettings
        The largest change of tempo.
    name : str
        Of the film, for messages.

    Raises
    ------
    NothingFitsError
        No track has one.
    """
    n, film_s = len(problem.film), round_s(float(problem.film.edges_s[-1]))
    worth = lone_values(problem, 0, n) / film_s
    wanted = Wanted(samples(film_s, sample_rate_hz=MIX_RATE_HZ), 0.0, max_stretch=settings.stretch)
    best: tuple[float, Loop] | None = None
    for i in np.argsort(-np.round(worth, 6), kind="stable")[:_N_TRACKS]:
        if not np.isfinite(worth[i]):
            break
        track = pool.tracks[i]
        bars, length_s = library.bars(track.track_id), track.audio.duration_s
        fitted = fit_loop(bars, track.analysis, duration_s=length_s, wanted=wanted)
        if fitted is None:
            continue
        value = float(worth[i]) - _COST * fitted.cost
        if best is None or value > best[0] + 1e-9:
            best = value, Loop(Choice(0, n, int(i)), fitted)
    if best is None:
        who = "the track has no" if len(pool.tracks) == 1 else "no track has a"
        hint = "use other music, another length of film, or a larger --stretch"
        raise NothingFitsError(f"{name}: {who} loop of {film_s:.1f} s", hint=hint)
    return best[1]
