"""From a film to what its picture and its own sound say: one decode of each, side by side.

What was seen before is looked up in the analyses that are kept, by the film's bytes. Only where one of a film of this
very size is kept are the bytes read first; else they are hashed beside the decode, so a first run pays nothing.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack import safe_read
from soundtrack.errors import DependencyError
from soundtrack.media.ahead import beside
from soundtrack.names import as_on_disk
from soundtrack.pipeline.analysis_cache import AnalysisCache
from soundtrack.pipeline.music import current_model, current_networks
from soundtrack.pipeline.progress import Progress, no_progress
from soundtrack.settings import MIX_RATE_HZ, SceneSettings, ShotSettings
from soundtrack.types import (
    Clip,
    EmotionState,
    FilmRef,
    FloatArray,
    Reading,
    ReadingBatch,
    SceneSheet,
    Shot,
    Span,
    VideoInfo,
)

if TYPE_CHECKING:
    from soundtrack.emotion.video_tower import VideoTower

CLIPS_AT_ONCE = 8
"""Clips that go through the network together: 8 x 16 frames of 112 px are 5 MB."""
SOUND_BLOCK_S = 10.0
"""Seconds of the film's sound in memory at a time."""


LOUDEST_LUFS = 20.0
"""No sound is louder, and no sheet may say so."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the picture says."""

    shots: tuple[Shot, ...]
    readings: tuple[Reading, ...]
    numbers: tuple[FloatArray, ...]
    duration_s: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the film's own sound says."""

    speech: tuple[Span, ...] = ()
    music: tuple[Span, ...] = ()
    speech_lufs: float | None = None
    integrated_lufs: float | None = None
    warnings: tuple[str, ...] = ()


def fingerprint(path: Path) -> str:
    """``sha256:<hex>`` of a file's bytes, read in pieces."""
    return f"sha256:{safe_read.sha256(path)}"


