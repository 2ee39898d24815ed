"""Weights that the picture network starts from: any model of that kind at hand.

Goes in: the name of a model that came with the tool or is in the cache. Comes out: I3D weights without a classifier,
what size they are for, and what the card says when nothing but the head is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from soundtrack.checkpoints.manifest import all_models, find_model, read_config
from soundtrack.checkpoints.trained import find_network
from soundtrack.checkpoints.weights import load_weights
from soundtrack.emotion.picture_head import STILLS
from soundtrack.emotion.video_config import parse_config
from soundtrack.emotion.video_tower import load_parts
from soundtrack.errors import ModelError
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.training.picture.data import labelled_clips, rated_stills
from soundtrack.video.visual_features import N_FILM

KINETICS_SIDE_PX = 224
"""Side of the frames that the public network learned from."""


@dataclass(frozen=True, slots=True)
class PictureStart:
    """An I3D to start from."""

    name: str
    """Of the model."""
    state: dict[str, Tensor] = field(repr=False, compare=False)
    """Float32 weights without classifier, as `I3D.state_dict` names them."""
    width: float
    """Factor on the channels."""
    side_px: int
    """Side of the frames it is for."""
    reads_stills: bool = True
    """Whether a new head of it reads the channel ``stills`` beside it: as the model's own, where it has one."""


def start_of(name: str) -> PictureStart:
    """The network of a model.

    Parameters
    ----------
    name : str
        Of a ``video`` or ``video-backbone`` model, or ``tiny``.

    Raises
    ------
    ModelError
        There is no such model, or it is of another kind.
    """
    at_hand = {model.entry.name for model in all_models()}
    model = find_model(name) if name in at_hand else find_network(name, role="video")
    if model.entry.role == "video":
        config = parse_config(read_config(model), where=model.folder)
        network, _head = load_parts(model, config)
        state = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
        reads_stills = any(block.channel == STILLS for block in config.head.blocks)
        return PictureStart(name, state, width=config.width, side_px=config.side_px, reads_stills=reads_stills)
    if model.entry.role == "video-backbone":
        tensors = load_weights(model, expected=expected_state(I3D()))
        state = {key: value for key, value in tensors.items() if not key.startswith("logits.")}
        return PictureStart(name, state, width=1.0, side_px=KINETICS_SIDE_PX)
    raise ModelError(
        f"{name} is a {model.entry.role} model, not a picture network", hint="run `soundtrack models list`"
    )


def dim_of(state: Mapping[str, Tensor]) -> int:
    """Length of the pooled vector of I3D weights."""
    return sum(state[f"Mixed_5c.{branch}.bn.weight"].shape[0] for branch in ("b0", "b1b", "b2b", "b3b"))


def flattened(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of an I3D as weights of the 2D network of the same width: kernels added up over their frames.

    A film in which nothing moves gives both the same activations, away from a clip's ends.
    """
    return {name: value.sum(dim=2, keepdim=True) if value.ndim == 5 else value.clone() for name, value in state.items()}


def facts_of_head(init: PictureStart, data: Path, *, licence: str) -> list[str]:
    """Lines for the card of a network whose head alone is new, fitted on the labelled films of `data`."""
    films, stills = labelled_clips(data), rated_stills(data)
    return [
        f"The network of {init.name} (I3D, {init.width:g} of its width, {init.side_px} x {init.side_px} px), as it "
        f"was; a new linear head on its features{_and_stills(init)} and {N_FILM} film numbers.",
        f"The head learned classes from {len(films)} films of {len({film.source for film in films})} sources, and "
        f"valence and arousal from {len(stills)} rated stills and the classes' places on the plane.",
        f"Licence of the weights: {licence} if the training data is for non-commercial use; check "
        "the licences of the training data.",
    ]


def _and_stills(init: PictureStart) -> str:
    """Words for the channel of stills, where the head reads it."""
    return ", those of EfficientNet-Lite2 for stills" if init.reads_stills else ""


LIMITS_OF_HEAD = [
    "On films that are far from those it was measured on.",
    "Classes that have few films: see the rows of the table.",
    "What the network that it started from does not see, no head will find.",
]
"""Of that card."""
