"""Jobs on the workers of a running Dask cluster; the only module that imports Dask.

Goes in: the address of a scheduler, and jobs: functions of this package with plain arguments. Comes out: their results
as they get ready. A worker that is lost costs nothing but time: its jobs are given to others. A job that takes several
workers down with it is given up. Workers see all files under the same paths as this process; they do one job at a time
(in a thread of its own, where databases and networks stay open between jobs), and refuse to work for another version
of the tool or other networks. A run ends when no worker was there for two minutes.

The scheduler and its workers run whatever a client sends them: a cluster is for a network that one trusts.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from soundtrack import __version__
from soundtrack.errors import DependencyError, LibraryError, ModelError, Reason, SoundtrackError, UsageError
from soundtrack.library.heard import Heard, Listener, Observed
from soundtrack.library.identity import Identity, identify
from soundtrack.library.update.outcome import Outcome, Wanted, attend, explain, heard_of
from soundtrack.pipeline.library.music import current_model, make_listener
from soundtrack.types import ModelRef

CONNECT_LIMIT_S = 10.0
"""Longest wait for the scheduler to answer."""

NO_WORKER_LIMIT_S = 120.0
"""Longest time without any worker before a run is given up."""

_POLL_S = 2.0
_JOBS_PER_THREAD = 3


@dataclass(frozen=True, slots=True)
class Job:
    """A function to be called somewhere."""

    function: Callable[..., Any]
    """A function of a module, so that it is sent by name."""
    arguments: tuple[Any, ...]
    """Plain data."""
    name: Any
    """What it is about; stays here."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Placeholder for the result of a job whose workers were lost, several times."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """An error on its way home: exceptions with named arguments do not survive pickling."""

    family: type[SoundtrackError]
    message: str
    hint: str


