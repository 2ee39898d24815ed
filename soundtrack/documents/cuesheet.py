"""Read, write and check cue sheets, the interface between analysis and rendering.

``spot`` and ``score`` write it, a person or ``jq`` may edit it, ``render`` obeys it. Rules of the text:
`soundtrack.documents.codec`. Meaning of the fields: `soundtrack.types.CueSheet`; for people: docs/cue-sheet.md. Lengths
are compared in samples at the mix's 48 kHz: a section is ``samples(end) - samples(start)`` long, a cue likewise. A cue
that is played faster or slower needs its length times its speed of the track.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from soundtrack.documents import codec as documents
from soundtrack.documents.writing import dump
from soundtrack.errors import InputError, Reason
from soundtrack.merit_table import MeritTable, PlanTable, digest
from soundtrack.settings import DENSITIES, MIX_RATE_HZ
from soundtrack.timebase import round_half_up, samples
from soundtrack.types import Cue, CueSheet, GainPoint, Span, WeightNote, WeightNotes

SCHEMA = "soundtrack.cuesheet/2"
"""Name and version of the format."""


def _with_gains_open(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: probabilities get their names; what else is new has defaults that say "not yet measured"."""
    return dict(documents.name_values(data))


UPGRADES: Mapping[int, documents.Upgrade] = {1: _with_gains_open}
"""From version n to n + 1, by n."""

MOST_STRETCHED_S = 300.0
"""A stretch of a track that is played faster or slower is at most so long: it is held in memory as a whole."""

TOUCHING_S = 0.005
"""A cue that starts this near to another one's end touches it: both crossfade over `MixNotes.crossfade_s` there."""

_LONGEST_NAME_BYTES = 255
"""No usual file system has longer names of files."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_SLACK_S = 1e-5
"""Times closer than this are the same: half a sample at 48 kHz."""


def dumps(sheet: CueSheet) -> str:
    """The sheet as text; the same sheet gives the same bytes."""
    return dump(sheet, schema=SCHEMA)


def loads(text: str, *, name: str = "cue sheet") -> CueSheet:
    """The sheet of a text; `check` says whether it makes sense as well.

    Raises
    ------
    InputError
        The text is no cue sheet; the message gives the place.

    Examples
    --------
    >>> loads("{}")
    Traceback (most recent call last):
    soundtrack.errors.InputError: cue sheet: schema: missing, must be soundtrack.cuesheet/2
    """
    return documents.load(CueSheet, text, schema=SCHEMA, upgrades=UPGRADES, name=name)


def rounded(sheet: CueSheet, *, before: CueSheet | None = None) -> CueSheet:
    """The sheet as it would be after being written and read: equal to it, so both ways render the same bytes.

    Parameters
    ----------
    sheet : CueSheet
    before : CueSheet, optional
        The rounded sheet that it was made from, whose parts need no rounding.
    """
    return documents.rounded(sheet, name="cue sheet", before=before)


def weight_notes(merit: MeritTable, plan: PlanTable) -> WeightNotes:
    """What a sheet says about the weights that its music was chosen with."""
    changed = [
        WeightNote(f"{table}.{name}", row.weight, row.neutral)
        for table, rows in (("merit", merit.changed()), ("plan", plan.changed()))
        for name, row in rows.items()
    ]
    return WeightNotes(digest(merit, plan), tuple(changed))


def weights_of(sheet: CueSheet) -> tuple[MeritTable, PlanTable] | None:
    """The weights that a sheet's music was chosen with; None where it says nothing, or this version has other rows."""
    if sheet.weights is None:
        return None
    tables: dict[str, dict[str, dict[str, float]]] = {"merit": {}, "plan": {}}
    for note in sheet.weights.changed:
        table, _, row = note.name.partition(".")
        tables.setdefault(table, {})[row] = {"weight": note.weight, "neutral": note.neutral}
    try:
        merit, plan = MeritTable().adjusted(tables["merit"]), PlanTable().adjusted(tables["plan"])
    except ValueError:
        return None
    return (merit, plan) if digest(merit, plan) == sheet.weights.sha256 else None


