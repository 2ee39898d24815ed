"""Search by inner product over segment vectors, and the view of the library that scoring uses.

Goes in: an index folder. Comes out: `LibraryView`. The database is the truth; ``segments.faiss`` is made from it, is
used only if its hash, its counts and the state of the database are what was noted when it was written, and is
otherwise made again in memory. Row i of the file is the i-th segment in the order of track id and position. Beside it,
from some size on, lies a second one that spares most comparisons (`soundtrack.library.search.nearest`); without it
every segment is compared. This module and that one are the only ones that import faiss.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from soundtrack.errors import InputError, LibraryError, OutputError
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import replacing
from soundtrack.library.advice import to_fill
from soundtrack.library.places import DerivedFile
from soundtrack.library.search import nearest
from soundtrack.library.search.offer import judge
from soundtrack.library.search.rules import Rules, read_rules
from soundtrack.library.store import rows
from soundtrack.library.store.evidence import track_values
from soundtrack.library.store.files import CELLS_NAME, VECTORS_NAME, is_plain
from soundtrack.library.store.naming import former_names
from soundtrack.library.store.playlists import playlist_tracks
from soundtrack.library.store.schema import checked, damaged
from soundtrack.library.store.store import Store, open_store
from soundtrack.types import BarTable, Channel, FloatArray, ModelRef, SegmentHit, Track

_MAX_FILE_BYTES = 1 << 36


def _faiss() -> Any:
    """The library, on one thread: FAISS and torch each load an OpenMP runtime; one thread avoids oversubscription."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


# --- the derived file ----


@checked
def _all_vectors(store: Store, dim: int) -> FloatArray:
    """Every segment's vector from the database, shape (n, dim), in the order of track id and position."""
    found = store.all("SELECT segments FROM vectors JOIN tracks ON id = track ORDER BY track_id")
    pieces = [rows.blob(piece, "segments") for (piece,) in found]
    if any(len(piece) % (4 * dim) for piece in pieces):
        raise rows.RowError(f"segments: not vectors of {dim} numbers")
    return rows.unit_vectors(b"".join(pieces), "segments", width=dim)  # (n, dim)


def _build(vectors: FloatArray, dim: int) -> Any:
    """A flat index of vectors."""
    searcher = _faiss().IndexFlatIP(dim)
    if len(vectors):
        searcher.add(np.ascontiguousarray(vectors))
    return searcher


def write_vectors(store: Store) -> None:
    """Rewrite the search files that do not match the database; each completely or not at all.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    model = store.model()
    if model is None:
        return
    is_large = store.counts()["segments"] >= nearest.CELLS_FROM
    wanted = [VECTORS_NAME, CELLS_NAME] if is_large else [VECTORS_NAME]
    if not is_large:
        (store.index_dir / CELLS_NAME).unlink(missing_ok=True)
    stale = [name for name in wanted if not is_usable(store, name, model.dim)]
    if not stale:
        return
    vectors = _all_vectors(store, model.dim)
    for name in stale:
        if name == VECTORS_NAME:
            content = _faiss().serialize_index(_build(vectors, model.dim)).tobytes()
        else:
            content = nearest.Cells.made_from(vectors).to_bytes()
        write_whole(store.index_dir / name, content)
        derived = DerivedFile(hashlib.sha256(content).hexdigest(), len(vectors), model.dim, store.generation())
        with store.transaction():
            store.note_derived(name, derived)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the index beside its place, make sure that it is on the disk, and put it there.

    Raises
    ------
    OutputError
        It cannot be written; what was there before is unharmed.
    """
    hint = "free some disk space or choose another folder with --index, then run the same command again"
    try:
        with replacing(path, kind=OWN, force=True) as part:
            part.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}", hint=hint) from error
    except OutputError as error:
        raise OutputError(str(error), hint=hint) from error


def is_usable(store: Store, name: str, dim: int) -> bool:
    """Whether a derived file is exactly the one that was noted, and was made from the present state."""
    noted = store.derived(name)
    if noted is None or noted.generation != store.generation() or noted.dim != dim:
        return False
    path = store.index_dir / name
    try:
        if not is_plain(path):
            return False  # a link, a pipe, a device: neither followed nor opened
        return safe_read.sha256(path, most_bytes=_MAX_FILE_BYTES) == noted.sha256
    except InputError:
        return False


