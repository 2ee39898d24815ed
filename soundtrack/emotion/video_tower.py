"""The picture side: clips of a film in, emotion and a point of the joint space out.

Goes in: stacks of frames, uint8 RGB, and their film numbers. Comes out: a `ReadingBatch`. An I3D gives a vector per
clip (frame size, rate and count come from the model's ``config.json``), a linear head reads classes, valence and
arousal from it and the film numbers, and the joint space places both beside the music. No torch where OpenVINO runs the
network (`soundtrack.networks.runs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.checkpoints.arrays import check_shapes, load_arrays
from soundtrack.checkpoints.manifest import LocatedModel, read_config
from soundtrack.checkpoints.trained import find_network, space_of
from soundtrack.emotion.head import Head
from soundtrack.emotion.head_file import PREFIX, head_arrays
from soundtrack.emotion.picture_head import FILM_NUMBERS, picture_blocks
from soundtrack.emotion.reader import Reader, Space
from soundtrack.emotion.space import PICTURE, JointSpace
from soundtrack.emotion.video_config import VideoConfig, parse_config
from soundtrack.errors import ModelError
from soundtrack.networks.i3d_layers import expected_shapes, n_features
from soundtrack.networks.runs.choice import PictureRun
from soundtrack.networks.runs.openvino_core import attempt, runs_networks
from soundtrack.types import ByteArray, FloatArray, ReadingBatch

if TYPE_CHECKING:
    from torch import Tensor

    from soundtrack.networks.i3d import I3D

DEFAULT_MODEL = "i3d-emotion"
"""The embedded network."""
_NETWORK = "i3d."


class VideoTower:
    """A loaded picture network; make one with `VideoTower.load`.

    Parameters
    ----------
    run : PictureRun
        The network itself.
    head : Head
        Calibrated.
    config : VideoConfig
        What the network wants.
    space : Space
        Places readings beside the music.
    model : LocatedModel, optional
        Where it came from.
    """

    def __init__(
        self,
        run: PictureRun,
        head: Head,
        *,
        config: VideoConfig,
        space: Space,
        model: LocatedModel | None = None,
    ) -> None:
        self.run = run
        self.reader = Reader(head, space, side=PICTURE)
        self.config, self.model = config, model

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
        model = find_network(name, role="video")
        config = parse_config(read_config(model), where=model.folder)
        arrays, head = load_parts(model, config)
        if space is None:
            joint = JointSpace.load(space_of(model.entry.name))
            joint.check_inputs(picture=config.head.n_columns)
            space = joint
        return cls(picture_run(arrays, config, device=device), head, config=config, space=space, model=model)

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
        return self.run.device

    def features(self, clips: ByteArray) -> FloatArray:
        """Pooled vectors of the network, float32, shape (n, n_features); `clips` as in `read`."""
        side, n = self.config.side_px, self.config.n_frames
        if clips.dtype != np.uint8 or clips.ndim != 5 or clips.shape[1:] != (n, side, side, 3):
            raise ValueError(f"clips must be uint8 (n, {n}, {side}, {side}, 3), got {clips.dtype} {clips.shape}")
        return self.run.features(clips) if len(clips) else np.empty((0, self.config.n_features), np.float32)

    def features_of_stills(self, pictures: ByteArray) -> FloatArray:
        """`features` of clips that hold still, from one picture each, uint8, shape (n, side_px, side_px, 3), n > 0.

        Where no kernel looks at neighbouring frames, all frames of such a clip give the same numbers at every layer.
        """
        clips = pictures[:, None]
        return self.run.features(clips if self.run.is_flat else np.repeat(clips, self.config.n_frames, axis=1))

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


def load_parts(model: LocatedModel, config: VideoConfig) -> tuple[dict[str, FloatArray], Head]:
    """Weights of the network, as `i3d_layers.expected_shapes` names them, and head of a model, all shapes checked.

    Raises
    ------
    ModelError
        A file is missing, damaged, or of another network.
    """
    if n_features(config.width) != config.n_features:
        raise ModelError(
            f"{model.folder}: config.json: width {config.width:g} does not match {config.n_features} features",
            hint="run `soundtrack models verify`",
        )
    every = load_arrays(model)
    arrays = {name: value for name, value in every.items() if not name.startswith(PREFIX)}
    expected = {f"{_NETWORK}{name}": shape for name, shape in expected_shapes(config.width).items()}
    check_shapes(arrays, expected, where=model.weights)
    return {name.removeprefix(_NETWORK): value for name, value in arrays.items()}, _head_of(every, config, model)


def load_network(model: LocatedModel, config: VideoConfig) -> I3D:
    """The network of a model in torch, without its classifier.

    Raises
    ------
    ModelError
        A file is missing, damaged, or of another network.
    """
    from soundtrack.networks.i3d import network_of

    return network_of(load_parts(model, config)[0], config.width)


def picture_run(arrays: Mapping[str, FloatArray], config: VideoConfig, *, device: str) -> PictureRun:
    """The picture network, run by what suits the device.

    Parameters
    ----------
    arrays : mapping of name to ndarray
        Its weights, as `i3d_layers.expected_shapes` names them.
    config : VideoConfig
        What it wants.
    device : {"auto", "cpu", "cuda"}
        As asked for.

    Raises
    ------
    DependencyError
        ``cuda`` was asked for and there is none.
    """
    if runs_networks(device):
        from soundtrack.networks.runs.picture_openvino import OpenVinoPicture

        if (run := attempt(lambda: OpenVinoPicture(arrays, config.width))) is not None:
            return run
    from soundtrack.networks.devices import choose_device
    from soundtrack.networks.i3d import network_of
    from soundtrack.networks.runs.picture_torch import TorchPicture

    where = choose_device(device)
    clip_px = config.n_frames * config.side_px**2
    return TorchPicture(network_of(arrays, config.width), device=where, clip_px=clip_px)


def load_reader(name: str, *, space: Space) -> Reader:
    """The head of a picture network with its side of a space, without the network.

    Raises
    ------
    ModelError
        The model is missing or damaged.
    """
    model = find_network(name, role="video")
    config = parse_config(read_config(model), where=model.folder)
    return Reader(_head_of(load_arrays(model), config, model), space, side=PICTURE)


def _head_of(every: Mapping[str, FloatArray], config: VideoConfig, model: LocatedModel) -> Head:
    """The head alone."""
    arrays = {name.removeprefix(PREFIX): value for name, value in every.items() if name.startswith(PREFIX)}
    return config.head.head(arrays, where=model.weights)


def head_tensors(head: Head) -> dict[str, Tensor]:
    """A head's arrays under the names of a weights file."""
    import torch

    return {f"{PREFIX}{name}": torch.from_numpy(np.array(array)) for name, array in head_arrays(head).items()}
