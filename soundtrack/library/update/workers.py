"""Analysis in worker processes, so that a bad file cannot end the run.

Each worker holds its own networks and works on one file at a time: it hashes the file, asks whether that content is
wanted, listens, and answers. A worker that dies or overruns its time costs that one file; a new one takes its place.
Workers never touch the index. They leave Ctrl-C to the main process and end by themselves when it is gone, even by
``kill -9``. Where the system can fork safely, what all of them import is imported once, in a process that does nothing
else, and ends with the main one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection, forkserver, get_context, parent_process, util
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from soundtrack.errors import DependencyError, LibraryError, ModelError, Reason, SoundtrackError
from soundtrack.library.heard import Listener
from soundtrack.library.identity import Identity, identify
from soundtrack.library.update.outcome import Outcome, Wanted, attend, explain, heard_of
from soundtrack.library.update.pace import Pace
from soundtrack.media.sandbox import fork_nursery
from soundtrack.networks.runs import openvino_core
from soundtrack.processes import ending
from soundtrack.processes.children import END_LIMIT_S
from soundtrack.processes.heap import return_large_blocks
from soundtrack.processes.platform import (
    ignore_interrupt,
    interrupt_held,
    kill,
    let_interrupt_through,
    lower_priority,
    processor_s,
    processor_s_of,
)
from soundtrack.processes.surroundings import clean_environment

LISTEN_LIMIT_S = 900.0
"""Longest time for one file, in seconds; several hours of music take well under a tenth of it."""

CRASHES_IN_A_ROW = 5
"""Number of workers lost in a row that ends the run: the cause is then not a file."""

_START_LIMIT_S = 300.0
_LARGE_BYTES, _SPARE_BYTES = 32 << 20, 256 << 20
"""Each track takes and frees the same blocks again: below these sizes they stay with the process, which else would have
the system clear every page of them again."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""One thread for each worker: the processes are what runs side by side."""


@dataclass(slots=True)
class _Worker:
    """A process, the pipe to it, and what it is at."""

    process: BaseProcess
    pipe: Connection
    deadline_s: float
    path: Path | None = None
    identity: Identity | None = None
    ready: bool = False


# --- in the worker ----


def _watch_parent() -> None:
    """End this process when the main one is gone."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        ending.leave(1)


def _work(pipe: Connection, make_listener: Callable[[], Listener], environment: Mapping[str, str], low: bool) -> None:
    """Body of a worker: files in, answers out, until the pipe closes; `low` for the lowest priority."""
    os.environ.clear()
    os.environ.update(environment)  # it was forked from a process that may have started long ago
    ignore_interrupt()
    fork_nursery()  # it has what they need, and no second thread yet
    ending.install()
    let_interrupt_through()
    return_large_blocks(_LARGE_BYTES, spare_bytes=_SPARE_BYTES)
    if low:
        lower_priority()
    threading.Thread(target=_watch_parent, daemon=True).start()
    with contextlib.suppress(EOFError, ConnectionError):  # nobody is there any more: the end
        try:
            listener = make_listener()
        except SoundtrackError as error:
            pipe.send(("fatal", type(error), str(error), error.hint))
            return
        pipe.send(("ready", processor_s(), openvino_core.given_up()))
        while True:
            path = Path(os.fsdecode(pipe.recv()))
            before_s = processor_s()
            answer = _answer(pipe, listener, path)
            pipe.send(("spent", processor_s() - before_s))
            pipe.send(answer)


def _answer(pipe: Connection, listener: Listener, path: Path) -> tuple[Any, ...]:
    """Hash one file, ask, and listen if wanted."""
    try:
        pipe.send(("identity", identify(path)))
        wanted: Wanted = pipe.recv()
        return ("heard", attend(listener, path, wanted)) if wanted else ("known",)
    except (DependencyError, ModelError) as error:
        return ("fatal", type(error), str(error), error.hint)
    except Exception as error:  # one file never stops a run
        return ("failed", *explain(error, path))


# --- in the main process ----


def _context(imports: Sequence[str]) -> Any:
    """Where processes come from."""
    if sys.platform != "linux":  # elsewhere a process may not be forked once its libraries are loaded
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["__main__", *imports])
    return context


@contextlib.contextmanager
def _without_main_module() -> Iterator[None]:
    """Start a worker without the caller's program, which would otherwise be run again in it, from its first line on."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _start_fork_server() -> None:
    """Start the process that workers are forked from, unless it runs; it imports for seconds and ends with this one."""
    ending.remove_at_end(Path(util.get_temp_dir()))  # of its socket
    with ending.held_off():
        forkserver.ensure_running()
        ending.started(_fork_server()._forkserver_pid, leads_group=False)


