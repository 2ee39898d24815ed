"""A film named by a path, or from stdin for ``-``; a scored film to a path, or to stdout for ``-``.

What comes from stdin is copied to a temporary file first, since films are read more than once. What goes to stdout is
written to a temporary file first, so that a run that fails gives nothing.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundtrack.errors import InputError, OutputError
    from soundtrack.pipeline import Scored

MOST_BYTES = 64 << 30
"""Largest film from stdin; on a smaller disk nine tenths of its free space."""
OF_PHOTOS = frozenset({"moves", "seconds_per_image"})
"""Parameters of ``score`` that only a folder of photos has a use for."""
_CHUNK_BYTES = 1 << 20
_ROOM = 0.9


def required_film(video: Path | None, *, keep: str | None, has_target: bool, given: frozenset[str]) -> Path:
    """The film of ``score``.

    Raises
    ------
    UsageError
        There is none, or it is stdin and stdin is in use or gives the scored film no name; or it is a film, and
        the parameters that were given are of photos.
    """
    from soundtrack.errors import UsageError

    if video is None:
        raise UsageError("missing argument VIDEO", hint="give a film, or many films with --batch LIST")
    if str(video) == "-" and keep == "-":
        raise UsageError("VIDEO and --keep cannot both be stdin", hint="use a file name for one of them")
    if str(video) == "-" and not has_target:
        raise UsageError("a film from stdin requires --output", hint="add -o FILE")
    if video.is_file() and (of_photos := sorted(OF_PHOTOS & given)):
        name = of_photos[0].replace("_", "-")
        raise UsageError(f"--{name} requires a folder of photos", hint="give that folder, or leave out the option")
    return video


@contextmanager
def film_from(video: Path, *, quiet: bool) -> Iterator[Path]:
    """The path of a film; for ``-`` that of a temporary copy of stdin, gone after the block.

    Parameters
    ----------
    video : Path
        From the command line.
    quiet : bool
        Whether nothing is said of the copy.

    Raises
    ------
    UsageError
        ``-`` was asked for and stdin is a terminal.
    InputError
        stdin is empty, cannot be read, or has more than `MOST_BYTES`.
    OutputError
        The copy cannot be written.
    """
    if str(video) != "-":
        yield video
        return
    from soundtrack.cli import output
    from soundtrack.errors import SoundtrackError, UsageError
    from soundtrack.files.safe_write import scratch_folder

    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError("stdin is a terminal, expected a film", hint="pipe a film to stdin, or use a file name")
    with scratch_folder() as folder:
        most = min(MOST_BYTES, int(_ROOM * shutil.disk_usage(folder).free))
        output.say(f"copying the film from stdin to {folder.parent}, at most {_size(most)}", quiet=quiet)
        path = folder / "stdin"
        _copy(path, most=most)
        try:
            yield path
        except SoundtrackError as error:
            error.args = (str(error).replace(str(path), "stdin"),)  # the copy is gone when the message is read
            raise


@contextmanager
def film_to(out: Path | None, *, as_json: bool) -> Iterator[Path | None]:
    """Where a scored film is written; for ``-`` a temporary Matroska file that goes to stdout after the block.

    Parameters
    ----------
    out : Path, optional
        From the command line.
    as_json : bool
        Whether stdout is to have a summary.

    Raises
    ------
    UsageError
        ``-`` was asked for, and stdout is a terminal or in use.
    OutputError
        Stdout takes nothing.
    """
    if out is None or str(out) != "-":
        yield out
        return
    from soundtrack.cli import output
    from soundtrack.errors import UsageError
    from soundtrack.files.safe_write import scratch_folder

    if output.is_terminal(1):
        hint = "pipe the film to a program or a file, or use -o FILE"
        raise UsageError("stdout is a terminal, which cannot show a film", hint=hint)
    if as_json:
        raise UsageError("--json and -o - cannot both write to stdout", hint="use -o FILE, or leave out --json")
    with scratch_folder() as folder:
        film = folder / "scored.mkv"
        yield film
        output.write_file(film)


def lines_for_stdout(scored: Scored, *, has_sheet: bool) -> list[str]:
    """What is said about a film that goes to stdout, without names of files that are gone when it is read.

    Parameters
    ----------
    scored : Scored
        Its film is temporary.
    has_sheet : bool
        Whether the cue sheet is kept, under the name given by ``--cues``.
    """
    lines = [line.replace(str(scored.film), "stdout") for line in scored.summary()]
    return (
        lines if has_sheet else [line.replace(str(scored.cues), "cue sheet, kept only with --cues") for line in lines]
    )


def _copy(path: Path, *, most: int) -> None:
    """Write stdin to a file."""
    from soundtrack.errors import InputError, OutputError, Reason

    n_bytes = 0
    try:
        with path.open("wb") as file:
            while block := _read():
                n_bytes += len(block)
                if n_bytes > most:
                    raise _too_large(most, path.parent.parent)
                file.write(block)
    except OSError as error:
        raise OutputError(
            f"{path.parent.parent}: {error.strerror or error}", hint="set TMPDIR to a folder with more free space"
        ) from error
    if not n_bytes:
        raise InputError("stdin: no data", hint="pipe a film to stdin", reason=Reason.EMPTY)


def _too_large(most: int, folder: Path) -> InputError | OutputError:
    """Why no more of stdin is copied to a folder: its disk has no room, or no film is that large."""
    from soundtrack.errors import InputError, OutputError, Reason

    if most < MOST_BYTES:
        return OutputError(
            f"{folder}: not enough free disk space for the film from stdin, which has more than {_size(most)}",
            hint="free some disk space, set TMPDIR to a folder on a larger disk, or use the name of a file",
        )
    hint = "save the film to a file and use its name"
    return InputError(f"stdin: more than {_size(most)}", hint=hint, reason=Reason.TOO_LARGE)


def _size(n_bytes: int) -> str:
    """A number of bytes for people."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


def _read() -> bytes:
    from soundtrack.errors import InputError, Reason

    try:
        return sys.stdin.buffer.read(_CHUNK_BYTES)
    except OSError as error:
        raise InputError(f"stdin: {error.strerror or error}", hint="use a file name", reason=Reason.CORRUPT) from error
