"""JSON to frozen dataclasses: rules shared by scene sheets and cue sheets.

Goes in: text as `soundtrack.documents.writing` makes it. Comes out: a dataclass of `soundtrack.types`. What a person
or another program wrote is checked word by word: every error names its place (``cues[3].gain_bd``).
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from soundtrack.documents.limits import Limits, limits_of
from soundtrack.documents.writing import DECIMALS, NAMED, plain
from soundtrack.errors import InputError, Reason
from soundtrack.types import FloatArray

MOST_CHARACTERS = 100_000
"""Largest length of a text in a document."""

MOST_ITEMS = 1_000_000
"""Largest number of items in a list."""

_MAX_DIGITS = 40
_HALF_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_SHOWN_CHARACTERS = 300

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""From a document of one version to one of the next."""

T = TypeVar("T")


@functools.cache
def hints_of(cls: type) -> Mapping[str, Any]:
    """The resolved types of a dataclass's fields, by name."""
    return typing.get_type_hints(cls)


# --- reading ----


class _PlaceError(Exception):
    """Something in a document is wrong, at a place; or the document is of a later version of soundtrack."""

    def __init__(self, place: str, cause: str, *, is_newer: bool = False) -> None:
        place, cause = _short(place), _short(cause)
        super().__init__(f"{place}: {cause}" if place else cause)
        self.is_newer = is_newer


def _short(text: str) -> str:
    """The text, cut where no reader needs more: a hostile document quotes itself at any length."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _PlaceError("", f"the key {key!r} is duplicated in the object")
        result[key] = value
    return result


def _no_constant(text: str) -> None:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise _PlaceError("", f"{text} is not a valid JSON number")


def _whole_number(text: str) -> int:
    """A whole number of no more digits than any field can use; longer ones cost time without end."""
    if len(text) > _MAX_DIGITS:
        raise _PlaceError("", f"number too long: {len(text)} digits, at most {_MAX_DIGITS}")
    return int(text)


def load(cls: type[T], text: str, *, schema: str, upgrades: Mapping[int, Upgrade], name: str) -> T:
    """A document from its text, every key and value checked.

    Parameters
    ----------
    cls : type
        Dataclass of the document.
    text : str
        JSON.
    schema : str
        Name and version, such as ``soundtrack.cuesheet/1``.
    upgrades : mapping of int to function
        From each older version to the next.
    name : str
        How errors call the text, such as a file name.

    Returns
    -------
    object of type `cls`

    Raises
    ------
    InputError
        The text is no such document; the message gives the place.
    """
    kind, _, newest = schema.rpartition("/")
    hint = f"correct the value at that place, or write a new file; this version reads {schema}"
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=_whole_number)
        if not isinstance(data, dict):
            raise _PlaceError("", f"must be an object with the key 'schema', got {_kind(data)}")
        version = _version(data.pop("schema", None), kind=kind, newest=int(newest))
        for step in range(version, int(newest)):
            data = upgrades[step](data)
        return typing.cast(T, _build(cls, data, place="", limits=Limits()))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint=hint,
            reason=Reason.BAD_FORMAT,
        ) from error
    except (RecursionError, MemoryError, _PlaceError) as error:
        causes = {RecursionError: "nested too deeply", MemoryError: "not enough memory to read it"}
        cause = causes.get(type(error), str(error))
        if isinstance(error, _PlaceError) and error.is_newer:
            hint = "update soundtrack"
        raise InputError(f"{name}: {cause}", hint=hint, reason=Reason.BAD_FORMAT) from error


def rounded(value: T, *, name: str, before: T | None = None) -> T:
    """A document as `load` gives it back after `dump`, without the text between them.

    Parameters
    ----------
    value : dataclass
        The document.
    name : str
        What errors call it.
    before : dataclass, optional
        A document that was rounded already: whatever fields of `value`, and items of its lists, are the very same
        objects are taken as they are.

    Raises
    ------
    InputError
        A value is outside what the document may hold; the message gives the place.
    ValueError
        As `plain`.
    """
    try:
        if before is None:
            return typing.cast(T, _build(type(value), plain(value), place="", limits=Limits()))
        return _built_from(value, before)
    except _PlaceError as error:
        raise InputError(
            f"{name}: {error}", hint="correct the value at that place", reason=Reason.BAD_FORMAT
        ) from error


def _built_from(value: T, before: T) -> T:
    """As `_build`, but for what is in a rounded document."""
    changed: dict[str, Any] = {}
    hints = hints_of(typing.cast(type, type(value)))
    for field in dataclasses.fields(typing.cast(Any, value)):
        now, then = getattr(value, field.name), getattr(before, field.name)
        if now is then:
            continue
        hint, limits = hints[field.name], limits_of(type(value).__name__, field.name)
        if not (isinstance(now, tuple) and isinstance(then, tuple)):
            changed[field.name] = _build(hint, plain(now), place=field.name, limits=limits)
            continue
        kept = {id(item): item for item in then}
        new = tuple(item for item in now if id(item) not in kept)
        built = iter(_build(hint, plain(new), place=field.name, limits=limits))
        changed[field.name] = tuple(kept[id(item)] if id(item) in kept else next(built) for item in now)
    try:
        return typing.cast(T, dataclasses.replace(typing.cast(Any, value), **changed))
    except ValueError as error:
        raise _PlaceError("", str(error)) from error


def _version(value: object, *, kind: str, newest: int) -> int:
    """The version of a document that calls itself `value`."""
    if not isinstance(value, str):
        raise _PlaceError("schema", f"missing, must be {kind}/{newest}")
    found_kind, _, version = value.rpartition("/")
    if found_kind != kind or not version.isdecimal() or len(version) > _MAX_DIGITS or int(version) < 1:
        raise _PlaceError("schema", f"is {value}, must be {kind}/{newest}")
    if int(version) > newest:
        cause = f"is {value}, newer than this version of soundtrack, which reads up to {kind}/{newest}"
        raise _PlaceError("schema", cause, is_newer=True)
    return int(version)


def _kind(value: object) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names[type(value)]


def _build(hint: Any, value: Any, *, place: str, limits: Limits) -> Any:
    """A value of the type that a hint names."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        inner = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        return _build(inner, value, place=place, limits=limits)
    if origin is tuple:
        if not isinstance(value, list):
            raise _PlaceError(place, f"must be a list, got {_kind(value)}")
        if len(value) > MOST_ITEMS:
            raise _PlaceError(place, f"list too long: {len(value)} items, at most {MOST_ITEMS}")
        item = typing.get_args(hint)[0]
        return tuple(_build(item, v, place=f"{place}[{i}]", limits=limits) for i, v in enumerate(value))
    if hint == FloatArray:  # numpy 2.5 makes the name an alias, so its origin tells nothing
        return _array(value, place=place, limits=limits)
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), value, place=place)
    return _leaf(hint, value, place=place, limits=limits)


