"""The index database gives back what was put in, and refuses what it cannot be sure of."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError, OutputError, Reason
from soundtrack.library.identity import QuickKey
from soundtrack.library.places import Failure
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.schema import DATABASE_NAME, SCHEMA_VERSION
from soundtrack.library.store.store import Store, open_store

KEY = QuickKey(1, 2, 3, -4)


def track_id(seed: int) -> str:
    return f"{seed:064x}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "index"
    folder.mkdir()
    return open_store(folder, write=True)


def save(store: Store, *seeds: int) -> None:
    store.require_model(fake.MODEL)
    for seed in seeds:
        with store.transaction():
            store.save_track(track_id(seed), fake.song(seed, 1 + seed % 4), dim=fake.DIM)
            store.place(Path(f"/music/{seed}.mp3"), track_id(seed), KEY)


def test_a_track_comes_back_exactly_as_it_was_heard(store: Store) -> None:
    save(store, 0, 1, 2)
    for seed in range(3):
        heard = fake.song(seed, 1 + seed % 4)
        assert store.track(track_id(seed)) == heard.track(track_id(seed), Path(f"/music/{seed}.mp3"))
        bars = store.bars(track_id(seed))
        np.testing.assert_array_equal(bars.bar_starts_s, heard.bars.bar_starts_s)
        np.testing.assert_array_equal(bars.features, heard.bars.features)
        np.testing.assert_array_equal(store.track_vector(track_id(seed)), heard.vector)
    assert list(store.tracks()) == [track_id(seed) for seed in range(3)]
    assert store.counts() == {"tracks": 3, "present": 3, "missing": 0, "segments": 6, "failures": 0}


def test_a_track_has_its_first_present_place_and_the_others_as_copies(store: Store) -> None:
    save(store, 1)
    with store.transaction():
        store.place(Path("/music/0.mp3"), track_id(1), KEY)
        store.place(Path("/other/1.mp3"), track_id(1), KEY)
        store.mark(Path("/music/0.mp3"), present=False)
    found = store.track(track_id(1))
    assert (found.path, found.copies) == (Path("/music/1.mp3"), (Path("/other/1.mp3"), Path("/music/0.mp3")))


def test_saving_again_replaces_and_never_doubles(store: Store) -> None:
    save(store, 1)
    with store.transaction():
        store.save_track(track_id(1), fake.song(9, 1), dim=fake.DIM)
    assert store.track(track_id(1)).tags.title == "Song 9"
    assert store.counts()["segments"] == 1


@pytest.mark.parametrize("spoil", [np.nan, 0.0, 2.0], ids=["nan", "zero", "too long"])
def test_vectors_that_no_search_could_use_are_refused_and_nothing_is_left(store: Store, spoil: float) -> None:
    store.require_model(fake.MODEL)
    heard = fake.song(1, 2)
    vectors = heard.vectors.copy()
    vectors[1] *= np.float32(spoil)
    with pytest.raises(ValueError, match="vectors must"), store.transaction():
        store.save_track(track_id(1), replace(heard, vectors=vectors), dim=fake.DIM)
    assert store.counts()["tracks"] == 0


def test_vectors_of_another_width_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="shape"), store.transaction():
        store.save_track(track_id(1), fake.song(1, 2), dim=fake.DIM + 1)


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), store.transaction():
        store.save_track(track_id(1), fake.song(1, 2), dim=fake.DIM)
        raise KeyboardInterrupt
    assert store.counts()["tracks"] == store.counts()["segments"] == 0


def test_forgetting_a_track_takes_everything_along(store: Store) -> None:
    save(store, 1, 2)
    with store.transaction():
        store.forget_track(track_id(1))
    for table in ("segments", "vectors", "bars", "locations"):
        assert store.all(f"SELECT count(*) FROM {table} WHERE track NOT IN (SELECT id FROM tracks)") == [(0,)]
    assert list(store.tracks()) == [track_id(2)]


def test_odd_names_come_back_byte_for_byte(store: Store) -> None:
    save(store, 1)
    names = [b"/m/-y", b"/m/new\nline", b"/m/%03d%s", b"/m/\xff\xfe", b'/m/it\'s "x"']
    with store.transaction():
        for name in names:
            store.place(Path(os.fsdecode(name)), track_id(1), KEY)
            store.fail(Failure(Path(os.fsdecode(name + b"!")), KEY, Reason.CORRUPT, "broken"))
    assert set(names) < {os.fsencode(path) for path in store.locations()}
    assert {name + b"!" for name in names} == {os.fsencode(path) for path in store.failures()}


def test_an_index_beside_its_music_can_move_with_it(tmp_path: Path) -> None:
    (tmp_path / "disk" / "index").mkdir(parents=True)
    with open_store(tmp_path / "disk" / "index", write=True) as store:
        save(store, 1)
        with store.transaction():
            store.place(tmp_path / "disk" / "music" / "a.mp3", track_id(1), KEY)
    (tmp_path / "disk").rename(tmp_path / "other")
    with open_store(tmp_path / "other" / "index") as store:
        assert set(store.locations()) == {tmp_path / "other" / "music" / "a.mp3", Path("/music/1.mp3")}


def test_a_closed_index_is_one_plain_file(store: Store) -> None:
    save(store, 1)
    store.close()
    with open_store(store.index_dir) as reader:
        assert reader.counts()["tracks"] == 1
    assert [path.name for path in store.index_dir.iterdir()] == [DATABASE_NAME]


def test_another_model_is_refused_with_what_to_type(store: Store) -> None:
    save(store, 1)
    with pytest.raises(LibraryError, match="built with fake 1, this version uses fake 2") as caught:
        store.require_model(replace(fake.MODEL, version="2"))
    assert "soundtrack index --rebuild" in caught.value.hint
    with pytest.raises(LibraryError, match="other weights"):
        store.require_model(replace(fake.MODEL, sha256="cd" * 32))


def test_no_index_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no index found") as caught:
        open_store(tmp_path)
    assert "soundtrack index" in caught.value.hint


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.9])
def test_a_truncated_database_is_named(store: Store, keep: float) -> None:
    save(store, *range(40))
    store.close()
    content = store.path.read_bytes()
    store.path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(LibraryError, match=DATABASE_NAME if keep else "empty"):
        open_store(store.index_dir)


def test_bytes_in_the_middle_that_were_overwritten_are_found(store: Store) -> None:
    save(store, *range(60))
    store.close()
    content = bytearray(store.path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    store.path.write_bytes(content)
    with pytest.raises(LibraryError, match="damaged"):
        open_store(store.index_dir)


def test_a_database_of_something_else_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE_NAME) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = (tmp_path / DATABASE_NAME).read_bytes()
    for write in (False, True):
        with pytest.raises(LibraryError, match="not a soundtrack index"):
            open_store(tmp_path, write=write)
    with sqlite3.connect(tmp_path / DATABASE_NAME) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    assert len(before) == (tmp_path / DATABASE_NAME).stat().st_size


def test_text_posing_as_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_text("not a database at all, but long enough to be read as one" * 50)
    with pytest.raises(LibraryError, match="damaged"):
        open_store(tmp_path)


def test_a_database_with_a_trigger_is_refused(store: Store) -> None:
    save(store, 1)
    store.execute("CREATE TRIGGER evil AFTER INSERT ON roots BEGIN DELETE FROM tracks; END")
    store.close()
    with pytest.raises(LibraryError, match="not a soundtrack index"):
        open_store(store.index_dir)


def test_a_newer_index_is_left_alone(store: Store) -> None:
    save(store, 1)
    store.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    store.close()
    with pytest.raises(LibraryError, match="newer soundtrack"):
        open_store(store.index_dir, write=True)


def test_an_index_in_a_folder_that_cannot_be_written_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, 1)
    store.close()
    store.index_dir.chmod(0o555)
    monkeypatch.setattr(os, "access", lambda *_: False)  # what anyone but root is told
    try:
        with open_store(store.index_dir) as reader:
            assert reader.counts()["tracks"] == 1
        assert [path.name for path in store.index_dir.iterdir()] == [DATABASE_NAME]
    finally:
        store.index_dir.chmod(0o755)


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the index"), write_lock(tmp_path / "file" / "index"):
        pass


def test_the_lock_names_its_holder_and_is_free_after_it(tmp_path: Path) -> None:
    with (
        write_lock(tmp_path),
        pytest.raises(LibraryError, match=f"in use by pid {os.getpid()}"),
        write_lock(tmp_path),
    ):
        pass
    with write_lock(tmp_path):
        pass
