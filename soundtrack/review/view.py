"""What the page shows, as JSON: scenes, cues with their alternatives, speech, ducking, and what can be undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from soundtrack.export.clips import facts_line, shown_name
from soundtrack.pipeline.sheets.conditions import condition_options
from soundtrack.review.leaning import LIKE_ID
from soundtrack.review.session import Session, Step
from soundtrack.types import Alternative, Cue, CueSheet

UNKNOWN_CONDITIONS = (
    "the cue sheet does not state the options it was made with, so Plan again uses none (--license, ...)"
)
"""Said of a sheet without `soundtrack.types.Conditions`."""


def state_of(session: Session, *, key: str, warnings: Sequence[str] = ()) -> dict[str, object]:
    """The state of a session.

    Parameters
    ----------
    session : Session
    key : str
        By which the sound of its sheet is asked for.
    warnings : sequence of str
        Of the last step, beside those of the sheet.
    """
    step = session.step
    sheet = step.sheet
    names = {track.track_id[:LIKE_ID]: shown_name(track) for track in sheet.tracks}
    words = {(m.span.start_s, m.span.end_s): _shown(m.text, names) for m in step.moods}
    return {
        "revision": session.revision,
        "key": key,
        "undo": session.n_undo,
        "redo": session.n_redo,
        "vocals": step.vocals,
        "hits": list(step.hits),
        "keep_original": sheet.mix.keep_original,
        "duration_s": sheet.film.duration_s,
        "fps": float(sheet.film.fps),
        "scenes": [
            {
                "index": s.index,
                "start_s": s.span.start_s,
                "end_s": s.span.end_s,
                "mood": s.emotion.label,
                "valence": round(s.emotion.valence, 3),
                "arousal": round(s.emotion.arousal, 3),
                "words": words.get((s.span.start_s, s.span.end_s), ""),
            }
            for s in sheet.scenes
        ],
        "cues": _cues(sheet),
        "speech": [[s.start_s, s.end_s] for s in sheet.speech],
        "ducking": [[p.time_s, p.gain_db] for p in sheet.ducking],
        "silences": [{"start_s": s.span.start_s, "end_s": s.span.end_s, "reason": s.reason} for s in sheet.silences],
        "warnings": [*_conditions(sheet), *sheet.warnings, *_unheard(step), *warnings],
    }


def _shown(text: str, names: Mapping[str, str]) -> str:
    """A request with the names of tracks in place of their ids."""
    for start, name in names.items():
        text = text.replace(f'"{start}"', f'"{name}"')
    return text


def _conditions(sheet: CueSheet) -> list[str]:
    """What planning again keeps, or that this is not known."""
    if sheet.conditions is None:
        return [f"{UNKNOWN_CONDITIONS}; `soundtrack score` with the options writes a sheet that states them"]
    options = condition_options(sheet.conditions)
    return [f"Plan again keeps {'  '.join(options)}"] if options else []


def _unheard(step: Step) -> list[str]:
    """What the page cannot play as it is rendered."""
    narration = step.sheet.narration
    if narration is None:
        return []
    return [f"{Path(narration.path).name} is not played on this page; render includes it"]


def _cues(sheet: CueSheet) -> list[dict[str, object]]:
    """All cues."""
    names = {track.track_id: shown_name(track) for track in sheet.tracks}
    others: dict[str, list[Alternative]] = defaultdict(list)
    for other in sheet.alternatives:
        others[other.cue_id].append(other)
    return [_cue(cue, names, others[cue.cue_id]) for cue in sheet.cues]


def _cue(cue: Cue, names: Mapping[str, str], others: Sequence[Alternative]) -> dict[str, object]:
    """One cue."""
    return {
        "id": cue.cue_id,
        "start_s": cue.span.start_s,
        "end_s": cue.span.end_s,
        "title": names.get(cue.track_id, "?"),
        "locked": cue.locked,
        "gain_db": cue.gain_db,
        "fades_out": cue.fade_out_s > 0,
        "merit": round(cue.merit, 3),
        "facts": "" if cue.facts is None else facts_line(cue.facts),
        "why": [f"{term.name} {term.value:+.3f}" for term in cue.why],
        "others": [
            {"rank": other.rank, "title": names.get(other.track_id, "?"), "note": other.note} for other in others
        ],
    }
