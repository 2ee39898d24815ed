"""Passes over a film's sound: measure, mix, and check of the written file.

Goes in: the film, a `MixPlan`, where the tracks lie. Comes out: levels, or finished blocks of sound. Memory does not
grow with the film.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from soundtrack.audio.levels.true_peak import TruePeak
from soundtrack.errors import InputError, Reason
from soundtrack.media.prefetch import ahead
from soundtrack.media.reading.audio import iter_audio
from soundtrack.media.reading.kept import KeptSound
from soundtrack.media.reading.sound import iter_stereo_apart
from soundtrack.mix.balance import BalanceMeter, loudness_lufs
from soundtrack.mix.bed import Music
from soundtrack.mix.levels import Levels, set_levels, target_lufs
from soundtrack.mix.limiter import Limiter
from soundtrack.mix.plan import MixPlan, vocals_of
from soundtrack.mix.stems import StemWriter
from soundtrack.mix.tuning import Outcome, Setting, is_worth_trying, next_setting, speech_limited_db
from soundtrack.progress import Progress
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import samples, seconds
from soundtrack.types import FloatArray, MixNotes, Narration, Span, StreamInfo, VideoInfo

LOSSY_HEADROOM_DB = 0.6
"""The limiter stays this much under the ceiling, because a lossy encoder moves peaks."""

MAX_ATTEMPTS = 4
"""Settings that are tried at most, without an encoder and with it."""

_STEREO = 2
BLOCK = 8 * MIX_RATE_HZ
"""Samples that are worked on at a time."""


@dataclass(frozen=True, slots=True)
class Work:
    """What both passes need."""

    info: VideoInfo
    original: StreamInfo | None
    track_paths: Mapping[str, Path]
    n_samples: int
    tell: Progress
    channels: int = 2
    """Of the mix: 2, or 6 for 5.1."""
    narration: Narration | None = None
    """A recorded voice that is mixed into the film's own sound, or takes its place."""
    narration_path: Path | None = None
    """Where it is."""
    kept: KeptSound = field(default_factory=KeptSound, repr=False, compare=False)
    """What the first pass decoded, for those that follow."""

    def __post_init__(self) -> None:
        if (self.narration is None) != (self.narration_path is None):
            raise ValueError("narration_path must be given with a narration, and only then")

    @property
    def has_voices(self) -> bool:
        """Whether there is anything beside the music."""
        return self.original is not None or self.narration is not None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a decoder makes of the written sound."""

    integrated_lufs: float
    target_lufs: float
    """What has to meet the target: the same, or the loudness of the dialogue."""
    true_peak_dbtp: float


def check_tracks(plan: MixPlan, track_paths: Mapping[str, Path]) -> None:
    """Refuse to begin when a track is not there."""
    for cue in plan.cues:
        path = track_paths.get(cue.track_id)
        if path is None or not path.is_file():
            raise InputError(
                f"{path or cue.track_id[:12]}: the track of cue {cue.cue_id} is missing",
                hint="restore the file, or run `soundtrack index` on its new folder",
                reason=Reason.MISSING,
            )
        vocals = track_paths.get(vocals_of(cue.track_id))
        if cue.track_id in plan.sung and (vocals is None or not vocals.is_file()):
            raise InputError(
                f"{vocals or cue.track_id[:12]}: the vocals of cue {cue.cue_id} are missing",
                hint="restore the file, or set `vocals` in the cue sheet to null to play the music as it is",
                reason=Reason.MISSING,
            )


def _original_blocks(work: Work) -> Generator[FloatArray | None]:
    """The film's own sound in blocks of the film's clock, exactly as long as the picture; None without any."""
    if work.original is None:
        yield from (None for _ in range(0, work.n_samples, BLOCK))
        return
    decoded = functools.partial(
        iter_audio,
        work.info.path,
        sample_rate_hz=MIX_RATE_HZ,
        channels=work.channels,
        block_s=BLOCK / MIX_RATE_HZ,
        stream=work.original.index,
        clock_start_s=work.info.start_s,
        duration_s=seconds(work.n_samples, sample_rate_hz=MIX_RATE_HZ),
    )
    source = work.kept.blocks("the film's own sound", lambda: ahead(decoded()), n_samples=work.n_samples)
    with contextlib.closing(source):
        for start in range(0, work.n_samples, BLOCK):
            n = min(BLOCK, work.n_samples - start)
            block = next(source, None)
            whole = np.zeros((work.channels, n), dtype=np.float32)
            if block is not None:
                whole[:, : block.shape[1]] = block[:, :n]
            yield whole
        next(source, None)  # sound that ends inside the last block is complete, and kept, once its end was seen


def _narration_blocks(work: Work) -> Generator[FloatArray | None]:
    """The narration in blocks of the film's clock, at the level that the sheet gives it; None without any."""
    narration, path = work.narration, work.narration_path
    if narration is None or path is None:
        yield from (None for _ in range(0, work.n_samples, BLOCK))
        return
    first = samples(narration.start_s, sample_rate_hz=MIX_RATE_HZ)
    lead = first % BLOCK
    gain = np.float32(10 ** (narration.gain_db / 20))
    source = ahead(iter_audio(path, sample_rate_hz=MIX_RATE_HZ, channels=work.channels, block_s=BLOCK / MIX_RATE_HZ))
    rest: FloatArray = np.zeros((work.channels, lead), np.float32)  # of a block, before its first sample
    with contextlib.closing(source):
        for start in range(0, work.n_samples, BLOCK):
            n = min(BLOCK, work.n_samples - start)
            whole = np.zeros((work.channels, n), np.float32)
            if start + BLOCK > first:
                block = next(source, None)
                have = rest if block is None else np.concatenate([rest, block * gain], axis=1)
                whole[:, : have.shape[1]] = have[:, :n]
                rest = have[:, BLOCK:]
            yield whole


