"""Memory of a command with all its processes, from /proc (Linux only).

Goes in: a command. Comes out: how long it took and its peaks. The kernel notes for every process the most memory that
it ever had resident (``VmHWM``). The peak of a command is the largest sum of these marks over the processes that lived
at one moment, looked at five times a second. It is never less than what was resident at any of these moments: the
marks need not have been reached together, and what several processes share counts for each of them. A process that is
just being started still has the memory of the one that starts it; that counts once.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_S = 0.2


@dataclass(frozen=True)
class Peak:
    """What a command took."""

    wall_s: float
    """From start to end, in seconds."""
    cpu_s: float
    """Of the processor, its children included, in seconds."""
    all_mib: float
    """Largest sum of the marks of the processes that lived at one moment, in MiB."""
    own_mib: float
    """Mark of the command's own process, in MiB."""
    status: int
    """How it ended; 0 where all went well."""
    said: str
    """The end of what it said on stderr."""


def watched(
    command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, longest_s: float = 6 * 3600.0
) -> Peak:
    """Run a command to its end and tell its peaks; it is killed after `longest_s` seconds."""
    began_s, began_cpu_s = time.perf_counter(), _children_cpu_s()
    all_kib = own_kib = 0
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [os.fspath(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, **(environment or {})},
        ) as process,
    ):
        try:
            while process.poll() is None:
                marks = {pid: _marks_kib(pid) for pid in _family(process.pid)}
                own_kib = max(own_kib, marks[process.pid][0])
                all_kib = max(all_kib, sum(most for most, _ in set(marks.values())))
                if time.perf_counter() - began_s > longest_s:
                    process.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_S)
        except BaseException:
            process.kill()
            raise
        said.seek(max(0, said.seek(0, os.SEEK_END) - 2_000))
        words = said.read().decode("utf-8", "replace")
    return Peak(
        wall_s=time.perf_counter() - began_s,
        cpu_s=_children_cpu_s() - began_cpu_s,
        all_mib=all_kib / 1024,
        own_mib=own_kib / 1024,
        status=process.returncode,
        said=words,
    )


def _children_cpu_s() -> float:
    """Of all processes that were waited for so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(first: int) -> list[int]:
    """A process and all that descend from it."""
    found = [first]
    for pid in found:  # grows while it is walked
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(word) for word in task.read_text().split()]
    return found


def _marks_kib(pid: int) -> tuple[int, int]:
    """The most that a process ever had resident and what it has now, in KiB; 0 once it is gone."""
    found = {}
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("VmHWM:", "VmRSS:")):
                found[line[:5]] = int(line.split()[1])
    return found.get("VmHWM", 0), found.get("VmRSS", 0)


if __name__ == "__main__":
    peak = watched(sys.argv[1:])
    print(f"{peak.wall_s:.1f} s, of the processor {peak.cpu_s:.1f} s; ended with {peak.status}")
    print(f"{peak.all_mib:.0f} MiB together, {peak.own_mib:.0f} MiB its own")
    sys.stderr.write(peak.said)