def length_in_samples(span: Span) -> int:
    """Length of a span at the mix's rate."""
    return samples(span.end_s, sample_rate_hz=MIX_RATE_HZ) - samples(span.start_s, sample_rate_hz=MIX_RATE_HZ)


def needed_samples(length: int, *, speed: float) -> int:
    """Samples of a track that a cue of `length` samples plays.

    Examples
    --------
    >>> needed_samples(48_000, speed=1.0), needed_samples(48_000, speed=1.02)
    (48000, 48960)
    """
    return round_half_up(Fraction(speed) * length)


def section_starts(cue: Cue) -> list[int]:
    """Where a cue's sections start, in samples at 48 kHz from the cue's start, and where the last one ends.

    Examples
    --------
    >>> from soundtrack.types import Section
    >>> parts = (Section(Span(0.0, 0.51)), Section(Span(2.0, 2.51)))
    >>> section_starts(Cue("1m01", Span(5.0, 6.0), "t", parts, 0.0, 0.0, 0.0, (), speed=1.02))
    [0, 24000, 48000]
    """
    result, played = [0], 0
    for section in cue.sections:
        played += length_in_samples(section.track)
        result.append(round_half_up(played / Fraction(cue.speed)))
    return result


def check(sheet: CueSheet, *, name: str = "cue sheet") -> None:
    """Nothing, if the sheet can be rendered.

    Raises
    ------
    InputError
        The first fault, with its place.
    """
    fault = next(faults(sheet), None)
    if fault is not None:
        hint = "correct the value at that place; `soundtrack cues check` lists every fault"
        raise InputError(f"{name}: {fault}", hint=hint, reason=Reason.BAD_FORMAT)


def faults(sheet: CueSheet) -> Iterator[str]:
    """Everything that keeps a sheet from being rendered, one line each with its place.

    Cues must be in order and overlap only inside fades; sections must lie inside their track and add up to their cue,
    to the sample; the gain envelope never boosts and its corners ascend; every name must be known.
    """
    duration_s = {t.track_id: t.duration_s for t in sheet.tracks}
    yield from _repeated("tracks", [t.track_id for t in sheet.tracks])
    for i, track in enumerate(sheet.tracks):
        yield from _path_faults(track.path, place=f"tracks[{i}].path")
    yield from _narration_faults(sheet)
    yield from _repeated("cues", [c.cue_id for c in sheet.cues])
    for i, cue in enumerate(sheet.cues):
        yield from _cue_faults(cue, place=f"cues[{i}]", duration_s=duration_s, sheet=sheet)
    for i in range(1, len(sheet.cues)):
        before, after = sheet.cues[i - 1], sheet.cues[i]
        overlap_s = before.span.end_s - after.span.start_s
        if after.span.start_s < before.span.start_s - _SLACK_S:
            yield f"cues[{i}].span: starts before {before.cue_id}; cues must be in order of time"
        elif overlap_s > max(before.fade_out_s, after.fade_in_s) + _SLACK_S:
            yield (
                f"cues[{i}].span: overlaps {before.cue_id} by {overlap_s:.3f} s, longer than its fades"
                f" ({before.fade_out_s:g} s out, {after.fade_in_s:g} s in)"
            )
    yield from _envelope_faults(sheet.ducking, place="ducking")
    yield from _vocals_faults(sheet)
    if sheet.conditions is not None and sheet.conditions.density not in DENSITIES:
        yield f"conditions.density: must be one of {', '.join(DENSITIES)}, got {sheet.conditions.density[:60]}"
    known = {c.cue_id for c in sheet.cues}
    for i, other in enumerate(sheet.alternatives):
        if other.cue_id not in known:
            yield f"alternatives[{i}].cue_id: unknown cue {other.cue_id}"
        if other.track_id not in duration_s:
            yield f"alternatives[{i}].track_id: unknown track_id {other.track_id[:12]}: not listed in `tracks`"


def _repeated(place: str, names: list[str]) -> Iterator[str]:
    """Names that are used twice."""
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            yield f"{place}[{i}]: {name[:12]} is duplicated"
        seen.add(name)


