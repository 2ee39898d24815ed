"""An index as one file, for another machine.

Goes in: an index folder and a file name, or such a file and where its folders lie now. Comes out: the archive, or the
index. The archive is a zip with two members: the database with absolute paths, and a manifest with its hash. Nothing
else is read from it, no name in it is ever used as a path to write to, and nothing of it is run; the search file is
rebuilt. What arrives is checked as a whole before it takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from soundtrack.errors import InputError, LibraryError, OutputError, Reason, UsageError
from soundtrack.files import safe_read
from soundtrack.files.kinds import ARCHIVE
from soundtrack.files.safe_write import replacing, scratch_folder
from soundtrack.files.targets import SPARE_BYTES, Target, as_output_error, check_targets
from soundtrack.library.advice import to_fill
from soundtrack.library.report import shown
from soundtrack.library.search.library_view import write_vectors
from soundtrack.library.store import rows
from soundtrack.library.store.files import own_files
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import Store, open_store
from soundtrack.library.update.build import remove_database, take_over, write_summary
from soundtrack.library.update.maintenance import faults_of
from soundtrack.processes import ending
from soundtrack.types import ModelRef

SCHEMA = "soundtrack.archive/1"
"""What the manifest says it is."""

MANIFEST_NAME = "manifest.json"
"""First member."""

_IMPORT_PREFIX = ".import-"
"""How the name of the folder begins in which an archive is unpacked, inside the index folder; the rest is random."""

_MOST_MANIFEST_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_PATHS = (
    ("roots", "path"),
    ("locations", "path"),
    ("failures", "path"),
    ("playlists", "path"),
    ("playlist_entries", "playlist"),
    ("playlist_entries", "path"),
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A folder that lies elsewhere on this machine."""

    old: Path
    """Absolute, on the machine of the archive."""
    new: Path
    """Absolute, here."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an archive brought."""

    model: ModelRef
    """The networks that made it."""
    n_tracks: int
    """Tracks."""
    n_found: int
    """Tracks whose files are here."""
    roots: tuple[Path, ...]
    """Folders that it was made of, as they are called here."""
    in_archive: Mapping[Path, Path]
    """What the archive calls each of them."""


# --- out ----


def export_index(index_dir: Path, target: Path, *, force: bool = False) -> int:
    """Write an index to one file; tells how many tracks it holds.

    Raises
    ------
    LibraryError
        There is no index, or it is damaged.
    OutputError
        The target exists and `force` is not given, or cannot be written.
    """
    with open_store(index_dir) as store:
        model, counts = store.model(), store.counts()
        if model is None:
            raise LibraryError(f"{index_dir}: the index is empty", hint=to_fill(index_dir))
        size = store.path.stat().st_size
        check_targets(
            [Target(target, ARCHIVE, option="FILE", needed_bytes=size)], inputs=own_files(index_dir), force=force
        )
        with scratch_folder(target) as folder:
            store.execute("VACUUM INTO ?", (f"file:{quote(os.fsencode(folder.absolute() / DATABASE_NAME))}",))
            with open_store(folder, write=True, home=store.index_dir) as copy, copy.transaction():
                copy.execute("DELETE FROM derived")
                _rename(copy, os.fsencode)
            database = folder / DATABASE_NAME
            manifest = {
                "schema": SCHEMA,
                "model": {"name": model.name, "version": model.version, "sha256": model.sha256, "dim": model.dim},
                "n_tracks": counts["tracks"],
                "database": {"sha256": _sha256(database), "size_bytes": database.stat().st_size},
            }
            with replacing(target, kind=ARCHIVE, force=force) as part:
                try:
                    _pack(part, manifest, database)
                except OSError as error:
                    raise as_output_error(target, error) from error
    return counts["tracks"]


