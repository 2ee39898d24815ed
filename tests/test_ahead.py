"""Working one item ahead: order, errors, and leaving early."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator

import pytest

from soundtrack.media.ahead import ahead


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
