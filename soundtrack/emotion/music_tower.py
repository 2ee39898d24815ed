"""Music side: spans of a mel spectrogram to readings in the joint space.

Goes in: the spectrogram of a whole track (`soundtrack.audio.mel.log_mel`) and the stretches of interest. Comes out: one
row of a `ReadingBatch` per stretch. Patches of about a second are read once over the whole track; a stretch is the mean
and spread of the patches that start inside it, beside numbers about its harmony. Silence reads as neutral, unsure. On
a CPU with bf16 arithmetic and on a GPU the network runs in bf16 (a GPU without it: fp16), in batches that fit into
memory (`devices.Batches`); its vectors keep a cosine above 0.999 with the longer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

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
from soundtrack.networks.devices import Batches, choose_device, fitting_batch, quick_dtype
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.networks.mel_cnn_fused import FusedMelCnn
from soundtrack.types import Channel, Evidence, FloatArray, ReadingBatch, Span, TimeArray, TrackChannel

MODEL = "mel-emotion"
"""Name of the embedded model."""
_LARGEST_BATCH = {"cpu": 64, "cuda": 256}  # more than 64 at once outgrow the caches of a CPU
_BYTES_PER_CELL = 256
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
    network : MelCnn
        With its weights.
    head : Head
        With its weights.
    space : Space
        Where the embeddings live.
    device : str
        ``cpu`` or ``cuda``.
    model : LocatedModel, optional
        Where it came from.
    """

    def __init__(
        self,
        config: MusicTowerConfig,
        *,
        network: MelCnn,
        head: Head,
        space: Space,
        device: str = "cpu",
        model: LocatedModel | None = None,
    ) -> None:
        self.config = config
        self.model = model
        weights = {f"cnn.{name}": value.float().cpu().numpy() for name, value in network.state_dict().items()}
        self.channels = music_channels(config, weights)
        self.projection = MusicProjection(head, space, self.channels)
        self._network = network.eval().to(device)
        patch_bytes = _BYTES_PER_CELL * config.cnn.patch_frames * config.cnn.n_mels
        size = fitting_batch(device, item_bytes=patch_bytes, largest=_LARGEST_BATCH[device])
        self._batches = Batches(device, size=size, cpu_size=_LARGEST_BATCH["cpu"], to_cpu=self._to_cpu)
        self._quick = FusedMelCnn(self._network, dtype=quick_dtype(device))

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
        from soundtrack.checkpoints.manifest import read_config
        from soundtrack.checkpoints.trained import find_network, space_of
        from soundtrack.checkpoints.weights import check_tensors, load_weights

        model = find_network(name, role="music")
        document = read_config(model)
        config = MusicTowerConfig.from_dict(document)
        tensors = load_weights(model)
        network = MelCnn(config.cnn)
        form = head_form(document, config, where=model.folder)
        expected = {f"cnn.{k}": tuple(v.shape) for k, v in network.state_dict().items() if "num_batches" not in k}
        state = {k: v for k, v in tensors.items() if not k.startswith(PREFIX)}
        check_tensors(state, expected, where=model.weights)
        network.load_state_dict({k.removeprefix("cnn."): v for k, v in state.items()}, strict=False)
        arrays = {k.removeprefix(PREFIX): v.numpy() for k, v in tensors.items() if k.startswith(PREFIX)}
        head = form.head(arrays, where=model.weights)
        if space is None:
            joint = JointSpace.load(space_of(model.entry.name))
            joint.check_inputs(music=form.n_columns)
            space = joint
        return cls(config, network=network, head=head, space=space, device=choose_device(device), model=model)

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

    @property
    def network(self) -> MelCnn:
        """The convolutional network, on its device."""
        return self._network

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

    def read_vocals(self, mel: FloatArray) -> SoundShares:
        """Speech, singing and music in each patch of a track."""
        return self.sound_shares(self.take_patches(mel))

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
        windows = np.lib.stride_tricks.sliding_window_view(bands, width, axis=0)  # (starts, n_mels, width)
        parts = self._batches.run(
            len(starts), lambda first, last: self._forward(windows[starts[first:last]].swapaxes(1, 2))
        )
        levels = np.array([bands[s : s + width].mean() for s in starts])
        return Patches(
            centres=np.asarray((starts + width / 2) / config.mel.frames_per_s, np.float64),
            features=np.concatenate([features for features, _ in parts]),
            sounds=np.concatenate([sounds for _, sounds in parts]),
            audible=(levels > config.silence_level).astype(np.float32),
        )

    def _forward(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Square roots of the features, and log-odds of the sounds, of some patches (n, frames, n_mels)."""
        batch = torch.from_numpy(np.ascontiguousarray(patches))[:, None]  # (n, 1, frames, n_mels)
        features, sounds = self._quick(batch.to(self._batches.device))
        return np.sqrt(features.cpu().numpy()), sounds.cpu().numpy()

    def _to_cpu(self) -> None:
        """The network goes on where there is room, in the numbers that suit a CPU."""
        self._network = self._network.to("cpu")
        self._quick = FusedMelCnn(self._network, dtype=quick_dtype("cpu"))

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
