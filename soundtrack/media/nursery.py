"""A process of ours with the libraries loaded that others are forked from, where that is safe (Linux).

Starting Python and loading PyAV and numpy costs 0.2 s of the processor, a fork of a process that has them some
milliseconds. The nursery itself opens no file and has one thread only, without which a fork would not be safe: what a
thread holds at that moment is held in the new process for ever. Goes in: a descriptor that the new process shall serve.
Comes out: its number. All of them are in the process group of the nursery, and end with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from soundtrack.processes.children import Forked, fork, python_command, start, stop
from soundtrack.processes.platform import kill
from soundtrack.processes.surroundings import module_path

IS_SAFE = sys.platform == "linux"
"""Elsewhere libraries of the system have threads of their own, and nothing tells how many there are."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from soundtrack.media.sandbox import tend; tend(int(sys.argv[2]))"
)
_ANSWER_LIMIT_S = 120.0
_WORDS_BYTES = 4096
_LOADED = ("av", "numpy")


class Nursery:
    """This side of it; for any thread.

    Parameters
    ----------
    environment : mapping of str to str
        Of it, and of what it forks.
    serve : callable, optional
        As for `tend`; it is then a fork of this process, which has one thread only, and no Python is started.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(self, environment: Mapping[str, str], *, serve: Callable[[int, int], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(_ANSWER_LIMIT_S)
        with theirs:
            descriptor = theirs.fileno()
            if serve is not None:
                forked = Forked(partial(tend, descriptor, serve), descriptor=descriptor, environment=environment)
                self._stop = forked.stop
                return
            started = start(
                python_command(_START, json.dumps(module_path()), str(descriptor)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=[descriptor],
            )
            self._stop = partial(stop, started)

    def fork(self, descriptor: int, *, memory_bytes: int, module: str) -> int | None:
        """Number of a new process that serves a descriptor; None where it has threads, or the system refuses.

        Parameters
        ----------
        descriptor : int
            One end of a pipe.
        memory_bytes : int > 0
            Limit of its address space.
        module : str
            What it needs first; loaded in the nursery, for all that follow.

        Raises
        ------
        OSError
            The nursery is gone.
        """
        return self._ask([descriptor], "fork", memory_bytes, module) or None

    def end(self, pid: int) -> None:
        """Kill a process that it forked, and wait until it is gone."""
        self._ask([], "end", pid)

    def _ask(self, descriptors: list[int], *words: object) -> int:
        with self._lock:
            socket.send_fds(self._ours, [json.dumps(words).encode()], descriptors)
            answer = self._ours.recv(_WORDS_BYTES)
        if not answer:
            raise ConnectionResetError
        return int(answer)

    def leave(self) -> None:
        """Ask it for nothing more; what it forked goes on."""
        self._ours.close()

    def stop(self) -> None:
        """Kill it with all that it forked."""
        self._ours.close()
        self._stop()


class ForkedHelper:
    """A process that a nursery forked.

    Parameters
    ----------
    pid : int
        Its number.
    forked_by : Nursery
        What ends it.
    """

    def __init__(self, pid: int, forked_by: Nursery) -> None:
        self.pid, self._nursery = pid, forked_by

    def stop(self) -> None:
        """Kill it, wherever it is; without the nursery, the end of its pipe ends it."""
        with contextlib.suppress(OSError):
            self._nursery.end(self.pid)


# --- in the nursery ----


def tend(descriptor: int, serve: Callable[[int, int], None]) -> None:
    """Fork and end processes as asked, until the other side is gone.

    Parameters
    ----------
    descriptor : int
        The socket.
    serve : callable
        What a new process does, with its descriptor and its limit of memory; its return ends the process.
    """
    orders = socket.socket(fileno=descriptor)
    children: set[int] = set()
    for name in _LOADED:
        _load(name)
    while True:
        words, descriptors, *_ = socket.recv_fds(orders, _WORDS_BYTES, 1)
        children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
        match json.loads(words or "[]"):
            case ["fork", memory_bytes, module]:
                _load(module)
                gc.freeze()
                pid = fork() if has_one_thread() else -1
                if pid == 0:
                    orders.close()
                    serve(descriptors[0], memory_bytes)
                    os._exit(0)
                children |= {pid} - {-1}
                answer = max(pid, 0)
            case ["end", pid]:
                if pid in children:
                    kill(pid)
                    os.waitpid(pid, 0)
                    children.discard(pid)
                answer = 0
            case _:
                os._exit(0)  # what it forked sees the end of its own pipe
        for unneeded in descriptors:
            os.close(unneeded)
        with contextlib.suppress(OSError):
            orders.send(str(answer).encode())


def _load(module: str) -> None:
    """Import something; what cannot be imported is for the one who needs it to tell."""
    with contextlib.suppress(Exception):
        importlib.import_module(module)


def has_one_thread() -> bool:
    """Whether nothing runs beside this in the process (Linux)."""
    return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
