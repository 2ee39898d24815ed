"""The public weights of demucs, for scientific use: fetched on request, checked, converted to plain tensors.

Goes in: the published file, a pickle of a class, its arguments and its state. Comes out: the model ``htdemucs`` in the
user's models folder: tensors as safetensors, arguments as JSON. The file is read with ``weights_only=True``; of the
two classes that it names, the network is replaced by a stand-in without code, and fractions are those of Python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundtrack.checkpoints.manifest import LocatedModel, all_models, read_object
from soundtrack.errors import ModelError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text

if TYPE_CHECKING:
    from torch import Tensor

HTDEMUCS = "htdemucs"
"""Name of the model."""
_CLASS = "demucs.htdemucs.HTDemucs"
_CONFIG = "config.json"
_HINT = "download the published file again"


class _Network:
    """Stands in for the class of the network while its file is read."""


def find_demucs() -> LocatedModel | None:
    """The model ``htdemucs``; None if it was not fetched."""
    return next((model for model in all_models() if model.entry.name == HTDEMUCS), None)


def demucs_arguments(model: LocatedModel) -> dict[str, Any]:
    """The arguments of the network, as `convert_demucs` wrote them.

    Raises
    ------
    ModelError
        They are missing or damaged.
    """
    held = read_object(model.folder / _CONFIG)
    segment = held.get("segment")
    if isinstance(segment, list) and len(segment) == 2 and all(isinstance(n, int) and n > 0 for n in segment):
        held["segment"] = Fraction(*segment)
    return held


def convert_demucs(path: Path, folder: Path) -> dict[str, Tensor]:
    """The tensors of the published file; its arguments are written to the folder of the model.

    Parameters
    ----------
    path : Path
        The published file.
    folder : Path
        A models folder; made if need be.

    Raises
    ------
    ModelError
        It is another file.
    """
    arguments, state = _read(path)
    target = folder / HTDEMUCS / _CONFIG
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, json.dumps(arguments, indent=1, sort_keys=True) + "\n", kind=OWN, force=True)
    return state


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments and tensors of the published file."""
    import torch

    try:
        with torch.serialization.safe_globals([(_Network, _CLASS), Fraction]):
            held = torch.load(path, map_location="cpu", weights_only=True)
        arguments, state = dict(held["kwargs"]), dict(held["state"])
        if held["klass"] is not _Network or held["args"]:
            raise ValueError("another network")
    except Exception as error:  # torch raises half a dozen kinds, and advises to switch its own safety off
        raise ModelError(
            f"{path}: cannot read weights: expected the published file of {HTDEMUCS}", hint=_HINT
        ) from error
    if not state or not all(isinstance(value, torch.Tensor) and value.is_floating_point() for value in state.values()):
        raise ModelError(f"{path}: holds something else than tensors", hint=_HINT)
    for name, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise ModelError(f"{path}: {name} contains NaN or infinity", hint=_HINT)
    return _plain(arguments, path), state


def _plain(arguments: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The arguments as JSON can hold them: a fraction as its two numbers."""
    found = {
        str(name): [value.numerator, value.denominator] if isinstance(value, Fraction) else value
        for name, value in arguments.items()
    }
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: unexpected arguments of the network: {error}", hint=_HINT) from error
    return found
