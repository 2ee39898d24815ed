"""Edits of a cue sheet: lock, unlock, and set fields of a cue.

Goes in: a sheet that can be rendered, and one edit, a frozen value. Comes out: another sheet that can be rendered, or
an error that says what stands in the way. Pure; commands, scripts and pages share these edits.

A cue whose start or end is moved is trimmed: its music stays in step with the picture, and the sections are shortened
or extended by exactly as many samples as the cue. Nothing else that sounds is changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from soundtrack.documents import cuesheet
from soundtrack.documents.limits import limits_of
from soundtrack.errors import UsageError
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import after_end, clock, round_s, samples, seconds
from soundtrack.types import Cue, CueSheet, Scene, Section, Silence, Span
from soundtrack.types.sheet import SILENCE_SET

BY_HAND = "a cue was trimmed manually"
"""Reason of a silence that trimming left."""
SWAPPED_OUT = "original choice before the swap"
"""Note of the alternative that a swap makes of the planned track."""

SHORTEST_SILENCE_S = 0.5
"""Shorter spans without music are not listed."""
_OPTIONS = {
    "gain_db": "--gain-db",
    "fade_in_s": "--fade-in",
    "fade_out_s": "--fade-out",
    "start_s": "--start",
    "end_s": "--end",
}
"""What errors call the fields that can be set."""


@dataclass(frozen=True, slots=True)
class LockCues:
    """Fix cues: no later plan moves them."""

    cue_ids: tuple[str, ...]
    """Which cues."""


@dataclass(frozen=True, slots=True)
class UnlockCues:
    """Let a later plan move cues again."""

    cue_ids: tuple[str, ...]
    """Which cues."""


@dataclass(frozen=True, slots=True)
class SetCue:
    """Give fields of one cue other values; None leaves a field as it is."""

    cue_id: str
    """Which cue."""
    gain_db: float | None = None
    """Level change of the music before ducking, in dB."""
    fade_in_s: float | None = None
    """Length of the fade at the start, in seconds."""
    fade_out_s: float | None = None
    """Length of the fade at the end, in seconds."""
    start_s: float | None = None
    """Where the cue starts, film clock."""
    end_s: float | None = None
    """Where the cue ends, film clock."""


@dataclass(frozen=True, slots=True)
class SilenceCues:
    """Take cues out and leave silence in their place."""

    cue_ids: tuple[str, ...]
    """Which cues."""


Edit = LockCues | UnlockCues | SetCue | SilenceCues


def apply(sheet: CueSheet, edit: Edit) -> CueSheet:
    """The sheet after an edit.

    Parameters
    ----------
    sheet : CueSheet
        As read from a document.
    edit : LockCues, UnlockCues, SetCue or SilenceCues
        What to change.

    Returns
    -------
    CueSheet
        Equal to the given one where nothing changes.

    Raises
    ------
    InputError
        The sheet cannot be rendered as it is.
    UsageError
        There is no such cue, or it cannot have these values.
    """
    cuesheet.check(sheet)
    if isinstance(edit, SetCue):
        return _set(sheet, edit)
    if isinstance(edit, SilenceCues):
        return _silenced(sheet, edit)
    _find(sheet, edit.cue_ids)
    locked = isinstance(edit, LockCues)
    cues = tuple(replace(c, locked=locked) if c.cue_id in edit.cue_ids else c for c in sheet.cues)
    return replace(sheet, cues=cues)


def scenes_under(cue: Cue, scenes: Sequence[Scene]) -> tuple[int, ...]:
    """Indices of the scenes that a cue is under, up to the middle of its fade-out.

    Parameters
    ----------
    cue : Cue
        On the film's clock.
    scenes : sequence of Scene
        Tiling the film.
    """
    body = Span(cue.span.start_s, max(cue.span.start_s, cue.span.end_s - cue.fade_out_s / 2))
    return tuple(scene.index for scene in scenes if scene.span.overlap_s(body) > 1e-4)


def _find(sheet: CueSheet, cue_ids: Sequence[str]) -> list[Cue]:
    """The cues of some names, each of which there must be."""
    known = {cue.cue_id: cue for cue in sheet.cues}
    for cue_id in cue_ids:
        if cue_id not in known:
            raise UsageError(f"unknown cue {cue_id}", hint=f"cues in the sheet: {', '.join(known) or 'none'}")
    return [known[cue_id] for cue_id in cue_ids]


def _require_unlocked(cue: Cue) -> None:
    """Refuse to change a locked cue."""
    if cue.locked:
        raise UsageError(
            f"cue {cue.cue_id} is locked", hint=f"unlock it first: `soundtrack cues unlock CUES {cue.cue_id}`"
        )


def _silenced(sheet: CueSheet, edit: SilenceCues) -> CueSheet:
    """The sheet without some cues, a silence wherever no other cue sounds now."""
    for cue in _find(sheet, edit.cue_ids):
        _require_unlocked(cue)
        others = tuple(c for c in sheet.cues if c.cue_id != cue.cue_id)
        parts = outside(cue.span, [*(c.span for c in others), *(s.span for s in sheet.silences)])
        freed = [Silence(part, SILENCE_SET) for part in parts if part.duration_s >= SHORTEST_SILENCE_S]
        sheet = replace(
            sheet,
            cues=others,
            silences=tuple(sorted([*sheet.silences, *freed], key=lambda s: s.span.start_s)),
            alternatives=tuple(a for a in sheet.alternatives if a.cue_id != cue.cue_id),
            mix=replace(sheet.mix, music_gain_db=None, master_gain_db=None, limiter_dbtp=None),
        )
    return sheet


# --- fields of a cue ----


def _set(sheet: CueSheet, edit: SetCue) -> CueSheet:
    """The sheet with other values in one cue."""
    (cue,) = _find(sheet, [edit.cue_id])
    _require_unlocked(cue)
    for name, option in _OPTIONS.items():
        _require_possible(name, getattr(edit, name), option=option)
    changed = trimmed(sheet, cue, edit) if edit.start_s is not None or edit.end_s is not None else cue
    changed = replace(
        changed,
        gain_db=cue.gain_db if edit.gain_db is None else round(edit.gain_db, 6) + 0.0,
        fade_in_s=cue.fade_in_s if edit.fade_in_s is None else round_s(edit.fade_in_s),
        fade_out_s=cue.fade_out_s if edit.fade_out_s is None else round_s(edit.fade_out_s),
    )
    if changed.span.end_s < cue.span.end_s and changed.fade_out_s == 0:
        raise UsageError(
            f"cue {cue.cue_id} ends with its track and would be cut off at {clock(changed.span.end_s)}",
            hint="add a fade, e.g. --fade-out 2.5",
        )
    result = replace(sheet, cues=tuple(changed if c is cue else c for c in sheet.cues))
    _require_own_fades(result, changed, edit)
    if changed.span != cue.span:
        changed = replace(changed, scenes=scenes_under(changed, sheet.scenes), facts=None)
        cues = tuple(changed if c is cue else c for c in sheet.cues)
        result = replace(
            sheet,
            cues=cues,
            silences=silences_after(sheet, cues),
            mix=replace(sheet.mix, music_gain_db=None, master_gain_db=None, limiter_dbtp=None),
        )
    fault = next(cuesheet.faults(result), None)
    if fault is not None:
        raise UsageError(
            f"cue {cue.cue_id}: invalid values: {fault}",
            hint="use other values, or plan again with `soundtrack spot --keep CUES`",
        )
    return result


def _require_possible(name: str, value: float | None, *, option: str) -> None:
    """Refuse a number that no cue sheet holds."""
    limits = limits_of("Cue", name)
    low, high = limits.low, limits.high
    if value is None or low is None or high is None or (math.isfinite(value) and low <= value <= high):
        return
    raise UsageError(f"{option} {value:g}: out of range", hint=f"use a number from {low:g} to {high:g}")


def _require_own_fades(sheet: CueSheet, cue: Cue, edit: SetCue) -> None:
    """Refuse a fade where the cue touches another one: the crossfade of the sheet is played there."""
    if sheet.mix.crossfade_s == 0:
        return
    for other in sheet.cues:
        for value, apart_s, option in (
            (edit.fade_in_s, other.span.end_s - cue.span.start_s, "--fade-in"),
            (edit.fade_out_s, other.span.start_s - cue.span.end_s, "--fade-out"),
        ):
            if value is not None and other.cue_id != cue.cue_id and abs(apart_s) <= cuesheet.TOUCHING_S:
                raise UsageError(
                    f"{option}: cue {cue.cue_id} touches {other.cue_id}, where both crossfade over"
                    f" {sheet.mix.crossfade_s:g} s",
                    hint="change mix.crossfade_s in the sheet, or move the cue away first",
                )


# --- start and end ----


def trimmed(sheet: CueSheet, cue: Cue, edit: SetCue) -> Cue:
    """The cue from one moment to another, its music in step with the picture as before."""
    start_s = cue.span.start_s if edit.start_s is None else round_s(edit.start_s)
    end_s = cue.span.end_s if edit.end_s is None else round_s(edit.end_s)
    if end_s > sheet.film.duration_s + 1e-6:
        raise UsageError(
            f"--end {after_end(end_s, sheet.film.duration_s)}",
            hint="use a time within the film",
        )
    span = Span(start_s, end_s) if start_s < end_s else None
    if span is None or span.overlap_s(cue.span) <= 0:
        raise UsageError(
            f"cue {cue.cue_id} would be empty or moved: its music is at {clock(cue.span.start_s)} to"
            f" {clock(cue.span.end_s)}",
            hint="--start and --end only trim a cue; to place music elsewhere,"
            " run `soundtrack spot` with --lock TIME=TRACK",
        )
    old, new = ([samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (s.start_s, s.end_s)] for s in (cue.span, span))
    later = new[0] - old[0]
    delta = cuesheet.needed_samples(abs(later), speed=cue.speed)
    runs = _from_later([_Run.of(section) for section in cue.sections], delta if later >= 0 else -delta)
    length = cuesheet.needed_samples(new[1] - new[0], speed=cue.speed)
    track = next(t for t in sheet.tracks if t.track_id == cue.track_id)
    runs = _of_length(runs, length)
    first_s = runs[0].start / MIX_RATE_HZ
    if runs[0].start < 0:
        raise UsageError(
            f"cue {cue.cue_id} cannot start at {clock(start_s)}: its track begins {-first_s:.3f} s after that",
            hint="use a later --start, or plan again with `soundtrack spot --keep CUES`",
        )
    beyond_s = runs[-1].stop / MIX_RATE_HZ - track.duration_s
    if beyond_s > 1e-5:
        raise UsageError(
            f"cue {cue.cue_id} cannot end at {clock(end_s)}: its track ends {beyond_s:.3f} s before that",
            hint="use an earlier --end, or plan again with `soundtrack spot --keep CUES`",
        )
    kept = tuple(mark for mark in cue.landings if span.start_s <= mark.time_s < span.end_s)
    sections = [run.section() for run in runs]
    if runs[-1].source is not cue.sections[-1]:
        sections[-1] = replace(sections[-1], seam_s=0.0, seam_quality=None)
    return replace(cue, span=span, sections=tuple(sections), landings=kept)


@dataclass(frozen=True, slots=True)
class _Run:
    """A section in samples of its track."""

    start: int
    stop: int
    source: Section

    @staticmethod
    def of(section: Section) -> _Run:
        """The samples of a section."""
        first, last = (samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (section.track.start_s, section.track.end_s))
        return _Run(first, last, section)

    def section(self) -> Section:
        """The section of the samples; the very same where nothing changed."""
        if self == _Run.of(self.source):
            return self.source
        span = Span(seconds(self.start, sample_rate_hz=MIX_RATE_HZ), seconds(self.stop, sample_rate_hz=MIX_RATE_HZ))
        return replace(self.source, track=span)


def _from_later(runs: Sequence[_Run], n: int) -> list[_Run]:
    """The runs without their first n samples, or with -n samples more before them."""
    if n <= 0:
        return [replace(runs[0], start=runs[0].start + n), *runs[1:]]
    rest = list(runs)
    while len(rest) > 1 and n >= rest[0].stop - rest[0].start:
        n -= rest[0].stop - rest[0].start
        del rest[0]
    return [replace(rest[0], start=rest[0].start + n), *rest[1:]]


def _of_length(runs: Sequence[_Run], n: int) -> list[_Run]:
    """The first n samples of the runs; the last run goes on where they are too few."""
    result: list[_Run] = []
    for run in runs:
        length = min(run.stop - run.start, n)
        if length <= 0:
            break
        result.append(replace(run, stop=run.start + length))
        n -= length
    if not result:
        result.append(replace(runs[0], stop=runs[0].start))
    result[-1] = replace(result[-1], stop=result[-1].stop + n)
    return result


def silences_after(sheet: CueSheet, cues: Sequence[Cue]) -> tuple[Silence, ...]:
    """The silences of a sheet with other cues: less what they cover, and with what its own cues covered before.

    Parameters
    ----------
    sheet : CueSheet
        With its cues as they were.
    cues : sequence of Cue
        Those in their place.
    """
    covered = [cue.span for cue in cues]
    found = [Silence(part, s.reason) for s in sheet.silences for part in outside(s.span, covered)]
    for before in sheet.cues:
        freed = outside(before.span, [*covered, *(s.span for s in found)])
        found += [Silence(part, BY_HAND) for part in freed]
    return tuple(sorted((s for s in found if s.span.duration_s >= SHORTEST_SILENCE_S), key=lambda s: s.span.start_s))


def outside(span: Span, others: Sequence[Span]) -> list[Span]:
    """What of a span lies outside all others.

    Parameters
    ----------
    span : Span
        On the clock of the others.
    others : sequence of Span
        In any order.
    """
    parts = [span]
    for other in others:
        parts = [rest for part in parts for rest in _without(part, other)]
    return parts


def _without(span: Span, other: Span) -> list[Span]:
    """What of a span lies outside another one."""
    parts = ((span.start_s, min(span.end_s, other.start_s)), (max(span.start_s, other.end_s), span.end_s))
    return [Span(low, high) for low, high in parts if low < high]
