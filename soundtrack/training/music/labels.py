"""Write the music model and the joint space as folders of `models/`: weights, config, manifest entry.

Goes in: a network, what it heard of labelled recordings, and readings of clips. Comes out: folders that
`MusicTower.load` and `JointSpace.load` read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from soundtrack.checkpoints.weights import save_weights
from soundtrack.emotion.head import Head
from soundtrack.emotion.head_file import PREFIX, form_document, head_arrays
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_tower import MODEL as MUSIC_MODEL
from soundtrack.emotion.space import MODEL as SPACE_MODEL
from soundtrack.emotion.space import JointSpace
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.types import FloatArray

LICENCE = "CC BY-NC 4.0"
"""Of trained weights: some of the recordings they learned from are non-commercial."""
SPEECH_SOUNDS = (0, 1, 2, 3, 4, 5)
"""AudioSet classes of speech."""
SINGING_SOUNDS = (24, 25, 26, 27, 29, 30, 31, 32, 249, 250)
"""AudioSet classes of singing."""
MUSIC_SOUNDS = (132,)
"""The AudioSet class of all music."""


def _tensors(arrays: Mapping[str, FloatArray], prefix: str = "") -> dict[str, Tensor]:
    """Arrays as tensors under a prefix."""
    return {f"{prefix}{name}": torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()}


def _write_config(folder: Path, document: Mapping[str, object]) -> None:
    """``config.json``, the same bytes for the same numbers."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_text(folder / "config.json", text, kind=OWN, force=True)


def save_music(
    models: Path,
    network: MelCnn,
    head: Head,
    *,
    config: MusicTowerConfig,
    dim: int,
    name: str = MUSIC_MODEL,
    version: str = "1",
    source: str = "trained by soundtrack train music",
) -> None:
    """Write a music model into a models folder.

    Parameters
    ----------
    models : Path
        The models folder; its manifest gets or changes an entry.
    network, head : MelCnn, Head
        With their weights.
    config : MusicTowerConfig
        Numbers that belong to them.
    dim : int
        Length of the joint space's vectors.
    name, version, source : str
        Of the manifest's entry.
    """
    state = {f"cnn.{k}": v for k, v in network.state_dict().items() if "num_batches" not in k}
    save_weights(
        {**state, **_tensors(head_arrays(head), PREFIX)},
        models,
        name=name,
        version=version,
        role="music",
        licence=LICENCE,
        source=source,
        embedding_dim=dim,
    )
    _write_config(models / name, {**config.to_dict(), "head": form_document(head)})


def save_space(
    models: Path,
    space: JointSpace,
    *,
    video: str,
    music: str,
    public_name: str = "emotion-embedded",
    name: str = SPACE_MODEL,
    version: str = "1",
    source: str = "trained by soundtrack train space",
) -> None:
    """Write a joint space into a models folder.

    Parameters
    ----------
    models : Path
        The models folder; its manifest gets or changes an entry.
    space : JointSpace
        What to write.
    video, music : str
        Names of the towers whose readings it joins.
    public_name : str
        What the three together are called in documents and indexes.
    name, version, source : str
        Of the manifest's entry.
    """
    save_weights(
        _tensors(space.tensors()),
        models,
        name=name,
        version=version,
        role="space",
        licence=LICENCE,
        source=source,
        embedding_dim=space.dim,
    )
    _write_config(models / name, {"name": public_name, "video": video, "music": music})
