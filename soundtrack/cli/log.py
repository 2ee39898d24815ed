"""Log of ``soundtrack -v``, ``-vv`` and ``--log-file``: ffmpeg commands and what ffmpeg printed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def set_up_log(verbose: int, log_file: Path | None) -> None:
    """Send the log to stderr, or to a new file, which always gets all of it.

    Raises
    ------
    OutputError
        The file exists or cannot be made.
    """
    from soundtrack.errors import OutputError

    if str(log_file) == "-":
        raise OutputError("--log-file cannot write to stdout", hint="use a file name, or -vv for stderr")
    handler: logging.Handler
    try:
        handler = logging.StreamHandler() if log_file is None else logging.FileHandler(log_file, mode="x")
    except FileExistsError as error:
        raise OutputError(f"{log_file}: already exists", hint="use another file with --log-file") from error
    except OSError as error:
        raise OutputError(
            f"{log_file}: cannot be written: {error.strerror or error}", hint="use another file with --log-file"
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s" if log_file is not None else "%(message)s"))
    log = logging.getLogger("soundtrack")
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.DEBUG if log_file is not None or verbose > 1 else logging.INFO)
