"""I3D: Inception-v1 inflated to three dimensions, for short stacks of frames.

Goes in: clips as float tensors (n, 3, frames, side, side) in [-1, 1]. Comes out: class logits, or the pooled vector
before them. After J. Carreira and A. Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset",
CVPR 2017; Inception-v1 after C. Szegedy et al. 2015. Names and shapes of the parameters are those of the PyTorch port
in which the Kinetics weights are public, so that they load strictly. Padding is TensorFlow's SAME: the output has
ceil(size / stride) entries, and where the padding is odd the extra zero goes after the end.

``width`` scales every layer; ``flat=True`` gives the same network with kernels one frame deep, which is the 2D
Inception-v1 that `inflate` starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from soundtrack.networks.i3d_layers import BATCH_NORM_EPS, BLOCKS, LAYERS, POOLS, Size, n_channels, same_padding
from soundtrack.types import FloatArray


def max_pool(x: Tensor, kernel: Size, stride: Size) -> Tensor:
    """SAME max pooling of non-negative x, shape (n, channels, frames, height, width).

    Done as a 2D pooling of every frame and a maximum over neighbouring frames: the maximum is separable, and PyTorch's
    three-dimensional pooling is many times slower on a CPU. For values of at least 0, padding by zero and by nothing
    agree.
    """
    n, c, t = x.shape[:3]
    planes = x.permute(0, 2, 3, 4, 1).reshape(n * t, *x.shape[3:], c).permute(0, 3, 1, 2)  # (n t, c, h, w)
    before, after = zip(*(same_padding(x.shape[2 + i], kernel[i], stride[i]) for i in (1, 2)), strict=True)
    if before == after:
        planes = F.max_pool2d(planes, kernel[1:], stride[1:], before)
    elif before == (0, 0) and after == (1, 1):
        planes = F.max_pool2d(planes, kernel[1:], stride[1:], ceil_mode=True)
    else:
        planes = F.max_pool2d(F.pad(planes, (before[1], after[1], before[0], after[0])), kernel[1:], stride[1:])
    frames = planes.permute(0, 2, 3, 1).reshape(n, t, *planes.shape[2:], c)  # (n, t, h, w, c)
    return _max_over_time(frames, kernel[0], stride[0]).permute(0, 4, 1, 2, 3)


def _max_over_time(frames: Tensor, kernel: int, stride: int) -> Tensor:
    """SAME maximum along axis 1."""
    t = frames.shape[1]
    if kernel == 1 and stride == 1:
        return frames
    first = same_padding(t, kernel, stride)[0]
    out = []
    for k in range(0, t, stride):
        start, stop = max(0, k - first), min(t, k - first + kernel)
        out.append(frames[:, start:stop].amax(dim=1) if stop - start > 1 else frames[:, start])
    return torch.stack(out, dim=1)


class Unit3D(nn.Module):
    """Convolution with SAME padding, then batch norm and ReLU where asked for."""

    def __init__(self, n_in: int, n_out: int, *, kernel: Size, stride: Size = (1, 1, 1), plain: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(n_in, n_out, kernel, stride, bias=plain)
        self.bn = None if plain else nn.BatchNorm3d(n_out, eps=BATCH_NORM_EPS, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, n_in, t, h, w) to (n, n_out, t', h', w')."""
        before, after = zip(
            *(same_padding(x.shape[2 + i], self.kernel[i], self.stride[i]) for i in range(3)), strict=True
        )
        if before == after:
            y = F.conv3d(x, self.conv3d.weight, self.conv3d.bias, self.stride, before)
        else:
            pads = [pad for i in (2, 1, 0) for pad in (before[i], after[i])]
            y = self.conv3d(F.pad(x, pads))
        return y if self.bn is None else F.relu(self.bn(y), inplace=True)


