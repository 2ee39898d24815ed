"""The ``soundtrack`` command: its commands, and the one boundary where errors become two lines and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from soundtrack import __version__
from soundtrack.cli import cues, demo, doctor, index, library, models, render, scenes, score, search, spot, verify
from soundtrack.cli.eval import eval_app
from soundtrack.cli.train import train_app
from soundtrack.errors import ExitCode, SoundtrackError

app = typer.Typer(
    name="soundtrack",
    help="Score a film with your own music.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"soundtrack {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001 - typer reads the option through its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Score a film with your own music."""


app.command("index")(index.index)
app.command("score")(score.score)
app.command("scenes")(scenes.scenes)
app.command("spot")(spot.spot)
app.command("render")(render.render)
app.command("verify")(verify.verify)
app.command("search")(search.search)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(cues.cues_app, name="cues")
app.add_typer(library.library_app, name="library")
app.add_typer(models.models_app, name="models")
app.add_typer(train_app, name="train")
app.add_typer(eval_app, name="eval")


def _on_terminate(_signal: int, _frame: FrameType | None) -> None:
    """Unwind as for Ctrl-C, so that every half-written file is taken away; end with the shell's code for the signal."""
    raise SystemExit(128 + _signal)


def _report(error: SoundtrackError) -> None:
    from soundtrack.cli.output import plain

    sys.stderr.write(f"error: {plain(error, limit=2_000)}\nhint: {plain(error.hint, limit=2_000)}\n")


def main() -> None:
    """Run the command line and end the process with a code of `ExitCode`."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _on_terminate)
    code: int = ExitCode.OK
    try:
        app()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else ExitCode.OK if stop.code is None else ExitCode.BUG
    except SoundtrackError as error:
        _report(error)
        code = error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = ExitCode.OK
    except Exception as error:  # the one place: a bug becomes two lines, the traceback only when asked for
        if os.environ.get("SOUNDTRACK_TRACEBACK"):
            raise
        from soundtrack.cli.output import plain

        sys.stderr.write(
            f"error: internal error, {type(error).__name__}: {plain(error, limit=2_000)}\n"
            "hint: please report it; SOUNDTRACK_TRACEBACK=1 shows where it happened\n"
        )
        code = ExitCode.BUG
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError, OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


if __name__ == "__main__":
    main()
