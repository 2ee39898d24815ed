"""Decode untrusted media in a sandboxed subprocess, with limits of memory and time.

Goes in: one of our own functions that reads a file with PyAV, and its arguments. Comes out: its result, or an
`InputError` that says what the file did to it. A header of a few hundred bytes can ask libav for gigabytes, a decoder
can hang or fall over; none of it is this process's memory, time or end. A process that is done waits for the next
file, so that only the first one costs its start, and where `soundtrack.media.nursery` may fork, all others cost
milliseconds. It may not write files, and it ends when the process that started it does, even by ``kill -9``.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import math
import multiprocessing
import os
import select
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from soundtrack.errors import DependencyError, InputError, Reason, SoundtrackError
from soundtrack.media import nursery
from soundtrack.media.opening import refusal
from soundtrack.processes.children import python_command, start, stop
from soundtrack.processes.platform import limit_this_process
from soundtrack.processes.surroundings import module_path

P = ParamSpec("P")
T = TypeVar("T")

MEMORY_BYTES = 4 << 30
"""Most address space of a process that opens or decodes; pictures of 8K need half of it."""

QUICK_LIMIT_S = 25.0
"""Longest time to open a small file, in seconds of the process's own work; ordinary ones take some hundredths."""

_SLOWEST_BYTES_PER_S = 4e6
_LONGEST_LIMIT_S = 6 * 3600.0
_START_LIMIT_S = 120.0
_LOOK_S = 0.5
_BUSY = 5.0
_CALM = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "MALLOC_ARENA_MAX": "2"  # each arena sets address space aside
}
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from soundtrack.media.sandbox import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)

_is_apart = False
"""Whether this is such a process."""


def reading_limit_s(path: Path) -> float:
    """How long reading all of a file may take, in seconds: by what lies on the disk, not by what a sparse file claims.

    Examples
    --------
    >>> reading_limit_s(Path("/nowhere"))
    25.0
    """
    try:
        status = path.stat()
    except OSError:
        return QUICK_LIMIT_S
    stored = min(status.st_size, status.st_blocks * 512 or math.inf)  # some network disks count no blocks
    return min(QUICK_LIMIT_S + stored / _SLOWEST_BYTES_PER_S, _LONGEST_LIMIT_S)


