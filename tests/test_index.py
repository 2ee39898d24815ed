"""Searching the library, and the file that makes it quick and may be lost at any time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError, OutputError
from soundtrack.library.identity import QuickKey
from soundtrack.library.search.library_view import LibraryView, open_library, require_music, write_vectors, write_whole
from soundtrack.library.search.rules import Rules
from soundtrack.library.store.files import VECTORS_NAME
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import open_store
from soundtrack.types import FloatArray


def track_id(seed: int) -> str:
    return f"{seed:064x}"


def make(folder: Path, *seeds: int, silent: int | None = None, write: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    with open_store(folder, write=True) as store:
        store.require_model(fake.MODEL)
        for seed in seeds:
            with store.transaction():
                heard = fake.song(seed, 1 + seed % 4, silent=seed == silent)
                store.save_track(track_id(seed), heard, dim=fake.DIM)
                store.place(Path(f"/music/{seed}.mp3"), track_id(seed), QuickKey(1, seed, 3, 4))
        if write:
            write_vectors(store)


def product(view: LibraryView, queries: FloatArray, k: int) -> list[list[tuple[str, int]]]:
    """What a plain matrix product finds."""
    ids, positions = view.rows
    order = np.argsort(-(queries @ view.embeddings.T), axis=1, kind="stable")[:, :k]
    return [[(ids[i], positions[i]) for i in row] for row in order]


def unit(rng: np.random.Generator, n: int) -> FloatArray:
    queries = rng.normal(size=(n, fake.DIM)).astype(np.float32)
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


def test_search_finds_what_a_matrix_product_finds(tmp_path: Path, rng: np.random.Generator) -> None:
    make(tmp_path, *range(30))
    queries = unit(rng, 12)
    with open_library(tmp_path, model=fake.MODEL) as view:
        hits = view.search(queries, 7)
        assert [[(h.track_id, h.segment_index) for h in row] for row in hits] == product(view, queries, 7)
        for row, query in zip(hits, queries, strict=True):
            for hit in row:
                vector = fake.song(int(hit.track_id, 16), 1 + int(hit.track_id, 16) % 4).vectors[hit.segment_index]
                assert hit.similarity == pytest.approx(float(vector @ query), abs=1e-5)


def test_more_than_there_is_gives_all_there_is_and_nothing_made_up(tmp_path: Path, rng: np.random.Generator) -> None:
    make(tmp_path, 0, 1)
    with open_library(tmp_path) as view:
        (hits,) = view.search(unit(rng, 1), 100)
        assert sorted((h.track_id, h.segment_index) for h in hits) == sorted(zip(*view.rows, strict=True))


def test_every_segment_of_an_offered_track_has_a_row_in_order(tmp_path: Path) -> None:
    make(tmp_path, 3, 1, 2)
    with open_library(tmp_path) as view:
        assert view.track_ids == tuple(track_id(n) for n in (1, 2, 3))
        expected = [(t, s.index) for t in view.track_ids for s in view.track(t).segments]
        assert list(zip(*view.rows, strict=True)) == expected
        np.testing.assert_array_equal(
            view.embeddings, np.concatenate([fake.song(n, 1 + n % 4).vectors for n in (1, 2, 3)])
        )
        assert view.tracks() == {t: view.track(t) for t in view.track_ids}
        assert not view.embeddings.flags.writeable


@pytest.mark.parametrize("why", ["missing", "short", "silent"])
def test_tracks_that_cannot_be_used_are_not_offered(tmp_path: Path, rng: np.random.Generator, why: str) -> None:
    make(tmp_path, 4, 5, 6, silent=5 if why == "silent" else None)
    if why == "missing":
        with open_store(tmp_path, write=True) as store, store.transaction():
            store.mark(Path("/music/5.mp3"), present=False)
    with open_library(tmp_path, rules=Rules(min_length_s=15.0 if why == "short" else 3.0)) as view:
        wanted = tuple(track_id(n) for n in ((5, 6) if why == "short" else (4, 6)))
        assert view.track_ids == wanted
        queries = unit(rng, 5)
        hits = view.search(queries, 3)
        assert [[(h.track_id, h.segment_index) for h in row] for row in hits] == product(view, queries, 3)
        assert set(view.tracks()) == set(wanted)
    if why == "missing":
        with open_library(tmp_path, include_missing=True) as view:
            assert len(view.track_ids) == 3


@pytest.mark.parametrize("spoil", ["lost", "truncated", "flipped", "swapped", "stale"])
def test_a_vector_file_that_is_not_right_is_never_used(tmp_path: Path, rng: np.random.Generator, spoil: str) -> None:
    folder = tmp_path / "index"
    make(folder, *range(9))
    path = folder / VECTORS_NAME
    good = path.read_bytes()
    if spoil == "lost":
        path.unlink()
    elif spoil == "truncated":
        path.write_bytes(good[: len(good) // 2])
    elif spoil == "flipped":
        path.write_bytes(good[:-5] + bytes([good[-5] ^ 64]) + good[-4:])
    elif spoil == "swapped":
        make(tmp_path / "other", *range(20, 29))
        path.write_bytes((tmp_path / "other" / VECTORS_NAME).read_bytes())
    else:
        make(folder, 9, write=False)
    with open_library(folder) as view:
        expected = np.concatenate([fake.song(n, 1 + n % 4).vectors for n in range(9 + (spoil == "stale"))])
        np.testing.assert_array_equal(view.embeddings, expected)
        assert len(view.search(unit(rng, 2), 5)[1]) == 5
    with open_store(folder, write=True) as store:
        write_vectors(store)
    assert (path.read_bytes() == good) is (spoil != "stale")


def test_the_same_tracks_give_the_same_file_in_whatever_order_they_came(tmp_path: Path) -> None:
    make(tmp_path / "a", 1, 2, 3)
    make(tmp_path / "b", 3, 1, 2)
    assert (tmp_path / "a" / VECTORS_NAME).read_bytes() == (tmp_path / "b" / VECTORS_NAME).read_bytes()


def test_the_fingerprint_names_the_offered_tracks_and_the_model(tmp_path: Path) -> None:
    prints = set()
    for name, seeds in (("a", (1, 2)), ("b", (2, 1)), ("c", (1, 2, 3))):
        make(tmp_path / name, *seeds)
        with open_library(tmp_path / name) as view:
            prints.add(view.fingerprint)
    assert len(prints) == 2


def test_queries_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    make(tmp_path, 1)
    with open_library(tmp_path) as view:
        for queries, message in (
            (np.zeros((1, fake.DIM + 1), np.float32), "shape"),
            (np.full((1, fake.DIM), np.nan, np.float32), "finite"),
        ):
            with pytest.raises(ValueError, match=message):
                view.search(queries, 1)
        assert view.search(np.zeros((0, fake.DIM), np.float32), 1) == []


def test_an_index_without_music_is_named_when_music_is_needed(tmp_path: Path) -> None:
    make(tmp_path)
    with open_library(tmp_path) as view:
        assert view.search(np.zeros((2, fake.DIM), np.float32), 3) == [[], []]
        assert view.embeddings.shape == (0, fake.DIM)
        with pytest.raises(LibraryError, match="the index is empty"):
            require_music(view, tmp_path)


def test_a_reader_leaves_nothing_behind(tmp_path: Path) -> None:
    make(tmp_path, 1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with open_library(tmp_path) as view:
        view.tracks()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {DATABASE_NAME, VECTORS_NAME}


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"old")
    (tmp_path / "b").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "b", b"new")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
