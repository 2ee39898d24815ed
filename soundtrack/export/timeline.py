"""Common parts of time line formats: clips on a standard frame rate, timecode, levels, media files.

Goes in: a cue sheet, and what is known of its files. Comes out: a `Timeline`, with nothing left to decide but syntax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import PurePosixPath
from urllib.parse import quote

from soundtrack.export.clips import MusicClip, music_clips
from soundtrack.export.frame_rate import Grid, grid_of
from soundtrack.export.keyframes import GainKey, gain_keys
from soundtrack.export.markers import Marker, TrackMarks, markers_of
from soundtrack.timebase import frame_timecode, frames
from soundtrack.types import CueSheet, SheetTrack


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a file."""

    channels: int = 2
    """At least 1."""
    sample_rate_hz: int = 48_000
    """Samples a second."""


@dataclass(frozen=True, slots=True)
class Media:
    """The files behind a sheet, as far as they are known."""

    film: str
    """Path of the film, absolute or relative to the export."""
    tracks: Mapping[str, str] = field(default_factory=dict)
    """Paths of tracks by track_id, where they differ from the sheet's."""
    film_sound: Sound = field(default_factory=Sound)
    """Of the film's main sound."""
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    """Of tracks by track_id."""
    start_timecode: str | None = None
    """Of the film's first picture, where the sheet has none."""
    marked: tuple[str, ...] = ()
    """Kinds of moments to mark."""
    marks: Mapping[str, TrackMarks] = field(default_factory=dict)
    """Sections, bars and beats of tracks by track_id."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A cue sheet on frames."""

    sheet: CueSheet
    """The sheet; its film has the rate of the grid."""
    media: Media
    """The files."""
    grid: Grid
    """Rate and start timecode."""
    clips: tuple[MusicClip, ...]
    """The music in order."""
    n_frames: int
    """Length of the whole in frames, at least 1."""
    music_gain_db: float
    """Gain of all music, on top of each cue's own."""
    original_gain_db: float
    """Gain of the film's own sound."""
    lowered_db: float
    """How much lower than in the mix everything is, so that the format can hold the highest gain."""
    markers: tuple[Marker, ...] = ()
    """Named moments, in order; one a frame at most."""

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.grid.fps

    @property
    def keeps_original(self) -> bool:
        """Whether the film's own sound is heard."""
        return self.sheet.film.has_audio and self.sheet.mix.keep_original

    @property
    def is_measured(self) -> bool:
        """Whether the sheet has the gains of the mix."""
        return self.sheet.mix.music_gain_db is not None and self.sheet.mix.master_gain_db is not None

    def gain_db(self, clip: MusicClip) -> float:
        """Constant gain of a clip before fades and ducking."""
        return clip.cue.gain_db + self.music_gain_db

    def keys(self, clip: MusicClip, *, later: int = 0) -> tuple[GainKey, ...]:
        """Level of a clip as keyframes, see `gain_keys`."""
        return gain_keys(clip, self.sheet, gain_db=self.music_gain_db, later=later)

    def timecode(self, frame: int) -> str:
        """Timecode of a frame of the film."""
        return frame_timecode(self.grid.start + frame, fps=self.fps, drop=self.grid.is_drop)

    def source_timecode(self, frame: int) -> str:
        """Timecode of a frame of music, which starts at zero."""
        return frame_timecode(frame, fps=self.fps, drop=self.grid.is_drop)

    def track_path(self, track: SheetTrack) -> str:
        """Path of a track."""
        return self.media.tracks.get(track.track_id, track.path)

    def sound(self, track: SheetTrack) -> Sound:
        """Channels and rate of a track."""
        return self.media.sounds.get(track.track_id, Sound())

    def available(self, track: SheetTrack) -> int:
        """Length of a track in frames, and never less than what the clips use."""
        used = (c.source_in + c.source_frames for c in self.clips if c.track.track_id == track.track_id)
        return max(frames(track.duration_s, fps=self.fps), 1, *used)


def timeline_of(sheet: CueSheet, *, media: Media | None = None, highest_db: float | None = None) -> Timeline:
    """The time line of a sheet.

    Parameters
    ----------
    sheet : CueSheet
        Sound by `soundtrack.documents.cuesheet.check`.
    media : Media, optional
        Where its files are and what they hold.
    highest_db : float, optional
        The highest gain that the format can hold.
    """
    media = media or Media(film=sheet.film.name)
    grid = grid_of(sheet.film, start_timecode=sheet.film.start_timecode or media.start_timecode)
    on_grid = replace(sheet, film=replace(sheet.film, fps=grid.fps))
    clips = tuple(music_clips(on_grid))
    original_db = sheet.mix.master_gain_db or 0.0
    music_db = original_db + (sheet.mix.music_gain_db or 0.0)
    own = [original_db] if sheet.film.has_audio and sheet.mix.keep_original else []
    highest = max([*own, *(c.cue.gain_db + music_db for c in clips)], default=0.0)
    lowered_db = 0.0 if highest_db is None else max(0.0, highest - highest_db)
    n_frames = max([frames(sheet.film.duration_s, fps=grid.fps), 1, *(c.record_out for c in clips)])
    return Timeline(
        sheet=on_grid,
        media=media,
        grid=grid,
        clips=clips,
        n_frames=n_frames,
        music_gain_db=music_db - lowered_db,
        original_gain_db=original_db - lowered_db,
        lowered_db=lowered_db,
        markers=markers_of(on_grid, media.marks, kinds=media.marked, n_frames=n_frames),
    )


def file_url(path: str, *, host: str = "") -> str:
    """URL of a file; relative paths stay relative.

    Examples
    --------
    >>> file_url("/music/a b.mp3"), file_url("/a.mp3", host="localhost"), file_url("é.mp3")
    ('file:///music/a%20b.mp3', 'file://localhost/a.mp3', '%C3%A9.mp3')
    """
    shown = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{host}{shown}" if PurePosixPath(path).is_absolute() else shown
