"""EfficientNet-Lite2, with the weights of its package.

Goes in: squares of RGB. Comes out: 1280 pooled numbers for each. The network is that of ``efficientnet-lite-pytorch``,
its ImageNet weights (M. Tan and Q. Le 2019; Apache-2.0) are read by `soundtrack.networks.runs.still_weights`. Batch
norm is folded into the convolutions and tensors lie channels-last, which halves the time and changes the numbers by
0.00003. It always runs on the CPU, in bf16 where the processor is quicker with it (a third of the time; cosine 0.996
and more), and a few pictures at a time, since more fall out of its caches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from soundtrack.errors import DependencyError
from soundtrack.networks.devices import quick_dtype
from soundtrack.networks.runs.still_weights import DIM, PACKAGES, SIDE_PX, still_weights
from soundtrack.types import ByteArray, FloatArray

_NAME = "efficientnet-lite2"
_AT_ONCE = {torch.bfloat16: 4, torch.float32: 2}
"""Pictures that go through together: the quickest of 1 to 16."""


class StillNetwork:
    """The loaded network; make one with `StillNetwork.load`.

    Parameters
    ----------
    network : nn.Module
        EfficientNet with batch norm folded in.
    dtype : torch.dtype
        Of its arithmetic.
    """

    def __init__(self, network: Any, *, dtype: torch.dtype = torch.float32) -> None:
        self._network, self._dtype = network.to(dtype=dtype, memory_format=torch.channels_last), dtype

    @classmethod
    def load(cls, *, dtype: torch.dtype | None = None) -> StillNetwork:
        """The network of the installed packages, in the arithmetic that suits the processor or in another.

        Raises
        ------
        DependencyError
            A package is missing, or carries another network or other weights than the ones tested.
        """
        arrays = still_weights()
        try:
            from efficientnet_lite_pytorch import EfficientNet

            with torch.device("meta"):  # its numbers come from the file: none are drawn, and no memory is taken
                network: Any = EfficientNet.from_name(_NAME, image_size=SIDE_PX)
            counters = {name for name in network.state_dict() if name.endswith("num_batches_tracked")}
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            network.load_state_dict(tensors | dict.fromkeys(counters, torch.zeros((), dtype=torch.int64)), assign=True)
            _fold(network.eval())
        except (ImportError, AttributeError, RuntimeError, TypeError, ValueError, AssertionError) as error:
            raise DependencyError(
                f"efficientnet-lite-pytorch, which looks at stills, is not usable: {error}",
                hint=f"run `pip install --force-reinstall --no-deps {PACKAGES}`",
            ) from error
        return cls(network, dtype=quick_dtype("cpu") if dtype is None else dtype)

    def features(self, pictures: ByteArray) -> FloatArray:
        """Pooled numbers, at least 0, float32, shape (n, DIM).

        Parameters
        ----------
        pictures : ndarray, shape=(n, SIDE_PX, SIDE_PX, 3), uint8
            RGB, each the whole picture squashed to a square.
        """
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE_PX, SIDE_PX, 3):
            raise ValueError(f"pictures must be uint8 (n, {SIDE_PX}, {SIDE_PX}, 3), got {pictures.shape}")
        n = _AT_ONCE[self._dtype]
        parts = [self._pooled(pictures[start : start + n]) for start in range(0, len(pictures), n)]
        return np.concatenate([np.empty((0, DIM), np.float32), *parts])

    def _pooled(self, pictures: ByteArray) -> FloatArray:
        """The same of a few pictures."""
        with torch.inference_mode():
            x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - 127.0) / 128.0  # as it was trained
            x = x.to(dtype=self._dtype, memory_format=torch.channels_last)
            maps: Tensor = self._network.extract_features(x)
            return np.asarray(maps.float().mean(dim=(2, 3)).numpy(), np.float32)


def _fold(network: Any) -> None:
    """Fold every batch norm into the convolution before it."""
    pairs = [(network, "_conv_stem", "_bn0"), (network, "_conv_head", "_bn1")]
    for block in network._blocks:
        pairs += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
        if hasattr(block, "_expand_conv"):
            pairs.append((block, "_expand_conv", "_bn0"))
    for owner, convolution, norm in pairs:
        conv, bn = getattr(owner, convolution), getattr(owner, norm)
        gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        conv.weight = nn.Parameter(conv.weight * gain[:, None, None, None], requires_grad=False)
        conv.bias = nn.Parameter(bn.bias - bn.running_mean * gain, requires_grad=False)
        setattr(owner, norm, nn.Identity())
