"""Weights as tensors, read by `soundtrack.checkpoints.arrays`, and the writing of them.

Goes in: a model of the manifest, or a file that others publish. Comes out: float32 tensors. Files are written as
safetensors in float16 or float32; nothing is ever unpickled. A public ``.pt`` is read once with ``weights_only=True``
(safe since torch 2.10) and kept as safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from soundtrack.checkpoints.arrays import check_shapes, load_arrays, read_arrays
from soundtrack.checkpoints.manifest import (
    LocatedModel,
    ModelEntry,
    register,
    require_other_file,
    sha256_of,
)
from soundtrack.errors import InputError, ModelError
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import Together
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.resources import user_models_dir

I3D_KINETICS = "i3d-kinetics"
"""Name of the public full-width network, in the layout of its PyTorch port."""
WEIGHTS_NAME = "weights.safetensors"
"""The file of a model's weights, in its folder."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file as float32.

    Raises
    ------
    ModelError
        It is no such file, or holds other numbers than floats, or one that is not finite.
    """
    return {name: torch.from_numpy(values) for name, values in read_arrays(path).items()}


def load_weights(model: LocatedModel, *, expected: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Tensor]:
    """A model's tensors as float32, after all checks.

    Parameters
    ----------
    model : LocatedModel
        Which.
    expected : mapping of name to shape, optional
        Checked when given.

    Raises
    ------
    ModelError
        The file is missing, damaged, or of another network.
    """
    return {name: torch.from_numpy(values) for name, values in load_arrays(model, expected=expected).items()}


def save_weights(
    tensors: Mapping[str, Tensor],
    folder: Path,
    *,
    name: str,
    version: str,
    role: str,
    licence: str,
    source: str,
    embedding_dim: int,
    dtype: torch.dtype = torch.float16,
) -> ModelEntry:
    """Write ``<folder>/<name>/weights.safetensors`` and its entry in ``<folder>/manifest.json``; returns the entry.

    Parameters
    ----------
    tensors : mapping of name to Tensor
        Floats that stay finite in `dtype`.
    folder : Path
        A models folder; made if need be.
    dtype : torch.dtype
        Kind of number in the file.
    """
    from safetensors.torch import save_file

    small = {key: value.detach().cpu().to(dtype).contiguous() for key, value in tensors.items()}
    for key, value in small.items():
        if not bool(torch.isfinite(value).all()):
            raise ValueError(f"{key} is not finite in {dtype}")
    target = folder / name / WEIGHTS_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    with Together() as files:
        part = files.part(target, kind=OWN, force=True)
        save_file(small, part)
        part.chmod(0o644)
        entry = ModelEntry(
            name=name,
            version=version,
            role=role,
            file=f"{name}/{target.name}",
            sha256=sha256_of(part),
            size=part.stat().st_size,
            licence=licence,
            source=source,
            embedding_dim=embedding_dim,
        )
        register(folder, entry, files=files)
    return entry


def read_public_checkpoint(path: Path) -> dict[str, Tensor]:
    """Tensors of a ``.pt`` or ``.safetensors`` file that others publish, as float32, without running its code.

    Raises
    ------
    ModelError
        The file is missing, or is anything but a mapping from names to tensors.
    """
    try:
        safe_read.require_regular(path)
    except InputError as error:
        raise ModelError(str(error), hint="give the downloaded weights file") from error
    if path.suffix == ".safetensors":
        return read_tensors(path)
    hint = "only plain tensors are read, never pickled code; download the published file again"
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds, and advises to switch its own safety off
        raise ModelError(f"{path}: cannot read weights: expected a file of plain tensors", hint=hint) from error
    if not isinstance(raw, Mapping) or not all(isinstance(v, Tensor) for v in raw.values()):
        raise ModelError(f"{path}: not a mapping from names to tensors", hint=hint)
    tensors = {str(k): v.float() for k, v in raw.items() if not str(k).endswith("num_batches_tracked")}
    for name, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise ModelError(f"{path}: {name} contains NaN or infinity", hint=hint)
    return tensors


def add_model(name: str, path: Path, *, folder: Path | None = None) -> ModelEntry:
    """Convert a public checkpoint and keep it in the user's models folder; returns its entry.

    Parameters
    ----------
    name : str
        ``i3d-kinetics`` or ``htdemucs``, the public networks that are known.
    path : Path
        The published file.
    folder : Path, optional
        Instead of the user's models folder.

    Raises
    ------
    ModelError
        The name is unknown, or the file is not that network.
    UsageError
        It is the file in which the network is kept already.
    """
    from soundtrack.checkpoints.demucs_weights import HTDEMUCS, convert_demucs
    from soundtrack.checkpoints.manifest import public_models

    public = next((model for model in public_models() if model.name == name), None)
    if public is None or name not in (I3D_KINETICS, HTDEMUCS):
        known = ", ".join(model.name for model in public_models()) or "none"
        raise ModelError(f"{name!r} is not a public model; known models: {known}", hint="run `soundtrack models list`")
    target = user_models_dir() if folder is None else folder
    require_other_file(path, target / name / WEIGHTS_NAME)
    if name == HTDEMUCS:
        tensors = convert_demucs(path, target)
    else:
        tensors = read_public_checkpoint(path)
        check_shapes(tensors, expected_state(I3D()), where=path)
    return save_weights(
        tensors,
        target,
        name=name,
        version="1",
        role=public.role,
        licence=public.licence,
        source=public.url,
        embedding_dim=public.embedding_dim,
        dtype=torch.float16 if name == HTDEMUCS else torch.float32,  # as published
    )
