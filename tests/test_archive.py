"""An index carried to another machine: all of it arrives, nothing of it runs, and nothing is written elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.cli.app import run_commands
from soundtrack.cli.words import parse_move
from soundtrack.errors import InputError, LibraryError, OutputError, SoundtrackError, UsageError
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.rules import RuleChange, read_rules
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.playlists import read_playlists
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import open_store
from soundtrack.library.update.archive import MANIFEST_NAME, SCHEMA, Moved, export_index, import_index
from soundtrack.library.update.build import build_index
from soundtrack.library.update.maintenance import index_faults, set_rules, vacuum_index


def index(music: Path, folder: Path, **options: object) -> None:
    settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, **options}
    build_index([music], folder, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music with an index beside it."""
    there = tmp_path_factory.mktemp("original") / "there"
    folder = there / "music"
    folder.mkdir(parents=True)
    for seed in range(4):
        (folder / f"{seed}.mp3").write_text(f"song {seed} {1 + seed % 3}")
    (folder / os.fsdecode(b"odd\xff\n.mp3")).write_text("song 9 1")
    (folder / "bad.mp3").write_text("bad")
    (folder / "calm.m3u").write_text("1.mp3\n0.mp3\n")
    index(folder, there / "index")
    set_rules(there / "index", RuleChange(exclude=("3.*",)))
    return there


@pytest.fixture
def music(tmp_path: Path, original: Path) -> Path:
    """The same, moved to the folder of this test."""
    shutil.copytree(original, tmp_path / "there", copy_function=shutil.copy2)
    return tmp_path / "there" / "music"


@pytest.fixture
def archive(tmp_path: Path, music: Path) -> Path:
    """Its index as an archive."""
    target = tmp_path / "carried.zip"
    assert export_index(tmp_path / "there" / "index", target) == 5
    return target


