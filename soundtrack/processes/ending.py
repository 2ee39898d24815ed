"""End the process on a signal within a second or two, at any moment, leaving no process and no unfinished file.

A handler that raises unwinds through arbitrary code: a lock stays taken, a join waits for ever. Here no handler raises.
The signal is written to a pipe (`signal.set_wakeup_fd`), and a thread that does nothing but read that pipe kills the
processes that were started, removes the files that were being written, and ends this process by `os._exit`. Meanwhile
the handler keeps the main thread where it is, so that it neither reports the killed processes nor goes on without them.
Nothing has to unwind: files take their names only when they are whole, and the index survives even ``kill -9``. A
second signal ends all waiting.

What must not be left behind is registered: `running` for processes, `unfinished` for files. `held_off` delays the end
during steps of a few milliseconds that belong together.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that end a run; one that is ignored at the start, as under nohup, stays ignored."""

_GATE_S = 0.5
"""Longest wait for steps that `held_off` protects, in seconds."""
_ASKED_S = 0.25
"""Time for processes that end their own children first, in seconds."""
_KILLED_S = 0.25
"""Time for killed processes to disappear, so that they create no file after it was removed, in seconds."""

_gate = threading.RLock()
_children: dict[int, bool] = {}
_unfinished: dict[Path, None] = {}
_folders: dict[Path, None] = {}
_answers: dict[int, tuple[int, str]] = {}
_last_words: list[str] = []
_requests: dict[int, threading.Event] = {}
_pardons: list[int] = []
"""Signals that were taken as requests and whose handlers have not returned yet."""
_heeded: frozenset[int] = frozenset()
_holds = 0
"""How many blocks of `held_off` the main thread is in."""
_is_ending = False


