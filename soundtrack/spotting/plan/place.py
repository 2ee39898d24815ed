"""A plan as cues: exact times in film and tracks, fades, names and reasons.

Goes in: the choices of the plan. Comes out: the cues and their alternatives. A cue enters on the cut, with a bar line
of its track; it goes out half a crossfade over the next cut where other music enters there; it ends on the track's
real ending where the film or its music ends. Before other music of another mood it ends some seconds early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from soundtrack.documents.cuesheet import TOUCHING_S
from soundtrack.settings import MIX_RATE_HZ, REFERENCE_LUFS, SpottingSettings
from soundtrack.spotting.fit.climax import Climax, climaxes
from soundtrack.spotting.fit.grid import Fitted, Wanted
from soundtrack.spotting.fit.hit_points import hit_term, landings, missed_hit
from soundtrack.spotting.fit.landing import land
from soundtrack.spotting.fit.sections import fit_track
from soundtrack.spotting.merit.eligibility import Pool
from soundtrack.spotting.merit.intervals import TURN
from soundtrack.spotting.merit.view import LibraryView
from soundtrack.spotting.plan.loop import Loop
from soundtrack.spotting.plan.problem import NO_TRACK, Choice, Problem
from soundtrack.spotting.plan.reasons import length_s, parts_from, reasons, runners_up, start_s
from soundtrack.spotting.plan.worth import cells_of
from soundtrack.timebase import clock, round_s, samples, seconds
from soundtrack.types import Alternative, Cue, SheetTrack, Span, Track

MAX_TRIM_DB = 20.0
"""A cue is brought to `REFERENCE_LUFS` by no more than this."""
_MAX_LEAD_S = 2.0
"""A cue under the whole film may wait so long after the first frame for its ending to fall right."""
_SOFT_ENTRY_S = 0.5
"""Fade-in of music without a beat."""
_LEAST_LEFT_S = 60.0
"""A returning track goes on where it left off only if the cue, or so much of it, fits before its end."""
_LEAST_BEFORE_AIR_S = 20.0
"""A cue is never cut shorter than this for silence before the next one."""
_LOOP_FADE_S = 0.005
"""Fades of a loop at another tempo, whose ends are stretched apart."""
_HIT_ENTRY_S = 0.25
"""Fade-in of music that enters anywhere in a bar, so that its climax falls right."""
_CLEAR_S = 2 * TOUCHING_S
"""So long after a kept cue that ends on a cut the next one enters: touching, both would crossfade."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Cues on the film's clock."""

    cues: tuple[Cue, ...]
    """In order."""
    alternatives: tuple[Alternative, ...]
    """By cue and rank."""
    warnings: tuple[str, ...]
    """What could not be done as planned."""


@dataclass(frozen=True, slots=True)
class _End:
    """Where and how a cue ends."""

    time_s: float
    """Last moment of its fade-out, film clock."""
    fade_s: float
    """Length of the fade-out."""
    real: bool
    """Whether it should end on the track's real ending."""