class Mixed(nn.Module):
    """An Inception block: four branches side by side."""

    def __init__(self, channels: tuple[int, ...], *, depth: int) -> None:
        super().__init__()
        n_in, b0, b1a, b1b, b2a, b2b, b3b = channels
        one, three = (1, 1, 1), (depth, 3, 3)
        self.pool_kernel: Size = three
        self.b0 = Unit3D(n_in, b0, kernel=one)
        self.b1a = Unit3D(n_in, b1a, kernel=one)
        self.b1b = Unit3D(b1a, b1b, kernel=three)
        self.b2a = Unit3D(n_in, b2a, kernel=one)
        self.b2b = Unit3D(b2a, b2b, kernel=three)
        self.b3b = Unit3D(n_in, b3b, kernel=one)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, t, h, w); the size of the axes stays."""
        pooled = max_pool(x, self.pool_kernel, (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], dim=1)


class I3D(nn.Module):
    """The network.

    Parameters
    ----------
    width : float > 0
        Factor on the channels of every layer, which are then rounded to multiples of 8.
    n_classes : int > 0
        Logits at the end; 400 in the public Kinetics weights.
    flat : bool
        Kernels of one frame and no stride in time: 2D Inception-v1.
    dropout : float in [0, 1)
        Before the logits, while training.
    """

    def __init__(self, *, width: float = 1.0, n_classes: int = 400, flat: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.n_classes, self.flat = width, n_classes, flat
        depth = 1 if flat else 3
        stem = n_channels(64, width)
        self.Conv3d_1a_7x7 = Unit3D(3, stem, kernel=(1 if flat else 7, 7, 7), stride=(1 if flat else 2, 2, 2))
        self.Conv3d_2b_1x1 = Unit3D(stem, stem, kernel=(1, 1, 1))
        self.Conv3d_2c_3x3 = Unit3D(stem, n_channels(192, width), kernel=(depth, 3, 3))
        n_in = n_channels(192, width)
        for name, channels in BLOCKS.items():
            scaled = tuple(n_channels(c, width) for c in channels[1:])
            self.add_module(name, Mixed((n_in, *scaled), depth=depth))
            n_in = scaled[0] + scaled[2] + scaled[4] + scaled[5]
        self.dim = n_in
        self.dropout = nn.Dropout(dropout)
        self.logits = Unit3D(n_in, n_classes, kernel=(1, 1, 1), plain=True)

    def maps(self, clips: Tensor) -> Tensor:
        """Activations before pooling, shape (n, dim, frames / 8, side / 32, side / 32), rounded up.

        Parameters
        ----------
        clips : Tensor, shape=(n, 3, frames, side, side)
            RGB in [-1, 1].
        """
        x = clips
        for name in LAYERS:
            x = pool(x, name, flat=self.flat) if name in POOLS else self.get_submodule(name)(x)
        return x

    def features(self, clips: Tensor) -> Tensor:
        """The pooled vector, shape (n, dim), at least 0; `clips` as in `maps`."""
        return self.maps(clips).mean(dim=(2, 3, 4))

    def forward(self, clips: Tensor) -> Tensor:
        """Class logits, shape (n, n_classes); `clips` as in `maps`.

        As in the paper: mean over the picture and two neighbouring time steps, logits of each, mean over time.
        """
        x = self.maps(clips).mean(dim=(3, 4), keepdim=True)  # (n, dim, t, 1, 1)
        if x.shape[2] > 1:
            x = (x[:, :, 1:] + x[:, :, :-1]) / 2
        y: Tensor = self.logits(self.dropout(x))
        return y.mean(dim=(2, 3, 4))


def pool(x: Tensor, name: str, *, flat: bool = False) -> Tensor:
    """The pooling layer of that name; a flat network leaves time alone."""
    kernel, stride = POOLS[name]
    return max_pool(x, (1, *kernel[1:]), (1, *stride[1:])) if flat else max_pool(x, kernel, stride)


def backbone(width: float) -> I3D:
    """The network without its classifier, which a head stands in for."""
    network = I3D(width=width, n_classes=1)
    network.logits = nn.Identity()  # type: ignore[assignment]  # features() never touches it
    return network


def network_of(arrays: Mapping[str, FloatArray], width: float) -> I3D:
    """The same with weights as `i3d_layers.expected_shapes` names them."""
    with torch.device("meta"):  # its numbers are given: none are drawn, and no memory is taken
        network = backbone(width)
    counters = {name: torch.zeros((), dtype=torch.int64) for name in network.state_dict() if name not in arrays}
    tensors = {name: torch.from_numpy(np.require(array, np.float32, "W")) for name, array in arrays.items()}
    network.load_state_dict(tensors | counters, assign=True)
    return network.eval()


def expected_state(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes that a weights file of the model holds; batch counters are not kept."""
    return {k: tuple(v.shape) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}


def inflate(flat: Mapping[str, Tensor], *, how: Literal["centre", "mean"] = "centre") -> dict[str, Tensor]:
    """Weights of a 2D Inception-v1 (``flat=True``) as weights of the I3D of the same width.

    Parameters
    ----------
    flat : mapping of name to Tensor
        The 2D network's state.
    how : {"centre", "mean"}
        ``mean`` spreads each kernel evenly over its frames and divides by their number, as in the paper: a film of one
        repeated picture then gives the picture's activations, away from the clip's ends. ``centre`` puts the kernel on
        its middle frame and zeros around it, which gives them everywhere.
    """
    out: dict[str, Tensor] = {}
    for name, value in flat.items():
        kernel = value.shape[-1] if value.ndim == 5 else 1
        if kernel == 1:
            out[name] = value.clone()
        elif how == "mean":
            out[name] = value.repeat(1, 1, kernel, 1, 1) / kernel
        else:
            deep = value.new_zeros(*value.shape[:2], kernel, *value.shape[3:])
            deep[:, :, kernel // 2] = value[:, :, 0]
            out[name] = deep
    return out