def _dataclass(cls: type, value: Any, *, place: str) -> Any:
    """One dataclass from an object."""
    if not isinstance(value, dict):
        raise _PlaceError(place, f"must be an object, got {_kind(value)}")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    before = f"{place}." if place else ""
    for key in value:
        if key not in fields:
            near = difflib.get_close_matches(key[:_SHOWN_CHARACTERS], fields, n=1)
            asked = f", did you mean {near[0]}?" if near else ""
            raise _PlaceError(f"{before}{key}", f"unknown{asked}")
    arguments: dict[str, Any] = {}
    value = {**value, **_unnamed(cls, value, before=before)}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _build(
                hints_of(cls)[name], value[name], place=f"{before}{name}", limits=limits_of(cls.__name__, name)
            )
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise _PlaceError(f"{before}{name}", "missing")
    try:
        return cls(**arguments)
    except ValueError as error:
        raise _PlaceError(place, str(error)) from error


def _unnamed(cls: type, value: Mapping[str, Any], *, before: str) -> dict[str, Any]:
    """The values of fields that are written with a name each, as lists in the order of the names."""
    result = {}
    for name, keys in NAMED.get(cls.__name__, {}).items():
        given = value.get(name)
        if name in value and not isinstance(given, dict):
            raise _PlaceError(f"{before}{name}", f"must be an object with {', '.join(keys)}, got {_kind(given)}")
        for key in given or {}:
            if key not in keys:
                raise _PlaceError(f"{before}{name}.{key}", f"unknown, must be one of {', '.join(keys)}")
        missing = [key for key in keys if given is not None and key not in given]
        if missing:
            raise _PlaceError(f"{before}{name}.{missing[0]}", "missing")
        if given is not None:
            result[name] = [given[key] for key in keys]
    return result


