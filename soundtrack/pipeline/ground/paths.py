"""Paths from callers of the package."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import overload

PathLike = str | os.PathLike[str]
"""A path; in a `str` a leading ``~`` is the home folder."""


@overload
def as_path(given: PathLike) -> Path: ...
@overload
def as_path(given: None) -> None: ...
@overload
def as_path(given: PathLike | None) -> Path | None: ...
def as_path(given: PathLike | None) -> Path | None:
    """A path as the stages take it; None stays None.

    Raises
    ------
    InputError
        It begins with the home folder of a user that does not exist.

    Examples
    --------
    >>> as_path("~/a.mp4") == Path.home() / "a.mp4", as_path(Path("~/a.mp4"))
    (True, PosixPath('~/a.mp4'))
    """
    from soundtrack.errors import InputError, Reason

    if given is None or not isinstance(given, str):
        return None if given is None else Path(given)
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        hint = "use the full path, or ./~NAME for a name that begins with ~"
        raise InputError(f"{given}: unknown home folder", hint=hint, reason=Reason.MISSING) from error


def as_paths(given: PathLike | Iterable[PathLike]) -> list[Path]:
    """One path or several as the stages take them.

    Raises
    ------
    InputError
        As `as_path`.

    Examples
    --------
    >>> as_paths("a.mp3") == as_paths(["a.mp3"]) == [Path("a.mp3")]
    True
    """
    return [as_path(path) for path in ([given] if isinstance(given, str | os.PathLike) else given)]
