"""Which clip of an edited time line is which section of a cue.

Goes in: the clips as exported, each with its cue and section, and the clips as they came back, each with its track.
Comes out: a `Piece` per clip that is heard. A clip belongs to the cue that its comment names; without one, to the cue
that plays the same part of the same track; a clip of another track to the cue in whose place it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from soundtrack.documents.cuesheet import section_starts
from soundtrack.export.edited.line import SILENT_DB, EditClip, EditedLine
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import frames, samples, seconds
from soundtrack.types import Cue, CueSheet


@dataclass(frozen=True, slots=True)
class Base:
    """A section of a cue, as exported and exactly."""

    cue: Cue
    """Its cue."""
    section: int
    """Which section of the cue."""
    clip: EditClip
    """As exported, on frames."""
    start: int
    """Start on the film, in samples at the mix's rate."""
    stop: int
    """End on the film, in samples."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A clip that is heard."""

    clip: EditClip
    """As it came back."""
    track_id: str
    """Its track."""
    cue_id: str | None
    """The cue that it belongs to; None for new music."""
    base: Base | None
    """The section that it was; None if it plays another track, or a part that its cue did not play."""


def bases(sheet: CueSheet, exported: EditedLine, *, fps: Fraction) -> list[Base]:
    """The sections of a sheet beside the clips of its export.

    Parameters
    ----------
    sheet : CueSheet
    exported : EditedLine
        What a reader finds in the export of this sheet.
    fps : Fraction
        Frames a second of the export.
    """
    found = []
    for cue in sheet.cues:
        at, starts = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ), section_starts(cue)
        for k in range(len(cue.sections)):
            start, stop = at + starts[k], at + starts[k + 1]
            first, last = (frames(seconds(n, sample_rate_hz=MIX_RATE_HZ), fps=fps) for n in (start, stop))
            if last > first:
                found.append((first, last, Base(cue, k, exported.clips[0], start, stop)))
    found.sort(key=lambda item: item[:2])
    clips = sorted(exported.clips, key=lambda c: (c.start_s, c.end_s))
    return [Base(b.cue, b.section, clip, b.start, b.stop) for (_, _, b), clip in zip(found, clips, strict=True)]


def paired(known: Sequence[Base], clips: Sequence[EditClip], track_ids: Sequence[str]) -> list[Piece]:
    """The clips that are heard, each with the section that it was.

    Parameters
    ----------
    known : sequence of Base
    clips : sequence of EditClip
        As they came back.
    track_ids : sequence of str
        The track of each.
    """
    return [
        _piece(known, clip, track_id)
        for clip, track_id in zip(clips, track_ids, strict=True)
        if clip.is_heard and not is_silent(clip)
    ]


def is_silent(clip: EditClip) -> bool:
    """Whether a clip was turned down to nothing."""
    return bool(clip.keys) and all(key.gain_db <= SILENT_DB for key in clip.keys)


def _piece(known: Sequence[Base], clip: EditClip, track_id: str) -> Piece:
    """One clip."""
    labelled = [b for b in known if b.cue.cue_id == clip.cue_id]
    alike = [b for b in labelled or known if b.cue.track_id == track_id]
    if alike:
        best = max(alike, key=lambda b: (_played_alike_s(b, clip), -abs(b.clip.offset_s - clip.offset_s)))
        return Piece(clip, track_id, best.cue.cue_id, best)
    if labelled:
        return Piece(clip, track_id, labelled[0].cue.cue_id, None)
    under = max(known, key=lambda b: _overlap_s(b.clip, clip), default=None)
    if under is not None and 2 * _overlap_s(under.clip, clip) >= min(clip.end_s - clip.start_s, _length_s(under)):
        return Piece(clip, track_id, under.cue.cue_id, None)
    return Piece(clip, track_id, None, None)


def _length_s(base: Base) -> Fraction:
    return base.clip.end_s - base.clip.start_s


def _overlap_s(one: EditClip, other: EditClip) -> Fraction:
    """How long two clips are heard at once."""
    return max(Fraction(0), min(one.end_s, other.end_s) - max(one.start_s, other.start_s))


def _played_alike_s(base: Base, clip: EditClip) -> Fraction:
    """How much of a track both play, and how near they are where that is the same: in place first."""
    ends = [(c.source_s, c.source_s + (c.end_s - c.start_s) * c.speed) for c in (base.clip, clip)]
    return max(Fraction(0), min(e for _, e in ends) - max(s for s, _ in ends))
