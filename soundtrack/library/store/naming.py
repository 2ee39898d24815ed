"""Track ids from the hash of the sound, and renaming of older ids.

Goes in: an open `Store`. Earlier versions named a track by the SHA-256 of its file's bytes. Those names are kept with
the tracks, so that cue sheets and ledgers still find them, and so is the hash of every file that is looked into.
"""

from __future__ import annotations

from pathlib import Path

from soundtrack.library.store import rows
from soundtrack.library.store.schema import NAMING_VERSION, checked
from soundtrack.library.store.store import Store
from soundtrack.types import Tags


def track_of_content(store: Store, sha256: str) -> str | None:
    """The track that a file of these bytes holds; None where no such file was seen."""
    found = store.all("SELECT track_id FROM contents JOIN tracks ON id = track WHERE sha256 = ?", (sha256,))
    return str(found[0][0]) if found else None


def note_content(store: Store, sha256: str, track_id: str) -> None:
    """Note that a file of these bytes holds a track; inside a transaction."""
    store.execute("INSERT OR REPLACE INTO contents SELECT ?, id FROM tracks WHERE track_id = ?", (sha256, track_id))


@checked
def former_names(store: Store) -> dict[str, str]:
    """Hashes of the bytes of files, by which earlier versions named tracks, and the tracks that these are."""
    found = store.all("SELECT sha256, track_id FROM contents JOIN tracks ON id = track WHERE sha256 != track_id")
    return {rows.track_id(sha256): rows.track_id(track_id) for sha256, track_id in found}


def is_named(store: Store, before: str, track_id: str) -> bool:
    """Whether a track has this name already, given in the present way."""
    named = (before, NAMING_VERSION)
    return before == track_id and bool(store.all("SELECT 1 FROM tracks WHERE track_id = ? AND naming = ?", named))


def rename_track(store: Store, before: str, track_id: str) -> None:
    """Name a track by its sound, with all that is known of it; inside a transaction.

    Where a track of that name is there already, it takes in the places and the former names.
    """
    if before != track_id and store.all("SELECT 1 FROM tracks WHERE track_id = ?", (track_id,)):
        for table in ("locations", "contents"):
            store.execute(
                f"UPDATE {table} SET track = (SELECT id FROM tracks WHERE track_id = ?)"
                " WHERE track = (SELECT id FROM tracks WHERE track_id = ?)",
                (track_id, before),
            )
        store.forget_track(before)
        return
    store.execute("UPDATE tracks SET track_id = ?, naming = ? WHERE track_id = ?", (track_id, NAMING_VERSION, before))
    store.execute("UPDATE state SET generation = generation + 1")


@checked
def retag(store: Store, track_id: str, path: Path, tags: Tags) -> None:
    """Take over the tags of a file if it is the one that represents its track; inside a transaction."""
    shown = store.all(
        "SELECT path FROM locations JOIN tracks ON id = track WHERE track_id = ?"
        " ORDER BY status != 'present', path LIMIT 1",
        (track_id,),
    )
    if shown and rows.path(shown[0][0]) == store.to_bytes(path):
        columns = rows.tag_columns(tags)
        changes = ", ".join(f"{name} = ?" for name in columns)
        store.execute(f"UPDATE tracks SET {changes} WHERE track_id = ?", (*columns.values(), track_id))
