"""What README.md and its neighbours tell a reader to type exists, and means what they say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/decisions.md",
    "docs/errors.md",
    "docs/first-film.md",
    "docs/recipes.md",
    "examples/README.md",
)


def text_of(name: str) -> str:
    """Text of a document."""
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Lines of the shell blocks of a document, pipelines taken apart, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(name), flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]
    return [part.strip() for line in lines for part in line.split("#")[0].split("|") if part.strip()]


def program() -> Any:
    """The command line as typer understands it."""
    from soundtrack.cli.app import command_line

    return command_line()


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command that some words name, and the words after it."""
    command, rest = program(), words
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"there is no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
        command = command.load() if hasattr(command, "load") else command
    return command, rest


def options_of(command: Any) -> set[str]:
    """All option names of a command."""
    return {name for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")} | {"--help"}


def shown(name: str) -> Iterator[Any]:
    """One case per `soundtrack` line of a document."""
    for command in commands(name):
        if command.startswith("soundtrack "):
            yield pytest.param(command, id=command)


@pytest.mark.parametrize("line", [case for name in DOCUMENTS for case in shown(name)])
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    command, rest = resolve(shlex.split(line)[1:])
    known = options_of(command)
    given = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= known
    assert not hasattr(command, "commands"), f"{line}: names a group, not a command"


def test_the_two_commands_are_at_the_top() -> None:
    assert commands("README.md")[:2] == ["python3 dev.py demo", "python3 dev.py test"]
    assert text_of("README.md").index("python3 dev.py test") < 300


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_word_for_dev_py_and_make_is_known(name: str) -> None:
    known = set(re.findall(r'case \["(\w+)"', text_of("dev.py")))
    assert {line.split()[2] for line in commands(name) if line.startswith("python3 dev.py")} <= known
    made = set(re.findall(r"^([a-z ]+):", text_of("Makefile"), flags=re.MULTILINE))
    targets = {target for group in made for target in group.split()}
    assert set(re.findall(r"`make (\w+)`", text_of(name))) <= targets


def test_the_first_page_is_short_and_shows_the_demo() -> None:
    text = text_of("README.md")
    assert len(text.splitlines()) <= 85
    assert "![" in text.split("## ")[0]


def test_the_command_list_is_complete() -> None:
    told = set(re.findall(r"\bsoundtrack (\w+)", text_of("README.md")))
    told |= set(re.findall(r"`(\w+)`", text_of("README.md").split("Other commands:")[1].split("\n")[0]))
    assert set(program().commands) <= told


def test_the_lines_on_commands_are_whole_and_every_command_loads() -> None:
    for name, late in program().commands.items():
        command = late.load()
        assert late.get_short_help_str(60) == late.short_help, name
        assert command.name == name or command.commands, name
        assert command.help, name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text_of(name)):
        assert ((ROOT / name).parent / target).exists(), target


def test_dependencies_have_a_paragraph_each() -> None:
    import tomllib

    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    names = {re.split(r"[<>=;\[ ]", line)[0] for line in project["dependencies"]}
    decisions = text_of("docs/decisions.md")
    missing = {name for name in names if f"**{name}**" not in decisions and f"`{name}`" not in decisions}
    assert missing - {"opencv-python-headless"} == set()
