"""Every type that crosses a stage: the tool's table of contents.

Goes in: nothing. Comes out: frozen dataclasses. Conventions: seconds carry the suffix ``_s`` and lie on the film's
clock unless the field says "track clock"; spans are half-open; levels are LUFS, dBTP, and differences dB or LU;
emotion is six class probabilities in the order of `EMOTIONS` plus valence and arousal in [-1, 1]. Types that go into a
document hold no arrays; vectors travel beside them, one row per scene or segment. ``None`` means unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
TimeArray: TypeAlias = npt.NDArray[np.float64]

EMOTIONS: tuple[str, ...] = ("Excited", "Fear", "Neutral", "Relaxation", "Sad", "Tension")
"""The six classes, in the order of every probability vector of the tool."""


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high):
        raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value}")


# --- time ----


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, half-open."""

    start_s: float
    """First moment inside, in seconds, at least 0."""
    end_s: float
    """First moment after, in seconds, at least `start_s`."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s <= self.end_s):
            raise ValueError(f"span must have 0 <= start <= end, got [{self.start_s}, {self.end_s})")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Span) -> float:
        """Seconds that both spans share, at least 0."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


# --- the film ----


class StreamKind(StrEnum):
    """What a stream of a container carries."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    DATA = "data"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a container."""

    index: int
    """Position in the file, from 0."""
    kind: StreamKind
    """What it carries."""
    codec: str
    """Name as ffmpeg gives it, ``unknown`` when it has none."""
    is_default: bool = False
    """Whether the file marks it as the one to play."""
    is_attached_picture: bool = False
    """Whether it is cover art and not a moving picture."""
    language: str | None = None
    """Language tag of the stream."""
    channels: int | None = None
    """Audio channels."""
    sample_rate_hz: int | None = None
    """Audio samples a second."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A film as the container describes it; t = 0 is its first shown frame."""

    path: Path
    """Where it lies."""
    container: str
    """Format name as ffmpeg gives it, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration_s: float
    """Length of the picture in seconds, as far as the header knows."""
    fps: Fraction
    """Average frames a second, above 0."""
    width_px: int
    """Shown width after rotation, in pixels."""
    height_px: int
    """Shown height after rotation, in pixels."""
    rotation_deg: int
    """Clockwise turn that a player applies: 0, 90, 180 or 270."""
    video_stream: int
    """Index of the moving picture among `streams`."""
    streams: tuple[StreamInfo, ...]
    """All streams in file order."""
    start_s: float = 0.0
    """Container time of the first shown frame, in seconds; may be negative."""

    @property
    def audio_streams(self) -> tuple[StreamInfo, ...]:
        """The audio streams in file order."""
        return tuple(s for s in self.streams if s.kind is StreamKind.AUDIO)

    @property
    def main_audio(self) -> StreamInfo | None:
        """The audio stream that a player would choose, or None for a silent film."""
        streams = self.audio_streams
        return next((s for s in streams if s.is_default), streams[0] if streams else None)


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Some consecutive frames of the one decode, small and upright."""

    times_s: TimeArray = field(repr=False, compare=False)
    """When each frame is first shown, in seconds, ascending, shape (n,)."""
    frames: ByteArray = field(repr=False, compare=False)
    """RGB, shape (n, side, side, 3); the whole picture squashed to a square."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stack of frames for the network."""

    span: Span
    """The stretch of film it stands for."""
    frames: ByteArray = field(repr=False, compare=False)
    """RGB, shape (n_frames, side, side, 3)."""


@dataclass(frozen=True, slots=True)
class Shot:
    """An unbroken run of frames between two cuts."""

    index: int
    """Position in the film, from 0."""
    span: Span
    """From its first frame to the first frame of the next shot."""


# --- emotion ----


