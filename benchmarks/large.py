"""Libraries larger than anybody would listen to for a benchmark: one track is listened to, the others are its copies.

    python benchmarks/large.py files FOLDER INDEX     20,000 files that an index knows, to be looked at again
    python benchmarks/large.py search INDEX           opens an index and searches it; prints seconds as JSON

`make_search` fills an index with a million segments around two thousand middles.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from soundtrack.library.identity import QuickKey
from soundtrack.library.index import open_library, write_vectors
from soundtrack.library.store import Store, open_store

N_FILES = 20_000
N_SEGMENTS = 1_000_000
SEGMENTS_A_TRACK = 25


def _clone(store: Store, n: int, vectors: np.ndarray | None) -> list[str]:
    """Copies of the one track of an index, under names of their own; with vectors of shape (n, m, D) if given."""
    columns = {
        table: [str(row[1]) for row in store.all(f"PRAGMA table_info({table})")]
        for table in ("tracks", "vectors", "segments")
    }
    ((first,),) = store.all("SELECT id FROM tracks LIMIT 1")
    names = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]

    def copy(table: str, key: str, row: int, name: str) -> None:
        new = {key: str(row), "track_id": f"'{name}'"}
        chosen = ", ".join(new.get(column, column) for column in columns[table])
        store.execute(
            f"INSERT INTO {table} ({', '.join(columns[table])}) SELECT {chosen} FROM {table} WHERE {key} = ?", (first,)
        )

    for i, name in enumerate(names):
        row = 1_000_000 + i
        copy("tracks", "id", row, name)
        copy("vectors", "track", row, name)
        if vectors is None:
            copy("segments", "track", row, name)
        else:
            content = (vectors[i].astype("<f4").tobytes(), len(vectors[i]), row)
            store.execute("UPDATE vectors SET segments = ?, n_segments = ? WHERE track = ?", content)
    store.execute("UPDATE state SET generation = generation + 1")
    return names


def make_files(folder: Path, index: Path) -> None:
    """Many small files, and an index that has seen them all."""
    folder.mkdir(exist_ok=True)
    with open_store(index, write=True) as store:
        with store.transaction():
            names = _clone(store, N_FILES, None)
            for i, name in enumerate(names):
                path = folder / f"{i // 500:02}" / f"{i}.mp3"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(name.encode())
                store.place(path.absolute(), name, QuickKey.of(path.stat()))
            for (root,) in store.all("SELECT path FROM roots"):
                store.execute("DELETE FROM roots WHERE path = ?", (root,))
            store.add_root(folder.absolute())
        write_vectors(store)


def make_search(index: Path) -> None:
    """A million segments."""
    rng = np.random.default_rng(1)
    n_tracks = N_SEGMENTS // SEGMENTS_A_TRACK
    with open_store(index, write=True) as store:
        model = store.model()
        assert model is not None
        middles = rng.normal(size=(2_000, model.dim)).astype(np.float32)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        spread = rng.normal(size=(N_SEGMENTS, model.dim)).astype(np.float32) * np.float32(0.35 / model.dim**0.5)
        vectors = middles[rng.integers(len(middles), size=N_SEGMENTS)] + spread
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        with store.transaction():
            names = _clone(store, n_tracks, vectors.reshape(n_tracks, SEGMENTS_A_TRACK, model.dim))
            for i, name in enumerate(names):
                store.place(Path(f"/music/{i}.mp3"), name, QuickKey(1, i, 1, 1))
        write_vectors(store)


def search(index: Path) -> None:
    """Open, and ask a hundred times."""
    open_library(index).close()  # what is imported, and what the disk remembers, does not count
    started = time.perf_counter()
    library = open_library(index)
    opened_s = time.perf_counter() - started
    rng = np.random.default_rng(2)
    queries = rng.normal(size=(101, library.model.dim)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    library.search(queries[:1], 64)
    times = []
    for query in queries[1:]:
        started = time.perf_counter()
        library.search(query[None], 64)
        times.append(time.perf_counter() - started)
    exact = queries[1:] @ library.embeddings.T
    place = {pair: row for row, pair in enumerate(zip(*library.rows, strict=True))}
    shares = []
    for query, row in zip(queries[1:], exact, strict=True):
        (hits,) = library.search(query[None], 64)
        best = set(np.argpartition(-row, 64)[:64].tolist())
        shares.append(sum(place[hit.track_id, hit.segment_index] in best for hit in hits) / 64)
    facts = {"segments": len(library), "open_s": opened_s, "query_s": times, "recall": float(np.mean(shares))}
    print(json.dumps(facts))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["search", index]:
            search(Path(index))
        case _:
            sys.exit(__doc__)
