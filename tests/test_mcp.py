"""``soundtrack mcp``, asked by the client of the package `mcp` over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
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


@pytest.mark.parametrize(("cues", "reason"), [("a" * 300_000, "too long"), ("a\0b", "null byte")])
def test_a_value_that_no_command_line_can_hold_was_an_error_without_a_reason(cues: str, reason: str) -> None:
    pytest.importorskip("mcp")
    from mcp.server.mcpserver.exceptions import ToolError

    with pytest.raises(ToolError, match=f"error: the command cannot be started: .*{reason}\nhint: check the values"):
        asyncio.run(mcp_server.review(cues))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(DependencyError, match="requires the package mcp") as caught:
        run_commands(["mcp"])
    assert caught.value.hint == "run `pip install 'soundtrack[mcp]'`"


@pytest.mark.slow
def test_a_client_that_leaves_before_its_answer_is_no_bug(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "client", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    command = [sys.executable, "-m", "soundtrack", "mcp"]
    with (
        (tmp_path / "said.txt").open("w+b") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, cwd=tmp_path) as server,
    ):
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(f"{json.dumps(hello)}\n".encode())
        server.stdin.flush()
        assert b"soundtrack" in server.stdout.readline()
        server.stdout.close()
        server.stdin.write(f"{json.dumps(ready)}\n{json.dumps(asked)}\n".encode())
        server.stdin.close()
        assert server.wait(60) == 0
        said.seek(0)
        assert said.read() == b""
