"""More or less music like that of a cue: other music at once, and the request for the next plan.

The cue gets the track of the library that suits all requests for its scenes so far. The scenes keep the request in
words, ``like "..."`` or ``not like "..."``, so that planning again goes by it as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from soundtrack.errors import UsageError
from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.sheets.conditions import mood_wishes, permitted
from soundtrack.pipeline.sheets.sheet_tracks import with_present_ids
from soundtrack.pipeline.sheets.swap import ducked, mix_of
from soundtrack.review.session import MoodWords, Step
from soundtrack.review.wished import LONGEST_WORDS, asked_again, with_mood
from soundtrack.types import Conditions, Cue

LIKE_ID = 16
"""Characters of a track id by which a request names the music of a cue."""


def leaned(step: Step, cue_id: str, *, is_wanted: bool, index: Path | None) -> Step:
    """The state in which a cue has other music, more or less like what it had, and its scenes ask for the same.

    Parameters
    ----------
    step : Step
        The present state.
    cue_id : str
        Which cue.
    is_wanted : bool
        Whether the music is to be like that of the cue, or unlike it.
    index : Path, optional
        Folder of the library index.

    Raises
    ------
    UsageError
        There is no such cue, it is locked, or the library has no other track for it.
    LibraryError
        The index is missing or damaged.
    """
    from soundtrack.spotting.plan.lean import lean_cue

    cue = next((c for c in step.sheet.cues if c.cue_id == cue_id), None)
    if cue is None:
        raise UsageError(f"unknown cue {cue_id}", hint="reload the page")
    asked = _asking(step, cue, is_wanted=is_wanted)
    held = step.sheet.conditions or Conditions()
    with (
        open_library(index, everything=True) as library,
        open_library(index, allow_spoken=held.allow_spoken) as offered,
    ):
        sheet = with_present_ids(step.sheet, library.former_names())
        liked, denied = _named(asked.moods, cue, library.track_ids)
        sheet = lean_cue(
            sheet,
            cue_id,
            liked=liked,
            denied=denied,
            library=library,
            offered=permitted(step.sheet, offered) - (frozenset(liked) if is_wanted else frozenset()),
            moods=mood_wishes(asked_again(asked)),
            allow_vocals=step.vocals,
            before=step.sheet,
        )
        return replace(asked, sheet=ducked(sheet, library.tracks(), mix_of(sheet), before=sheet))


def _asking(step: Step, cue: Cue, *, is_wanted: bool) -> Step:
    """The state in which the scenes of a cue ask for music like that of the cue, or unlike it."""
    like = f'like "{cue.track_id[:LIKE_ID]}"'
    longest_s = max((scene.span.overlap_s(cue.span) for scene in step.sheet.scenes), default=0.0)
    for scene in step.sheet.scenes:
        shared_s = scene.span.overlap_s(cue.span)
        if shared_s <= scene.span.duration_s / 2 and shared_s < longest_s:  # one scene at least hears of it
            continue
        before = next((m.text for m in step.moods if m.span == scene.span), "")
        others = [part for part in before.split(", ") if part and part.removeprefix("not ") != like]
        words = ", ".join([*others, like if is_wanted else f"not {like}"])
        if len(words) > LONGEST_WORDS:
            raise UsageError(f"scene {scene.index + 1} has too many requests", hint="clear its mood or words first")
        step = with_mood(step, scene.index, words)
    return step


def _named(moods: Sequence[MoodWords], cue: Cue, track_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ids of the tracks that the scenes of a cue are to be like, and of those that they are not to be like."""
    full = {track_id[:LIKE_ID]: track_id for track_id in track_ids}
    parts = [p for m in moods if m.span.overlap_s(cue.span) > 0 for p in m.text.split(", ")]
    liked = {p.removeprefix('like "').removesuffix('"') for p in parts if p.startswith('like "')}
    denied = {p.removeprefix('not like "').removesuffix('"') for p in parts if p.startswith('not like "')}
    return [full[i] for i in sorted(liked) if i in full], [full[i] for i in sorted(denied) if i in full]
