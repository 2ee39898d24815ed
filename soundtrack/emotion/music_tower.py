"""Music side: spans of a mel spectrogram to readings in the joint space.

Goes in: the spectrogram of a whole track (`soundtrack.audio.mel.log_mel`) and the stretches of interest. Comes out: one
row of a `ReadingBatch` per stretch. Patches of about a second are read once over the whole track; a stretch is the mean
and spread of the patches that start inside it, beside numbers about its harmony. Silence reads as neutral, unsure.
Where the network runs in bf16 (`soundtrack.networks.runs`), its vectors keep a cosine above 0.999 with those of
float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from soundtrack.audio.mel import log_mel
from soundtrack.audio.music.tonal import tonal_numbers
from soundtrack.audio.pitch import FRAMES_PER_S
from soundtrack.checkpoints.manifest import LocatedModel
from soundtrack.emotion.head import Head
from soundtrack.emotion.head_file import PREFIX
from soundtrack.emotion.music_channels import NETWORK, music_channels
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_head import head_form
from soundtrack.emotion.music_projection import MusicProjection, Space
from soundtrack.emotion.space import JointSpace
from soundtrack.networks.mel_config import expected_shapes
from soundtrack.networks.runs.choice import MusicRun
from soundtrack.networks.runs.openvino_core import attempt, runs_networks
from soundtrack.types import Channel, Evidence, FloatArray, ReadingBatch, Span, TimeArray, TrackChannel

MODEL = "mel-emotion"
"""Name of the embedded model."""
_NETWORK = "cnn."
_GAP_S = 0.1
"""Stretches further apart than this are not read in one context, in seconds."""


@dataclass(frozen=True, slots=True)
class SoundShares:
    """What kind of sound each patch is, each on its own in [0, 1]."""

    times_s: TimeArray = field(repr=False, compare=False)
    """Middle of each patch, in seconds, shape (n,)."""
    speech: FloatArray = field(repr=False, compare=False)
    """Chance of speech, shape (n,)."""
    singing: FloatArray = field(repr=False, compare=False)
    """Chance of singing, shape (n,)."""
    music: FloatArray = field(repr=False, compare=False)
    """Chance of music, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Patches:
    """All patches of a track, as the network hears them."""

    centres: TimeArray = field(repr=False, compare=False)
    """Middle of each patch, in seconds, shape (n,)."""
    features: FloatArray = field(repr=False, compare=False)
    """Square roots of its features, shape (n, n_features)."""
    sounds: FloatArray = field(repr=False, compare=False)
    """Log-odds of the kinds of sound, shape (n, n_sounds)."""
    audible: FloatArray = field(repr=False, compare=False)
    """1, or 0 where there is silence, shape (n,)."""