def apart(path: Path, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function of ours that reads a media file, called in a process apart.

    Parameters
    ----------
    path : Path
        The file that is read, for the limit of time and for messages.
    function : callable
        At the top of a module; arguments and result are picklable.

    Raises
    ------
    InputError
        As `function` raises it; or it took too long, too much memory, or the process down.
    """
    with apart_beside(path, function, *args, **kwargs) as result:
        return result()


@contextlib.contextmanager
def apart_beside(path: Path, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Iterator[Callable[[], T]]:
    """As `apart`, while this process does something else: what is given waits for the result.

    Leaving early, by an error or Ctrl-C, ends the process apart.
    """
    if _is_apart:
        yield lambda: function(*args, **kwargs)
        return
    with _helper(function.__module__) as helper:
        helper.ask(path, function, args, kwargs)

        def result() -> T:
            kind, value = helper.hear(path, reading_limit_s(path))
            if kind != "done":
                raise ValueError(f"expected one result, got {kind}")
            return value  # type: ignore[no-any-return]  # it is what the function returned

        yield result


def apart_stream(
    path: Path, function: Callable[P, Iterator[T | None]], stall_s: float, *args: P.args, **kwargs: P.kwargs
) -> Iterator[T]:
    """What a generator function of ours yields, made in a process apart.

    Parameters
    ----------
    path, function
        As for `apart`; a None that is yielded is a sign of life and nothing else.
    stall_s : float > 0
        Longest time between two signs of life, in seconds of the process's own work.

    Raises
    ------
    InputError
        As for `apart`.
    """
    with _helper(function.__module__) as helper:
        helper.ask(path, function, args, kwargs)
        while True:
            kind, value = helper.hear(path, stall_s)
            if kind == "done":
                return
            if value is not None:
                yield value


def fork_nursery() -> None:
    """Have later processes forked from a fork of this one, as it is now, if it has one thread only; else as usual."""
    if nursery.IS_SAFE and not _nurseries and nursery.has_one_thread():
        with contextlib.suppress(OSError):
            _nurseries.append(nursery.Nursery({**os.environ, **_CALM}, serve=serve))


# --- in this process ----


class _Started:
    """A process of its own start."""

    def __init__(self, descriptor: int) -> None:
        where = json.dumps(module_path())
        self._popen = start(
            python_command(_START, where, str(descriptor), str(MEMORY_BYTES)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_CALM},
            pass_fds=[descriptor],
        )
        self.pid = self._popen.pid

    def stop(self) -> None:
        """Kill it, wherever it is."""
        stop(self._popen)


def _process(descriptor: int, module: str) -> _Started | nursery.ForkedHelper:
    """A new process at the other end of a pipe."""
    if nursery.IS_SAFE:
        found = _nursery()
        try:
            pid = found.fork(descriptor, memory_bytes=MEMORY_BYTES, module=module)
        except OSError:  # it is gone: the next process is forked from a new one
            with _lock:
                _nurseries[:] = [one for one in _nurseries if one is not found]
            found.leave()
        else:
            if pid is not None:
                return nursery.ForkedHelper(pid, found)
    return _Started(descriptor)


class _Helper:
    """One process apart and the pipe to it."""

    def __init__(self, module: str) -> None:
        self.is_busy = False
        self._pipe, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = _process(theirs.fileno(), module)
        try:
            if not self._pipe.poll(_START_LIMIT_S) or self._pipe.recv() != "ready":
                raise EOFError
        except (EOFError, OSError) as error:
            self.stop()
            raise DependencyError(
                "cannot start the sandbox process for reading media files",
                hint="run `ulimit -a` and check the limits on processes and memory",
            ) from error
        except BaseException:
            self.stop()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked: while it waits nothing comes from it but its end."""
        return not self._pipe.poll()

    def ask(self, path: Path, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Hand over what is to be done."""
        self.is_busy = True
        try:
            self._pipe.send((_here(), function.__module__, function.__qualname__, args, kwargs))
        except OSError as error:
            raise refusal(path, Reason.CRASHED) from error

    def hear(self, path: Path, limit_s: float) -> tuple[str, Any]:
        """The next answer."""
        try:
            if not self._comes(limit_s):
                detail = f"reading timed out: no data for {limit_s:.0f} s"
                raise refusal(path, Reason.TIMEOUT, detail=detail)
            kind, *value = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise refusal(path, Reason.CRASHED) from error
        self.is_busy = kind not in ("done", "refused")
        if kind == "refused":
            family, message, words = value
            raise family(message, **words)
        if kind == "memory":
            gib = MEMORY_BYTES / (1 << 30)
            raise refusal(path, Reason.TOO_LARGE, detail=f"reading needs more than {gib:g} GiB of memory")
        if kind == "bug":
            raise RuntimeError(f"reading {path} failed:\n{value[0]}")
        return kind, value[0]

    def _comes(self, limit_s: float) -> bool:
        """Whether an answer comes in time: where the machine is busy with other things, the wait is longer."""
        began_s, began_cpu_s = time.monotonic(), self._cpu_s()
        while not self._pipe.poll(min(limit_s, _LOOK_S)):
            waited_s = time.monotonic() - began_s
            if waited_s > limit_s and (waited_s > _BUSY * limit_s or self._cpu_s() - began_cpu_s > limit_s):
                return False
        return True

    def _cpu_s(self) -> float:
        """Time that it has computed, in seconds; that of the clock where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Kill it, wherever it is."""
        self._pipe.close()
        self._process.stop()


def _here() -> str | None:
    """The folder that relative paths count from; None where it was removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


_idle: list[_Helper] = []
_nurseries: list[nursery.Nursery] = []
_lock = threading.Lock()


def _nursery() -> nursery.Nursery:
    """The one that there is, or a new one."""
    with _lock:
        if not _nurseries:
            _nurseries.append(nursery.Nursery({**os.environ, **_CALM}))
        return _nurseries[0]


@contextlib.contextmanager
def _helper(module: str) -> Iterator[_Helper]:
    """A process that waits, or a new one; it is kept only when its work came to an orderly end.

    Parameters
    ----------
    module : str
        What it will need first.
    """
    with _lock:
        helper = _idle.pop() if _idle else None
    if helper is not None and not helper.is_alive:
        helper.stop()
        helper = None
    helper = helper or _Helper(module)
    try:
        yield helper
    finally:
        if helper.is_busy:
            helper.stop()
        else:
            with _lock:
                _idle.append(helper)


@atexit.register
def _stop_all() -> None:
    """End the processes that wait."""
    while _idle:
        _idle.pop().stop()
    while _nurseries:
        _nurseries.pop().stop()


def _disown() -> None:
    """In a forked process: none of them is its own."""
    _idle.clear()
    _nurseries.clear()


os.register_at_fork(after_in_child=_disown)


# --- in the process apart ----


def tend(descriptor: int) -> None:
    """Fork processes that `serve`, as asked through a socket."""
    nursery.tend(descriptor, serve)


def serve(descriptor: int, memory_bytes: int) -> None:
    """Answer until the other side is gone.

    Parameters
    ----------
    descriptor : int
        The pipe.
    memory_bytes : int > 0
        Limit of the address space.
    """
    global _is_apart  # noqa: PLW0603 - a process is one or is not
    _is_apart = True
    limit_this_process(memory_bytes=memory_bytes)
    threading.Thread(target=_leave_with_the_other, args=(descriptor,), daemon=True).start()
    pipe = Connection(descriptor)
    pipe.send("ready")
    with contextlib.suppress(EOFError, OSError):
        while True:
            here, *call = pipe.recv()
            if here is not None:
                with contextlib.suppress(OSError):  # removed since: absolute paths work all the same
                    os.chdir(here)
            _answer(pipe, *call)


def _leave_with_the_other(descriptor: int) -> None:
    """End this process when the other side of the pipe is closed."""
    watch = select.poll()
    watch.register(descriptor, 0)  # of this nothing but the hang-up is told
    while not watch.poll():
        pass
    os._exit(0)


def _answer(pipe: Connection, module: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call one function and send what comes of it."""
    try:
        found = getattr(importlib.import_module(module), name)(*args, **kwargs)
        if isinstance(found, Iterator):
            told_s = time.monotonic()
            with contextlib.closing(found):  # type: ignore[type-var]  # generators have close(), iterators do not
                for item in found:
                    if item is not None or time.monotonic() - told_s > 1.0:
                        pipe.send(("item", item))
                        told_s = time.monotonic()
            found = None
        pipe.send(("done", found))
    except SoundtrackError as error:
        words = {"hint": error.hint} | ({"reason": error.reason} if isinstance(error, InputError) else {})
        pipe.send(("refused", type(error), str(error), words))
    except MemoryError:
        pipe.send(("memory",))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception:
        pipe.send(("bug", traceback.format_exc()))
