"""Working one item ahead: order, errors, and leaving early."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Generator

import pytest

from soundtrack.media.prefetch import ahead, beside


def test_the_next_item_is_made_while_the_consumer_has_the_one_before() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Generator[int]:
        for i, event in enumerate(made):
            event.set()
            yield i

    with contextlib.closing(ahead(items())) as coming:
        assert next(coming) == 0
        assert made[1].wait(5)
        assert not made[2].is_set()
        assert list(coming) == [1, 2]


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    def items() -> Generator[int]:
        yield 1
        raise ValueError("broken")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)


def test_leaving_early_closes_what_it_came_from() -> None:
    closed = threading.Event()

    def items() -> Generator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    coming = ahead(items())
    next(coming)
    coming.close()
    assert closed.is_set()
    assert list(ahead(i for i in ())) == []


def test_an_interrupt_at_any_step_of_waiting_ends_at_once() -> None:
    """SIGTERM while a film was mixed: an exception inside the waiting left a lock taken, and the end never came."""
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 20


_INTERRUPTED = """
import signal, sys, time
from soundtrack.media.prefetch import ahead, beside
class Stop(Exception): pass
def handler(*_): raise Stop
signal.signal(signal.SIGALRM, handler)
began, tries, worst = time.monotonic(), 0, 0.0
while time.monotonic() - began < 3:
    tries += 1
    coming = ahead(i for i in range(10**6))
    next(coming)  # the thread runs
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0002 * (tries % 17))
        for _ in coming: pass
    except Stop: pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert time.monotonic() - began < 60, "an end that never came"
print(tries)
"""


def test_a_source_that_hangs_does_not_keep_the_consumer_from_leaving() -> None:
    stuck = threading.Event()

    def items() -> Generator[int]:
        yield 0
        stuck.wait(60)

    coming = ahead(items())
    assert next(coming) == 0
    began_s = time.monotonic()
    coming.close()
    assert time.monotonic() - began_s < 10
    stuck.set()


def test_work_beside_gives_its_result_or_its_error() -> None:
    def fail() -> int:
        raise ValueError("broken")

    good, bad = beside(lambda: 3), beside(fail)
    assert good() == 3
    with pytest.raises(ValueError, match="broken"):
        bad()
