"""Replace the music of one cue of a finished sheet by a runner-up.

Goes in: a cue sheet with its alternatives, and the library. Comes out: a cue sheet. Nothing is planned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from soundtrack.documents import cuesheet
from soundtrack.documents.edits import SWAPPED_OUT
from soundtrack.errors import LibraryError, UsageError
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.fit.grid import Wanted
from soundtrack.spotting.fit.sections import fit_track
from soundtrack.spotting.merit.eligibility import TERM_NAMES
from soundtrack.spotting.merit.facts import cue_facts
from soundtrack.spotting.merit.view import LibraryView
from soundtrack.spotting.plan.place import sheet_track, trim_db
from soundtrack.timebase import round_s, samples, seconds
from soundtrack.types import Alternative, Cue, CueSheet, Span, Term, Track


def unlocked_cue(sheet: CueSheet, cue_id: str) -> Cue:
    """A cue whose music may be changed.

    Raises
    ------
    UsageError
        There is no such cue, or it is locked.
    """
    cue = next((c for c in sheet.cues if c.cue_id == cue_id), None)
    if cue is None:
        raise UsageError(f"unknown cue {cue_id}", hint=f"cues in the sheet: {', '.join(c.cue_id for c in sheet.cues)}")
    if cue.locked:
        raise UsageError(f"cue {cue_id} is locked", hint=f"unlock it first: `soundtrack cues unlock CUES {cue_id}`")
    return cue


def swap_cue(
    sheet: CueSheet,
    cue_id: str,
    *,
    rank: int,
    library: LibraryView,
    settings: SpottingSettings | None = None,
    before: CueSheet | None = None,
    tracks: Mapping[str, Track] | None = None,
) -> CueSheet:
    """The sheet with one of a cue's alternatives in its place.

    Parameters
    ----------
    sheet : CueSheet
        With alternatives.
    cue_id : str
        Which cue.
    rank : int
        Which of its alternatives, from 2; the music used so far takes its rank.
    library : LibraryView
        The library that the sheet was made with.
    settings : SpottingSettings
        Lengths of fades.
    before : CueSheet, optional
        The rounded sheet that `sheet` was made from, or `sheet` itself if it is rounded; saves time.
    tracks : mapping of str to Track, optional
        Tracks of the library by id, with at least those of the sheet; all of them are read by default.

    Returns
    -------
    CueSheet
        As it would be after being written and read.

    Raises
    ------
    UsageError
        There is no such cue or alternative, or the cue is locked.
    LibraryError
        The library has lost the track.
    """
    settings = settings or SpottingSettings()
    cue = unlocked_cue(sheet, cue_id)
    wanted = next((a for a in sheet.alternatives if a.cue_id == cue_id and a.rank == rank), None)
    if wanted is None:
        ranks = ", ".join(str(a.rank) for a in sheet.alternatives if a.cue_id == cue_id) or "none"
        raise UsageError(f"cue {cue_id} has no alternative {rank}", hint=f"available alternatives: {ranks}")
    track = (library.tracks() if tracks is None else tracks).get(wanted.track_id)
    if track is None:
        raise LibraryError(f"track {wanted.track_id[:12]} is no longer in the library", hint="index its folder again")
    changed = _refill(cue, wanted, track, library=library, settings=settings)
    changed = replace(changed, facts=cue_facts(changed, track, sheet.scenes))
    was = Alternative(
        cue_id, rank, cue.track_id, cue.sections[0].track.start_s, cue.merit, SWAPPED_OUT, _music_terms(cue)
    )
    listed = {t.track_id: t for t in sheet.tracks}
    listed.setdefault(track.track_id, sheet_track(track))
    result = replace(
        sheet,
        cues=tuple(changed if c.cue_id == cue_id else c for c in sheet.cues),
        tracks=tuple(listed.values()),
        alternatives=tuple(was if a == wanted else a for a in sheet.alternatives),
    )
    return cuesheet.rounded(result, before=before)


def _music_terms(cue: Cue) -> tuple[Term, ...]:
    """What of a cue's reasons is about its music and the picture."""
    return tuple(term for term in cue.why if term.name in TERM_NAMES)


def _refill(cue: Cue, wanted: Alternative, track: Track, *, library: LibraryView, settings: SpottingSettings) -> Cue:
    """The cue with another track, cut to the same length."""
    first = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ)
    length = cuesheet.length_in_samples(cue.span)
    fitted = fit_track(
        library.bars(track.track_id),
        track.analysis,
        duration_s=track.audio.duration_s,
        wanted=Wanted(
            length,
            start_s=wanted.segment_start_s,
            end_with_track=cue.fade_out_s == 0,
            max_stretch=settings.stretch,
        ),
    )
    whole = fitted.n_samples == length
    end_s = cue.span.end_s if whole else seconds(first + fitted.n_samples, sample_rate_hz=MIX_RATE_HZ)
    fade_out = cue.fade_out_s if whole and cue.fade_out_s else settings.fade_out_s
    span = Span(cue.span.start_s, end_s)
    return replace(
        cue,
        span=span,
        track_id=track.track_id,
        sections=fitted.sections,
        speed=fitted.speed,
        landings=(),
        fade_out_s=0.0 if fitted.ends_with_track else round_s(min(fade_out, span.duration_s / 2)),
        gain_db=trim_db(track),
        merit=wanted.merit,
        why=(),
    )
