"""From an edited time line back to the cue sheet: what is as it was keeps its exact times, what is not is locked.

Goes in: a sheet, its own export as a reader finds it, and the edited time line. Comes out: a sheet that can be
rendered, and what changed in words. A boundary that was not moved by a frame is where it was, to the sample; one that
was moved is on its frame. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from soundtrack.documents import cuesheet
from soundtrack.documents.edits import silences_after
from soundtrack.errors import InputError, Reason
from soundtrack.export.clips import one_line
from soundtrack.export.edited.cutting import cut_cue
from soundtrack.export.edited.levels import drawn_level, redrawn
from soundtrack.export.edited.line import EditClip, EditedLine, EditMarker
from soundtrack.export.edited.pairing import Base, Piece, bases, paired
from soundtrack.export.markers import is_derived
from soundtrack.timebase import clock, frames, round_s
from soundtrack.types import Cue, CueSheet, GainPoint, Marker, SheetTrack


@dataclass(frozen=True, slots=True)
class Edited:
    """A sheet after the changes of an edited time line."""

    sheet: CueSheet
    """It can be rendered."""
    changes: tuple[str, ...]
    """What changed, a line each."""
    music_moved: bool
    """Whether music sounds at other times than before, or other music."""
    levels_drawn: bool
    """Whether the gain envelope has levels of the edit."""
    warnings: tuple[str, ...] = ()
    """What could not be taken over, a line each."""


def with_edit(
    sheet: CueSheet,
    exported: EditedLine,
    edited: EditedLine,
    *,
    fps: Fraction,
    tracks: Mapping[str, SheetTrack],
    track_ids: Sequence[str],
    gains_db: Mapping[str, float],
    music_db: float,
    name: str,
) -> Edited:
    """The sheet as it was edited.

    Parameters
    ----------
    sheet : CueSheet
        The one that was exported.
    exported : EditedLine
        Its export in the same format.
    edited : EditedLine
        The export after the edit.
    fps : Fraction
        Frames a second of the export.
    tracks : mapping of str to SheetTrack
        Every track of the edit, by its id.
    track_ids : sequence of str
        The track of each clip of `edited`.
    gains_db : mapping of str to float
        Gain of music that is new, by track id.
    music_db : float
        Gain of all music in the export.
    name : str
        What errors call the edited time line.

    Raises
    ------
    InputError
        The edit is one that no cue sheet can hold.
    """
    known = bases(sheet, exported, fps=fps)
    cues: list[Cue] = []
    ducking: tuple[GainPoint, ...] = sheet.ducking
    lines, names = [], {c.cue_id for c in sheet.cues}
    drawn_any = False
    for run in _runs(paired(known, edited.clips, track_ids), edited.fps):
        before = next((c for c in sheet.cues if c.cue_id == run[0].cue_id), None)
        track = tracks[run[0].track_id]
        gain_db = None if before is not None and before.track_id == track.track_id else gains_db[track.track_id]
        own = [b for b in known if b.cue is before]
        cue = _cut(run, before, own, fps=edited.fps, track=track, sheet=sheet, gain_db=gain_db, name=name)
        if cue is None:
            lines.append(f"{clock(float(run[0].clip.start_s))}: music after the end of the film left out")
            continue
        if before is None or cue.cue_id in {c.cue_id for c in cues}:
            cue = replace(cue, cue_id=_free("" if before is None else before.cue_id, names))
            names.add(cue.cue_id)
        drawn = [drawn_level(p.clip, p.base.clip if p.base else None) for p in run]
        cue, ducking = redrawn(cue, drawn, ducking, music_db=music_db)
        is_drawn = any(d.times_s for d in drawn)
        drawn_any = drawn_any or is_drawn
        if cue != before or is_drawn:
            lines.append(_said(before, cue, tracks, drawn=is_drawn))
            cue = replace(cue, locked=True)
        cues.append(cue)
    ordered = _crossfaded(sorted(cues, key=lambda c: (c.span.start_s, c.span.end_s)), sheet, name=name)
    kept_ids = {c.cue_id for c in ordered}
    lines += [f"cue {c.cue_id} removed" for c in sheet.cues if c.cue_id not in kept_ids]
    moved = [(c.span, c.track_id, c.sections) for c in ordered] != [
        (c.span, c.track_id, c.sections) for c in sheet.cues
    ]
    every = {t.track_id: t for t in sheet.tracks}
    result = replace(
        sheet,
        cues=tuple(ordered),
        tracks=(*sheet.tracks, *(tracks[i] for i in dict.fromkeys(c.track_id for c in ordered) if i not in every)),
        alternatives=tuple(a for a in sheet.alternatives if a.cue_id in kept_ids),
        ducking=ducking,
    )
    if moved:
        unmeasured = replace(sheet.mix, music_gain_db=None, master_gain_db=None, limiter_dbtp=None)
        result = replace(result, silences=silences_after(sheet, ordered), mix=unmeasured)
    result = replace(result, markers=_markers(sheet, exported, edited))
    if result.markers != sheet.markers:
        lines.append(f"markers: {len(result.markers)}, before {len(sheet.markers)}")
    fault = next(cuesheet.faults(result), None)
    if fault is not None:
        raise _impossible(name, fault)
    return Edited(result, tuple(lines), moved, drawn_any, tuple(_recut(exported, edited, name)))


def _markers(sheet: CueSheet, exported: EditedLine, edited: EditedLine) -> tuple[Marker, ...]:
    """Markers and comments of an edit without what the export wrote; those that stayed keep their exact times."""
    cue_ids = {cue.cue_id for cue in sheet.cues}
    before = {(round(m.time_s * exported.fps), m.text) for m in exported.markers}
    there = {
        (round(m.time_s * edited.fps), m.text)
        for m in (*edited.markers, *_comments(exported, edited))
        if m.text.strip() and m.time_s >= 0 and not is_derived(m.text, cue_ids)
    }
    if there == before:
        return sheet.markers
    known = {(frames(m.time_s, fps=exported.fps), one_line(m.text)): m for m in sheet.markers}
    found = [
        known.get((frame, text)) or Marker(round_s(float(Fraction(frame) / edited.fps)), one_line(text))
        for frame, text in there
    ]
    return tuple(sorted(found, key=lambda m: (m.time_s, m.text)))


def _comments(exported: EditedLine, edited: EditedLine) -> Iterator[EditMarker]:
    """What people noted on clips, beside the notes of the export, at the start of each clip."""
    own = sorted({clip.note for clip in exported.clips if clip.note}, key=len, reverse=True)
    for clip in edited.clips:
        text = clip.note
        for said in own:
            text = text.replace(said, " ")
        if text := one_line(text).strip(" :;,-"):
            yield EditMarker(clip.start_s, text)


def _cut(
    run: Sequence[Piece],
    before: Cue | None,
    own: Sequence[Base],
    *,
    fps: Fraction,
    track: SheetTrack,
    sheet: CueSheet,
    gain_db: float | None,
    name: str,
) -> Cue | None:
    """The cue of some clips: the very same one where they are where and what they were."""
    if before is not None and _is_untouched(run, own, fps):
        return before
    return cut_cue(run, before, own, fps=fps, track=track, sheet=sheet, gain_db=gain_db, name=name)


def _runs(pieces: Sequence[Piece], fps: Fraction) -> list[list[Piece]]:
    """Clips that are one cue: of one cue, track and speed, each beginning where the one before ends."""
    runs: list[list[Piece]] = []
    open_runs: dict[tuple[str | None, str, Fraction], list[Piece]] = {}
    for piece in sorted(pieces, key=lambda p: (p.clip.start_s, p.clip.end_s)):
        key = piece.cue_id, piece.track_id, piece.clip.speed
        run = open_runs.get(key)
        if run and piece.cue_id is not None and abs(run[-1].clip.end_s - piece.clip.start_s) * fps < Fraction(1, 2):
            run.append(piece)
        else:
            runs.append([piece])
            open_runs[key] = runs[-1]
    return runs


def _is_untouched(run: Sequence[Piece], own: Sequence[Base], fps: Fraction) -> bool:
    """Whether the clips of a cue are where and what they were."""
    return len(run) == len(own) and all(
        piece.base is base and is_same(piece.clip, base.clip, fps=fps)
        for piece, base in zip(run, sorted(own, key=lambda b: b.start), strict=True)
    )


def is_same(clip: EditClip, base: EditClip, *, fps: Fraction) -> bool:
    """Whether two clips play the same at the same time, to a frame."""
    half = Fraction(1, 2) / fps
    times = (clip.start_s - base.start_s, clip.end_s - base.end_s, clip.offset_s - base.offset_s)
    fades = [
        abs(a - b) > half
        for a, b in ((clip.fade_in_s, base.fade_in_s), (clip.fade_out_s, base.fade_out_s))
        if a is not None and b is not None
    ]
    return all(abs(t) <= half for t in times) and not any(fades)


def _free(stem: str, names: set[str]) -> str:
    """A name for one more cue."""
    if not stem:
        return next(f"1m{n:02d}" for n in range(1, 10_000) if f"1m{n:02d}" not in names)
    return next(
        f"{stem}{end}" for end in (*"bcdefghijklmnopqrstuvwxyz", *range(2, 10_000)) if f"{stem}{end}" not in names
    )


def _said(before: Cue | None, after: Cue, tracks: Mapping[str, SheetTrack], *, drawn: bool) -> str:
    """What became of a cue."""
    from soundtrack.export.clips import shown_name

    where = f"{clock(after.span.start_s)} to {clock(after.span.end_s)}"
    if before is None:
        return f"cue {after.cue_id} added: {shown_name(tracks[after.track_id])}, {where}"
    parts = []
    if after.track_id != before.track_id:
        parts.append(f"now {shown_name(tracks[after.track_id])}")
    if after.cue_id != before.cue_id:
        parts.append(f"part of {before.cue_id}")
    if after.span != before.span:
        parts.append(f"now {where}")
    if after.sections != before.sections and after.track_id == before.track_id and after.span == before.span:
        parts.append("other part of the track")
    if drawn:
        parts.append("level keyframes")
    elif after.gain_db != before.gain_db and after.track_id == before.track_id:
        parts.append(f"gain {after.gain_db - before.gain_db:+.1f} dB")
    if (after.fade_in_s, after.fade_out_s) != (before.fade_in_s, before.fade_out_s):
        parts.append(f"fades {after.fade_in_s:g} s in, {after.fade_out_s:g} s out")
    return f"cue {after.cue_id}: {', '.join(parts) or 'changed'}"


def _crossfaded(cues: Sequence[Cue], sheet: CueSheet, *, name: str) -> list[Cue]:
    """Cues that overlap by no more than their fades: where edits made them overlap further they crossfade."""
    result = list(cues)
    own = {id(cue) for cue in sheet.cues}
    for i in range(1, len(result)):
        before, after = result[i - 1], result[i]
        overlap_s = before.span.end_s - after.span.start_s
        if overlap_s <= max(before.fade_out_s, after.fade_in_s) + 1e-5 or (id(before) in own and id(after) in own):
            continue
        if after.span.end_s <= before.span.end_s or overlap_s >= min(before.span.duration_s, after.span.duration_s):
            raise _impossible(name, f"{before.cue_id} and {after.cue_id} sound at once at {clock(after.span.start_s)}")
        overlap_s = round(overlap_s, 6)
        result[i - 1] = replace(
            before, fade_out_s=overlap_s, fade_in_s=min(before.fade_in_s, before.span.duration_s - overlap_s)
        )
        result[i] = replace(
            after, fade_in_s=overlap_s, fade_out_s=min(after.fade_out_s, after.span.duration_s - overlap_s)
        )
    return result


def _impossible(name: str, what: str) -> InputError:
    return InputError(
        f"{name}: a cue sheet cannot hold this edit: {what}",
        hint="let one piece of music sound at a time in the editing program, except in crossfades",
        reason=Reason.UNSUPPORTED,
    )


def _recut(exported: EditedLine, edited: EditedLine, name: str) -> list[str]:
    """A warning where the picture was cut."""
    if not exported.pictures or not edited.pictures:
        return []
    whole, pieces = exported.pictures[0], edited.pictures
    same = len(pieces) == 1 and is_same(pieces[0], whole, fps=edited.fps)
    if same or all(abs(p.offset_s - whole.offset_s) * edited.fps < 1 for p in pieces):
        return []
    return [f"{name}: the picture was cut; render the new picture, then run `soundtrack conform` on it"]
