"""One update of a library: compare, analyse the rest, mark missing files.

Goes in: an open `Store` and a `ScanResult`. Comes out: `IndexReport`. Each track is committed as soon as it was
heard. A sound is analysed once, however many files hold it: elsewhere it was moved or copied, changed it was tagged.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from soundtrack.errors import InputError, LibraryError, Reason
from soundtrack.files.safe_read import missing
from soundtrack.library.advice import index_command
from soundtrack.library.heard import Warned
from soundtrack.library.identity import Identity, QuickKey
from soundtrack.library.places import Failure, Location
from soundtrack.library.report import IndexReport, SkippedFile, shown
from soundtrack.library.search.rules import NameRules, read_rules
from soundtrack.library.store.evidence import replace_evidence
from soundtrack.library.store.naming import is_named, note_content, rename_track, retag, track_of_content
from soundtrack.library.store.playlists import read_playlists, write_playlists
from soundtrack.library.store.store import Store
from soundtrack.library.update.disc_images import DiscImage, disc_images
from soundtrack.library.update.outcome import Crew, Outcome
from soundtrack.library.update.scan import ScanResult
from soundtrack.naming.playlists import read_playlist
from soundtrack.progress import Progress

_PASSING = frozenset({Reason.PERMISSION, Reason.MISSING, Reason.NOT_REGULAR, Reason.EMPTY})
"""Reasons that cost nothing to look at again and may have passed."""


class _Run:
    """What is known and counted while a run is under way."""

    def __init__(self, store: Store, found: ScanResult) -> None:
        self.store = store
        self.found = found
        self.there = {file.path for file in found.files}
        self.places = store.locations()
        self.failures = store.failures()
        self.by_track: dict[str, list[Path]] = defaultdict(list)
        for path, place in self.places.items():
            self.by_track[place.track_id].append(path)
        self.gone = self._find_gone()
        self.report = IndexReport()
        self.skipped: list[SkippedFile] = []
        self.warned: list[tuple[Path, str]] = []
        self.noted: list[tuple[Path, str]] = []
        self.images = self._find_images()
        self.names = NameRules(read_rules(store), (*store.roots(), *found.roots))
        self._twins: dict[str, list[tuple[Path, Identity]]] = defaultdict(list)
        self._refused: dict[str, Outcome] = {}  # by the bytes of the file
        self.again: list[Path] = []

    def _find_gone(self) -> set[Path]:
        """Known places under the roots where nothing was found; folders that may not be read are not judged."""
        closed = {entry.path for entry in self.found.refused}
        return {
            path
            for path, place in self.places.items()
            if place.present
            and path not in self.there
            and _under(path, self.found.roots)
            and closed.isdisjoint(path.parents)
        }

    def _find_images(self) -> dict[Path, DiscImage]:
        """Files that hold a whole disc; a raw one is reported, but not analysed."""
        found = [image for sheet in self.found.disc_sheets for image in disc_images(sheet, self.there)]
        images = {image.path: image for image in found}
        for path, image in images.items():
            heard = "indexed as one track" if path in self.there else "not indexed"
            self.noted.append((path, f"{image.note}; {heard}"))
        return images

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter of the report."""
        self.report = replace(self.report, **{name: getattr(self.report, name) + by})

    def skip(self, path: Path, reason: Reason, message: str, *, known: bool = False) -> None:
        """Note a file that could not be used."""
        self.skipped.append(SkippedFile(path, reason, message, known))

    # --- before listening ----

    def compare(self, *, retry_failed: bool) -> dict[Path, QuickKey]:
        """Files that must be looked into, in order; counts those that are as they were."""
        current = self.store.current_track_ids()
        to_hear: dict[Path, QuickKey] = {}
        returned: list[Path] = []
        for file in self.found.files:
            place, failure = self.places.get(file.path), self.failures.get(file.path)
            if place is not None and place.key.same_file(file.key) and place.track_id in current:
                self.count("unchanged")
                if not place.present:
                    returned.append(file.path)
            elif self.names.leaves_out(str(file.path)):
                self.count("excluded")
            elif failure is not None and _stands(failure, file.key) and not retry_failed:
                self.skip(file.path, failure.reason, failure.message, known=True)
            else:
                to_hear[file.path] = file.key
        if returned:
            with self.store.transaction():
                for path in returned:
                    self.store.mark(path, present=True)
        for entry in self.found.refused:
            if not self.names.leaves_out(str(entry.path)):
                self.skip(entry.path, entry.reason, f"{shown(entry.path)}: {entry.message}")
        return to_hear

    # --- listening ----

    def wanted(self, identity: Identity) -> bool:
        """Whether to analyse a sound: once, whichever file comes first."""
        track_id = identity.track_id
        self._rename(identity)
        if track_id in self._twins or identity.sha256 in self._refused or self.store.has_track(track_id):
            return False
        self._twins[track_id] = []
        return True

    def _rename(self, identity: Identity) -> None:
        """Give a track that is known by the bytes of this file the name of its sound; nothing is heard again."""
        before = track_of_content(self.store, identity.sha256)
        if before is None or is_named(self.store, before, identity.track_id):
            return
        with self.store.transaction():
            rename_track(self.store, before, identity.track_id)
        for path in self.by_track.pop(before, []):
            self.places[path] = replace(self.places[path], track_id=identity.track_id)
            self.by_track[identity.track_id].append(path)

    def take(self, outcome: Outcome, key: QuickKey, *, dim: int) -> None:
        """Write what became of one file."""
        identity = outcome.identity
        if outcome.reason is not None and not os.path.lexists(outcome.path):
            self._take_vanished(outcome)
        elif outcome.reason is not None:
            self._take_failure(outcome, key if identity is None else identity.key)
        elif identity is None:
            raise ValueError(f"{outcome.path}: analysed, but not identified")
        elif outcome.heard is not None:
            heard = outcome.heard
            if outcome.path in self.images:
                heard = replace(heard, warnings=(*heard.warnings, Warned.DISC))
            with self.store.transaction():
                self.store.save_track(identity.track_id, heard, dim=dim)
                replace_evidence(self.store, identity.track_id, heard.evidence)
                self._settle(outcome.path, identity, heard=True)
                for path, its_identity in self._twins.pop(identity.track_id, []):
                    self._settle(path, its_identity, heard=False)
            self.warned.extend((outcome.path, warning.value) for warning in heard.warnings)
        elif identity.sha256 in self._refused:
            first = self._refused[identity.sha256]
            message = first.message.replace(str(first.path), str(outcome.path))
            self._take_failure(replace(first, path=outcome.path, message=message), identity.key)
        elif self.store.has_track(identity.track_id):
            with self.store.transaction():
                self._settle(outcome.path, identity, heard=False)
        elif identity.track_id in self._twins:
            self._twins[identity.track_id].append((outcome.path, identity))
        else:
            self.again.append(outcome.path)

    def _take_failure(self, outcome: Outcome, key: QuickKey) -> None:
        """Note a file that could not be used and those of the same bytes; one with only its sound has its own turn."""
        if outcome.reason is None:
            raise ValueError(f"{outcome.path}: no failure")
        failed = [(outcome.path, key)]
        if outcome.identity is not None:
            self._refused.setdefault(outcome.identity.sha256, outcome)
            twins = self._twins.pop(outcome.identity.track_id, [])
            failed += [(path, its.key) for path, its in twins if its.sha256 == outcome.identity.sha256]
            self.again += [path for path, its in twins if its.sha256 != outcome.identity.sha256]
        with self.store.transaction():
            for path, its_key in failed:
                message = shown(outcome.message.replace(str(outcome.path), str(path)))
                self.store.fail(Failure(path, its_key, outcome.reason, message))
                self.skip(path, outcome.reason, message)

    def _take_vanished(self, outcome: Outcome) -> None:
        """A file that went away before it was heard: nothing is concluded from that, and its track stays."""
        _require_folders(self.found)
        if outcome.identity is not None:  # the others of its sound waited for it, and have their own turn now
            self.again += [path for path, _ in self._twins.pop(outcome.identity.track_id, [])]
        self.skip(outcome.path, Reason.MISSING, f"{shown(outcome.path)}: disappeared during indexing")
        if outcome.path in self.places:
            self.gone.add(outcome.path)

    def _settle(self, path: Path, identity: Identity, *, heard: bool) -> None:
        """Note that a track is at a path, and count what that means."""
        before, track_id = self.places.get(path), identity.track_id
        self.store.place(path, track_id, identity.key)
        is_new_content = track_of_content(self.store, identity.sha256) is None
        note_content(self.store, identity.sha256, track_id)
        if not heard:
            retag(self.store, track_id, path, identity.tags)
        if before is not None:
            is_other = heard or before.track_id != track_id
            self.count("updated" if is_other else "retagged" if is_new_content else "unchanged")
            return
        left = [] if heard else [place for place in self.by_track[track_id] if self._is_left(place)]
        if left:
            self.by_track[track_id].remove(left[0])
            self.gone.discard(left[0])
            self.store.unplace(left[0])
            retag(self.store, track_id, path, identity.tags)
        self.count("added" if heard else "moved" if left else "copies")

    def _is_left(self, path: Path) -> bool:
        """Whether a known place of a track is one that it has left."""
        return path in self.gone or (path not in self.there and not path.exists())

    # --- after listening ----

    def tidy(self, *, prune: bool) -> None:
        """Mark what is gone, drop what is over, and with `prune` forget what was missing before this run."""
        with self.store.transaction():
            for path in sorted(self.gone):
                self.store.mark(path, present=False)
                self.count("missing")
            self._note_skipped()
            self.store.forget_homeless()
            if prune:
                for path, place in self.places.items():
                    if not place.present and path not in self.there and _under(path, self.found.roots):
                        self.store.unplace(path)
                self.count("forgotten", self.store.forget_homeless())

    def _note_skipped(self) -> None:
        """Let the failures that are kept be those that this run found, whatever kept the files from being used."""
        skipped = {entry.path: entry for entry in self.skipped}
        for path in self.store.failures():
            if path not in skipped and _under(path, self.found.roots):
                self.store.unfail(path)
        for path, entry in skipped.items():
            if entry.reason in _PASSING:
                self.store.note_failure(Failure(path, QuickKey(0, 0, 0, 0), entry.reason, shown(entry.message)))

    def remember_playlists(self) -> None:
        """Read the playlists on the way; one that cannot be read keeps what is known of it."""
        known = read_playlists(self.store)
        there = {path for path in self.found.playlists if not self.names.leaves_out(str(path))}
        read: dict[Path, Sequence[Path]] = {}
        for path in sorted(there, key=os.fsencode):
            try:
                read[path] = read_playlist(path)
            except InputError as error:
                self.noted.append((path, f"unreadable playlist: {shown(str(error).removeprefix(f'{path}: '))}"))
        gone = [path for path in known if path not in there and _under(path, self.found.roots)]
        changed = {path: named for path, named in read.items() if known.get(path) != tuple(named)}
        self.count("playlists", len(there))
        if gone or changed:
            with self.store.transaction():
                write_playlists(self.store, changed, gone=gone)

    def finish(self) -> IndexReport:
        """The report, with its lists sorted and the index counted."""
        counts = self.store.counts()
        return replace(
            self.report,
            skipped=tuple(sorted(self.skipped, key=lambda s: os.fsencode(s.path))),
            warned=tuple(sorted(self.warned, key=lambda w: (os.fsencode(w[0]), w[1]))),
            noted=tuple(sorted(self.noted, key=lambda n: (os.fsencode(n[0]), n[1]))),
            n_tracks=counts["tracks"],
            n_segments=counts["segments"],
            without_music=self._without_music(),
        )

    def _without_music(self) -> tuple[Path, ...]:
        """The folders that were looked through and hold no music, and never did."""
        known = [*self.there, *self.places, *(entry.path for entry in self.found.refused)]
        roots = (root for root, _, _ in self.found.folders)
        return tuple(root for root in roots if not any(path.is_relative_to(root) for path in known))


