"""Open files named by the user: regular files of bounded size, without blocking.

Goes in: a path that a person, a document or a database names. Comes out: an open file, its bytes, or its text; and for
everything else an `InputError` with the path, the cause and the next step. Every document of the tool is opened here,
and files that other libraries open (SQLite, FAISS, safetensors, zip) are checked here before.

Files are opened with ``O_NONBLOCK``, so that a named pipe cannot block, and looked at after opening, so that nothing
can change in between. Devices, sockets and folders are refused. A document may also be a pipe, since
``soundtrack render film.mp4 <(jq ... cues.json)`` is one: it is read to its end, up to the size limit, and given up if
no program writes to it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import select
import stat
import time
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import BinaryIO

from soundtrack.errors import InputError, Reason

DOCUMENT_BYTES = 32 << 20
"""Size limit of cue sheets and scene sheets; those of a ten-hour film have about 2 MB."""

SETTINGS_BYTES = 1 << 20
"""Size limit of settings, manifests and the configurations of models."""

TABLE_BYTES = 64 << 20
"""Size limit of tables of labels, which name each file on a line."""

WRITER_TIMEOUT_S = 5.0
"""A pipe to which no program writes is given up after this time."""

_BLOCK_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
_BOM = b"\xef\xbb\xbf"
_ADDRESS = re.compile(r"(?:^|/)(https?|ftps?|sftp|rtsp|rtmp|mms|smb):/+([^/].*)", re.IGNORECASE | re.DOTALL)
"""An address among names of files, where two slashes may have become one."""
_REASONS = {
    errno.ENOENT: Reason.MISSING,
    errno.ENOTDIR: Reason.MISSING,
    errno.ELOOP: Reason.MISSING,
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.EISDIR: Reason.NOT_REGULAR,
    errno.ENXIO: Reason.NOT_REGULAR,
}


def open_regular(path: Path | str, *, most_bytes: int | None = None) -> BufferedReader:
    """A regular file, open for reading; a context manager.

    Parameters
    ----------
    path : Path or str
        Any name.
    most_bytes : int >= 0, optional
        Size limit; none by default.

    Raises
    ------
    InputError
        It is missing, not readable, not a regular file, or larger than `most_bytes`.

    Examples
    --------
    >>> open_regular("/dev/null")
    Traceback (most recent call last):
    soundtrack.errors.InputError: /dev/null: not a regular file
    """
    return _open(path, most_bytes=most_bytes, pipes=False)


def require_regular(path: Path | str, *, most_bytes: int | None = None) -> None:
    """Refuse what `open_regular` refuses, without opening it; for files that another library opens by name.

    Opening and closing a database would take away the locks that SQLite holds on it in this process.

    Raises
    ------
    InputError
        As `open_regular`.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a name may be no Path
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    _require(path, status, most_bytes=most_bytes, pipes=False)


def sha256(path: Path | str, *, most_bytes: int | None = None) -> str:
    """SHA-256 of a file's bytes, lower-case hex.

    Raises
    ------
    InputError
        As `open_regular`.
    """
    with open_regular(path, most_bytes=most_bytes) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(path, error) from error


def read_bytes(path: Path | str, *, most_bytes: int, pipes: bool = False) -> bytes:
    """The content of a file.

    Parameters
    ----------
    path : Path or str
        Any name.
    most_bytes : int >= 0
        Size limit.
    pipes : bool
        Whether a pipe is read as well.

    Raises
    ------
    InputError
        As `open_regular`; or no program writes to the pipe.
    """
    with _open(path, most_bytes=most_bytes, pipes=pipes) as file:
        try:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                return _read_pipe(file.fileno(), path, most_bytes)
            return _bounded(file, path, most_bytes)  # a file may grow while it is read
        except OSError as error:
            raise unreadable(path, error) from error


def read_text(path: Path | str, *, most_bytes: int, pipes: bool = False) -> str:
    """The content of a text file: UTF-8, with or without a byte order mark.

    Raises
    ------
    InputError
        As `read_bytes`; or it is not UTF-8.
    """
    return decoded(read_bytes(path, most_bytes=most_bytes, pipes=pipes), path)


def read_stream(file: BufferedIOBase | BinaryIO, *, name: str, most_bytes: int) -> str:
    """The text of an open stream such as stdin, to its end.

    Raises
    ------
    InputError
        It is longer than `most_bytes`, or not UTF-8, or cannot be read.
    """
    try:
        return decoded(_bounded(file, name, most_bytes), name)
    except OSError as error:
        raise unreadable(name, error) from error


