"""Abilities of the file system under an index: network shares may lack locks or shared memory.

Goes in: a folder, or what the system said. Comes out: an error that says what to choose instead, or how SQLite is to
keep its journal.
"""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path

from soundtrack.errors import OutputError
from soundtrack.processes.platform import try_byte_lock

_ELSEWHERE = "choose a folder on a local disk with --index; the music can stay where it is"


def no_locks(index_dir: Path, cause: object) -> OutputError:
    """An error for a file system on which two writers could not be kept apart."""
    return OutputError(
        f"{index_dir}: the file system does not support the file locks an index needs: {cause}", hint=_ELSEWHERE
    )


def no_shared_memory(path: Path, cause: object) -> OutputError:
    """An error for a database whose log needs memory that the file system cannot share."""
    return OutputError(
        f"{path}: the file system does not support the shared memory this index needs: {cause}", hint=_ELSEWHERE
    )


def require_byte_locks(descriptor: int, index_dir: Path) -> None:
    """Try the kind of lock that SQLite uses, on a file whose ``flock`` this process holds.

    Parameters
    ----------
    descriptor : int
        The lock file, open for writing.
    index_dir : Path
        Folder of the index, for the message.

    Raises
    ------
    OutputError
        The file system refuses it.
    """
    try:
        try_byte_lock(descriptor)
    except OSError as error:
        raise no_locks(index_dir, error.strerror) from error


def shares_memory(folder: Path) -> bool:
    """Whether processes can share memory through a file of a folder, as SQLite's write-ahead log wants.

    Parameters
    ----------
    folder : Path
        Where a file can be made.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * mmap.PAGESIZE)
            file.flush()
            mmap.mmap(file.fileno(), mmap.PAGESIZE).close()
    except (OSError, ValueError):
        return False
    return True
