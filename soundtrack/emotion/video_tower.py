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

from soundtrack.checkpoints.manifest import LocatedModel, read_config
from soundtrack.checkpoints.trained import find_network, space_of
from soundtrack.checkpoints.weights import check_tensors, load_weights
from soundtrack.emotion.head import Head
from soundtrack.emotion.head_file import PREFIX, head_arrays
from soundtrack.emotion.picture_head import FILM_NUMBERS, picture_blocks
from soundtrack.emotion.reader import Reader, Space
from soundtrack.emotion.space import PICTURE, JointSpace
from soundtrack.emotion.video_config import VideoConfig, parse_config
from soundtrack.errors import ModelError
from soundtrack.networks.devices import Batches, choose_device, fitting_batch, quick_dtype
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.types import ByteArray, FloatArray, ReadingBatch

DEFAULT_MODEL = "i3d-emotion"
"""The embedded network."""
_LARGEST_BATCH = {"cpu": 2, "cuda": 64}  # larger ones are no faster on a CPU and take blocks that the system clears
_BYTES_PER_PIXEL = 64


def backbone(width: float) -> I3D:
    """The network without its classifier, which the head stands in for."""
    network = I3D(width=width, n_classes=1)
    network.logits = nn.Identity()  # type: ignore[assignment]  # features() never touches it
    return network


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
        network, head = load_parts(model, config)
        if space is None:
            joint = JointSpace.load(space_of(model.entry.name))
            joint.check_inputs(picture=config.head.n_columns)
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

    def features_of_stills(self, pictures: ByteArray) -> FloatArray:
        """`features` of clips that hold still, from one picture each, uint8, shape (n, side_px, side_px, 3).

        Where no kernel looks at neighbouring frames, all frames of such a clip give the same numbers at every layer.
        """
        clips = pictures[:, None]
        if not self._network.is_flat:
            return self.features(np.repeat(clips, self.config.n_frames, axis=1))
        parts = self._batches.run(len(clips), lambda start, stop: self._forward(clips[start:stop]))
        return np.concatenate([np.empty((0, self.config.n_features), np.float32), *parts])

    def _forward(self, part: ByteArray) -> FloatArray:
        """One batch through the network."""
        with torch.inference_mode():
            raw = torch.from_numpy(np.array(part)).to(self.device)
            x = raw.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1.0)  # (n, 3, t, h, w)
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
        n_film = sum(block.dim for block in self.config.head.blocks if block.channel == FILM_NUMBERS)
        if film.shape != (len(clips), n_film):
            raise ValueError(f"film must have shape ({len(clips)}, {n_film}), got {film.shape}")
        return self.reader.read(picture_blocks(self.features(clips), np.asarray(film, np.float32)))


def load_parts(model: LocatedModel, config: VideoConfig) -> tuple[I3D, Head]:
    """Network and head of a model, all names and shapes checked.

    Raises
    ------
    ModelError
        A file is missing, damaged, or of another network.
    """
    with torch.device("meta"):  # its numbers come from the file: none are drawn, and no memory is taken
        network = backbone(config.width)
    if network.dim != config.n_features:
        raise ModelError(
            f"{model.folder}: config.json: width {config.width:g} does not match {config.n_features} features",
            hint="run `soundtrack models verify`",
        )
    tensors = load_weights(model)
    state = {name: value for name, value in tensors.items() if not name.startswith(PREFIX)}
    expected = expected_state(network)
    check_tensors(state, {f"i3d.{k}": shape for k, shape in expected.items()}, where=model.weights)
    counters = {name: torch.zeros((), dtype=torch.int64) for name in network.state_dict() if name not in expected}
    found = {name.removeprefix("i3d."): value for name, value in state.items()}
    network.load_state_dict(found | counters, assign=True)
    return network.eval(), _head_of(tensors, config, model)


def load_reader(name: str, *, space: Space) -> Reader:
    """The head of a picture network with its side of a space, without the network.

    Raises
    ------
    ModelError
        The model is missing or damaged.
    """
    model = find_network(name, role="video")
    config = parse_config(read_config(model), where=model.folder)
    return Reader(_head_of(load_weights(model), config, model), space, side=PICTURE)


def _head_of(tensors: Mapping[str, Tensor], config: VideoConfig, model: LocatedModel) -> Head:
    """The head alone."""
    arrays = {name.removeprefix(PREFIX): t.numpy() for name, t in tensors.items() if name.startswith(PREFIX)}
    return config.head.head(arrays, where=model.weights)


def head_tensors(head: Head) -> dict[str, Tensor]:
    """A head's arrays under the names of a weights file."""
    return {f"{PREFIX}{name}": torch.from_numpy(np.array(array)) for name, array in head_arrays(head).items()}
