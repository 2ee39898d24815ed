"""Steps of a review by name: from a request of the page to a function that changes the state.

The edits are those of `soundtrack cues` and `soundtrack render --swap`; planning again is `soundtrack spot --keep`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from soundtrack import api
from soundtrack.documents import cuesheet, edits
from soundtrack.errors import UsageError
from soundtrack.pipeline.ducked_vocals import lowers_vocals, swapped_vocals, vocals_lowered
from soundtrack.pipeline.ground.defaults import spotting_or_default
from soundtrack.pipeline.ground.separators import find_separator
from soundtrack.pipeline.sheets.conditions import (
    mood_wishes,
    settings_again,
    use_lexicon_of,
    wishes_again,
    word_wishes,
)
from soundtrack.pipeline.sheets.keeping import keep_locked
from soundtrack.pipeline.sheets.narration import NarrationWish
from soundtrack.pipeline.sheets.sheet_tracks import track_paths_of
from soundtrack.pipeline.sheets.swap import mix_of, swap_music
from soundtrack.progress import Progress, no_progress
from soundtrack.review.leaning import leaned
from soundtrack.review.session import Step
from soundtrack.review.wished import LONGEST_WORDS, asked_again, with_mood
from soundtrack.types import Conditions, CueSheet


def step_of(request: Mapping[str, object], *, index: Path | None, beside: Path | None = None) -> Callable[[Step], Step]:
    """The change that a request asks for.

    Parameters
    ----------
    request : mapping
        ``action``, and what belongs to it: ``cue``, ``rank``, ``gain_db``, ``start_s``, ``end_s``, ``scene``,
        ``words``, ``time_s``, ``on``.
    index : Path, optional
        Folder of the library index.
    beside : Path, optional
        The file of the sheet; without one, the vocals of swapped music stay as they are.

    Raises
    ------
    UsageError
        There is no such action, or something is missing.
    """
    action = request.get("action")
    if action in ("lock", "unlock", "silence"):
        kinds: dict[str, Callable[[tuple[str, ...]], edits.Edit]] = {
            "lock": edits.LockCues,
            "unlock": edits.UnlockCues,
            "silence": edits.SilenceCues,
        }
        edit = kinds[str(action)]((_text(request, "cue"),))
        return lambda step: replace(step, sheet=_edited(step.sheet, edit))
    if action == "set":
        names = ("gain_db", "fade_in_s", "fade_out_s", "start_s", "end_s")
        values = {name: _number(request, name) for name in names if name in request}
        change = edits.SetCue(_text(request, "cue"), **values)
        return lambda step: replace(step, sheet=_edited(step.sheet, change))
    if action == "swap":
        swap = (_text(request, "cue"), int(_number(request, "rank")))
        return lambda step: _swapped(step, swap, index=index, beside=beside)
    return _wish_of(request, index=index)


def _swapped(step: Step, swap: tuple[str, int], *, index: Path | None, beside: Path | None) -> Step:
    """The state with other music in a cue."""
    sheet = swap_music(step.sheet, [swap], index=index, before=step.sheet)
    if beside is None:
        return replace(step, sheet=sheet)
    with swapped_vocals(sheet, step.sheet, beside=beside, index=index, progress=no_progress) as lowered:
        return replace(step, sheet=lowered if lowered is sheet else cuesheet.rounded(lowered))


def _wish_of(request: Mapping[str, object], *, index: Path | None) -> Callable[[Step], Step]:
    """The change of what the next plan is asked for."""
    action = request.get("action")
    if action == "mood":
        place, words = int(_number(request, "scene")), _text(request, "words", empty=True).strip()
        return lambda step: with_mood(step, place, words)
    if action in ("more", "less"):
        cue, is_wanted = _text(request, "cue"), action == "more"
        return lambda step: leaned(step, cue, is_wanted=is_wanted, index=index)
    if action == "hit":
        time_s = _number(request, "time_s")
        return lambda step: _with_hit(step, time_s)
    if action == "vocals":
        return lambda step: replace(step, vocals=bool(request.get("on")))
    raise UsageError(f"unknown action {action!r}", hint="reload the page")


def planned_again(film: Path, step: Step, *, index: Path | None, progress: Progress) -> Step:
    """The state with a new plan around the locked cues and the silences that were requested or set.

    The plan is made under the conditions of the sheet, with the moods, hit points and vocals of the page.

    Parameters
    ----------
    film : Path
        The film; its kept analysis is used where there is one.
    step : Step
        The present state.

    Raises
    ------
    SoundtrackError
        As `soundtrack.api.scenes` and `soundtrack.api.spot`; or vocals are to be lowered and no separator is installed.
    """
    sheet = step.sheet
    if lowers_vocals(sheet):
        find_separator()
    use_lexicon_of(sheet)
    held, asked = wishes_again(sheet), asked_again(step)
    scenes = api.scenes(
        film, subtitles=held.subtitles, faces=held.faces, face_weight=held.face_weight, progress=progress
    )
    progress("planning", 0, 0)
    narration, demanded = sheet.narration, [s for s in sheet.silences if s.is_demanded]
    wishes = replace(
        held,
        narration=None if narration is None else NarrationWish(Path(narration.path), narration.start_s),
        moods=mood_wishes(asked, [cue for cue in sheet.cues if cue.locked]),
        words=word_wishes(asked),
        silences=tuple(s.span for s in demanded),
        hits=step.hits,
        keep=keep_locked(sheet) if any(cue.locked for cue in sheet.cues) else None,
    )
    settings = replace(settings_again(sheet, spotting_or_default(None)), allow_vocals=step.vocals)
    planned = api.spot(scenes, index=index, settings=settings, mix=mix_of(sheet), wishes=wishes)
    others = [s for s in planned.silences if all(s.span.overlap_s(own.span) <= 0 for own in demanded)]
    silences = tuple(sorted([*others, *demanded], key=lambda s: s.span.start_s))
    return replace(step, sheet=cuesheet.rounded(replace(planned, silences=silences, markers=sheet.markers)))


@contextlib.contextmanager
def vocals_lowered_again(
    after: Step, before: CueSheet, *, beside: Path, index: Path | None, progress: Progress
) -> Iterator[Step]:
    """The state after a plan with lowered vocals, if the sheet before had any; their files last if the block ends well.

    Parameters
    ----------
    after : Step
        From `planned_again`.
    before : CueSheet
        What was planned again.
    beside : Path
        The file of the sheet.
    """
    if not lowers_vocals(before):
        yield after
        return
    held = replace(after.sheet.conditions or Conditions(), duck_vocals=True)
    sheet = replace(after.sheet, conditions=held)
    with vocals_lowered(
        sheet,
        track_paths_of(sheet, index),
        beside=beside,
        separator=find_separator(),
        index=index,
        former=before,
        progress=progress,
    ) as lowered:
        yield replace(after, sheet=cuesheet.rounded(lowered.sheet))


def _edited(sheet: CueSheet, edit: edits.Edit) -> CueSheet:
    """The sheet after an edit of a `cues` command, rounded as in the document."""
    return cuesheet.rounded(edits.apply(sheet, edit), before=sheet)


def _with_hit(step: Step, time_s: float) -> Step:
    """The state with a hit point more, or without it if it is there."""
    if not 0 <= time_s < step.sheet.film.duration_s:
        raise UsageError(f"hit point {time_s:g} s is outside the film", hint="use a time within the film")
    near = [t for t in step.hits if abs(t - time_s) < 0.25]
    kept = tuple(t for t in step.hits if t not in near)
    return replace(step, hits=kept if near else tuple(sorted([*kept, round(time_s, 3)])))


def _text(request: Mapping[str, object], name: str, *, empty: bool = False) -> str:
    value = request.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_WORDS or not (value or empty):
        raise UsageError(f"{name}: expected a text of at most {LONGEST_WORDS} characters", hint="use a shorter text")
    return value


def _number(request: Mapping[str, object], name: str) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise UsageError(f"{name}: expected a number", hint="use a number")
    return float(value)
