"""Head of the music side: its channels and outputs. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.checkpoints.config_json import from_document
from soundtrack.emotion.head import N_MOOD, Block, Head, Mood
from soundtrack.emotion.head_file import HeadForm
from soundtrack.emotion.music_channels import HARMONY, NETWORK
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.errors import ModelError
from soundtrack.types import FloatArray

LIMIT = 5.0
"""Standardised inputs are clipped here, so that one odd sound cannot decide a reading."""
FELT: tuple[str, ...] = (
    "amazement",
    "solemnity",
    "tenderness",
    "nostalgia",
    "calmness",
    "power",
    "joyful_activation",
    "tension",
    "sadness",
)
"""Emotions that listeners report (the nine of Emotify): the head's further outputs, in this order."""


def blocks_of(n_features: int, n_harmony: int = N_TONAL) -> tuple[Block, ...]:
    """The head's columns: mean and spread of n features of the network, then the numbers about harmony."""
    return Block(NETWORK, 2 * n_features), Block(HARMONY, n_harmony)


def felt_of(mood: Mood) -> FloatArray:
    """Share of listeners who would tick each of `FELT`, in [0, 1], shape (n, 9)."""
    return np.asarray(np.clip(mood.further, 0.0, 1.0), np.float32)


def untrained_head(n_features: int, *, seed: int = 0) -> Head:
    """A seeded head that knows nothing, over n features of the network and the numbers about harmony."""
    return Head.untrained(blocks_of(n_features), seed=seed, n_further=len(FELT), limit=LIMIT)


def head_form(document: Mapping[str, object], config: MusicTowerConfig, *, where: object) -> HeadForm:
    """The entry ``head`` of a music model's ``config.json``, or what all heads were before there was one.

    Parameters
    ----------
    document : mapping
        The whole file.
    config : MusicTowerConfig
        The rest of it.
    where : object
        Names the model in the message.

    Raises
    ------
    ModelError
        The entry makes no sense, or its head gives something else than the mood and `FELT`.
    """
    entry = document.get("head")
    n_outputs = N_MOOD + len(FELT)
    if entry is None:
        return HeadForm(blocks_of(config.cnn.n_features), n_outputs=n_outputs, limit=LIMIT)
    if not isinstance(entry, dict):
        raise ModelError(f"{where}: config.json: head must be an object", hint="run `soundtrack models verify`")
    form = from_document(HeadForm, entry, place=f"{where}: config.json: head")
    if form.n_outputs != n_outputs:
        raise ModelError(
            f"{where}: config.json: head.n_outputs must be {n_outputs}, got {form.n_outputs}",
            hint="run `soundtrack models verify`",
        )
    return form
