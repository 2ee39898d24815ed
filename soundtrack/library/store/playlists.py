"""Playlists found in the library, stored in the index.

Goes in: an open `Store` and what a walk found. Comes out: which tracks each playlist names. Entries are kept as places,
whether or not music lies there yet; files that are not in the index are omitted from answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from soundtrack.library.store import rows
from soundtrack.library.store.schema import checked
from soundtrack.library.store.store import Store


@checked
def read_playlists(store: Store) -> dict[Path, tuple[Path, ...]]:
    """The places that each remembered playlist names, in its order; sorted by the bytes of the playlists' paths."""
    found: dict[Path, list[Path]] = {
        store.to_path(rows.path(path)): [] for (path,) in store.all("SELECT path FROM playlists ORDER BY path")
    }
    entries = store.all("SELECT playlist, path FROM playlist_entries ORDER BY playlist, position")
    for playlist, path in entries:
        found[store.to_path(rows.path(playlist))].append(store.to_path(rows.path(path)))
    return {path: tuple(named) for path, named in found.items()}


def write_playlists(store: Store, playlists: Mapping[Path, Sequence[Path]], *, gone: Collection[Path] = ()) -> None:
    """Remember playlists as they are now, and forget some; inside a transaction."""
    for path in (*gone, *playlists):
        store.execute("DELETE FROM playlists WHERE path = ?", (store.to_bytes(path),))
    for path, named in playlists.items():
        stored = store.to_bytes(path)
        store.execute("INSERT INTO playlists VALUES (?)", (stored,))
        for position, entry in enumerate(named):
            store.execute("INSERT INTO playlist_entries VALUES (?, ?, ?)", (stored, position, store.to_bytes(entry)))


@checked
def playlist_tracks(store: Store, offered: Collection[str]) -> dict[Path, tuple[str, ...]]:
    """The offered tracks that each remembered playlist names, in its order, each once.

    Parameters
    ----------
    store : Store
        Open.
    offered : collection of str
        Ids of tracks; others are left out.
    """
    found = store.all(
        "SELECT p.path, t.track_id FROM playlists p LEFT JOIN playlist_entries e ON e.playlist = p.path"
        " LEFT JOIN locations l ON l.path = e.path LEFT JOIN tracks t ON t.id = l.track ORDER BY p.path, e.position"
    )
    named: dict[Path, dict[str, None]] = {}
    for path, track_id in found:
        tracks = named.setdefault(store.to_path(rows.path(path)), {})
        if track_id in offered:
            tracks[str(track_id)] = None
    return {path: tuple(tracks) for path, tracks in named.items()}
