"""The music: tracks, segments, musical analysis, search results."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from soundtrack.types.basics import FloatArray, Span, TimeArray
from soundtrack.types.emotion import EmotionState
from soundtrack.types.evidence import Opinion


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags of a file, cleaned for display; never trusted for anything else."""

    title: str | None = None
    """Title of the piece."""
    artist: str | None = None
    """Artist; several names are separated by ``; ``."""
    album: str | None = None
    """Album."""
    genre: str | None = None
    """Free text; several genres are separated by ``; ``."""
    year: str | None = None
    """Free text."""
    licence: str | None = None
    """Licence or copyright line."""
    isrc: str | None = None
    """International Standard Recording Code."""
    album_artist: str | None = None
    """Album artist, if given in addition to the artist."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The decoded audio stream of a file."""

    codec: str
    """Name as ffmpeg gives it."""
    sample_rate_hz: int
    """Sample rate in Hz."""
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
    """Ending of a track."""

    HARD = "hard"
    """A last chord or hit that rings out."""
    FADE = "fade"
    """A fade-out."""
    CUT = "cut"
    """An abrupt end, as of a loop."""


@dataclass(frozen=True, slots=True)
class Segment:
    """About ten seconds of a track; one row of the index."""

    index: int
    """Position in the track, from 0."""
    span: Span
    """Time span on the track clock."""
    emotion: EmotionState
    """Reading of the music network."""
    loudness_lufs: float
    """Loudness in LUFS, at least -70."""
    vocal_share: float | None = None
    """Share with singing or speech, in [0, 1]; None if unknown."""
    opinions: tuple[Opinion, ...] = ()
    """Opinion of each channel, highest weight first; derived from evidence on request, not stored."""


@dataclass(frozen=True, slots=True)
class MusicAnalysis:
    """Musical structure of a track (track clock)."""

    tempo_bpm: float | None
    """Beats per minute, None without a pulse."""
    tempo_confidence: float
    """Confidence, in [0, 1]."""
    key: str | None
    """Tonic and mode such as ``A minor``, None if there is no key."""
    key_confidence: float
    """Confidence, in [0, 1]."""
    beats_s: tuple[float, ...]
    """Times of the beats, ascending."""
    downbeats_s: tuple[float, ...]
    """Times of the first beats of the bars, a subset of `beats_s`."""
    beats_per_bar: int
    """Beats between two downbeats, usually 3 or 4."""
    sections_s: tuple[float, ...]
    """Start times of sections, ascending, on downbeats if there are any."""
    music_start_s: float
    """Start of the audible sound, in seconds."""
    music_end_s: float
    """End of the audible sound, in seconds."""
    ending: Ending
    """Kind of ending."""
    vocal_share: float | None
    """Share of the track with singing or speech, in [0, 1]; None if unknown."""


@dataclass(frozen=True, slots=True)
class BarTable:
    """Bar lines of a track and features of each bar, used to find seams (track clock)."""

    bar_starts_s: TimeArray = field(repr=False, compare=False)
    """Bar lines, strictly ascending, shape (n_bars + 1,): bar i is between lines i and i + 1."""
    features: FloatArray = field(repr=False, compare=False)
    """Chroma, timbre and level of each bar, shape (n_bars, F); the cosine of two rows is their similarity."""


@dataclass(frozen=True, slots=True)
class Track:
    """An analysed music file of the library."""

    track_id: str
    """Hash of the coded sound packets, lower-case hex; independent of tags."""
    path: Path
    """Last known path."""
    tags: Tags
    """Tags of the file."""
    audio: AudioInfo
    """The decoded stream."""
    loudness: Loudness
    """Loudness of the whole track."""
    analysis: MusicAnalysis
    """Tempo, key, bars, sections, ends."""
    emotion: EmotionState
    """Mean over the segments."""
    segments: tuple[Segment, ...]
    """Segments of about ten seconds that tile the track."""
    copies: tuple[Path, ...] = ()
    """Other known paths of the same sound."""


@dataclass(frozen=True, slots=True)
class SegmentHit:
    """One result of a library search."""

    track_id: str
    """The track."""
    segment_index: int
    """Index of the segment."""
    similarity: float
    """Cosine with the query, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Term:
    """One named term of a merit."""

    name: str
    """Name of the term."""
    value: float
    """Contribution to the merit."""
