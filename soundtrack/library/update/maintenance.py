"""Looking after an index: how it stands, whether it is whole, what its rules are, making it smaller,
and taking tracks out.

Goes in: an index folder. Comes out: numbers, or a list of faults, each one line. Looking changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import LibraryError
from soundtrack.files.safe_write import sweep_stale_parts
from soundtrack.library.report import shown
from soundtrack.library.search.library_view import is_usable, write_vectors
from soundtrack.library.search.rules import RuleChange, Rules, read_rules, rules_fault, write_rules
from soundtrack.library.store import rows
from soundtrack.library.store.evidence import evidence_faults, gaps, known_channels
from soundtrack.library.store.files import CELLS_NAME, VECTORS_NAME, is_plain, there_now
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.naming import former_names
from soundtrack.library.store.playlists import read_playlists
from soundtrack.library.store.schema import DAMAGED
from soundtrack.library.store.store import Store, open_store
from soundtrack.library.update.build import write_summary
from soundtrack.types import Channel

_AT_ONCE = 500
"""Tracks that are read together."""


def index_status(index_dir: Path, *, channels: Sequence[Channel] = ()) -> dict[str, object]:
    """How an index stands: model, counts, roots, failures by reason; tracks are missing whose files are so now.

    Parameters
    ----------
    index_dir : Path
        Folder of the index.
    channels : sequence of Channel
        Those whose evidence every track should have.

    Raises
    ------
    LibraryError
        There is no index, or it is damaged.
    """
    with open_store(index_dir) as store:
        model = store.model()
        reasons: dict[str, int] = {}
        for failure in store.failures().values():
            reasons[failure.reason.value] = reasons.get(failure.reason.value, 0) + 1
        counts, n_there = store.counts(), len(there_now(store.locations().values()))
        return {
            "index": shown(index_dir),
            "model": None if model is None else f"{model.name} {model.version}",
            "model_sha256": None if model is None else model.sha256,
            "dim": None if model is None else model.dim,
            **counts,
            "present": n_there,
            "missing": counts["tracks"] - n_there,
            "incomplete": sum(gap.present for gap in gaps(store, channels)),
            "failures_by_reason": dict(sorted(reasons.items())),
            "roots": [shown(root) for root in store.roots()],
        }


def index_faults(index_dir: Path) -> list[str]:
    """What is wrong with an index, as lines for people; empty if all is well. A stale search file is no fault.

    Raises
    ------
    LibraryError
        There is no index, or it is too damaged to be looked at.
    """
    with open_store(index_dir) as store, store.snapshot():
        faults = faults_of(store)
        for name in (VECTORS_NAME, CELLS_NAME):
            noted = store.derived(name)
            path = index_dir / name
            if noted is None or noted.generation != store.generation():
                continue
            if not is_plain(path):
                faults.append(f"{name}: missing; the next run rebuilds it")
            elif not is_usable(store, name, noted.dim):
                faults.append(f"{name}: damaged and not used; the next run rebuilds it")
    return faults


def faults_of(store: Store) -> list[str]:
    """What is wrong with a database itself, as lines for people."""
    faults: list[str] = []
    faults += [f"database: {line}" for (line,) in store.all("PRAGMA integrity_check") if line != "ok"]
    faults += [f"database: {table} has a dangling reference" for table, *_ in store.all("PRAGMA foreign_key_check")]
    faults += _told(store.model, store.generation, store.counts, store.roots, store.failures, store.locations)
    faults += _told(*(functools.partial(store.derived, name) for name in (VECTORS_NAME, CELLS_NAME)))
    faults += _told(functools.partial(read_playlists, store), functools.partial(former_names, store))
    faults += _told(functools.partial(known_channels, store))
    faults += [fault for fault in (rules_fault(store),) if fault is not None]
    if not faults:
        faults += _track_faults(store)
    return faults


def _told(*reads: Callable[[], object]) -> list[str]:
    """What some ways to read a database complain about: whatever is used must make sense."""
    faults = []
    for read in reads:
        try:
            read()
        except LibraryError as error:
            faults.append(str(error).partition(DAMAGED)[2] or str(error))
    return list(dict.fromkeys(faults))


def _track_faults(store: Store) -> list[str]:
    """What is wrong with the tracks, once the rest makes sense: each is read as a film would need it."""
    faults: list[str] = []
    model = store.model()
    names = [str(name) for (name,) in store.all("SELECT track_id FROM tracks ORDER BY track_id")]
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        if _told(functools.partial(store.tracks, some)):  # then one by one, to name each
            for name in some:
                faults += _told(functools.partial(store.tracks, (name,)))
        for name in some:
            faults += _told(functools.partial(store.bars, name), functools.partial(store.warnings, name))
    query = (
        "SELECT t.track_id, v.n_segments, v.segments, v.whole"
        " FROM tracks t LEFT JOIN vectors v ON v.track = t.id ORDER BY t.track_id"
    )
    for track_id, n_segments, segments, whole in store.execute(query):
        name = f"track {str(track_id)[:12]}"
        if n_segments is None or model is None:
            faults.append(f"{name}: has no vectors")
            continue
        try:
            vectors = rows.unit_vectors(segments, "segments", width=model.dim)
            rows.unit_vector(whole, "whole", width=model.dim)
        except rows.RowError as error:
            faults.append(f"{name}: {error}")
            continue
        if len(vectors) != n_segments:
            faults.append(f"{name}: {n_segments} segments, but {len(vectors)} vectors")
    faults += evidence_faults(store)
    return list(dict.fromkeys(faults))


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """How large the files of an index were and are."""

    before_bytes: int
    """Before."""
    after_bytes: int
    """Now."""


def vacuum_index(index_dir: Path, *, wait: bool = False) -> Vacuumed:
    """Give back the room that an index no longer needs, and take away what killed runs left behind.

    Raises
    ------
    LibraryError
        There is no index, it is damaged, or another process is writing it.
    OutputError
        There is no room for the copy that is made on the way; the index is as it was.
    """
    open_store(index_dir).close()  # says so if there is none, before anything is made
    with write_lock(index_dir, wait=wait):
        before = _size(index_dir)
        sweep_stale_parts(index_dir, older_than_s=0)
        with open_store(index_dir, write=True) as store:
            store.execute("VACUUM")
            write_vectors(store)
            write_summary(store, index_dir)
        return Vacuumed(before, _size(index_dir))


def _size(folder: Path) -> int:
    """Bytes in the files of a folder."""
    return sum(path.stat().st_size for path in folder.iterdir() if is_plain(path))


def set_rules(index_dir: Path, change: RuleChange) -> Rules:
    """Change the rules of an index without looking at its music; tells the new ones.

    Raises
    ------
    UsageError
        The change makes no sense.
    LibraryError
        There is no index, or another process is writing it.
    """
    with open_store(index_dir) as store:
        before = read_rules(store)
    after = change.apply(before)
    if after != before:
        with write_lock(index_dir), open_store(index_dir, write=True) as store, store.transaction():
            write_rules(store, after)
    return after


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What `forget_tracks` did."""

    n_removed: int
    """Tracks."""
    n_kept: int
    """Tracks that the last run marked missing and whose files are present again."""
    n_since: int = 0
    """Tracks whose files went missing since the last run, which may be those of a disk that is not mounted."""


def forget_tracks(index_dir: Path, track_ids: Sequence[str], *, missing: bool = False) -> Forgotten:
    """Take tracks out of an index. Their files are not touched.

    Parameters
    ----------
    index_dir : Path
        Folder of the index.
    track_ids : sequence of str
        Which ones.
    missing : bool
        All as well whose files were missing at the last run and still are: a disk may have come back since.

    Raises
    ------
    LibraryError
        There is no index, or another process is writing it.
    """
    open_store(index_dir).close()  # says so if there is none, before anything is made
    with write_lock(index_dir), open_store(index_dir, write=True) as store:
        chosen, back, n_since = set(track_ids), set(), 0
        if missing:
            places = store.locations()
            present = {place.track_id for place in places.values() if place.present}
            gone = {str(track_id) for (track_id,) in store.all("SELECT track_id FROM tracks")} - present
            back = there_now(place for place in places.values() if place.track_id in gone) - chosen
            n_since = len(present - chosen - there_now(places.values()))
            chosen |= gone - back
        with store.transaction():
            for track_id in sorted(chosen):
                store.forget_track(track_id)
        write_vectors(store)
        write_summary(store, index_dir)
    return Forgotten(len(chosen), len(back), n_since)
