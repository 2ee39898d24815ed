"""Start and end other programs; the only place that does, beside `multiprocessing`.

Each program has an absolute path, so none is looked up in the working folder; leads a process group of its own, so that
what it starts ends with it; is registered, so that it ends with this process; and any Python among them leaves the
working folder out of its module path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from soundtrack.processes import ending
from soundtrack.processes.surroundings import clean_environment

END_LIMIT_S = 5.0
"""Longest wait for a killed process, in seconds; only one that hangs in the system itself takes longer."""


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program; end it with `stop`.

    Parameters
    ----------
    command : sequence of str
        Absolute path and arguments.
    **options
        For `subprocess.Popen`.

    Raises
    ------
    ValueError
        The path is not absolute.
    OSError
        It cannot be started.
    """
    if not Path(command[0]).is_absolute():
        raise ValueError(f"program must be an absolute path, got {command[0]!r}")
    environment = dict(options.pop("env", os.environ))
    clean_environment(environment)
    with ending.held_off():
        process = subprocess.Popen(command, env=environment, start_new_session=True, **options)
        ending.started(process.pid)
    return process


def start_quietly(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program without input, its two outputs as pipes for ``communicate``; otherwise as `start`."""
    return start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def start_fed(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program that reads from an unbuffered pipe and whose outputs are dropped; otherwise as `start`."""
    return start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill a program with all that it started, and wait until it is gone."""
    if process.returncode is None:  # not waited for, so the number of its group is still its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_LIMIT_S)
    ending.ended(process.pid)


def output_of(command: Sequence[str], *, limit_s: float) -> bytes | None:
    """What a program writes to its standard output; None if it fails, cannot be started, or takes too long.

    Parameters
    ----------
    command : sequence of str
        Absolute path and arguments.
    limit_s : float > 0
        Longest time, in seconds.

    Examples
    --------
    >>> output_of([sys.executable, "-c", "print(1)"], limit_s=60)
    b'1\\n'
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        process = start(command, **pipes)
    except OSError:
        return None
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()
    return output if process.returncode == 0 else None


def fork() -> int:
    """Fork this process, which has one thread only: the number of the new one, 0 in it, -1 where there is none."""
    try:
        return os.fork()
    except OSError:
        return -1


class Forked:
    """A fork of this process, which has one thread only; it leads a process group of its own.

    Parameters
    ----------
    body : callable
        What it does; it ends with it, and nothing of this process is unwound in it.
    descriptor : int
        The only open file that it keeps.
    environment : mapping of str to str
        Its environment.

    Raises
    ------
    OSError
        There can be no more processes.
    """

    def __init__(self, body: Callable[[], object], *, descriptor: int, environment: Mapping[str, str]) -> None:
        with ending.held_off():
            self.pid = fork()
            if self.pid > 0:
                ending.started(self.pid)
        if self.pid < 0:
            raise OSError(errno.EAGAIN, "cannot fork")
        if self.pid == 0:
            try:
                os.setsid()
                os.environ.update(environment)
                _close_all_but(descriptor)
                body()
            finally:
                os._exit(1)

    def stop(self) -> None:
        """Kill it with all that it started, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        ending.ended(self.pid)


def _close_all_but(descriptor: int) -> None:
    """Close all open files but one; standard input and outputs lead nowhere then (Linux)."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, no paths
        if int(name) != descriptor:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(name))
    for _ in range(3):
        os.open(os.devnull, os.O_RDWR)  # the lowest free numbers


def python_command(code: str, *arguments: str) -> list[str]:
    """The command that runs a piece of code in another Python, which takes no module from the working folder."""
    return [sys.executable, "-P", "-B", "-c", code, *arguments]
