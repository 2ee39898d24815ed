"""The music side: stretches of a mel spectrogram to readings in the joint space.

Goes in: the spectrogram of a whole track (`soundtrack.audio.mel.log_mel`) and the stretches of interest. Comes out: one
row of a `ReadingBatch` per stretch. Patches of about a second are read once over the whole track; a stretch is the mean
and spread of the patches that start inside it, beside numbers about its harmony. Silence reads as neutral, unsure. On
a CPU with bf16 arithmetic and on a GPU the network runs in bf16 (a GPU without it: fp16), in batches that fit into
memory (`devices.Batches`); its vectors keep a cosine above 0.999 with the longer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from soundtrack.audio.mel import MelSettings
from soundtrack.audio.pitch import FRAMES_PER_S
from soundtrack.emotion.devices import Batches, choose_device, fitting_batch, quick_dtype
from soundtrack.emotion.manifest import LocatedModel
from soundtrack.emotion.mel_cnn import MelCnn, MelCnnConfig
from soundtrack.emotion.mel_cnn_fused import FusedMelCnn
from soundtrack.emotion.music_head import MusicHead
from soundtrack.emotion.space import TINY as TINY_SPACE
from soundtrack.emotion.space import JointSpace
from soundtrack.emotion.tonal import N_TONAL, tonal_numbers
from soundtrack.errors import ModelError
from soundtrack.types import EMOTIONS, FloatArray, ReadingBatch, Span, TimeArray

MODEL = "mel-emotion"
"""Name of the embedded model."""
TINY = "tiny"
"""Name of the untrained seeded model that tests use."""
_LARGEST_BATCH = {"cpu": 64, "cuda": 256}  # more than 64 at once outgrow the caches of a CPU
_BYTES_PER_CELL = 256
_NEUTRAL = EMOTIONS.index("Neutral")


class Space(Protocol):
    """The part of the joint space that the music side needs."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def project_music(
        self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        """Unit vectors, shape (n, dim)."""
        ...