def renew(
    store: Store,
    found: ScanResult,
    *,
    workers: Crew,
    dim: int,
    prune: bool,
    retry_failed: bool,
    tell: Progress,
) -> IndexReport:
    """Bring a store up to date with what was found.

    Parameters
    ----------
    store : Store
        Open for writing.
    found : ScanResult
        What is under the roots.
    workers : Crew
        Workers that analyse files.
    dim : int
        Length of the vectors.
    prune, retry_failed : bool
        As in `soundtrack.library.update.build.build_index`.
    tell : callable
        Called with ``("indexing", 0, total)``, then ``("indexing: NAME", done, total)``.

    Raises
    ------
    InputError
        A root does not exist and never did.
    LibraryError
        Most of a root is gone, or it is gone itself.
    """
    run = _Run(store, found)
    _require_roots(found, run.places, prune=prune, index_dir=store.index_dir)
    _require_folders(found)
    to_hear = run.compare(retry_failed=retry_failed)
    if not prune:
        _refuse_unmounted(found.roots, run.places, run.gone, to_hear.values(), index_dir=store.index_dir)
    with store.transaction():
        for root in found.roots:
            store.add_root(root)
    tell("indexing", 0, len(to_hear))
    for done, outcome in enumerate(workers.listen(to_hear, wanted=run.wanted), start=1):
        run.take(outcome, to_hear[outcome.path], dim=dim)
        tell(f"indexing: {shown(outcome.path.name)}", done, len(to_hear))
    while run.again:
        waiting, run.again = run.again, []
        for outcome in workers.listen(waiting, wanted=run.wanted):
            run.take(outcome, to_hear[outcome.path], dim=dim)
    _require_folders(found)
    run.remember_playlists()
    run.tidy(prune=prune)
    return run.finish()


