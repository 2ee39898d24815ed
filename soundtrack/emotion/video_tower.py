"""The picture side: clips of a film in, emotion and a point of the joint space out.

Goes in: stacks of frames, uint8 RGB, and their film numbers. Comes out: a `ReadingBatch`. An I3D gives a vector per
clip (frame size, rate and count come from the model's ``config.json``), a linear head reads classes, valence and
arousal from it and the film numbers, and the joint space places both beside the music. On a CPU with bf16 arithmetic
and on a GPU the network runs in bf16 (a GPU without it: fp16), in batches that fit into memory (`devices.Batches`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from soundtrack.emotion.devices import Batches, choose_device, fitting_batch, quick_dtype
from soundtrack.emotion.head import Head
from soundtrack.emotion.i3d import I3D, expected_state
from soundtrack.emotion.i3d_fused import FusedI3D
from soundtrack.emotion.manifest import LocatedModel, read_config
from soundtrack.emotion.picture_head import head_arrays, picture_blocks, picture_head, untrained_head
from soundtrack.emotion.reader import Reader, Space
from soundtrack.emotion.space import PICTURE, JointSpace
from soundtrack.emotion.trained import find_network, space_of
from soundtrack.emotion.video_config import VideoConfig, parse_config
from soundtrack.emotion.weights import load_weights
from soundtrack.errors import ModelError
from soundtrack.types import ByteArray, FloatArray, ReadingBatch

DEFAULT_MODEL = "i3d-emotion"
"""The embedded network."""
_LARGEST_BATCH = {"cpu": 8, "cuda": 64}
_BYTES_PER_PIXEL = 64


def backbone(width: float) -> I3D:
    """The network without its classifier, which the head stands in for."""
    network = I3D(width=width, n_classes=1)
    network.logits = nn.Identity()  # type: ignore[assignment]  # features() never touches it
    return network


def expected_tensors(config: VideoConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors in a video model's weights file."""
    head = untrained_head(config.n_features, config.n_film, seed=0)
    shapes = {f"head.{name}": tuple(array.shape) for name, array in head_arrays(head).items()}
    return {**{f"i3d.{name}": shape for name, shape in expected_state(backbone(config.width)).items()}, **shapes}