def name_values(data: Any) -> Any:
    """A document of before, in which lists of probabilities had no names, with a name for each value.

    Examples
    --------
    >>> name_values({"probabilities": [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]})["probabilities"]["Excited"]
    0.5
    """
    if isinstance(data, list):
        return [name_values(item) for item in data]
    if not isinstance(data, dict):
        return data
    named = NAMED["EmotionState"]
    return {
        key: dict(zip(named[key], value, strict=True))
        if key in named and isinstance(value, list) and len(value) == len(named[key])
        else name_values(value)
        for key, value in data.items()
    }


def _array(value: Any, *, place: str, limits: Limits) -> Any:
    """A vector, or a table of vectors of one length, as float32."""
    if not isinstance(value, list):
        raise _PlaceError(place, f"must be a list, got {_kind(value)}")
    if value and isinstance(value[0], list):
        rows = [_array(row, place=f"{place}[{i}]", limits=limits) for i, row in enumerate(value)]
        if len({len(row) for row in rows}) > 1:
            raise _PlaceError(place, "rows must have equal length")
        return np.stack(rows)
    return np.asarray([_leaf(float, v, place=f"{place}[{i}]", limits=limits) for i, v in enumerate(value)], np.float32)


def _leaf(hint: Any, value: Any, *, place: str, limits: Limits) -> Any:
    """Text, number, fraction, or one of a few words."""
    if hint is bool:
        if not isinstance(value, bool):
            raise _PlaceError(place, f"must be true or false, got {_kind(value)}")
        return value
    if hint is int or hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _PlaceError(place, f"must be a number, got {_kind(value)}")
        if hint is int and not isinstance(value, int):
            raise _PlaceError(place, f"must be a whole number, got {value}")
        return _number(hint, value, place=place, limits=limits)
    if not isinstance(value, str):
        raise _PlaceError(place, f"must be a string, got {_kind(value)}")
    if hint is Fraction:
        return _fraction(value, place=place)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError as error:
            raise _PlaceError(place, f"must be one of {', '.join(hint)}, got {value}") from error
    fault = _text_fault(value)
    if fault is not None:
        raise _PlaceError(place, fault)
    return value


def _text_fault(text: str) -> str | None:
    """What keeps a text from being written elsewhere, or None.

    Bytes of file names that are not UTF-8 are written as U+DC80 to U+DCFF, as Python has them; no other half of a
    surrogate pair means anything.
    """
    if len(text) > MOST_CHARACTERS:
        return f"string too long: {len(text)} characters, at most {MOST_CHARACTERS}"
    odd = _HALF_PAIR.search(text)
    return None if odd is None else f"contains an unpaired surrogate, U+{ord(odd[0]):04X}"


def _number(hint: Any, value: int | float, *, place: str, limits: Limits) -> int | float:
    """A finite number inside its limits; floats rounded as they are written."""
    low, high = limits.low, limits.high
    if (low is not None and value < low) or (high is not None and value > high) or abs(value) > 1e15:
        bounds = f"at least {low:g}" if high is None and low is not None else f"in [{low or 0:g}, {high or 0:g}]"
        raise _PlaceError(place, f"must be {bounds if limits != Limits() else 'within range'}, got {value}")
    return value if hint is int else round(float(value), DECIMALS) + 0.0


def _fraction(value: str, *, place: str) -> Fraction:
    """A positive fraction such as ``30000/1001``."""
    top, slash, bottom = value.partition("/")
    short = max(len(top), len(bottom)) <= _MAX_DIGITS
    if not (short and slash and top.isdecimal() and bottom.isdecimal() and int(top) > 0 and int(bottom) > 0):
        raise _PlaceError(place, f"must be a fraction above 0 such as 30000/1001, got {value}")
    return Fraction(int(top), int(bottom))
