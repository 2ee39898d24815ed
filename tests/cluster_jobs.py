"""Jobs for workers of a cluster, in a module that they can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def tell_and_square(n: int, folder: Path, *, slow_s: float = 0.0) -> int:
    """Leave a file that names this process, wait, and answer."""
    (folder / f"{n}.{os.getpid()}").touch()
    time.sleep(slow_s or 0.05)
    return n * n


def square_slowly(n: int, folder: Path) -> int:
    """The same, so slow that it can be struck."""
    return tell_and_square(n, folder, slow_s=0.6)


def take_the_process_down(_n: int, _folder: Path) -> int:
    """End the worker as a crash would."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
