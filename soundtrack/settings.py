"""Settings with defaults and units; frozen, passed as arguments, never global."""

from __future__ import annotations

from dataclasses import dataclass, field

from soundtrack.merit_table import MeritTable, PlanTable

MIX_RATE_HZ = 48_000
"""Sample rate of everything that is mixed."""

LOOP_STRETCH = 0.06
"""Largest tempo change of a loop by default: half a bar of two seconds in 17 s."""
MAX_STRETCH = 0.1
"""More than this share of its tempo no music is played faster or slower."""

REFERENCE_LUFS = -20.0
"""Where a cue's own gain brings its track, before it is set against the film."""

LOUDNESS_PRESETS_LUFS: dict[str, float] = {"web": -14.0, "podcast": -16.0, "broadcast": -23.0, "cinema": -27.0}
"""Named loudness targets."""

DIALOGUE_TARGET = "dialogue"
"""Target for streaming services: `DIALOGUE_LUFS` during speech, peaks under `DIALOGUE_CEILING_DBTP`."""
DIALOGUE_LUFS, DIALOGUE_CEILING_DBTP = -27.0, -2.0
"""Loudness during speech and highest true peak of that target."""

QUIETEST_MUSIC_DB, LOUDEST_MUSIC_DB = -20.0, 12.0
"""Range of ``--music-level``."""

LOUDEST_TARGET_LUFS = -5.0
"""Largest loudness target."""

SOFTEST_TARGET_LUFS = -40.0
"""Smallest loudness target."""


SPEECH_OVER_MUSIC_LU: dict[str, float] = {"clear": 14.0, "normal": 12.0, "accessible": 20.0}
"""How far speech is above the music, by the names of ``--duck``."""

DENSITIES = ("sparse", "normal", "full")
"""How much of a film gets music: about half of it, what the table of weights says, or all of it."""


TARGET_NAMES = (*sorted(LOUDNESS_PRESETS_LUFS), DIALOGUE_TARGET)
"""What a loudness target may be instead of a number."""


@dataclass(frozen=True, slots=True)
class LoudnessTarget:
    """What the finished sound has to measure."""

    lufs: float = -16.0
    """Loudness."""
    ceiling_dbtp: float = -1.0
    """Highest true peak."""
    dialogue_gated: bool = False
    """Whether the loudness is that during speech."""

    def __str__(self) -> str:
        """As `parse_target` reads it."""
        return DIALOGUE_TARGET if self.dialogue_gated else f"{self.lufs:g}"


def parse_target(value: str | float) -> LoudnessTarget | None:
    """Loudness target from a number of LUFS or one of `TARGET_NAMES`; None for anything else.

    Examples
    --------
    >>> [target and target.lufs for target in map(parse_target, ("broadcast", "-16", "-16 LUFS", "loud", float("nan")))]
    [-23.0, -16.0, -16.0, None, None]
    >>> parse_target("dialogue")
    LoudnessTarget(lufs=-27.0, ceiling_dbtp=-2.0, dialogue_gated=True)
    """
    name = value.strip().lower().removesuffix("lufs").rstrip() if isinstance(value, str) else ""
    if name == DIALOGUE_TARGET:
        return LoudnessTarget(DIALOGUE_LUFS, DIALOGUE_CEILING_DBTP, dialogue_gated=True)
    try:
        lufs = LOUDNESS_PRESETS_LUFS[name] if name in LOUDNESS_PRESETS_LUFS else float(name or value)
    except (ValueError, OverflowError):
        return None
    return LoudnessTarget(lufs) if SOFTEST_TARGET_LUFS <= lufs <= LOUDEST_TARGET_LUFS else None