def _pack(part: Path, manifest: dict[str, object], database: Path) -> None:
    """Write the two members, with times that say nothing."""
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST_NAME, _LONG_AGO), json.dumps(manifest, indent=2) + "\n")
        info = zipfile.ZipInfo(DATABASE_NAME, _LONG_AGO)
        info.compress_type = zipfile.ZIP_DEFLATED
        with database.open("rb") as source, archive.open(info, "w", force_zip64=True) as member:
            shutil.copyfileobj(source, member, _BLOCK_BYTES)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rename(store: Store, stored: Callable[[Path], bytes]) -> None:
    """Store every path of a database again; inside a transaction."""
    store.execute("PRAGMA defer_foreign_keys = ON")
    for table, column in _PATHS:
        for (before,) in store.all(f"SELECT DISTINCT {column} FROM {table}"):
            after = b"\0" + stored(store.to_path(rows.path(before)))  # so that no new name meets an old one
            store.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ?", (after, before))
    for table, column in _PATHS:
        store.execute(f"UPDATE {table} SET {column} = CAST(substr({column}, 2) AS BLOB)")


# --- in ----


def import_index(archive: Path, index_dir: Path, *, moved: Sequence[Moved] = (), force: bool = False) -> Imported:
    """Make an index from an archive.

    Parameters
    ----------
    archive : Path
        Written by `export_index`, perhaps by a stranger.
    index_dir : Path
        Folder of the new index.
    moved : sequence of Moved
        Folders that are called otherwise here; the longest that fits a path counts.
    force : bool
        Whether an index that is there is replaced.

    Raises
    ------
    InputError
        The archive cannot be read, is none, or holds no whole index.
    LibraryError
        Another process writes to the folder.
    OutputError
        There is an index already and `force` is not given, or the folder cannot be written.
    """
    for path in own_files(index_dir):
        if path.exists() and archive.exists() and path.samefile(archive):
            raise UsageError(
                f"{archive}: has the name of an index file and would be overwritten",
                hint="move the archive to another folder",
            )
    with _opened(archive) as (opened, manifest), write_lock(index_dir):
        if os.path.lexists(index_dir / DATABASE_NAME) and not force:
            raise OutputError(
                f"{index_dir}: an index already exists",
                hint="add --force to replace it, or choose another folder with --index",
            )
        for left in index_dir.glob(f"{_IMPORT_PREFIX}*"):
            _remove_unpacked(left)
        try:
            with _import_folder(index_dir) as folder:
                _unpack(opened, manifest, folder / DATABASE_NAME, archive)
                imported = _settle(folder, index_dir, moved, archive)
                take_over(folder, index_dir)
        except OSError as error:
            raise as_output_error(index_dir, error) from error
        except (LibraryError, ValueError, TypeError) as error:
            raise _refused(archive, f"contains no usable index: {error}") from error
        with open_store(index_dir, write=True) as store:
            write_vectors(store)
            write_summary(store, index_dir)
    return imported


@contextmanager
def _import_folder(index_dir: Path) -> Iterator[Path]:
    """A folder inside the index for the database that is being imported."""
    with ExitStack() as on_exit:
        with ending.held_off():
            folder = Path(tempfile.mkdtemp(prefix=_IMPORT_PREFIX, dir=index_dir))
            on_exit.enter_context(ending.unfinished(folder))
            on_exit.callback(_remove_unpacked, folder)
        yield folder


def _remove_unpacked(folder: Path) -> None:
    """Take away what unpacking left, here or in a run that was killed; anything else in the folder stays."""
    if folder.is_symlink() or not folder.is_dir():
        return
    with suppress(OSError):
        remove_database(folder)
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What the archive says of its database."""

    sha256: str
    size_bytes: int


def _refused(archive: Path, why: str) -> InputError:
    return InputError(
        f"{archive}: {why}", hint="create it again with `soundtrack library export FILE`", reason=Reason.BAD_FORMAT
    )


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[zipfile.ZipFile, _Manifest]]:
    """The archive and its manifest, once both look right."""
    with safe_read.open_regular(archive) as file:
        try:
            opened = zipfile.ZipFile(file)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise _refused(archive, f"not an index archive: {error}") from error
        with opened:
            yield opened, _read_manifest(opened, archive)


def _read_manifest(opened: zipfile.ZipFile, archive: Path) -> _Manifest:
    members = {info.filename: info for info in opened.infolist()}
    if set(members) != {MANIFEST_NAME, DATABASE_NAME} or len(opened.infolist()) != len(members):
        raise _refused(archive, f"contains files other than {MANIFEST_NAME} and {DATABASE_NAME}")
    try:
        with opened.open(MANIFEST_NAME) as file:
            found = json.loads(file.read(_MOST_MANIFEST_BYTES))
        sha256, size_bytes = found["database"]["sha256"], found["database"]["size_bytes"]
        if not isinstance(sha256, str) or type(size_bytes) is not int or not 0 <= size_bytes < 1 << 62:
            raise ValueError(f"a database of {str(size_bytes)[:20]} bytes")
        said = _Manifest(sha256, size_bytes)
        schema = found["schema"]
    except (*_BROKEN, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _refused(archive, f"unreadable manifest: {error}") from error
    if schema != SCHEMA:
        raise _refused(archive, f"is {shown(str(schema))[:60]}, this version reads {SCHEMA}")
    if members[DATABASE_NAME].file_size != said.size_bytes:
        raise _refused(archive, "its database size does not match the manifest")
    return said


_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""How reading a member of a damaged or hostile zip fails; RuntimeError is an encrypted one."""


