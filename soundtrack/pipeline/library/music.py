"""From folders of music to an index that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack import config, resources
from soundtrack.errors import Reason
from soundtrack.pipeline.ground.channel_list import installed_track_channels, require_different
from soundtrack.types import BoolArray, Channel, ChannelSetup, FloatArray, ModelRef, TrackChannel

if TYPE_CHECKING:
    from soundtrack.checkpoints.trained import Networks
    from soundtrack.emotion.music_projection import MusicProjection
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.library.heard import Heard, Listener
    from soundtrack.library.search.library_view import LibraryView
    from soundtrack.library.update.derive import Projection


_NEEDED = (
    "soundtrack.pipeline.library.music",
    "soundtrack.library.update.listen",
    "soundtrack.emotion.music_tower",
    "soundtrack.audio.music.analyse",
    "soundtrack.audio.mel",
    "soundtrack.audio.voices.speech",
    "soundtrack.audio.voices.music_detection",
    "soundtrack.media.reading.packets",
    "av",
    "platformdirs",
    "safetensors.numpy",
    "scipy.fft",
    "scipy.ndimage",
    "tinytag",
)


def needed(device: str) -> tuple[str, ...]:
    """What every listening process imports."""
    from soundtrack.networks.runs.choice import modules_of_music

    return (*_NEEDED, *modules_of_music(device))


def current_model() -> ModelRef:
    """The networks in use: whatever they make can only be compared with what they made."""
    from soundtrack.emotion.space import space_ref

    return space_ref(current_networks().space)


def current_networks() -> Networks:
    """The models in use: as asked for by ``--model``, SOUNDTRACK_MODEL or the configuration, else the embedded ones.

    Raises
    ------
    ModelError
        There is no such model.
    """
    from soundtrack.checkpoints.trained import networks_of
    from soundtrack.emotion.space import MODEL

    return networks_of(config.load_config().model or MODEL)


def index_dir(explicit: Path | None) -> Path:
    """Folder of the library index: as asked for, else by SOUNDTRACK_INDEX or the configuration, else the user's own."""
    return explicit or config.load_config().index or resources.user_index_dir()


def make_listener(device: str) -> Listener:
    """What a worker process listens with; called once in each."""
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.space import JointSpace
    from soundtrack.library.update.listen import listen

    networks = current_networks()
    space = JointSpace.load(networks.space)
    tower = MusicTower.load(networks.music, device=device, space=space)
    space.check_inputs(music=tower.head.n_columns)
    rest = installed_track_channels(partial(_setup, networks, device, tower.config.mel.sample_rate_hz))
    return partial(listen, reader=_Reader(tower, rest))


def music_projection() -> MusicProjection:
    """From the evidence of tracks to readings by the networks in use; no network is loaded.

    Raises
    ------
    ModelError
        A model is missing or damaged.
    """
    from soundtrack.emotion.music_projection import MusicProjection

    networks = current_networks()
    return MusicProjection.load(networks.music, networks.space)


def music_channels(device: str = "auto", own: tuple[Channel, ...] | None = None) -> tuple[Channel, ...]:
    """The channels that analyse tracks: those of the networks in use, then those of other packages.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where the channels of other packages run.
    own : tuple of Channel, optional
        Those of the networks in use, where they are known already; else their weights are read.

    Raises
    ------
    DependencyError
        One of another package cannot be made, or two have one name.
    ModelError
        A model is missing or damaged.
    """
    from soundtrack.checkpoints.manifest import find_model, read_config
    from soundtrack.emotion.music_config import MusicTowerConfig
    from soundtrack.emotion.music_projection import channels_of

    networks = current_networks()
    rate_hz = MusicTowerConfig.from_dict(read_config(find_model(networks.music))).mel.sample_rate_hz
    rest = installed_track_channels(partial(_setup, networks, device, rate_hz))
    found = (*(channels_of(networks.music) if own is None else own), *(made.channel for made in rest))
    require_different(found)
    return found


def _setup(networks: Networks, device: str, sample_rate_hz: int) -> ChannelSetup:
    """What channels of other packages are made with."""
    from soundtrack.checkpoints.manifest import find_model, read_config
    from soundtrack.emotion.video_config import parse_config

    picture = find_model(networks.video)
    clips = parse_config(read_config(picture), where=picture.folder).clips
    return ChannelSetup(device=device, clips=clips, sample_rate_hz=sample_rate_hz)


def read_music(path: Path, device: str = "auto") -> Heard:
    """What listening says about one file, without any index.

    Raises
    ------
    InputError
        It cannot be used; `reason` says why.
    """
    from soundtrack.library.update.workers import Workers
    from soundtrack.media.opening import refusal

    with Workers(partial(make_listener, device), jobs=1, imports=needed(device)) as workers:
        (outcome,) = workers.listen([path], wanted=lambda _: True)
    if outcome.heard is None:
        reason = outcome.reason or Reason.CRASHED
        raise refusal(path, reason, detail=outcome.message.removeprefix(f"{path}: "))
    return outcome.heard


def open_library(folder: Path | None, *, allow_spoken: bool = False, everything: bool = False) -> LibraryView:
    """The library index, ready for searching.

    Parameters
    ----------
    folder : Path, optional
        Where the index lies.
    allow_spoken : bool
        Offer spoken word like music, whatever the rules of the index say.
    everything : bool
        Offer what the rules leave out as well, as for a cue sheet that was written before.

    Raises
    ------
    LibraryError
        There is none, it is empty or damaged, or another model made it.
    """
    from soundtrack.library.advice import OtherModelError
    from soundtrack.library.search.library_view import open_library as open_view
    from soundtrack.library.search.rules import EVERYTHING
    from soundtrack.library.store.store import open_store
    from soundtrack.library.update.fill import can_adopt

    rules = EVERYTHING if everything else None
    try:
        return open_view(index_dir(folder), model=current_model(), rules=rules, allow_spoken=allow_spoken)
    except OtherModelError as error:
        with open_store(index_dir(folder)) as store:
            if not can_adopt(store, music_projection().channels):
                raise
            made_by = store.model()
        raise OtherModelError.between(index_dir(folder), made_by, current_model(), is_adoptable=True) from error


class _Reader:
    """The networks as the library sees them."""

    def __init__(self, tower: MusicTower, rest: Sequence[TrackChannel]) -> None:
        from soundtrack.emotion.music_tower import HeardTrack, track_channels

        self._tower = tower
        self._track = HeardTrack(tower)
        self.sample_rate_hz: int = tower.config.mel.sample_rate_hz
        self.channels: tuple[TrackChannel, ...] = (*track_channels(self._track), *rest)
        self.projection: Projection = tower.projection

    def voices(self, samples: FloatArray) -> BoolArray | None:
        """Where a track has singing or speech; None at a rate that the voice network cannot hear."""
        from soundtrack.audio.voices.speech import voice_windows
        from soundtrack.audio.voices.voice import SAMPLE_RATE_HZ

        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            return None
        _, patches = self._track.hear(samples)
        return voice_windows(samples if self._tower.may_hold_voice(patches) else samples[:0])
