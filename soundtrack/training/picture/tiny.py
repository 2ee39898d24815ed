"""The model ``tiny-video``: a seeded, untrained network of the right shape, for tests.

Goes in: a seed. Comes out: a model folder like any other's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from soundtrack.emotion.head import N_CLASSES, Head, side_by_side
from soundtrack.emotion.picture_head import picture_blocks, untrained_head
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.i3d import I3D, backbone
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.training.picture.clips import N_FRAMES, clip_features
from soundtrack.training.picture.distil import DistilSettings
from soundtrack.training.picture.start import WEIGHTS_LICENCE, write_model
from soundtrack.video.visual_features import N_FILM, clip_numbers

TINY_WIDTH = 1 / 16
"""Of the network for tests."""


def write_tiny(folder: Path, *, seed: int = 7) -> None:
    """The model ``tiny-video``: seeded, untrained, small; for tests and for trying things out."""
    torch.manual_seed(seed)
    how = DistilSettings(width=TINY_WIDTH, side_px=64)
    model = backbone(TINY_WIDTH)
    for module in model.modules():
        if isinstance(module, nn.Conv3d):  # so that signals neither die nor explode on their way
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    head = _centred(untrained_head(model.dim, N_FILM, seed=seed), model, side_px=how.side_px, seed=seed)
    write_model(state, head, folder, settings=how, name="tiny-video", version="1", source="made from a seed, untrained")
    text = (
        "# tiny-video\n\nA seeded, untrained network for tests. Its readings are meaningless. Licence of the weights: "
    )
    write_text(folder / "tiny-video" / "card.md", f"{text}{WEIGHTS_LICENCE}.\n", kind=OWN, force=True)


def _centred(head: Head, model: I3D, *, side_px: int, seed: int) -> Head:
    """The head standardised over made-up clips of coloured noise, so that it tells one clip from another."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (64, N_FRAMES, 4, 4, 3)) * rng.random((64, 1, 1, 1, 3))
    clips = coarse.repeat(side_px // 4, axis=2).repeat(side_px // 4, axis=3).astype(np.uint8)
    numbers = np.stack([clip_numbers(clip) for clip in clips])
    seen = picture_blocks(clip_features(FusedI3D(model.eval()), clips), numbers)
    x = side_by_side(seen, head.blocks, rooted=True)
    weight = head.weight.copy()
    weight[:N_CLASSES] *= np.float32(2 / np.sqrt(x.shape[1]))
    return replace(head, mean=x.mean(axis=0), scale=np.maximum(x.std(axis=0), 0.05), weight=weight)