def _envelope_faults(points: Sequence[GainPoint], *, place: str) -> Iterator[str]:
    """What is wrong with an envelope."""
    for i, point in enumerate(points):
        if point.gain_db > 0:
            yield f"{place}[{i}].gain_db: an envelope never boosts, got {point.gain_db:g} dB"
        if i and point.time_s < points[i - 1].time_s:
            yield f"{place}[{i}].time_s: must not be earlier than the previous point"


def _vocals_faults(sheet: CueSheet) -> Iterator[str]:
    """What is wrong with the vocals that are lowered."""
    if sheet.vocals is None:
        return
    yield from _envelope_faults(sheet.vocals.ducking, place="vocals.ducking")
    yield from _repeated("vocals.stems", [stem.track_id for stem in sheet.vocals.stems])
    for i, stem in enumerate(sheet.vocals.stems):
        yield from _path_faults(stem.path, place=f"vocals.stems[{i}].path")


def _narration_faults(sheet: CueSheet) -> Iterator[str]:
    """What is wrong with the narration."""
    if sheet.narration is None:
        return
    yield from _path_faults(sheet.narration.path, place="narration.path")
    start_s, end_s = sheet.narration.start_s, sheet.film.duration_s
    if start_s >= end_s:
        yield f"narration.start_s: {start_s:g} s is past the end of the film ({end_s:g} s)"


def _path_faults(path: str, *, place: str) -> Iterator[str]:
    """What keeps a path from being the name of a file on any disk."""
    as_bytes = _SURROGATE.sub("?", path).encode()  # each of them is one byte on the disk
    longest = max(len(name) for name in re.split(rb"[/\\]", as_bytes))
    if longest > _LONGEST_NAME_BYTES:
        yield f"{place}: name too long: {longest} bytes, at most {_LONGEST_NAME_BYTES}"
    if "\0" in path:
        yield f"{place}: contains a NUL byte"


def _cue_faults(cue: Cue, *, place: str, duration_s: Mapping[str, float], sheet: CueSheet) -> Iterator[str]:
    """What is wrong with one cue."""
    length = length_in_samples(cue.span)
    if length <= 0:
        yield f"{place}.span: must not be empty"
    if cue.span.end_s > sheet.film.duration_s + _SLACK_S:
        yield f"{place}.span.end_s: {cue.span.end_s:g} s is past the end of the film ({sheet.film.duration_s:g} s)"
    if cue.fade_in_s + cue.fade_out_s > cue.span.duration_s + _SLACK_S:
        yield f"{place}: its fades ({cue.fade_in_s:g} s and {cue.fade_out_s:g} s) are longer than the cue"
    for index in cue.scenes:
        if index >= len(sheet.scenes):
            yield f"{place}.scenes: unknown scene {index}"
    if cue.track_id not in duration_s:
        yield f"{place}.track_id: unknown track_id {cue.track_id[:12]}: not listed in `tracks`"
        return
    if not cue.sections:
        yield f"{place}.sections: must not be empty"
        return
    end_s = duration_s[cue.track_id]
    for k, section in enumerate(cue.sections):
        if section.track.end_s > end_s + _SLACK_S:
            yield f"{place}.sections[{k}]: {section.track.end_s:g} s is past the end of the track ({end_s:g} s)"
        if length_in_samples(section.track) <= 0:
            yield f"{place}.sections[{k}]: must not be empty"
        if cue.speed != 1.0 and section.track.duration_s > MOST_STRETCHED_S:
            yield (
                f"{place}.sections[{k}]: {section.track.duration_s:g} s is too long; with a speed other than 1 at most"
                f" {MOST_STRETCHED_S:g} s"
            )
    total = sum(length_in_samples(section.track) for section in cue.sections)
    needed = needed_samples(length, speed=cue.speed)
    if total != needed:
        at_speed = "" if cue.speed == 1.0 else f", which at speed {cue.speed:g} needs {needed}"
        yield f"{place}.sections: add up to {total} samples at 48 kHz, but the cue has {length}{at_speed}"
