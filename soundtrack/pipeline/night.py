"""Batch to report: what each cue sheet says about silence and about choices that are second best.

Goes in: the outcomes of a batch. Comes out: a `Night`, read from the cue sheets beside the scored films. A choice is
second best where the plan passed over music of higher merit, for the sake of the film as a whole, or where the music
is far from the picture in valence or arousal.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.errors import SoundtrackError
from soundtrack.export.clips import shown_name
from soundtrack.export.page.night import Doubt, FilmNight
from soundtrack.files import safe_read
from soundtrack.pipeline.batch import BatchReport, FilmOutcome, FilmState
from soundtrack.pipeline.sheets.targets import cues_path
from soundtrack.timebase import round_s
from soundtrack.types import Cue, CueSheet

FAR = 0.5
"""Music this far from the picture in valence or arousal is second best: a quarter of the scale, which is [-1, 1]."""

SILENCE_S = 2.0
"""Shorter spans without music are not reported: cues begin on a beat or on a cut."""


def night_of(report: BatchReport) -> list[FilmNight]:
    """What became of each film of a batch, with silences and doubtful choices."""
    return [_film(outcome) for outcome in report.films]


def _film(outcome: FilmOutcome) -> FilmNight:
    """What became of one film."""
    told = FilmNight(
        film=outcome.film,
        state=outcome.state.value,
        output=outcome.output,
        message=outcome.message,
        hint=outcome.hint,
        exit_code=int(outcome.exit_code),
        warnings=outcome.warnings,
    )
    if outcome.state is FilmState.FAILED or outcome.output is None:
        return told
    path = cues_path(Path(outcome.output))
    try:
        sheet = cuesheet.loads(safe_read.read_text(path, most_bytes=safe_read.DOCUMENT_BYTES), name=str(path))
    except SoundtrackError as error:  # a film that was finished before may have lost its sheet, or be edited by hand
        return FilmNight(told.film, told.state, told.output, warnings=(*told.warnings, f"not reported: {error}"))
    return FilmNight(
        film=told.film,
        state=told.state,
        output=told.output,
        duration_s=sheet.film.duration_s,
        music_s=_under_music_s(sheet),
        n_cues=len(sheet.cues),
        silences=tuple(silence for silence in sheet.silences if silence.span.duration_s >= SILENCE_S),
        second_best=tuple(doubt for cue in sheet.cues for doubt in _doubts(cue, sheet)),
        warnings=told.warnings or sheet.warnings,
    )


def _under_music_s(sheet: CueSheet) -> float:
    """Length of the film under at least one cue, in seconds."""
    total_s, until_s = 0.0, 0.0
    for cue in sorted(sheet.cues, key=lambda cue: cue.span.start_s):
        total_s += max(0.0, cue.span.end_s - max(cue.span.start_s, until_s))
        until_s = max(until_s, cue.span.end_s)
    return round_s(total_s)


def _doubts(cue: Cue, sheet: CueSheet) -> Iterator[Doubt]:
    """Why the music of a cue is second best."""
    names = {track.track_id: shown_name(track) for track in sheet.tracks}
    music = names.get(cue.track_id, "?")
    others = [other for other in sheet.alternatives if other.cue_id == cue.cue_id and other.merit > cue.merit]
    if others and not cue.locked:
        best = max(others, key=lambda other: other.merit)
        reason = f"{names.get(best.track_id, '?')} has a higher merit here ({best.merit:.3f}, this one {cue.merit:.3f})"
        yield Doubt(cue.cue_id, cue.span.start_s, music, reason)
    facts = cue.facts
    apart = {} if facts is None else {"valence": facts.valence_apart, "arousal": facts.arousal_apart}
    far = [f"{name} {value:+.2f}" for name, value in apart.items() if abs(value) >= FAR]
    if far:
        yield Doubt(cue.cue_id, cue.span.start_s, music, f"far from the picture: {' and '.join(far)}")
