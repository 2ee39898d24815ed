"""Long work of a review, such as planning again: one job at a time, in a thread, with its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable

from soundtrack.errors import SoundtrackError, UsageError
from soundtrack.progress import Progress
from soundtrack.review.session import ConflictError

_ON_THE_PAGE = (
    ("soundtrack cues unlock", "press X to unlock it"),
    ("--force only replaces", "rename the file that is there"),
    ("add --force", "select `replace an existing film`, or rename the film that is there"),
    ("use a later --start", "choose a later start, or plan again (P)"),
    ("use an earlier --end", "choose an earlier end, or plan again (P)"),
    ("--start and --end only trim", "to place music elsewhere, plan again (P)"),
    ("soundtrack spot --keep", "use other values, or plan again (P)"),
)
"""What the page says in place of a hint that names a command or an option."""


def refusal(error: SoundtrackError) -> dict[str, object]:
    """What the page shows of an error: the message, a hint in the terms of the page, and the code.

    Examples
    --------
    >>> refusal(UsageError("cue 1m02 is locked", hint="unlock it first: `soundtrack cues unlock CUES 1m02`"))["hint"]
    'press X to unlock it'
    """
    hint = next((said for part, said in _ON_THE_PAGE if part in error.hint), error.hint)
    return {"error": str(error), "hint": hint, "code": error.code}


class Jobs:
    """Runs one job at a time and says how far it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_running = False
        self._said: dict[str, object] = {"running": False}

    def start(self, name: str, work: Callable[[Progress], str]) -> None:
        """Start a job.

        Parameters
        ----------
        name : str
            What the page calls it.
        work : callable
            Gets a progress callback; returns a line that says what was done.

        Raises
        ------
        UsageError
            Another one is running.
        """
        with self._lock:
            if self._is_running:
                raise UsageError("another job is running", hint="wait until it is done")
            self._is_running = True
            self._said = {"running": True, "name": name, "stage": "starting", "done": 0, "total": 0}
        threading.Thread(target=self._run, args=(name, work), daemon=True).start()

    def status(self) -> dict[str, object]:
        """Name, stage, units done and in all; at the end a message, or an error with its hint."""
        return dict(self._said)

    def _run(self, name: str, work: Callable[[Progress], str]) -> None:
        def progress(stage: str, done: int, total: int) -> None:
            self._said = {"running": True, "name": name, "stage": stage, "done": done, "total": total}

        end: dict[str, object] = {"running": False, "name": name}
        try:
            end["message"] = work(progress)
        except SoundtrackError as error:
            end |= refusal(error)
        except ConflictError as error:
            end |= {"error": str(error), "hint": "do it again if it is still wanted"}
        except Exception as error:  # a thread has no boundary of its own: what is unforeseen is said by the page
            end |= {"error": f"internal error, {type(error).__name__}: {error}", "hint": "please report this bug"}
        finally:
            with self._lock:
                self._is_running = False
                self._said = end