def install() -> None:
    """Have the `SIGNALS` end this process as described above; does nothing outside the main thread or a second time.

    The exit code is 128 plus the signal's number, as a shell tells it.
    """
    global _heeded  # noqa: PLW0603 - handlers belong to the process
    if _heeded or threading.current_thread() is not threading.main_thread():
        return
    _heeded = frozenset(number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    threading.Thread(target=_watch, args=(reading,), name="ending", daemon=True).start()
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _heeded:
        signal.signal(number, _stay)
    os.register_at_fork(after_in_child=_uninstall)


def leave(code: int) -> None:
    """End this process now, after its work: what it started ends too, threads are not waited for.

    Callers flush their output first.
    """
    with held_off():
        _clean_up(None)
        os._exit(code)


# --- what must not be left behind ----


def started(pid: int, *, leads_group: bool = True) -> None:
    """Register a process.

    Parameters
    ----------
    pid : int
        Its number; call this inside `held_off`, together with the start.
    leads_group : bool
        Whether it leads a process group, which is killed at once. Otherwise it gets SIGTERM first, to end its own
        children.
    """
    _children[pid] = leads_group


def ended(pid: int) -> None:
    """Forget a process that has ended."""
    _children.pop(pid, None)


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Delay the end until the block is done; at most `_GATE_S`, so only for what takes some milliseconds."""
    global _holds  # noqa: PLW0603 - read by the handler, which runs in the same thread
    if threading.current_thread() is not threading.main_thread():
        with _gate:
            yield
        return
    _holds += 1
    try:
        with _gate:
            yield
    finally:
        _holds -= 1
        if _is_ending and not _holds:
            _wait_for_the_end()


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[None]:
    """Remove a file, or a folder with what is in it, when the process ends inside the block."""
    place = path.absolute()
    remove_at_end(place)
    try:
        yield
    finally:
        _unfinished.pop(place, None)


@contextlib.contextmanager
def temporary(path: Path) -> Iterator[None]:
    """Remove a file when the block or the process ends; a disk that is read-only by then keeps it."""
    with unfinished(path):
        try:
            yield
        finally:
            _remove(path)


def remove_at_end(path: Path) -> None:
    """Remove a file, or a folder with what is in it, when the process ends, however it does."""
    with _gate:
        _unfinished[path.absolute()] = None


@contextlib.contextmanager
def perhaps_empty(folder: Path) -> Iterator[None]:
    """Remove a folder if it is empty when the block or the process ends."""
    place = folder.absolute()
    _folders[place] = None
    try:
        yield
    finally:
        _folders.pop(place, None)
        with contextlib.suppress(OSError):
            place.rmdir()


@contextlib.contextmanager
def answering(number: int, *, code: int, words: str) -> Iterator[None]:
    """Within the block a signal is the expected way to stop: this exit code, and these words on stderr."""
    _answers[number] = (code, words)
    try:
        yield
    finally:
        _answers.pop(number, None)


@contextlib.contextmanager
def request(number: int) -> Iterator[threading.Event]:
    """Within the block the first such signal sets the event, and the run goes on to its own end; a second ends it.

    For work of which the part that is done is whole, such as a recording.
    """
    asked = threading.Event()
    _requests[number] = asked
    try:
        yield asked
    finally:
        _requests.pop(number, None)


@contextlib.contextmanager
def last_words(text: str) -> Iterator[None]:
    """Text for stderr if the process ends inside the block, such as what gives a terminal its cursor back."""
    _last_words.append(text)
    try:
        yield
    finally:
        _last_words.remove(text)


# --- the end ----


def _stay(number: int, _frame: FrameType | None) -> None:
    """The handler: keep the main thread where it is, or let it leave the steps that belong together first."""
    global _is_ending  # noqa: PLW0603 - read where those steps end, in the same thread
    if number in _requests or number in _pardons:
        while number not in _pardons:  # the thread that reads signals decides
            time.sleep(0.005)
        _pardons.remove(number)
        return
    _is_ending = True
    if not _holds:
        _wait_for_the_end()


def _wait_for_the_end() -> None:
    while True:
        time.sleep(60)


def _uninstall() -> None:
    """In a forked process: it has no thread that reads, and nothing of its parent's is its own."""
    global _heeded, _holds, _gate
    for number in _heeded:
        signal.signal(number, signal.SIG_DFL)
    if _heeded:
        signal.set_wakeup_fd(-1)
    _heeded, _holds, _gate = frozenset(), 0, threading.RLock()
    for register in (_children, _unfinished, _folders, _answers):
        register.clear()
    _last_words.clear()
    _requests.clear()
    _pardons.clear()


def _watch(reading: int) -> None:
    """End the process by the first signal that is heeded."""
    while (number := os.read(reading, 1)[0]) not in _heeded or _is_request(number):
        pass
    code, words = _answers.get(number, (128 + number, "interrupted" if number == signal.SIGINT else ""))
    try:
        _gate.acquire(timeout=_GATE_S)  # kept: nothing may be started or registered from now on
        _clean_up(reading)
        _say("".join(_last_words) + (f"{words}\n" if words else ""))
    finally:
        os._exit(code)


def _is_request(number: int) -> bool:
    """Whether a signal only asks for an end, the first time; the handler then lets the main thread go on."""
    asked = _requests.get(number)
    if asked is None or asked.is_set():
        return False
    asked.set()
    _pardons.append(number)
    return True


def _clean_up(reading: int | None) -> None:
    """Kill what was started and remove what is unfinished; a byte in the pipe, a second signal, ends all waiting."""
    for pid, leads_group in list(_children.items()):
        _send(pid, signal.SIGKILL if leads_group else signal.SIGTERM)
    _wait([pid for pid, leads_group in list(_children.items()) if not leads_group], _ASKED_S, reading)
    for pid in list(_children):
        _send(pid, signal.SIGKILL)
    _wait(list(_children), _KILLED_S, reading)
    for path in [*_unfinished, *_unfinished]:  # twice, for what another thread creates meanwhile
        _remove(path)
    for folder in reversed(_folders):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _send(pid: int, number: int) -> None:
    """A signal to a process, or to the group that it leads."""
    with contextlib.suppress(OSError):
        (os.killpg if _children.get(pid) else os.kill)(pid, number)


def _wait(pids: list[int], limit_s: float, reading: int | None) -> None:
    """Until none of these processes runs."""
    until_s = time.monotonic() + limit_s
    while any(_is_running(pid) for pid in pids) and time.monotonic() < until_s:
        if select.select([] if reading is None else [reading], [], [], 0.005)[0]:
            return


def _is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:  # not ours, or waited for
        try:
            return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
        except (OSError, IndexError):
            return False


def _remove(path: Path) -> None:
    """A file, or a folder with all that is in it."""
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return
        for folder, folders, files in os.walk(path, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))  # noqa: PTH108, PTH118 - plain calls, at the very end
            for name in folders:
                os.rmdir(os.path.join(folder, name))  # noqa: PTH106, PTH118
        path.rmdir()


def _say(text: str) -> None:
    """Text to stderr, unless that would have to wait for its reader."""
    with contextlib.suppress(OSError, ValueError):
        if text and select.select([], [2], [], 0)[1]:
            os.write(2, text.encode("utf-8", "backslashreplace"))
