"""The documents: scene sheet and cue sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from soundtrack.types.basics import FloatArray, Span
from soundtrack.types.conditions import Conditions
from soundtrack.types.emotion import Reading
from soundtrack.types.film import Scene, Shot
from soundtrack.types.music import Term


@dataclass(frozen=True, slots=True)
class FilmRef:
    """The film of a document."""

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
    """Fingerprint of the content: size and SHA-256 of the file's bytes, ``sha256:<hex>``."""
    start_timecode: str | None = None
    """SMPTE timecode of its first picture, ``HH:MM:SS:FF``, with a semicolon for drop-frame; None without one."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """The networks that made the vectors; vectors of different models are never compared."""

    name: str
    """Name of the joint space, such as ``emotion-embedded``."""
    version: str
    """Version, such as ``1``."""
    sha256: str
    """SHA-256 of all weights involved and of the rule by which they read, lower-case hex."""
    dim: int
    """Length of the embeddings."""


@dataclass(frozen=True, slots=True)
class Section:
    """A span of a track as played in a cue."""

    track: Span
    """Time span on the track clock."""
    seam_s: float = 0.0
    """Length of the equal-power crossfade into the next section, centred on the end of this one; 0 for the last."""
    seam_quality: float | None = None
    """Similarity of the music on both sides of the seam, in [0, 1]; None for the last."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A hit point and the offset of the music from it."""

    time_s: float
    """Time of the hit point, film clock."""
    on: str
    """Event of the music at the hit point: ``climax``, ``downbeat``, or ``nothing`` within half a bar."""
    late_ms: float | None = None
    """Delay of the event after the hit point in milliseconds; negative if early; None for ``nothing``."""


@dataclass(frozen=True, slots=True)
class CueFacts:
    """Tempo and key of a cue's music, and its distance from the picture."""

    tempo_bpm: float | None
    """Beats per minute as played; None without a beat."""
    key: str | None
    """Tonic and mode; None if there is no key."""
    valence_apart: float
    """Valence of the music minus that of the picture, in [-2, 2]."""
    arousal_apart: float
    """Arousal of the music minus that of the picture, in [-2, 2]."""
    speech_share: float
    """Share of speech in the cue's scenes, in [0, 1]."""


SILENCE_REQUESTED = "silence requested"
"""Reason of a silence that ``--silence`` demanded."""
SILENCE_SET = "silence set manually"
"""Reason of a silence in the place of a cue."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A span of the film without music."""

    span: Span
    """Film clock."""
    reason: str
    """Reason, in a few words."""

    @property
    def is_demanded(self) -> bool:
        """Whether the user wants it, unlike one that the plan chose."""
        return self.reason in (SILENCE_REQUESTED, SILENCE_SET)


@dataclass(frozen=True, slots=True)
class Cue:
    """One piece of music against picture."""

    cue_id: str
    """Name of the cue, such as ``1m01``: reel 1, music 1."""
    span: Span
    """Start and end on the film clock, including fades."""
    track_id: str
    """Track, one of `tracks` of the sheet."""
    sections: tuple[Section, ...]
    """Played spans of the track in order; their lengths add up to that of the cue times `speed`, to the sample."""
    fade_in_s: float
    """Equal-power fade at the start, in seconds."""
    fade_out_s: float
    """Equal-power fade at the end, in seconds; 0 if the cue ends with the track's own ending."""
    gain_db: float
    """Level change of the music before ducking, in dB."""
    scenes: tuple[int, ...]
    """Indices of the scenes that the cue covers."""
    usage: str = "underscore"
    """Kind of use, in the terms of cue sheets."""
    locked: bool = False
    """Whether the cue is fixed by the user; later plans never change it."""
    merit: float = 0.0
    """Merit in the plan."""
    why: tuple[Term, ...] = ()
    """Named terms whose sum is the merit."""
    speed: float = 1.0
    """Playback speed, pitch preserved: 1.02 is two per cent faster."""
    landings: tuple[Landing, ...] = ()
    """Offsets of the music from the hit points (``--hit``)."""
    facts: CueFacts | None = None
    """Tempo and key of the music, and its distance from the picture; None if unknown."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another eligible choice for a cue."""

    cue_id: str
    """Name of the cue."""
    rank: int
    """2 for the second choice, and so on."""
    track_id: str
    """Track, one of `tracks` of the sheet."""
    segment_start_s: float
    """Start of the segment, in seconds on the track clock."""
    merit: float
    """Merit in the plan."""
    note: str = ""
    """Change that would have selected it."""
    terms: tuple[Term, ...] = ()
    """Named terms of music and picture, as in `why` of a cue, without those of the plan; empty if unknown."""


