"""Share of the processor that a run may take: pauses between tracks, fewer workers.

Goes in: a share of all cores, and the processor seconds that the main process and its workers have used. Comes out: how
long to wait before the next track. Unused time is credit for `CREDIT_S` seconds at most, so that a quiet hour
of a watched folder is not followed by a minute at full speed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from soundtrack.processes.platform import n_cores

CREDIT_S = 1.0
"""Unused time that is kept, in seconds."""


class Pace:
    """A budget of processor seconds that fills as time passes.

    Parameters
    ----------
    share : float
        Share of all cores of this machine, in (0, 1].
    n : int, optional
        Number of cores.
    clock : callable
        Time in seconds.
    used : callable
        Processor seconds of this process, its workers not included.

    Examples
    --------
    >>> now = [0.0]
    >>> pace = Pace(0.25, n=2, clock=lambda: now[0], used=lambda: 0.0)
    >>> pace.spend(3.0)
    >>> round(pace.wait_s(), 3)  # half a core, and half a second of credit
    5.0
    >>> now[0] = 5.0
    >>> pace.wait_s()
    0.0
    """

    def __init__(
        self,
        share: float,
        *,
        n: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share must be in (0, 1], got {share}")
        self._cores = share * (n or n_cores())
        self._clock, self._used = clock, used
        self._then, self._used_then = clock(), used()
        self._have_s = CREDIT_S * self._cores

    def n_workers(self, most: int) -> int:
        """Number of workers that are enough for the share, at most `most`."""
        return max(1, min(most, math.ceil(self._cores)))

    def spend(self, seconds: float) -> None:
        """Processor seconds that a worker has used."""
        self._have_s -= seconds

    def wait_s(self) -> float:
        """Seconds until the next track may start; 0 if it may now."""
        now, used = self._clock(), self._used()
        self._have_s += (now - self._then) * self._cores - (used - self._used_then)
        self._have_s = min(self._have_s, CREDIT_S * self._cores)
        self._then, self._used_then = now, used
        return max(0.0, -self._have_s / self._cores)
