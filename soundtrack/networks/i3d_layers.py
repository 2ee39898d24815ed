"""Layers of the I3D network (`soundtrack.networks.i3d`) as plain numbers; no network library is needed to read them."""

from __future__ import annotations

Size = tuple[int, int, int]

BATCH_NORM_EPS = 1e-3
"""What the public weights were trained with; PyTorch's own default differs."""

BLOCKS: dict[str, tuple[int, ...]] = {
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}
"""Channels at width 1: into the block, b0, b1a, b1b, b2a, b2b, b3b."""

POOLS: dict[str, tuple[Size, Size]] = {
    "MaxPool3d_2a_3x3": ((1, 3, 3), (1, 2, 2)),
    "MaxPool3d_3a_3x3": ((1, 3, 3), (1, 2, 2)),
    "MaxPool3d_4a_3x3": ((3, 3, 3), (2, 2, 2)),
    "MaxPool3d_5a_2x2": ((2, 2, 2), (2, 2, 2)),
}
"""Kernel and stride."""

LAYERS: tuple[str, ...] = (
    "Conv3d_1a_7x7",
    "MaxPool3d_2a_3x3",
    "Conv3d_2b_1x1",
    "Conv3d_2c_3x3",
    "MaxPool3d_3a_3x3",
    "Mixed_3b",
    "Mixed_3c",
    "MaxPool3d_4a_3x3",
    "Mixed_4b",
    "Mixed_4c",
    "Mixed_4d",
    "Mixed_4e",
    "Mixed_4f",
    "MaxPool3d_5a_2x2",
    "Mixed_5b",
    "Mixed_5c",
)
"""All layers up to the pooled vector, in order."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one axis so that the output has ceil(size / stride) entries.

    Examples
    --------
    >>> same_padding(112, 7, 2)
    (2, 3)
    """
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


def n_channels(n: int, width: float) -> int:
    """Channels at a width, a multiple of 8."""
    return max(8, round(n * width / 8) * 8)


def convolutions(width: float) -> dict[str, tuple[int, int, Size]]:
    """All convolutions up to the pooled vector: channels in and out, and kernel, by their names in weights files."""
    stem, n_in = n_channels(64, width), n_channels(192, width)
    out: dict[str, tuple[int, int, Size]] = {
        "Conv3d_1a_7x7": (3, stem, (7, 7, 7)),
        "Conv3d_2b_1x1": (stem, stem, (1, 1, 1)),
        "Conv3d_2c_3x3": (stem, n_in, (3, 3, 3)),
    }
    for name, channels in BLOCKS.items():
        b0, b1a, b1b, b2a, b2b, b3b = (n_channels(c, width) for c in channels[1:])
        out |= {
            f"{name}.b0": (n_in, b0, (1, 1, 1)),
            f"{name}.b1a": (n_in, b1a, (1, 1, 1)),
            f"{name}.b1b": (b1a, b1b, (3, 3, 3)),
            f"{name}.b2a": (n_in, b2a, (1, 1, 1)),
            f"{name}.b2b": (b2a, b2b, (3, 3, 3)),
            f"{name}.b3b": (n_in, b3b, (1, 1, 1)),
        }
        n_in = b0 + b1b + b2b + b3b
    return out


def n_features(width: float) -> int:
    """Length of the pooled vector.

    Examples
    --------
    >>> n_features(1.0)
    1024
    """
    last = list(BLOCKS)[-1]
    layers = convolutions(width)
    return sum(layers[f"{last}.{branch}"][1] for branch in ("b0", "b1b", "b2b", "b3b"))


def expected_shapes(width: float) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a network without classifier."""
    out: dict[str, tuple[int, ...]] = {}
    for name, (n_in, n_out, kernel) in convolutions(width).items():
        out[f"{name}.conv3d.weight"] = (n_out, n_in, *kernel)
        out |= {f"{name}.bn.{part}": (n_out,) for part in ("weight", "bias", "running_mean", "running_var")}
    return out