@dataclass(frozen=True, slots=True)
class ShotSettings:
    """How cuts are found."""

    adaptive_threshold: float = 2.0
    """Ratio of a frame's change to that of its neighbours (PySceneDetect's AdaptiveDetector)."""
    min_content: float = 22.0
    """Smallest change of content that can be a cut."""
    min_change: float = 9.0
    """Smallest mean 8-bit change of the pixels at a cut; in near-black, hue and saturation change by noise alone."""
    flash_s: float = 0.6
    """A picture that comes back within this time was interrupted by a flash and not by a shot."""
    min_shot_s: float = 0.3
    """Shots shorter than this join their neighbour."""
    fade_threshold: float = 12.0
    """Mean 8-bit brightness under which the picture counts as black."""
    dissolve_half_s: float = 0.4
    """How far before and after a picture the two lie whose mixture it may be, in seconds."""
    dissolve_change: float = 20.0
    """Smallest mean 8-bit difference of those two."""
    dissolve_residual: float = 0.15
    """How far the picture may be from their mean, as a share of their difference."""
    cuts_s: tuple[float, ...] | None = None
    """Times of all cuts, film clock, where an edit says them; None to look for them."""


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How shots are grouped into scenes."""

    min_scene_s: float = 8.0
    """Scenes shorter than this join the neighbour that is most alike, unless the film is shorter."""
    boundary_merit: float = 0.35
    """How different two neighbours must be to be two scenes: half one minus cosine, plus half the distance of mood."""
    max_scenes: int = 5_000
    """More than this is refused."""


@dataclass(frozen=True, slots=True)
class SpottingSettings:
    """How music is chosen and placed."""

    density: str = "normal"
    """How much of the film gets music, of `DENSITIES`."""
    n_candidates: int = 64
    """Segments looked at per scene."""
    min_cue_s: float = 12.0
    """Shorter cues are avoided, unless the film is shorter."""
    preferred_cue_s: float = 45.0
    """Around this length a change of music costs least."""
    crossfade_s: float = 1.5
    """Equal-power change between touching cues, in seconds."""
    fade_in_s: float = 0.02
    """At a cue's start, in seconds, where it enters on a beat."""
    fade_out_s: float = 2.5
    """At a cue's end, in seconds, where the track's own ending is not used."""
    allow_vocals: bool = False
    """Whether singing may lie under speech without a penalty."""
    over_music: bool = False
    """Whether scenes that have music of their own may get a cue as well."""
    stretch: float = 0.0
    """By how much of its tempo music may be played faster or slower where that saves seams, in [0, `MAX_STRETCH`]."""
    loop: bool = False
    """Whether one piece plays throughout, and its end goes on into its beginning."""
    seed: int = 0
    """Of every random choice."""
    merit: MeritTable = field(default_factory=MeritTable)
    """What makes music suit a stretch of film."""
    plan: PlanTable = field(default_factory=PlanTable)
    """What the plan of the whole film counts besides."""


@dataclass(frozen=True, slots=True)
class MixSettings:
    """How the mix is made."""

    target_lufs: float = LoudnessTarget().lufs
    """Integrated loudness of the finished sound."""
    ceiling_dbtp: float = LoudnessTarget().ceiling_dbtp
    """True peak of the finished sound never exceeds this."""
    keep_original: bool = True
    """Whether the film's own sound stays."""
    keep_level: bool = False
    """Whether the film's own sound keeps its level, whatever the target."""
    speech_over_music_lu: float = 12.0
    """Speech lies this much above the music."""
    music_level_db: float = 0.0
    """Level of the music relative to the default; during speech no more than the speech allows."""
    dialogue_gated: bool = False
    """Whether the loudness during speech has to meet the target."""
    attack_s: float = 0.35
    """Ducking is complete this long before speech starts, having started to fall that much earlier."""
    release_s: float = 1.2
    """Time for the music to come back, in seconds."""
    hold_s: float = 1.5
    """Gaps in speech shorter than this do not lift the music."""
    layout: str = "auto"
    """Channels of the mix: ``stereo``, ``5.1``, or ``auto`` for those of the original."""