def place_cues(
    problem: Problem,
    pool: Pool,
    choices: Sequence[Choice],
    *,
    library: LibraryView,
    settings: SpottingSettings,
    kept: Sequence[Cue] = (),
    hits: Sequence[float] = (),
    loop: Loop | None = None,
) -> Placed:
    """The cues of a plan.

    Parameters
    ----------
    problem, pool : Problem, Pool
        What was planned with.
    choices : sequence of Choice
        The plan.
    library : LibraryView
        Knows the bars of the tracks.
    settings : SpottingSettings
        Lengths of fades.
    kept : sequence of Cue
        Cues that a person fixed; they go into the sheet as they are.
    hits : sequence of float
        Moments on which a climax is to fall, film clock.
    loop : Loop, optional
        How the only cue is cut so that its end goes on into its beginning.

    Returns
    -------
    Placed
    """
    ids = _names(problem, choices, kept)
    cues, alternatives, warnings = list(kept), [], []
    left_s: dict[int, float] = {}
    for place, choice in enumerate(choices):
        own = sorted({t for t in hits if _covers(problem, choice, t)})
        cue, fitted = _place(
            *(problem, pool, choices, place),
            library=library,
            settings=settings,
            cue_id=ids[place],
            hits=own,
            kept=kept,
            left_s=left_s,
            loop=loop,
        )
        cues.append(cue)
        left_s[choice.track] = cue.sections[-1].track.end_s
        end_s = problem.film.edges_s[choice.last] - rest_before(problem, choices, place)
        if not fitted.ends_with_track and cue.span.end_s < end_s - 1.0:
            warnings.append(
                f"{cue.cue_id} ends early, at {clock(cue.span.end_s)}: its track is too short and has no loop point"
            )
        for rank, other in enumerate(runners_up(problem, pool, choices, place, names=ids), start=2):
            track_id = pool.tracks[other.track].track_id
            alternatives.append(
                Alternative(cue.cue_id, rank, track_id, other.start_s, other.merit, other.note, other.terms)
            )
    for hit in hits:
        under = next((p for p, choice in enumerate(choices) if _covers(problem, choice, hit)), None)
        if under is None:
            warnings += _unmet(hit, kept)
            continue
        cue, track = cues[len(kept) + under], pool.tracks[choices[under].track]
        found = climaxes(library.bars(track.track_id), track.segments)
        missed = missed_hit(cue, found, next(landing for landing in cue.landings if landing.time_s == hit))
        if missed:
            warnings.append(missed)
    cues.sort(key=lambda cue: (cue.span.start_s, cue.cue_id))
    order = {cue.cue_id: i for i, cue in enumerate(cues)}
    alternatives.sort(key=lambda a: (order[a.cue_id], a.rank))
    return Placed(tuple(cues), tuple(alternatives), tuple(warnings))


def _unmet(hit_s: float, kept: Sequence[Cue]) -> list[str]:
    """What to say about a hit under which nothing was planned; nothing where a kept cue meets it."""
    under = next((cue for cue in kept if cue.span.start_s <= hit_s < cue.span.end_s), None)
    if under is None:
        return [f"no music at hit point {clock(hit_s)}; place music there with --lock"]
    if any(mark.time_s == hit_s and mark.on == "climax" for mark in under.landings):
        return []
    return [f"cue {under.cue_id} is kept at hit point {clock(hit_s)}; unlock it to plan it again"]


def _names(problem: Problem, choices: Sequence[Choice], kept: Sequence[Cue]) -> list[str]:
    """Names for the planned cues, in the film's order; kept cues keep theirs."""
    starts = [(float(problem.film.edges_s[c.first]), i) for i, c in enumerate(choices)]
    taken = {cue.cue_id for cue in kept}
    marks = sorted([*starts, *((cue.span.start_s, -1) for cue in kept)])
    names = [""] * len(choices)
    number = 0
    for _, place in marks:
        number += 1
        while place >= 0 and f"1m{number:02d}" in taken:
            number += 1
        if place >= 0:
            names[place] = f"1m{number:02d}"
            taken.add(names[place])
    return names


def _covers(problem: Problem, choice: Choice, time_s: float) -> bool:
    """Whether a moment of the film is under a choice."""
    edges = problem.film.edges_s
    return bool(edges[choice.first] <= time_s < edges[choice.last])


