"""Instruments, voices and styles of music, from the evidence that the index keeps: a linear head of tags.

Goes in: evidence of the channel `NETWORK`. Comes out: the chance of each tag, 0.5 where it is decided. The head belongs
to one network, whose channel it names by its hash: the included one is for the included music network
(``benchmarks/music_tags.py``), and for any other there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.checkpoints.arrays import load_arrays
from soundtrack.checkpoints.manifest import find_model, read_config
from soundtrack.errors import ModelError
from soundtrack.types import Channel, FloatArray

MODEL = "music-tags"
"""Name of the model."""


@dataclass(frozen=True, slots=True)
class TagHead:
    """From features of the music network to tags."""

    tags: tuple[str, ...]
    """Names, in the order of the columns."""
    weight: FloatArray = field(repr=False, compare=False)
    """Shape (dim, n_tags)."""
    bias: FloatArray = field(repr=False, compare=False)
    """Shape (n_tags,)."""

    def chances(self, features: FloatArray) -> FloatArray:
        """Chance of each tag in each of some segments, shape (n, n_tags)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(features @ self.weight + self.bias, -30, 30))), np.float32)

    def of_track(self, features: FloatArray) -> FloatArray:
        """Chance of each tag in a track, from its n segments: the mean of the half that has most, shape (n_tags,)."""
        ranked = np.sort(self.chances(features), axis=0)
        return np.asarray(ranked[len(ranked) // 2 :].mean(axis=0), np.float32)


def tag_head(channel: Channel) -> TagHead | None:
    """The head of tags of a music network; None where there is none for this network.

    Parameters
    ----------
    channel : Channel
        Of the network.

    Raises
    ------
    ModelError
        The model is damaged.
    """
    try:
        model = find_model(MODEL)
    except ModelError:
        return None
    config = read_config(model)
    if config.get("channel_sha256") != channel.sha256:
        return None
    tags = config.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ModelError(f"{model.folder}: config.json: tags must be a list", hint="run `soundtrack models verify`")
    arrays = load_arrays(model, expected={"weight": (channel.dim, len(tags)), "bias": (len(tags),)})
    return TagHead(tuple(tags), arrays["weight"], arrays["bias"])
