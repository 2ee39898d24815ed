"""Schema of the index database: tables, versions, opening.

Goes in: the path of ``library.sqlite3``. Comes out: a checked connection of Python's own ``sqlite3``. Writing uses a
write-ahead log, so that killing the process at any moment loses at most the transaction under way; a closed index is
one plain file again. A database from elsewhere is data and nothing more: views and triggers are refused, its schema
is not trusted. Changes of the tables come as forward steps, one list of statements per version.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from soundtrack.errors import InputError, LibraryError, OutputError, Reason, SoundtrackError
from soundtrack.files import safe_read
from soundtrack.library.advice import to_fill, to_rebuild
from soundtrack.library.store.rows import RowError
from soundtrack.library.store.share import no_locks, no_shared_memory, shares_memory

P = ParamSpec("P")
R = TypeVar("R")

DATABASE_NAME = "library.sqlite3"
"""Name of the database in the index folder."""

DATABASE_ENDINGS = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files that it keeps beside it; nothing for the database itself."""

APPLICATION_ID = 0x53544C42
"""``STLB``: what says that a database is ours."""

NAMING_VERSION = 1
"""Number of the way of naming tracks: 0 by the bytes of their files, 1 by their sound; older names are renewed."""

QUICK_CHECK_BYTES = 64 << 20
"""Readers check databases up to this size in full when opening them; writers always do."""

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE model (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            name TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, dim INTEGER NOT NULL CHECK (dim > 0))""",
        "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL)",
        "INSERT INTO state VALUES (1, 0)",
        "CREATE TABLE roots (path BLOB PRIMARY KEY)",
        """CREATE TABLE tracks (
            id INTEGER PRIMARY KEY,
            track_id TEXT NOT NULL UNIQUE CHECK (length(track_id) = 64),
            features INTEGER NOT NULL,
            title TEXT, artist TEXT, album TEXT, genre TEXT, year TEXT, licence TEXT, isrc TEXT,
            codec TEXT NOT NULL, sample_rate_hz INTEGER NOT NULL, channels INTEGER NOT NULL, duration_s REAL NOT NULL,
            integrated_lufs REAL NOT NULL, range_lu REAL NOT NULL, true_peak_dbtp REAL NOT NULL,
            tempo_bpm REAL, tempo_confidence REAL NOT NULL, key TEXT, key_confidence REAL NOT NULL,
            beats_s BLOB NOT NULL, downbeats_s BLOB NOT NULL, beats_per_bar INTEGER NOT NULL, sections_s BLOB NOT NULL,
            music_start_s REAL NOT NULL, music_end_s REAL NOT NULL, ending TEXT NOT NULL, vocal_share REAL,
            probabilities BLOB NOT NULL, valence REAL NOT NULL, arousal REAL NOT NULL, confidence REAL NOT NULL,
            warnings TEXT NOT NULL)""",
        """CREATE TABLE segments (
            track INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
            position INTEGER NOT NULL, start_s REAL NOT NULL, end_s REAL NOT NULL, loudness_lufs REAL NOT NULL,
            probabilities BLOB NOT NULL, valence REAL NOT NULL, arousal REAL NOT NULL, confidence REAL NOT NULL,
            PRIMARY KEY (track, position)) WITHOUT ROWID""",
        """CREATE TABLE vectors (
            track INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
            n_segments INTEGER NOT NULL, segments BLOB NOT NULL, whole BLOB NOT NULL)""",
        """CREATE TABLE bars (
            track INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
            n_features INTEGER NOT NULL, starts_s BLOB NOT NULL, features BLOB NOT NULL)""",
        """CREATE TABLE locations (
            path BLOB PRIMARY KEY,
            track INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
            device INTEGER NOT NULL, inode INTEGER NOT NULL, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('present', 'missing'))) WITHOUT ROWID""",
        "CREATE INDEX locations_by_track ON locations (track)",
        """CREATE TABLE failures (
            path BLOB PRIMARY KEY,
            device INTEGER NOT NULL, inode INTEGER NOT NULL, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
            reason TEXT NOT NULL, message TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE derived (
            name TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL, n_rows INTEGER NOT NULL, dim INTEGER NOT NULL, generation INTEGER NOT NULL)""",
    ),
    (
        "CREATE TABLE rules (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE playlists (path BLOB PRIMARY KEY) WITHOUT ROWID",
        """CREATE TABLE playlist_entries (
            playlist BLOB NOT NULL REFERENCES playlists (path) ON DELETE CASCADE,
            position INTEGER NOT NULL, path BLOB NOT NULL,
            PRIMARY KEY (playlist, position)) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE tracks ADD COLUMN album_artist TEXT",
        "ALTER TABLE tracks ADD COLUMN naming INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE contents (
            sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
            track INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE) WITHOUT ROWID""",
        "CREATE INDEX contents_by_track ON contents (track)",
        "INSERT INTO contents SELECT track_id, id FROM tracks",
    ),
    (
        """CREATE TABLE channels (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL, version TEXT NOT NULL, dim INTEGER NOT NULL CHECK (dim > 0),
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
            names TEXT NOT NULL,
            UNIQUE (name, version, sha256))""",
        """CREATE TABLE evidence (
            track INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
            channel INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
            n_segments INTEGER NOT NULL, numbers BLOB NOT NULL,
            PRIMARY KEY (track, channel))""",
        "CREATE INDEX evidence_by_channel ON evidence (channel, track)",
    ),
    ("ALTER TABLE segments ADD COLUMN vocal_share REAL",),
)

LAYOUT = "SELECT type, name, sql FROM sqlite_master"
"""What a database says of itself, to be compared with `layout`."""

SCHEMA_VERSION = len(_STEPS)
"""Version of the tables that this program writes."""

DAMAGED = ": the index is damaged: "
"""Between the name of a database and what is wrong with it."""


def damaged(path: Path, cause: str) -> LibraryError:
    """The error for a database that cannot be used as it is."""
    return LibraryError(f"{path}{DAMAGED}{cause}", hint=f"restore it from a backup, or {to_rebuild(path.parent)}")


def checked(read: Callable[P, R]) -> Callable[P, R]:
    """A function that reads rows of a store, its first argument; a row that makes no sense names the database."""

    @functools.wraps(read)
    def named(*args: P.args, **options: P.kwargs) -> R:
        try:
            return read(*args, **options)
        except RowError as error:
            store: Any = args[0]
            raise damaged(store.path, str(error)) from error

    return named


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into errors that name the file and say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_ERROR" and "no such" not in str(error):
            raise  # our own mistake, not the file's
        raise _named(path, error) from error


def _named(path: Path, error: sqlite3.DatabaseError) -> SoundtrackError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LibraryError(f"{path}: the index is in use by another program", hint="try again when it has finished")
    if name.startswith("SQLITE_IOERR_SHM"):
        return no_shared_memory(path, error)
    if name.startswith("SQLITE_IOERR") and "LOCK" in name:
        return no_locks(path.parent, error)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return OutputError(
            f"{path}: cannot write the index: {error}",
            hint="free some disk space and run the same command again; everything indexed so far is kept",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return OutputError(f"{path}: cannot open the index: {error}", hint="choose another folder with --index")
    return damaged(path, str(error))


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection without implicit transactions; `mode` is the end of SQLite's file URI."""
    location = quote(os.fsencode(path))
    connection = sqlite3.connect(f"file:{location}?{mode}", uri=True, isolation_level=None, timeout=10.0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


class Found(Enum):
    """What is found under the name of a database."""

    NOTHING = "nothing"
    """No file, or an empty one, such as a run leaves that was killed at once."""
    OURS = "ours"
    """The database of an index, of whatever version."""
    FOREIGN = "foreign"
    """The database of another program."""
    UNREADABLE = "unreadable"
    """No database, or a damaged one."""


def look_at(path: Path) -> Found:
    """What is found under the name of a database; nothing is changed, and no link is followed."""
    try:
        status = path.lstat()
    except OSError:
        return Found.NOTHING
    if not stat.S_ISREG(status.st_mode):
        return Found.UNREADABLE
    if status.st_size == 0:
        return Found.NOTHING
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists() and os.access(path.parent, os.W_OK)
    try:
        connection = _connect(path, "mode=ro" if has_log else "mode=ro&immutable=1")  # the latter makes no files
    except sqlite3.DatabaseError:
        return Found.UNREADABLE
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    except sqlite3.DatabaseError:
        return Found.UNREADABLE
    finally:
        connection.close()
    return Found.OURS if application == APPLICATION_ID else Found.NOTHING if is_empty else Found.FOREIGN


def require_no_links(*paths: Path) -> None:
    """Refuse names of an index that are links: what they lead to is not the index's to read or write.

    Raises
    ------
    LibraryError
        One is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise LibraryError(
                f"{path}: is a symbolic link; the index must not contain links",
                hint="remove the link, or choose another index",
            )


def database_files(path: Path) -> tuple[Path, ...]:
    """A database and what SQLite keeps beside it."""
    return tuple(path.with_name(path.name + ending) for ending in DATABASE_ENDINGS)


def _require_files(path: Path) -> None:
    """Refuse a database, or a log of one, that is a link, or that SQLite would wait at: a pipe, a device."""
    require_no_links(*database_files(path))
    for file in database_files(path):
        try:
            safe_read.require_regular(file)
        except InputError as error:
            if error.reason is Reason.MISSING:
                continue
            raise LibraryError(str(error), hint="choose another folder with --index") from error


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that may write; makes the database, or brings an older one up to date.

    Raises
    ------
    LibraryError
        The file is damaged, no index, or made by a newer version.
    OutputError
        It cannot be written.
    """
    _require_files(path)
    with named_errors(path):
        connection = _connect(path, "mode=rwc")
        try:
            connection.execute(f"PRAGMA journal_mode = {'WAL' if shares_memory(path.parent) else 'DELETE'}")
            connection.execute("PRAGMA synchronous = NORMAL")
            version = _check(connection, path, full=True)
            for step in range(version, SCHEMA_VERSION):
                _upgrade(connection, step)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads, also from a folder in which nothing can be written.

    Raises
    ------
    LibraryError
        There is no index, or it is damaged or of a newer version.
    """
    if not os.path.lexists(path):
        raise LibraryError(f"{path.parent}: no index found", hint=to_fill(path.parent))
    _require_files(path)
    try:
        with named_errors(path):
            connection = _connect(path, "mode=ro" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1")
            try:
                version = _check(connection, path, full=path.stat().st_size <= QUICK_CHECK_BYTES)
            except BaseException:
                connection.close()
                raise
    except OutputError as error:
        raise LibraryError(str(error), hint="check the permissions of the file") from error
    if version == 0:
        connection.close()
        raise LibraryError(f"{path.parent}: the index is empty", hint=to_fill(path.parent))
    return connection if version == SCHEMA_VERSION else _upgraded_copy(connection, path, version)


def _upgraded_copy(connection: sqlite3.Connection, path: Path, version: int) -> sqlite3.Connection:
    """An older database brought up to date in memory, since a reader changes nothing; a writer does it for good."""
    copy = sqlite3.connect(":memory:", isolation_level=None, uri=True)
    with named_errors(path):
        try:
            connection.backup(copy)
            copy.execute("PRAGMA trusted_schema = OFF")
            copy.execute("PRAGMA foreign_keys = ON")
            for step in range(version, SCHEMA_VERSION):
                _upgrade(copy, step)
        except BaseException:
            copy.close()
            raise
        finally:
            connection.close()
    return copy


@functools.cache
def layout(version: int) -> set[tuple[object, ...]]:
    """Kind, name and text of every table and index that a database of a version has."""
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for step in range(version):
            _upgrade(fresh, step)
        return set(fresh.execute(LAYOUT))
    finally:
        fresh.close()


def close_writer(connection: sqlite3.Connection) -> None:
    """Close a writing connection, leaving one plain file where no reader is in the way."""
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError:
        pass  # a reader holds it, or the disk is full: the log is merged at the next opening
    finally:
        connection.close()


def _check(connection: sqlite3.Connection, path: Path, *, full: bool) -> int:
    """The version of the tables, 0 for an empty database, after looking for damage."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = set(connection.execute(LAYOUT))
    if not found and version == 0:
        return 0
    if application != APPLICATION_ID or {kind for kind, *_ in found} - {"table", "index"}:
        raise LibraryError(f"{path}: not a soundtrack index", hint="choose another folder with --index")
    if version > SCHEMA_VERSION:
        raise LibraryError(
            f"{path}: the index was made by a newer soundtrack: "
            f"table version {version}, supported up to {SCHEMA_VERSION}",
            hint="update soundtrack, or choose another folder with --index",
        )
    if version < 1 or found != layout(version):
        raise damaged(path, f"its tables do not match version {version}")
    if full:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise damaged(path, str(verdict).splitlines()[-1])
    return version


def _upgrade(connection: sqlite3.Connection, step: int) -> None:
    """Go from version `step` to the next, whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _STEPS[step]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {step + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