class VideoTower:
    """A loaded picture network; make one with `VideoTower.load`.

    Parameters
    ----------
    network : FusedI3D
        On its device.
    head : Head
        Calibrated.
    config : VideoConfig
        What the network wants.
    space : Space
        Places readings beside the music.
    device : {"cpu", "cuda"}
        Where the network is.
    model : LocatedModel, optional
        Where it came from.
    """

    def __init__(
        self,
        network: FusedI3D,
        head: Head,
        *,
        config: VideoConfig,
        space: Space,
        device: str = "cpu",
        model: LocatedModel | None = None,
    ) -> None:
        self._network = network
        self.reader = Reader(head, space, side=PICTURE)
        self.config, self.model = config, model
        clip_bytes = _BYTES_PER_PIXEL * config.n_frames * config.side_px**2
        size = fitting_batch(device, item_bytes=clip_bytes, largest=_LARGEST_BATCH[device])
        self._batches = Batches(device, size=size, cpu_size=_LARGEST_BATCH["cpu"], to_cpu=self._to_cpu)

    @classmethod
    def load(cls, name: str = DEFAULT_MODEL, *, device: str = "auto", space: Space | None = None) -> VideoTower:
        """The tower of a model in the manifest.

        Parameters
        ----------
        name : str
            Of a picture network at hand, or of the joint space that it belongs to.
        device : {"auto", "cpu", "cuda"}
            ``auto`` takes a GPU where there is one.
        space : Space, optional
            Instead of the joint space that belongs to the model.

        Raises
        ------
        ModelError
            The model is missing, damaged, or no video model.
        DependencyError
            ``cuda`` was asked for and there is none.
        """
        where = choose_device(device)
        model = find_network(name, role="video")
        config = parse_config(read_config(model), where=model.folder)
        if backbone(config.width).dim != config.n_features:
            raise ModelError(
                f"{model.folder}: config.json: width {config.width:g} does not give {config.n_features} features",
                hint="soundtrack models verify",
            )
        tensors = load_weights(model, expected=expected_tensors(config))
        network, head = assemble(tensors, config)
        if space is None:
            joint = JointSpace.load(space_of(model.entry.name))
            joint.check_inputs(picture=config.n_features + config.n_film)
            space = joint
        fused = FusedI3D(network, dtype=quick_dtype(where)).to(where)
        return cls(fused, head, config=config, space=space, device=where, model=model)

    @property
    def name(self) -> str:
        """Of the model; ``untrained`` where it came from none."""
        return self.model.entry.name if self.model is not None else "untrained"

    @property
    def dim(self) -> int:
        """Length of the embeddings."""
        return self.reader.dim

    @property
    def device(self) -> str:
        """Where the network is: ``cpu`` once a GPU turned out too small."""
        return self._batches.device

    def features(self, clips: ByteArray) -> FloatArray:
        """Pooled vectors of the network, float32, shape (n, n_features); `clips` as in `read`."""
        side, n = self.config.side_px, self.config.n_frames
        if clips.dtype != np.uint8 or clips.ndim != 5 or clips.shape[1:] != (n, side, side, 3):
            raise ValueError(f"clips must be uint8 (n, {n}, {side}, {side}, 3), got {clips.dtype} {clips.shape}")
        parts = self._batches.run(len(clips), lambda start, stop: self._forward(clips[start:stop]))
        return np.concatenate([np.empty((0, self.config.n_features), np.float32), *parts])

    def _forward(self, part: ByteArray) -> FloatArray:
        """One batch through the network."""
        with torch.inference_mode():
            raw = torch.from_numpy(np.array(part)).to(self.device)
            x = raw.permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0  # (n, 3, t, h, w)
            return np.asarray(self._network.features(x).cpu().numpy(), np.float32)

    def _to_cpu(self) -> None:
        """The network goes on where there is room, in the numbers that suit a CPU."""
        self._network = self._network.moved("cpu", dtype=quick_dtype("cpu"))

    def read(self, clips: ByteArray, film: FloatArray) -> ReadingBatch:
        """What the network says about each clip.

        Parameters
        ----------
        clips : ndarray, shape=(n, n_frames, side_px, side_px, 3), uint8
            RGB, sampled as `config` says.
        film : ndarray, shape=(n, n_film), float32
            Film numbers of each clip.
        """
        if film.shape != (len(clips), self.config.n_film):
            raise ValueError(f"film must have shape ({len(clips)}, {self.config.n_film}), got {film.shape}")
        return self.reader.read(picture_blocks(self.features(clips), np.asarray(film, np.float32)))


def assemble(tensors: Mapping[str, Tensor], config: VideoConfig) -> tuple[I3D, Head]:
    """Network and head from checked tensors."""
    network = backbone(config.width)
    state = {name.removeprefix("i3d."): value for name, value in tensors.items() if name.startswith("i3d.")}
    network.load_state_dict(state, strict=False)  # names and shapes are checked; only batch counters are left out
    return network.eval(), head_of(tensors, config)


def load_reader(name: str, *, space: Space) -> Reader:
    """The head of a picture network with its side of a space, without the network.

    Raises
    ------
    ModelError
        The model is missing or damaged.
    """
    model = find_network(name, role="video")
    config = parse_config(read_config(model), where=model.folder)
    tensors = load_weights(model, expected=expected_tensors(config))
    return Reader(head_of(tensors, config), space, side=PICTURE)


def head_of(tensors: Mapping[str, Tensor], config: VideoConfig) -> Head:
    """The head alone, from checked tensors."""
    arrays = {name.removeprefix("head."): t.numpy() for name, t in tensors.items() if name.startswith("head.")}
    return picture_head(
        arrays,
        n_film=config.n_film,
        temperature=config.temperature,
        confidence_slope=config.confidence_slope,
        confidence_offset=config.confidence_offset,
    )


def head_tensors(head: Head) -> dict[str, Tensor]:
    """A head's arrays under the names of a weights file."""
    return {f"head.{name}": torch.from_numpy(np.array(array)) for name, array in head_arrays(head).items()}
