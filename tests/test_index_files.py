"""Writing an index reaches nothing through a link, and replaces nothing that is not part of an index."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError, OutputError, SoundtrackError, UsageError
from soundtrack.library.search.library_view import open_library
from soundtrack.library.store.files import FILE_NAMES, LOCK_NAME, REBUILD_NAME, SUMMARY_NAME, VECTORS_NAME
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.update.archive import export_index, import_index
from soundtrack.library.update.build import build_index
from soundtrack.library.update.maintenance import index_faults, vacuum_index

PRECIOUS = "somebody's only copy"


def index(folder: Path, **options: object) -> None:
    settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, **options}
    build_index([folder.parent / "music"], folder, **settings)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an index of two tracks will be."""
    (tmp_path / "music").mkdir()
    for seed in range(2):
        (tmp_path / "music" / f"{seed}.mp3").write_text(f"song {seed} 2")
    return tmp_path / "index"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "precious.txt"
    path.write_text(PRECIOUS)
    return path


@pytest.mark.parametrize("is_index", [True, False], ids=["an index", "a new folder"])
@pytest.mark.parametrize("name", [*FILE_NAMES, REBUILD_NAME])
def test_no_link_in_the_folder_of_an_index_is_followed_or_removed(
    folder: Path, precious: Path, name: str, is_index: bool
) -> None:
    archive = folder.parent / "carried.zip"
    index(folder)
    export_index(folder, archive)
    if not is_index:
        for path in folder.iterdir():
            path.unlink()
    link = folder / name
    link.unlink(missing_ok=True)
    link.symlink_to(precious)
    for write in (
        lambda: index(folder),
        lambda: index(folder, rebuild=True),
        lambda: vacuum_index(folder),
        lambda: import_index(archive, folder, force=True),
    ):
        with pytest.raises(SoundtrackError):
            write()
        assert precious.read_text() == PRECIOUS
        assert link.is_symlink()


def test_a_link_in_place_of_the_search_file_is_not_read_and_the_library_still_answers(
    folder: Path, precious: Path
) -> None:
    index(folder)
    (folder / VECTORS_NAME).unlink()
    (folder / VECTORS_NAME).symlink_to(precious)
    with open_library(folder) as view:
        assert len(view) == 4
    assert "segments.faiss: missing; the next run rebuilds it" in index_faults(folder)


def test_a_database_that_is_a_link_is_not_opened(folder: Path, tmp_path: Path) -> None:
    index(folder)
    (folder / DATABASE_NAME).rename(tmp_path / "elsewhere")
    (folder / DATABASE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LibraryError, match="is a symbolic link"):
        open_library(folder)


def test_a_file_that_shares_the_place_of_the_lock_keeps_its_content(folder: Path, precious: Path) -> None:
    index(folder)
    (folder / LOCK_NAME).unlink()
    os.link(precious, folder / LOCK_NAME)
    index(folder)
    assert precious.read_text() == PRECIOUS


@pytest.mark.parametrize("name", [DATABASE_NAME, SUMMARY_NAME, VECTORS_NAME])
def test_a_file_of_another_program_under_a_name_of_the_index_is_never_replaced(
    folder: Path, tmp_path: Path, name: str
) -> None:
    archive = tmp_path / "carried.zip"
    index(folder)
    export_index(folder, archive)
    for path in folder.iterdir():
        path.unlink()
    theirs = folder / name
    theirs.write_text('{"name": "a web page"}')
    for write in (
        lambda: index(folder),
        lambda: index(folder, rebuild=True),
        lambda: import_index(archive, folder, force=True),
    ):
        with pytest.raises(SoundtrackError):
            write()
        assert theirs.read_text() == '{"name": "a web page"}'


def test_the_database_of_another_program_is_never_replaced_even_beside_a_summary(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "carried.zip"
    index(folder)
    export_index(folder, archive)
    (folder / DATABASE_NAME).unlink()
    connection = sqlite3.connect(folder / DATABASE_NAME)
    connection.execute("CREATE TABLE albums (name TEXT)")
    connection.commit()
    connection.close()
    before = (folder / DATABASE_NAME).read_bytes()
    for write in (lambda: index(folder, rebuild=True), lambda: import_index(archive, folder, force=True)):
        with pytest.raises(OutputError, match="not part of an index"):
            write()
        assert (folder / DATABASE_NAME).read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "folder of somebody", "another database"])
def test_what_is_in_the_way_of_a_rebuild_stays(folder: Path, kind: str) -> None:
    index(folder)
    there = folder / REBUILD_NAME
    if kind == "file":
        there.write_text(PRECIOUS)
    else:
        there.mkdir()
    if kind == "another database":
        connection = sqlite3.connect(there / DATABASE_NAME)
        connection.execute("CREATE TABLE albums (name TEXT)")
        connection.commit()
        connection.close()
    if kind == "folder of somebody":
        (there / "notes.txt").write_text(PRECIOUS)
        index(folder, rebuild=True)
        assert (there / "notes.txt").read_text() == PRECIOUS
        return
    with pytest.raises(OutputError, match="blocks the rebuild"):
        index(folder, rebuild=True)
    assert there.read_text() == PRECIOUS if kind == "file" else (there / DATABASE_NAME).is_file()


@pytest.mark.parametrize("place", [".import", ".import-abc", "."])
def test_an_archive_inside_the_folder_of_the_index_survives_its_import(folder: Path, place: str) -> None:
    index(folder)
    (folder / place).mkdir(exist_ok=True)
    archive = folder / place / "carried.zip"
    export_index(folder, archive)
    before = archive.read_bytes()
    assert import_index(archive, folder, force=True).n_tracks == 2
    assert archive.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [DATABASE_NAME, LOCK_NAME, SUMMARY_NAME, VECTORS_NAME, "carried.zip" if place == "." else place]
    )


def test_an_archive_under_a_name_of_the_index_is_not_imported_over_itself(folder: Path, tmp_path: Path) -> None:
    index(folder)
    export_index(folder, tmp_path / "carried.zip")
    archive = (tmp_path / "carried.zip").rename(folder / VECTORS_NAME)
    before = archive.read_bytes()
    with pytest.raises(UsageError, match="name of an index file"):
        import_index(archive, folder, force=True)
    assert archive.read_bytes() == before


def test_what_a_killed_import_left_is_taken_away(folder: Path, tmp_path: Path) -> None:
    index(folder)
    export_index(folder, tmp_path / "carried.zip")
    (folder / ".import-left").mkdir()
    (folder / ".import-left" / DATABASE_NAME).write_text("half")
    import_index(tmp_path / "carried.zip", folder, force=True)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("left", ["nothing in it", "no table yet", "a write that was not finished"])
def test_an_index_that_was_ended_at_once_is_made_by_the_next_run(folder: Path, left: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / LOCK_NAME).write_text("")
    (folder / DATABASE_NAME).touch()
    if left == "no table yet":
        connection = sqlite3.connect(folder / DATABASE_NAME)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    if left == "a write that was not finished":
        (folder / f"{DATABASE_NAME}-journal").touch()
    index(folder)
    with open_library(folder, model=fake.MODEL) as library:
        assert len(library) > 0
