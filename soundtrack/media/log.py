"""Log of ffmpeg commands and their output, for ``soundtrack -v`` and ``--log-file``; off by default."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence

LOG = logging.getLogger("soundtrack.ffmpeg")
LOG.addHandler(logging.NullHandler())


def started(task: str, command: Sequence[str]) -> None:
    """Log the command line of an ffmpeg that starts, at level INFO."""
    if LOG.isEnabledFor(logging.INFO):
        LOG.info("%s: %s", task, shlex.join(command))


def ended(task: str, code: int | None, complaints: str) -> None:
    """Log how an ffmpeg ended and the end of what it printed, at level DEBUG."""
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("%s: ended with code %s", task, code)
        for line in complaints.splitlines():
            LOG.debug("%s: ffmpeg: %s", task, line)