@dataclass(frozen=True, slots=True)
class EmotionState:
    """What a network believes about the mood of a stretch of picture or music."""

    probabilities: tuple[float, ...]
    """One per class of `EMOTIONS`, in [0, 1], adding up to 1."""
    valence: float
    """Unpleasant to pleasant, in [-1, 1]."""
    arousal: float
    """Calm to excited, in [-1, 1]."""
    confidence: float
    """Calibrated chance that the leading class is right, in [0, 1]."""

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(EMOTIONS):
            raise ValueError(f"probabilities must have {len(EMOTIONS)} entries, got {len(self.probabilities)}")
        for p in self.probabilities:
            _in_range("probability", p, 0.0, 1.0)
        if abs(sum(self.probabilities) - 1.0) > 1e-3:
            raise ValueError(f"probabilities must add up to 1, got {sum(self.probabilities)}")
        _in_range("valence", self.valence, -1.0, 1.0)
        _in_range("arousal", self.arousal, -1.0, 1.0)
        _in_range("confidence", self.confidence, 0.0, 1.0)

    @property
    def label(self) -> str:
        """The most probable class."""
        return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: self.probabilities[i])]


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """What a network says about n stretches at once; rows belong together."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated class probabilities, shape (n, 6), rows adding up to 1."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    confidence: FloatArray = field(repr=False, compare=False)
    """Calibrated chance that the leading class is right, in [0, 1], shape (n,)."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vectors in the joint space, shape (n, D)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the networks say about one stretch of film or music."""

    span: Span
    """The stretch, on the film's or the track's clock."""
    emotion: EmotionState
    """Classes, valence, arousal."""
    embedding: FloatArray = field(repr=False, compare=False)
    """Unit vector in the joint space, float32, shape (D,)."""


@dataclass(frozen=True, slots=True)
class FilmNumbers:
    """Plain measurements of a stretch of film, evidence beside the network's."""

    cut_rate_per_min: float
    """Cuts a minute."""
    brightness: float
    """Mean luma, in [0, 1]."""
    saturation: float
    """Mean HSV saturation, in [0, 1]."""
    motion: float
    """Mean absolute luma change between neighbouring frames, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One or more consecutive shots of one mood; the unit that may receive music."""

    index: int
    """Position in the film, from 0."""
    span: Span
    """From its first shot's start to its last shot's end."""
    first_shot: int
    """Index of its first shot."""
    n_shots: int
    """How many shots it has, at least 1."""
    emotion: EmotionState
    """Robust mean of its readings."""
    film: FilmNumbers
    """Cut rate, brightness, saturation, motion."""
    speech_share: float = 0.0
    """Share of the scene in which somebody speaks, in [0, 1]."""
    music_share: float = 0.0
    """Share of the scene that already has music, in [0, 1]."""


# --- the music ----


@dataclass(frozen=True, slots=True)
class Tags:
    """What the file says about itself, cleaned for showing; never trusted for anything else."""

    title: str | None = None
    """Name of the piece."""
    artist: str | None = None
    """Who made it."""
    album: str | None = None
    """Where it appeared."""
    genre: str | None = None
    """Free text."""
    year: str | None = None
    """Free text."""
    licence: str | None = None
    """Licence or copyright line."""
    isrc: str | None = None
    """International Standard Recording Code."""


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
    """The bars of a track and how each sounds: where it may be cut, and what goes on smoothly into what (track clock)."""

    bar_starts_s: TimeArray = field(repr=False, compare=False)
    """Bar lines, strictly ascending, shape (n_bars + 1,): bar i lies between lines i and i + 1; a fixed grid without beats."""
    features: FloatArray = field(repr=False, compare=False)
    """Chroma, timbre and level of each bar, shape (n_bars, F); the cosine of two rows says how alike two bars sound."""


@dataclass(frozen=True, slots=True)
class Track:
    """A file of the library, listened to."""

    track_id: str
    """SHA-256 of the file's bytes, lower-case hex."""
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment offered for a scene."""

    scene_index: int
    """Which scene."""
    track_id: str
    """Which track."""
    segment_index: int
    """Which of its segments."""
    similarity: float
    """Cosine in the joint space, in [-1, 1]."""
    merit: float
    """Sum of the terms; higher is better."""
    terms: tuple[Term, ...] = ()
    """What made the merit."""


# --- the cue sheet ----


@dataclass(frozen=True, slots=True)
class FilmRef:
    """Which film a document is about."""

    name: str
    """File name without folders."""
    duration_s: float
    """Decoded length of the picture in seconds."""
    fps: Fraction
    """Average frames a second."""
    width_px: int
    """Shown width."""
    height_px: int
    """Shown height."""
    has_audio: bool
    """Whether it has sound of its own."""
    fingerprint: str
    """Names the content: size and SHA-256 of the file's bytes, ``sha256:<hex>``."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which networks made the vectors; vectors of two models are never compared."""

    name: str
    """Such as ``emotion-embedded``."""
    version: str
    """Such as ``1``."""
    sha256: str
    """Of all weights involved, lower-case hex."""
    dim: int
    """Length of the embeddings."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a track as used in a cue."""

    track: Span
    """Track clock."""
    seam_s: float = 0.0
    """Length of the equal-power join into the next section, centred on this section's end; 0 for the last."""
    seam_quality: float | None = None
    """How alike the music is on both sides of the seam, in [0, 1]; None for the last."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One piece of music against picture."""

    cue_id: str
    """Such as ``1m01``: reel 1, music 1."""
    span: Span
    """Film clock, including fades."""
    track_id: str
    """Which track; stands among the sheet's tracks."""
    sections: tuple[Section, ...]
    """Stretches of the track in order; their lengths add up to the cue's, to the sample."""
    fade_in_s: float
    """Equal-power fade at the start, in seconds."""
    fade_out_s: float
    """Equal-power fade at the end, in seconds; 0 where the track's own ending ends it."""
    gain_db: float
    """Level change of the music before ducking, in dB."""
    scenes: tuple[int, ...]
    """Indices of the scenes it lies under."""
    usage: str = "underscore"
    """How it is used, in the words of a cue sheet."""
    locked: bool = False
    """Whether a person fixed it; the plan never moves it."""
    merit: float = 0.0
    """What the plan thought it was worth."""
    why: tuple[Term, ...] = ()
    """Named terms of the merit."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else could have been used for a cue."""

    cue_id: str
    """Which cue."""
    rank: int
    """2 for the runner-up, and so on."""
    track_id: str
    """Which track; stands among the sheet's tracks."""
    segment_start_s: float
    """Where in the track, track clock."""
    merit: float
    """What the plan thought it was worth."""
    note: str = ""
    """What would have changed the choice."""


