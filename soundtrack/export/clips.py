"""The music of a cue sheet as clips on tracks, counted in frames of the film: what editing programs understand.

Goes in: a cue sheet. Comes out: a `MusicClip` per section, in order. Cues that overlap in their fades alternate
between two tracks, as on an editor's checkerboard. Out points are exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from urllib.parse import quote

from soundtrack.cuesheet import section_starts
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import frames, round_half_up, samples, seconds
from soundtrack.types import Cue, CueSheet, SheetTrack


@dataclass(frozen=True, slots=True)
class MusicClip:
    """A stretch of a track on the film's time line, in frames of the film."""

    cue: Cue
    """The cue it belongs to."""
    track: SheetTrack
    """Where the music comes from."""
    lane: int
    """Which of the two music tracks, 0 or 1."""
    record_in: int
    """First frame of the film."""
    record_out: int
    """Frame after the last one, above `record_in`."""
    source_in: int
    """Frame of the music, counted from its start at the film's rate."""
    is_first: bool
    """Whether the cue starts with it."""
    is_last: bool
    """Whether the cue ends with it."""

    @property
    def n_frames(self) -> int:
        """Length on the film in frames, at least 1."""
        return self.record_out - self.record_in

    @property
    def source_frames(self) -> int:
        """Length in the music in frames: more than `n_frames` where it is played faster."""
        return max(1, round_half_up(self.n_frames * Fraction(self.cue.speed)))

    @property
    def warped_in(self) -> int:
        """First frame of the music, counted on a clock on which all of it is played at the cue's speed."""
        return round_half_up(self.source_in / Fraction(self.cue.speed))


def music_clips(sheet: CueSheet) -> list[MusicClip]:
    """The clips of a sheet, in the order of their start.

    Parameters
    ----------
    sheet : CueSheet

    Returns
    -------
    list of MusicClip
        Stretches that round to no frame at all are left out.
    """
    tracks = {t.track_id: t for t in sheet.tracks}
    result: list[MusicClip] = []
    lane, busy_until = 0, 0
    for cue in sheet.cues:
        at = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ)
        if frames(cue.span.start_s, fps=sheet.film.fps) < busy_until:
            lane = 1 - lane
        starts = section_starts(cue)
        for k, section in enumerate(cue.sections):
            first = frames(seconds(at + starts[k], sample_rate_hz=MIX_RATE_HZ), fps=sheet.film.fps)
            last = frames(seconds(at + starts[k + 1], sample_rate_hz=MIX_RATE_HZ), fps=sheet.film.fps)
            if last > first:
                source = frames(section.track.start_s, fps=sheet.film.fps)
                ends = (k == 0, k + 1 == len(cue.sections))
                result.append(MusicClip(cue, tracks[cue.track_id], lane, first, last, source, *ends))
                busy_until = last
    return result


def one_line(text: str) -> str:
    """Text without line breaks or other control characters.

    Examples
    --------
    >>> one_line("a\\nb")
    'a b'
    """
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split())


def shown_name(track: SheetTrack) -> str:
    """Artist and title, or the file's name where the tags say nothing."""
    title = track.title or track.path.replace("\\", "/").rsplit("/", 1)[-1]
    return one_line(f"{track.artist} - {title}" if track.artist else title)


def file_url(path: str) -> str:
    """Where a file lies, as a URL; relative paths stay relative.

    Examples
    --------
    >>> file_url("/music/a b.mp3")
    'file:///music/a%20b.mp3'
    """
    shown = path.encode("utf-8", "surrogateescape")
    return f"file://{quote(shown)}" if PurePosixPath(path).is_absolute() else quote(shown)
