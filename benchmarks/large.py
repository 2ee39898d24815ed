"""Benchmark of very large libraries: one analysed track and copies of its rows.

    python benchmarks/large.py search INDEX     opens an index and searches it; prints seconds as JSON
    python benchmarks/large.py tracks INDEX     makes a hundred thousand tracks of an index of one, takes one out
                                                and puts one in; prints seconds and MiB as JSON

`make_search` fills an index with segments around two thousand middles, `make_files` a folder with 20,000 files that an
index knows.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from soundtrack.library.identity import QuickKey
from soundtrack.library.search.library_view import open_library, write_vectors
from soundtrack.library.store.store import Store, open_store

N_FILES = 20_000
N_SEGMENTS = 1_000_000
SEGMENTS_A_TRACK = 25
N_TRACKS, FEWER_SEGMENTS = 100_000, 20


def _clone(store: Store, n: int, vectors: np.ndarray | None, *, after: int = 0) -> list[str]:
    """Copies of a track, under names of their own; with vectors of shape (n, m, D) if given.

    `after` is how many copies there are already.
    """
    columns = {
        table: [str(row[1]) for row in store.all(f"PRAGMA table_info({table})")]
        for table in ("tracks", "vectors", "segments")
    }
    ((first,),) = store.all("SELECT id FROM tracks LIMIT 1")
    names = [hashlib.sha256(str(after + i).encode()).hexdigest() for i in range(n)]

    def copy(table: str, key: str, row: int, name: str) -> None:
        new = {key: str(row), "track_id": f"'{name}'"}
        chosen = ", ".join(new.get(column, column) for column in columns[table])
        store.execute(
            f"INSERT INTO {table} ({', '.join(columns[table])}) SELECT {chosen} FROM {table} WHERE {key} = ?", (first,)
        )

    for i, name in enumerate(names):
        row = 1_000_000 + after + i
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


def make_search(
    index: Path, *, n_tracks: int = N_SEGMENTS // SEGMENTS_A_TRACK, a_track: int = SEGMENTS_A_TRACK
) -> None:
    """A million segments, or as many as asked for."""
    rng = np.random.default_rng(1)
    n_segments = n_tracks * a_track
    with open_store(index, write=True) as store:
        model = store.model()
        assert model is not None
        middles = rng.normal(size=(2_000, model.dim)).astype(np.float32)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        spread = rng.normal(size=(n_segments, model.dim)).astype(np.float32) * np.float32(0.35 / model.dim**0.5)
        vectors = middles[rng.integers(len(middles), size=n_segments)] + spread
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        with store.transaction():
            names = _clone(store, n_tracks, vectors.reshape(n_tracks, a_track, model.dim))
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
    peak_mib = _peak_mib()
    exact = queries[1:] @ library.embeddings.T
    place = {pair: row for row, pair in enumerate(zip(*library.rows, strict=True))}
    shares = []
    for query, row in zip(queries[1:], exact, strict=True):
        (hits,) = library.search(query[None], 64)
        best = set(np.argpartition(-row, 64)[:64].tolist())
        shares.append(sum(place[hit.track_id, hit.segment_index] in best for hit in hits) / 64)
    facts = {"segments": len(library), "open_s": opened_s, "query_s": times, "recall": float(np.mean(shares))}
    facts["peak_mib"] = peak_mib
    print(json.dumps(facts))


def change(index: Path) -> None:
    """A hundred thousand tracks: take one out, put one in; `search` opens and asks."""
    began_s = time.perf_counter()
    make_search(index, n_tracks=N_TRACKS, a_track=FEWER_SEGMENTS)
    facts: dict[str, float] = {"making the index, s": time.perf_counter() - began_s}
    facts["peak while making it, MiB"] = _peak_mib()
    with open_library(index) as library:
        taken = library.track_ids[1_000]
    with open_store(index, write=True) as store:
        began_s = time.perf_counter()
        with store.transaction():
            store.forget_track(taken)
        facts["taking a track out, s"] = time.perf_counter() - began_s
        began_s = time.perf_counter()
        write_vectors(store)
        facts["rewriting the search files, s"] = time.perf_counter() - began_s
        began_s = time.perf_counter()
        with store.transaction():
            (name,) = _clone(store, 1, None, after=N_TRACKS)
            store.place(Path("/music/new.mp3"), name, QuickKey(1, N_TRACKS, 1, 1))
        facts["putting a track in, s"] = time.perf_counter() - began_s
        write_vectors(store)
    print(json.dumps({name: round(value, 4) for name, value in facts.items()}))


def _peak_mib() -> float:
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["search", index]:
            search(Path(index))
        case ["tracks", index]:
            change(Path(index))
        case _:
            sys.exit(__doc__)