def _fork_server() -> Any:
    """What knows its process; there is no public way to it."""
    return forkserver._forkserver


def _stop_fork_server() -> None:
    """End it at once, even while it still imports."""
    server = _fork_server()
    pid = server._forkserver_pid
    if pid is not None:
        kill(pid)
        server._stop()
        ending.ended(pid)


class Workers:
    """A few listening processes; a context manager that leaves none behind.

    Parameters
    ----------
    make_listener : callable
        Called once in each worker; must be picklable.
    jobs : int >= 1
        How many at most.
    limit_s : float > 0
        Longest time for one file, in seconds.
    imports : sequence of str
        Modules that listening needs, to be imported once for all workers.
    pace : Pace, optional
        Limits the share of the processor: lowest priority, fewer workers, pauses between files.
    """

    def __init__(
        self,
        make_listener: Callable[[], Listener],
        *,
        jobs: int,
        limit_s: float = LISTEN_LIMIT_S,
        imports: Sequence[str] = (),
        pace: Pace | None = None,
    ) -> None:
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        self._make_listener = make_listener
        self._jobs = pace.n_workers(jobs) if pace else jobs
        self._pace = pace
        self._server_before_s = 0.0
        self._limit_s = limit_s
        self._context = _context(imports)
        self._workers: list[_Worker] = []
        self._lost_in_a_row = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()
        if self._context.get_start_method() == "forkserver":
            _stop_fork_server()

    def listen(self, paths: Iterable[Path], *, wanted: Callable[[Identity], Wanted]) -> Iterator[Outcome]:
        """Outcomes of files, in the order in which they are ready.

        Parameters
        ----------
        paths : iterable of Path
            Files, handed out in this order.
        wanted : callable
            Decides by the identity of a file whether to analyse it.

        Raises
        ------
        SoundtrackError
            The networks or ffmpeg cannot be had, or worker after worker dies.
        """
        waiting = deque(paths)
        while waiting or any(worker.path is not None for worker in self._workers):
            while len(self._workers) < min(self._jobs, len(waiting) + self._busy()):
                self._workers.append(self._start())
            for worker in self._workers:
                if waiting and worker.ready and worker.path is None and self._pause_s() == 0.0:
                    self._give(worker, waiting.popleft())
            yield from self._collect(wanted)

    def _pause_s(self) -> float:
        """Seconds until another file may be handed out."""
        return self._pace.wait_s() if self._pace else 0.0

    def _server_s(self) -> float:
        """Processor seconds that the process workers are forked from has used since the last call."""
        if self._context.get_start_method() != "forkserver":
            return 0.0
        before_s, self._server_before_s = self._server_before_s, processor_s_of(_fork_server()._forkserver_pid)
        return max(0.0, self._server_before_s - before_s)

    def _busy(self) -> int:
        return sum(worker.path is not None for worker in self._workers)

    def _start(self) -> _Worker:
        """A new process; Ctrl-C is held back until it looks after that itself."""
        ours, theirs = self._context.Pipe()
        held = contextlib.ExitStack()
        held.enter_context(interrupt_held())
        kept = dict(os.environ)
        try:
            os.environ.update(dict.fromkeys(_THREADS, "1"))  # libraries read it when they are imported
            clean_environment(os.environ)  # nor are they imported from the working folder
            if self._context.get_start_method() == "forkserver":
                _start_fork_server()
            needed = (theirs, self._make_listener, dict(os.environ), self._pace is not None)
            process = self._context.Process(target=_work, args=needed, daemon=True)
            with _without_main_module():
                process.start()
            if process.pid is not None:
                ending.started(process.pid, leads_group=False)
        except BaseException as error:
            ours.close()  # a worker that starts all the same, after we were told to end, ends by this
            if isinstance(error, OSError) and "AF_UNIX" in str(error):
                raise DependencyError(
                    f"{tempfile.gettempdir()}: path too long for the temporary folder of worker processes",
                    hint="use a shorter path: `TMPDIR=/tmp soundtrack index ...`",
                ) from error
            if not isinstance(error, (EOFError, ConnectionError)):
                raise
            raise DependencyError(
                "cannot start a worker process", hint="run `soundtrack doctor`; --jobs 1 needs fewer resources"
            ) from error
        finally:
            for name in {*os.environ, *kept}:
                os.environ.pop(name) if name not in kept else os.environ.update({name: kept[name]})
            held.close()
            theirs.close()
        return _Worker(process, ours, time.monotonic() + _START_LIMIT_S)

    def _give(self, worker: _Worker, path: Path) -> None:
        worker.path, worker.identity = path, None
        worker.deadline_s = time.monotonic() + self._limit_s
        try:
            worker.pipe.send(os.fsencode(path))
        except (BrokenPipeError, ConnectionResetError):
            return  # it has died; reading from it will say so

    def _collect(self, wanted: Callable[[Identity], Wanted]) -> Iterator[Outcome]:
        """Wait for news, at most until the next deadline, and tell the outcomes."""
        now = time.monotonic()
        watched = {worker.pipe: worker for worker in self._workers if worker.path is not None or not worker.ready}
        patience = max(
            0.0, min((worker.deadline_s for worker in watched.values()), default=now + self._pause_s()) - now
        )
        if len(watched) < len(self._workers):  # one is idle until the pace lets it go on
            patience = min(patience, self._pause_s() or patience)
        if not watched:
            time.sleep(patience)
        for pipe in connection.wait(list(watched), timeout=patience):
            outcome = self._hear_from(watched[pipe], wanted)  # type: ignore[index]  # only our pipes are waited for
            if outcome is not None:
                yield outcome
        for worker in [w for w in watched.values() if w in self._workers and w.deadline_s <= time.monotonic()]:
            outcome = self._lose(worker, Reason.TIMEOUT, f"{worker.path}: timed out after {self._limit_s:.0f} s")
            if outcome is not None:
                yield outcome

    def _hear_from(self, worker: _Worker, wanted: Callable[[Identity], Wanted]) -> Outcome | None:
        try:
            kind, *news = worker.pipe.recv()
            if kind == "identity":
                worker.identity = news[0]
                worker.pipe.send(wanted(news[0]))
                return None
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return self._lose(worker, Reason.CRASHED, f"{worker.path}: its worker process crashed")
        if kind == "fatal":
            family, message, hint = news
            raise family(message, hint=hint)
        if kind == "spent":
            if self._pace:
                self._pace.spend(news[0])
            return None
        if kind == "ready":
            worker.ready = True
            if news[1] is not None:
                openvino_core.give_up(news[1])
            if self._pace:
                self._pace.spend(news[0] + self._server_s())
            return None
        if worker.path is None:
            raise ValueError(f"unexpected answer from a worker: {kind}")
        self._lost_in_a_row = 0
        path, worker.path = worker.path, None
        if kind == "failed":
            return Outcome(path, worker.identity, reason=news[0], message=news[1])
        return heard_of(path, worker.identity, news[0] if kind == "heard" else None)

    def _lose(self, worker: _Worker, reason: Reason, cause: str) -> Outcome | None:
        """Take a worker out that died or takes too long."""
        self._workers.remove(worker)
        self._end(worker)
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= CRASHES_IN_A_ROW:
            raise LibraryError(
                f"{CRASHES_IN_A_ROW} worker processes crashed in a row, the last one at {worker.path or 'start-up'}",
                hint="run `soundtrack doctor`; --jobs 1 uses less memory",
            )
        return None if worker.path is None else Outcome(worker.path, worker.identity, reason=reason, message=cause)

    def _end(self, worker: _Worker) -> None:
        worker.pipe.close()
        if worker.process.is_alive():
            worker.process.kill()
        worker.process.join(END_LIMIT_S)
        ending.ended(worker.process.pid or 0)
        with contextlib.suppress(ValueError):  # it hangs in the system itself, and is left to it
            worker.process.close()