class Cluster:
    """The workers behind a scheduler; a context manager.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``.
    model : ModelRef
        The networks that workers must have.

    Raises
    ------
    DependencyError
        Dask is not installed.
    UsageError
        Nothing answers at that address.
    """

    def __init__(self, address: str, *, model: ModelRef) -> None:
        try:
            import distributed
        except ImportError as error:
            raise DependencyError(
                "--cluster requires Dask, which is not installed", hint="run `pip install 'soundtrack[cluster]'`"
            ) from error
        for name in ("distributed", "distributed.client", "distributed.scheduler"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._distributed = distributed
        self._model = model
        try:
            self._client = _client(address)
        except (OSError, ValueError, TypeError, ImportError, RuntimeError, AssertionError) as error:
            raise UsageError(
                f"--cluster {address}: no Dask scheduler at this address",
                hint="run `dask scheduler`, and `dask worker ADDRESS --nthreads 1` on each machine",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close(timeout=CONNECT_LIMIT_S)

    def work(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Any]]:
        """Jobs and their results, as they get ready; see `work_on`."""
        return self.work_on(deque(jobs))

    def work_on(self, waiting: deque[Job]) -> Iterator[tuple[Job, Any]]:
        """Jobs and their results, as they get ready; `Lost` for the result of a job that takes its workers down.

        A job that was lost may only have waited beside one that took the worker down, so it is tried again with
        nothing beside it before it is given up.

        Parameters
        ----------
        waiting : deque of Job
            Begun from the left; more may be added while results come.

        Raises
        ------
        LibraryError
            The scheduler is gone, or no worker came for `NO_WORKER_LIMIT_S`.
        SoundtrackError
            What a worker refused.
        """
        running: dict[Any, Job] = {}
        doubtful: deque[Job] = deque()
        alone: Job | None = None
        last_seen_s = time.monotonic()
        while waiting or running or doubtful:
            n_threads = self._n_threads()
            if n_threads:
                last_seen_s = time.monotonic()
            elif time.monotonic() - last_seen_s > NO_WORKER_LIMIT_S:
                raise _gone(f"no worker for {NO_WORKER_LIMIT_S:.0f} s")
            if doubtful and not waiting and not running:
                alone = doubtful.popleft()
                running[self._begun(alone)] = alone
            while waiting and alone is None and len(running) < _JOBS_PER_THREAD * max(1, n_threads):
                job = waiting.popleft()
                running[self._begun(job)] = job
            for future in self._ready(list(running)):
                job, result = running.pop(future), self._result(future)
                if isinstance(result, Lost) and job is not alone:
                    doubtful.append(job)
                    continue
                alone = None
                yield job, result

    def _begun(self, job: Job) -> Any:
        """The future of a job that was just given to the workers."""
        call = (__version__, self._model.sha256, job.function, *job.arguments)
        return self._client.submit(_there, *call, pure=False)

    def _n_threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise _gone("the scheduler stopped responding") from error

    def _ready(self, futures: list[Any]) -> list[Any]:
        """Those that are done; waits a little for the first."""
        try:
            with self._client.as_current():
                return list(self._distributed.wait(futures, timeout=_POLL_S, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return []
        except (OSError, self._distributed.CancelledError) as error:
            raise _gone("the scheduler cancelled the work") from error

    def _result(self, future: Any) -> Any:
        try:
            result = future.result()
        except self._distributed.KilledWorker:
            return Lost()
        except (OSError, ImportError, AttributeError, self._distributed.CancelledError) as error:
            raise _gone(f"{type(error).__name__}: {error}") from error
        if isinstance(result, _Refused):
            raise result.family(result.message, hint=result.hint)
        return result


def _client(address: str) -> Any:
    """A client that is connected, and closed by nothing but `close`.

    Dask closes clients that are garbage as well, such as one that never got connected. Python may collect garbage
    while Dask starts the next client, holding the very lock that closing waits for.
    """
    from distributed import Client

    class ClosedByHand(Client):  # type: ignore[misc]  # Dask has no types
        def __del__(self) -> None:
            pass

    return ClosedByHand(address, timeout=CONNECT_LIMIT_S, set_as_default=False)


def _gone(cause: str) -> LibraryError:
    return LibraryError(
        f"the cluster failed: {cause}",
        hint="check the scheduler and its workers, then run the same command again; finished work is kept",
    )


# --- listening ----


class ClusterCrew:
    """Workers of a cluster that listen; takes the place of `soundtrack.library.update.workers.Workers`.

    Parameters
    ----------
    address : str
        Of the scheduler.
    model : ModelRef
        The networks that workers must have.
    device : str
        Where the networks run.
    """

    def __init__(self, address: str, *, model: ModelRef, device: str) -> None:
        self._address = address
        self._model = model
        self._device = device
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._cluster = self._open.enter_context(Cluster(self._address, model=self._model))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def listen(self, paths: Iterable[Path], *, wanted: Callable[[Identity], Wanted]) -> Iterator[Outcome]:
        """Outcomes of files, as they get ready; see `soundtrack.library.update.workers.Workers.listen`."""
        waiting = deque(Job(_identify_there, (path,), (path, None)) for path in paths)
        for job, answer in self._cluster.work_on(waiting):
            path: Path = job.name[0]
            identity: Identity | None = job.name[1]
            match answer:
                case Lost():
                    message = f"{path}: its workers were lost repeatedly"
                    yield Outcome(path, identity, reason=Reason.CRASHED, message=message)
                case Identity():
                    if its := wanted(answer):
                        waiting.appendleft(Job(_listen_there, (self._device, path, its), (path, answer)))
                    else:
                        yield Outcome(path, answer)
                case Heard() | Observed():
                    yield heard_of(path, identity, answer)
                case (reason, message):
                    yield Outcome(path, identity, reason=reason, message=message)


# --- in a worker ----


@cache
def _own_thread() -> ThreadPoolExecutor:
    """The one thread in which a worker process does its jobs: what is opened in it may be used again."""
    return ThreadPoolExecutor(max_workers=1)


@cache
def _listener(device: str, _model: str) -> Listener:
    return make_listener(device)


def _there(version: str, model_sha256: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a job in a worker, if this is the tool and these are the networks that it is meant for."""
    try:
        if version != __version__ or current_model().sha256 != model_sha256:
            has = "other networks" if version == __version__ else f"soundtrack {__version__} instead of {version}"
            raise ModelError(
                f"a worker of the cluster has {has}",
                hint="install the same version with the same models on every machine",
            )
        return _own_thread().submit(function, *arguments).result()
    except (DependencyError, ModelError) as error:
        return _Refused(type(error), str(error), error.hint)


def _identify_there(path: Path) -> Identity | tuple[Reason, str]:
    try:
        return identify(path)
    except Exception as error:  # one file never stops a run
        return explain(error, path)


def _listen_there(device: str, path: Path, wanted: Wanted) -> Heard | Observed | tuple[Reason, str]:
    try:
        return attend(_listener(device, current_model().sha256), path, wanted)
    except (DependencyError, ModelError):
        raise
    except Exception as error:  # one file never stops a run
        return explain(error, path)
