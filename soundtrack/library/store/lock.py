"""Lock for a single writer, released by the kernel when the process dies.

The lock is ``flock`` on ``library.lock`` in the index folder; the file's text names the holder for the message that a
second writer sees. Readers take no lock: SQLite lets them read beside the writer.
"""

from __future__ import annotations

import os
import platform
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soundtrack.errors import LibraryError, OutputError
from soundtrack.library.store.files import LOCK_NAME, require_own_files
from soundtrack.library.store.share import no_locks, require_byte_locks
from soundtrack.processes.platform import lock_file

_SIGNED = re.compile(rb"(pid \d+ on [^\n]*\n?)?")
"""What a lock file says that a writer left; anything else is a file of the user."""


def _holder(descriptor: int) -> str:
    """Who holds the lock, as its file says."""
    text = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
    return text or "another process"


@contextmanager
def write_lock(index_dir: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the right to write an index while the block runs.

    Parameters
    ----------
    index_dir : Path
        Folder of the index; made if it does not exist.
    wait : bool
        Wait for another writer to end instead of giving up.

    Raises
    ------
    LibraryError
        Another process is writing, or a file of the index is a link.
    OutputError
        The folder cannot be written, its file system has no locks, or it holds files of others under the names of an
        index.
    """
    try:
        index_dir.mkdir(parents=True, exist_ok=True)
        require_own_files(index_dir)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(index_dir / LOCK_NAME, flags, 0o644)
    except OSError as error:
        why = "not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise OutputError(
            f"{index_dir}: cannot write the index: {why}",
            hint="choose another folder with --index, or make this one writable",
        ) from error
    try:
        try:
            lock_file(descriptor, wait=wait)
        except BlockingIOError as error:
            raise LibraryError(
                f"{index_dir}: the index is in use by {_holder(descriptor)}",
                hint="wait until it has finished; `soundtrack index` does so with --wait",
            ) from error
        except OSError as error:
            raise no_locks(index_dir, error.strerror) from error
        require_byte_locks(descriptor, index_dir)
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int) -> None:
    """Write who holds the lock, unless the file holds something else; on a full disk the lock holds all the same."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _SIGNED.fullmatch(os.pread(descriptor, 400, 0)):
            return
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {platform.node() or 'this machine'}\n".encode(), 0)
    except OSError:
        return
