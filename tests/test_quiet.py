"""``-q``: a command that speaks on stderr can be told not to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from made_up import sheet, small_library
from soundtrack.cli.app import LateCommand, command_line, run_commands
from soundtrack.documents import cuesheet
from soundtrack.spotting.plan.spot import spot_cues

PRODUCT_ONLY = {
    "config",
    "doctor",
    "eval answers",
    "help",
    "library list",
    "library rules",
    "library show",
    "mcp",
    "models list",
    "taste show",
}
"""Commands that print what was asked for, and nothing else."""


def commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    command = command.load() if isinstance(command, LateCommand) else command
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, *path, name)
    else:
        yield " ".join(path), command


def test_cues_export_and_five_others_had_no_quiet() -> None:
    found = dict(commands(command_line()))
    without = {name for name, command in found.items() if not any("-q" in p.opts for p in command.params)}
    assert without == PRODUCT_ONLY


def test_quiet_commands_on_sheets_print_their_product_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "film.cues.json"
    path.write_text(cuesheet.dumps(spot_cues(sheet([("Relaxation", 20.0)]), small_library())), encoding="utf-8")
    for words in (["check", str(path)], ["show", str(path)], ["export", str(path), "--to", "edl"]):
        assert run_commands(["cues", *words]) == 0
        loud = capsys.readouterr()
        assert loud.err, words
        assert run_commands(["cues", *words, "-q"]) == 0
        quiet = capsys.readouterr()
        assert (quiet.out, quiet.err) == (loud.out, "")
