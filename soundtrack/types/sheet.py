"""The documents: scene sheet and cue sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from soundtrack.types.basics import FloatArray, Span
from soundtrack.types.emotion import Reading
from soundtrack.types.film import Scene, Shot
from soundtrack.types.music import Term


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
    start_timecode: str | None = None
    """SMPTE timecode of its first picture, ``HH:MM:SS:FF``, with a semicolon for drop-frame; None without one."""


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
class Landing:
    """A moment of the film on which the music was to fall, and how near it came."""

    time_s: float
    """The moment that was asked for, film clock."""
    on: str
    """What of the music is heard there: ``climax``, ``downbeat``, or ``nothing`` within half a bar."""
    late_ms: float | None = None
    """How much later than the moment it is heard, in milliseconds; negative if before it; None for nothing."""


@dataclass(frozen=True, slots=True)
class CueFacts:
    """What a cue's music is, and how far it is from the picture."""

    tempo_bpm: float | None
    """Beats a minute as played; None without a beat."""
    key: str | None
    """Tonic and mode; None where there is none."""
    valence_apart: float
    """Valence of the music less that of the picture, in [-2, 2]."""
    arousal_apart: float
    """Arousal of the music less that of the picture, in [-2, 2]."""
    speech_share: float
    """Share of the cue's scenes in which somebody speaks."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of film without music."""

    span: Span
    """Film clock."""
    reason: str
    """Why, in a few words."""


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
    """Stretches of the track in order; their lengths add up to the cue's times `speed`, to the sample."""
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
    speed: float = 1.0
    """Tempo at which the track is played, its pitch unchanged: 1.02 is two per cent faster."""
    landings: tuple[Landing, ...] = ()
    """How near the music came to the moments that ``--hit`` named."""
    facts: CueFacts | None = None
    """What the music is and how far it is from the picture; None where nobody said."""


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
    """Names the sound: SHA-256 of its coded packets; in sheets of earlier versions, of the file's bytes."""
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
    """How the sheet wants to be mixed, and the gains that were decided when it was.

    The music of a cue at time t comes out at ``cue.gain_db`` + its fades + ducking(t) + `music_gain_db` +
    `master_gain_db`, the film's own sound at `master_gain_db`, all in dB over the file's own level. The sum of the two
    goes through a true-peak limiter at `limiter_dbtp`. Nothing else changes a level.
    """

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
    keep_level: bool = False
    """Whether the film's own sound keeps its level: `master_gain_db` is 0 then, whatever the target."""
    music_gain_db: float | None = None
    """Constant gain of all music against the film's own sound; None is measured by the next ``render``."""
    master_gain_db: float | None = None
    """Constant gain of the whole, music and film's own sound alike; None is measured by the next ``render``."""
    limiter_dbtp: float | None = None
    """Where the true-peak limiter was set; None follows from the ceiling and the encoder."""


@dataclass(frozen=True, slots=True)
class WeightNote:
    """A row of the tables of weights that is not as the tool has it by default."""

    name: str
    """Table and row, such as ``merit.picture``."""
    weight: float
    """Of the measure."""
    neutral: float
    """Value at which the measure says nothing."""


@dataclass(frozen=True, slots=True)
class WeightNotes:
    """With which weights the music was chosen."""

    sha256: str
    """Of all names, weights and neutral points, lower-case hex."""
    changed: tuple[WeightNote, ...] = ()
    """The rows that were not as by default."""


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
    silences: tuple[Silence, ...] = ()
    """Stretches without music and why; what ``spot`` decided, not read by ``render``."""
    weights: WeightNotes | None = None
    """With which weights the music was chosen; None where nobody said."""
    warnings: tuple[str, ...] = ()
    """What the tool could not do as asked, one line each."""