@dataclass(frozen=True, slots=True)
class SheetTrack:
    """A track that a cue sheet uses."""

    track_id: str
    """SHA-256 of the file's bytes."""
    path: str
    """Where it was when the sheet was written."""
    title: str | None
    """From the tags."""
    artist: str | None
    """From the tags."""
    licence: str | None
    """From the tags."""
    isrc: str | None
    """From the tags."""
    duration_s: float
    """Length in seconds."""
    loudness_lufs: float
    """Integrated loudness."""
    tempo_bpm: float | None
    """Beats a minute."""
    key: str | None
    """Tonic and mode."""


@dataclass(frozen=True, slots=True)
class GainPoint:
    """A corner of a gain envelope; between corners the gain in dB is linear in time."""

    time_s: float
    """Film clock."""
    gain_db: float
    """At most 0: an envelope never boosts."""


@dataclass(frozen=True, slots=True)
class MixNotes:
    """How the sheet wants to be mixed."""

    target_lufs: float
    """Integrated loudness of the finished sound."""
    ceiling_dbtp: float
    """Highest true peak of the finished sound."""
    keep_original: bool
    """Whether the film's own sound stays under the music."""
    speech_over_music_lu: float
    """How far the music lies under speech."""
    crossfade_s: float
    """Length of the equal-power change from one cue to a touching one."""


@dataclass(frozen=True, slots=True)
class SceneSheet:
    """What the picture says: the product of ``soundtrack scenes``."""

    film: FilmRef
    """The film."""
    model: ModelRef
    """The networks that read it."""
    shots: tuple[Shot, ...]
    """Tiling the film."""
    scenes: tuple[Scene, ...]
    """Tiling the shots."""
    readings: tuple[Reading, ...]
    """The curve of emotion over time, one per clip; embeddings rounded as in the document."""
    speech: tuple[Span, ...]
    """Where somebody speaks."""
    speech_lufs: float | None
    """Loudness of the film's sound while somebody speaks; None without speech."""
    original_lufs: float | None
    """Integrated loudness of the film's own sound; None without sound."""
    embeddings: FloatArray = field(repr=False, compare=False)
    """Unit vectors of the scenes, shape (n_scenes, D), rounded as in the document."""
    warnings: tuple[str, ...] = ()
    """What was odd about the film, one line each."""


@dataclass(frozen=True, slots=True)
class CueSheet:
    """Which music sounds where, and why: the waist of the tool."""

    film: FilmRef
    """The film."""
    model: ModelRef
    """The networks that read picture and music."""
    library: str
    """Fingerprint of the library's content."""
    seed: int
    """Of every random choice."""
    mix: MixNotes
    """Loudness, ducking target, what happens to the original sound."""
    scenes: tuple[Scene, ...]
    """Tiling the film."""
    tracks: tuple[SheetTrack, ...]
    """Every track that a cue or an alternative names."""
    cues: tuple[Cue, ...]
    """In order; overlapping only inside fades."""
    speech: tuple[Span, ...] = ()
    """Where somebody speaks."""
    ducking: tuple[GainPoint, ...] = ()
    """Gain of the music over the film's clock because of speech."""
    alternatives: tuple[Alternative, ...] = ()
    """Runners-up, by cue and rank."""
    warnings: tuple[str, ...] = ()
    """What the tool could not do as asked, one line each."""
