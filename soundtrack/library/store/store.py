"""The library database: tracks, segments, vectors and file locations in SQLite.

Goes in: the analysis (`Heard`) and where (`QuickKey`, path). Comes out: `Track` and the like, exactly as they went
in. Everything about a track is written in one transaction. A track is named by its content and may lie in several
places; a place is ``present`` or ``missing``. Paths are stored as bytes; those under the folder that holds the index
folder are stored relative to the index folder, so that an index beside its music can move with it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from soundtrack.library.advice import OtherModelError
from soundtrack.library.heard import Heard, require_unit_vectors
from soundtrack.library.identity import QuickKey
from soundtrack.library.places import DerivedFile, Failure, Location
from soundtrack.library.store import rows, schema
from soundtrack.library.store.schema import checked
from soundtrack.library.store.track_rows import read_tracks
from soundtrack.types import BarTable, FloatArray, ModelRef, Track

FEATURES_VERSION = 1
"""Version of the analysis; older tracks are analysed again when it increases."""


class Store:
    """An open index database; a context manager. Use `open_store`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, writable: bool, home: Path) -> None:
        self.index_dir = Path(os.path.abspath(home))  # noqa: PTH100 - resolve() follows links
        self.path = path
        self._connection = connection
        self._writable = writable

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End; a writer leaves one plain file."""
        if self._writable:
            schema.close_writer(self._connection)
        else:
            self._connection.close()

    # --- paths ----

    def to_bytes(self, path: Path) -> bytes:
        """A path as it is stored."""
        home = self.index_dir.parent
        if home != home.parent and path.is_relative_to(home):
            return os.fsencode(os.path.relpath(path, self.index_dir))
        return os.fsencode(path)

    def to_path(self, stored: bytes) -> Path:
        """The absolute path of a stored one."""
        return Path(self.to_text(stored))

    def to_text(self, stored: bytes) -> str:
        """The same as text, quicker."""
        return os.path.normpath(os.path.join(self.index_dir, os.fsdecode(stored)))  # noqa: PTH118 - many of them

    # --- transactions ----

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run one statement; errors name the file."""
        with schema.named_errors(self.path):
            return self._connection.execute(statement, values)

    def all(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """All rows of a query; errors name the file."""
        with schema.named_errors(self.path):
            return self._connection.execute(statement, values).fetchall()

    def many(self, statement: str, values: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for each of some rows of values; errors name the file."""
        with schema.named_errors(self.path):
            self._connection.executemany(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What the block reads is of one moment, whatever a writer does; short, since writers may wait for it."""
        if self._connection.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("COMMIT")

    # --- the model ----

    @checked
    def model(self) -> ModelRef | None:
        """The networks that made the vectors; None before the first."""
        found = self.all("SELECT name, version, sha256, dim FROM model")
        if not found:
            return None
        name, version, sha256, dim = found[0]
        return ModelRef(
            name=rows.text(name, "name"),
            version=rows.text(version, "version"),
            sha256=rows.text(sha256, "sha256"),
            dim=rows.integer(dim, "dim"),
        )

    def require_model(self, model: ModelRef) -> None:
        """Make sure that this index holds vectors of these networks; an empty one is signed by them.

        Raises
        ------
        LibraryError
            It holds vectors of others.
        """
        mine = self.model()
        if mine is None and self._writable:
            self.sign(model)
        elif mine != model:
            raise OtherModelError.between(self.index_dir, mine, model)

    def sign(self, model: ModelRef) -> None:
        """Note the networks that made the vectors."""
        values = (model.name, model.version, model.sha256, model.dim)
        self.execute("INSERT OR REPLACE INTO model VALUES (1, ?, ?, ?, ?)", values)

    # --- tracks ----

    def save_track(self, track_id: str, heard: Heard, *, dim: int) -> None:
        """Write a track with its segments, vectors and bars; inside a transaction. One that is there is replaced.

        Raises
        ------
        ValueError
            Vectors that are not finite, not of length 1, or too many or few.
        """
        if len(heard.segments) != len(heard.vectors) or not heard.segments:
            raise ValueError(f"{len(heard.segments)} segments, but {len(heard.vectors)} vectors")
        require_unit_vectors(heard.vectors, dim=dim)
        require_unit_vectors(heard.vector[None], dim=dim)
        numbers = {"features": FEATURES_VERSION, "naming": schema.NAMING_VERSION}
        values = {"track_id": track_id, **numbers, **rows.track_columns(heard)}
        values["warnings"] = json.dumps([w.value for w in heard.warnings])
        names = ", ".join(values)
        updates = ", ".join(f"{name} = excluded.{name}" for name in values if name != "track_id")
        marks = ", ".join("?" * len(values))
        cursor = self.execute(
            f"INSERT INTO tracks ({names}) VALUES ({marks})"
            f" ON CONFLICT (track_id) DO UPDATE SET {updates} RETURNING id",
            tuple(values.values()),
        )
        row = cursor.fetchone()[0]
        self.execute("DELETE FROM segments WHERE track = ?", (row,))
        segments = ((row, *rows.segment_values(segment)) for segment in heard.segments)
        self.many(f"INSERT INTO segments (track, {rows.SEGMENT_COLUMNS}) VALUES (?{', ?' * 9})", segments)
        self.execute(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
            (row, len(heard.vectors), heard.vectors.astype("<f4").tobytes(), heard.vector.astype("<f4").tobytes()),
        )
        self.execute("INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?)", (row, *rows.bar_values(heard.bars)))
        self.execute("UPDATE state SET generation = generation + 1")

    def current_track_ids(self) -> set[str]:
        """All tracks of the current version of analysis and identification."""
        now = (FEATURES_VERSION, schema.NAMING_VERSION)
        found = self.all("SELECT track_id FROM tracks WHERE features = ? AND naming = ?", now)
        return {str(track_id) for (track_id,) in found}

    def has_track(self, track_id: str) -> bool:
        """Whether this content was analysed with the current version."""
        return bool(self.all("SELECT 1 FROM tracks WHERE track_id = ? AND features = ?", (track_id, FEATURES_VERSION)))

    def forget_track(self, track_id: str) -> None:
        """Take a track out, with all that belongs to it."""
        self.execute("DELETE FROM tracks WHERE track_id = ?", (track_id,))
        self.execute("UPDATE state SET generation = generation + 1")

    def forget_homeless(self) -> int:
        """Take out tracks that lie nowhere any more, since their files now hold something else; tells how many."""
        homeless = "SELECT t.track_id FROM tracks t LEFT JOIN locations l ON l.track = t.id WHERE l.track IS NULL"
        found = self.all(homeless)
        for (track_id,) in found:
            self.forget_track(str(track_id))
        return len(found)

    @checked
    def tracks(self, track_ids: Collection[str] | None = None) -> dict[str, Track]:
        """Some tracks (or all) by id, in the order of the ids, each at its first present place or where it was last."""
        return read_tracks(self, track_ids)

    def track(self, track_id: str) -> Track:
        """One track; KeyError for an unknown one."""
        return self.tracks((track_id,))[track_id]

    @checked
    def warnings(self, track_id: str) -> tuple[str, ...]:
        """What was odd about a track's file."""
        found = self.all("SELECT warnings FROM tracks WHERE track_id = ?", (track_id,))
        return rows.strings(found[0][0], "warnings") if found else ()

    @checked
    def bars(self, track_id: str) -> BarTable:
        """Where a track may be cut; KeyError for an unknown one."""
        found = self.all(
            "SELECT b.n_features, b.starts_s, b.features FROM bars b"
            " JOIN tracks t ON t.id = b.track WHERE t.track_id = ?",
            (track_id,),
        )
        if not found:
            raise self._absent(track_id)
        return rows.bars_of(found[0])

    @checked
    def track_vector(self, track_id: str) -> FloatArray:
        """Unit vector of a whole track, shape (D,); KeyError for an unknown one."""
        found = self.all(
            "SELECT whole, (SELECT dim FROM model) FROM vectors JOIN tracks ON id = track WHERE track_id = ?",
            (track_id,),
        )
        if not found:
            raise self._absent(track_id)
        return rows.unit_vector(found[0][0], "whole", width=rows.integer(found[0][1], "dim"))

    def _absent(self, track_id: str) -> Exception:
        """Why there is nothing about a track: it is unknown, or part of it is missing."""
        known = self.all("SELECT 1 FROM tracks WHERE track_id = ?", (track_id,))
        return rows.RowError(f"track {track_id[:12]}: not complete") if known else KeyError(track_id)

    # --- places ----

    @checked
    def locations(self) -> dict[Path, Location]:
        """Every known place."""
        found = self.all(
            "SELECT path, track_id, device, inode, size_bytes, mtime_ns, status "
            "FROM locations JOIN tracks ON id = track ORDER BY path"
        )
        places = (
            Location(self.to_path(rows.path(path)), rows.track_id(track_id), rows.key_of(key), status == "present")
            for path, track_id, *key, status in found
        )
        return {place.path: place for place in places}

    def place(self, path: Path, track_id: str, key: QuickKey) -> None:
        """Note that a track is at a path; whatever was noted about the path before is forgotten."""
        stored = self.to_bytes(path)
        self.execute("DELETE FROM failures WHERE path = ?", (stored,))
        self.execute(
            "INSERT OR REPLACE INTO locations SELECT ?, id, ?, ?, ?, ?, 'present' FROM tracks WHERE track_id = ?",
            (stored, *rows.key_values(key), track_id),
        )

    def unplace(self, path: Path) -> None:
        """Forget a place."""
        self.execute("DELETE FROM locations WHERE path = ?", (self.to_bytes(path),))

    def mark(self, path: Path, *, present: bool) -> None:
        """Note whether the file of a known place is there."""
        self.execute(
            "UPDATE locations SET status = ? WHERE path = ?",
            ("present" if present else "missing", self.to_bytes(path)),
        )

    # --- failures and roots ----

    @checked
    def failures(self) -> dict[Path, Failure]:
        """Every file that could not be used."""
        found = self.all(
            "SELECT path, device, inode, size_bytes, mtime_ns, reason, message FROM failures ORDER BY path"
        )
        refused = (
            Failure(self.to_path(rows.path(path)), rows.key_of(key), rows.reason(reason), rows.text(message, "message"))
            for path, *key, reason, message in found
        )
        return {failure.path: failure for failure in refused}

    def fail(self, failure: Failure) -> None:
        """Note a file that could not be used; whatever it held before is gone."""
        self.unplace(failure.path)
        self.note_failure(failure)

    def note_failure(self, failure: Failure) -> None:
        """Note a file that could not be used this time."""
        self.execute(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.to_bytes(failure.path), *rows.key_values(failure.key), failure.reason.value, failure.message),
        )

    def unfail(self, path: Path) -> None:
        """Forget a failure."""
        self.execute("DELETE FROM failures WHERE path = ?", (self.to_bytes(path),))

    @checked
    def roots(self) -> tuple[Path, ...]:
        """What was given to be indexed, in the order of the bytes."""
        return tuple(self.to_path(rows.path(path)) for (path,) in self.all("SELECT path FROM roots ORDER BY path"))

    def add_root(self, root: Path) -> None:
        """Note what was given to be indexed."""
        self.execute("INSERT OR IGNORE INTO roots VALUES (?)", (self.to_bytes(root),))

    # --- the derived file ----

    @checked
    def generation(self) -> int:
        """Grows with every change of the vectors."""
        found = self.all("SELECT generation FROM state")
        return rows.integer(found[0][0] if found else None, "generation")

    @checked
    def derived(self, name: str) -> DerivedFile | None:
        """What a derived file must be to be used."""
        found = self.all("SELECT sha256, n_rows, dim, generation FROM derived WHERE name = ?", (name,))
        if not found:
            return None
        sha256, n_rows, dim, generation = found[0]
        return DerivedFile(
            rows.text(sha256, "sha256"),
            n_rows=rows.integer(n_rows, "n_rows"),
            dim=rows.integer(dim, "dim"),
            generation=rows.integer(generation, "generation"),
        )

    def note_derived(self, name: str, derived: DerivedFile) -> None:
        """Note what was written."""
        self.execute(
            "INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?, ?)",
            (name, derived.sha256, derived.n_rows, derived.dim, derived.generation),
        )

    @checked
    def counts(self) -> dict[str, int]:
        """How much there is: tracks, present, missing, segments, failures."""
        found = self.all(
            "SELECT (SELECT count(*) FROM tracks),"
            " (SELECT count(DISTINCT track) FROM locations WHERE status = 'present'),"
            " (SELECT CAST(total(n_segments) AS INTEGER) FROM vectors), (SELECT count(*) FROM failures)"
        )
        names = ("tracks", "present", "segments", "failures")
        tracks, present, segments, failures = map(rows.integer, found[0], names)
        return {
            "tracks": tracks,
            "present": present,
            "missing": tracks - present,
            "segments": segments,
            "failures": failures,
        }


def open_store(index_dir: Path, *, write: bool = False, home: Path | None = None) -> Store:
    """The database of an index, checked.

    Parameters
    ----------
    index_dir : Path
        Folder of the index.
    write : bool
        Open for writing, making it if need be; the caller holds the lock.
    home : Path, optional
        Folder from which relative paths are meant; by default the index folder.

    Raises
    ------
    LibraryError
        No index, or a damaged one, or one of another version.
    OutputError
        It cannot be written.
    """
    path = index_dir / schema.DATABASE_NAME
    connection = schema.open_for_writing(path) if write else schema.open_for_reading(path)
    return Store(path, connection, writable=write, home=home or index_dir)
