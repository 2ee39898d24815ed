"""Cues of one cut of a film in another cut of it.

Goes in: a cue, and where the stretches of its film are in the new one. Comes out: the cue there, its music in step with
the longest part of its picture, from where its start went to where its end went; or None where nothing of its picture
is left. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from soundtrack.documents.cuesheet import TOUCHING_S, length_in_samples
from soundtrack.documents.edits import SHORTEST_SILENCE_S, SetCue, outside, trimmed
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import round_s, samples, seconds
from soundtrack.types import Cue, CueSheet, Marker, Silence, Span

EDGE_FADE_S = 0.5
"""Fade-out of a cue that lost its own ending."""
_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Moved:
    """A stretch of the old film and how much later it is in the new one."""

    old: Span
    """On the old film's clock."""
    later_s: float
    """Seconds, negative if earlier."""


def conformed_cue(cue: Cue, moved: Sequence[Moved], sheet: CueSheet) -> Cue | None:
    """A cue in the new film.

    Parameters
    ----------
    cue : Cue
        Of the old film.
    moved : sequence of Moved
        In the order of the old film.
    sheet : CueSheet
        Whose tracks the cue plays, and whose film has the length of the new one.

    Returns
    -------
    Cue or None
        None if less than a second of its picture is left.
    """
    parts = [(piece, piece.old.overlap_s(cue.span)) for piece in moved if piece.old.overlap_s(cue.span) > 0]
    if sum(length for _, length in parts) < min(_LEAST_S, cue.span.duration_s / 2):
        return None
    weight: dict[float, float] = {}
    for piece, length in parts:
        weight[round_s(piece.later_s)] = weight.get(round_s(piece.later_s), 0.0) + length
    later_s = max(weight, key=lambda lag: (weight[lag], -abs(lag)))
    own = [piece for piece, _ in parts if round_s(piece.later_s) == later_s]
    first, last = parts[0][0], parts[-1][0]
    start_s = max(cue.span.start_s, first.old.start_s) + first.later_s
    end_s = min(cue.span.end_s, last.old.end_s) + last.later_s
    in_step = Span(
        max(0.0, max(cue.span.start_s, own[0].old.start_s) + later_s), min(cue.span.end_s, own[-1].old.end_s) + later_s
    )
    if not start_s <= in_step.start_s < in_step.end_s <= end_s + TOUCHING_S:  # the parts are in another order now
        start_s, end_s = in_step.start_s, in_step.end_s
    return _placed(cue, later_s, start_s, min(end_s, sheet.film.duration_s), sheet)


def conformed_markers(markers: Sequence[Marker], moved: Sequence[Moved]) -> tuple[Marker, ...]:
    """The markers whose picture is in the new film, where it is there, in order of time.

    Examples
    --------
    >>> conformed_markers([Marker(1.0, "a"), Marker(5.0, "b")], [Moved(Span(4.0, 6.0), -3.0)])
    (Marker(time_s=2.0, text='b'),)
    """
    found = [
        replace(marker, time_s=round_s(max(0.0, marker.time_s + later_s)))
        for marker in markers
        if (later_s := _later_at(marker.time_s, moved)) is not None
    ]
    return tuple(sorted(found, key=lambda m: (m.time_s, m.text)))


def conformed_silences(silences: Sequence[Silence], moved: Sequence[Moved], taken: Sequence[Span]) -> tuple[Span, ...]:
    """Where the silences that the user wanted are in the new film, apart from what sounds there.

    Parameters
    ----------
    silences : sequence of Silence
        Of the old film; those that its plan chose are left out.
    moved : sequence of Moved
        In the order of the old film.
    taken : sequence of Span
        Cues in the new film.

    Examples
    --------
    >>> from soundtrack.types.sheet import SILENCE_SET
    >>> conformed_silences([Silence(Span(1.0, 5.0), SILENCE_SET)], [Moved(Span(2.0, 9.0), 1.0)], [Span(5.5, 8.0)])
    (Span(start_s=3.0, end_s=5.5),)
    """
    found: list[Span] = []
    for silence in (s for s in silences if s.is_demanded):
        for piece in (m for m in moved if m.old.overlap_s(silence.span) > 0):
            low, high = max(silence.span.start_s, piece.old.start_s), min(silence.span.end_s, piece.old.end_s)
            span = Span(round_s(max(0.0, low + piece.later_s)), round_s(max(0.0, high + piece.later_s)))
            found += [part for part in outside(span, taken) if part.duration_s >= SHORTEST_SILENCE_S]
    return tuple(sorted(found, key=lambda span: span.start_s))


