"""One item ahead: the next block is made while the last one is worked on."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


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
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        try:
            coming: Future[tuple[T, ...]] = pool.submit(_next, items)
            while item := coming.result():
                coming = pool.submit(_next, items)
                yield item[0]
        finally:
            pool.submit(items.close).result()


def _next(items: Generator[T]) -> tuple[T, ...]:
    """The next item, or nothing."""
    for item in items:
        return (item,)
    return ()
