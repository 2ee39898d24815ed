"""Run ffmpeg with stall and wall-clock timeouts.

Goes in: a list of arguments. Comes out: what ffmpeg wrote, or an `FfmpegError` whose message holds ffmpeg's last words.
Every call of the tool goes through here: no shell, no standard input, a process group of its own that is killed on
every way out, limits on the time that this side waits, and the last 64 KB of what ffmpeg complains about. Works with
ffmpeg 5.1 and newer.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from soundtrack.errors import FfmpegError
from soundtrack.media import log
from soundtrack.media.guard import file_arg, guard_options, input_args, pcm_input_args
from soundtrack.media.locate import ffmpeg_path
from soundtrack.processes.children import start, stop
from soundtrack.processes.platform import enlarge_pipe, limit_child

__all__ = [  # one place to import from for whoever runs ffmpeg
    "FfmpegResult",
    "FfmpegTimeoutError",
    "ReadingPipe",
    "WritingPipe",
    "ffmpeg_path",
    "file_arg",
    "guard_options",
    "input_args",
    "pcm_input_args",
    "reading_pipe",
    "run_ffmpeg",
    "writing_pipe",
]

Buffer: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[Any]
"""Anything with contiguous bytes."""

_STDERR_BYTES = 64 * 1024
_CHUNK_BYTES = 1 << 20
_ADDRESS_SPACE_BYTES = 8 << 30
_POLL_S = 0.25
_NAP_S, _NAP_BYTES = 0.002, 1 << 16
"""While this amount is still to be read, a reader that has to wait lets the pipe fill: ffmpeg writes 9 KB at a time."""


def _bytes_of(buffer: Buffer) -> memoryview:
    """The same memory, byte by byte."""
    view = buffer.data if isinstance(buffer, np.ndarray) else memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")


class FfmpegTimeoutError(FfmpegError):
    """ffmpeg made no progress for too long and was stopped."""

    kind = 1


@dataclass(frozen=True, slots=True)
class FfmpegResult:
    """What a finished ffmpeg left behind."""

    stdout: bytes
    """Everything it wrote to standard output."""
    stderr: str
    """The last 64 KB of what it said."""


# --- a running ffmpeg ----


class _Process:
    """One ffmpeg in its own process group, its complaints drained by a thread; `stop` leaves nothing behind."""

    def __init__(self, args: Sequence[str], *, task: str, stdin: bool, stdout: bool, ffmpeg: Path | None) -> None:
        command = [str(ffmpeg_path(ffmpeg)), "-nostdin", "-hide_banner", "-v", "error", *args]
        self.task = task
        self._complaints = bytearray()
        log.started(task, command)
        try:
            self._popen = start(
                command,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise FfmpegError(f"{task}: ffmpeg did not start: {error}", hint="check `soundtrack doctor`") from error
        self._drain = threading.Thread(target=self._keep_complaints, daemon=True)
        try:
            self._drain.start()
            limit_child(self._popen.pid, memory_bytes=_ADDRESS_SPACE_BYTES)
            with contextlib.suppress(OSError, AttributeError):  # its dozen threads then don't interrupt each other
                os.sched_setscheduler(self._popen.pid, os.SCHED_BATCH, os.sched_param(0))
            for pipe in (self._popen.stdin, self._popen.stdout):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
                    enlarge_pipe(pipe.fileno(), _CHUNK_BYTES)
        except BaseException:
            self.stop()
            raise

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe into it."""
        assert self._popen.stdin is not None
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe out of it."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    def _keep_complaints(self) -> None:
        """Read standard error to its end, keeping the last part."""
        assert self._popen.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._popen.stderr.fileno(), 8192):
                self._complaints += chunk
                del self._complaints[:-_STDERR_BYTES]

    @property
    def complaints(self) -> str:
        """What it said on standard error, the last 64 KB."""
        return bytes(self._complaints).decode("utf-8", "replace")

    def finish(self, wall_s: float) -> None:
        """Wait for the end; a failure or a timeout is an error with ffmpeg's last words."""
        try:
            code = self._popen.wait(timeout=max(wall_s, 0.01))
        except subprocess.TimeoutExpired:
            self.time_out(f"timed out after another {wall_s:.0f} s")
        self._drain.join(timeout=5)
        if code != 0:
            raise FfmpegError(f"{self.task}: {self.last_words() or f'ffmpeg ended with code {code}'}", hint=self.hint())

    def last_words(self) -> str:
        """Last line of the complaints, without control characters."""
        lines = [line for line in self.complaints.splitlines() if line.strip()]
        return "".join(c for c in lines[-1] if c.isprintable())[:300] if lines else ""

    @staticmethod
    def hint() -> str:
        """What to do when ffmpeg fails."""
        return "check that the file plays and that the disk has room; `soundtrack doctor` shows the ffmpeg in use"

    def time_out(self, how: str) -> None:
        """Stop it and raise."""
        self.stop()
        raise FfmpegTimeoutError(f"{self.task}: ffmpeg {how} and was stopped", hint=self.hint())

    def stop(self) -> None:
        """Kill the whole group if it still runs, close the pipes, reap it."""
        stop(self._popen)
        if self._drain.is_alive():
            self._drain.join(timeout=5)
        log.ended(self.task, self._popen.returncode, self.complaints)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class _Patience:
    """Counts the time that this side waits for ffmpeg: at most `stall_s` at once and `wall_s` in all."""

    def __init__(self, process: _Process, *, wall_s: float, stall_s: float) -> None:
        self._process, self._wall_s, self._stall_s = process, wall_s, stall_s
        self._waited_s = 0.0

    @property
    def left_s(self) -> float:
        """Seconds of waiting that remain."""
        return self._wall_s - self._waited_s

    def wait(self, *, read: Sequence[int] = (), write: Sequence[int] = ()) -> tuple[list[int], list[int]]:
        """Descriptors that are ready, or FfmpegTimeoutError."""
        start = time.monotonic()
        while True:
            can_read, can_write, _ = select.select(read, write, [], _POLL_S)
            waited_s = time.monotonic() - start
            if can_read or can_write:
                self._waited_s += waited_s
                return can_read, can_write
            if self._waited_s + waited_s > self._wall_s:
                self._process.time_out(f"timed out after {self._wall_s:g} s")
            if waited_s > self._stall_s:
                self._process.time_out(f"made no progress for {self._stall_s:g} s")