def _stands(failure: Failure, key: QuickKey) -> bool:
    """Whether trying a file again would end as before."""
    return failure.key.same_file(key) and failure.reason not in _PASSING


def _under(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path is one of the roots or is under one."""
    return any(path.is_relative_to(root) for root in roots)


def _require_folders(found: ScanResult) -> None:
    """Stop where a folder is not what it was when the run began, as when a disk goes away; the analysis is kept."""
    for root, device, inode in found.folders:
        try:
            status = root.stat()
        except OSError:
            status = None
        if status is None or (status.st_dev, status.st_ino) != (device, inode):
            raise LibraryError(
                f"{shown(root)}: disappeared during indexing; results so far are kept",
                hint="reconnect it and run the same command again",
            )


def _require_roots(found: ScanResult, places: dict[Path, Location], *, prune: bool, index_dir: Path) -> None:
    """Refuse paths that do not exist; known ones may be disks that are not mounted."""
    for root in found.missing_roots:
        known = [place for path, place in places.items() if _under(path, [root])]
        if not known:
            raise missing(shown(root), cause="no such file or folder")
        if (present := sum(place.present for place in known)) and not prune:
            raise _unmounted(root, present, present, index_dir=index_dir)


def _refuse_unmounted(
    roots: Sequence[Path],
    places: dict[Path, Location],
    gone: set[Path],
    arrived: Iterable[QuickKey],
    *,
    index_dir: Path,
) -> None:
    """Stop where most of a folder is gone: it is more likely that a disk is not there than that all was deleted."""
    if not gone:
        return
    moved = {(key.size_bytes, key.mtime_ns) for key in arrived}
    for root in roots:
        known = [path for path, place in places.items() if place.present and _under(path, [root])]
        keys = [places[path].key for path in known if path in gone]
        lost = sum((key.size_bytes, key.mtime_ns) not in moved for key in keys)
        if 2 * lost > len(known):
            raise _unmounted(root, lost, len(known), index_dir=index_dir)


def _unmounted(root: Path, lost: int, known: int, *, index_dir: Path) -> LibraryError:
    return LibraryError(
        f"{shown(root)}: {lost} of {known} tracks are missing; is the disk mounted?",
        hint="mount the disk and try again, or run `soundtrack index` on the new folder if the music was moved; "
        f"to remove the missing tracks, run `{index_command(index_dir, '--prune', shlex.quote(shown(root)))}`",
    )
