"""Log of ``soundtrack -v``, ``-vv`` and ``--log-file``: ffmpeg commands and what ffmpeg printed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path


class _LogFile(logging.FileHandler):
    """A new file for the log, which ends with one warning where the disk takes no more; the run itself goes on."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, mode="x")
        self._file = file

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        from soundtrack.cli import output
        from soundtrack.files.targets import as_output_error

        logging.getLogger("soundtrack").removeHandler(self)
        output.say(f"warning: {as_output_error(self._file, error)}; the log is incomplete")


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
        handler = logging.StreamHandler() if log_file is None else _LogFile(log_file)
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
