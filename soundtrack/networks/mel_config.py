"""Shape of the music network and scaling of its input; no network library is needed to read them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

BATCH_NORM_EPS = 1e-5
"""Added to variances, as PyTorch does it."""


@dataclass(frozen=True, slots=True)
class MelCnnConfig:
    """Shape of the network; part of a model's config."""

    n_mels: int = 64
    """Mel bands of the input."""
    patch_frames: int = 96
    """Frames of a patch."""
    widths: tuple[int, ...] = (32, 64, 128, 256, 384)
    """Channels of the stem and of each stage."""
    n_features: int = 512
    """Length of a patch's feature vector."""
    n_sounds: int = 521
    """Classes of the sound head (AudioSet's), which tells speech and singing from instruments."""
    mel_mean: float = -2.0
    """Subtracted from the log-mel values."""
    mel_scale: float = 2.0
    """The difference is divided by this."""

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"widths must name at least two positive channel counts, got {self.widths}")
        if not self.mel_scale > 0:
            raise ValueError(f"mel_scale must be above 0, got {self.mel_scale}")


def expected_shapes(config: MelCnnConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a network."""
    widths = config.widths
    layers = {"stem": (widths[0], 1, 5, 5), "expand": (config.n_features, widths[-1], 1, 1)}
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers[f"stages.{i}.down"] = (n_out, n_in, 3, 3)
        layers[f"stages.{i}.refine"] = (n_out, n_out, 3, 3)
    out: dict[str, tuple[int, ...]] = {
        "sounds.weight": (config.n_sounds, config.n_features),
        "sounds.bias": (config.n_sounds,),
    }
    for name, shape in layers.items():
        out[f"{name}.0.weight"] = shape
        out |= {f"{name}.1.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
    return out