def _place(
    problem: Problem,
    pool: Pool,
    choices: Sequence[Choice],
    place: int,
    *,
    library: LibraryView,
    settings: SpottingSettings,
    cue_id: str,
    hits: Sequence[float] = (),
    kept: Sequence[Cue] = (),
    left_s: Mapping[int, float] | None = None,
    loop: Loop | None = None,
) -> tuple[Cue, Fitted]:
    """One cue, and how its track was cut."""
    choice, track, film = choices[place], pool.tracks[choices[place].track], problem.film
    cell = None if hits else _again_from(problem, pool, choices, place, left_s=left_s)
    planned_s = start_s(problem, choice) if cell is None else cell * problem.worth.cell_s
    start = round_s(float(film.edges_s[choice.first]))
    if any(abs(cue.span.end_s - start) <= TOUCHING_S for cue in kept):
        start = round_s(start + _CLEAR_S)
    end = _end(problem, choices, place, settings, kept)
    first_sample = samples(start, sample_rate_hz=MIX_RATE_HZ)
    wanted = Wanted(
        n_samples=samples(end.time_s, sample_rate_hz=MIX_RATE_HZ) - first_sample,
        start_s=_entry_s(track, planned_s, problem.worth.cell_s),
        end_with_track=end.real and (cell is None or choice.last == len(film)),
        max_lead_s=_MAX_LEAD_S if choice.first == 0 and choice.last == len(film) else 0.0,
        max_stretch=settings.stretch,
    )
    bars, length_s = library.bars(track.track_id), track.audio.duration_s
    landed: Fitted | None = None
    found: tuple[Climax, ...] = ()
    if hits:
        found = climaxes(bars, track.segments)
        at = [samples(hit_s, sample_rate_hz=MIX_RATE_HZ) - first_sample for hit_s in hits]
        landed = land(bars, track.analysis, duration_s=length_s, wanted=wanted, found=found, hits=at)
    fitted = loop.fitted if loop else landed or fit_track(bars, track.analysis, duration_s=length_s, wanted=wanted)
    entry = first_sample + fitted.lead_samples
    whole = fitted.lead_samples + fitted.n_samples == wanted.n_samples
    span = Span(
        start if fitted.lead_samples == 0 else seconds(entry, sample_rate_hz=MIX_RATE_HZ),
        end.time_s if whole else seconds(entry + fitted.n_samples, sample_rate_hz=MIX_RATE_HZ),
    )
    fade_in = settings.fade_in_s if track.analysis.beats_s else max(settings.fade_in_s, _SOFT_ENTRY_S)
    if landed is not None:
        fade_in = max(settings.fade_in_s, min(_HIT_ENTRY_S, (hits[0] - start) / 2))
    fade_out = 0.0 if fitted.ends_with_track else (end.fade_s if whole else settings.fade_out_s)
    if loop:
        fade_in = fade_out = 0.0 if fitted.speed == 1.0 else _LOOP_FADE_S
    notes = landings(fitted.sections, bars, found, start_s=span.start_s, speed=fitted.speed, hits=hits)
    why = (
        *reasons(problem, pool, choices, place, cell=cell),
        *hit_term(notes, track, weight=settings.merit.hit.weight),
    )
    cue = Cue(
        cue_id=cue_id,
        span=span,
        track_id=track.track_id,
        sections=fitted.sections,
        speed=fitted.speed,
        fade_in_s=round_s(min(fade_in, span.duration_s / 4)),
        fade_out_s=round_s(min(fade_out, span.duration_s / 2)),
        gain_db=trim_db(track),
        scenes=tuple(dict.fromkeys(film.scene[choice.first : choice.last].tolist())),
        locked=bool((problem.locked[choice.first : choice.last] != NO_TRACK).any()),
        merit=round(sum(term.value for term in why), 4) + 0.0,
        why=why,
        landings=notes,
    )
    return cue, fitted


