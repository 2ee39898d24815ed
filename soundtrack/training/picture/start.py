"""Initial weights of the picture network, and writing of a trained one.

Goes in: the name of a model that came with the tool or is in the cache. Comes out: I3D weights without a classifier,
what size they are for, and what the card says when nothing but the head is new.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from soundtrack.checkpoints.manifest import all_models, find_model, read_config
from soundtrack.checkpoints.trained import find_network
from soundtrack.checkpoints.weights import load_weights, save_weights
from soundtrack.emotion.head import Head
from soundtrack.emotion.head_file import form_document
from soundtrack.emotion.picture_head import CUTTING, FILM_NUMBERS, OBJECTS, PICTURE_NETWORK, STILLS
from soundtrack.emotion.seen.derived import CUTTING_VERSION, OBJECTS_VERSION
from soundtrack.emotion.seen.stills import VERSION as STILLS_VERSION
from soundtrack.emotion.video_config import parse_config
from soundtrack.emotion.video_tower import head_tensors, load_network
from soundtrack.errors import ModelError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.training.picture.clips import FRAME_RATE_HZ, N_FRAMES
from soundtrack.training.picture.data import labelled_clips, rated_stills, worded_stills
from soundtrack.training.picture.distil import DistilSettings
from soundtrack.video.visual_features import N_FILM
from soundtrack.video.visual_features import VERSION as FILM_VERSION

WEIGHTS_LICENCE = "CC BY-NC 4.0"
"""Of what is trained here: some of the recordings learned from are non-commercial."""
SOURCE = "trained by soundtrack train video"
"""Origin in the manifest."""
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
        network = load_network(model, config)
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
        f"valence and arousal from {len(stills)} rated stills and the classes' places on the plane.{_by_stills(data)}",
        f"Licence of the weights: {licence} if the training data is for non-commercial use; check "
        "the licences of the training data.",
    ]


def _by_stills(data: Path) -> str:
    """What else a head that reads stills learned from; empty where there are no rated stills."""
    worded = worded_stills(data)
    if not rated_stills(data):
        return ""
    plain = f" {len(worded)} photographs of plain things are rated by the words for what they show." if worded else ""
    return f" The classes also learned from the ratings of the stills, each a small part of a film.{plain}"


def _and_stills(init: PictureStart) -> str:
    """Words for the channel of stills, where the head reads it."""
    return ", those of EfficientNet-Lite2 for stills" if init.reads_stills else ""


LIMITS_OF_HEAD = [
    "On films that are far from those it was measured on.",
    "Classes that have few films: see the rows of the table.",
    "What the network that it started from does not see, no head will find.",
]
"""Of that card."""


def write_model(
    state: dict[str, Tensor],
    head: Head,
    folder: Path,
    *,
    settings: DistilSettings,
    name: str,
    version: str,
    source: str = SOURCE,
) -> None:
    """Weights, config and manifest entry of a video model."""
    versions = {PICTURE_NETWORK: version, STILLS: STILLS_VERSION, FILM_NUMBERS: FILM_VERSION}
    versions |= {OBJECTS: OBJECTS_VERSION, CUTTING: CUTTING_VERSION}
    blocks = tuple(replace(block, version=versions.get(block.channel, block.version)) for block in head.blocks)
    head = replace(head, blocks=blocks)
    tensors = {f"i3d.{key}": value for key, value in state.items() if not key.startswith("logits.")}
    config = {
        "kind": "i3d",
        "width": settings.width,
        "side_px": settings.side_px,
        "n_frames": N_FRAMES,
        "frame_rate_hz": FRAME_RATE_HZ,
        "stride_s": N_FRAMES / FRAME_RATE_HZ,
        "n_features": dim_of(state),
        "head": form_document(head),
    }
    save_weights(
        {**tensors, **head_tensors(head)},
        folder,
        name=name,
        version=version,
        role="video",
        licence=WEIGHTS_LICENCE,
        source=source,
        embedding_dim=dim_of(state),
    )
    write_text(folder / name / "config.json", json.dumps(config, indent=2) + "\n", kind=OWN, force=True)