def _voice_blocks(work: Work) -> Iterator[FloatArray | None]:
    """All that is not music: the film's own sound and the narration; None without either."""
    with contextlib.closing(_original_blocks(work)) as own, contextlib.closing(_narration_blocks(work)) as told:
        for original, narration in zip(own, told, strict=True):
            if original is None or narration is None:
                yield narration if original is None else original
            else:
                yield np.asarray(original + narration, np.float32)


def measure(work: Work, plan: MixPlan, *, ceiling_dbtp: float) -> tuple[Levels, dict[str, float]]:
    """First pass: levels for a limiter at that ceiling, and the seconds that tracks were too short by cue."""
    meter = BalanceMeter(channels=work.channels)
    n_blocks = -(-work.n_samples // BLOCK)
    with Music(plan, track_paths=work.track_paths, kept=work.kept) as music:
        for i, original in enumerate(_voice_blocks(work)):
            start = i * BLOCK
            block = music.block(start, min(start + BLOCK, work.n_samples))
            meter.push(original, music=block.sounding, reference=block.reference)
            work.tell("measuring", i + 1, n_blocks)
        missing_s = dict(music.missing_s)
    levels = set_levels(
        meter.result(),
        speech=plan.speech,
        notes=plan.notes,
        has_original=work.has_voices,
        ducking=plan.ducking,
        ceiling_dbtp=ceiling_dbtp,
    )
    return levels, missing_s


def mixed(
    work: Work, plan: MixPlan, limiter: Limiter, stems: StemWriter | None, *, music_track: bool
) -> Generator[FloatArray]:
    """Second pass: finished blocks, the channels of the mix and, if wanted, two of music."""
    music_gain = np.float32(10 ** ((plan.music_gain_db + plan.master_gain_db) / 20))
    master_gain = np.float32(10 ** (plan.master_gain_db / 20))
    music_limiter = Limiter(ceiling_dbtp=plan.notes.ceiling_dbtp - LOSSY_HEADROOM_DB, channels=2)
    n_blocks = -(-work.n_samples // BLOCK)
    with Music(plan, track_paths=work.track_paths, kept=work.kept) as music:
        for i, original in enumerate(_voice_blocks(work)):
            start = i * BLOCK
            mx = music.block(start, min(start + BLOCK, work.n_samples)).sounding * music_gain
            dx = None if original is None else original * master_gain
            if stems:
                stems.write(mx, dx)
            mix = limiter.push(_laid(mx, dx, channels=work.channels))
            yield np.concatenate([mix, music_limiter.push(mx)]) if music_track else mix
            work.tell("mixing", i + 1, n_blocks)
    rest = limiter.finish()
    yield np.concatenate([rest, music_limiter.finish()]) if music_track else rest


def mixed_between(
    work: Work, plan: MixPlan, limiter: Limiter, stems: StemWriter | None = None, *, start: int, stop: int
) -> Generator[FloatArray]:
    """The samples from `start` to `stop` of `mixed`, the very same; all before them is mixed too, none after them."""
    at = 0
    with contextlib.closing(mixed(work, plan, limiter, stems, music_track=False)) as blocks:
        for block in blocks:
            part = block[:, max(0, start - at) : max(0, stop - at)]
            at += block.shape[1]
            if part.shape[1]:
                yield part
            if at >= stop:
                return


def _laid(music: FloatArray, original: FloatArray | None, *, channels: int) -> FloatArray:
    """The mix before the limiter: music in the front left and right of the original, all else as it is."""
    if channels == len(music):
        return music if original is None else np.asarray(music + original, np.float32)
    mix = np.zeros((channels, music.shape[1]), np.float32) if original is None else original.copy()
    mix[: len(music)] += music
    return mix


def hear(part: Path, stream: int, *, channels: int, speech: Sequence[Span], notes: MixNotes) -> Heard:
    """Loudness and true peak of the sound as a decoder gives it."""
    block_s = BLOCK / MIX_RATE_HZ
    blocks = (
        iter_stereo_apart(part, sample_rate_hz=MIX_RATE_HZ, block_s=block_s, stream=stream)
        if channels == _STEREO
        else iter_audio(part, sample_rate_hz=MIX_RATE_HZ, channels=channels, block_s=block_s, stream=stream)
    )
    return _heard(ahead(blocks), channels=channels, speech=speech, notes=notes)


def tried_out(work: Work, plan: MixPlan, levels: Levels, first: Setting, *, allowed_dbtp: float) -> tuple[Outcome, ...]:
    """What settings come to before any encoder, up to one that is as good as can be; empty where the first may do."""
    outcomes: list[Outcome] = []
    setting: Setting | None = first if is_worth_trying(levels, notes=plan.notes) else None
    while setting is not None and len(outcomes) < MAX_ATTEMPTS:
        limiter = Limiter(ceiling_dbtp=setting.limiter_dbtp, channels=work.channels)
        blocks = mixed(work, at_setting(plan, levels, setting), limiter, None, music_track=False)
        heard = _heard(blocks, channels=work.channels, speech=plan.speech, notes=plan.notes)
        outcomes.append(outcome_of(work, plan, setting, heard, limiter, allowed_dbtp=allowed_dbtp))
        setting = next_setting(outcomes, levels=levels, notes=plan.notes)
    return tuple(outcomes)


def at_setting(plan: MixPlan, levels: Levels, setting: Setting) -> MixPlan:
    """The plan with all gains."""
    return replace(
        plan,
        ducking=levels.ducking,
        music_gain_db=levels.music_gain_db,
        master_gain_db=setting.master_gain_db,
    )


def outcome_of(
    work: Work, plan: MixPlan, setting: Setting, heard: Heard, limiter: Limiter, *, allowed_dbtp: float
) -> Outcome:
    """What a setting came to."""
    spoken_db = speech_limited_db(limiter.reduction_db, plan.speech) if work.has_voices else 0.0
    over_db = heard.true_peak_dbtp - allowed_dbtp
    return Outcome(setting, heard.target_lufs, over_db, spoken_db, limiter.largest_reduction_db)


def _heard(blocks: Iterator[FloatArray], *, channels: int, speech: Sequence[Span], notes: MixNotes) -> Heard:
    """Loudness and true peak of finished sound."""
    meter, peaks = BalanceMeter(channels=channels), TruePeak()
    for block in blocks:
        nothing = np.zeros((2, block.shape[1]), np.float32)
        meter.push(block, music=nothing, reference=nothing)
        peaks.push(block)
    peaks.push(np.zeros((channels, BLOCK), np.float32))  # the sound ends in silence
    power = meter.result().original
    return Heard(loudness_lufs(power), target_lufs(power, speech=speech, notes=notes), peaks.dbtp())
