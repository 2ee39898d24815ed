"""Notification of changes in music folders.

Goes in: folders and files, and the folder of the index. Comes out: an iterator that steps once for every change that
has come to rest. It goes on whatever becomes of the folders: one that goes away is looked for every few seconds. This
module is the only one that imports watchfiles, which comes with the extra ``watch``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

from soundtrack.errors import DependencyError
from soundtrack.library.search.rules import IGNORE_NAME
from soundtrack.library.update.scan import looks_like_music
from soundtrack.naming.playlists import is_playlist

REST_S = 6.0
"""Quiet time after the last change before changes are reported, in seconds: a file that is still copied is not read."""

PATIENCE_S = 300.0
"""Longest delay before continuous changes are reported, in seconds."""

_STEP_S = 0.2
"""How long watchfiles gathers changes, which come several times a second while a file is written."""

LOOK_S = 5.0
"""How often folders that went away are looked for, in seconds."""


def require_watchfiles() -> None:
    """Make sure that folders can be watched, before anything else is done.

    Raises
    ------
    DependencyError
        watchfiles is not installed.
    """
    try:
        import watchfiles  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise DependencyError(
            "--watch requires the package watchfiles", hint="run `pip install 'soundtrack[watch]'`"
        ) from error


def changes(
    roots: Sequence[Path], *, index_dir: Path, rest_s: float = REST_S, look_s: float = LOOK_S, stop: Event | None = None
) -> Iterator[None]:
    """Steps whenever something under the roots has changed that may matter to an index.

    Parameters
    ----------
    roots : sequence of Path
        Folders and files.
    index_dir : Path
        Folder of the index, whose own changes do not count.
    rest_s : float > 0
        Quiet time before a change is reported, in seconds.
    look_s : float > 0
        How often roots that went away are looked for, in seconds.
    stop : Event, optional
        Ends the iterator when it is set.

    Raises
    ------
    DependencyError
        watchfiles is not installed.
    KeyboardInterrupt
        Ctrl-C was pressed.
    """
    require_watchfiles()
    from watchfiles import watch

    matters = _filter(index_dir)
    stop = stop or Event()
    while not stop.is_set():
        there = _identities(roots)
        if not there:
            time.sleep(look_s)
            if _identities(roots):
                yield
            continue
        now_s = time.monotonic()
        since_s: float | None = now_s  # what changed before the system was asked to watch counts as well
        last_s = now_s - rest_s
        try:
            for found in watch(
                *there,
                watch_filter=None,  # a timeout comes only when nothing at all changes
                debounce=int(_STEP_S * 1000),
                step=int(_STEP_S * 500),
                rust_timeout=int(min(rest_s / 3, look_s) * 1000),
                yield_on_timeout=True,
                stop_event=stop,
                ignore_permission_denied=True,
            ):
                now_s = time.monotonic()
                if any(matters(path) for _, path in found):
                    since_s, last_s = since_s or now_s, now_s
                if since_s is not None and (now_s - last_s >= rest_s or now_s - since_s >= PATIENCE_S):
                    since_s = None
                    yield
                if _identities(roots) != there:
                    yield
                    break
        except OSError:
            time.sleep(look_s)  # it went away between two looks, or the system watches no more folders


def _identities(roots: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Device and inode of each root that is there."""
    found: dict[Path, tuple[int, int]] = {}
    for root in roots:
        try:
            status = root.stat()
        except OSError:
            continue
        found[root] = (status.st_dev, status.st_ino)
    return found


def _filter(index_dir: Path) -> Callable[[str], bool]:
    """Whether a change of a path may matter: music, lists, rules, folders, and whatever is gone."""

    def matters(text: str) -> bool:
        """A deleted path may have been a folder of music."""
        path = Path(text)
        if path.is_relative_to(index_dir):
            return False
        if path.name.startswith("."):
            return path.name == IGNORE_NAME
        if looks_like_music(path.name) or is_playlist(path) or path.suffix.lower() == ".cue":
            return True
        return path.is_dir() or not path.exists()

    return matters
