"""What to type about an index: commands that name its folder, so that they change this index and no other."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


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
    return f"type `{index_command(index_dir, 'PATH...')}` to listen to your music"


def to_rebuild(index_dir: Path) -> str:
    """What to type where the index cannot be used any more."""
    return f"type `{index_command(index_dir, '--rebuild', 'PATH...')}` to listen to the music again"
