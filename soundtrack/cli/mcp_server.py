"""Server for the Model Context Protocol: index, search, score and review a sheet over stdin and stdout.

Goes in: calls of tools. Comes out: the JSON or text of the command of the same name. Every call is a run of the command
line in a process of its own, so paths, limits and messages are those of the command line. No tool passes ``--force``:
an existing file is never replaced. The only module that imports ``mcp``, which comes with the extra ``mcp``.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from soundtrack import __version__
from soundtrack.cli.output import silence_stdout
from soundtrack.errors import DependencyError, ExitCode
from soundtrack.processes import children

INSTRUCTIONS = (
    "Score films with music from the user's own library. Call `index` once for folders of music, then `score` a film;"
    " `review` explains the cue sheet that `score` wrote. Existing files are never replaced: choose another output."
)
"""Description of the server for clients."""


def require_mcp() -> None:
    """Refuse the command without the package.

    Raises
    ------
    DependencyError
        mcp is not installed, or too old.
    """
    try:
        from mcp.server import MCPServer  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise DependencyError(
            "`soundtrack mcp` requires the package mcp 2", hint="run `pip install 'soundtrack[mcp]'`"
        ) from error


def _at_home(name: str) -> str:
    """A path with a leading ``~`` made the home folder, which no shell has done; all else stays as it is."""
    return os.path.expanduser(name)  # noqa: PTH111 - a Path would make "" the working folder


def _options(**values: str | int | float | bool | Sequence[str] | None) -> list[str]:
    """Options of a command line as single words, so that no value can become an option."""
    words = []
    for name, given in values.items():
        value = _at_home(given) if name in {"index", "output"} and isinstance(given, str) else given
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, str | int | float) and value is not False:
            words.append(f"{option}={value}")
        elif isinstance(value, Sequence):
            words += [f"{option}={each}" for each in value]
    return words


def _error_text(stderr: str) -> str:
    """The two lines of an error, as the command line prints them."""
    for line in reversed(stderr.splitlines()):
        if line.startswith('{"error": '):
            found = json.loads(line)["error"]
            return f"error: {found['message']}\nhint: {found['hint']} [{found['code']}]"
    lines = stderr.strip().splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("error: ")), max(len(lines) - 2, 0))
    return "\n".join(lines[start:]) or "error: the command ended without a message"


async def _run(command: Sequence[str], options: Iterable[str], arguments: Sequence[str] = ()) -> tuple[str, str]:
    """Standard output of a command, and the text of a partial failure (empty if all went well)."""
    from mcp.server.mcpserver.exceptions import ToolError

    words = [sys.executable, "-P", "-m", "soundtrack", *command, *options, "--", *map(_at_home, arguments)]
    try:
        process = children.start_quietly(words)  # nothing of it may reach the protocol's stdout
    except (OSError, ValueError) as error:  # a value that is too long for a command line, or has a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise ToolError(
            f"error: the command cannot be started: {reason}\nhint: check the values given [E200]"
        ) from error
    try:
        out, err = await asyncio.to_thread(process.communicate)
    finally:
        children.stop(process)  # a cancelled call ends its command
    text = err.decode(errors="replace")
    if process.returncode == ExitCode.PARTIAL and out:
        return out.decode(errors="replace"), _error_text(text)
    if process.returncode != ExitCode.OK:
        raise ToolError(_error_text(text))
    return out.decode(errors="replace"), ""


async def _run_json(command: Sequence[str], options: Iterable[str], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Result of a command as JSON."""
    out, failure = await _run(command, ["--json", *options], arguments)
    result = {"result": json.loads(out)}
    return result | {"incomplete": failure} if failure else result


async def index(paths: list[str], index: str | None = None) -> dict[str, Any]:
    """Analyse folders or files of music and store the results in the library index; known files are skipped."""
    return await _run_json(["index"], _options(index=index), paths)


async def search(
    mood: str | None = None,
    valence: float | None = None,
    arousal: float | None = None,
    like: str | None = None,
    n: int = 10,
    index: str | None = None,
) -> dict[str, Any]:
    """Find tracks by a mood word, by valence and arousal in [-1, 1], or by `like`: a file or words."""
    found = _options(mood=mood, valence=valence, arousal=arousal, like=like, index=index)
    return await _run_json(["search"], [*found, "-n", str(n)])


async def score(
    video: str,
    output: str | None = None,
    mood: list[str] | None = None,
    like: str | None = None,
    silence: list[str] | None = None,
    hit: list[str] | None = None,
    only: list[str] | None = None,
    avoid: list[str] | None = None,
    track: str | None = None,
    target: str | None = None,
    index: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Select music for a film, mix it and write the scored film and its cue sheet; takes minutes for long films.

    `mood` holds SPAN=MOOD such as "0:30-1:10=tense", `silence` spans, `hit` times, `only` and `avoid` tracks or
    playlists, `track` one given song. `dry_run` returns the cue sheet and writes no film.
    """
    wishes = _options(mood=mood, like=like, silence=silence, hit=hit, only=only, avoid=avoid, track=track)
    return await _run_json(
        ["score"], _options(output=output, target=target, index=index, dry_run=dry_run) + wishes, [video]
    )


async def review(cues: str) -> str:
    """Check a cue sheet and show its cues with the reasons for each choice and each silence."""
    out, _ = await _run(["cues", "show"], ["--why"], [cues])
    return out


def serve() -> None:
    """Serve until standard input ends.

    Raises
    ------
    DependencyError
        mcp is not installed.
    """
    require_mcp()
    from mcp.server import MCPServer
    from mcp.server.mcpserver.tools import Tool
    from mcp.types import ToolAnnotations

    tools = []
    for function, is_reading in ((index, False), (search, True), (score, False), (review, True)):
        hints = ToolAnnotations(read_only_hint=is_reading, destructive_hint=False, open_world_hint=False)
        tool = Tool.from_function(function, annotations=hints)
        arguments = tool.fn_metadata.arg_model
        arguments.model_config["extra"] = "forbid"  # or a misspelled wish would be dropped without a word
        arguments.model_rebuild(force=True)
        tool.parameters = arguments.model_json_schema(by_alias=True)
        tools.append(tool)
    server = MCPServer("soundtrack", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING", tools=tools)
    try:
        server.run("stdio")
    except* BrokenPipeError:  # the client is gone; the library raises it in a group, with the errors of its tasks
        silence_stdout()
