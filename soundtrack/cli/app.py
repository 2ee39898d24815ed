"""The ``soundtrack`` command: its commands, and the one boundary where errors become two lines and an exit code."""

import errno
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
    rich_markup_mode=None,  # boxes and colours take half of the time that `--help` takes
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        from soundtrack.cli.output import write_out

        write_out(f"soundtrack {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001 - its callback has the say
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Score a film with your own music."""
    from soundtrack.heap import return_large_blocks

    return_large_blocks()


app.command("index", short_help="Listen to music: add what is new, mark what is gone.")(index.index)
app.command("score", short_help="Choose music from your library and lay it under a film.")(score.score)
app.command("scenes", short_help="Split a film into shots and scenes and read their mood.")(scenes.scenes)
app.command("spot", short_help="Choose and place music for the scenes of a film.")(spot.spot)
app.command("render", short_help="Mix the music of a cue sheet into a film.")(render.render)
app.command("verify", short_help="Compare a film with its source, stream by stream.")(verify.verify)
app.command("search", short_help="Find music in the library: by mood, or by likeness.")(search.search)
app.command("doctor")(doctor.doctor)
app.command("demo", short_help="Try everything out on a demo film and ten demo tracks.")(demo.demo)
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


def _report_unforeseen(error: Exception) -> ExitCode:
    """A stdout that takes nothing shows in whoever writes to it, such as the help; all else is a bug of ours."""
    from soundtrack.cli.output import plain, stdout_error

    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):
        _report(stdout_error(error))
        return ExitCode.OUTPUT
    sys.stderr.write(
        f"error: internal error, {type(error).__name__}: {plain(error, limit=2_000)}\n"
        "hint: please report it; SOUNDTRACK_TRACEBACK=1 shows where it happened\n"
    )
    return ExitCode.BUG


def _open_closed_streams() -> None:
    """Put something behind a closed stdin, stdout or stderr, lest the next file that is opened takes its number.

    Stdin has nothing to say then, stderr is not heard, and stdout still refuses whatever is written to it.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest free number, which is this one
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a number has no path; open to the end
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def main() -> None:
    """Run the command line and end the process with a code of `ExitCode`."""
    _open_closed_streams()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads of a network that wait must not spin beside a decoder
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nor those of products that are small
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
        from soundtrack.cli.output import silence_stdout

        silence_stdout()
        code = ExitCode.OK
    except Exception as error:  # the one place: a bug becomes two lines, the traceback only when asked for
        if os.environ.get("SOUNDTRACK_TRACEBACK"):
            raise
        code = _report_unforeseen(error)
    try:
        sys.stdout.flush()
    except (ValueError, OSError):
        from soundtrack.cli.output import silence_stdout

        silence_stdout()
    sys.exit(code)


if __name__ == "__main__":
    main()
