"""Files of an index folder, recognised by name and content.

Goes in: an index folder. Comes out: nothing, or an error before anything is opened for writing. An index folder may
come from an untrusted source, or be a folder that already holds other things under the same names. Nothing inside it is
opened, shortened, replaced or removed through a link, and no file of another program is replaced.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import LibraryError, OutputError
from soundtrack.library.store import rows
from soundtrack.library.store.schema import DATABASE_ENDINGS, DATABASE_NAME, Found, look_at, require_no_links

if TYPE_CHECKING:
    from soundtrack.library.places import Location
    from soundtrack.library.store.store import Store

SUMMARY_NAME = "index.json"
"""Name of the summary in the index folder."""

SUMMARY_SCHEMA = "soundtrack.index/1"
"""What the summary says it is."""

VECTORS_NAME = "segments.faiss"
"""Name of the search file, which is derived from the database."""

CELLS_NAME = "segments.cells.faiss"
"""Name of the second search file of large libraries."""

LOCK_NAME = "library.lock"
"""Name of the lock file."""

REBUILD_NAME = ".rebuild"
"""Folder in which a rebuild is made; it takes the index's place when it is whole."""

DATABASE_FILES = tuple(DATABASE_NAME + ending for ending in DATABASE_ENDINGS)
"""The database and what SQLite keeps beside it."""

FILE_NAMES = (*DATABASE_FILES, SUMMARY_NAME, VECTORS_NAME, CELLS_NAME, LOCK_NAME)
"""Every file that an index may have."""

_MOST_SUMMARY_BYTES = 1 << 16
_ELSEWHERE = "move it, or choose another folder with --index"


def own_files(index_dir: Path) -> list[Path]:
    """Every place that an index in a folder uses or may use later; most need not exist."""
    return [index_dir / name for name in (*FILE_NAMES, REBUILD_NAME)]


def there_now(places: Iterable[Location]) -> set[str]:
    """Tracks with a file that is not empty at one of these places now, whatever the last run found there."""
    return {place.track_id for place in places if _holds_anything(place.path)}


def _holds_anything(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:  # nothing can be seen in a closed folder
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0


def files_known(store: Store) -> Iterator[Path]:
    """Every file outside its folder that an index knows: playlists and music, missing and unusable files included."""
    for table in ("locations", "failures", "playlists"):
        for (path,) in store.all(f"SELECT path FROM {table}"):
            yield store.to_path(rows.path(path))


def require_own_files(index_dir: Path) -> None:
    """Refuse a folder in which writing an index would reach or replace something that is not part of one.

    Raises
    ------
    LibraryError
        A name of the index is a link or no regular file.
    OutputError
        The folder is no index, and a name that an index uses is taken.
    """
    require_no_links(*own_files(index_dir))
    for name in FILE_NAMES:
        path = index_dir / name
        if path.exists() and not path.is_file():
            raise LibraryError(f"{path}: is not a regular file", hint=_ELSEWHERE)
    if _is_index(index_dir):
        return
    database = index_dir / DATABASE_NAME
    left = {LOCK_NAME}  # by a run that ended at once
    if database.exists() and look_at(database) is Found.NOTHING:
        left.update(DATABASE_FILES)
    for path in own_files(index_dir):
        if path.name not in left and os.path.lexists(path):
            raise OutputError(f"{path}: already exists and is not part of an index", hint=_ELSEWHERE)


def is_plain(path: Path) -> bool:
    """Whether a path is a regular file by itself, not through a link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_index(index_dir: Path) -> bool:
    """Whether a folder holds an index, whole or damaged."""
    found = look_at(index_dir / DATABASE_NAME)
    if found is Found.OURS:
        return True
    return found is not Found.FOREIGN and _is_summary(index_dir / SUMMARY_NAME)


def _is_summary(path: Path) -> bool:
    """Whether a file is the summary of an index."""
    if not is_plain(path):
        return False
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(_MOST_SUMMARY_BYTES))
        return isinstance(said, dict) and str(said.get("schema", "")).startswith("soundtrack.index/")
    except (OSError, ValueError, RecursionError):
        return False