def analyse_video(
    path: Path,
    *,
    device: str = "auto",
    decoder: str = "auto",
    shot_settings: ShotSettings | None = None,
    scene_settings: SceneSettings | None = None,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> SceneSheet:
    """Shots, scenes, readings and speech of a film, from one decode of the picture and one of the sound.

    Parameters
    ----------
    path : Path
        The film.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.
    decoder : {"auto", "pyav", "decord"}
        Who decodes the picture.
    cache : Path, optional
        Folder in which analyses are kept and looked up; without one, every film is watched.

    Raises
    ------
    InputError
        The file is no film that can be read.
    ModelError
        The network is missing or damaged.
    """
    from soundtrack.media.probe import probe

    watcher = Watcher(
        device=device, decoder=decoder, shot_settings=shot_settings, scene_settings=scene_settings, cache=cache
    )
    return watcher.analyse(probe(as_on_disk(path)), progress=progress)


class Watcher:
    """Watches films one after the other, with a network that is loaded once, and only if a film needs it.

    Parameters are those of `analyse_video`.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        decoder: str = "auto",
        shot_settings: ShotSettings | None = None,
        scene_settings: SceneSettings | None = None,
        cache: Path | None = None,
    ) -> None:
        self._device = device
        self._decoder = decoder
        self._shots = shot_settings or ShotSettings()
        self._scenes = scene_settings or SceneSettings()
        self._model = current_model()
        self._cache = None if cache is None else AnalysisCache(cache, self._settings())

    def analyse(self, info: VideoInfo, *, progress: Progress = no_progress) -> SceneSheet:
        """The scene sheet of a film; see `analyse_video`."""
        path = info.path
        if self._cache is None or not self._cache.may_have(path):
            known_fingerprint = None
        else:
            known_fingerprint = fingerprint(path)
            kept = self._cache.find(path, known_fingerprint)
            if kept is not None:
                return kept
        before = _state(path)
        sheet = self._watch(info, known_fingerprint, progress)
        if self._cache is not None and before == _state(path):  # else it is not known of which bytes this is the sheet
            self._cache.keep(path, sheet)
        return sheet

    @cached_property
    def _tower(self) -> VideoTower:
        from soundtrack.emotion.loading import load_torch_library

        load_torch_library()
        from soundtrack.emotion.space import JointSpace
        from soundtrack.emotion.video_tower import VideoTower

        networks = current_networks()
        space = JointSpace.load(networks.space)
        tower = VideoTower.load(networks.video, device=self._device, space=space)
        space.check_inputs(video=tower.config.n_features + tower.config.n_film)
        return tower

    def _settings(self) -> dict[str, object]:
        """Everything that has a say in an analysis but the film and the tool itself."""
        from soundtrack.emotion.manifest import find_model, read_config
        from soundtrack.media.locate import ffmpeg_path, ffmpeg_version

        space = read_config(find_model(current_networks().space))
        ffmpeg = None
        with contextlib.suppress(DependencyError):  # films without sound do without
            ffmpeg = ffmpeg_version(ffmpeg_path())
        return {
            "model": self._model,
            "space": space,
            "picture": read_config(find_model(str(space.get("video")))),
            "device": self._device,
            "decoder": self._decoder,
            "shots": self._shots,
            "scenes": self._scenes,
            "ffmpeg": ffmpeg,
        }

    def _watch(self, info: VideoInfo, known_fingerprint: str | None, progress: Progress) -> SceneSheet:
        """The sheet from the picture and the sound themselves."""
        from soundtrack import scenesheet
        from soundtrack.video.scenes import group_scenes

        progress("watching", 0, int(info.duration_s))  # before the network is loaded, which takes a moment
        unwanted = threading.Event()
        identity = beside(lambda: known_fingerprint or fingerprint(info.path))
        sound = beside(lambda: _hear(info, unwanted))
        try:
            sight = _watch(info, self._tower, decoder=self._decoder, shot_settings=self._shots, progress=progress)
        except BaseException:
            unwanted.set()
            raise
        heard = sound()
        film = FilmRef(
            name=info.path.name,
            duration_s=sight.duration_s,
            fps=info.fps,
            width_px=info.width_px,
            height_px=info.height_px,
            has_audio=info.main_audio is not None,
            fingerprint=identity(),
            start_timecode=info.start_timecode,
        )
        speech = tuple(_clip_spans(heard.speech, sight.duration_s))
        grouped = group_scenes(
            sight.shots,
            sight.readings,
            numbers=sight.numbers,
            settings=self._scenes,
            speech=speech,
            music=_clip_spans(heard.music, sight.duration_s),
        )
        sheet = SceneSheet(
            film=film,
            model=self._model,
            shots=sight.shots,
            scenes=grouped.scenes,
            readings=sight.readings,
            speech=speech,
            speech_lufs=_possible(heard.speech_lufs),
            original_lufs=_possible(heard.integrated_lufs),
            embeddings=grouped.embeddings,
            warnings=(*sight.warnings, *heard.warnings),
        )
        return scenesheet.rounded(sheet)


def _possible(loudness_lufs: float | None) -> float | None:
    """A loudness that a sheet may hold: what a decoder makes of damaged sound can be thousands of times full scale."""
    return None if loudness_lufs is None else min(loudness_lufs, LOUDEST_LUFS)


def _state(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from what it was a moment ago: inode, size, time of change; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _watch(
    info: VideoInfo, tower: VideoTower, *, decoder: str, shot_settings: ShotSettings, progress: Progress
) -> _Sight:
    """Shots and readings from one pass over the picture; memory does not grow with the film but for its readings."""
    from soundtrack.video.clips import ClipSampler
    from soundtrack.video.decode import iter_frames
    from soundtrack.video.film import clip_numbers
    from soundtrack.video.frames import DecodeReport
    from soundtrack.video.shots import ShotDetector

    config = tower.config
    report = DecodeReport()
    detector = ShotDetector(shot_settings)
    sampler = ClipSampler(
        n_frames=config.n_frames, frame_rate_hz=config.frame_rate_hz, stride_s=config.stride_s, side_px=config.side_px
    )
    readings: list[Reading] = []
    numbers: list[FloatArray] = []
    waiting: list[Clip] = []

    last: list[Clip] = []

    def read(clips: list[Clip]) -> None:
        is_new = [not _is_same_still(before, clip) for before, clip in pairwise([*last, *clips])]
        is_new = [True] * (len(clips) - len(is_new)) + is_new  # the very first clip has none before it
        fresh = [clip for clip, new in zip(clips, is_new, strict=True) if new]
        rows = [clip_numbers(clip.frames) for clip in fresh]
        read_now: list[Reading] = []
        if fresh:
            batch = tower.read(np.stack([clip.frames for clip in fresh]), np.stack(rows))
            read_now = _as_readings(fresh, batch)
        found = zip(read_now, rows, strict=True)
        for clip, new in zip(clips, is_new, strict=True):
            reading, row = next(found) if new else (replace(readings[-1], span=clip.span), numbers[-1])
            readings.append(reading)
            numbers.append(row)
        last[:] = clips[-1:]

    total = int(info.duration_s)
    for batch in iter_frames(info, side_px=config.side_px, decoder=decoder, report=report):
        detector.push(batch)
        waiting.extend(sampler.push(batch))
        while len(waiting) >= CLIPS_AT_ONCE:
            read(waiting[:CLIPS_AT_ONCE])
            del waiting[:CLIPS_AT_ONCE]
        progress("watching", min(total, int(batch.times_s[-1])), total)
    waiting.extend(sampler.finish(report.duration_s))
    for start in range(0, len(waiting), CLIPS_AT_ONCE):
        read(waiting[start : start + CLIPS_AT_ONCE])
    return _Sight(
        shots=tuple(detector.finish(report.duration_s)),
        readings=tuple(readings),
        numbers=tuple(numbers),
        duration_s=report.duration_s,
        warnings=tuple(report.warnings),
    )


def _is_same_still(before: Clip, clip: Clip) -> bool:
    """Whether a clip goes on showing the one frame that the clip before it showed."""
    are_stills = before.frames.strides[0] == clip.frames.strides[0] == 0
    return are_stills and np.array_equal(before.frames[0], clip.frames[0])


def _as_readings(clips: list[Clip], batch: ReadingBatch) -> list[Reading]:
    """One reading per clip from the columns of a batch."""
    return [
        Reading(
            span=clip.span,
            emotion=EmotionState(
                probabilities=tuple(float(p) for p in batch.probabilities[i]),
                valence=float(batch.valence[i]),
                arousal=float(batch.arousal[i]),
                confidence=float(batch.confidence[i]),
            ),
            embedding=batch.embedding[i],
        )
        for i, clip in enumerate(clips)
    ]


def _hear(info: VideoInfo, unwanted: threading.Event) -> _Heard:
    """Speech, music and loudness from one pass over the film's main sound; nothing once that is unwanted."""
    from soundtrack.audio.downsample import Downsampler
    from soundtrack.audio.loudness import LoudnessMeter
    from soundtrack.audio.own_music import MusicDetector
    from soundtrack.audio.speech import SpeechDetector
    from soundtrack.audio.voice import SAMPLE_RATE_HZ
    from soundtrack.errors import InputError
    from soundtrack.media.audio import iter_audio

    if info.main_audio is None:
        return _Heard()
    meter = LoudnessMeter(sample_rate_hz=MIX_RATE_HZ, true_peak=False)
    detector, music = SpeechDetector(), MusicDetector()
    down = Downsampler(MIX_RATE_HZ, SAMPLE_RATE_HZ)
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
                return _Heard()
            meter.push(block)
            (mono,) = down.push(block.mean(axis=0))
            detector.push(mono)
            music.push(mono)
        (rest,) = down.finish()
        detector.push(rest)
        music.push(rest)
    except InputError as error:
        return _Heard(warnings=(f"the film's own sound cannot be read and is left out of the analysis: {error}",))
    speech = tuple(detector.finish())
    loudness = meter.result()
    return _Heard(
        speech=speech,
        music=tuple(music.finish()),
        speech_lufs=meter.loudness_inside(speech) if speech else None,
        integrated_lufs=loudness.integrated_lufs,
    )


def _clip_spans(spans: tuple[Span, ...], end_s: float) -> list[Span]:
    """Spans cut at the end of the picture, which the sound may outlast."""
    return [Span(span.start_s, min(span.end_s, end_s)) for span in spans if span.start_s < end_s]
