"""Run one command and write down what it took, its descendants included, also those that outlive it for a moment.

Run by `clock.timed` as a small process of its own: python -I -S meter.py RESULT COMMAND...

Two things would falsify the figures otherwise. Helpers that a tool leaves to end by themselves are not waited for
by it, so that their processor time would be missing: this process adopts and waits for them. And a process that was
started by a large one counts the memory of that one as its own at the start: this one is small. Linux adopts; elsewhere
the time of such helpers is missing.
"""

import ctypes
import json
import os
import signal
import sys
import time

ADOPT = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
PATIENCE_S = 10
"""Helpers that are still there so long after the command are killed."""

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)
started = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
result = {
    "wall_s": time.perf_counter() - started,
    "cpu_s": usage.ru_utime + usage.ru_stime,
    "peak_mib": usage.ru_maxrss / 1024,
    "status": os.waitstatus_to_exitcode(status),
}


def kill_the_rest(*_args: object) -> None:
    """End the whole session but for this process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)


signal.signal(signal.SIGALRM, kill_the_rest)
signal.alarm(PATIENCE_S)
while True:
    try:
        _, _, usage = os.wait4(-1, 0)
    except ChildProcessError:
        break
    result["cpu_s"] += usage.ru_utime + usage.ru_stime
    result["peak_mib"] = max(result["peak_mib"], usage.ru_maxrss / 1024)
with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123  # pathlib would cost more than all of this
    json.dump(result, file)
