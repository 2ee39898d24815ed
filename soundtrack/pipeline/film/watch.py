"""The two passes over a film: one over its picture, one over its own sound, each feeding all channels of its kind.

Goes in: a probed film and its channels. Comes out: shots, clips and sound marks, and the evidence that each channel
found. No channel is known by name here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from soundtrack.progress import Progress
from soundtrack.settings import MIX_RATE_HZ, ShotSettings
from soundtrack.types import (
    ChannelSetup,
    Clip,
    DraftNote,
    EmotionState,
    Evidence,
    FloatArray,
    PictureChannel,
    Reading,
    ReadingBatch,
    Shot,
    SoundChannel,
    Span,
    VideoInfo,
)

CLIPS_AT_ONCE = 8
"""Clips that go to the channels together: 8 x 16 frames of 112 px are 5 MB."""
SOUND_BLOCK_S = 10.0
"""Seconds of the film's sound in memory at a time."""
LOUDEST_LUFS = 20.0
"""No sound is louder, and no sheet may say so."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the picture shows."""

    shots: tuple[Shot, ...]
    """Tiling the film."""
    clips: tuple[Span, ...]
    """The clips that the channels were given."""
    duration_s: float
    """Decoded length of the picture."""
    warnings: tuple[str, ...] = ()
    """What was odd."""
    evidence: tuple[Evidence, ...] = field(default=(), compare=False)
    """Of the channels that looked."""
    draft: DraftNote | None = None
    """Expected quality where only key frames were looked at."""
    colours: FloatArray | None = field(default=None, repr=False, compare=False)
    """Share of the pixels of each shot in each cell of a colour cube, shape (n_shots, 27); None where not looked at."""
    edited: bool = True
    """Whether the length of its shots says something about it, as that of photos shown one by one does not."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the film's own sound holds."""

    speech: tuple[Span, ...] = ()
    """Spans with speech."""
    music: tuple[Span, ...] = ()
    """Where there is music already."""
    speech_lufs: float | None = None
    """Loudness of the speech."""
    integrated_lufs: float | None = None
    """Loudness of the whole."""
    warnings: tuple[str, ...] = ()
    """What was odd."""
    evidence: tuple[Evidence, ...] = field(default=(), compare=False)
    """Of the channels that listened."""


class _Listener(Protocol):
    """Whatever hears the sound in blocks."""

    def push(self, samples: FloatArray, /) -> None:
        """Hear the next mono samples."""
        ...


def watch(
    info: VideoInfo,
    channels: Sequence[PictureChannel],
    *,
    setup: ChannelSetup,
    decoder: str,
    shot_settings: ShotSettings,
    progress: Progress,
) -> Sight:
    """Shots and evidence from one pass over the picture; memory does not grow with the film but for its evidence."""
    from soundtrack.video.clips import ClipSampler
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.frames import DecodeReport
    from soundtrack.video.shots import ShotDetector

    report = DecodeReport()
    clips = setup.clips
    detector = ShotDetector(shot_settings)
    sampler = ClipSampler(
        n_frames=clips.n_frames, frame_rate_hz=clips.frame_rate_hz, stride_s=clips.stride_s, side_px=clips.side_px
    )
    spans: list[Span] = []
    waiting: list[Clip] = []
    last: Clip | None = None

    def show(batch: list[Clip]) -> None:
        nonlocal last
        shown = []
        for clip in batch:
            last = clip if last is None or not _is_same_still(last, clip) else replace(clip, frames=last.frames)
            shown.append(last)
        for channel in channels:
            channel.push(shown)
        spans.extend(clip.span for clip in shown)

    total = int(info.duration_s)
    for batch in iter_frames(info, side_px=clips.side_px, decoder=decoder, report=report, stills=setup.stills):
        detector.push(batch)
        waiting.extend(sampler.push(batch))
        while len(waiting) >= CLIPS_AT_ONCE:
            show(waiting[:CLIPS_AT_ONCE])
            del waiting[:CLIPS_AT_ONCE]
        progress("watching", min(total, int(batch.times_s[-1])), total)
    waiting.extend(sampler.finish(report.duration_s))
    for start in range(0, len(waiting), CLIPS_AT_ONCE):
        show(waiting[start : start + CLIPS_AT_ONCE])
    shots = tuple(detector.finish(report.duration_s))
    return Sight(
        shots=shots,
        clips=tuple(spans),
        duration_s=report.duration_s,
        warnings=tuple(report.warnings),
        evidence=tuple(channel.finish() for channel in channels),
        colours=detector.colours(shots),
    )


