"""Long work of a review, such as planning again: one job at a time, in a thread, with its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable

from soundtrack.errors import SoundtrackError, UsageError
from soundtrack.progress import Progress
from soundtrack.review.session import ConflictError


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
            end |= {"error": str(error), "hint": error.hint}
        except ConflictError as error:
            end |= {"error": str(error), "hint": "do it again if it is still wanted"}
        except Exception as error:  # a thread has no boundary of its own: what is unforeseen is said by the page
            end |= {"error": f"internal error, {type(error).__name__}: {error}", "hint": "please report this bug"}
        finally:
            with self._lock:
                self._is_running = False
                self._said = end
