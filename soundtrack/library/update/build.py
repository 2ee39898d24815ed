"""Create and update an index: scan, compare, analyse, write, mark missing files.

Goes in: files and folders, an index folder, and a way to make listeners. Comes out: `IndexReport`. Every track is
written in one transaction as soon as it was heard, so an interrupted run loses at most the files being analysed,
and the next run goes on from there. A second run reads only what changed. A file that moved is known by its content
and keeps its track.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from soundtrack.errors import LibraryError, OutputError
from soundtrack.files.safe_read import missing
from soundtrack.library.advice import to_fill
from soundtrack.library.heard import Listener
from soundtrack.library.identity import read_beginning
from soundtrack.library.report import IndexReport, shown
from soundtrack.library.search.library_view import write_vectors, write_whole
from soundtrack.library.search.rules import RuleChange, Rules, read_rules, write_rules
from soundtrack.library.store.files import DATABASE_FILES, REBUILD_NAME, SUMMARY_NAME, SUMMARY_SCHEMA
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.schema import DATABASE_NAME, Found, damaged, look_at, require_no_links
from soundtrack.library.store.store import Store, open_store
from soundtrack.library.update.derive import Projection
from soundtrack.library.update.fill import adopt, fill_gaps
from soundtrack.library.update.outcome import Crew
from soundtrack.library.update.pace import Pace
from soundtrack.library.update.renew import renew
from soundtrack.library.update.scan import scan
from soundtrack.library.update.workers import Workers
from soundtrack.progress import Progress, no_progress
from soundtrack.types import Channel, ModelRef


def build_index(
    paths: Sequence[Path],
    index_dir: Path,
    *,
    model: ModelRef,
    make_listener: Callable[[], Listener],
    jobs: int = 0,
    imports: Sequence[str] = (),
    crew: Crew | None = None,
    pace: float | None = None,
    rebuild: bool = False,
    prune: bool = False,
    retry_failed: bool = False,
    wait: bool = False,
    change: RuleChange | None = None,
    channels: Sequence[Channel] = (),
    projection: Projection | None = None,
    progress: Progress | None = None,
) -> IndexReport:
    """Bring an index up to date with some files and folders; make it if need be.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders; if empty, those of earlier runs.
    index_dir : Path
        Folder of the index.
    model : ModelRef
        The networks behind the listeners.
    make_listener : callable
        Called once in each worker process; must be picklable.
    jobs : int >= 0
        Worker processes; 0 for one per core.
    imports : sequence of str
        Modules that the listeners need, imported once for all worker processes.
    crew : Crew, optional
        Workers to use instead of the processes of this run.
    pace : float, optional
        Share of all cores to take, in (0, 1]; the processes of this run then have the lowest priority.
    rebuild : bool
        Analyse everything again, including the roots of earlier runs; the old index serves until the new one is whole.
    prune : bool
        Believe that files are gone even where most of a folder is, and forget tracks missing since an earlier run.
    retry_failed : bool
        Try files again that could not be used before.
    wait : bool
        Wait for another writer.
    change : RuleChange, optional
        How the rules kept with the index are to change first.
    channels : sequence of Channel
        All channels; known tracks that lack the evidence of one are analysed for it, after all new files.
    projection : Projection, optional
        From evidence to the readings of `model`; an index of another model whose evidence serves is derived by it.
    progress : callable, optional
        Called with ``("scan", done, 0)``, ``("indexing", 0, total)`` and ``("indexing: NAME", done, total)``.

    Raises
    ------
    InputError
        A path does not exist.
    LibraryError
        The index is busy, damaged, made by another model, or most of a known folder is gone.
    OutputError
        The index cannot be written.
    """
    tell = progress or no_progress
    jobs = jobs or os.cpu_count() or 1
    _refuse_nothing(paths, index_dir)
    with write_lock(index_dir, wait=wait):
        known_roots, rules = _known(index_dir) if rebuild else ((), None)
        target = _rebuild_folder(index_dir, model) if rebuild else index_dir
        if not rebuild:
            _refuse_lost(index_dir)
        with (
            open_store(target, write=True, home=index_dir) as store,
            crew or Workers(make_listener, jobs=jobs, imports=imports, pace=Pace(pace) if pace else None) as workers,
        ):
            projected = adopt(store, workers, projection, model, tell=tell) if projection else 0
            store.require_model(model)
            roots = tuple(dict.fromkeys((*paths, *known_roots))) or _earlier_roots(store)
            if not roots:
                raise LibraryError(f"{index_dir}: no music folders given", hint=to_fill(index_dir))
            _set_rules(store, rules, change)
            found = scan(roots, progress=tell)
            report = renew(
                store, found, workers=workers, dim=model.dim, prune=prune, retry_failed=retry_failed, tell=tell
            )
            filled = fill_gaps(store, workers, channels, projection=projection, dim=model.dim, tell=tell)
        if rebuild:
            take_over(target, index_dir)
        with open_store(index_dir, write=True) as store:
            write_vectors(store)
            write_summary(store, index_dir)
        return filled.told_in(replace(report, passed_over=found.passed_over), projected=projected)


# --- where to write ----


def _refuse_nothing(paths: Sequence[Path], index_dir: Path) -> None:
    """Stop before an index is made for nothing."""
    if (index_dir / DATABASE_NAME).exists() or (index_dir / SUMMARY_NAME).exists():
        return  # what is known of the paths is looked up there
    if not paths:
        raise LibraryError(f"{index_dir}: no index found", hint=to_fill(index_dir))
    for path in paths:
        if not os.path.lexists(path):
            raise missing(shown(path), cause="no such file or folder")


def _refuse_lost(index_dir: Path) -> None:
    """Stop where the summary speaks of an index that is not there any more."""
    path = index_dir / DATABASE_NAME
    if (index_dir / SUMMARY_NAME).is_file() and not (path.is_file() and path.stat().st_size > 0):
        raise damaged(path, "the database is missing or empty, but the index summary exists")


def _known(index_dir: Path) -> tuple[tuple[Path, ...], Rules | None]:
    """What an index was made of, as far as it is there, and its rules; nothing where it cannot be read."""
    try:
        with open_store(index_dir) as store:
            return tuple(root for root in store.roots() if root.exists()), read_rules(store)
    except LibraryError:
        return (), None


def _earlier_roots(store: Store) -> tuple[Path, ...]:
    """What earlier runs were given, without folders that are gone and whose music was moved or removed."""
    roots, places = store.roots(), store.locations()
    here = (root for root in roots if os.path.lexists(root) or any(path.is_relative_to(root) for path in places))
    return tuple(here) or roots


def _set_rules(store: Store, rules: Rules | None, change: RuleChange | None) -> None:
    """Take over the rules of the index that is rebuilt, and change them as asked."""
    before = rules or read_rules(store)
    after = before if change is None else change.apply(before)
    if after != read_rules(store):
        with store.transaction():
            write_rules(store, after)


def _rebuild_folder(index_dir: Path, model: ModelRef) -> Path:
    """Folder of a rebuild; an interrupted one by the same model goes on, any other is thrown away."""
    folder = index_dir / REBUILD_NAME
    in_the_way = OutputError(f"{folder}: blocks the rebuild", hint="move it, or choose another folder with --index")
    if folder.exists() and not folder.is_dir():
        raise in_the_way
    require_no_links(*(folder / name for name in DATABASE_FILES))
    if look_at(folder / DATABASE_NAME) is Found.FOREIGN:
        raise in_the_way
    try:
        with open_store(folder) as begun:
            begun.require_model(model)
    except LibraryError:
        remove_database(folder)
    folder.mkdir(exist_ok=True)
    return folder


def remove_database(folder: Path) -> None:
    """Take a database away, its log first, so that a log never meets a database that is not its own."""
    for name in reversed(DATABASE_FILES):
        (folder / name).unlink(missing_ok=True)


def take_over(rebuilt: Path, index_dir: Path) -> None:
    """Put a rebuilt database in the place of the old one."""
    with suppress(LibraryError):  # a damaged one is why it was rebuilt
        open_store(index_dir, write=True).close()  # merges the old log
    for name in DATABASE_FILES[1:]:
        (index_dir / name).unlink(missing_ok=True)
    (rebuilt / DATABASE_NAME).replace(index_dir / DATABASE_NAME)
    remove_database(rebuilt)
    with suppress(OSError):  # it stays if it holds anything else
        rebuilt.rmdir()


def write_summary(store: Store, index_dir: Path) -> None:
    """Write ``index.json``: what a program can know of the index without opening it."""
    model, counts = store.model(), store.counts()
    if model is None:
        return
    summary = {
        "schema": SUMMARY_SCHEMA,
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "dim": model.dim,
        "n_tracks": counts["tracks"],
        "n_segments": counts["segments"],
    }
    content = (json.dumps(summary, indent=2) + "\n").encode()
    path = index_dir / SUMMARY_NAME
    if read_beginning(path, len(content) + 1) != content:
        write_whole(path, content)