def _load(store: Store, dim: int) -> Any:
    """The index, mapped from the derived file where that is right, else made from the database."""
    path = store.index_dir / VECTORS_NAME
    noted = store.derived(VECTORS_NAME)
    if noted is not None and is_usable(store, VECTORS_NAME, dim):
        faiss = _faiss()
        faiss.set_deserialization_vector_byte_limit(_MAX_FILE_BYTES)
        try:
            searcher = faiss.read_index(os.fsdecode(path), getattr(faiss, "IO_FLAG_MMAP_IFC", 0))
        except (RuntimeError, UnicodeEncodeError, TypeError):
            searcher = None  # a name that faiss cannot open
        if isinstance(searcher, faiss.IndexFlatIP) and (searcher.ntotal, searcher.d) == (noted.n_rows, dim):
            return searcher
    return _build(_all_vectors(store, dim), dim)


# --- the view ----


class LibraryView:
    """The part of a library that may be offered: tracks that are there, can be heard, and are music by the rules.

    A context manager; use `open_library`. Rows are the offered segments in the order of track id and position.
    """

    def __init__(self, store: Store, model: ModelRef, *, rules: Rules | None, include_missing: bool) -> None:
        self.model = model
        self._store = store
        self._tracks: dict[str, Track] = {}
        with store.snapshot():
            self._searcher = _load(store, model.dim)
            self._generation = store.generation()
            self._choose(rules=rules, include_missing=include_missing)

    def _choose(self, *, rules: Rules | None, include_missing: bool) -> None:
        """Decide which rows of the index are offered."""
        found = judge(self._store, rules, include_missing=include_missing)
        counts = np.array([verdict.n_segments for verdict in found], dtype=np.int64)
        chosen = np.array([verdict.why is None for verdict in found], dtype=bool)
        if counts.sum() != self._searcher.ntotal:
            raise damaged(self._store.path, f"{counts.sum()} segments, but {self._searcher.ntotal} vectors")
        owner = np.repeat(np.arange(len(found)), counts)
        first = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
        self._offered = chosen[owner]
        self._row_of = np.flatnonzero(self._offered)
        self._all_ids = tuple(verdict.track_id for verdict in found)
        self._owner: npt.NDArray[np.int64] = owner[self._offered]
        self._position: npt.NDArray[np.int64] = (np.arange(len(owner)) - first[owner])[self._offered]
        self.track_ids = tuple(self._all_ids[i] for i in np.flatnonzero(chosen))
        self.has_tracks = bool(found)  # offered or not

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def __len__(self) -> int:
        """How many segments are offered."""
        return len(self._owner)

    @cached_property
    def fingerprint(self) -> str:
        """Names what is offered: ``sha256:`` over the model and the ids of the tracks."""
        digest = hashlib.sha256(self.model.sha256.encode())
        for track_id in self.track_ids:
            digest.update(b"\n" + track_id.encode())
        return f"sha256:{digest.hexdigest()}"

    @cached_property
    def rows(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Track id and segment position of each row; every segment of every offered track has one."""
        return tuple(self._all_ids[o] for o in self._owner), tuple(self._position.tolist())

    @cached_property
    def embeddings(self) -> FloatArray:
        """Unit vectors of the rows, read only, shape (n, D)."""
        chosen = self._every if self._offered.all() else self._every[self._offered]
        chosen.flags.writeable = False
        return chosen

    @cached_property
    def _every(self) -> FloatArray:
        """Unit vectors of all segments, offered or not, shape (all, D)."""
        count, dim = self._searcher.ntotal, self._searcher.d
        if count == 0:
            return np.zeros((0, dim), dtype=np.float32)
        every = _faiss().rev_swig_ptr(self._searcher.get_xb(), count * dim).reshape(count, dim)  # (all, D)
        return cast(FloatArray, every)

    @cached_property
    def _cells(self) -> nearest.Cells | None:
        """The quicker way to search, where the library is large and its file is right; looked for when first needed."""
        if len(self) < nearest.CELLS_FROM:
            return None
        with self._store.snapshot():
            name, dim = CELLS_NAME, self.model.dim
            if self._store.generation() != self._generation or not is_usable(self._store, name, dim):
                return None
            return nearest.Cells.read(self._store.index_dir / name, n_rows=self._searcher.ntotal, dim=dim)

    def track(self, track_id: str) -> Track:
        """A track with its segments.

        Raises
        ------
        KeyError
            The library has no such track.
        """
        if track_id not in self._tracks:
            self._tracks[track_id] = self._store.track(track_id)
        return self._tracks[track_id]

    def tracks(self) -> dict[str, Track]:
        """Every offered track by id; for libraries of a size that fits in memory."""
        if len(self._tracks) < len(self.track_ids):
            self._tracks |= self._store.tracks(set(self.track_ids))
        return {track_id: self._tracks[track_id] for track_id in self.track_ids}

    def playlists(self) -> dict[Path, tuple[str, ...]]:
        """The offered tracks that each playlist found in the library names, in its order."""
        return playlist_tracks(self._store, set(self.track_ids))

    def former_names(self) -> dict[str, str]:
        """The names that earlier versions gave to tracks, and the tracks that these are."""
        return former_names(self._store)

    def bars(self, track_id: str) -> BarTable:
        """Where a track may be cut; KeyError for an unknown one."""
        return self._store.bars(track_id)

    def track_vector(self, track_id: str) -> FloatArray:
        """Unit vector of a whole track, shape (D,).

        Raises
        ------
        KeyError
            The library has no such track.
        """
        return self._store.track_vector(track_id)

    def by_track(
        self, channels: Sequence[Channel], read: Callable[[FloatArray], FloatArray], *, at_once: int
    ) -> dict[str, FloatArray]:
        """What `read` makes of the evidence of each track that has that of all these channels, by id."""
        return track_values(self._store, channels, read, at_once=at_once)

    def search(self, queries: FloatArray, k: int) -> list[list[SegmentHit]]:
        """The segments most like each query, best first; fewer than `k` where the library has fewer.

        Parameters
        ----------
        queries : ndarray, shape=(q, D), float32
            Unit vectors.
        k : int >= 1
            How many for each.

        Raises
        ------
        ValueError
            Queries of the wrong width, or not finite.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if queries.ndim != 2 or queries.shape[1] != self.model.dim:
            raise ValueError(f"queries must have shape (q, {self.model.dim}), got {queries.shape}")
        if not np.isfinite(queries).all():
            raise ValueError("queries must be finite")
        k = min(k, len(self))
        if k == 0 or len(queries) == 0:
            return [[] for _ in queries]
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if self._cells is not None:
            return [self._near(self._cells, query, k) for query in queries]
        similarity, label = self._searcher.search(queries, k, params=self._selection())
        return [self._hits(s, n) for s, n in zip(similarity, label, strict=True)]

    def _near(self, cells: nearest.Cells, query: FloatArray, k: int) -> list[SegmentHit]:
        """The hits of one query among the rows that the cells name; among all where those are too few."""
        found = cells.near(query, k, offered=None if self._offered.all() else self._offered)
        if len(found) < k:
            similarity, label = self._searcher.search(query[None], k, params=self._selection())
            return self._hits(similarity[0], label[0])
        exact = self._every[found] @ query
        best = np.argsort(-exact, kind="stable")[:k]
        return self._hits(exact[best], found[best])

    def _selection(self) -> Any:
        """What tells faiss which rows are offered; None for all."""
        if self._offered.all():
            return None
        faiss = _faiss()
        bits = np.packbits(self._offered, bitorder="little")
        return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))

    def _hits(self, similarity: FloatArray, label: npt.NDArray[np.int64]) -> list[SegmentHit]:
        """Hits of one query; faiss fills up with -1 where there are not enough."""
        found = label >= 0
        place = np.searchsorted(self._row_of, label[found])
        hits = [
            SegmentHit(self._all_ids[self._owner[i]], int(self._position[i]), float(np.clip(s, -1.0, 1.0)))
            for s, i in zip(similarity[found], place, strict=True)
        ]
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.track_id, hit.segment_index))


