"""The picture network as a channel of a film: its identity without its weights, its features clip by clip.

Goes in: a model of the manifest. Comes out: a `PictureChannel` whose network is loaded at the first clip. The channel's
hash is that of the network alone, so that a new head in the same file reads what was seen before. No torch here.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.channels import ClipByClip, digest
from soundtrack.checkpoints.manifest import LocatedModel, read_config
from soundtrack.emotion.picture_head import PICTURE_NETWORK
from soundtrack.emotion.video_config import parse_config
from soundtrack.errors import InputError, ModelError
from soundtrack.files import safe_read
from soundtrack.types import Channel, Clip, FloatArray, Medium

if TYPE_CHECKING:
    from soundtrack.emotion.video_tower import VideoTower

_NETWORK = "i3d."
_MOST_HEADER_BYTES = 10_000_000


def picture_network(model: LocatedModel, *, tower: Callable[[], VideoTower]) -> ClipByClip:
    """The channel of a picture network.

    Parameters
    ----------
    model : LocatedModel
        A video model.
    tower : callable
        Loads the network, the first time it is asked.

    Raises
    ------
    ModelError
        The model's files are missing or damaged.
    """
    config = parse_config(read_config(model), where=model.folder)
    channel = Channel(
        PICTURE_NETWORK,
        model.entry.version,
        Medium.PICTURE,
        dim=config.n_features,
        sha256=digest(_network_sha256(model), config.width, config.clips),
    )
    return ClipByClip(channel, lambda clips: _features(tower(), clips))


def _features(tower: VideoTower, clips: Sequence[Clip]) -> FloatArray:
    """Features of some clips, shape (n, dim); of those that hold still, one picture is looked at."""
    holds_still = np.array([clip.frames.strides[0] == 0 for clip in clips])
    still, moving = (list(itertools.compress(clips, which)) for which in (holds_still, ~holds_still))
    rows = np.empty((len(clips), tower.config.n_features), np.float32)
    if still:
        rows[holds_still] = tower.features_of_stills(np.stack([clip.frames[0] for clip in still]))
    if moving:
        rows[~holds_still] = tower.features(np.stack([clip.frames for clip in moving]))
    return rows


def _network_sha256(model: LocatedModel) -> str:
    """Hash of the network's tensors in a weights file: names, kinds, shapes and bytes."""
    try:
        status = model.weights.stat()
        return _hashed(model.weights, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise ModelError(
            f"{model.weights}: cannot read weights: {error}", hint="run `soundtrack models verify`"
        ) from error


@functools.lru_cache(maxsize=8)
def _hashed(path: Path, size: int, _changed_ns: int) -> str:
    """The same of a file of that size, as it was when it was changed last."""
    safe_read.require_regular(path)
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size, _MOST_HEADER_BYTES):
            raise ValueError("header is longer than the file")
        header = json.loads(file.read(length))
        for name in sorted(key for key in header if key.startswith(_NETWORK)):
            row = header[name]
            start, end = row["data_offsets"]
            if not 0 <= start <= end <= size - 8 - length:
                raise ValueError(f"{name} extends past the end of the file")
            sha256.update(f"{name} {row['dtype']} {row['shape']}\n".encode())
            file.seek(8 + length + start)
            sha256.update(file.read(end - start))
    return sha256.hexdigest()
