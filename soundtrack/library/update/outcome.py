"""Outcome of one file of a run, and what a run needs of the workers that analyse its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

from soundtrack.errors import FfmpegError, InputError, Reason
from soundtrack.library.heard import Heard, Listener, Observed
from soundtrack.library.identity import Identity

Wanted: TypeAlias = bool | tuple[str, ...]
"""Whether to analyse a file, or the names of the channels to run on it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; nothing was heard and there is no `reason` where the content was known."""

    path: Path
    """Which file."""
    identity: Identity | None
    """Hash and key; None if not even those could be had."""
    heard: Heard | None = None
    """The analysis."""
    observed: Observed | None = None
    """The evidence of some channels only."""
    reason: Reason | None = None
    """Why it could not be used."""
    message: str = ""
    """One line for people on a file that could not be used."""


def heard_of(path: Path, identity: Identity | None, found: Heard | Observed | None) -> Outcome:
    """The outcome of a file that could be used."""
    if isinstance(found, Observed):
        return Outcome(path, identity, observed=found)
    return Outcome(path, identity, heard=found)


class Crew(Protocol):
    """The workers that analyse files during a run; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...

    def listen(self, paths: Iterable[Path], *, wanted: Callable[[Identity], Wanted]) -> Iterator[Outcome]:
        """Outcomes of files, in the order in which they are ready; `wanted` decides whether to analyse a file."""


def attend(listener: Listener, path: Path, wanted: Wanted) -> Heard | Observed:
    """Analyse a file as far as it is wanted."""
    return listener(path, wanted) if isinstance(wanted, tuple) else listener(path)


def explain(error: Exception, path: Path) -> tuple[Reason, str]:
    """Reason why a file could not be used; unexpected errors are reported as a crash."""
    if isinstance(error, InputError):
        return error.reason, str(error)
    if isinstance(error, FfmpegError):
        return Reason.CORRUPT, str(error)
    if isinstance(error, MemoryError):
        return Reason.TOO_LARGE, f"{path}: not enough memory"
    if isinstance(error, OSError):
        return Reason.CORRUPT, f"{path}: {error.strerror or error}"
    return Reason.CRASHED, f"{path}: analysis failed: {type(error).__name__}: {error}"