def _later_at(time_s: float, moved: Sequence[Moved]) -> float | None:
    """How much later a moment is in the new film; between two stretches that moved alike, as these."""
    inside = next((piece for piece in moved if piece.old.start_s <= time_s < piece.old.end_s), None)
    if inside is not None:
        return inside.later_s
    before = next((piece for piece in reversed(moved) if piece.old.end_s <= time_s), None)
    after = next((piece for piece in moved if piece.old.start_s > time_s), None)
    alike = before is not None and after is not None and round_s(before.later_s) == round_s(after.later_s)
    return before.later_s if before is not None and alike else None


def _placed(cue: Cue, later_s: float, start_s: float, end_s: float, sheet: CueSheet) -> Cue | None:
    """The cue moved by `later_s`, then trimmed or extended to a span, as far as its track goes."""
    track = next(t for t in sheet.tracks if t.track_id == cue.track_id)
    head_s = cue.sections[0].track.start_s / cue.speed
    tail_s = (track.duration_s - cue.sections[-1].track.end_s) / cue.speed
    sample = 1 / MIX_RATE_HZ
    at_s, until_s = cue.span.start_s + later_s, cue.span.end_s + later_s
    start_s = start_s if start_s >= at_s else max(start_s, at_s - max(0.0, head_s - sample))
    end_s = end_s if end_s <= until_s else min(end_s, until_s + max(0.0, tail_s - sample))
    if end_s - start_s < min(_LEAST_S, cue.span.duration_s / 2):
        return None
    # Trimming counts in samples from the cue's start, so the cue is trimmed where it was and moved as a whole.
    edit = SetCue(cue.cue_id, start_s=max(0.0, start_s - later_s), end_s=end_s - later_s)
    long_enough = replace(
        sheet, film=replace(sheet.film, duration_s=max(sheet.film.duration_s, cue.span.end_s, end_s - later_s))
    )
    same = abs(start_s - at_s) < sample and abs(end_s - until_s) < sample
    made = cue if same else trimmed(long_enough, cue, edit)
    span = made.span if later_s == 0 else _later(made.span, later_s, film_s=sheet.film.duration_s)
    length_s = span.duration_s
    fade_out = made.fade_out_s if same or made.fade_out_s > 0 else EDGE_FADE_S
    fade_in = min(made.fade_in_s, length_s / 2)
    landings = tuple(replace(m, time_s=round_s(m.time_s + later_s)) for m in made.landings)
    landings = tuple(m for m in landings if span.start_s <= m.time_s < span.end_s)
    return replace(
        made,
        span=span,
        fade_in_s=fade_in,
        fade_out_s=min(fade_out, length_s / 2),
        landings=landings,
        scenes=(),
        facts=None,
    )


def _later(span: Span, later_s: float, *, film_s: float) -> Span:
    """A span moved to the nearest sample, as many samples long as before: frames of 29.97 a second are between them."""
    length = length_in_samples(span)
    first = max(0, samples(span.start_s + later_s, sample_rate_hz=MIX_RATE_HZ))
    if first and seconds(first + length, sample_rate_hz=MIX_RATE_HZ) > film_s:
        first -= 1
    return Span(*(seconds(edge, sample_rate_hz=MIX_RATE_HZ) for edge in (first, first + length)))


def without_overlaps(cues: Sequence[Cue], sheet: CueSheet) -> list[Cue]:
    """Cues in order of time, each cut off where the next one enters, but for its fade."""
    result: list[Cue] = []
    for cue in sorted(cues, key=lambda c: (c.span.start_s, c.span.end_s)):
        if result and result[-1].span.end_s > cue.span.start_s + max(result[-1].fade_out_s, cue.fade_in_s):
            before = result.pop()
            end_s = cue.span.start_s + before.fade_out_s
            if cue.span.start_s - before.span.start_s >= _LEAST_S:
                result.append(replace(trimmed(sheet, before, SetCue(before.cue_id, end_s=end_s)), facts=None))
        result.append(cue)
    return result
