"""Resolution of a text to tracks of a library.

Goes in: what a person types, and tracks. Comes out: the tracks of that name, or an error with the nearest names.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from soundtrack.errors import UsageError
from soundtrack.naming.names import composed, folded, names_in
from soundtrack.types import Track

_TO_INDEX = "the file is not in the library: run `soundtrack index` with its folder first"


def find_tracks(text: str, *, tracks: Sequence[Track], former: Mapping[str, str] | None = None) -> list[Track]:
    """The tracks that a text names: by path, file name, folder, id, title, ``artist - title``, artist, album or genre.

    In this order, a file name in the same letters before one that differs in case; an album artist is an artist, and
    of several artists or genres in one tag each counts.

    Parameters
    ----------
    text : str
        Such as ``Battle.mp3``, ``~/Music/calm``, ``ambient`` or the first eight or more letters of an id.
    tracks : sequence of Track
        Of the library.
    former : mapping, optional
        Ids that tracks had before, and the ids that they have now.

    Returns
    -------
    list of Track
        At least one; those of the first way of naming that finds any.

    Raises
    ------
    UsageError
        The library has no such track.
    """
    wanted = text.strip()
    low = folded(wanted)
    path = PurePath(composed(os.fspath(Path(wanted).expanduser() if wanted.startswith("~") else wanted)))
    placed = [(t, [PurePath(composed(os.fspath(at))) for at in (t.path, *t.copies)]) for t in tracks]
    meant = {now for before, now in (former or {}).items() if len(low) >= 8 and before.startswith(low)}
    ways = (
        [t for t, paths in placed if path in paths],
        [t for t, paths in placed if any(composed(wanted) in (at.name, at.stem) for at in paths)],
        [t for t, paths in placed if any(low in (folded(at.name), folded(at.stem)) for at in paths)],
        [t for t, paths in placed if any(_ends_with(at, path) or path in at.parents for at in paths)],
        [t for t in tracks if len(low) >= 8 and (t.track_id.startswith(low) or t.track_id in meant)],
        [t for t, paths in placed if any(low in {folded(p.name) for p in at.parents} for at in paths)],
        [t for t in tracks if low in names_in(t.tags.title)[:1]],
        [t for t in tracks if low == folded(shown_name(t))],
        [t for t in tracks if low in _makers(t)],
    )
    found = next((way for way in ways if way and low), None)
    if found is None:
        is_file = os.path.isfile(path)  # noqa: PTH113 - a name that is too long is no file
        raise UsageError(f"unknown track {wanted!r}", hint=_TO_INDEX if is_file else _nearest(low, tracks))
    return found


def find_one_track(text: str, *, tracks: Sequence[Track], former: Mapping[str, str] | None = None) -> Track:
    """The only track that a text names; parameters as those of `find_tracks`.

    Raises
    ------
    UsageError
        The library has no such track, or several.
    """
    found = find_tracks(text, tracks=tracks, former=former)
    if len(found) > 1:
        names = ", ".join(track.path.name for track in found[:3])
        raise UsageError(f"{text!r} matches {len(found)} tracks: {names}", hint="use more of the path")
    return found[0]


def shown_name(track: Track) -> str:
    """Display name of a track: ``artist - title``, or the name of its file.

    Parameters
    ----------
    track : Track
        Of the library.
    """
    title = track.tags.title or track.path.stem
    return f"{track.tags.artist} - {title}" if track.tags.artist else title


def _nearest(low: str, tracks: Sequence[Track]) -> str:
    """What to type instead: the most similar names, else where all of them are listed."""
    names = {
        folded(name): name
        for t in tracks
        for name in (t.path.name, t.tags.title, shown_name(t), t.tags.artist, t.tags.album, t.tags.genre)
        if name
    }
    near = difflib.get_close_matches(low, names, n=3, cutoff=0.75)
    if near:
        return f"did you mean {' or '.join(repr(names[name]) for name in near)}?"
    return "`soundtrack library list` shows the tracks, --left-out the excluded ones"


def _makers(track: Track) -> set[str]:
    """All names in the tags besides the title, folded."""
    tags = track.tags
    several = (name for tag in (tags.artist, tags.album_artist, tags.genre) for name in names_in(tag))
    return {*several, *names_in(tags.album)[:1]}


def _ends_with(path: PurePath, tail: PurePath) -> bool:
    """Whether a path's last parts are these."""
    return len(tail.parts) > 1 and path.parts[-len(tail.parts) :] == tail.parts