@dataclass(frozen=True, slots=True)
class MusicTowerConfig:
    """Every number that belongs to the weights."""

    mel: MelSettings = field(default_factory=lambda: MelSettings(n_pitches=84))
    """How the spectrogram is taken."""
    cnn: MelCnnConfig = field(default_factory=MelCnnConfig)
    """Shape of the network."""
    segment_s: float = 10.0
    """Length of the stretches it was trained on, in seconds."""
    hop_frames: int = 96
    """Spectrogram frames from one patch to the next."""
    silence_level: float = -6.0
    """Patches whose mean log-mel value lies below this count as silent."""
    speech: tuple[int, ...] = ()
    """Sound classes that are speech."""
    singing: tuple[int, ...] = ()
    """Sound classes that are singing."""
    music: tuple[int, ...] = ()
    """Sound classes that are music."""
    no_voice_under: float = 0.0
    """A track none of whose patches reaches this chance of speech or singing holds no voice; 0 never says so."""

    @property
    def n_inputs(self) -> int:
        """Length of what the head gets: mean and spread of the features, and the numbers about harmony."""
        return 2 * self.cnn.n_features + N_TONAL

    @classmethod
    def tiny(cls) -> MusicTowerConfig:
        """Of the untrained model that tests use."""
        return cls(
            cnn=MelCnnConfig(widths=(8, 8, 16), n_features=16, n_sounds=4), speech=(0,), singing=(1,), music=(2, 3)
        )

    def to_dict(self) -> dict[str, object]:
        """As kept in ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, object]) -> MusicTowerConfig:
        """The config that `to_dict` came from."""
        from soundtrack.emotion.config_json import from_document

        return from_document(cls, document)


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
    head : MusicHead
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
        head: MusicHead,
        space: Space,
        device: str = "cpu",
        model: LocatedModel | None = None,
    ) -> None:
        self.config = config
        self.model = model
        self.head = head
        self.space = space
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
            Of the manifest, or ``tiny`` for an untrained one.
        device : str
            ``auto``, ``cpu`` or ``cuda``.
        space : Space, optional
            The embedded joint space by default.

        Raises
        ------
        ModelError
            The model is missing or damaged.
        """
        from soundtrack.emotion.manifest import find_model, read_config
        from soundtrack.emotion.weights import check_tensors, load_weights

        model = find_model("tiny-music" if name == TINY else name)
        if model.entry.role != "music":
            raise ModelError(f"{name} is a {model.entry.role} model, not a music model", hint="soundtrack models list")
        config = MusicTowerConfig.from_dict(read_config(model))
        tensors = load_weights(model)
        network = MelCnn(config.cnn)
        untrained = MusicHead.untrained(config.n_inputs).tensors()
        expected = {f"cnn.{k}": tuple(v.shape) for k, v in network.state_dict().items() if "num_batches" not in k}
        expected |= {f"head.{k}": v.shape for k, v in untrained.items()}
        check_tensors(tensors, expected, where=model.weights)
        state = {k.removeprefix("cnn."): v for k, v in tensors.items() if k.startswith("cnn.")}
        network.load_state_dict(state, strict=False)
        head = MusicHead.from_tensors({k: tensors[f"head.{k}"].numpy() for k in untrained})
        if space is None:
            space = JointSpace.load(TINY_SPACE) if name == TINY else JointSpace.load()
            space.check_inputs(music=config.n_inputs)
        return cls(config, network=network, head=head, space=space, device=choose_device(device), model=model)

    @classmethod
    def untrained(cls, *, device: str = "cpu", seed: int = 0, dim: int = 32) -> MusicTower:
        """A small seeded tower that knows nothing, for tests."""
        config = MusicTowerConfig.tiny()
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        network = MelCnn(config.cnn)
        torch.set_rng_state(state)
        head = MusicHead.untrained(config.n_inputs, seed=seed)
        space = JointSpace.untrained(dim=dim, n_music_features=config.n_inputs, seed=seed)
        return cls(config, network=network, head=head, space=space, device=choose_device(device))

    @property
    def name(self) -> str:
        """Of the model; ``untrained`` where it came from none."""
        return self.model.entry.name if self.model is not None else "untrained"

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
            Stretches of interest, track clock.
        patches : Patches, optional
            From `take_patches`, where the track was heard already.

        Returns
        -------
        ReadingBatch
            One row per stretch.
        """
        patches = self.take_patches(mel) if patches is None else patches
        inputs = np.stack([self._pooled(mel, patches, span) for span in spans]) if spans else self._nothing()
        audible = np.array([self._audible_share(patches, span) for span in spans], np.float32)
        mood = self.head.read(inputs)
        neutral = np.full(len(EMOTIONS), 0.8 / (len(EMOTIONS) - 1), np.float32)
        neutral[_NEUTRAL] = 0.2
        share = audible[:, None]
        probabilities = share * mood.probabilities + (1 - share) * neutral
        valence, arousal = mood.valence * audible, mood.arousal * audible
        embedding = self.space.project_music(probabilities, valence, arousal, inputs)
        return ReadingBatch(
            probabilities=probabilities,
            valence=valence,
            arousal=arousal,
            confidence=probabilities.max(axis=1) if len(spans) else np.zeros(0, np.float32),
            embedding=embedding,
        )

    def hear(self, mel: FloatArray, spans: Sequence[Span]) -> FloatArray:
        """What the head gets for each stretch, shape (n, n_inputs), float32: for training and evaluation."""
        patches = self.take_patches(mel)
        return np.stack([self._pooled(mel, patches, span) for span in spans]) if spans else self._nothing()

    def read_vocals(self, mel: FloatArray) -> SoundShares:
        """Speech, singing and music in each patch of a track."""
        return self.sound_shares(self.take_patches(mel))

    def may_hold_voice(self, patches: Patches) -> bool:
        """Whether anybody may speak or sing in a track; cheap to ask before the voice network listens."""
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

    def _nothing(self) -> FloatArray:
        return np.zeros((0, self.config.n_inputs), np.float32)

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
        """Indices of the patches whose middle lies in the stretch, else of the nearest one."""
        found = np.flatnonzero((patches.centres >= span.start_s) & (patches.centres < span.end_s))
        if len(found):
            return found
        middle = (span.start_s + span.end_s) / 2
        return np.array([np.abs(patches.centres - middle).argmin()], np.int64)

    def _audible_share(self, patches: Patches, span: Span) -> float:
        """Share of the stretch that is not silent."""
        return float(patches.audible[self._inside(patches, span)].mean())

    def _pooled(self, mel: FloatArray, patches: Patches, span: Span) -> FloatArray:
        """Mean and spread of the audible patches' features, and the numbers about harmony."""
        inside = self._inside(patches, span)
        heard = inside[patches.audible[inside] > 0]
        features = patches.features[heard if len(heard) else inside]
        settings = self.config.mel
        step = round(settings.frames_per_s / FRAMES_PER_S)
        first = min(int(span.start_s * settings.frames_per_s), mel.shape[1] - 1) // step * step
        last = max(first + 1, int(span.end_s * settings.frames_per_s))
        harmony = tonal_numbers(mel[settings.n_mels :, first:last:step])
        return np.concatenate([features.mean(axis=0), features.std(axis=0), harmony]).astype(np.float32)