@dataclass(frozen=True, slots=True)
class SheetTrack:
    """A track used by a cue sheet."""

    track_id: str
    """SHA-256 of the coded sound packets; in sheets of earlier versions, of the file's bytes."""
    path: str
    """Path of the file when the sheet was written."""
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
    """Integrated loudness in LUFS."""
    tempo_bpm: float | None
    """Beats per minute; None without a beat."""
    key: str | None
    """Tonic and mode."""


@dataclass(frozen=True, slots=True)
class GainPoint:
    """A point of a gain envelope; between points the gain in dB is linear in time."""

    time_s: float
    """Film clock."""
    gain_db: float
    """Gain in dB, at most 0: an envelope never boosts."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A named moment that a person marked in an editing program."""

    time_s: float
    """Film clock."""
    text: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class MixNotes:
    """Settings of the mix, and the gains that were measured for it.

    The music of a cue at time t comes out at ``cue.gain_db`` + its fades + ducking(t) + `music_gain_db` +
    `master_gain_db`, the film's own sound at `master_gain_db`, all in dB over the file's own level. The sum of the two
    goes through a true-peak limiter at `limiter_dbtp`. Nothing else changes a level.
    """

    target_lufs: float
    """Integrated loudness of the finished sound, in LUFS."""
    ceiling_dbtp: float
    """Highest true peak of the finished sound, in dBTP."""
    keep_original: bool
    """Whether the film's own sound is kept."""
    speech_over_music_lu: float
    """Level of speech above the music, in LU."""
    crossfade_s: float
    """Length of the equal-power crossfade between adjacent cues, in seconds."""
    keep_level: bool = False
    """Whether the film's own sound keeps its level; `master_gain_db` is then 0 for any target."""
    music_level_db: float = 0.0
    """Level of the music relative to the default, in dB; during speech no more than the speech allows."""
    dialogue_gated: bool = False
    """Whether the loudness during speech has to meet the target; without speech it is that of the whole."""
    music_gain_db: float | None = None
    """Constant gain of all music relative to the film's own sound, in dB; None: measured by the next ``render``."""
    master_gain_db: float | None = None
    """Constant gain of music and film's own sound together, in dB; None: measured by the next ``render``."""
    limiter_dbtp: float | None = None
    """Threshold of the true-peak limiter, in dBTP; None: derived from the ceiling and the encoder."""


@dataclass(frozen=True, slots=True)
class WeightNote:
    """A row of the weight tables that differs from the default."""

    name: str
    """Table and row, such as ``merit.picture``."""
    weight: float
    """Weight of the measure."""
    neutral: float
    """Neutral point: the value at which the row contributes 0."""


@dataclass(frozen=True, slots=True)
class WeightNotes:
    """The weights used to select the music."""

    sha256: str
    """SHA-256 of all names, weights and neutral points, lower-case hex."""
    changed: tuple[WeightNote, ...] = ()
    """The rows that differ from the defaults."""


@dataclass(frozen=True, slots=True)
class Narration:
    """A recorded voice that is mixed into the film and makes the music step aside like the speech of the film."""

    path: str
    """Path of the file when the sheet was written."""
    start_s: float
    """Time at which it starts, film clock."""
    duration_s: float
    """Length of the recording in seconds."""
    gain_db: float = 0.0
    """Level change of the recording before mixing, in dB; 0 for its own level."""


@dataclass(frozen=True, slots=True)
class VocalStem:
    """The vocals of a track in a file of their own."""

    track_id: str
    """Track, one of `tracks` of the sheet."""
    path: str
    """Path of the file when the sheet was written: the vocals on the track clock, silent where they are not needed."""


