"""Write the music model and the joint space as folders of `models/`: weights, config, manifest entry.

Goes in: a network, what it heard of labelled recordings, and readings of clips. Comes out: folders that
`MusicTower.load` and `JointSpace.load` read. The untrained `tiny` ones come from a seed.
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
from soundtrack.emotion.music_head import untrained_head
from soundtrack.emotion.music_tower import MODEL as MUSIC_MODEL
from soundtrack.emotion.space import MODEL as SPACE_MODEL
from soundtrack.emotion.space import JointSpace
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.networks.mel_config import MelCnnConfig
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


def save_tiny(models: Path, *, n_video_features: int, dim: int = 32, seed: int = 0) -> None:
    """Write the untrained ``tiny-music`` and ``tiny-space``.

    Parameters
    ----------
    models : Path
        The models folder.
    n_video_features : int
        What the tiny picture tower gives the space.
    dim : int
        Length of the vectors.
    seed : int
        Of the weights.
    """
    config = MusicTowerConfig(
        cnn=MelCnnConfig(widths=(8, 8, 16), n_features=16, n_sounds=4), speech=(0,), singing=(1,), music=(2, 3)
    )
    torch.manual_seed(seed)
    network = MelCnn(config.cnn)
    head = untrained_head(config.cnn.n_features, seed=seed)
    save_music(
        models,
        network,
        head,
        config=config,
        dim=dim,
        name="tiny-music",
        source="made from a seed, untrained",
    )
    space = JointSpace.untrained(dim=dim, n_video_features=n_video_features, n_music_features=head.n_columns, seed=seed)
    save_space(
        models,
        space,
        video="tiny-video",
        music="tiny-music",
        public_name="tiny",
        name="tiny-space",
        source="made from a seed, untrained",
    )
    for folder, what in (("tiny-music", "music network"), ("tiny-space", "joint space")):
        text = f"# {folder}\n\nA {what} made from seed {seed}, untrained. It knows nothing; tests use it.\n"
        write_text(models / folder / "card.md", text, kind=OWN, force=True)