def _unpack(opened: zipfile.ZipFile, said: _Manifest, target: Path, archive: Path) -> None:
    """Write the database, never more than the manifest says, and only what it says."""
    free = shutil.disk_usage(target.parent).free
    needed = said.size_bytes + SPARE_BYTES
    if needed > free:
        raise OutputError(
            f"{target.parent.parent}: the index needs {needed >> 20} MB, {free >> 20} MB free",
            hint="free some disk space, or choose another folder with --index",
        )
    digest = hashlib.sha256()
    with target.open("xb") as file:
        try:
            member: IO[bytes] = opened.open(DATABASE_NAME)
            left = said.size_bytes
            while block := member.read(min(_BLOCK_BYTES, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                digest.update(block)
                file.write(block)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise _refused(archive, f"is damaged: {error}") from error
    if left != 0 or digest.hexdigest() != said.sha256:
        raise _refused(archive, "is damaged: its database does not match the manifest")


def _settle(folder: Path, index_dir: Path, moved: Sequence[Moved], archive: Path) -> Imported:
    """Check what came, and say where its files lie here."""
    with open_store(folder, write=True, home=index_dir) as store:
        model = store.model()
        if model is None:
            raise _refused(archive, "its index is empty")
        faults = faults_of(store)
        if faults:
            raise _refused(archive, f"{len(faults)} faults in its index, first: {faults[0]}")
        for table, column in _PATHS:
            odd = f"typeof({column}) != 'blob' OR substr({column}, 1, 1) != x'2F' OR instr({column}, x'00')"
            if store.all(f"SELECT 1 FROM {table} WHERE {odd}"):
                raise _refused(archive, "its index names a path that is not absolute")
        longest = sorted(moved, key=lambda move: -len(move.old.parts))
        roots = store.roots()
        named: set[Path] = set()

        def here(path: Path) -> bytes:
            named.update(move.old for move in moved if path.is_relative_to(move.old))
            return store.to_bytes(_here(path, longest))

        with store.transaction():
            store.execute("DELETE FROM derived")
            _rename(store, here)
            _refuse_unknown(moved, named, roots)
            _look(store)
        in_archive = {_here(root, longest): root for root in roots}
        return Imported(model, store.counts()["tracks"], store.counts()["present"], store.roots(), in_archive)


def _refuse_unknown(moved: Sequence[Moved], named: Collection[Path], roots: Sequence[Path]) -> None:
    """Refuse a move of a folder that holds nothing of the archive: its music would be missing without a word."""
    unknown = next((move.old for move in moved if move.old not in named), None)
    if unknown is not None:
        raise UsageError(
            f"--map {unknown}: no file of the archive is in this folder",
            hint=f"the folders of the archive: {', '.join(shown(str(root)) for root in roots) or 'none'}",
        )


def _here(path: Path, moved: Sequence[Moved]) -> Path:
    """What a path is called here."""
    return next((move.new / path.relative_to(move.old) for move in moved if path.is_relative_to(move.old)), path)


def _look(store: Store) -> None:
    """Mark which files are here; one of the same length and time needs no hashing on the next run."""
    for path, place in store.locations().items():
        try:
            status = path.stat()
        except (OSError, ValueError):
            status = None
        there = status is not None and stat.S_ISREG(status.st_mode)
        if status is not None and (status.st_size, status.st_mtime_ns) == (place.key.size_bytes, place.key.mtime_ns):
            store.place(path, place.track_id, place.key.of(status))
        store.mark(path, present=there)
