"""Terminal output: rich on stderr, only the product on stdout.

Progress is drawn only when stderr is a terminal; colour follows NO_COLOR. While a command's product goes to stdout, the
file descriptor itself is kept aside, so that not even a C library can mix its chatter into the product; a command that
fails writes none of it.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TextIO

from soundtrack.processes import ending
from soundtrack.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from soundtrack.errors import OutputError
    from soundtrack.files.kinds import Kind


PLAIN_EVERY_S = 30.0
"""From one line of progress to the next where stderr is no terminal."""

_UNSHOWN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode categories of control, direction and line-breaking characters."""


def plain(text: object, *, limit: int = 500) -> str:
    """Text that is safe on a terminal: no control characters, no direction overrides, no lone surrogates.

    What is too long loses its middle: a message ends with its reason, after a path that may have 4,096 bytes.

    Examples
    --------
    >>> plain("a\\x1b[31mb\\n")
    'a�[31mb�'
    """
    raw = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    kept = ("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSHOWN else c for c in raw)
    short = "".join(kept)
    n_last = limit // 4
    return short if len(short) <= limit else f"{short[: limit - n_last - 1]}…{short[-n_last:]}"


def say(message: str, *, quiet: bool = False) -> None:
    """One line for people, on stderr."""
    if not quiet:
        write_err(f"{plain(message, limit=4_000)}\n")


def say_warnings(lines: Iterable[str], *, quiet: bool = False, of: str = "") -> None:
    """The warnings of a cue sheet or a run, a line each; how a request was understood is a note.

    Parameters
    ----------
    lines : iterable of str
        As the sheet holds them.
    quiet : bool
        Say nothing.
    of : str
        What they are about, such as a film of several.
    """
    from soundtrack.naming.wording import is_note

    for line in lines:
        say(f"{'note' if is_note(line) else 'warning'}: {f'{of}: ' if of else ''}{line}", quiet=quiet)


def warn_of_openvino(*, quiet: bool = False) -> None:
    """Say that torch did the work of an OpenVINO that is installed and does not work; once for each reason."""
    from soundtrack.networks.runs.openvino_core import given_up

    reason = given_up()
    if reason is not None:
        _say_once(
            f"warning: OpenVINO is not usable, torch ran the networks: {reason}; run `soundtrack doctor`", quiet=quiet
        )


@cache
def _say_once(message: str, *, quiet: bool) -> None:
    say(message, quiet=quiet)


def hint_at_faces(*, wanted: bool, quiet: bool = False) -> None:
    """Name the command that installs the networks of faces, where faces are wanted and the networks are missing."""
    from soundtrack.checkpoints.face_networks import faces_path

    if wanted and not faces_path().is_file():
        say("faces are not read: install their networks with `soundtrack models pull faces` (41 MB)", quiet=quiet)


def write_err(text: str) -> None:
    """Text to stderr; one that takes nothing (a full disk) must not change how the run ends, and is not tried again."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        silence(2)


def console(*, stderr: bool = True) -> Console:
    """A rich console on stderr (or stdout for an explicit ``show``)."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress callback: a bar with rate and time left on a terminal, a plain line now and then elsewhere.

    What follows a colon in the name of a stage, such as the file at hand, is shown but makes no stage of its own.
    """
    if quiet:
        yield lambda _stage, _done, _total: None
        return
    if not sys.stderr.isatty():
        yield _plain_progress()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ending.last_words("\n\x1b[?25h"), Bars(*columns, console=console(), transient=True) as bars:
        tasks: dict[str, int] = {}

        def update(stage: str, done: int, total: int) -> None:
            name = stage.partition(":")[0]
            if name not in tasks:
                tasks[name] = int(bars.add_task(plain(stage), total=total or None, rate=""))
            speed = bars.tasks[tasks[name]].speed
            rate = f"{speed:.1f}/s" if speed else ""
            shown = plain(stage, limit=60)
            bars.update(bars.task_ids[tasks[name]], description=shown, completed=done, total=total or None, rate=rate)

        yield update


def _plain_progress() -> Progress:
    """A line on stderr every `PLAIN_EVERY_S`: a log says that the work goes on, and a short run says nothing."""
    import time

    said_s = time.monotonic()

    def update(stage: str, done: int, total: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s < PLAIN_EVERY_S:
            return
        said_s = time.monotonic()
        say(f"{stage}: {done} of {total}" if total else f"{stage}: {done}")

    return update


def stdout_columns() -> int | None:
    """Width of the terminal on stdout in cells; None where stdout is a file or a pipe. To be asked before `product`."""
    import shutil

    return shutil.get_terminal_size().columns if is_terminal(1) else None


def is_terminal(descriptor: int) -> bool:
    """Whether a descriptor leads to a terminal."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


@contextmanager
def product() -> Iterator[TextIO]:
    """A text stream that goes to the real stdout when all went well; until then what writes to stdout lands on stderr.

    Raises
    ------
    OutputError
        Stdout takes nothing.
    """
    from io import StringIO

    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    stream = StringIO()
    try:
        yield stream
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    write_out(stream.getvalue())


def write_out(text: str) -> None:
    """All of a product to the real stdout; a reader may go away before the end.

    Raises
    ------
    OutputError
        Stdout is closed, or leads to a full disk.
    """
    try:
        rest = os.fsencode(text)  # a path whose name is not UTF-8 leaves as it is
    except UnicodeEncodeError:
        rest = text.encode("utf-8", "backslashreplace")
    with _reader_may_leave():
        write_blocks([rest])


def write_file(path: Path) -> None:
    """The content of a file to the real stdout; raises as `write_out`."""
    with path.open("rb") as file, _reader_may_leave():
        write_blocks(iter(lambda: file.read(1 << 20), b""))


def write_blocks(blocks: Iterable[bytes]) -> None:
    """Blocks to the real stdout, each at once.

    Raises
    ------
    BrokenPipeError
        The reader has gone away.
    OutputError
        Stdout is closed, or leads to a full disk.
    """
    try:
        for block in blocks:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(1, rest) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise stdout_error(error) from error


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        silence_stdout()


def silence_stdout() -> None:
    """Point stdout nowhere, so that closing the interpreter does not complain about a reader that went away."""
    silence(1)


def silence(number: int) -> None:
    """Point a standard stream nowhere, with whatever waits in it."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, number)
    os.close(devnull)


def stdout_error(error: OSError) -> OutputError:
    """What the system says about a stdout that takes nothing, in our words."""
    from soundtrack.errors import OutputError

    return OutputError(
        f"cannot write to stdout: {error.strerror or error}",
        hint="redirect stdout to a terminal, a pipe, or a file on a disk with free space",
    )


def read_document(source: str) -> str:
    """The text of a JSON document named by a path, or of stdin for ``-``.

    A file, or a pipe such as ``<(jq ...)``, of at most `soundtrack.files.safe_read.DOCUMENT_BYTES`.

    Raises
    ------
    InputError
        It is missing, unreadable, not a file, too large, or not UTF-8 text.
    UsageError
        ``-`` was asked for and stdin is a terminal.
    """
    from pathlib import Path

    from soundtrack.errors import InputError, UsageError
    from soundtrack.files import safe_read

    if source != "-":
        try:
            return safe_read.read_text(source, most_bytes=safe_read.DOCUMENT_BYTES, pipes=True)
        except InputError as error:
            from soundtrack.media.opening import looks_like_media

            if Path(source).is_file() and looks_like_media(Path(source)):
                error.hint = "give the sheet of the film: `soundtrack score` and `soundtrack scenes` write one"
            raise
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError(
            "stdin is a terminal, expected a document", hint="pipe a document to stdin, or use a file name"
        )
    return safe_read.read_stream(sys.stdin.buffer, name="stdin", most_bytes=safe_read.DOCUMENT_BYTES)


@contextmanager
def product_to(
    target: Path | None, *, kind: Kind, inputs: Sequence[Path] = (), index: Path | None = None, force: bool
) -> Iterator[Callable[[str], None]]:
    """A function that writes a command's document: to a file, whole or not at all, or to the real stdout.

    Parameters
    ----------
    target : Path or None
        The file; None or ``-`` for stdout.
    kind : Kind
        What it will be.
    inputs : sequence of Path
        Files that the command reads.
    index : Path, optional
        Folder of the library index, if it is not the configured one.
    force : bool
        Whether a file of the same kind may be replaced.

    Raises
    ------
    UsageError, OutputError
        The target must not be replaced, or cannot be written; said before any work is done.
    """
    if target is None or str(target) == "-":
        with product() as stream:

            def write(text: str) -> None:
                stream.write(text)

            yield write
        return
    from soundtrack.files.safe_write import write_text
    from soundtrack.files.targets import Target
    from soundtrack.pipeline.sheets.targets import guard

    guard([Target(target, kind)], inputs=inputs, index=index, force=force)
    with product():
        yield lambda text: write_text(target, text, kind=kind, force=force)


def write_json(data: object, stream: TextIO) -> None:
    """A machine's summary: two-space indent, sorted as given, final newline."""
    import json

    json.dump(data, stream, indent=2, ensure_ascii=True)
    stream.write("\n")
