"""The part of a cue sheet that decides how one cue sounds: on a long sheet an alternative is ready far sooner from it.

Goes in: a sheet and a cue. Comes out: a sheet of the same film with this cue and what lies around it.
"""

from __future__ import annotations

from dataclasses import replace

from soundtrack.types import CueSheet, Span

REACH_S = 60
"""Before and after the cue; crossfades, and ducking with its hold, reach a few seconds."""


def nearby(sheet: CueSheet, cue_id: str) -> CueSheet:
    """The sheet without cues and speech that are too far from a cue to change its sound.

    Parameters
    ----------
    sheet : CueSheet
    cue_id : str
        The cue; the sheet is returned as it is if it has no such cue.
    """
    cue = next((c for c in sheet.cues if c.cue_id == cue_id), None)
    if cue is None:
        return sheet
    reach = Span(max(0.0, cue.span.start_s - REACH_S), cue.span.end_s + REACH_S)
    cues = tuple(c for c in sheet.cues if c.span.overlap_s(reach) > 0)
    others = tuple(a for a in sheet.alternatives if a.cue_id == cue_id)
    used = {c.track_id for c in cues} | {a.track_id for a in others}
    return replace(
        sheet,
        cues=cues,
        tracks=tuple(t for t in sheet.tracks if t.track_id in used),
        alternatives=others,
        speech=tuple(s for s in sheet.speech if s.overlap_s(reach) > 0),
        silences=(),
        ducking=(),
    )