def _again_from(
    problem: Problem, pool: Pool, choices: Sequence[Choice], place: int, *, left_s: Mapping[int, float] | None
) -> int | None:
    """Cell from which a returning track plays on: where it left off or its beginning; None for one that is new.

    It goes on where enough of it is left for the cue; of the two, the one with more merit is taken.
    """
    choice = choices[place]
    at_s = (left_s or {}).get(choice.track)
    if at_s is None:
        return None
    track = pool.tracks[choice.track]
    cell_s, needed_s = problem.worth.cell_s, length_s(problem, choice)
    first = int(track.analysis.music_start_s / cell_s)
    there = int(at_s / cell_s)
    enough = (track.analysis.music_end_s or track.audio.duration_s) - at_s >= min(needed_s, _LEAST_LEFT_S)
    if not enough or there >= len(cells_of(track, cell_s)):
        return first
    ways = [(round(float(parts_from(problem, pool, choice, cell).sum()), 4), cell) for cell in (there, first)]
    return max(ways, key=lambda way: way[0])[1]


def sheet_track(track: Track) -> SheetTrack:
    """What a cue sheet says about a track."""
    return SheetTrack(
        track_id=track.track_id,
        path=str(track.path),
        title=track.tags.title,
        artist=track.tags.artist,
        licence=track.tags.licence,
        isrc=track.tags.isrc,
        duration_s=track.audio.duration_s,
        loudness_lufs=track.loudness.integrated_lufs,
        tempo_bpm=track.analysis.tempo_bpm,
        key=track.analysis.key,
    )


def trim_db(track: Track) -> float:
    """What brings a track to the common reference loudness, in dB."""
    return loudness_trim_db(track.loudness.integrated_lufs)


def loudness_trim_db(integrated_lufs: float) -> float:
    """What brings music of a loudness to the common reference loudness, in dB."""
    trim = REFERENCE_LUFS - integrated_lufs
    return round(max(-MAX_TRIM_DB, min(MAX_TRIM_DB, trim)), 2) + 0.0


def _end(
    problem: Problem, choices: Sequence[Choice], place: int, settings: SpottingSettings, kept: Sequence[Cue]
) -> _End:
    """Where a cue ends: over the next cut if music follows there, with the film, or around the cut into silence."""
    film, choice = problem.film, choices[place]
    edge_s, film_end_s = round_s(float(film.edges_s[choice.last])), round_s(float(film.edges_s[-1]))
    if choice.last == len(film):
        return _End(film_end_s, settings.fade_out_s, real=True)
    air_s = rest_before(problem, choices, place)
    if air_s > 0:
        return _End(round_s(edge_s - air_s), settings.fade_out_s, real=True)
    into = next((cue.span.duration_s for cue in kept if abs(cue.span.start_s - edge_s) <= TOUCHING_S), None)
    if into is None and film.silent[choice.last]:
        return _End(edge_s, settings.fade_out_s, real=False)
    if into is not None or (place + 1 < len(choices) and choices[place + 1].first == choice.last):
        half_s = min(settings.crossfade_s / 2, (float(film.lengths_s[choice.last]) if into is None else into) / 2)
        return _End(round_s(min(edge_s + half_s, film_end_s)), 2 * half_s, real=False)
    tail_s = (
        0.0
        if film.contrast[choice.last] >= TURN
        else min(settings.fade_out_s / 2, float(film.lengths_s[choice.last]) / 2)
    )
    return _End(round_s(min(edge_s + tail_s, film_end_s)), settings.fade_out_s, real=True)


def rest_before(problem: Problem, choices: Sequence[Choice], place: int) -> float:
    """Seconds of silence between a cue and the one that follows it on the cut; 0 where they meet."""
    if problem.air_s is None or place + 1 >= len(choices) or choices[place + 1].first != choices[place].last:
        return 0.0
    air_s = float(problem.air_s[choices[place].last])
    return air_s if length_s(problem, choices[place]) - air_s >= _LEAST_BEFORE_AIR_S else 0.0


def _entry_s(track: Track, planned_s: float, cell_s: float) -> float:
    """Where in the track to enter: at the start of the music or of a section if the planned cell holds one."""
    marks = (track.analysis.music_start_s, *track.analysis.sections_s)
    inside = [mark for mark in marks if planned_s - 1e-6 <= mark < planned_s + cell_s]
    return inside[0] if inside else max(planned_s, track.analysis.music_start_s)