class MusicTower:
    """The network, its head and its way into the joint space.

    Parameters
    ----------
    config : MusicTowerConfig
        Numbers that belong to the weights.
    arrays : mapping of name to ndarray
        Weights of the network, under the names of `mel_config.expected_shapes`.
    run : MusicRun
        The network itself.
    head : Head
        With its weights.
    space : Space
        Where the embeddings live.
    model : LocatedModel, optional
        Where it came from.
    """

    def __init__(
        self,
        config: MusicTowerConfig,
        *,
        arrays: Mapping[str, FloatArray],
        run: MusicRun,
        head: Head,
        space: Space,
        model: LocatedModel | None = None,
    ) -> None:
        self.config = config
        self.model = model
        self.arrays = arrays
        self.channels = music_channels(config, {f"{_NETWORK}{name}": array for name, array in arrays.items()})
        self.projection = MusicProjection(head, space, self.channels)
        self.run = run

    @classmethod
    def load(cls, name: str = MODEL, *, device: str = "auto", space: Space | None = None) -> MusicTower:
        """The tower of a model at hand.

        Parameters
        ----------
        name : str
            Of a music network at hand, or of the joint space that it belongs to.
        device : str
            ``auto``, ``cpu`` or ``cuda``.
        space : Space, optional
            Instead of the joint space that belongs to the model.

        Raises
        ------
        ModelError
            The model is missing or damaged.
        """
        from soundtrack.checkpoints.arrays import check_shapes, load_arrays
        from soundtrack.checkpoints.manifest import read_config
        from soundtrack.checkpoints.trained import find_network, space_of

        model = find_network(name, role="music")
        document = read_config(model)
        config = MusicTowerConfig.from_dict(document)
        every = load_arrays(model)
        form = head_form(document, config, where=model.folder)
        expected = {f"{_NETWORK}{k}": shape for k, shape in expected_shapes(config.cnn).items()}
        arrays = {k: v for k, v in every.items() if not k.startswith(PREFIX)}
        check_shapes(arrays, expected, where=model.weights)
        arrays = {k.removeprefix(_NETWORK): v for k, v in arrays.items()}
        head = form.head(
            {k.removeprefix(PREFIX): v for k, v in every.items() if k.startswith(PREFIX)}, where=model.weights
        )
        if space is None:
            joint = JointSpace.load(space_of(model.entry.name))
            joint.check_inputs(music=form.n_columns)
            space = joint
        run = music_run(arrays, config, device=device)
        return cls(config, arrays=arrays, run=run, head=head, space=space, model=model)

    @property
    def name(self) -> str:
        """Of the model; ``untrained`` where it came from none."""
        return self.model.entry.name if self.model is not None else "untrained"

    @property
    def head(self) -> Head:
        """From evidence to mood."""
        return self.projection.head

    @property
    def space(self) -> Space:
        """Where the vectors live."""
        return self.projection.space

    def read(self, mel: FloatArray, spans: Sequence[Span], *, patches: Patches | None = None) -> ReadingBatch:
        """Readings of stretches of a track.

        Parameters
        ----------
        mel : ndarray, shape=(n_mels + n_pitches, frames), float32
            Of the whole track, by ``log_mel(samples, tower.config.mel)``.
        spans : sequence of Span
            Stretches of interest, track clock; those that adjoin are read in their context.
        patches : Patches, optional
            From `take_patches`, where the track was heard already.

        Returns
        -------
        ReadingBatch
            One row per stretch.
        """
        breaks = [
            i for i, (one, other) in enumerate(pairwise(spans), start=1) if abs(other.start_s - one.end_s) > _GAP_S
        ]
        counts = np.diff([0, *breaks, len(spans)]).tolist()
        return self.projection.read(self.observe(mel, spans, patches=patches), counts)

    def observe(
        self, mel: FloatArray, spans: Sequence[Span], *, patches: Patches | None = None
    ) -> dict[str, FloatArray]:
        """Raw evidence of stretches of a track by the name of the channel, as `projection` reads it.

        Parameters
        ----------
        mel, spans, patches
            As in `read`.

        Returns
        -------
        dict of name to ndarray, shape=(n, dim), float32
            One row per stretch.
        """
        patches = self.take_patches(mel) if patches is None else patches
        return {channel.name: self.observe_one(channel.name, mel, patches, spans) for channel in self.channels}

    def observe_one(self, name: str, mel: FloatArray, patches: Patches, spans: Sequence[Span]) -> FloatArray:
        """Raw evidence of one channel, by its name; else as `observe`."""
        dim = next(channel.dim for channel in self.channels if channel.name == name)
        if name == NETWORK:
            rows = [self._pooled(patches, span) for span in spans]
        else:
            rows = [self._harmony(mel, span) for span in spans]
        return np.array(rows, np.float32).reshape(len(spans), dim)

    def hear(self, mel: FloatArray, spans: Sequence[Span]) -> dict[str, FloatArray]:
        """What the head gets for each stretch, by channel, shapes (n, dim): for training and evaluation."""
        return self.projection.inputs(self.observe(mel, spans))[0]

    def may_hold_voice(self, patches: Patches) -> bool:
        """Whether a track may contain voices; cheap to ask before the voice network listens."""
        shares = self.sound_shares(patches)
        return max(float(shares.speech.max()), float(shares.singing.max())) >= self.config.no_voice_under

    def sound_shares(self, patches: Patches) -> SoundShares:
        """Speech, singing and music in each of some patches."""
        chances = 1 / (1 + np.exp(-patches.sounds.astype(np.float64)))

        def most(classes: tuple[int, ...]) -> FloatArray:
            if not classes:
                return np.zeros(len(chances), np.float32)
            return np.asarray(chances[:, list(classes)].max(axis=1) * patches.audible, np.float32)

        config = self.config
        return SoundShares(
            times_s=patches.centres,
            speech=most(config.speech),
            singing=most(config.singing),
            music=most(config.music),
        )

    def take_patches(self, mel: FloatArray) -> Patches:
        """Features of every patch of a track, from its spectrogram of shape (n_mels + n_pitches, frames)."""
        config = self.config
        rows = config.mel.n_mels + config.mel.n_pitches
        if mel.ndim != 2 or mel.shape[0] != rows or mel.shape[1] < 1:
            raise ValueError(f"mel must have shape ({rows}, at least 1), got {mel.shape}")
        width = config.cnn.patch_frames
        bands = np.ascontiguousarray(mel[: config.mel.n_mels].T, dtype=np.float32)  # (frames, n_mels)
        if len(bands) < width:
            bands = np.pad(bands, ((0, width - len(bands)), (0, 0)), mode="edge")
        starts = np.arange(0, len(bands) - width + 1, config.hop_frames)
        windows = np.lib.stride_tricks.sliding_window_view(bands, width, axis=0)[:: config.hop_frames]
        features, sounds = self.run.features(windows.swapaxes(1, 2))  # (starts, width, n_mels)
        levels = np.array([bands[s : s + width].mean() for s in starts])
        return Patches(
            centres=np.asarray((starts + width / 2) / config.mel.frames_per_s, np.float64),
            features=np.sqrt(features),
            sounds=sounds,
            audible=(levels > config.silence_level).astype(np.float32),
        )

    def _inside(self, patches: Patches, span: Span) -> npt.NDArray[np.int64]:
        """Indices of the patches whose middle is in the stretch, else of the nearest one."""
        found = np.flatnonzero((patches.centres >= span.start_s) & (patches.centres < span.end_s))
        if len(found):
            return found
        middle = (span.start_s + span.end_s) / 2
        return np.array([np.abs(patches.centres - middle).argmin()], np.int64)

    def _pooled(self, patches: Patches, span: Span) -> FloatArray:
        """Mean and spread of the audible patches' features, and the share of patches that are audible."""
        inside = self._inside(patches, span)
        heard = inside[patches.audible[inside] > 0]
        features = patches.features[heard if len(heard) else inside]
        audible = patches.audible[inside].mean(keepdims=True)
        return np.concatenate([features.mean(axis=0), features.std(axis=0), audible]).astype(np.float32)

    def _harmony(self, mel: FloatArray, span: Span) -> FloatArray:
        """The numbers about harmony of a stretch."""
        settings = self.config.mel
        step = round(settings.frames_per_s / FRAMES_PER_S)
        first = min(int(span.start_s * settings.frames_per_s), mel.shape[1] - 1) // step * step
        last = max(first + 1, int(span.end_s * settings.frames_per_s))
        return tonal_numbers(mel[settings.n_mels :, first:last:step])


