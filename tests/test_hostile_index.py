"""Forged values in a database: `--verify` names them, import refuses them, and nothing that reads them is a bug."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.errors import InputError, LibraryError, OutputError
from soundtrack.library.search.library_view import VECTORS_NAME, open_library
from soundtrack.library.search.offer import judge
from soundtrack.library.search.query import find_like, find_mood
from soundtrack.library.search.rules import RuleChange
from soundtrack.library.store.evidence import read_evidence
from soundtrack.library.store.playlists import read_playlists
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import open_store
from soundtrack.library.update.archive import MANIFEST_NAME, import_index
from soundtrack.library.update.build import REBUILD_NAME, build_index
from soundtrack.library.update.maintenance import index_faults, index_status
from test_archive import archive, forge, music, original, run_sql  # noqa: F401 - fixtures

VALUES = [
    *("'abc'", "x'00'", "''", "-1", "1e308", "9e999", "1000000000", "9223372036854775807", "'['", "NULL"),
    "zeroblob(64)",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small index with something in every table."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "music").mkdir()
    for seed in range(3):
        (folder / "music" / f"{seed}.mp3").write_text(f"song {seed} {1 + seed}")
    (folder / "music" / "bad.mp3").write_text("bad")
    (folder / "music" / "calm.m3u").write_text("1.mp3\n0.mp3\n")
    build_index(
        [folder / "music"],
        folder / "index",
        model=fake.MODEL,
        make_listener=fake.make_listener,
        jobs=1,
        change=RuleChange(exclude=("Spoken/",)),
    )
    return folder / "index"


def columns(index: Path) -> list[tuple[str, str]]:
    """Every column of every table."""
    connection = sqlite3.connect(index / DATABASE_NAME)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = [(table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    return found


def set_column(index: Path, table: str, column: str, value: str) -> bool:
    """Forge one column of one row, whatever the table's own rules say; tells whether that was possible."""
    connection = sqlite3.connect(index / DATABASE_NAME)
    try:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        one = f"{column} = (SELECT max({column}) FROM {table})"
        connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {one}")
        connection.commit()
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return True


def use_everything(index: Path) -> None:
    """What the commands read from an index."""
    index_status(index)
    with open_store(index) as store:
        tracks = store.tracks()
        judge(store)
        read_playlists(store)
        store.failures()
        for track_id in tracks:
            store.warnings(track_id)
            read_evidence(store, track_id)
    with open_library(index, include_missing=True) as view:
        for track_id in view.tracks():
            view.bars(track_id)
            find_like(view, view.track_vector(track_id), n=3)
        view.playlists()
        if view.track_ids:
            find_mood(view, "Sad", n=3)
            assert view.search(view.embeddings[:1], 5)


def test_an_untouched_index_has_no_faults(whole: Path) -> None:
    assert index_faults(whole) == []
    use_everything(whole)


