"""What a cue sheet says about the moments on which a climax was to fall: how near it came."""

from __future__ import annotations

from collections.abc import Sequence

from soundtrack.spotting.climax import Climax, nearest_s
from soundtrack.spotting.grid import Fitted
from soundtrack.timebase import clock
from soundtrack.types import Cue, Term, Track

EXACT_S = 0.010
"""A climax this near to its moment has hit it."""
_HIT_MERIT = 0.1
"""What a climax exactly on its moment is worth; nothing from half a beat on."""
_BEAT_S = 0.5
"""Of music without a pulse."""


def hit_term(fitted: Fitted, found: Sequence[Climax], track: Track, at_s: float) -> tuple[Term, ...]:
    """The term ``hit`` of a cue's merit, or none where no climax came within half a beat.

    Parameters
    ----------
    fitted : Fitted
        How the track was cut.
    found : sequence of Climax
        Of the track.
    track : Track
        For the length of a beat.
    at_s : float
        When the climax was wanted, in seconds from the cue's start.
    """
    off_s = nearest_s(found, fitted.sections, at_s)
    half_beat_s = (60 / track.analysis.tempo_bpm if track.analysis.tempo_bpm else _BEAT_S) / 2
    if off_s is None or abs(off_s) >= half_beat_s:
        return ()
    value = round(_HIT_MERIT * (1 - max(0.0, abs(off_s) - 1e-4) / half_beat_s), 4)
    return (Term("hit", value),) if value else ()


def missed_hit(cue: Cue, found: Sequence[Climax], hit_s: float) -> str | None:
    """What to tell about a moment that no climax fell on; None where one did."""
    if not found:
        return f"{cue.cue_id} has no clear climax that could fall on {clock(hit_s)}"
    off_s = nearest_s(found, cue.sections, hit_s - cue.span.start_s)
    if off_s is None:
        return f"{cue.cue_id}: no climax of its track could be brought to {clock(hit_s)}"
    if abs(off_s) <= EXACT_S:
        return None
    side = "after" if off_s > 0 else "before"
    return f"{cue.cue_id}: the climax nearest to {clock(hit_s)} comes {abs(off_s):.2f} s {side} it"