def here(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "here"


def forge(archive: Path, change: Callable[[Path], None], *, honest: bool = True) -> None:
    """Replace the database of an archive by a changed one, with a manifest that fits unless told otherwise."""
    folder = archive.parent / "forged"
    folder.mkdir()
    with zipfile.ZipFile(archive) as before:
        manifest = json.loads(before.read(MANIFEST_NAME))
        (folder / DATABASE_NAME).write_bytes(before.read(DATABASE_NAME))
    change(folder / DATABASE_NAME)
    content = (folder / DATABASE_NAME).read_bytes()
    if honest:
        manifest["database"] = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    with zipfile.ZipFile(archive, "w") as after:
        after.writestr(MANIFEST_NAME, json.dumps(manifest))
        after.writestr(DATABASE_NAME, content)


def run_sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return change


# --- what arrives ----


def test_everything_arrives_under_the_new_names(tmp_path: Path, music: Path, archive: Path) -> None:
    shutil.copytree(music, here(tmp_path) / "music", copy_function=shutil.copy2)
    shutil.rmtree(tmp_path / "there")
    target = here(tmp_path) / "index"
    found = import_index(archive, target, moved=[Moved(tmp_path / "there", here(tmp_path))])
    assert (found.model, found.n_tracks, found.n_found) == (fake.MODEL, 5, 5)
    assert found.roots == (here(tmp_path) / "music",)
    assert index_faults(target) == []
    with open_library(target, model=fake.MODEL) as view:
        assert sorted(t.tags.title for t in view.tracks().values()) == ["Song 0", "Song 1", "Song 2", "Song 9"]
        assert all(track.path.is_file() for track in view.tracks().values())
        assert view.search(view.embeddings[:1], 1)[0][0].similarity > 0.999
        ((playlist, named),) = view.playlists().items()
        assert (playlist.name, [view.track(t).path.name for t in named]) == ("calm.m3u", ["1.mp3", "0.mp3"])
    with open_store(target) as store:
        assert read_rules(store).exclude == ("3.*",)
        assert read_playlists(store).keys() == {here(tmp_path) / "music" / "calm.m3u"}
    assert sorted(path.name for path in target.iterdir()) == [
        *("index.json", "library.lock", "library.sqlite3", "segments.faiss")
    ]


def test_the_next_run_listens_to_nothing_and_hashes_nothing(
    tmp_path: Path, music: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_to = tmp_path / "mnt"
    shutil.copytree(music, moved_to, copy_function=shutil.copy2)
    shutil.rmtree(tmp_path / "there")
    import_index(archive, here(tmp_path) / "index", moved=[Moved(music, moved_to)])
    monkeypatch.setenv(fake.LOG, str(tmp_path / "listened"))
    settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1}
    report = build_index([], here(tmp_path) / "index", **settings)  # type: ignore[arg-type]
    assert (report.unchanged, report.added, report.missing) == (5, 0, 0)
    assert (tmp_path / "listened").read_bytes() == b"."  # the one that could not be used is tried again


def test_music_that_is_not_here_is_missing_and_comes_back(tmp_path: Path, music: Path, archive: Path) -> None:
    (tmp_path / "there").rename(tmp_path / "gone")
    target = here(tmp_path) / "index"
    found = import_index(archive, target)
    assert (found.n_tracks, found.n_found) == (5, 0)
    with open_library(target) as view:
        assert view.track_ids == ()
    (tmp_path / "gone").rename(tmp_path / "there")
    index(music, target)
    with open_library(target) as view:
        assert len(view.track_ids) == 4


def test_a_map_of_a_folder_that_the_archive_does_not_know_was_ignored(tmp_path: Path, archive: Path) -> None:
    target = here(tmp_path) / "index"
    with pytest.raises(UsageError, match="/nosuch: no file of the archive") as error:
        import_index(archive, target, moved=[Moved(Path("/nosuch"), tmp_path)])
    assert str(tmp_path / "there" / "music") in (error.value.hint or "")
    assert not (target / "library.sqlite3").exists()


def test_the_advice_after_a_wrong_map_named_a_folder_that_the_archive_does_not_know(
    tmp_path: Path, music: Path, archive: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(music, tmp_path / "right", copy_function=shutil.copy2)
    shutil.rmtree(music)
    run = ["library", "import", str(archive), "--index", str(here(tmp_path) / "index"), "--map"]
    run_commands([*run, f"{music}={tmp_path / 'wrong'}"])
    advice = capfd.readouterr().err.split("--map ")[1].split("=FOLDER")[0]
    run_commands([*run, f"{advice}={tmp_path / 'right'}", "--force"])
    assert "5 found on this machine" in capfd.readouterr().err


def test_two_folders_may_swap_their_names(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.mp3").write_text(f"song {seed} 1")
    settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1}
    build_index([tmp_path / "a", tmp_path / "b"], tmp_path / "index", **settings)  # type: ignore[arg-type]
    export_index(tmp_path / "index", tmp_path / "z")
    swap = [Moved(tmp_path / "a", tmp_path / "b"), Moved(tmp_path / "b", tmp_path / "a")]
    import_index(tmp_path / "z", tmp_path / "new", moved=swap)
    with open_store(tmp_path / "new") as store:
        titles = {track.path.parent.name: track.tags.title for track in store.tracks().values()}
    assert titles == {"a": "Song 2", "b": "Song 1"}


def test_the_longest_name_that_fits_counts() -> None:
    assert parse_move("/mnt/music/=/home/me") == Moved(Path("/mnt/music"), Path("/home/me"))
    for text in ("", "=", "music=/x", "/x", "/x="):
        with pytest.raises(UsageError):
            parse_move(text)


def test_an_export_is_taken_beside_a_writer_and_replaces_nothing(tmp_path: Path, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(OutputError, match="already exists") as error:
        export_index(tmp_path / "there" / "index", archive)
    assert error.value.hint == "add --force to replace it, or use another FILE"  # "another file with FILE" before
    with write_lock(tmp_path / "there" / "index"), open_store(tmp_path / "there" / "index", write=True):
        export_index(tmp_path / "there" / "index", archive, force=True)
    assert archive.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["carried.zip", "there"]


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_folders_with_names_that_are_no_text_and_old_indexes_go_out(tmp_path: Path, music: Path, old: bool) -> None:
    folder = tmp_path / os.fsdecode(b"o\xffd?#%")
    folder.mkdir()
    source = tmp_path / "there" / "index"
    if old:
        packed = (Path(__file__).parent / "golden" / "index-1.sqlite3.gz").read_bytes()
        (source / DATABASE_NAME).write_bytes(gzip.decompress(packed))
    n = export_index(source, folder / "x.zip")
    assert [path.name for path in folder.iterdir()] == ["x.zip"]
    assert import_index(folder / "x.zip", folder / "index").n_tracks == n == (3 if old else 5)


def test_an_import_replaces_nothing_unless_asked(tmp_path: Path, archive: Path) -> None:
    target = tmp_path / "there" / "index"
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(OutputError, match="an index already"):
        import_index(archive, target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert import_index(archive, target, force=True).n_found == 5
    with open_library(target) as view:
        assert len(view.track_ids) == 4
    with write_lock(target), pytest.raises(LibraryError, match="in use"):
        import_index(archive, target, force=True)


# --- what strangers may send ----


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER t AFTER INSERT ON tracks BEGIN DELETE FROM tracks; END"],
        ["CREATE VIEW v AS SELECT 1"],
        ["DROP TABLE locations"],
        ["PRAGMA user_version = 99"],
        ["PRAGMA application_id = 1"],
        ["UPDATE locations SET path = x'2E2E2F2E2E2F' || path"],
        ["UPDATE locations SET inode = 'x'"],
        ["UPDATE model SET dim = 'x'"],
        ["ALTER TABLE tracks DROP COLUMN valence"],
        ["UPDATE roots SET path = 'etc'"],
        ["UPDATE roots SET path = x'2F6100'"],
        ["UPDATE vectors SET whole = zeroblob(32)"],
        ["UPDATE vectors SET segments = x'00'"],
        ["DELETE FROM vectors"],
        ["DELETE FROM model"],
    ],
    ids=lambda statements: statements[0][:30],
)
def test_a_forged_database_is_refused_and_leaves_nothing(tmp_path: Path, archive: Path, statements: list[str]) -> None:
    forge(archive, run_sql(*statements))
    target = here(tmp_path) / "index"
    with pytest.raises(InputError, match=r"carried\.zip"):
        import_index(archive, target)
    assert [path.name for path in target.iterdir()] == ["library.lock"]


def test_a_database_that_is_not_the_one_of_the_manifest_is_refused(tmp_path: Path, archive: Path) -> None:
    forge(archive, run_sql("UPDATE tracks SET title = 'other'"), honest=False)
    with pytest.raises(InputError, match="its database does not match the manifest"):
        import_index(archive, here(tmp_path) / "index")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "evil", "segments.faiss"])