def open_library(
    index_dir: Path,
    *,
    model: ModelRef | None = None,
    rules: Rules | None = None,
    allow_spoken: bool = False,
    include_missing: bool = False,
) -> LibraryView:
    """The library in an index folder, for reading.

    Parameters
    ----------
    index_dir : Path
        Folder of the index.
    model : ModelRef, optional
        The networks that will ask; vectors of others are refused. Any by default.
    rules : Rules, optional
        What is offered; by default the rules kept with the index.
    allow_spoken : bool
        Offer spoken word like music, whatever the rules say.
    include_missing : bool
        Offer tracks whose files are gone.

    Raises
    ------
    LibraryError
        No index, an empty one, a damaged one, or one made by another model.
    """
    store = open_store(index_dir)
    try:
        mine = store.model()
        if mine is None:
            raise LibraryError(f"{index_dir}: the index is empty", hint=to_fill(index_dir))
        if model is not None:
            store.require_model(model)
        if allow_spoken:
            rules = replace(rules or read_rules(store), allow_spoken=True)
        return LibraryView(store, mine, rules=rules, include_missing=include_missing)
    except BaseException:
        store.close()
        raise


def require_music(library: LibraryView, index_dir: Path) -> None:
    """Refuse a library that offers nothing.

    Raises
    ------
    LibraryError
        It is empty, or no track is there, long enough and audible.
    """
    if not library.track_ids:
        why = "; `soundtrack library list --left-out` gives the reasons" if library.has_tracks else ""
        found = "no usable track in the index" if why else "the index is empty"
        raise LibraryError(f"{index_dir}: {found}", hint=to_fill(index_dir) + why)
