"""Large libraries are searched by cells: nearly as good as looking at everything, and never made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from soundtrack.library.identity import QuickKey
from soundtrack.library.search import nearest
from soundtrack.library.search.library_view import open_library, write_vectors
from soundtrack.library.search.nearest import Cells
from soundtrack.library.store.files import CELLS_NAME
from soundtrack.library.store.store import open_store
from soundtrack.library.update.maintenance import index_faults
from soundtrack.types import FloatArray

DIM = 32
N_SEGMENTS = 12
N_TRACKS = 60


def clustered(rng: np.random.Generator, n: int, *, n_clusters: int, spread: float = 0.35) -> FloatArray:
    """Unit vectors around some middles, as tracks of some styles are."""
    middles = rng.normal(size=(n_clusters, DIM))
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    vectors = middles[rng.integers(n_clusters, size=n)] + spread * rng.normal(size=(n, DIM)) / np.sqrt(DIM)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def recall(cells: Cells, vectors: FloatArray, queries: FloatArray, k: int) -> float:
    """Share of the true nearest rows that are found."""
    shares = []
    for query in queries:
        exact = vectors @ query
        found = cells.near(query, k, offered=None)
        best = set(found[np.argsort(-exact[found], kind="stable")[:k]].tolist())
        shares.append(len(best & set(np.argpartition(-exact, k)[:k].tolist())) / k)
    return float(np.mean(shares))


@pytest.mark.slow
def test_nearly_all_of_the_nearest_are_found_among_200000(rng: np.random.Generator) -> None:
    vectors = clustered(rng, nearest.CELLS_FROM, n_clusters=2_000)
    cells = Cells.made_from(vectors)
    near = vectors[rng.integers(len(vectors), size=60)] + 0.02 * rng.normal(size=(60, DIM)).astype(np.float32)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    far = clustered(rng, 60, n_clusters=60)
    assert recall(cells, vectors, near, 64) >= 0.98
    assert recall(cells, vectors, far, 64) >= 0.98
    assert cells.to_bytes() == Cells.made_from(vectors).to_bytes()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells from five hundred segments on."""
    for name, value in (("CELLS_FROM", 500), ("N_CELLS", 16), ("N_LOOKED_INTO", 8)):
        monkeypatch.setattr(nearest, name, value)


def make(folder: Path, n_tracks: int) -> None:
    folder.mkdir(exist_ok=True)
    with open_store(folder, write=True) as store:
        store.require_model(fake.MODEL)
        for seed in range(n_tracks):
            with store.transaction():
                store.save_track(f"{seed:064x}", fake.song(seed, N_SEGMENTS), dim=fake.DIM)
                store.place(Path(f"/music/{seed}.mp3"), f"{seed:064x}", QuickKey(1, seed, 3, 4))
        write_vectors(store)


def queries(rng: np.random.Generator, n: int) -> FloatArray:
    found = rng.normal(size=(n, fake.DIM)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def names(hits: list[list[object]]) -> list[list[tuple[str, int]]]:
    return [[(h.track_id, h.segment_index) for h in row] for row in hits]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("small")
def test_a_library_gets_cells_when_it_is_large_and_loses_them_when_it_is_not(tmp_path: Path) -> None:
    make(tmp_path, N_TRACKS)
    cells = (tmp_path / CELLS_NAME).read_bytes()
    assert index_faults(tmp_path) == []
    with open_store(tmp_path, write=True) as store:
        write_vectors(store)
        assert (tmp_path / CELLS_NAME).read_bytes() == cells
        with store.transaction():
            for seed in range(30):
                store.forget_track(f"{seed:064x}")
        write_vectors(store)
    assert not (tmp_path / CELLS_NAME).exists()
    assert index_faults(tmp_path) == []


@pytest.mark.usefixtures("small")
def test_hits_are_true_whatever_is_offered(tmp_path: Path, rng: np.random.Generator) -> None:
    make(tmp_path, N_TRACKS)
    asked = queries(rng, 40)
    with open_library(tmp_path) as view:
        assert view._cells is not None
        quick = view.search(asked, 5)
        view.__dict__["_cells"] = None
        flat = view.search(asked, 5)
        same = sum(a == b for q, f in zip(names(quick), names(flat), strict=True) for a, b in zip(q, f, strict=True))
        assert same >= 0.9 * 40 * 5
        for row, query in zip(quick, asked, strict=True):
            assert [h.similarity for h in row] == sorted((h.similarity for h in row), reverse=True)
            for hit in row:
                vector = view.embeddings[int(hit.track_id, 16) * N_SEGMENTS + hit.segment_index]
                assert hit.similarity == pytest.approx(float(vector @ query), abs=1e-6)
        del view.__dict__["_cells"]
        everything = view.search(asked[:1], N_TRACKS * N_SEGMENTS)  # more than the cells name: looked at one by one
        assert len(everything[0]) == N_TRACKS * N_SEGMENTS
    with open_store(tmp_path, write=True) as store, store.transaction():
        for seed in range(0, N_TRACKS, 6):
            store.mark(Path(f"/music/{seed}.mp3"), present=False)
    with open_library(tmp_path) as view:
        assert view._cells is not None and len(view) == 50 * N_SEGMENTS
        assert all(int(h.track_id, 16) % 6 for row in view.search(asked, 8) for h in row)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("spoil", ["lost", "half", "flipped", "flat file", "stale"])
def test_cells_that_are_not_right_are_never_used(tmp_path: Path, rng: np.random.Generator, spoil: str) -> None:
    make(tmp_path, N_TRACKS)
    path, asked = tmp_path / CELLS_NAME, queries(rng, 3)
    good = path.read_bytes()
    if spoil == "lost":
        path.unlink()
    elif spoil == "half":
        path.write_bytes(good[: len(good) // 2])
    elif spoil == "flipped":
        path.write_bytes(good[:-9] + bytes([good[-9] ^ 8]) + good[-8:])
    elif spoil == "flat file":
        path.write_bytes((tmp_path / "segments.faiss").read_bytes())
    else:
        with open_store(tmp_path, write=True) as store, store.transaction():
            store.save_track(f"{999:064x}", fake.song(999, 2), dim=fake.DIM)
            store.place(Path("/music/999.mp3"), f"{999:064x}", QuickKey(1, 999, 3, 4))
    assert bool(index_faults(tmp_path)) is (spoil != "stale")
    with open_library(tmp_path) as view:
        assert view._cells is None
        assert len(view.search(asked, 4)[2]) == 4
    with open_store(tmp_path, write=True) as store:
        write_vectors(store)
    assert (path.read_bytes() == good) is (spoil != "stale")
    assert index_faults(tmp_path) == []


def test_small_libraries_have_no_cells(tmp_path: Path) -> None:
    make(tmp_path, 3)
    assert not (tmp_path / CELLS_NAME).exists()
    with open_library(tmp_path) as view:
        assert view._cells is None