def test_other_members_are_refused_and_never_written(tmp_path: Path, archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"evil")
    with pytest.raises(InputError, match="contains files other than"):
        import_index(archive, here(tmp_path) / "index")
    assert not list(tmp_path.rglob("*evil*"))


def test_a_database_that_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    manifest = {"schema": SCHEMA, "database": {"sha256": "0" * 64, "size_bytes": 1 << 60}}
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST_NAME, json.dumps(manifest))
        archive.writestr(DATABASE_NAME, bytes(1 << 20))
    with pytest.raises(InputError, match="its database size does not match"):
        import_index(bomb, tmp_path / "index")
    raw = bytearray(bomb.read_bytes())
    claimed = (1 << 20).to_bytes(4, "little")
    at = raw.rfind(claimed)  # the directory's word for the length of the database
    raw[at : at + 4] = (10).to_bytes(4, "little")
    manifest["database"]["size_bytes"] = 10  # type: ignore[index]
    bomb.write_bytes(raw)
    with pytest.raises(InputError):
        import_index(bomb, tmp_path / "index")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.zip"):
        import_index(path, tmp_path / "index")
    with pytest.raises(InputError, match="no such file"):
        import_index(tmp_path / "nothing", tmp_path / "index")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="regular"):
        import_index(tmp_path / "pipe", tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_flipped_and_missing_bytes_are_always_noticed(tmp_path: Path, archive: Path) -> None:
    whole = archive.read_bytes()
    target = here(tmp_path) / "index"
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :]):
            archive.write_bytes(damaged)
            try:
                found = import_index(archive, target, force=True)
            except SoundtrackError:
                continue
            assert (found.n_tracks, index_faults(target)) == (5, [])  # a byte that says nothing, such as a time


# --- vacuum ----


def test_vacuum_gives_room_back_and_changes_nothing(tmp_path: Path, music: Path) -> None:
    folder = tmp_path / "index"
    for seed in range(60):
        (music / f"more {seed}.mp3").write_text(f"song {100 + seed} 3")
    index(music, folder)
    for seed in range(60):
        (music / f"more {seed}.mp3").unlink()
    index(music, folder, prune=True)
    index(music, folder, prune=True)
    (folder / ".segments.faiss.4194304.0123abcd.part").write_bytes(bytes(1000))
    theirs = folder / ".holiday.mkv.part"
    theirs.write_text("somebody's download")
    with open_store(folder) as store:
        before = store.tracks()
    done = vacuum_index(folder)
    assert done.after_bytes < done.before_bytes / 2
    with open_store(folder) as store:
        assert store.tracks() == before
    assert index_faults(folder) == []
    assert [left.name for left in folder.glob(".*")] == [theirs.name]
    with write_lock(folder), pytest.raises(LibraryError, match="in use"):
        vacuum_index(folder)
    with pytest.raises(LibraryError, match="no index"):
        vacuum_index(tmp_path / "none")
    assert not (tmp_path / "none").exists()
