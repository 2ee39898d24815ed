"""What differs between operating systems: file locks, limits of processes, pipes, and held-back interrupts.

The only module that imports ``fcntl`` and ``resource``; ``signal`` is used in this package alone. Where the system has
no limits (Windows), setting one does nothing; where it has no file locks, asking for one is an `OSError`, which
callers report as a file system without locks.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import sys
import time
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

_PROCESSOR = Path("/proc/cpuinfo")
_LOWEST = 19
"""Highest niceness."""
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""Number of the system call, by processor (Linux, ioprio_set(2); the C library has no function for it)."""
_IOPRIO_WHO_PROCESS, _IOPRIO_CLASS_IDLE = 1, 3


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # Windows, macOS


def has_slow_bf16() -> bool:
    """Whether bf16, if this processor has it, is slower than float32, as on Intel's processors without AMX.

    Virtual machines that hide AMX are among them: on one, the picture network took 1.8 times as long in bf16.
    """
    try:
        processor = _PROCESSOR.read_text().partition("\n\n")[0]
    except (OSError, ValueError):  # not Linux: there the processors that have bf16 are quicker with it
        return False
    return "GenuineIntel" in processor and "amx_bf16" not in processor


def processor_s() -> float:
    """Processor seconds of this process and of its children that have ended."""
    if resource is None:
        return time.process_time()
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime)


def processor_s_of(pid: int) -> float:
    """Processor seconds of another process; 0 where the system does not say (it does on Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return float(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)
    except (OSError, ValueError, IndexError):
        return 0.0


def lower_priority() -> None:
    """Give this process and what it starts from now on the lowest priority for the processor and, on Linux, the disk.

    There is no way back for a process without privileges. Where the system has no such priorities, nothing happens.
    """
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_LOWEST)
    call = _IOPRIO_SET.get(platform.machine()) if sys.platform == "linux" else None
    if call is not None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(call, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_CLASS_IDLE << 13)


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
