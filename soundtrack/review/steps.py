"""Steps of a review by name: from a request of the page to a function that changes the state.

The edits are those of `soundtrack cues` and `soundtrack render --swap`; planning again is `soundtrack spot --keep`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from soundtrack import api
from soundtrack.documents import cuesheet, edits
from soundtrack.errors import UsageError
from soundtrack.pipeline.ground.defaults import spotting_or_default
from soundtrack.pipeline.sheets.keeping import keep_locked
from soundtrack.pipeline.sheets.narration import NarrationWish
from soundtrack.pipeline.sheets.swap import mix_of, swap_music
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.progress import Progress
from soundtrack.review.session import MoodWords, Step
from soundtrack.types import CueSheet

LONGEST_WORDS = 200
"""Characters of a mood in words."""
LIKE_ID = 16
"""Characters of a track id by which a request names the music of a cue."""


def step_of(request: Mapping[str, object], *, index: Path | None) -> Callable[[Step], Step]:
    """The change that a request asks for.

    Parameters
    ----------
    request : mapping
        ``action``, and what belongs to it: ``cue``, ``rank``, ``gain_db``, ``start_s``, ``end_s``, ``scene``,
        ``words``, ``time_s``, ``on``.
    index : Path, optional
        Folder of the library index.

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
        return lambda step: replace(step, sheet=swap_music(step.sheet, [swap], index=index))
    return _wish_of(request)


def _wish_of(request: Mapping[str, object]) -> Callable[[Step], Step]:
    """The change of what the next plan is asked for."""
    action = request.get("action")
    if action == "mood":
        place, words = int(_number(request, "scene")), _text(request, "words", empty=True).strip()
        return lambda step: _with_mood(step, place, words)
    if action in ("more", "less"):
        cue, is_wanted = _text(request, "cue"), action == "more"
        return lambda step: _with_likeness(step, cue, is_wanted=is_wanted)
    if action == "hit":
        time_s = _number(request, "time_s")
        return lambda step: _with_hit(step, time_s)
    if action == "vocals":
        return lambda step: replace(step, vocals=bool(request.get("on")))
    raise UsageError(f"unknown action {action!r}", hint="reload the page")


def planned_again(film: Path, step: Step, *, index: Path | None, progress: Progress) -> Step:
    """The state with a new plan around the locked cues and the silences that were set.

    Parameters
    ----------
    film : Path
        The film; its kept analysis is used where there is one.
    step : Step
        The present state.

    Raises
    ------
    SoundtrackError
        As `soundtrack.api.scenes` and `soundtrack.api.spot`.
    """
    from soundtrack.queries.query import WordWish
    from soundtrack.queries.vocabulary import is_request
    from soundtrack.spotting.merit.constraints import MoodWish
    from soundtrack.spotting.merit.moods import mood

    sheet = step.sheet
    scenes = api.scenes(film, progress=progress)
    progress("planning", 0, 0)
    narration = sheet.narration
    wishes = Wishes(
        narration=None if narration is None else NarrationWish(Path(narration.path), narration.start_s),
        moods=tuple(MoodWish(m.span, mood(m.text)) for m in step.moods if not is_request(m.text)),
        words=tuple(WordWish(m.text, m.span) for m in step.moods if is_request(m.text)),
        silences=tuple(s.span for s in sheet.silences if s.reason == edits.SILENCED),
        hits=step.hits,
        keep=keep_locked(sheet) if any(cue.locked for cue in sheet.cues) else None,
    )
    settings = replace(spotting_or_default(None), seed=sheet.seed, allow_vocals=step.vocals)
    weights = cuesheet.weights_of(sheet)
    if weights is not None:
        settings = replace(settings, merit=weights[0])
    planned = api.spot(scenes, index=index, settings=settings, mix=mix_of(sheet), wishes=wishes)
    silenced = [s for s in sheet.silences if s.reason == edits.SILENCED]
    others = [s for s in planned.silences if all(s.span.overlap_s(own.span) <= 0 for own in silenced)]
    silences = tuple(sorted([*others, *silenced], key=lambda s: s.span.start_s))
    return replace(step, sheet=cuesheet.rounded(replace(planned, silences=silences, markers=sheet.markers)))


def _edited(sheet: CueSheet, edit: edits.Edit) -> CueSheet:
    """The sheet after an edit of a `cues` command, rounded as in the document."""
    return cuesheet.rounded(edits.apply(sheet, edit))


def _with_mood(step: Step, place: int, words: str) -> Step:
    """The state with another mood for a scene; no words take it away."""
    from soundtrack.queries.vocabulary import is_request
    from soundtrack.spotting.merit.moods import mood

    scene = next((s for s in step.sheet.scenes if s.index == place), None)
    if scene is None:
        raise UsageError(f"unknown scene {place + 1}", hint="reload the page")
    if words and not is_request(words):
        mood(words)  # an unknown word is refused now and not by the plan
    others = tuple(m for m in step.moods if m.span != scene.span)
    return replace(step, moods=(*others, MoodWords(scene.span, words)) if words else others)


def _with_likeness(step: Step, cue_id: str, *, is_wanted: bool) -> Step:
    """The state in which the scenes of a cue get music more like that of the cue, or less, in the next plan."""
    cue = next((c for c in step.sheet.cues if c.cue_id == cue_id), None)
    if cue is None:
        raise UsageError(f"unknown cue {cue_id}", hint="reload the page")
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
        step = _with_mood(step, scene.index, words)
    return step


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