def test_forged_values_in_any_column_are_named_or_harmless(whole: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    n_named = 0
    silent: list[object] = []
    bugs: list[object] = []
    for table, column in columns(whole):
        for value in VALUES:
            shutil.copy2(whole / DATABASE_NAME, index / DATABASE_NAME)
            if not set_column(index, table, column, value):
                continue
            try:
                faults = index_faults(index)
            except LibraryError:
                faults = ["refused at opening"]
            try:
                use_everything(index)
                usable = True
            except LibraryError:
                usable = False
            except Exception as error:
                bugs.append((table, column, value, repr(error)))
            n_named += bool(faults)
            if not faults and not usable:
                silent.append((table, column, value))
    assert (bugs, silent) == ([], [])
    assert n_named > 300


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE segments SET start_s = 'abc'",
        "UPDATE segments SET start_s = 1e308",
        "UPDATE segments SET end_s = 9e999",
        "UPDATE segments SET probabilities = x'00'",
        "UPDATE tracks SET warnings = '['",
        "UPDATE tracks SET ending = 'never'",
        "UPDATE tracks SET track_id = substr(track_id, 1, 63) || 'z'",
        "UPDATE tracks SET beats_s = x'000000000000f07f'",
        "UPDATE bars SET starts_s = x'00'",
        "UPDATE bars SET n_features = 3",
        "UPDATE vectors SET n_segments = 1000000000",
        "UPDATE evidence SET numbers = x'0000'",
        "UPDATE evidence SET numbers = zeroblob(length(numbers) - 2) || x'007e'",
        "UPDATE evidence SET numbers = zeroblob(length(numbers) - 2) || x'007c'",
        "UPDATE evidence SET n_segments = 1000000000",
        "UPDATE evidence SET n_segments = n_segments + 1",
        "UPDATE evidence SET channel = channel + 76",
        "UPDATE channels SET dim = 1000000000",
        "UPDATE channels SET dim = dim + 1",
        "UPDATE channels SET sha256 = replace(hex(zeroblob(32)), '0', 'z')",
        "UPDATE channels SET name = 'Not a name'",
        "UPDATE channels SET names = 'one' || char(10) || 'two'",
        "UPDATE channels SET names = hex(zeroblob(1000000))",
        "UPDATE locations SET size_bytes = 9e999",
        "UPDATE failures SET reason = 'none'",
        "UPDATE rules SET value = '['",
        "UPDATE state SET generation = -1",
        "DELETE FROM state",
        "PRAGMA user_version = -1",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 1",
        "ALTER TABLE tracks ADD COLUMN more TEXT",
        "CREATE TABLE more (a)",
    ],
)
def test_import_refuses_what_verify_names(
    statement: str,
    tmp_path: Path,
    archive: Path,  # noqa: F811 - a fixture
) -> None:
    forge(archive, run_sql("PRAGMA ignore_check_constraints = ON", statement))
    with pytest.raises(InputError, match=r"carried\.zip"):
        import_index(archive, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["library.lock"]
    with zipfile.ZipFile(archive) as opened:
        index = tmp_path / "copied"
        opened.extract(DATABASE_NAME, index)
    try:
        assert index_faults(index)
    except LibraryError as error:
        assert DATABASE_NAME in str(error)


@pytest.mark.parametrize("size", ["1e999", "-1", '"5"', "null", "true", "1" * 5_000, "[]"])
def test_a_manifest_with_an_impossible_size_is_refused(
    size: str,
    tmp_path: Path,
    archive: Path,  # noqa: F811 - a fixture
) -> None:
    with zipfile.ZipFile(archive) as before:
        content = before.read(DATABASE_NAME)
    with zipfile.ZipFile(archive, "w") as after:
        database = '{"sha256": "' + "0" * 64 + '", "size_bytes": ' + size + "}"
        after.writestr(MANIFEST_NAME, '{"schema": "soundtrack.archive/1", "database": ' + database + "}")
        after.writestr(DATABASE_NAME, content)
    with pytest.raises(InputError, match=r"carried\.zip"):
        import_index(archive, tmp_path / "new")


# --- other files of an index ----


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_search_file_that_is_no_file_is_not_waited_for(kind: str, whole: Path, tmp_path: Path) -> None:
    import os

    shutil.copytree(whole, tmp_path / "index")
    path = tmp_path / "index" / VECTORS_NAME
    path.unlink()
    {"pipe": os.mkfifo, "device": lambda p: p.symlink_to("/dev/zero"), "folder": Path.mkdir}[kind](path)
    use_everything(tmp_path / "index")
    assert any(VECTORS_NAME in fault for fault in index_faults(tmp_path / "index"))


@pytest.mark.parametrize("name", [DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-journal"])
def test_a_database_that_is_a_pipe_is_refused_at_once(name: str, whole: Path, tmp_path: Path) -> None:
    import os

    shutil.copytree(whole, tmp_path / "index")
    (tmp_path / "index" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "index" / name)
    for write in (False, True):
        with pytest.raises(LibraryError, match="not a regular file"):
            open_store(tmp_path / "index", write=write)


def test_a_file_in_the_way_of_a_rebuild_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "index")
    (tmp_path / "index" / REBUILD_NAME).touch()
    with pytest.raises(OutputError, match=r"\.rebuild: blocks the rebuild"):
        build_index(
            [whole.parent / "music"],
            tmp_path / "index",
            model=fake.MODEL,
            make_listener=fake.make_listener,
            jobs=1,
            rebuild=True,
        )