def decoded(data: bytes, name: Path | str) -> str:
    """Text from bytes: UTF-8, with or without a byte order mark.

    Raises
    ------
    InputError
        It is not UTF-8.

    Examples
    --------
    >>> decoded(b"\\xef\\xbb\\xbf{}", "a.json")
    '{}'
    """
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not a text file: byte {error.start} is not UTF-8",
            hint="check that this is the right file, or save it as UTF-8",
            reason=Reason.BAD_FORMAT,
        ) from error


def missing(path: Path | str, *, cause: str = "no such file") -> InputError:
    """The error for a file that is not there; an address is named as one.

    Examples
    --------
    >>> str(missing("a.mp4")), str(missing(Path("https://example.org/a.mp4")))
    ('a.mp4: no such file', 'https://example.org/a.mp4: an address, not a file')
    """
    if (found := _ADDRESS.search(str(path))) is not None:
        return InputError(
            f"{_short(f'{found[1]}://{found[2]}')}: an address, not a file",
            hint="download it first, and give the name of the file",
            reason=Reason.MISSING,
        )
    return InputError(f"{path}: {cause}", hint="check the name", reason=Reason.MISSING)


def unreadable(path: Path | str, error: OSError | ValueError) -> InputError:
    """Why a file cannot be opened or read, in our words."""
    if not isinstance(error, OSError):
        return InputError(
            f"{_short(path)}: invalid file name", hint="check the name", reason=Reason.MISSING
        )  # NUL, or half of a surrogate pair
    reason = _REASONS.get(error.errno or 0, Reason.UNSUPPORTED)
    if reason is Reason.MISSING:
        return missing(_short(path))
    cause = "not a regular file" if reason is Reason.NOT_REGULAR else error.strerror or str(error)
    return InputError(f"{_short(path)}: {cause}", hint="check that the file is readable", reason=reason)


def _short(path: Path | str) -> str:
    """A name that fits into a message."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _open(path: Path | str, *, most_bytes: int | None, pipes: bool) -> BufferedReader:
    """A regular file, or a pipe where that is wanted."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        _require(path, os.fstat(descriptor), most_bytes=most_bytes, pipes=pipes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _require(path: Path | str, status: os.stat_result, *, most_bytes: int | None, pipes: bool) -> None:
    """Refuse what is not a regular file (or a pipe, where that is wanted), and what is too large."""
    if not stat.S_ISREG(status.st_mode) and not (pipes and stat.S_ISFIFO(status.st_mode)):
        raise InputError(
            f"{_short(path)}: not a regular file",
            hint="use a regular file, not a folder or a device"
            if pipes
            else "use a regular file, not a folder, pipe or device",
            reason=Reason.NOT_REGULAR,
        )
    if most_bytes is not None and status.st_size > most_bytes:
        raise _too_large(path, most_bytes)


def _bounded(file: BufferedIOBase | BinaryIO, name: Path | str, most_bytes: int) -> bytes:
    """All of a file or stream, block by block, refused as soon as it is too long."""
    blocks, left = [], most_bytes
    while block := file.read(min(_BLOCK_BYTES, left + 1)):
        left -= len(block)
        if left < 0:
            raise _too_large(name, most_bytes)
        blocks.append(block)
    return b"".join(blocks)


def _read_pipe(descriptor: int, path: Path | str, most_bytes: int) -> bytes:
    """All that comes out of a pipe; the first writer has `WRITER_TIMEOUT_S` to come."""
    blocks, left = [], most_bytes
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    given_up_at = time.monotonic() + WRITER_TIMEOUT_S
    has_writer = False
    while True:
        events = poller.poll(100)  # empty while no program has opened the pipe
        has_writer = has_writer or bool(events)
        try:
            block = os.read(descriptor, _BLOCK_BYTES)
        except BlockingIOError:  # a program has it open and has not written yet
            has_writer = True
            continue
        if block:
            left -= len(block)
            if left < 0:
                raise _too_large(path, most_bytes)
            blocks.append(block)
        elif has_writer:
            return b"".join(blocks)
        elif time.monotonic() > given_up_at:
            raise InputError(
                f"{_short(path)}: no process is writing to this pipe",
                hint="start the writing program first, or use a file",
                reason=Reason.TIMEOUT,
            )


def _too_large(name: Path | str, most_bytes: int) -> InputError:
    """The error for what is longer than any such file."""
    size = f"{most_bytes >> 20} MiB" if most_bytes >= 1 << 20 else f"{most_bytes >> 10} KiB"
    return InputError(
        f"{_short(name)}: file too large: more than {size}",
        hint="check that this is the right file",
        reason=Reason.TOO_LARGE,
    )
