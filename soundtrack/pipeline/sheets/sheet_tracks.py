"""Tracks of a cue sheet or the ledger, and where they are now.

Goes in: sheets and ids of tracks, perhaps of earlier versions, which named tracks by the bytes of their files, and the
library. Comes out: the ids that the library has now, and paths; an id that it does not know stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from soundtrack.errors import InputError, LibraryError, Reason
from soundtrack.library.identity import Identity, identify
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.library.music import open_library
from soundtrack.types import CueSheet, SheetTrack


def present_ids(track_ids: Iterable[str], former: Mapping[str, str]) -> frozenset[str]:
    """The ids that some tracks have now.

    Examples
    --------
    >>> sorted(present_ids(["old", "new"], {"old": "now"}))
    ['new', 'now']
    """
    return frozenset(former.get(track_id, track_id) for track_id in track_ids)


def with_present_ids(sheet: CueSheet, former: Mapping[str, str]) -> CueSheet:
    """The sheet with the ids that its tracks have now, the very same one where none was renamed."""
    if not any(track.track_id in former for track in sheet.tracks):
        return sheet
    tracks: dict[str, SheetTrack] = {}
    for track in sheet.tracks:
        track_id = former.get(track.track_id, track.track_id)
        tracks.setdefault(track_id, replace(track, track_id=track_id))
    return replace(
        sheet,
        tracks=tuple(tracks.values()),
        cues=tuple(replace(cue, track_id=former.get(cue.track_id, cue.track_id)) for cue in sheet.cues),
        alternatives=tuple(
            replace(other, track_id=former.get(other.track_id, other.track_id)) for other in sheet.alternatives
        ),
        vocals=None
        if sheet.vocals is None
        else replace(
            sheet.vocals,
            stems=tuple(
                replace(stem, track_id=former.get(stem.track_id, stem.track_id)) for stem in sheet.vocals.stems
            ),
        ),
    )


def with_files_beside(sheet: CueSheet, near: Iterable[Path]) -> CueSheet:
    """The sheet with its narration, kept voices and vocals where they are now, the very same one if nothing was moved.

    Parameters
    ----------
    sheet : CueSheet
        Its tracks are looked for by `present_paths`.
    near : iterable of Path
        The sheet and its film, as far as they are files: a file that is not at its path is looked for beside them, as
        after a move of the folder.
    """
    near = tuple(near)

    def now(path: str) -> str:
        if as_on_disk(Path(path)).is_file():
            return path
        beside = (as_on_disk(file.parent / Path(path).name) for file in near)
        return next((str(found) for found in beside if found.is_file()), path)

    narration, vocals = sheet.narration, sheet.vocals
    if narration is not None:
        narration = replace(narration, path=now(narration.path))
    if vocals is not None:
        vocals = replace(vocals, stems=tuple(replace(stem, path=now(stem.path)) for stem in vocals.stems))
    moved = replace(sheet, narration=narration, vocals=vocals)
    return sheet if moved == sheet else moved


def track_paths_of(sheet: CueSheet, index: Path | None) -> Mapping[str, Path]:
    """Where the tracks of a sheet's cues lie now, as `present_paths` finds them.

    Raises
    ------
    InputError
        A track is nowhere.
    """
    paths = present_paths(sheet, index)
    for track_id in sorted({cue.track_id for cue in sheet.cues} & paths.keys()):
        if not paths[track_id].is_file():
            raise InputError(
                f"{paths[track_id]}: missing track of the cue sheet",
                hint="restore the file, or run `soundtrack index` on its new folder",
                reason=Reason.MISSING,
            )
    return paths


def present_paths(sheet: CueSheet, index: Path | None) -> Mapping[str, Path]:
    """Where the tracks of a sheet's cues lie, by id: where the sheet says, else where the library saw them.

    With them, by `vocals_of`, the vocals of those whose vocals are lowered: where the sheet says. What is in neither
    place keeps the path of the sheet.
    """
    from soundtrack.mix.plan import vocals_of

    used = {cue.track_id for cue in sheet.cues}
    stems = () if sheet.vocals is None else sheet.vocals.stems
    vocals = {vocals_of(stem.track_id): as_on_disk(Path(stem.path)) for stem in stems if stem.track_id in used}
    paths = {track.track_id: as_on_disk(Path(track.path)) for track in sheet.tracks if track.track_id in used}
    gone = [track_id for track_id, path in paths.items() if not path.is_file()]
    if gone:
        try:
            with open_library(index, everything=True) as library:
                known, former = library.tracks(), library.former_names()
        except LibraryError:
            known, former = {}, {}
        found = {track_id: known.get(former.get(track_id, track_id)) for track_id in gone}
        paths |= {track_id: track.path for track_id, track in found.items() if track and track.path.is_file()}
    return paths | vocals


def replaced_lines(sheet: CueSheet, paths: Mapping[str, Path], index: Path | None) -> tuple[str, ...]:
    """What is said of tracks of a sheet whose files hold other music than when it was made, a line each.

    Parameters
    ----------
    sheet : CueSheet
        Its tracks are named by their sound, in sheets of earlier versions by the bytes of their files.
    paths : mapping of str to Path
        From `track_paths_of`.
    index : Path, optional
        Asked for the present names of tracks of earlier versions.
    """
    others: dict[str, Identity] = {}
    for track_id in sorted(paths.keys() & {track.track_id for track in sheet.tracks}):
        with contextlib.suppress(InputError):  # said where it is mixed
            found = identify(paths[track_id])
            if not found.is_of(track_id):
                others[track_id] = found
    former = _former_names(index) if others else {}
    return tuple(
        f"{paths[track_id]}: contains other music than when the cue sheet was made; "
        "restore the file, or run `soundtrack index` and `soundtrack score`"
        for track_id, found in others.items()
        if former.get(track_id) != found.track_id
    )


def _former_names(index: Path | None) -> Mapping[str, str]:
    """What the library calls tracks of earlier versions; nothing without one."""
    try:
        with open_library(index, everything=True) as library:
            return library.former_names()
    except LibraryError:
        return {}
