"""Plain English in help, messages, docstrings and pages: none of the words listed in CONTRIBUTING.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundtrack.cli.app import LateCommand, command_line

ROOT = Path(__file__).resolve().parent.parent
_LIST = re.compile(r"<!-- banned words.*?-->\n```text\n(.*?)```", re.DOTALL)
BANNED = re.compile(
    "|".join(rf"\b(?:{line})" for line in _LIST.findall((ROOT / "CONTRIBUTING.md").read_text())[0].splitlines()),
    re.IGNORECASE,
)
NOT_TEXTS = {"soundtrack/demo/spoken.py", "benchmarks/own_music.py"}
"""The lines that the demo film speaks, and those of synthetic readings."""
SOURCES = [*(ROOT / "soundtrack").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py"), ROOT / "dev.py"]
PAGES = [
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "models").glob("*/card.md"),
    *(ROOT / name / "README.md" for name in ("", "examples", "library_index")),
]
LOGS = {"CHANGELOG.md", "docs/decisions.md"}
"""Grow with every change."""
ALLOWED = 0
"""Words that the pages of `LOGS` may still hold."""


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts that a program can show: string constants of several words that are no docstrings."""
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


@pytest.mark.parametrize("text", ["Nobody wants to know.", "this track lies behind the end", "type --mend to mend it"])
def test_the_list_catches_the_words_it_is_for(text: str) -> None:
    assert BANNED.search(text)


@pytest.mark.parametrize("text", ["use at most 3 files", "a standing wave", "as much as the original"])
def test_the_list_leaves_plain_sentences_alone(text: str) -> None:
    assert not BANNED.search(text)


def test_messages_and_descriptions_of_options_are_plain_english() -> None:
    found = []
    for path in sorted(SOURCES):
        name = path.relative_to(ROOT).as_posix()
        if name not in NOT_TEXTS:
            found += [
                f"{name}:{line}: {text}" for line, text in texts(ast.parse(path.read_text())) if BANNED.search(text)
            ]
    assert not found, "\n".join(found)


def words_in(path: Path) -> list[str]:
    """Lines of a page with a banned word."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{path.relative_to(ROOT)}:{i}: {line}" for i, line in enumerate(lines, 1) if BANNED.search(line)]


def test_pages_are_plain_english() -> None:
    assert len(PAGES) > 20
    pages = [path for path in PAGES if path.relative_to(ROOT).as_posix() not in LOGS]
    found = [line for path in pages for line in words_in(path)]
    assert not found, "\n".join(found)
    found = [line for name in LOGS for line in words_in(ROOT / name)]
    assert len(found) <= ALLOWED, "\n".join(found)


def test_docstrings_are_plain_english() -> None:
    found = []
    for path in sorted(SOURCES):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                match = BANNED.search(node.value.value)
                found += [f"{path.relative_to(ROOT)}:{node.lineno}: {match.group()}"] if match else []
    assert not found, "\n".join(found)


def every_command() -> Iterator[tuple[list[str], object]]:
    """All commands with the words that call them."""
    for name, late in command_line().commands.items():
        assert isinstance(late, LateCommand)
        command = late.load()
        yield [name], command
        for below, sub in getattr(command, "commands", {}).items():
            yield [name, below], sub


def test_every_help_is_plain_complete_and_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    from soundtrack.cli.help_text import EXAMPLES, HelpfulGroup

    found = []
    names = {"soundtrack"}
    for words, command in every_command():
        names.add(path := " ".join(["soundtrack", *words]))
        context = command.context_class(command, info_name=path, terminal_width=80)  # type: ignore[attr-defined]
        text = command.get_help(context)  # type: ignore[attr-defined]
        if not isinstance(command, HelpfulGroup):
            assert "Examples:" in text, path
        odd = re.compile(rf"{BANNED.pattern}|.{{81}}|[a-z]\.\.\.$|<(?:str|path|int)|: \(", re.IGNORECASE)
        found += [f"{path}: {line}" for line in text.splitlines() if odd.search(line)]
    assert not found, "\n".join(found)
    assert set(EXAMPLES) <= names, "an example of a command that does not exist"


@pytest.mark.parametrize("name", ["score", "spot"])
def test_every_option_of_a_choice_or_a_mix_is_in_its_panel(name: str) -> None:
    (command,) = (command for words, command in every_command() if list(words) == [name])
    text = command.get_help(command.context_class(command, info_name=name, terminal_width=80))  # type: ignore[attr-defined]
    alone = text.partition("\nOptions:\n")[2].partition("\nExamples:")[0]
    assert set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", alone, flags=re.MULTILINE)) <= {"--quiet", "--help"}


def test_the_examples_name_options_that_exist() -> None:
    from soundtrack.cli.help_text import EXAMPLES

    known = {" ".join(["soundtrack", *words]): command for words, command in every_command()}
    for lines in EXAMPLES.values():
        for line in lines:
            for part in line.split(" | "):
                words = part.split()
                name = next((n for k in (3, 2) if (n := " ".join(words[:k])) in known), None)
                assert name is not None, line
                options = {o for p in known[name].params for o in (*p.opts, *p.secondary_opts)}  # type: ignore[attr-defined]
                assert {w for w in words if w.startswith("-") and len(w) > 1 and not w[1].isdigit()} <= options, line


def test_root_help_shows_each_description_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "soundtrack", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80"},
    )
    assert "..." not in done.stdout.replace("ARGS]...", "")
