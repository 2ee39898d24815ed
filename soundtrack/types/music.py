"""The music: tracks, segments, what listening found, what a search found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from soundtrack.types.basics import FloatArray, Span, TimeArray
from soundtrack.types.emotion import EmotionState
from soundtrack.types.evidence import Opinion


@dataclass(frozen=True, slots=True)
class Tags:
    """What the file says about itself, cleaned for showing; never trusted for anything else."""

    title: str | None = None
    """Name of the piece."""
    artist: str | None = None
    """Who made it; several names are separated by ``; ``."""
    album: str | None = None
    """Where it appeared."""
    genre: str | None = None
    """Free text; several genres are separated by ``; ``."""
    year: str | None = None
    """Free text."""
    licence: str | None = None
    """Licence or copyright line."""
    isrc: str | None = None
    """International Standard Recording Code."""
    album_artist: str | None = None
    """Who made the album, where that is said besides the artist."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The sound stream of a file as decoded."""

    codec: str
    """Name as ffmpeg gives it."""
    sample_rate_hz: int
    """Samples a second."""
    channels: int
    """Channels."""
    duration_s: float
    """Length in seconds."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Loudness after ITU-R BS.1770-5 and EBU Tech 3342."""

    integrated_lufs: float
    """Gated programme loudness, at least -70 (silence)."""
    range_lu: float
    """Loudness range, at least 0."""
    true_peak_dbtp: float
    """Highest peak of the four-times oversampled signal, at least -99 (silence)."""


class Ending(StrEnum):
    """How a track stops."""

    HARD = "hard"
    """On a last chord or hit that is left to ring."""
    FADE = "fade"
    """Faded out by its maker."""
    CUT = "cut"
    """In the middle of things, as a loop does."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a track with one mood; the row of the index."""

    index: int
    """Position in the track, from 0."""
    span: Span
    """Track clock."""
    emotion: EmotionState
    """What the music network reads there."""
    loudness_lufs: float
    """Loudness of the stretch, at least -70."""
    opinions: tuple[Opinion, ...] = ()
    """What each channel says by itself, most weight first; derived from evidence when asked for, and kept nowhere."""


@dataclass(frozen=True, slots=True)
class MusicAnalysis:
    """What careful listening says about the musical build of a track (track clock)."""

    tempo_bpm: float | None
    """Beats a minute, None where no pulse is found."""
    tempo_confidence: float
    """How sure, in [0, 1]."""
    key: str | None
    """Tonic and mode such as ``A minor``, None where there is none."""
    key_confidence: float
    """How sure, in [0, 1]."""
    beats_s: tuple[float, ...]
    """Times of the beats, ascending."""
    downbeats_s: tuple[float, ...]
    """Times of the first beats of the bars, a subset of `beats_s`."""
    beats_per_bar: int
    """Beats between two downbeats, 3 or 4 as a rule."""
    sections_s: tuple[float, ...]
    """Times where a new section starts, ascending, on downbeats where there are any."""
    music_start_s: float
    """Where sound really starts."""
    music_end_s: float
    """Where sound really ends."""
    ending: Ending
    """How it ends."""
    vocal_share: float | None
    """Share of the track with singing or speech, in [0, 1]; None where unknown."""


@dataclass(frozen=True, slots=True)
class BarTable:
    """The bars of a track and how each sounds: where it may be cut, and what goes on into what (track clock)."""

    bar_starts_s: TimeArray = field(repr=False, compare=False)
    """Bar lines, strictly ascending, shape (n_bars + 1,): bar i lies between lines i and i + 1."""
    features: FloatArray = field(repr=False, compare=False)
    """Chroma, timbre and level of each bar, shape (n_bars, F); the cosine of two rows says how alike two bars sound."""


@dataclass(frozen=True, slots=True)
class Track:
    """A file of the library, listened to."""

    track_id: str
    """Hash of the sound's coded packets, lower-case hex: the same whatever tags the file has."""
    path: Path
    """Where it was last seen."""
    tags: Tags
    """What the file says."""
    audio: AudioInfo
    """The decoded stream."""
    loudness: Loudness
    """Of the whole track."""
    analysis: MusicAnalysis
    """Tempo, key, bars, sections, ends."""
    emotion: EmotionState
    """Mean over the segments."""
    segments: tuple[Segment, ...]
    """Stretches of about ten seconds, tiling the track."""


@dataclass(frozen=True, slots=True)
class SegmentHit:
    """One row that a search of the library found."""

    track_id: str
    """Which track."""
    segment_index: int
    """Which of its segments."""
    similarity: float
    """Cosine with the query, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Term:
    """One named reason in a merit."""

    name: str
    """Which kind of evidence."""
    value: float
    """What it added to (or took from) the merit."""
