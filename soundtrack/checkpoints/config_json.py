"""Read config dataclasses from the JSON beside the weights, with the place of every mistake."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from soundtrack.errors import ModelError

T = TypeVar("T")
_HINT = "run `soundtrack models verify`"


def from_document(kind: type[T], document: dict[str, object], *, place: str = "config.json") -> T:
    """A frozen dataclass from a JSON object: nested dataclasses from objects, tuples from lists.

    Parameters
    ----------
    kind : type
        The dataclass.
    document : dict
        What the file holds; missing keys take the defaults, unknown ones are errors.
    place : str
        Names the file in messages.

    Raises
    ------
    ModelError
        A key is unknown or a value does not fit.
    """
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    unknown = sorted(document.keys() - {f.name for f in fields(kind)})
    if unknown:
        raise ModelError(f"{place}: unknown key {unknown[0]!r}", hint=_HINT)
    values: dict[str, object] = {}
    for name, value in document.items():
        inner = _dataclass_in(hints[name])
        if inner is not None and isinstance(value, dict):
            values[name] = from_document(inner, value, place=f"{place}: {name}")
        elif isinstance(value, list):
            objects = inner is not None and all(isinstance(item, dict) for item in value)
            values[name] = tuple(
                from_document(inner, item, place=f"{place}: {name}[{i}]") if objects and inner is not None else item
                for i, item in enumerate(value)
            )
        else:
            values[name] = value
        if not _fits(hints[name], values[name]):
            raise ModelError(f"{place}: {name} has the wrong type: {str(value)[:60]}", hint=_HINT)
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{place}: {error}", hint=_HINT) from error


def _dataclass_in(hint: Any) -> type[Any] | None:
    """The dataclass that a field's hint names, as such, as an item of a tuple, or as one of several kinds."""
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and is_dataclass(kind):
            return kind
    return None


def _fits(hint: Any, value: object) -> bool:
    """Whether a value is of the kind that a field's hint names."""
    if get_origin(hint) in (types.UnionType, Union):
        return any(_fits(kind, value) for kind in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(get_args(hint)[0], item) for item in value)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)
