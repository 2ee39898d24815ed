"""The ``soundtrack`` command: its commands, and the one boundary where errors become two lines and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from copy import copy
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from soundtrack import __version__
from soundtrack.cli import STYLE
from soundtrack.cli.help_text import HelpfulCommand, HelpfulGroup
from soundtrack.cli.streams import open_closed_streams
from soundtrack.errors import ExitCode, Reason, SoundtrackError
from soundtrack.processes import ending

_COMMANDS = {
    "index": "Build or update the music library index.",
    "score": "Add matching music from your library to a film.",
    "scenes": "Detect shots, scenes and their mood.",
    "spot": "Select and place music for the scenes of a film.",
    "conform": "Adapt a cue sheet to a new cut of its film.",
    "render": "Mix the music of a cue sheet into a film.",
    "review": "Hear, compare and change the music of a film on a local page.",
    "verify": "Compare a scored film with its source, stream by stream.",
    "search": "Search the library by mood or by a similar file.",
    "watch": "Show the mood of a camera live, and the music that would play.",
    "excerpt": "Cut the best stretch of a piece of music, or a loop.",
    "voices": "Separate the voices of a film from its music.",
    "taste": "Show or forget what your swaps, locks and comparisons changed.",
    "config": "Print the current settings and weights.",
    "doctor": "Check the installation and suggest fixes.",
    "demo": "Score a generated demo film with generated tracks.",
    "cues": "Show, validate, edit and export cue sheets.",
    "library": "Inspect and manage the music library.",
    "models": "List, verify, download and add models.",
    "train": "Train the models.",
    "eval": "Evaluate the models on labelled data.",
    "mcp": "Serve index, search, score and review over MCP.",
    "help": "Show help on a command or topic.",
}
"""A line on each command. In the module of that name is a function of that name, or an ``app`` of several commands."""

_PACKAGE_OF = {
    name: package
    for package, names in {
        "film": ("conform", "cues", "render", "review", "scenes", "score", "spot", "verify"),
        "music": ("excerpt", "index", "library", "search", "taste", "voices"),
        "live": ("watch",),
        "models": ("config", "demo", "doctor", "eval", "help", "mcp", "models", "train"),
    }.items()
    for name in names
}
"""Which package of ``soundtrack.cli`` a command's module is in."""


class LateCommand(TyperCommand):
    """A name and a line for the help; the command itself is imported when it is asked for."""

    def load(self) -> Any:
        """The command."""
        module = import_module(f"soundtrack.cli.{_PACKAGE_OF[str(self.name)]}.{self.name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(**STYLE)
            function = getattr(module, str(self.name), None) or getattr(module, f"{self.name}_")
            app.command(self.name, cls=HelpfulCommand)(function)
        app, own = copy(app), app.registered_commands  # the module's stays as it is, however often it is loaded
        app.registered_commands = [copy(info) for info in own]
        app.info = copy(app.info)
        app.info.cls = HelpfulGroup
        for info in app.registered_commands:
            info.cls = HelpfulCommand
            if info.callback is not None:
                info.callback = _as_on_disk(info.callback)
        command = typer.main.get_command(app)
        command.help = command.help or self.short_help
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of the loaded command."""
        return self.load().make_context(info_name, args, parent, **extra)


_DOCUMENTS = ("cues", "source", "keep")
"""Parameters that name a file and may be ``-``."""


def _as_on_disk(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a command, called with paths as the file system spells them: accents composed or decomposed."""
    from soundtrack.naming.names import as_on_disk

    def spelled(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [spelled(name, item) for item in value]
        if isinstance(value, str) and name in _DOCUMENTS:
            return str(as_on_disk(Path(value))) if not value.isascii() else value
        return as_on_disk(value) if isinstance(value, Path) else value

    @wraps(callback)
    def call(**values: Any) -> Any:
        return callback(**{name: spelled(name, value) for name, value in values.items()})

    return call


def _show_version(value: bool) -> None:
    if value:
        from soundtrack.cli.output import write_out

        write_out(f"soundtrack {__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001 - its callback has the say
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Log ffmpeg commands to stderr; -vv: also output."
        ),
    ] = 0,
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Write the log to a new file instead.")
    ] = None,
) -> None:
    """Add matching music from your own library to films."""
    from soundtrack.processes.heap import return_large_blocks

    return_large_blocks()
    if verbose or log_file is not None:
        from soundtrack.cli.log import set_up_log

        set_up_log(verbose, log_file)


