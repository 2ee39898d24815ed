"""A cue sheet for another cut of its film: locked cues move along with their picture, the rest is planned again.

Goes in: the sheet, the film it was made for, and the new cut. Comes out: a sheet for the new cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.documents.conforming import (
    Moved,
    conformed_cue,
    conformed_markers,
    conformed_silences,
    without_overlaps,
)
from soundtrack.documents.edits import scenes_under
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.naming.wording import spoken_file
from soundtrack.pipeline.ducked_vocals import lowers_vocals
from soundtrack.pipeline.film.analyse import analyse_video, fingerprint
from soundtrack.pipeline.score import spot_video
from soundtrack.pipeline.sheets.conditions import (
    condition_options,
    mood_wishes,
    settings_again,
    use_lexicon_of,
    wishes_again,
    word_wishes,
)
from soundtrack.pipeline.sheets.keeping import Keep
from soundtrack.pipeline.sheets.narration import NarrationWish
from soundtrack.pipeline.sheets.swap import mix_of
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import SpottingSettings
from soundtrack.timebase import clock
from soundtrack.types import AskedMood, Conditions, Cue, CueSheet, Marker, Silence
from soundtrack.types.sheet import SILENCE_SET


@dataclass(frozen=True, slots=True)
class Conformed:
    """A sheet for a new cut."""

    sheet: CueSheet
    """It can be rendered with the new film."""
    changes: tuple[str, ...]
    """What became of each cue that was to move along, a line each."""
    kept_s: float
    """How much of the old film the new one has, in seconds."""


def conform(
    sheet: CueSheet,
    new: Path,
    *,
    old: Path,
    every: bool = False,
    index: Path | None = None,
    device: str = "auto",
    decoder: str = "auto",
    cache: Path | None = None,
    name: str = "cue sheet",
    progress: Progress = no_progress,
) -> Conformed:
    """The sheet for a film that was cut again.

    Parameters
    ----------
    sheet : CueSheet
        Of the old cut.
    new : Path
        The new cut.
    old : Path
        The old one, unchanged.
    every : bool
        Whether all cues move along, and not only locked ones.
    index : Path, optional
        Folder of the library index.

    Raises
    ------
    InputError
        A film cannot be read, or the two have no picture in common.
    UsageError
        No cue is locked.
    """
    from soundtrack.media.reading.probe import probe
    from soundtrack.video.shot_matching import film_print, match_shots

    cuesheet.check(sheet, name=name)
    chosen = [cue for cue in sheet.cues if every or cue.locked]
    if not chosen:
        raise UsageError(
            f"{name}: no locked cues", hint="lock the cues to keep with `soundtrack cues lock`, or use --all"
        )
    if fingerprint(old) != sheet.film.fingerprint:
        raise InputError(
            f"{old}: not the film that {name} was made for",
            hint="use --film with the unchanged old film",
            reason=Reason.BAD_FORMAT,
        )
    before = film_print(probe(old), decoder=decoder, progress=progress)
    after = film_print(probe(new), step_s=before.step_s, decoder=decoder, progress=progress)
    matches = match_shots(before, after)
    if not matches:
        raise InputError(
            f"{new}: no shot of {old} found in it",
            hint="check the names, or plan again with `soundtrack score`",
            reason=Reason.BAD_FORMAT,
        )
    use_lexicon_of(sheet)
    held = wishes_again(sheet)
    scenes = analyse_video(
        new,
        device=device,
        decoder=decoder,
        cache=cache,
        subtitles=held.subtitles,
        faces=held.faces,
        face_weight=held.face_weight,
        progress=progress,
    )
    moved = [Moved(match.old, match.later_s) for match in matches]
    base = replace(
        sheet,
        film=scenes.film,
        scenes=scenes.scenes,
        speech=scenes.speech,
        ducking=(),
        silences=(),
        cues=(),
        narration=None,
        vocals=None,
    )
    made = [c for cue in chosen if (c := conformed_cue(cue, moved, base)) is not None]
    cues = without_overlaps(made, base)
    cues = [replace(cue, locked=True, scenes=scenes_under(cue, scenes.scenes)) for cue in cues]
    kept_ids = {cue.cue_id for cue in cues}
    base = cuesheet.rounded(
        replace(base, cues=tuple(cues), alternatives=tuple(a for a in sheet.alternatives if a.cue_id in kept_ids))
    )
    asked = _moods(sheet, moved)
    wishes = replace(
        held,
        moods=mood_wishes(asked, base.cues),
        words=word_wishes(asked),
        hits=tuple(marker.time_s for marker in conformed_markers([Marker(t, "") for t in held.hits], moved)),
        keep=Keep(base, name) if cues else None,
        narration=_narration(sheet),
        silences=conformed_silences(sheet.silences, moved, [cue.span for cue in base.cues]),
    )
    settings = settings_again(sheet, SpottingSettings())
    result = spot_video(scenes, index=index, settings=settings, mix=mix_of(sheet), wishes=wishes)
    result = _with_duck_vocals(sheet, result)
    result = replace(result, markers=conformed_markers(sheet.markers, moved))
    kept_s = sum(match.old.duration_s for match in matches)
    lines = (
        *_said(chosen, cues),
        *_said_of_markers(sheet, result),
        *_said_of_narration(sheet),
        *_said_of_conditions(sheet, result),
    )
    return Conformed(result, lines, kept_s)


def _narration(sheet: CueSheet) -> NarrationWish | None:
    """The narration of a sheet, at the time that it has: a voice cannot be matched with pictures."""
    held = sheet.narration
    return None if held is None else NarrationWish(Path(held.path), held.start_s)


def _said_of_narration(sheet: CueSheet) -> list[str]:
    """What became of the narration."""
    held = sheet.narration
    if held is None:
        return []
    return [f"{spoken_file(held.path)} {held.path}: still at {clock(held.start_s)}; check it with the new cut"]


def _said_of_markers(before: CueSheet, after: CueSheet) -> list[str]:
    """How many markers lost their picture."""
    n_lost = len(before.markers) - len(after.markers)
    return [f"markers: {n_lost} of {len(before.markers)} left out with their picture"] if n_lost else []


def _moods(sheet: CueSheet, moved: Sequence[Moved]) -> list[AskedMood]:
    """Moods and requests in words of a sheet, with their picture; those of the whole film as they are."""
    found: list[AskedMood] = []
    for asked in () if sheet.conditions is None else sheet.conditions.moods:
        if asked.span is None:
            found.append(asked)
            continue
        spans = conformed_silences([Silence(asked.span, SILENCE_SET)], moved, [])
        found += [replace(asked, span=span) for span in spans]
    return found


def _with_duck_vocals(before: CueSheet, after: CueSheet) -> CueSheet:
    """The sheet with the wish for lowered vocals, which needs a separator and the scored film."""
    if not lowers_vocals(before):
        return after
    line = "vocals of the music are not lowered under speech yet: plan again on the page of `soundtrack review`"
    held = replace(after.conditions or Conditions(), duck_vocals=True)
    return replace(after, conditions=held, warnings=(*after.warnings, line))


def _said_of_conditions(before: CueSheet, after: CueSheet) -> list[str]:
    """Under which conditions the music in between was planned, with the times of the new cut."""
    if before.conditions is None:
        return [
            "the cue sheet does not state the options it was made with; music was planned without --license and others"
        ]
    options = condition_options(after.conditions or Conditions())
    return [f"planned with {'  '.join(options)}"] if options else []


def _said(before: Sequence[Cue], after: Sequence[Cue]) -> list[str]:
    """What became of each cue."""
    now = {cue.cue_id: cue for cue in after}
    lines = []
    for cue in before:
        if cue.cue_id not in now:
            lines.append(f"cue {cue.cue_id}: its picture is not in the new film, left out")
            continue
        span = now[cue.cue_id].span
        longer_s = span.duration_s - cue.span.duration_s
        length = f", {abs(longer_s):.2f} s {'longer' if longer_s > 0 else 'shorter'}" if abs(longer_s) >= 5e-3 else ""
        lines.append(f"cue {cue.cue_id}: {clock(cue.span.start_s)} to {clock(span.start_s)}{length}")
    return lines