def music_run(arrays: Mapping[str, FloatArray], config: MusicTowerConfig, *, device: str) -> MusicRun:
    """The music network, run by what suits the device.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        Its weights, as `mel_config.expected_shapes` names them.
    config : MusicTowerConfig
        Numbers that belong to them.
    device : {"auto", "cpu", "cuda"}
        As asked for.
    """
    if runs_networks(device):
        from soundtrack.networks.runs.music_openvino import OpenVinoMusic

        if (run := attempt(lambda: OpenVinoMusic(arrays, config.cnn))) is not None:
            return run
    from soundtrack.networks.devices import choose_device
    from soundtrack.networks.mel_cnn import network_of
    from soundtrack.networks.runs.music_torch import TorchMusic

    return TorchMusic(network_of(arrays, config.cnn), device=choose_device(device))


class HeardTrack:
    """The last track that a tower was given, so that all channels share one spectrogram and one run of the network.

    Parameters
    ----------
    tower : MusicTower
        Reads it.
    """

    def __init__(self, tower: MusicTower) -> None:
        self.tower = tower
        self._last: tuple[FloatArray, FloatArray, Patches] | None = None

    def hear(self, samples: FloatArray) -> tuple[FloatArray, Patches]:
        """Spectrogram and patches of mono samples, shape (n,); of the last ones they are at hand."""
        if self._last is None or self._last[0] is not samples:
            mel = log_mel(np.atleast_2d(samples), self.tower.config.mel)
            self._last = samples, mel, self.tower.take_patches(mel)
        return self._last[1:]


@dataclass(frozen=True, slots=True)
class TowerChannel:
    """One channel of a tower, as the library listens by it."""

    channel: Channel
    """Which of the tower's."""
    track: HeardTrack
    """Shared by all channels of the tower."""

    def read(self, sound: FloatArray, spans: Sequence[Span]) -> Evidence:
        """One row for each of some spans of a track, from its mono samples of shape (n,)."""
        tower = self.track.tower
        mel, patches = self.track.hear(sound)
        return Evidence(self.channel, tuple(spans), tower.observe_one(self.channel.name, mel, patches, spans))


def track_channels(track: HeardTrack) -> tuple[TrackChannel, ...]:
    """The channels of a tower."""
    return tuple(TowerChannel(channel, track) for channel in track.tower.channels)
