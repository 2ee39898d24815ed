"""Music of a cue sheet as clips on tracks, counted in frames of the film.

Goes in: a cue sheet. Comes out: a `MusicClip` per section, in order. Cues that overlap in their fades alternate
between two tracks, as on an editor's checkerboard. Out points are exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from soundtrack.documents.cuesheet import section_starts
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import frames, round_half_up, samples, seconds
from soundtrack.types import Cue, CueFacts, CueSheet, SheetTrack


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
    """Frame of the music that sounds at `record_in`, counted from its start at the film's rate."""
    warped_in: int
    """The same on a clock on which all of the music is played at the cue's speed."""
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
    fps = sheet.film.fps
    result: list[MusicClip] = []
    lane, busy_until = 0, 0
    for cue in sheet.cues:
        at = samples(cue.span.start_s, sample_rate_hz=MIX_RATE_HZ)
        if frames(cue.span.start_s, fps=fps) < busy_until:
            lane = 1 - lane
        starts = section_starts(cue)
        for k, section in enumerate(cue.sections):
            start_s, end_s = (seconds(at + starts[i], sample_rate_hz=MIX_RATE_HZ) for i in (k, k + 1))
            first, last = frames(start_s, fps=fps), frames(end_s, fps=fps)
            if last > first:
                # What sounds at the clip's first frame, and not what the section starts with: rounding the two apart
                # would put the music up to a whole frame off the picture.
                speed = Fraction(cue.speed)
                source_s = Fraction(section.track.start_s) + (first / fps - Fraction(start_s)) * speed
                result.append(
                    MusicClip(
                        cue=cue,
                        track=tracks[cue.track_id],
                        lane=lane,
                        record_in=first,
                        record_out=last,
                        source_in=max(0, round_half_up(source_s * fps)),
                        warped_in=max(0, round_half_up(source_s / speed * fps)),
                        is_first=k == 0,
                        is_last=k + 1 == len(cue.sections),
                    )
                )
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


def facts_line(facts: CueFacts) -> str:
    """The facts of a cue in one line.

    Examples
    --------
    >>> facts_line(CueFacts(82.4, "A minor", 0.12, -0.3, 0.35))
    '82 bpm, A minor; valence +0.12 and arousal -0.30 from the picture; speech 35%'
    """
    tempo = "no beat" if facts.tempo_bpm is None else f"{facts.tempo_bpm:.0f} bpm"
    key = "no key" if facts.key is None else one_line(facts.key)
    apart = f"valence {facts.valence_apart:+.2f} and arousal {facts.arousal_apart:+.2f} from the picture"
    return f"{tempo}, {key}; {apart}; speech {facts.speech_share:.0%}"