def _is_same_still(before: Clip, clip: Clip) -> bool:
    """Whether a clip goes on showing the one frame that the clip before it showed."""
    are_stills = before.frames.strides[0] == clip.frames.strides[0] == 0
    return are_stills and np.array_equal(before.frames[0], clip.frames[0])


def hear(info: VideoInfo, channels: Sequence[SoundChannel], unwanted: threading.Event) -> Heard:
    """Speech, music, loudness and evidence from one pass over the film's main sound; nothing once that is unwanted."""
    from soundtrack.audio.downsample import Downsampler
    from soundtrack.audio.levels.loudness import LoudnessMeter
    from soundtrack.audio.mono import mono_of
    from soundtrack.audio.voices.music_detection import MusicDetector
    from soundtrack.audio.voices.speech import SpeechDetector
    from soundtrack.audio.voices.voice import SAMPLE_RATE_HZ
    from soundtrack.errors import InputError
    from soundtrack.media.reading.audio import iter_audio

    if info.main_audio is None:
        return Heard()
    meter = LoudnessMeter(sample_rate_hz=MIX_RATE_HZ, true_peak=False)
    detector, music = SpeechDetector(), MusicDetector()
    down = Downsampler(MIX_RATE_HZ, SAMPLE_RATE_HZ)
    listeners: tuple[_Listener, ...] = (detector, music, *channels)
    try:
        for block in iter_audio(
            info.path,
            sample_rate_hz=MIX_RATE_HZ,
            channels=2,
            block_s=SOUND_BLOCK_S,
            stream=info.main_audio.index,
            clock_start_s=info.start_s,
        ):
            if unwanted.is_set():
                return Heard()
            meter.push(block)
            (mono,) = down.push(mono_of(block))
            for listener in listeners:
                listener.push(mono)
        (rest,) = down.finish()
        for listener in listeners:
            listener.push(rest)
    except InputError as error:
        return Heard(warnings=(f"the audio of the film cannot be read and is not analysed: {error}",))
    speech = tuple(detector.finish())
    loudness = meter.result()
    return Heard(
        speech=speech,
        music=tuple(music.finish()),
        speech_lufs=meter.loudness_inside(speech) if speech else None,
        integrated_lufs=loudness.integrated_lufs,
        evidence=tuple(channel.finish() for channel in channels),
    )


def as_readings(clips: Sequence[Span], batch: ReadingBatch) -> tuple[Reading, ...]:
    """One reading per clip from the columns of a batch."""
    return tuple(
        Reading(
            span=span,
            emotion=EmotionState(
                probabilities=tuple(float(p) for p in batch.probabilities[i]),
                valence=float(batch.valence[i]),
                arousal=float(batch.arousal[i]),
                confidence=float(batch.confidence[i]),
            ),
            embedding=batch.embedding[i],
        )
        for i, span in enumerate(clips)
    )


def possible(loudness_lufs: float | None) -> float | None:
    """A loudness that a sheet may hold: what a decoder makes of damaged sound can be thousands of times full scale."""
    return None if loudness_lufs is None else min(loudness_lufs, LOUDEST_LUFS)


def clip_spans(spans: tuple[Span, ...], end_s: float) -> list[Span]:
    """Spans cut at the end of the picture, which the sound may outlast."""
    return [Span(span.start_s, min(span.end_s, end_s)) for span in spans if span.start_s < end_s]
