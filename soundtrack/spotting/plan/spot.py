"""Spotting: scene sheet and library view to a cue sheet.

Goes in: a scene sheet, a library, settings, and what the user demands. Comes out: a cue sheet whose ducking is left to
the mix. Pure: reads no file but through the library's view, and the same input gives the same sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from soundtrack.documents import cuesheet
from soundtrack.errors import LibraryError, NothingFitsError, UsageError
from soundtrack.merit_table import PlanTable
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, require_inside
from soundtrack.spotting.merit.eligibility import Pool, choose_pool
from soundtrack.spotting.merit.facts import cue_facts
from soundtrack.spotting.merit.intervals import BoolArray, Film, divide
from soundtrack.spotting.merit.likeness import joins
from soundtrack.spotting.merit.view import LibraryView, ordered_vectors, segment_table
from soundtrack.spotting.plan.beam import solve
from soundtrack.spotting.plan.density import INSISTING, by_density, calmer, most_cues, turns, within
from soundtrack.spotting.plan.kept import edge_costs, reconcile, use_costs
from soundtrack.spotting.plan.loop import choose_loop, require_loopable
from soundtrack.spotting.plan.place import place_cues, sheet_track
from soundtrack.spotting.plan.problem import NO_TRACK, Choice, Problem, plan_value
from soundtrack.spotting.plan.silence import silences
from soundtrack.spotting.plan.sparse import sparser
from soundtrack.spotting.plan.theme import with_theme
from soundtrack.spotting.plan.worth import Worth, cells_of, weigh
from soundtrack.timebase import clock
from soundtrack.types import EMOTIONS, CueSheet, FloatArray, MixNotes, Narration, SceneSheet

NO_CLOSE_MATCH = "no close match in this library; the best match was used"
"""Warning where music plays only because some is wanted."""

_BED = 0.3
"""Share of what speech makes silence worth where a long talk opens, and in every third part: a bed may play."""
_N_SINGLE, _LEAST_SINGLE = 1_200, 4
"""With one track only, the number of plans (tracks times stretches), but never for fewer tracks than these."""


def spot_cues(
    sheet: SceneSheet,
    library: LibraryView,
    *,
    settings: SpottingSettings | None = None,
    mix: MixSettings | None = None,
    constraints: Constraints | None = None,
    narration: Narration | None = None,
) -> CueSheet:
    """The cue sheet of a film.

    Parameters
    ----------
    sheet : SceneSheet
        What the picture says.
    library : LibraryView
        The music, read by the same networks.
    settings : SpottingSettings
        How music is chosen and placed.
    mix : MixSettings
        Goes into the sheet; without the film's own sound its speech does not matter.
    constraints : Constraints
        What the user demands.
    narration : Narration, optional
        Goes into the sheet; its speech is part of the scene sheet's, and counts without the film's own sound as well.

    Returns
    -------
    CueSheet
        As it would be after being written and read; its ducking is empty.

    Raises
    ------
    LibraryError
        The library was read by other networks.
    NothingFitsError
        No track may be used, the film has no place for music, or it has music of its own throughout.
    UsageError
        Demands that cannot be met together, or that name a time past the film's end.
    """
    settings, mix, constraints = settings or SpottingSettings(), mix or MixSettings(), constraints or Constraints()
    if sheet.model != library.model:
        raise LibraryError(
            f"the library was analysed by {library.model.name} {library.model.version}, the film by"
            f" {sheet.model.name} {sheet.model.version}, or with different weights",
            hint="run `soundtrack index --rebuild`, or `soundtrack scenes` again",
        )
    tracks_by_id = library.tracks()
    tracks = [tracks_by_id[track_id] for track_id in library.track_ids]
    missing = next((cue for cue in constraints.kept if cue.track_id not in tracks_by_id), None)
    if missing is not None:
        raise UsageError(
            f"cue {missing.cue_id} is kept, but its track {missing.track_id[:12]} is not eligible",
            hint="index its folder again; `soundtrack library list --left-out` lists excluded tracks with reasons",
        )
    constraints = reconcile(replace(constraints, one_track=constraints.one_track or settings.loop))
    has_voices = mix.keep_original or narration is not None
    film = divide(sheet, constraints, keep_original=has_voices, over_music=settings.over_music)
    require_inside(constraints, length_s=float(film.edges_s[-1]))
    constraints = with_theme(constraints, film)
    if settings.loop:
        require_loopable(film, constraints, name=sheet.film.name)
    left_alone = _left_alone(film)
    locked_at = _locked_stretches(film, constraints)
    film = replace(film, silent=film.silent & ~np.isin(np.arange(len(film)), list(locked_at)))
    if left_alone and film.silent.all() and not constraints.kept:
        raise NothingFitsError(
            f"{sheet.film.name}: already has music throughout; nothing to score",
            hint="add --over-music to add music anyway, or --replace to remove the original sound",
        )
    unlimited = constraints.one_track or constraints.max_cues is not None
    pool = choose_pool(
        film,
        tracks,
        segment_table(tracks, ordered_vectors(library, tracks)),
        merit=settings.merit,
        constraints=constraints,
        allow_vocals=settings.allow_vocals,
        seed=settings.seed,
        n_tracks=settings.n_candidates if unlimited else 3 * settings.n_candidates,
    )
    worth = weigh(film, pool, settings.plan, max_cue_s=_longest_cue_s(film, settings, constraints))
    has_sound = has_voices and (sheet.film.has_audio or narration is not None)
    asked = by_density(settings)
    settings = replace(settings, plan=calmer(film, asked))
    warnings = list(left_alone)
    stages = [{"silence": weight} for weight in (settings.plan.silence.weight, *INSISTING)]
    stages.append({"silence": INSISTING[-1], "through": 0.0})  # where a mood of a few seconds is asked for
    for stage in stages:
        stated = replace(settings, plan=settings.plan.adjusted(stage))
        problem = state_problem(film, pool, worth, stated, constraints, locked_at=locked_at, has_sound=has_sound)
        loop = choose_loop(problem, pool, library, settings, name=sheet.film.name) if settings.loop else None
        choices = [loop.choice] if loop else _choose(problem, pool, constraints)
        if choices or constraints.kept:
            break
        warnings = [*left_alone, NO_CLOSE_MATCH]
    else:
        if film.silent.all():
            raise NothingFitsError(f"{sheet.film.name}: --silence covers the whole film", hint="remove a --silence")
        raise NothingFitsError(
            f"{sheet.film.name}: no place for a cue between the requested spans",
            hint="remove a --silence, --lock or --mood, or use longer spans",
        )
    if not settings.loop:

        def choose(stated: Problem) -> list[Choice]:
            return _choose(stated, pool, constraints)

        most = most_cues(film, settings, constraints)
        problem, choices = within(problem, choices, choose, most=most, density=settings.density)
        if settings.density == "sparse":
            problem, choices = sparser(problem, choices, choose, least_asked=INSISTING[-1])
    kept = tuple(replace(cue, locked=True) for cue in constraints.kept)
    placed = place_cues(
        problem, pool, choices, library=library, settings=settings, kept=kept, hits=constraints.hits, loop=loop
    )
    wanted_ids = {c.track_id for c in placed.cues} | {a.track_id for a in placed.alternatives}
    result = CueSheet(
        film=sheet.film,
        model=sheet.model,
        library=library.fingerprint,
        seed=settings.seed,
        mix=MixNotes(
            target_lufs=mix.target_lufs,
            ceiling_dbtp=mix.ceiling_dbtp,
            keep_original=mix.keep_original,
            speech_over_music_lu=mix.speech_over_music_lu,
            crossfade_s=settings.crossfade_s,
            keep_level=mix.keep_level,
            music_level_db=mix.music_level_db,
            dialogue_gated=mix.dialogue_gated,
        ),
        scenes=sheet.scenes,
        tracks=tuple(sheet_track(t) for t in tracks if t.track_id in wanted_ids),
        cues=tuple(
            c if c in kept else replace(c, facts=cue_facts(c, tracks_by_id[c.track_id], sheet.scenes))
            for c in placed.cues
        ),
        silences=silences(
            problem, choices, placed.cues, best=_best_merits(film, worth, settings.plan), has_sound=has_sound
        ),
        speech=sheet.speech if has_voices else (),
        narration=narration,
        alternatives=placed.alternatives,
        weights=cuesheet.weight_notes(settings.merit, asked),  # a new plan calms them again, for its own film
        warnings=(*sheet.warnings, *constraints.notes, *warnings, *placed.warnings),
    )
    return cuesheet.rounded(result)


def state_problem(
    film: Film,
    pool: Pool,
    worth: Worth,
    settings: SpottingSettings,
    constraints: Constraints,
    *,
    locked_at: dict[int, str],
    has_sound: bool,
) -> Problem:
    """Everything that decides the plan, in one place.

    Parameters
    ----------
    film, pool, worth : Film, Pool, Worth
        Stretches, tracks, and what they are worth under each other.
    settings, constraints : SpottingSettings, Constraints
    locked_at : dict of int to str
        Track id that must sound in some stretches.
    has_sound : bool
        Whether the film's own sound stays.

    Returns
    -------
    Problem
    """
    position = {track.track_id: i for i, track in enumerate(pool.tracks)}
    locked = np.full(len(film), NO_TRACK, np.int64)
    for stretch, track_id in locked_at.items():
        locked[stretch] = position[track_id]
    plan = settings.plan
    under_speech = plan.speech.weight * np.clip((film.speech - plan.speech.neutral) / (1 - plan.speech.neutral), 0, 1)
    best = _best_merits(film, worth, plan)
    under_speech = under_speech * np.maximum(best, plan.wanting.neutral)
    if len(film.bedded):
        under_speech = np.where(film.bedded, _BED * under_speech, under_speech)
    plain = film.probabilities[:, EMOTIONS.index("Neutral")]
    neutral = plan.neutral.weight * np.clip((plain - plan.neutral.neutral) / (1 - plan.neutral.neutral), 0, 1)
    silence = plan.silence.weight + (under_speech + neutral if has_sound else plan.no_sound.weight + 0 * under_speech)
    silence = silence - plan.wanting.weight * np.maximum(0, plan.wanting.neutral - best)
    silence[_asked_for(film, constraints)] = INSISTING[-1]
    length_s = float(film.edges_s[-1])
    kept, changing = constraints.kept, joins(pool.tracks)
    held = {cue.track_id for cue in kept if not _is_named(cue.track_id, constraints)}
    return Problem(
        film=film,
        worth=worth,
        silence=np.where(film.silent, 0.0, silence).astype(np.float32),
        joins=changing,
        arousal=_cell_arousal(pool, worth.cell_s, length_s),
        groups=pool.groups,
        artists=pool.artists,
        locked=locked,
        allowed=np.array([track.track_id not in held for track in pool.tracks]),
        min_cue_s=min(settings.min_cue_s, _longest_run_s(film)),
        preferred_cue_s=min(settings.preferred_cue_s, length_s),
        weights=plan,
        turns=turns(film),
        max_cues=None if constraints.max_cues is None else constraints.max_cues - len(kept),
        free_repeats=constraints.one_track,
        air_s=_air_s(film, plan, [*constraints.hits, *(lock.time_s for lock in constraints.locks)])
        if has_sound
        else None,
        kept_use=use_costs(
            kept, film, pool.tracks, plan, groups=pool.groups, artists=pool.artists, free=constraints.one_track
        )
        if kept
        else None,
        kept_edge=edge_costs(
            kept, film, pool.tracks, plan, joins=changing, groups=pool.groups, free=constraints.one_track
        )
        if kept
        else None,
    )


def _asked_for(film: Film, constraints: Constraints) -> BoolArray:
    """In which stretches a person asked for music, by a hit or a mood, shape (n,)."""
    middles = (film.edges_s[:-1] + film.edges_s[1:]) / 2
    result = np.zeros(len(film), np.bool_)
    for hit_s in constraints.hits:
        result |= (film.edges_s[:-1] <= hit_s) & (hit_s < film.edges_s[1:])
    spans = [wish.span for wish in constraints.moods] + [
        its.span for its in constraints.requests if its.span is not None
    ]
    for span in spans:
        result |= (middles >= span.start_s) & (middles < span.end_s)
    return result


def _air_s(film: Film, plan: PlanTable, asked_s: Sequence[float]) -> FloatArray:
    """Seconds of silence before each edge where other music enters, shape (n + 1,); none over a hit or a lock."""
    air_s = np.where(film.contrast > plan.air.neutral, plan.air.weight, 0.0)
    for time_s in asked_s:
        air_s[(film.edges_s > time_s) & (film.edges_s - air_s <= time_s)] = 0.0
    return air_s.astype(np.float32)


def _is_named(track_id: str, constraints: Constraints) -> bool:
    """Whether the user lets the plan use a track."""
    in_lock = any(lock.track_id == track_id for lock in constraints.locks)
    in_only = constraints.only is None or track_id in constraints.only
    return in_lock or (in_only and track_id not in constraints.avoid)


def _longest_cue_s(film: Film, settings: SpottingSettings, constraints: Constraints) -> float:
    """Length in seconds beyond which no cue is looked at, unless it is in one stretch."""
    film_s = float(film.edges_s[-1])
    if constraints.one_track:
        return film_s
    fewest_s = 3 * film_s / constraints.max_cues if constraints.max_cues is not None else 0.0
    return max(240.0, 4 * settings.preferred_cue_s, fewest_s)


def _best_merits(film: Film, worth: Worth, plan: PlanTable) -> FloatArray:
    """Merit of the best track in each stretch by itself, shape (n,); as good as wanted where none may sound."""
    best = [
        float(v[0].max()) / max(s, 1e-3) if len(v) else plan.wanting.neutral
        for v, s in zip(worth.value, film.lengths_s, strict=True)
    ]
    return np.array(best, np.float32)


def _cell_arousal(pool: Pool, cell_s: float, length_s: float) -> FloatArray:
    """Arousal of each track in each cell, repeating after its end, shape (T, width)."""
    cells = [cells_of(track, cell_s) for track in pool.tracks]
    width = max(len(c) for c in cells) + int(length_s / cell_s) + 3
    result = np.empty((len(cells), width), np.float32)
    for t, cell in enumerate(cells):
        result[t] = pool.table.arousal[pool.table.first_row[t] + cell[np.arange(width) % len(cell)]]
    return result


def _longest_run_s(film: Film) -> float:
    """Length of the longest run of stretches that may have music, in seconds."""
    longest = run = 0.0
    for length_s, silent in zip(film.lengths_s.tolist(), film.silent.tolist(), strict=True):
        run = 0.0 if silent else run + length_s
        longest = max(longest, run)
    return longest


def _locked_stretches(film: Film, constraints: Constraints) -> dict[int, str]:
    """Which track must sound in which stretch."""
    result: dict[int, str] = {}
    for lock in constraints.locks:
        stretch = int(np.searchsorted(film.edges_s, lock.time_s, side="right")) - 1
        if film.demanded[stretch]:
            raise UsageError(
                f"a track is locked at {clock(lock.time_s)}, where silence or a kept cue is also requested",
                hint="leave out one of the two",
            )
        if result.setdefault(stretch, lock.track_id) != lock.track_id:
            raise UsageError(
                f"two tracks are locked near {clock(lock.time_s)}, in one scene", hint="lock one track per scene"
            )
    n_cues = len(set(result.values())) + len(constraints.kept)
    if constraints.max_cues is not None and n_cues > constraints.max_cues:
        what = "locked tracks and kept cues" if constraints.kept else "locked tracks"
        raise UsageError(
            f"{n_cues} {what} exceed --max-cues {constraints.max_cues}",
            hint="increase --max-cues",
        )
    if constraints.one_track and len(set(result.values())) > 1:
        raise UsageError("--one-track conflicts with locks of several tracks", hint="leave out --one-track or locks")
    return result


def _choose(problem: Problem, pool: Pool, constraints: Constraints) -> list[Choice]:
    """The best plan; with one track only, the best of the plans of the likeliest tracks."""
    try:
        if not constraints.one_track:
            return solve(problem)
        n = len(problem.groups)
        needed = {cue.track_id for cue in constraints.kept} | {lock.track_id for lock in constraints.locks}
        bound = [i for i, track in enumerate(pool.tracks) if track.track_id in needed]
        best: list[Choice] = []
        for track in bound or range(min(n, max(_LEAST_SINGLE, _N_SINGLE // len(problem.film)))):
            plan = solve(replace(problem, allowed=np.arange(n) == track))
            if plan and (not best or plan_value(problem, plan) > plan_value(problem, best) + 1e-6):
                best = plan
    except ValueError as error:
        raise UsageError("the locks contradict each other", hint="leave out a lock, or increase --max-cues") from error
    return best


def _left_alone(film: Film) -> Sequence[str]:
    """One line for each stretch that has music of its own."""
    lines = []
    own = film.silent & ~film.demanded
    for scene in dict.fromkeys(film.scene[own].tolist()):
        inside = np.flatnonzero(film.scene == scene)
        start, end = clock(float(film.edges_s[inside[0]])), clock(float(film.edges_s[inside[-1] + 1]))
        lines.append(f"the film already has music from {start} to {end}; not scored (use --over-music to score it)")
    return lines