@dataclass(frozen=True, slots=True)
class DuckedVocals:
    """Vocals of the music that are lowered under speech, while the rest of the music is not."""

    stems: tuple[VocalStem, ...]
    """The vocals of each track that has any; music of other tracks is played as it is."""
    ducking: tuple[GainPoint, ...]
    """Gain of the vocals, over the film clock; `ducking` of the sheet, for all music, is added."""


@dataclass(frozen=True, slots=True)
class DraftNote:
    """Expected quality of a draft, from measurements on other films."""

    cut_recall: float
    """Share of the cuts of a full analysis that a draft finds, in [0, 1]."""
    cut_precision: float
    """Share of the cuts in a draft that a full analysis finds as well, in [0, 1]."""
    within_s: float
    """Largest distance of a cut that counts as found, in seconds."""
    clip_s: float
    """Least distance of the still pictures that the readings come from, in seconds."""


@dataclass(frozen=True, slots=True)
class WatchNote:
    """Options of ``scenes`` that change moods, for the next analysis of the same film."""

    subtitles: bool = True
    """``--subtitles``: whether the words of subtitles count."""
    faces: bool = True
    """``--faces``: whether faces are looked for."""
    face_weight: float = 0.0
    """``--face-weight``: share of a scene's mood that clear faces have, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class SceneSheet:
    """Shots, scenes and mood of a film: the output of ``soundtrack scenes``."""

    film: FilmRef
    """The film."""
    model: ModelRef
    """The networks used."""
    shots: tuple[Shot, ...]
    """Consecutive parts that cover the whole film."""
    scenes: tuple[Scene, ...]
    """Scenes, each of one or more shots."""
    readings: tuple[Reading, ...]
    """Emotion curve over time, one reading per clip; embeddings rounded as in the document."""
    speech: tuple[Span, ...]
    """Spans with speech."""
    speech_lufs: float | None
    """Loudness of the film's sound during speech, in LUFS; None without speech."""
    original_lufs: float | None
    """Integrated loudness of the film's own sound, in LUFS; None without sound."""
    embeddings: FloatArray = field(repr=False, compare=False)
    """Unit vectors of the scenes, shape (n_scenes, D), rounded as in the document."""
    warnings: tuple[str, ...] = ()
    """Warnings about the film, one line each."""
    draft: DraftNote | None = None
    """Expected quality where only key frames were decoded (``scenes --draft``); None for a full analysis."""
    watched: WatchNote | None = None
    """Options of the analysis, which ``spot`` passes on to the cue sheet; None if unknown, as in earlier sheets."""


@dataclass(frozen=True, slots=True)
class CueSheet:
    """Which music is used where in a film, and why."""

    film: FilmRef
    """The film."""
    model: ModelRef
    """The networks used for picture and music."""
    library: str
    """Fingerprint of the library's content."""
    seed: int
    """Seed of all random choices."""
    mix: MixNotes
    """Loudness, ducking and use of the original sound."""
    scenes: tuple[Scene, ...]
    """Consecutive parts that cover the whole film."""
    tracks: tuple[SheetTrack, ...]
    """Every track used by a cue or an alternative."""
    cues: tuple[Cue, ...]
    """Cues in order of time; they overlap only inside fades."""
    speech: tuple[Span, ...] = ()
    """Spans with speech, of the film and of the narration."""
    narration: Narration | None = None
    """A recorded voice over the film; None without one."""
    ducking: tuple[GainPoint, ...] = ()
    """Gain of the music during speech, over the film clock."""
    vocals: DuckedVocals | None = None
    """Vocals of the music that are lowered further during speech; None where the music is played as it is."""
    alternatives: tuple[Alternative, ...] = ()
    """Alternatives, by cue and rank."""
    silences: tuple[Silence, ...] = ()
    """Spans without music, with reasons; written by ``spot``, ignored by ``render``."""
    markers: tuple[Marker, ...] = ()
    """Markers that ``cues import`` found; exported again, ignored by ``render``."""
    weights: WeightNotes | None = None
    """The weights used to select the music; None if unknown."""
    conditions: Conditions | None = None
    """The options with which the music was selected; None if unknown, as in sheets of earlier versions."""
    warnings: tuple[str, ...] = ()
    """Requests that could not be met, one line each."""
