"""Type of progress callbacks."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Stage, units done, units in all (0 while unknown)."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Progress for callers who do not care."""


Notice = Callable[[str], None]
"""A line that is worth knowing before the work."""


def no_notice(_line: str) -> None:
    """For callers who read it in the result."""
