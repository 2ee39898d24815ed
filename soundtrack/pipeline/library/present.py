"""Tracks of the library whose files are not what the index knows: missing, or replaced by other music since.

Goes in: tracks that a plan plays. Comes out: which of them cannot be played, and what is said of them. The sound of a
file names its track, so a file with new tags is still the same.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.library.identity import Identity, QuickKey, identify
from soundtrack.naming.wording import counted
from soundtrack.types import Track

_SHOWN_NAMES = 3
_MOST_IDENTIFIED = 256


def is_there(track: Track) -> bool:
    """Whether the file of a track can be found."""
    return os.path.isfile(track.path)  # noqa: PTH113 - in a closed folder there is none


def is_replaced(track: Track) -> bool:
    """Whether the file of a track holds other music than when it was indexed; False where it cannot be read."""
    try:
        now = track.path.stat()
        return not _identified(track.path, QuickKey.of(now), now.st_ctime_ns).is_of(track.track_id)
    except (InputError, OSError, ValueError):
        return False


@lru_cache(maxsize=_MOST_IDENTIFIED)
def _identified(path: Path, _key: QuickKey, _changed_ns: int) -> Identity:
    """What a file holds, read once until it changes: the films of a batch play the same tracks."""
    return identify(path)


def require_kept(tracks: Iterable[Track]) -> None:
    """Refuse tracks that were asked for by name and whose files hold other music by now.

    Raises
    ------
    InputError
        One does.
    """
    for track in tracks:
        if is_there(track) and is_replaced(track):
            raise InputError(
                f"{track.path}: contains other music than when it was indexed",
                hint="run `soundtrack index`, and choose again",
                reason=Reason.MISSING,
            )


def unplayable(played: Collection[str], tracks: Mapping[str, Track]) -> frozenset[str]:
    """Those of the played tracks whose files were replaced and, if one is missing, all that are missing.

    Parameters
    ----------
    played : collection of str
        Ids.
    tracks : mapping of str to Track
        The library, by id.
    """
    known = [tracks[track_id] for track_id in played if track_id in tracks]
    replaced = frozenset(track.track_id for track in known if is_there(track) and is_replaced(track))
    if all(map(is_there, known)):
        return replaced
    return replaced | {track_id for track_id, track in tracks.items() if not is_there(track)}


def require_any(gone: Collection[str], tracks: Mapping[str, Track]) -> None:
    """Refuse a library of which no file can be played.

    Raises
    ------
    InputError
        All are missing or replaced.
    """
    if len(gone) < len(tracks):
        return
    (first, *others) = (track.path for track in tracks.values())
    if not others:  # of --track, or of a library with one track
        raise InputError(
            f"{first}: was {'replaced' if os.path.isfile(first) else 'removed'} since it was read",  # noqa: PTH113
            hint="restore the file or connect its drive; if it is in a library, `soundtrack index` updates it",
            reason=Reason.MISSING,
        )
    if not any(map(is_there, tracks.values())):
        raise InputError(
            f"{first.parent}: the library has {counted(len(tracks), 'track')}, and no file of them is there",
            hint="connect the drive that holds the music, or run `soundtrack index` on its new folder",
            reason=Reason.MISSING,
        )
    raise InputError(
        f"{first.parent}: all files of the library were replaced or removed since they were indexed",
        hint="run `soundtrack index`",
        reason=Reason.MISSING,
    )


def left_out(gone: Collection[str], tracks: Mapping[str, Track]) -> tuple[str, ...]:
    """What is said of tracks that are left out, a line for the missing and one for the replaced."""
    missing = [track_id for track_id in gone if not is_there(tracks[track_id])]
    replaced = [track_id for track_id in gone if track_id not in missing]
    return tuple(
        f"{counted(len(ids), 'track')} of the library {one if len(ids) == 1 else many} and left out: "
        f"{_names(tracks[track_id] for track_id in ids)}; `soundtrack index` updates the library"
        for ids, one, many in (
            (missing, "is missing", "are missing"),
            (replaced, "has changed since it was indexed", "have changed since they were indexed"),
        )
        if ids
    )


def _names(tracks: Iterable[Track]) -> str:
    """The first file names."""
    names = sorted(track.path.name for track in tracks)
    return ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
