"""From a film to what its picture and its own sound say: one decode of each, side by side.

What was seen before is looked up in the analyses that are kept, by the film's bytes. Only where one of a film of this
very size is kept are the bytes read first; else they are hashed beside the decode, so a first run pays nothing.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.documents import scenesheet
from soundtrack.errors import DependencyError
from soundtrack.files import safe_read
from soundtrack.media.prefetch import beside
from soundtrack.media.reading.steady import is_steady, steady
from soundtrack.media.reading.subtitles import read_subtitles
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.film.album import is_album
from soundtrack.pipeline.film.cut_film import cut_film, is_edit, read_cut
from soundtrack.pipeline.film.draft import require_film, setup_for_draft, watch_draft
from soundtrack.pipeline.film.evidence_cache import EvidenceCache
from soundtrack.pipeline.film.faced import checked_weight, with_faces
from soundtrack.pipeline.film.photos import PHOTO_S, photo_scenes
from soundtrack.pipeline.film.said import with_subtitles
from soundtrack.pipeline.film.watch import Heard, Sight, as_readings, clip_spans, hear, possible, watch
from soundtrack.pipeline.ground.analysis_cache import AnalysisCache
from soundtrack.pipeline.ground.channel_list import FilmMaker, film_channels, make_channels, of_picture, of_sound
from soundtrack.pipeline.library.music import current_model, current_networks
from soundtrack.progress import Progress, no_progress
from soundtrack.settings import SceneSettings, ShotSettings
from soundtrack.types import ChannelSetup, Evidence, FilmRef, PictureChannel, SceneSheet, VideoInfo, WatchNote

if TYPE_CHECKING:
    from soundtrack.checkpoints.manifest import LocatedModel
    from soundtrack.checkpoints.trained import Networks
    from soundtrack.emotion.reader import Reader
    from soundtrack.emotion.space import JointSpace
    from soundtrack.emotion.video_config import VideoConfig
    from soundtrack.emotion.video_tower import VideoTower

CHANNEL_RATE_HZ = 16_000
"""Of the sound that channels get, in hertz."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What was seen and heard in a film, now or before."""

    sight: Sight
    """With all evidence."""
    heard: Heard
    """Without any."""
    identity: str
    """Fingerprint of the film."""
    is_new: bool
    """Whether some of it was not kept before."""


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
    seconds_per_image: float = PHOTO_S,
    subtitles: bool = True,
    faces: bool = True,
    face_weight: float = 0.0,
    draft: bool = False,
    progress: Progress = no_progress,
) -> SceneSheet:
    """Shots, scenes, readings and speech of a film, from one decode of the picture and one of the sound.

    Parameters
    ----------
    path : Path
        The film; or an edit (.otio, .fcpxml), a folder of photos, or one photo.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.
    decoder : {"auto", "pyav", "decord"}
        Who decodes the picture.
    cache : Path, optional
        Folder in which analyses are kept and looked up; without one, every film is watched.
    seconds_per_image : float > 0
        For how long each photo is shown.
    subtitles, faces : bool
        Whether subtitles in the film or beside it count; whether faces are looked for.
    face_weight : float
        Share of a scene's reading that clear faces have, in [0, 1].
    draft : bool
        Decode key frames only.

    Raises
    ------
    InputError
        The file is no film that can be read.
    ModelError
        The network is missing or damaged.
    UsageError
        A draft of photos or an edit, or by decord.
    """
    from soundtrack.media.reading.probe import probe

    watcher = Watcher(
        device=device,
        decoder=decoder,
        shot_settings=shot_settings,
        scene_settings=scene_settings,
        cache=cache,
        subtitles=subtitles,
        faces=faces,
        face_weight=face_weight,
        draft=draft,
    )
    path = as_on_disk(path)
    if draft:
        require_film(is_film=not is_album(path) and not is_edit(path), decoder=decoder)
    if is_edit(path):
        with cut_film(read_cut(path), progress=progress) as made:
            return made.seen_by(watcher, progress)
    if is_album(path):
        return photo_scenes(path, watcher, seconds_per_image=seconds_per_image, progress=progress).scenes
    return watcher.analyse(probe(path), progress=progress)


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
        subtitles: bool = True,
        faces: bool = True,
        face_weight: float = 0.0,
        draft: bool = False,
    ) -> None:
        self._device, self._draft, self._decoder = device, draft, decoder
        self._note = WatchNote(subtitles, faces, checked_weight(face_weight))
        self._shots = shot_settings or ShotSettings()
        self._scenes = scene_settings or SceneSettings()
        self._model = current_model()
        settings = {} if cache is None else self._settings()
        self._cache = None if cache is None else AnalysisCache(cache, settings)
        decoding = {name: settings[name] for name in settings.keys() & {"device", "decoder", "shots", "ffmpeg"}}
        self._evidence = None  # a draft leaves none, and does not use that of a full decode
        if cache is not None and not draft:
            self._evidence = EvidenceCache(cache / "evidence", {**decoding, "clips": self._setup.clips})

    def analyse(self, info: VideoInfo, *, progress: Progress = no_progress) -> SceneSheet:
        """The scene sheet of a film; see `analyse_video`."""
        with steady(info):
            sheet = self._noted(self._seen(info, progress))
        return scenesheet.rounded(with_subtitles(sheet, read_subtitles(info)) if self._note.subtitles else sheet)

    def _seen(self, info: VideoInfo, progress: Progress) -> SceneSheet:
        """The same from picture and sound alone, as it is kept."""
        path = info.path
        caches = [cache for cache in (self._cache, self._evidence) if cache is not None]
        if self._cache is None or not any(cache.may_have(path) for cache in caches):
            known_fingerprint = None
        else:
            known_fingerprint = fingerprint(path)
            kept = self._cache.find(path, known_fingerprint)
            if kept is not None:
                return kept
        found = self._watch(info, known_fingerprint, progress)
        sheet = self._sheet(info, found)
        if self._cache is not None and is_steady(info):  # else it is not known of which bytes this is the sheet
            self._cache.keep(path, sheet)
            if self._evidence is not None and found.is_new:
                self._evidence.keep(path, found.identity, found.sight, found.heard)
        return sheet

    def with_cuts(self, cuts_s: Sequence[float]) -> Watcher:
        """The same for a film whose cuts are known, film clock; nothing of it is kept."""
        other = copy.copy(self)
        other._shots, other._cache, other._evidence = replace(self._shots, cuts_s=tuple(cuts_s)), None, None
        return other

    @property
    def setup(self) -> ChannelSetup:
        """What the channels of a film are made with."""
        return self._setup

    def picture_channels(self, setup: ChannelSetup) -> list[PictureChannel]:
        """New channels for pictures that do not come from a film."""
        return of_picture(make_channels(self._makers, setup))

    def sheet(self, info: VideoInfo, sight: Sight, heard: Heard, identity: str) -> SceneSheet:
        """The sheet of what was seen, with its evidence, and heard elsewhere; the identity is a fingerprint."""
        return self._noted(self._sheet(info, _Found(sight, heard, identity, is_new=True)))

    def _noted(self, sheet: SceneSheet) -> SceneSheet:
        return replace(with_faces(sheet, self._note.face_weight), watched=self._note)

    @cached_property
    def _networks(self) -> Networks:
        return current_networks()

    @cached_property
    def _picture(self) -> LocatedModel:
        from soundtrack.checkpoints.manifest import find_model

        return find_model(self._networks.video)

    @cached_property
    def _config(self) -> VideoConfig:
        from soundtrack.checkpoints.manifest import read_config
        from soundtrack.emotion.video_config import parse_config

        return parse_config(read_config(self._picture), where=self._picture.folder)

    @cached_property
    def _setup(self) -> ChannelSetup:
        from soundtrack.emotion.seen.stills import stills_for

        setup = ChannelSetup(
            device=self._device,
            clips=self._config.clips,
            sample_rate_hz=CHANNEL_RATE_HZ,
            stills=stills_for(block.channel for block in self._config.head.blocks),
        )
        return setup_for_draft(setup) if self._draft else setup

    @cached_property
    def _makers(self) -> tuple[FilmMaker, ...]:
        return film_channels(self._picture, tower=lambda: self._tower, faces=self._note.faces)

    @cached_property
    def _space(self) -> JointSpace:
        from soundtrack.emotion.space import JointSpace

        space = JointSpace.load(self._networks.space)
        space.check_inputs(picture=self._config.head.n_columns)
        return space

    @cached_property
    def _tower(self) -> VideoTower:
        space = self._space
        from soundtrack.emotion.video_tower import VideoTower

        return VideoTower.load(self._networks.video, device=self._device, space=space)

    def _reader(self) -> Reader:
        """The head and its space, without the network where that was not needed."""
        if "_tower" in self.__dict__:
            return self._tower.reader
        space = self._space
        from soundtrack.emotion.video_tower import load_reader

        return load_reader(self._networks.video, space=space)

    def _settings(self) -> dict[str, object]:
        """Everything that has a say in an analysis but the film and the tool itself."""
        from soundtrack.checkpoints.manifest import find_model, read_config
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
            "draft": self._draft,
            "shots": self._shots,
            "scenes": self._scenes,
            "ffmpeg": ffmpeg,
        }

    def _watch(self, info: VideoInfo, known_fingerprint: str | None, progress: Progress) -> _Found:
        """What is kept of a film, and what is missing from the picture and the sound themselves."""
        from soundtrack.networks.runs.choice import load_library

        progress("watching", 0, int(info.duration_s))  # before the network is loaded, which takes a moment
        load_library(self._device)  # before the threads: what they import would wait for it, with Python's lock
        channels = make_channels(self._makers, self._setup)
        kept = None
        if known_fingerprint is not None and self._evidence is not None:
            kept = self._evidence.find(info.path, known_fingerprint, [made.channel for made in channels])
        before: dict[str, Evidence] = {} if kept is None else kept.evidence
        missing = [made for made in channels if made.channel.name not in before]
        watching, listening = of_picture(missing), of_sound(missing)
        unwanted = threading.Event()
        identity = beside(lambda: known_fingerprint or fingerprint(info.path))
        sound = None if kept is not None and not listening else beside(lambda: hear(info, listening, unwanted))
        try:
            sight = None
            if kept is None or watching:
                look = watch_draft if self._draft else partial(watch, decoder=self._decoder)
                sight = look(info, watching, setup=self._setup, shot_settings=self._shots, progress=progress)
        except BaseException:
            unwanted.set()
            raise
        heard = None if sound is None else sound()
        now = [one for part in (sight, heard) if part is not None for one in part.evidence]
        every = before | {one.channel.name: one for one in now}
        ordered = [c.channel.name for c in of_picture(channels)] + [c.channel.name for c in of_sound(channels)]
        seen, listened = (kept.sight, kept.heard) if kept is not None else (sight, heard)
        assert seen is not None
        assert listened is not None
        evidence = tuple(every[name] for name in ordered if name in every)
        return _Found(
            replace(seen, evidence=evidence),
            replace(listened, evidence=()),
            identity(),
            is_new=kept is None or bool(now),
        )

    def _sheet(self, info: VideoInfo, found: _Found) -> SceneSheet:
        """The sheet of what was seen and heard: all that a head and a space have a say in."""
        from soundtrack.channels import aligned
        from soundtrack.emotion.seen.derived import derived
        from soundtrack.video.scenes import group_scenes
        from soundtrack.video.visual_features import rows_of

        sight, heard = found.sight, found.heard
        film = FilmRef(
            name=info.path.name,
            duration_s=sight.duration_s,
            fps=info.fps,
            width_px=info.width_px,
            height_px=info.height_px,
            has_audio=info.main_audio is not None,
            fingerprint=found.identity,
            start_timecode=info.start_timecode,
        )
        reader = self._reader()
        shots = sight.shots if sight.edited else ()
        further = derived(sight.evidence, shots=shots, clips=sight.clips, wanted=reader.head.channels)
        evidence = (*sight.evidence, *further)
        blocks = {one.channel.name: aligned(one, sight.clips) for one in evidence}
        channels = [one.channel for one in evidence]
        readings = as_readings(sight.clips, reader.read(reader.known(channels, blocks)))
        speech = tuple(clip_spans(heard.speech, sight.duration_s))
        grouped = group_scenes(
            sight.shots,
            readings,
            numbers=rows_of(blocks),
            opinions=reader.opinions(channels, blocks),
            settings=self._scenes,
            speech=speech,
            music=clip_spans(heard.music, sight.duration_s),
            colours=sight.colours,
        )
        sheet = SceneSheet(
            film=film,
            model=self._model,
            shots=sight.shots,
            scenes=grouped.scenes,
            readings=readings,
            speech=speech,
            speech_lufs=possible(heard.speech_lufs),
            original_lufs=possible(heard.integrated_lufs),
            embeddings=grouped.embeddings,
            warnings=(*sight.warnings, *heard.warnings),
            draft=sight.draft,
        )
        return scenesheet.rounded(sheet)
