"""What differs between operating systems: file locks, limits of processes, pipes, and held-back interrupts.

The only module that imports ``fcntl`` and ``resource``; ``signal`` is used in this package alone. Where the system has
no limits (Windows), setting one does nothing; where it has no file locks, asking for one is an `OSError`, which
callers report as a file system without locks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

fcntl: Any
resource: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
try:
    import resource
except ImportError:  # Windows
    resource = None

INTERRUPT = signal.SIGINT
"""Signal of Ctrl-C."""


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # Windows, macOS


def _require_locks() -> None:
    """Refuse a lock where the system has none."""
    if fcntl is None:
        raise OSError(errno.ENOTSUP, "file locks are not supported on this system")


def lock_file(descriptor: int, *, wait: bool) -> None:
    """Lock an open file for this process alone, until it is closed.

    Raises
    ------
    BlockingIOError
        Another process holds it, and `wait` is false.
    OSError
        The file system or the system has no locks.
    """
    _require_locks()
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def try_byte_lock(descriptor: int) -> None:
    """Lock and release the first byte of a file open for writing, as SQLite does.

    Raises
    ------
    OSError
        The file system or the system has no such locks.
    """
    _require_locks()
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1)


def enlarge_pipe(descriptor: int, n_bytes: int) -> None:
    """Enlarge a pipe where the system allows it, which saves switches between processes."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, n_bytes)


def limit_child(pid: int, *, memory_bytes: int) -> None:
    """Limit the address space of a process and its core dumps to nothing, where the system can (Linux)."""
    if not hasattr(resource, "prlimit"):
        return
    with contextlib.suppress(OSError, ValueError):  # it may have ended already, or a stricter limit may hold
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def limit_this_process(*, memory_bytes: int) -> None:
    """Limit the address space of this process; it writes no file and no core dump from now on."""
    if resource is None:
        return
    for limit, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        hard = resource.getrlimit(limit)[1]
        held = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (held, held))


@contextlib.contextmanager
def more_memory(n_bytes: int) -> Iterator[None]:
    """Let this process take `n_bytes` more than it has, and nothing beyond, while the block runs (Linux)."""
    has = Path("/proc/self/statm")
    if resource is None or not has.exists():  # elsewhere nothing tells how much it has
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = int(has.read_text().split()[0]) * resource.getpagesize() + n_bytes
    held = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *held]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def ignore_interrupt() -> None:
    """Leave Ctrl-C to the parent process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def let_interrupt_through() -> None:
    """End the hold of `interrupt_held` in a process that was started during it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def interrupt_held() -> Iterator[None]:
    """Hold Ctrl-C back while the block runs, also in processes started by it, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill(pid: int) -> None:
    """End a process at once; nothing happens if it has ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
