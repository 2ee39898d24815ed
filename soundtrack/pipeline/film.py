"""From a film to what its picture and its own sound say: one decode of each, side by side.

What was seen before is looked up in the analyses that are kept, by the film's bytes. Only where one of a film of this
very size is kept are the bytes read first; else they are hashed beside the decode, so a first run pays nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack import safe_read
from soundtrack.errors import DependencyError
from soundtrack.media.ahead import beside
from soundtrack.names import as_on_disk
from soundtrack.pipeline.analysis_cache import AnalysisCache
from soundtrack.pipeline.channel_list import FilmMaker, film_channels, make_channels, of_picture, of_sound
from soundtrack.pipeline.music import current_model, current_networks
from soundtrack.pipeline.progress import Progress, no_progress
from soundtrack.pipeline.watch import Heard, Sight, hear, watch
from soundtrack.settings import SceneSettings, ShotSettings
from soundtrack.types import (
    ChannelSetup,
    EmotionState,
    FilmRef,
    Reading,
    ReadingBatch,
    SceneSheet,
    Span,
    VideoInfo,
)

if TYPE_CHECKING:
    from soundtrack.emotion.manifest import LocatedModel
    from soundtrack.emotion.space import JointSpace
    from soundtrack.emotion.trained import Networks
    from soundtrack.emotion.video_config import VideoConfig
    from soundtrack.emotion.video_tower import VideoTower

CHANNEL_RATE_HZ = 16_000
"""Of the sound that channels get, in hertz."""
LOUDEST_LUFS = 20.0
"""No sound is louder, and no sheet may say so."""


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
    def _networks(self) -> Networks:
        return current_networks()

    @cached_property
    def _picture(self) -> LocatedModel:
        from soundtrack.emotion.manifest import find_model

        return find_model(self._networks.video)

    @cached_property
    def _config(self) -> VideoConfig:
        from soundtrack.emotion.manifest import read_config
        from soundtrack.emotion.video_config import parse_config

        return parse_config(read_config(self._picture), where=self._picture.folder)

    @cached_property
    def _setup(self) -> ChannelSetup:
        return ChannelSetup(device=self._device, clips=self._config.clips, sample_rate_hz=CHANNEL_RATE_HZ)

    @cached_property
    def _makers(self) -> tuple[FilmMaker, ...]:
        return film_channels(self._picture, tower=lambda: self._tower)

    @cached_property
    def _space(self) -> JointSpace:
        from soundtrack.emotion.space import JointSpace

        space = JointSpace.load(self._networks.space)
        space.check_inputs(picture=self._config.n_features + self._config.n_film)
        return space

    @cached_property
    def _tower(self) -> VideoTower:
        space = self._space
        from soundtrack.emotion.video_tower import VideoTower

        return VideoTower.load(self._networks.video, device=self._device, space=space)

    def _settings(self) -> dict[str, object]:
        """Everything that has a say in an analysis but the film and the tool itself."""
        from soundtrack.emotion.manifest import find_model, read_config
        from soundtrack.media.locate import ffmpeg_path, ffmpeg_version

        space = read_config(find_model(self._networks.space))
        ffmpeg = None
        with contextlib.suppress(DependencyError):  # films without sound do without
            ffmpeg = ffmpeg_version(ffmpeg_path())
        return {
            "model": self._model,
            "space": space,
            "picture": read_config(self._picture),
            "channels": [made.channel for made in make_channels(self._makers, self._setup)],
            "device": self._device,
            "decoder": self._decoder,
            "shots": self._shots,
            "scenes": self._scenes,
            "ffmpeg": ffmpeg,
        }

    def _watch(self, info: VideoInfo, known_fingerprint: str | None, progress: Progress) -> SceneSheet:
        """The sheet from the picture and the sound themselves."""
        from soundtrack.emotion.loading import load_torch_library

        progress("watching", 0, int(info.duration_s))  # before the network is loaded, which takes a moment
        load_torch_library()  # before the threads: what they import would wait for it, with Python's lock
        unwanted = threading.Event()
        channels = make_channels(self._makers, self._setup)
        watching, listening = of_picture(channels), of_sound(channels)
        identity = beside(lambda: known_fingerprint or fingerprint(info.path))
        sound = beside(lambda: hear(info, listening, unwanted))
        try:
            sight = watch(
                info,
                watching,
                clips=self._setup.clips,
                decoder=self._decoder,
                shot_settings=self._shots,
                progress=progress,
            )
        except BaseException:
            unwanted.set()
            raise
        return self._sheet(info, sight, sound(), identity())

    def _sheet(self, info: VideoInfo, sight: Sight, heard: Heard, identity: str) -> SceneSheet:
        """The sheet of what was seen and heard: all that a head and a space have a say in."""
        from soundtrack import scenesheet
        from soundtrack.channels import aligned
        from soundtrack.video.film import rows_of
        from soundtrack.video.scenes import group_scenes

        film = FilmRef(
            name=info.path.name,
            duration_s=sight.duration_s,
            fps=info.fps,
            width_px=info.width_px,
            height_px=info.height_px,
            has_audio=info.main_audio is not None,
            fingerprint=identity,
            start_timecode=info.start_timecode,
        )
        evidence = (*sight.evidence, *heard.evidence)
        blocks = {found.channel.name: aligned(found, sight.clips) for found in evidence}
        reader = self._tower.reader
        readings = _as_readings(sight.clips, reader.read(blocks))
        speech = tuple(_clip_spans(heard.speech, sight.duration_s))
        grouped = group_scenes(
            sight.shots,
            readings,
            numbers=rows_of(blocks),
            opinions=reader.opinions([found.channel for found in evidence], blocks),
            settings=self._scenes,
            speech=speech,
            music=_clip_spans(heard.music, sight.duration_s),
        )
        sheet = SceneSheet(
            film=film,
            model=self._model,
            shots=sight.shots,
            scenes=grouped.scenes,
            readings=readings,
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


def _as_readings(clips: Sequence[Span], batch: ReadingBatch) -> tuple[Reading, ...]:
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


def _clip_spans(spans: tuple[Span, ...], end_s: float) -> list[Span]:
    """Spans cut at the end of the picture, which the sound may outlast."""
    return [Span(span.start_s, min(span.end_s, end_s)) for span in spans if span.start_s < end_s]
