"""A cue from the clips that an editing program made of it: its span, its sections, its fades, to the sample.

Goes in: clips that follow each other, the cue that they were, and its sections as exported. Comes out: a cue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from soundtrack.documents.cuesheet import length_in_samples, needed_samples
from soundtrack.documents.edits import scenes_under
from soundtrack.errors import InputError, Reason
from soundtrack.export.edited.pairing import Base, Piece
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import clock, round_half_up, round_s, samples, seconds
from soundtrack.types import Cue, CueSheet, Section, SheetTrack, Span

EDGE_FADE_S = 0.02
"""Fade at an edge that was cut in the editing program, against clicks."""
_SAME_SPEED = Fraction(3, 1000)
"""Formats round speeds by less than this."""


def cut_cue(
    run: Sequence[Piece],
    cue: Cue | None,
    own: Sequence[Base],
    *,
    fps: Fraction,
    track: SheetTrack,
    sheet: CueSheet,
    gain_db: float | None,
    name: str,
) -> Cue | None:
    """The cue of some clips; None if they are after the film's end.

    Parameters
    ----------
    run : sequence of Piece
        Clips of one track, in order, without gaps.
    cue : Cue, optional
        What they were.
    own : sequence of Base
        The sections of that cue as exported.
    fps : Fraction
        Frames a second of the edit.
    track : SheetTrack
        What they play.
    sheet : CueSheet
        For the film's length and scenes.
    gain_db : float, optional
        Gain of music that is new; that of the cue without.
    name : str
        What errors call the edit.

    Raises
    ------
    InputError
        A clip plays what its track does not have.
    """
    speed = _speed(run, cue, track)
    edges = _edges(run, own, fps=fps, film_s=sheet.film.duration_s)
    parts: list[tuple[int, int, Piece]] = []
    for k, piece in enumerate(run):
        first, last = edges[k], edges[k + 1]
        if last <= first:
            continue
        length = needed_samples(last - edges[0], speed=float(speed)) - needed_samples(
            first - edges[0], speed=float(speed)
        )
        start = _track_sample(piece, first, speed=speed, fps=fps)
        parts.append((_inside(start, length, track, piece, fps=fps, name=name), length, piece))
    if not parts:
        return None
    span = Span(*(round_s(seconds(edge, sample_rate_hz=MIX_RATE_HZ)) for edge in (edges[0], edges[-1])))
    whole = cue is not None and (edges[0], edges[-1]) == (min(b.start for b in own), max(b.stop for b in own))
    if whole and cue is not None:
        span = cue.span
    made = cue or Cue("1m01", span, track.track_id, (), EDGE_FADE_S, EDGE_FADE_S, 0.0, ())
    is_other = made.track_id != track.track_id or cue is None
    fades = _fades(run, made, fps=fps, at_start=_starts(run, own), at_end=_ends(run, own), length_s=span.duration_s)
    in_step = not is_other and all(p.base and abs(p.clip.offset_s - p.base.clip.offset_s) * fps <= 1 for p in run)
    made = replace(
        made,
        span=span,
        track_id=track.track_id,
        sections=_sections(parts, made, is_other=is_other),
        speed=float(speed),
        fade_in_s=fades[0],
        fade_out_s=fades[1],
        gain_db=made.gain_db if gain_db is None else gain_db,
        facts=made.facts if whole and not is_other else None,
        landings=tuple(m for m in made.landings if in_step and span.start_s <= m.time_s < span.end_s),
        merit=0.0 if is_other else made.merit,
        why=() if is_other else made.why,
    )
    return replace(made, scenes=made.scenes if whole else scenes_under(made, sheet.scenes))


def _speed(run: Sequence[Piece], cue: Cue | None, track: SheetTrack) -> Fraction:
    """The speed of the cue, where the clips have it but for rounding."""
    speed = run[0].clip.speed
    if cue is not None and abs(speed - Fraction(cue.speed)) <= _SAME_SPEED and cue.track_id == track.track_id:
        return Fraction(cue.speed)
    return Fraction(round(float(speed), 6))


def _edges(run: Sequence[Piece], own: Sequence[Base], *, fps: Fraction, film_s: float) -> list[int]:
    """Where the clips begin and the last one ends, in samples of the film: exactly as before, or as far as moved."""
    exact = {b.clip.start_s: b.start for b in own} | {b.clip.end_s: b.stop for b in own}
    for piece in run:
        if piece.base is not None and (moved_s := _moved_s(piece, fps)):
            moved = round_half_up(moved_s * MIX_RATE_HZ)
            exact[piece.base.clip.start_s + moved_s] = piece.base.start + moved
            exact[piece.base.clip.end_s + moved_s] = piece.base.stop + moved
    end = samples(film_s, sample_rate_hz=MIX_RATE_HZ)
    edges = []
    for time_s in (*(p.clip.start_s for p in run), run[-1].clip.end_s):
        near = min(exact, key=lambda t: abs(t - time_s), default=None)
        if near is not None and abs(near - time_s) * fps < Fraction(1, 2):
            edges.append(min(end, max(0, exact[near])))
        else:
            edges.append(min(end, max(0, round_half_up(time_s * MIX_RATE_HZ))))
    return edges


def _moved_s(piece: Piece, fps: Fraction) -> Fraction:
    """How much later than before the same music is on the film; 0 where that is only rounding."""
    if piece.base is None:
        return Fraction(0)
    moved_s = piece.base.clip.offset_s - piece.clip.offset_s
    return Fraction(0) if abs(moved_s) * fps <= Fraction(3, 4) else moved_s


def _track_sample(piece: Piece, at: int, *, speed: Fraction, fps: Fraction) -> int:
    """The sample of the track that is heard at a sample of the film: exactly that of before, as far as moved."""
    base = piece.base
    if base is not None:
        section = base.cue.sections[base.section]
        since = at - base.start - round_half_up(_moved_s(piece, fps) * MIX_RATE_HZ)
        moved = needed_samples(abs(since), speed=float(speed))
        return samples(section.track.start_s, sample_rate_hz=MIX_RATE_HZ) + (moved if since >= 0 else -moved)
    since_s = Fraction(at, MIX_RATE_HZ) - piece.clip.start_s
    return round_half_up((piece.clip.source_s + since_s * speed) * MIX_RATE_HZ)


def _inside(start: int, length: int, track: SheetTrack, piece: Piece, *, fps: Fraction, name: str) -> int:
    """A start at which the track has all that is played; frames are rounded, so up to two are made up for."""
    end = int(track.duration_s * MIX_RATE_HZ)
    possible = max(0, min(start, end - length))
    if abs(possible - start) > 2 * MIX_RATE_HZ / fps or end < length:
        where = clock(float(piece.clip.start_s))
        raise InputError(
            f"{name}: the clip at {where} plays past the end of {piece.clip.name or track.path}"
            f" ({clock(track.duration_s)})",
            hint="trim the clip in the editing program",
            reason=Reason.UNSUPPORTED,
        )
    return possible


def _sections(parts: Sequence[tuple[int, int, Piece]], cue: Cue, *, is_other: bool) -> tuple[Section, ...]:
    """The sections of a cue; a cut over which the music runs on is none."""
    joined: list[tuple[int, int, Piece]] = []
    for start, length, piece in parts:
        if joined and abs(joined[-1][0] + joined[-1][1] - start) <= 1:
            joined[-1] = (joined[-1][0], joined[-1][1] + length, piece)
        else:
            joined.append((start, length, piece))
    result = []
    for k, (start, length, piece) in enumerate(joined):
        span = Span(*(seconds(n, sample_rate_hz=MIX_RATE_HZ) for n in (start, start + length)))
        was = None if is_other or piece.base is None else cue.sections[piece.base.section]
        is_last = k + 1 == len(joined)
        if was is not None and _samples_of(was) == (start, length) and (was.seam_s > 0) != is_last:
            result.append(was)
        elif is_last:
            result.append(Section(span))
        else:
            result.append(Section(span, was.seam_s if was is not None and was.seam_s > 0 else EDGE_FADE_S))
    return tuple(result)


def _samples_of(section: Section) -> tuple[int, int]:
    """Start and length of a section in samples."""
    return samples(section.track.start_s, sample_rate_hz=MIX_RATE_HZ), length_in_samples(section.track)


def _starts(run: Sequence[Piece], own: Sequence[Base]) -> bool:
    """Whether the clips begin with the first section of their cue."""
    return bool(own) and (run[0].base is None or run[0].base.section == min(b.section for b in own))


def _ends(run: Sequence[Piece], own: Sequence[Base]) -> bool:
    """Whether the clips end with the last section of their cue."""
    return bool(own) and (run[-1].base is None or run[-1].base.section == max(b.section for b in own))


def _fades(
    run: Sequence[Piece], cue: Cue, *, fps: Fraction, at_start: bool, at_end: bool, length_s: float
) -> tuple[float, float]:
    """The fades of the cue: those of the clips where the format has fades that changed, else as they were."""
    first, last = run[0], run[-1]
    fade_in = cue.fade_in_s if at_start else EDGE_FADE_S
    fade_out = cue.fade_out_s if at_end else EDGE_FADE_S
    if _changed(first.clip.fade_in_s, first.base.clip.fade_in_s if first.base else None, fps):
        fade_in = float(first.clip.fade_in_s or 0)
    if _changed(last.clip.fade_out_s, last.base.clip.fade_out_s if last.base else None, fps):
        fade_out = float(last.clip.fade_out_s or 0)
    trimmed = last.base is not None and last.clip.end_s * fps < last.base.clip.end_s * fps - Fraction(1, 2)
    if fade_out == 0 and (trimmed or last.base is None):
        fade_out = EDGE_FADE_S
    scale = min(1.0, length_s / (fade_in + fade_out)) if fade_in + fade_out > 0 else 1.0
    return round_s(fade_in * scale), round_s(fade_out * scale)


def _changed(now: Fraction | None, before: Fraction | None, fps: Fraction) -> bool:
    """Whether a fade was edited."""
    return now is not None and before is not None and abs(now - before) * fps > Fraction(1, 2)
