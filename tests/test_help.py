"""``soundtrack help``: every command and topic can be asked for, and the manual page has them all."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from soundtrack.cli.app import run_commands
from soundtrack.cli.man import ENVIRONMENT, EXIT_CODES
from soundtrack.cli.models.help import TOPICS
from soundtrack.config import Config
from soundtrack.errors import ExitCode, UsageError


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_is_a_short_text_of_80_columns(topic: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_commands(["help", topic]) == ExitCode.OK
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) > 4 and max(len(line) for line in lines) <= 80


@pytest.mark.parametrize("words", [["score"], ["cues", "export"]])
def test_help_on_a_command_is_its_own_help(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    run_commands(["help", *words])
    assert capfd.readouterr().out.startswith(f"Usage: soundtrack {' '.join(words)} ")


def test_a_topic_of_a_similar_name_is_suggested() -> None:
    with pytest.raises(UsageError, match="'mods'") as caught:
        run_commands(["help", "mods"])
    assert "did you mean `soundtrack help moods`?" in caught.value.hint


def test_the_lists_are_those_of_the_program() -> None:
    assert set(EXIT_CODES) == {code.value for code in ExitCode}
    read = {f"SOUNDTRACK_{name.upper()}" for name in Config.__dataclass_fields__ if name not in ("merit", "plan")}
    assert read <= set(ENVIRONMENT)


def test_the_manual_page_has_every_command_and_no_line_that_roff_takes_for_a_request() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "soundtrack", "help", "--man"], capture_output=True, text=True, check=True
    )
    sections = re.findall(r"^\.SS soundtrack (.*)$", done.stdout, flags=re.MULTILINE)
    assert {"score", "cues export", "library rules", "help"} <= set(sections)
    usages = re.findall(r"^Usage: .*$", done.stdout, flags=re.MULTILINE)
    assert len(usages) > 30
    assert not [line for line in usages if re.search(r"\[[^]]*\[|\][^\[]*\]", line)]  # [PICTURE]...]...
    requests = {line.split()[0] for line in done.stdout.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".nf", ".fi", ".B", ".TP"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["-q", "index", "music"], "put it after the command: `soundtrack index -q`"),
        (["--index", "dir", "score", "a.mp4"], "put it after the command: `soundtrack score --index`"),
        (["--bogus", "index"], "`soundtrack --help` lists the options"),
        (["-q", "doctor"], "`soundtrack --help` lists the options"),
    ],
)
def test_an_option_before_its_command_is_told_its_place(words: list[str], hint: str) -> None:
    with pytest.raises(UsageError, match="option") as caught:
        run_commands(words)
    assert caught.value.hint == hint


def test_an_unknown_export_format_gets_the_nearest_one() -> None:
    sheet = Path(__file__).parent / "golden" / "cue-sheet-2.json"
    with pytest.raises(UsageError, match="unknown format 'fcpxm'") as caught:
        run_commands(["cues", "export", str(sheet), "--to", "fcpxm"])
    assert "did you mean fcpxml?" in caught.value.hint
