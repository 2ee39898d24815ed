"""Built-in channels of tracks: music network and harmony, each with its hash.

A channel's hash covers what its features depend on and nothing else: the weights of the network and the settings of the
spectrogram, but no head and no joint space. So a new head or space leaves the hashes as they were, and evidence that
is kept can be read by it. No network library is needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

import numpy as np

from soundtrack.audio.music.tonal import N_TONAL
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.types import Channel, FloatArray, Medium

NETWORK = "music-network"
"""Name of the channel of the music network: mean and spread of its features over a stretch, then the share of the
stretch that is audible."""

HARMONY = "harmony"
"""Name of the channel of `soundtrack.audio.music.tonal`."""

_NETWORK_VERSION = "1"
_HARMONY_VERSION = "1"


def music_channels(config: MusicTowerConfig, weights: Mapping[str, FloatArray]) -> tuple[Channel, ...]:
    """The channels of a music model, in the order of the head's inputs.

    Parameters
    ----------
    config : MusicTowerConfig
        Of the model.
    weights : mapping of name to ndarray
        Of the network, names beginning with ``cnn.``; others are passed over.
    """
    settings = config.to_dict()
    network = {name: settings[name] for name in ("mel", "cnn", "hop_frames", "silence_level")}
    arrays = ((name, np.asarray(weights[name], "<f4")) for name in sorted(weights) if name.startswith("cnn."))
    return (
        Channel(
            name=NETWORK,
            version=_NETWORK_VERSION,
            medium=Medium.TRACK,
            dim=2 * config.cnn.n_features + 1,
            sha256=_digest(network, arrays),
        ),
        Channel(
            name=HARMONY,
            version=_HARMONY_VERSION,
            medium=Medium.TRACK,
            dim=N_TONAL,
            sha256=_digest({"mel": settings["mel"], "version": _HARMONY_VERSION}, ()),
        ),
    )


def _digest(settings: Mapping[str, object], arrays: Iterable[tuple[str, FloatArray]]) -> str:
    """SHA-256 over settings and named arrays of float32."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, array in arrays:
        if name.endswith("num_batches_tracked"):
            continue  # counts batches of training; nothing depends on it
        digest.update(f"\n{name} {list(array.shape)}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
