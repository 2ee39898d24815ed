"""Locations and states of the files of tracks.

They come out of the index database and go into it; nothing here touches a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import Reason
from soundtrack.library.identity import QuickKey


@dataclass(frozen=True, slots=True)
class Location:
    """A place where a track lies, or lay."""

    path: Path
    """Absolute."""
    track_id: str
    """Which track."""
    key: QuickKey
    """As it was when the file was last read."""
    present: bool
    """Whether the file was there at the last look."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used."""

    path: Path
    """Absolute."""
    key: QuickKey
    """As it was when it was tried."""
    reason: Reason
    """Why not."""
    message: str
    """One line for people."""


@dataclass(frozen=True, slots=True)
class DerivedFile:
    """A file made from the database, and what it must be to be used."""

    sha256: str
    """Of its bytes."""
    n_rows: int
    """Vectors in it."""
    dim: int
    """Length of a vector."""
    generation: int
    """State of the database that it was made from."""
