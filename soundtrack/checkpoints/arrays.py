"""Read weights as arrays of numpy: the hash is checked first, then types and finiteness, then names and shapes.

Goes in: a model of the manifest. Comes out: float32 arrays. What needs the numbers and no network, such as heads and
spaces, need not import torch, which takes a second; `soundtrack.checkpoints.weights` makes tensors of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from soundtrack.checkpoints.manifest import LocatedModel, verify
from soundtrack.errors import InputError, ModelError
from soundtrack.files import safe_read
from soundtrack.types import FloatArray

_KINDS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
"""Numbers that are read, as numpy names them; bf16 is the upper half of a float32."""


class _Shaped(Protocol):
    """Anything with a shape: an array or a tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides."""
        ...


def read_arrays(path: Path) -> dict[str, FloatArray]:
    """All arrays of a safetensors file as float32.

    Raises
    ------
    ModelError
        It is no such file, or holds other numbers than floats, or one that is not finite.
    """
    from safetensors import SafetensorError, deserialize

    hint = "run `soundtrack models verify`"
    try:
        safe_read.require_regular(path)
        views = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except InputError as error:
        raise ModelError(str(error), hint=hint) from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot read weights: {error}", hint=hint) from error
    out: dict[str, FloatArray] = {}
    for name, view in views:
        kind = view["dtype"]
        if kind not in _KINDS:
            raise ModelError(f"{path}: {name} has type {kind}, expected float", hint=hint)
        values = np.frombuffer(view["data"], _KINDS[kind])
        if kind == "BF16":
            values = (values.astype("<u4") << 16).view("<f4")
        out[name] = values.reshape(view["shape"]).astype(np.float32)
        if not _is_finite(out[name]):
            raise ModelError(f"{path}: {name} contains NaN or infinity", hint=hint)
    return out


def _is_finite(values: FloatArray) -> bool:
    """Whether all are, by the least and the largest, which are NaN where one is."""
    return values.size == 0 or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def check_shapes(arrays: Mapping[str, _Shaped], expected: Mapping[str, tuple[int, ...]], *, where: object) -> None:
    """Check names and shapes.

    Parameters
    ----------
    arrays : mapping of name to array or tensor
        What a file holds.
    expected : mapping of name to shape
        What it must hold, no more and no less.
    where : object
        Names the file in the message.

    Raises
    ------
    ModelError
        Something is missing, unknown, or of another shape.
    """
    hint = "the file does not match the model name; run `soundtrack models list`"
    missing, unknown = sorted(expected.keys() - arrays.keys()), sorted(arrays.keys() - expected.keys())
    if missing:
        raise ModelError(f"{where}: {len(missing)} missing tensors, first {missing[0]}", hint=hint)
    if unknown:
        raise ModelError(f"{where}: {len(unknown)} unknown tensors, first {unknown[0]}", hint=hint)
    for name, shape in expected.items():
        if tuple(arrays[name].shape) != shape:
            raise ModelError(f"{where}: {name} has shape {tuple(arrays[name].shape)}, expected {shape}", hint=hint)


def load_arrays(model: LocatedModel, *, expected: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, FloatArray]:
    """A model's arrays as float32, after all checks.

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
    verify(model)
    arrays = read_arrays(model.weights)
    if expected is not None:
        check_shapes(arrays, expected, where=model.weights)
    return arrays
