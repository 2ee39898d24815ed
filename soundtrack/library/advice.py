"""Hints about an index: commands that name its folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Self

from soundtrack.errors import LibraryError
from soundtrack.types import ModelRef


class OtherModelError(LibraryError):
    """An index holds vectors of other networks than those in use."""

    kind = 1

    @classmethod
    def between(cls, index_dir: Path, mine: ModelRef | None, model: ModelRef, *, is_adoptable: bool = False) -> Self:
        """The error for an index that was made by `mine`, asked for by `model`."""
        made_by = "no model" if mine is None else f"{mine.name} {mine.version}"
        if mine is not None and (mine.name, mine.version) == (model.name, model.version):
            made_by += f" with other weights ({mine.sha256[:8]})"
        other = f"; or use the networks that built it: --model {mine.name}" if mine and mine.name != model.name else ""
        return cls(
            f"{index_dir}: the index was built with {made_by}, "
            f"this version uses {model.name} {model.version} ({model.sha256[:8]})",
            hint=(to_adopt if is_adoptable else to_rebuild)(index_dir) + other,
        )


def index_command(index_dir: Path, *words: str) -> str:
    """``soundtrack index`` with the folder and some words, ready for a shell.

    Examples
    --------
    >>> index_command(Path("/my music/index"), "PATH...")
    "soundtrack index PATH... --index '/my music/index'"
    """
    folder = os.fsencode(index_dir).decode("utf-8", "backslashreplace")
    return " ".join(("soundtrack index", *words, "--index", shlex.quote(folder)))


def to_fill(index_dir: Path) -> str:
    """What to type where there is no music in the index."""
    return f"run `{index_command(index_dir, 'PATH...')}` to index your music"


def to_rebuild(index_dir: Path) -> str:
    """What to type where the index cannot be used any more."""
    return f"run `{index_command(index_dir, '--rebuild', 'PATH...')}` to index the music again"


def to_adopt(index_dir: Path) -> str:
    """What to type where the evidence that an index holds serves the networks in use."""
    return f"run `{index_command(index_dir)}` to convert it to these networks without re-indexing the music"
