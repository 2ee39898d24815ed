"""``soundtrack mcp``, asked by the client of the package `mcp` over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from soundtrack.cli import mcp_server
from soundtrack.cli.app import run_commands
from soundtrack.errors import DependencyError

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "tests" / "golden" / "cue-sheet-2.json"


def ask(work: Path, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Results of some calls of tools, in order; the first is the list of tools."""
    mcp = pytest.importorskip("mcp")
    environment = {**os.environ, "SOUNDTRACK_CACHE": "0"}
    server = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "soundtrack", "mcp"], cwd=str(work), env=environment
    )

    async def talk() -> list[Any]:
        async with mcp.Client(server) as client:
            found: list[Any] = [await client.list_tools()]
            found += [await client.call_tool(name, arguments) for name, arguments in calls]
            return found

    return asyncio.run(talk())


def text(result: Any) -> str:
    """Text of a result."""
    return str(result.content[0].text)


@pytest.mark.slow
def test_a_client_lists_the_tools_reviews_a_sheet_and_gets_the_error_of_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "film.cues.json").write_bytes(SHEET.read_bytes())
    film = tmp_path / "film.mp4"
    film.write_bytes(b"")
    tools, reviewed, missing, empty, no_index, misspelled = ask(
        tmp_path,
        ("review", {"cues": "film.cues.json"}),
        ("review", {"cues": "--help"}),
        ("score", {"video": "film.mp4"}),
        ("search", {"mood": "calm", "index": str(tmp_path / "none")}),
        ("score", {"video": "film.mp4", "moods": ["0-1=calm"]}),
    )
    assert {tool.name for tool in tools.tools} == {"index", "search", "score", "review"}
    run_commands(["cues", "show", str(SHEET), "--why"])
    assert not reviewed.is_error and text(reviewed).split() == capfd.readouterr().out.split()
    assert missing.is_error and "error: --help: " in text(missing), "a value is never an option"
    assert empty.is_error and "film.mp4" in text(empty) and "hint: " in text(empty) and "[E3" in text(empty)
    assert no_index.is_error and "[E6" in text(no_index)
    assert misspelled.is_error and "moods" in text(misspelled) and "[E" not in text(misspelled), "not dropped"
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools.tools)
    assert film.read_bytes() == b"" and sorted(path.name for path in tmp_path.iterdir()) == [
        "film.cues.json",
        "film.mp4",
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: mcp_server.score("film.mp4", output="--force", mood=["0-1=calm"], dry_run=True),
            ["score", "--json", "--output=--force", "--dry-run", "--mood=0-1=calm", "--", "film.mp4"],
        ),
        (lambda: mcp_server.index(["--rebuild"]), ["index", "--json", "--", "--rebuild"]),
        (
            lambda: mcp_server.index(["~/Music", "~nobody-of-this-name/Music"], index="~/index"),
            [
                *("index", "--json", f"--index={Path.home()}/index", "--"),
                f"{Path.home()}/Music",
                "~nobody-of-this-name/Music",
            ],
        ),
        (
            lambda: mcp_server.search(valence=0.0, arousal=-1.0, n=3),
            ["search", "--json", "--valence=0.0", "--arousal=-1.0", "-n", "3", "--"],
        ),
    ],
)
def test_no_value_becomes_an_option(
    call: Callable[[], Awaitable[Any]], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp")
    asked: list[str] = []

    class Done:
        returncode = 0
        pid = 0

        def communicate(self) -> tuple[bytes, bytes]:
            return b"{}", b""

    def start(command: list[str]) -> Done:
        asked.extend(command)
        return Done()

    monkeypatch.setattr(mcp_server.children, "start_quietly", start)
    monkeypatch.setattr(mcp_server.children, "stop", lambda _: None)
    assert asyncio.run(call()) == {"result": {}}  # type: ignore[arg-type]
    assert asked[asked.index("soundtrack") + 1 :] == words


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(DependencyError, match="requires the package mcp") as caught:
        run_commands(["mcp"])
    assert caught.value.hint == "run `pip install 'soundtrack[mcp]'`"
