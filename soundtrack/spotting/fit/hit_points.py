"""Hit points in the cue sheet: what falls on each, and its offset."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from soundtrack.spotting.fit.chain import EXACT_S, TOLERANCE_S
from soundtrack.spotting.fit.climax import Climax, nearest_s
from soundtrack.timebase import clock
from soundtrack.types import BarTable, Cue, Landing, Section, Term, Track

_BEAT_S = 0.5
"""Of music without a pulse."""


def landings(
    sections: Sequence[Section],
    bars: BarTable,
    found: Sequence[Climax],
    *,
    start_s: float,
    speed: float,
    hits: Sequence[float],
) -> tuple[Landing, ...]:
    """What of a cue's music falls on the moments that were named.

    Parameters
    ----------
    sections : sequence of Section
        The stretches that are played, in order.
    bars : BarTable
        Of the track.
    found : sequence of Climax
        Of the track.
    start_s : float
        Where the cue starts, film clock.
    speed : float > 0
        At which it is played.
    hits : sequence of float
        The moments, film clock.
    """
    result = []
    for hit_s in hits:
        strong = nearest_s([c.time_s for c in found], sections, hit_s - start_s, speed=speed)
        line = nearest_s(bars.bar_starts_s.tolist(), sections, hit_s - start_s, speed=speed)
        if strong is not None and abs(strong) <= TOLERANCE_S:
            result.append(Landing(hit_s, "climax", round(1000 * strong, 1) + 0.0))
        elif line is not None and abs(line) <= _half_bar_s(bars) / speed:
            result.append(Landing(hit_s, "downbeat", round(1000 * line, 1) + 0.0))
        else:
            result.append(Landing(hit_s, "nothing"))
    return tuple(result)


def _half_bar_s(bars: BarTable) -> float:
    """Half the length of the longest bar, in seconds."""
    lines = bars.bar_starts_s.tolist()
    return max((b - a for a, b in itertools.pairwise(lines)), default=0.0) / 2


def hit_term(landed: Sequence[Landing], track: Track, *, weight: float) -> tuple[Term, ...]:
    """The term ``hit`` of a cue's merit: the mean over its moments; none where no climax fell on any.

    Parameters
    ----------
    landed : sequence of Landing
        From `landings`.
    track : Track
        For the length of a beat.
    weight : float
        What a climax exactly on its moment is worth; nothing from half a beat on.
    """
    half_beat_s = (60 / track.analysis.tempo_bpm if track.analysis.tempo_bpm else _BEAT_S) / 2
    late_s = [abs(hit.late_ms) / 1000 for hit in landed if hit.on == "climax" and hit.late_ms is not None]
    worth = sum(max(0.0, 1 - max(0.0, off_s - 1e-4) / half_beat_s) for off_s in late_s)
    value = round(weight * worth / max(1, len(landed)), 4)
    return (Term("hit", value),) if value else ()


def missed_hit(cue: Cue, found: Sequence[Climax], landing: Landing) -> str | None:
    """What to tell about a moment that no climax fell on; None where one did.

    A single moment of a cue must be hit within `EXACT_S`, one of several within `TOLERANCE_S`.
    """
    enough_s = EXACT_S if len(cue.landings) == 1 else TOLERANCE_S
    if landing.on == "climax" and landing.late_ms is not None and abs(landing.late_ms) <= 1000 * enough_s:
        return None
    when = clock(landing.time_s)
    instead = f"; nearest downbeat {_apart(landing.late_ms)}" if landing.late_ms is not None else ""
    if not found:
        return f"{cue.cue_id}: no clear climax of its track can be placed at {when}{instead}"
    times_s = [climax.time_s for climax in found]
    off_s = nearest_s(times_s, cue.sections, landing.time_s - cue.span.start_s, speed=cue.speed)
    if off_s is None:
        return f"{cue.cue_id}: no climax of its track can be placed at {when}{instead}"
    if landing.on == "climax":
        instead = ""
    return f"{cue.cue_id}: the climax nearest to {when} is {_apart(1000 * off_s)}{instead}"


def _apart(late_ms: float) -> str:
    """How far something comes before or after a moment."""
    if abs(late_ms) <= 1000 * EXACT_S:
        return "on it"
    return f"{abs(late_ms) / 1000:.2f} s {'after' if late_ms > 0 else 'before'} it"
