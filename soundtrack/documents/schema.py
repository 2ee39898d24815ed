"""JSON Schema (draft 2020-12) of a document, made from its dataclass and the line under each field.

Goes in: a dataclass of `soundtrack.types`. Comes out: the schema as text, for editors and other programs. ``docs/``
holds a copy for the cue sheet; a test makes it again and compares.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import types
import typing
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any

from soundtrack.documents.codec import hints_of
from soundtrack.documents.limits import Limits, limits_of
from soundtrack.documents.writing import NAMED, render
from soundtrack.types import FloatArray


def schema_text(cls: type, *, schema: str, title: str) -> str:
    """The schema of a document as JSON text.

    Parameters
    ----------
    cls : type
        Dataclass of the document.
    schema : str
        Name and version that the document carries, such as ``soundtrack.cuesheet/1``.
    title : str
        What people call it.

    Returns
    -------
    str
        With a final newline.
    """
    parts: dict[str, Any] = {}
    body = _object(cls, parts)
    properties = {"schema": {"const": schema}, **body["properties"]}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{schema.replace('/', ':')}",
        "title": title,
        **body,
        "properties": properties,
        "required": ["schema", *body["required"]],
        "$defs": dict(sorted(parts.items())),
    }
    return render(whole) + "\n"


@functools.cache
def _lines(cls: type) -> dict[str, str]:
    """The line under each field of a dataclass, and under ``""`` its docstring."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    result = {"": inspect.getdoc(cls) or ""}
    for field, line in itertools.pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(line, ast.Expr):
            result[field.target.id] = inspect.cleandoc(str(ast.literal_eval(line.value)))
    return result


def _object(cls: type, parts: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataclass; the dataclasses inside it go into `parts`."""
    lines = _lines(cls)
    properties, required = {}, []
    for field in dataclasses.fields(cls):
        limits = limits_of(cls.__name__, field.name)
        described = _of(hints_of(cls)[field.name], parts, limits)
        if field.name in NAMED.get(cls.__name__, {}):
            described = _with_names(described["items"], NAMED[cls.__name__][field.name])
        properties[field.name] = {"description": lines[field.name].replace("None", "null"), **described}
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
    return {
        "type": "object",
        "description": lines[""],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _with_names(item: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The schema of values that are written with a name each."""
    return {
        "type": "object",
        "properties": dict.fromkeys(names, item),
        "required": list(names),
        "additionalProperties": False,
    }


def _of(hint: Any, parts: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The schema of a type."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        return {"anyOf": [_of(inner, parts, limits), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _of(typing.get_args(hint)[0], parts, limits)}
    if hint == FloatArray:  # numpy 2.5 makes the name an alias, so its origin tells nothing
        return {"type": "array"}
    if dataclasses.is_dataclass(hint):
        cls = typing.cast(type, hint)
        if cls.__name__ not in parts:
            parts[cls.__name__] = {}
            parts[cls.__name__] = _object(cls, parts)
        return {"$ref": f"#/$defs/{cls.__name__}"}
    return _leaf(hint, limits)


def _leaf(hint: Any, limits: Limits) -> dict[str, Any]:
    """The schema of text, a number, a fraction, or one of a few words."""
    if hint is bool:
        return {"type": "boolean"}
    if hint in (int, float):
        bounds = {"minimum": limits.low, "maximum": limits.high}
        kind = "integer" if hint is int else "number"
        return {"type": kind, **{k: v for k, v in bounds.items() if v is not None}}
    if hint is Fraction:
        return {"type": "string", "pattern": "^[1-9][0-9]*/[1-9][0-9]*$"}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": list(hint)}
    return {"type": "string"}
