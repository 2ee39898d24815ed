"""Stored results of training steps, so that an interrupted run resumes.

Goes in: a folder, what the result depends on, and a function that makes it. Comes out: arrays by name, made or read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.types import FloatArray

Arrays = dict[str, npt.NDArray[np.generic]]


def kept(folder: Path | None, depends_on: tuple[object, ...], make: Callable[[], Arrays]) -> Arrays:
    """What `make` gives; read from `folder` if it was made there before.

    Parameters
    ----------
    folder : Path, optional
        Where results are kept; without it nothing is.
    depends_on : tuple
        Everything the result depends on; other values, another result.
    make : callable
        Makes the arrays.
    """
    if folder is None:
        return make()
    name = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:24]
    target = folder / f"{name}.npz"
    if target.is_file():
        with np.load(target) as stored:
            return {key: stored[key] for key in stored.files}
    made = make()
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(target, kind=OWN, force=True) as part, part.open("wb") as file:
        np.savez(file, **made)  # type: ignore[arg-type]  # numpy's stub takes the arrays for its own options
    return made


def by_name(kind: str, blocks: Mapping[str, FloatArray]) -> Arrays:
    """Features by channel as arrays that `kept` keeps; `blocks_named` reads them."""
    return {f"{kind}.{name}": rows for name, rows in blocks.items()}


def blocks_named(kind: str, parts: Sequence[Arrays]) -> dict[str, FloatArray]:
    """Features by channel of several files, one after the other."""
    names = [name for name in parts[0] if name.startswith(f"{kind}.")]
    return {
        name.removeprefix(f"{kind}."): np.concatenate([np.asarray(part[name], np.float32) for part in parts])
        for name in names
    }


def n_rows(kind: str, part: Arrays) -> int:
    """How many rows the features of a file have."""
    return len(next(rows for name, rows in part.items() if name.startswith(f"{kind}.")))


def state_of(path: Path) -> tuple[str, int, int]:
    """A file's place, size and time of change: another state, another file."""
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Hash of weights, so that what other weights saw or heard is not taken for theirs."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()
