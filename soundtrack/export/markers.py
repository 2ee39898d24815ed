"""Markers of hit points, scenes, sections, bars and beats on the film's frames, for the formats that can carry them.

Goes in: a cue sheet, and what is known of the beats of its tracks. Comes out: markers in order. Of several things that
fall on one frame the largest is marked: a hit point before a scene, a scene before a section, a section before a bar, a
bar before a beat.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from soundtrack.documents.cuesheet import section_starts
from soundtrack.export.clips import one_line
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import frames, samples
from soundtrack.types import EMOTIONS, Cue, CueSheet

OWN = "own"
"""Kind of the markers that the sheet holds; these are always there, before all others."""
KINDS = ("hits", "scenes", "sections", "bars", "beats")
"""What can be marked, largest first."""
OF_THE_SHEET = frozenset({"hits", "scenes"})
"""Kinds for which nothing of the tracks must be known."""
_A_SAMPLE_S = 1 / MIX_RATE_HZ
"""What starts on a bar line starts on the sample next to it, and the bar line is heard."""
_DERIVED = re.compile(r"hit: \w+|(?:section|bar|beat) \d+")
_SCENE = re.compile(rf"scene \d+: (?:{'|'.join(EMOTIONS)})")


@dataclass(frozen=True, slots=True)
class TrackMarks:
    """What is known of a track, on its own clock, ascending."""

    sections_s: tuple[float, ...] = ()
    """Where sections start."""
    bars_s: tuple[float, ...] = ()
    """Where bars start."""
    beats_s: tuple[float, ...] = ()
    """Beats."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A named moment of the film."""

    frame: int
    """Of the film, counted from its first one."""
    kind: str
    """One of `KINDS`, or `OWN`."""
    text: str
    """Such as ``1m01 bar 5``."""


def markers_of(
    sheet: CueSheet, marks: Mapping[str, TrackMarks], *, kinds: Collection[str], n_frames: int
) -> tuple[Marker, ...]:
    """The markers of a sheet.

    Parameters
    ----------
    sheet : CueSheet
        Whose film has the rate that frames are counted at.
    marks : mapping of str to TrackMarks
        By track id; tracks that are missing have hit points and scenes only.
    kinds : collection of str
        Which of `KINDS`.
    n_frames : int
        Length of the film; what would fall behind it is left out.
    """
    found: dict[int, Marker] = {}
    for own in sheet.markers:
        frame = frames(own.time_s, fps=sheet.film.fps)
        if 0 <= frame < n_frames:
            found.setdefault(frame, Marker(frame, OWN, one_line(own.text)))
    for kind in (kind for kind in KINDS if kind in kinds):
        if kind == "scenes":
            for number, scene in enumerate(sheet.scenes, start=1):
                frame = frames(scene.span.start_s, fps=sheet.film.fps)
                if 0 <= frame < n_frames:
                    found.setdefault(frame, Marker(frame, kind, f"scene {number}: {scene.emotion.label}"))
            continue
        for cue in sheet.cues:
            name = one_line(cue.cue_id)
            for number, (time_s, text) in enumerate(_moments(cue, kind, marks.get(cue.track_id)), start=1):
                frame = frames(time_s, fps=sheet.film.fps)
                if 0 <= frame < n_frames:
                    label = f"{name} {text}" if kind == "hits" else f"{name} {text} {number}"
                    found.setdefault(frame, Marker(frame, kind, label))
    return tuple(found[frame] for frame in sorted(found))


def is_derived(text: str, cue_ids: Collection[str]) -> bool:
    """Whether a marker is one that ``--markers`` writes.

    Examples
    --------
    >>> is_derived("1m01 bar 5", ["1m01"]), is_derived("1m01 bar 5 here", ["1m01"]), is_derived("1m01", ["1m01"])
    (True, False, False)
    >>> is_derived("scene 2: Sad", []), is_derived("scene 2: the storm", [])
    (True, False)
    """
    if _SCENE.fullmatch(text):
        return True
    cue_id, _, rest = text.partition(" ")
    return cue_id in {one_line(known) for known in cue_ids} and _DERIVED.fullmatch(rest) is not None


def _moments(cue: Cue, kind: str, marks: TrackMarks | None) -> Iterator[tuple[float, str]]:
    """Film times of one kind of moment in a cue, and what each is called."""
    if kind == "hits":
        yield from ((hit.time_s, one_line(f"hit: {hit.on}")) for hit in cue.landings)
    elif marks is not None:
        by_kind = {"sections": marks.sections_s, "bars": marks.bars_s, "beats": marks.beats_s}
        yield from ((time_s, kind.removesuffix("s")) for time_s in heard_at(cue, by_kind[kind]))


def heard_at(cue: Cue, times_s: Sequence[float]) -> Iterator[float]:
    """When moments of the track are heard in the film."""
    at = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ)
    for start, section in zip(section_starts(cue), cue.sections, strict=False):
        for time_s in times_s:
            if section.track.start_s - _A_SAMPLE_S <= time_s < section.track.end_s - _A_SAMPLE_S:
                yield (at + start) / MIX_RATE_HZ + (time_s - section.track.start_s) / cue.speed