class ReadingPipe:
    """What ffmpeg writes to its standard output, as it comes."""

    def __init__(self, process: _Process, patience: _Patience) -> None:
        self._process, self._patience = process, patience
        self.at_end = False
        """Whether everything was read."""

    @property
    def complaints(self) -> str:
        """What ffmpeg said of it up to now, the last 64 KB."""
        return self._process.complaints

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer as far as there is data; returns the bytes filled, fewer than its size only at the end."""
        view = _bytes_of(buffer)
        filled = 0
        descriptor = self._process.stdout.fileno()
        while filled < len(view):
            try:
                n = os.readv(descriptor, [view[filled:]])
            except BlockingIOError:
                self._patience.wait(read=[descriptor])
                if len(view) - filled > _NAP_BYTES:
                    time.sleep(_NAP_S)
                continue
            if n == 0:
                self.at_end = True
                break
            filled += n
        return filled

    def read(self, n_bytes: int) -> bytes:
        """The next `n_bytes`, fewer only at the end."""
        buffer = bytearray(n_bytes)
        del buffer[self.readinto(buffer) :]
        return bytes(buffer)


class WritingPipe:
    """ffmpeg's standard input."""

    def __init__(self, process: _Process, patience: _Patience) -> None:
        self._process, self._patience = process, patience

    def write(self, data: Buffer) -> None:
        """Hand over all of `data`; waits while ffmpeg is busy.

        Raises
        ------
        FfmpegError
            ffmpeg ended before it had read everything, or takes nothing any more.
        """
        view = _bytes_of(data)
        descriptor = self._process.stdin.fileno()
        while len(view):
            try:
                view = view[os.write(descriptor, view[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                self._patience.wait(write=[descriptor])
            except BrokenPipeError as error:
                self._process.finish(self._patience.left_s)
                raise FfmpegError(
                    f"{self._process.task}: ffmpeg stopped reading before the end", hint=self._process.hint()
                ) from error


# --- the three ways to run it ----


@contextlib.contextmanager
def reading_pipe(
    args: Sequence[str], *, task: str, wall_s: float = 3600.0, stall_s: float = 30.0, ffmpeg: Path | None = None
) -> Iterator[ReadingPipe]:
    """Run ffmpeg with its standard output as a pipe; leaving the block early stops it without complaint.

    Parameters
    ----------
    args : sequence of str
        Everything after the program's name; the output is ``pipe:1``.
    task : str
        What is being done to which file, for the message of an error.
    wall_s, stall_s : float > 0
        Most seconds to wait for ffmpeg in all and at once; the reader's own work does not count.
    ffmpeg : Path, optional
        Use this one.

    Raises
    ------
    FfmpegError
        After everything was read: ffmpeg failed.
    """
    process = _Process(args, task=task, stdin=False, stdout=True, ffmpeg=ffmpeg)
    try:
        patience = _Patience(process, wall_s=wall_s, stall_s=stall_s)
        pipe = ReadingPipe(process, patience)
        yield pipe
        if pipe.at_end:
            process.finish(patience.left_s)
    finally:
        process.stop()


@contextlib.contextmanager
def writing_pipe(
    args: Sequence[str], *, task: str, wall_s: float = 6 * 3600.0, stall_s: float = 120.0, ffmpeg: Path | None = None
) -> Iterator[WritingPipe]:
    """Run ffmpeg with its standard input as a pipe; the end of the block closes it and waits for ffmpeg to finish.

    Parameters as in `reading_pipe`. An exception inside the block kills ffmpeg; what it wrote is left to the caller.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    process = _Process(args, task=task, stdin=True, stdout=False, ffmpeg=ffmpeg)
    try:
        patience = _Patience(process, wall_s=wall_s, stall_s=stall_s)
        yield WritingPipe(process, patience)
        process.stdin.close()
        process.finish(patience.left_s)
    finally:
        process.stop()


def run_ffmpeg(
    args: Sequence[str],
    *,
    task: str,
    input: bytes | None = None,
    wall_s: float = 3600.0,
    stall_s: float = 120.0,
    on_output: Callable[[bytes], None] | None = None,
    ffmpeg: Path | None = None,
) -> FfmpegResult:
    """Run ffmpeg to its end and return what it wrote.

    Parameters
    ----------
    args : sequence of str
        Everything after the program's name.
    task : str
        What is being done to which file, for the message of an error.
    input : bytes, optional
        Fed to its standard input.
    wall_s : float > 0
        Most seconds that it may take.
    stall_s : float > 0
        Most seconds without a sign of life; ``-progress pipe:1`` makes ffmpeg give one every half second. Without that,
        a run that writes to a file says nothing until it is done, so only `wall_s` counts.
    on_output : callable, optional
        Gets what ffmpeg writes to standard output as it comes, such as the lines of ``-progress pipe:1``; it is then
        not kept.
    ffmpeg : Path, optional
        Use this one.

    Raises
    ------
    FfmpegError
        It failed; the message ends with its last words.
    """
    speaks = "pipe:1" in args or "-" in args
    process = _Process(args, task=task, stdin=input is not None, stdout=True, ffmpeg=ffmpeg)
    kept: list[bytes] = []
    try:
        patience = _Patience(process, wall_s=wall_s, stall_s=stall_s if speaks else wall_s)
        rest = memoryview(input or b"")
        if input is not None and not rest:
            process.stdin.close()
        reading = process.stdout.fileno()
        while True:
            writing = [process.stdin.fileno()] if rest else []
            can_read, can_write = patience.wait(read=[reading], write=writing)
            if can_write:
                try:
                    rest = rest[os.write(writing[0], rest[:_CHUNK_BYTES]) :]
                except BrokenPipeError:
                    rest = rest[:0]
                if not rest:
                    process.stdin.close()
            if can_read:
                chunk = os.read(reading, _CHUNK_BYTES)
                if not chunk:
                    break
                if on_output is None:
                    kept.append(chunk)
                else:
                    on_output(chunk)
        process.finish(patience.left_s)
        return FfmpegResult(stdout=b"".join(kept), stderr=process.complaints)
    finally:
        process.stop()
