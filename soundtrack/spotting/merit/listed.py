"""Tracks named by ``--only`` and ``--avoid``: words that `find_tracks` knows, and playlists.

Goes in: names from the command line, and the library's tracks. Comes out: track ids, and a line for each playlist of
which something is missing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import UsageError
from soundtrack.naming.names import as_on_disk, composed, folded
from soundtrack.naming.playlists import is_playlist, read_playlist
from soundtrack.naming.track_names import find_tracks
from soundtrack.queries.vocabulary import SUNG_FROM, UNSUNG
from soundtrack.types import Track


@dataclass(frozen=True, slots=True)
class Listed:
    """Tracks that were named."""

    ids: frozenset[str]
    """Their ids."""
    notes: tuple[str, ...]
    """What could not be found, one line for each playlist."""


def find_listed(
    names: Sequence[str],
    *,
    tracks: Sequence[Track],
    playlists: Mapping[Path, Sequence[str]] | None = None,
    former: Mapping[str, str] | None = None,
) -> Listed:
    """The tracks that any of some names means.

    Parameters
    ----------
    names : sequence of str
        As `find_tracks` takes them, or paths of playlists, or names of playlists that lie in the library.
    tracks : sequence of Track
        Of the library.
    playlists : mapping, optional
        Ids of the tracks that each playlist of the library names.
    former : mapping, optional
        As `find_tracks` takes it.

    Raises
    ------
    UsageError
        A name means nothing in this library.
    InputError
        A playlist cannot be read.
    """
    ids: set[str] = set()
    notes: list[str] = []
    for name in names:
        path = as_on_disk(Path(name.strip()).expanduser())
        if not is_playlist(path):
            ids.update(_called(name, tracks, playlists or {}, former))
            continue
        if not path.exists() and (remembered := _remembered(path.name, playlists or {})):
            ids.update(remembered)
            continue
        found, n_missing, n_files = in_playlist(path, tracks)
        if not found:
            whose = "its only file is not" if n_files == 1 else f"none of its {n_files} files are"
            what = f"{whose} in the library" if n_files else "the playlist is empty"
            raise UsageError(f"{path}: {what}", hint="run `soundtrack index` on the folders of its music")
        ids.update(found)
        if n_missing:
            notes.append(f"{path.name}: {n_files - n_missing} of its {n_files} files are in the library")
    return Listed(frozenset(ids), tuple(notes))


def _called(
    name: str, tracks: Sequence[Track], playlists: Mapping[Path, Sequence[str]], former: Mapping[str, str] | None
) -> set[str]:
    """Ids of the tracks that a word names; what else it may mean comes before a playlist."""
    try:
        return {track.track_id for track in find_tracks(name, tracks=tracks, former=former)}
    except UsageError as error:
        remembered = _remembered(name.strip(), playlists)
        if not remembered and folded(name) in UNSUNG:  # a name for all music that is not sung
            remembered = {t.track_id for t in tracks if (t.analysis.vocal_share or 0.0) < SUNG_FROM}
        if not remembered:
            what = "no track, artist, album, genre, folder or playlist of the library"
            raise UsageError(f"unknown name {name.strip()!r}: {what}", hint=error.hint) from error
        return remembered


def _remembered(name: str, playlists: Mapping[Path, Sequence[str]]) -> set[str]:
    """Ids of the tracks of the library's playlists of this name, with or without its ending."""
    low = folded(name)
    return {
        track_id
        for path, track_ids in playlists.items()
        if low in (folded(path.name), folded(path.stem))
        for track_id in track_ids
    }


def in_playlist(path: Path, tracks: Sequence[Track]) -> tuple[set[str], int, int]:
    """Ids of the tracks that a playlist names, how many of its files the library lacks, and how many it names."""
    files = read_playlist(path)
    places = [(at, track.track_id) for track in tracks for at in (track.path, *track.copies)]
    plain = {composed(os.path.normpath(at)): track_id for at, track_id in places}
    found = {file: plain.get(composed(str(file))) for file in files}
    if None in found.values():
        followed = {composed(os.path.realpath(at)): track_id for at, track_id in places}
        found = {file: track_id or followed.get(composed(os.path.realpath(file))) for file, track_id in found.items()}
    ids = {track_id for track_id in found.values() if track_id is not None}
    return ids, sum(track_id is None for track_id in found.values()), len(files)
