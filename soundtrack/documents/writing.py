"""Frozen dataclasses to JSON: rules shared by scene sheets and cue sheets.

Goes in: a dataclass of `soundtrack.types`. Comes out: text with two-space indent, the field names in their order,
floats rounded to six decimals, fractions as ``"30000/1001"``, vectors on one line, a final newline.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from soundtrack.types import EMOTIONS

DECIMALS = 6
"""Decimals of every float in a document."""

NAMED: Mapping[str, Mapping[str, Sequence[str]]] = {"EmotionState": {"probabilities": EMOTIONS}}
"""Fields of dataclasses that are written as objects, with the keys of their values in order."""


def plain(value: object) -> Any:
    """A value as JSON knows it: dicts, lists, text, numbers, rounded.

    Raises
    ------
    ValueError
        A float that is not finite, or a type that no document holds.
    """
    result: Any
    is_finite = np.isfinite(value).all() if isinstance(value, np.ndarray) else _is_finite(value)
    if not is_finite:
        raise ValueError(f"number must be finite, got {value}")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        result = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        for name, keys in NAMED.get(type(value).__name__, {}).items():
            result[name] = dict(zip(keys, result[name], strict=True))
    elif value is None or isinstance(value, bool | int):
        result = value
    elif isinstance(value, float):
        result = round(value, DECIMALS) + 0.0
    elif isinstance(value, str):
        result = str(value)
    elif isinstance(value, Fraction):
        result = f"{value.numerator}/{value.denominator}"
    elif isinstance(value, np.ndarray):
        result = (np.round(value.astype(np.float64), DECIMALS) + 0.0).tolist()
    elif isinstance(value, Sequence):
        result = [plain(item) for item in value]
    else:
        raise ValueError(f"cannot write a {type(value).__name__}")
    return result


def _is_finite(value: object) -> bool:
    """Whether a value is no float, or a finite one."""
    return not isinstance(value, float) or math.isfinite(value)


def render(data: object, *, indent: str = "") -> str:
    """JSON text of plain data: two-space indent, lists of numbers on one line.

    Examples
    --------
    >>> print(render({"a": [1, 2], "b": {}}))
    {
      "a": [1, 2],
      "b": {}
    }
    """
    deeper = indent + "  "
    if isinstance(data, dict) and data:
        lines = (f"{deeper}{json.dumps(k, ensure_ascii=False)}: {render(v, indent=deeper)}" for k, v in data.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(data, list) and data and not all(isinstance(v, int | float) for v in data):
        return "[\n" + ",\n".join(deeper + render(v, indent=deeper) for v in data) + f"\n{indent}]"
    return json.dumps(data, ensure_ascii=False).replace("\x7f", "\\u007f").encode("utf-8", "backslashreplace").decode()


def dump(value: object, *, schema: str) -> str:
    """Text of a document, with its schema's name first and a final newline."""
    return render({"schema": schema, **plain(value)}) + "\n"
