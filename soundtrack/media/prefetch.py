"""Work in a thread beside the caller's: the next item of a generator, or one function.

The threads are daemons and talk through `queue.SimpleQueue`, whose calls are single steps of C: whatever interrupts the
caller, even an exception from a signal handler, leaves no lock taken, and no thread keeps the process from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_LEAVING_S = 2.0
"""Longest wait for a generator to close when the consumer leaves early, in seconds."""


def beside(function: Callable[[], T]) -> Callable[[], T]:
    """Call a function in a thread of its own; what is returned waits for its result, or raises its error.

    Examples
    --------
    >>> total = beside(lambda: sum(range(5)))
    >>> total()
    10
    """
    answer: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

    def work() -> None:
        try:
            answer.put((function(), None))
        except BaseException as error:
            answer.put((None, error))

    threading.Thread(target=work, name="beside", daemon=True).start()

    def result() -> T:
        value, error = answer.get()
        if error is not None:
            raise error
        return value  # type: ignore[return-value]  # without an error it is what the function returned

    return result


def ahead(items: Generator[T]) -> Generator[T]:
    """The same items, each made in a thread while the consumer has the one before.

    Parameters
    ----------
    items : generator
        Waits for something else, such as a decoder; is closed at the end, or when the consumer leaves early.

    Yields
    ------
    object
        The items in order; an error of the generator comes where its item would have come.

    Examples
    --------
    >>> list(ahead(i * i for i in range(4)))
    [0, 1, 4, 9]
    """
    wanted: SimpleQueue[bool] = SimpleQueue()
    made: SimpleQueue[tuple[T, ...] | BaseException] = SimpleQueue()
    failed: list[BaseException] = []

    def work() -> None:
        while wanted.get():
            try:
                made.put(_next(items))
            except BaseException as error:
                made.put(error)
        try:
            items.close()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    try:
        thread.start()
        wanted.put(True)
        while item := made.get():
            if isinstance(item, BaseException):
                raise item
            wanted.put(True)
            yield item[0]
    finally:
        wanted.put(False)
        if thread.ident is not None:
            thread.join(_LEAVING_S)
    if failed:
        raise failed[0]


def _next(items: Generator[T]) -> tuple[T, ...]:
    """The next item, or nothing."""
    for item in items:
        return (item,)
    return ()