def command_line() -> TyperGroup:
    """The whole command, ready to be called."""
    root = typer.Typer(
        name="soundtrack",
        no_args_is_help=True,
        cls=HelpfulGroup,
        context_settings={"help_option_names": ["-h", "--help"]},
        **{**STYLE, "add_completion": True},
    )
    root.callback()(_root)
    group = typer.main.get_command(root)
    assert isinstance(group, TyperGroup)
    for name, line in _COMMANDS.items():
        group.add_command(LateCommand(name, short_help=line))
    return group


_WRONG_WORDS: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""What typer raises about the words of a command line; it has no public name for the whole family."""


def run_commands(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    args : list of str, optional
        By default those of the process.

    Raises
    ------
    SoundtrackError
        As the command does; a wrong word is a `UsageError`, a path that may not be read an `InputError`.
    """
    from soundtrack.cli.wrong_words import as_error

    try:
        code = command_line()(args, prog_name="soundtrack", standalone_mode=False)
    except _WRONG_WORDS as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
            return ExitCode.USAGE
        raise as_error(error, sys.argv[1:] if args is None else args) from error
    return code if isinstance(code, int) else ExitCode.OK


def _report(error: SoundtrackError) -> None:
    from soundtrack.cli.wrong_words import name_in_pieces

    reason = getattr(error, "reason", None)
    hint = (reason is Reason.MISSING and name_in_pieces(sys.argv[1:])) or error.hint
    _write_error(str(error), hint, code=error.code, exit_code=error.exit_code, reason=reason)


def _write_error(message: str, hint: str, *, code: str, exit_code: int, reason: str | None = None) -> None:
    """Two lines on stderr, or one JSON object where the command line asks for JSON."""
    from soundtrack.cli.output import plain, write_err

    message, hint = plain(message, limit=2_000), plain(hint, limit=2_000)
    if "--json" in sys.argv[1:]:
        import json

        found = {"code": code, "exit_code": int(exit_code), "message": message, "hint": hint, "reason": reason}
        write_err(json.dumps({"error": found}) + "\n")
    else:
        write_err(f"error: {message}\nhint: {hint} [{code}]\n")


_IMPOSSIBLE_PATH = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO})
"""What the system answers to a path that can be given, but not used."""


def _report_unforeseen(error: Exception) -> ExitCode:
    """A stdout that takes nothing, or a path that cannot be used, shows wherever it is used; all else is a bug."""
    from soundtrack.cli.output import stdout_error

    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):
        _report(stdout_error(error))
        return ExitCode.OUTPUT
    if isinstance(error, OSError) and error.filename is not None and error.errno in _IMPOSSIBLE_PATH:
        from soundtrack.files.safe_read import unreadable

        _report(unreadable(os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename, error))
        return ExitCode.INPUT
    _write_error(
        f"internal error, {type(error).__name__}: {error}",
        "please report this bug; SOUNDTRACK_TRACEBACK=1 shows the traceback",
        code="E100",
        exit_code=ExitCode.BUG,
    )
    return ExitCode.BUG


def _warn() -> None:
    """Say what came out about the machine while a command ran."""
    if "soundtrack.networks.runs.openvino_core" in sys.modules and "doctor" not in sys.argv[1:]:
        from soundtrack.cli.output import warn_of_openvino

        warn_of_openvino(quiet=bool({"-q", "--quiet"} & {*sys.argv[1:]}))


def main() -> None:
    """Run the command line and end the process with a code of `ExitCode`."""
    open_closed_streams()
    ending.install()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads of a network that wait must not spin beside a decoder
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nor those of products that are small
    code: int = ExitCode.OK
    try:
        code = run_commands()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else ExitCode.OK if stop.code is None else ExitCode.BUG
    except SoundtrackError as error:
        _report(error)
        code = error.exit_code
    except BrokenPipeError:
        from soundtrack.cli.output import silence_stdout

        silence_stdout()
        code = ExitCode.OK
    except Exception as error:  # the one place: a bug becomes two lines, the traceback only when asked for
        if os.environ.get("SOUNDTRACK_TRACEBACK"):
            traceback.print_exc()
            code = ExitCode.BUG
        else:
            code = _report_unforeseen(error)
    _warn()
    try:
        sys.stdout.flush()
    except (ValueError, OSError):
        from soundtrack.cli.output import silence_stdout

        silence_stdout()
    sys.exit(code)


if __name__ == "__main__":
    main()
