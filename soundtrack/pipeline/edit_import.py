"""An edited time line back into the cue sheet that it was exported from: the files behind its clips, then the changes.

Goes in: the sheet, and the text of the edited document. Comes out: the sheet with the changes as locked cues. Music
that the sheet does not know is looked up in the library, else analysed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, LibraryError, Reason
from soundtrack.export import FORMATS, export
from soundtrack.export.clips import shown_name
from soundtrack.export.edited.changes import Edited, with_edit
from soundtrack.export.edited.line import EditClip, shared_parts
from soundtrack.export.edited.read import format_of, read_edit
from soundtrack.export.timeline import timeline_of
from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.sheets.exports import find_media
from soundtrack.pipeline.sheets.swap import ducked, mix_of
from soundtrack.spotting.plan.place import loudness_trim_db
from soundtrack.types import CueSheet, Track


def import_edit(
    sheet: CueSheet,
    text: str,
    *,
    name: str = "edited time line",
    folder: Path | None = None,
    film: Path | None = None,
    index: Path | None = None,
) -> Edited:
    """The sheet as it was edited in another program.

    Parameters
    ----------
    sheet : CueSheet
        The one that was exported.
    text : str
        The edited time line: OpenTimelineIO, FCPXML, Final Cut Pro 7 XML, CMX 3600 or MLT.
    name : str
        What errors call the time line; its folder is where relative files are looked for.
    folder : Path, optional
        Folder of the sheet, where the film is looked for.
    film : Path, optional
        The film, wherever it is.
    index : Path, optional
        Folder of the library index, for music that the sheet does not have, and for tracks that were moved.

    Returns
    -------
    Edited
        With cues that were moved, trimmed, replaced or made louder locked; the very same sheet where nothing changed.

    Raises
    ------
    InputError
        The time line cannot be read, names a file that is missing, or cannot be held by a cue sheet.
    """
    cuesheet.check(sheet)
    chosen = format_of(text, name=name)
    media = find_media(sheet, folder=folder or Path(), film=film, index=index).media
    line = timeline_of(sheet, media=media, highest_db=FORMATS[chosen].highest_db)
    exported = read_edit(export(sheet, chosen, media=media), name="export", fps=line.fps, start=line.grid.start)
    edited = read_edit(text, name=name, fps=line.fps, start=line.grid.start)
    files = _Files(sheet, Path(name).parent, index)
    track_ids = [files.track_id(clip) if clip.is_heard else "" for clip in edited.clips]
    found = with_edit(
        sheet,
        exported,
        edited,
        fps=line.fps,
        tracks=files.tracks,
        track_ids=track_ids,
        gains_db=files.gains_db,
        music_db=line.music_gain_db,
        name=name,
    )
    if not found.changes:
        return replace(found, sheet=sheet)
    if found.music_moved and not found.levels_drawn:
        found = _with_ducking(found, files)
    return replace(found, sheet=cuesheet.rounded(found.sheet))


def _with_ducking(found: Edited, files: _Files) -> Edited:
    """The sheet with the ducking that its music needs where it is now."""
    sheet = found.sheet
    used = {cue.track_id for cue in sheet.cues}
    known = files.analysed(used)
    if not sheet.speech or not used:
        return found
    if not used <= known.keys():
        line = "ducking is as before: the library does not have all tracks; `soundtrack index` adds them"
        return replace(found, warnings=(*found.warnings, line))
    return replace(found, sheet=ducked(sheet, known, mix_of(sheet)))


class _Files:
    """Which track a clip plays.

    Parameters
    ----------
    sheet : CueSheet
        Whose tracks come first.
    folder : Path
        Where relative files are looked for.
    index : Path, optional
        Folder of the library index.
    """

    def __init__(self, sheet: CueSheet, folder: Path, index: Path | None) -> None:
        self.tracks = {track.track_id: track for track in sheet.tracks}
        self.gains_db = {track.track_id: loudness_trim_db(track.loudness_lufs) for track in sheet.tracks}
        """What brings each track to the common loudness."""
        self._folder, self._index = folder, index
        self._library: Mapping[str, Track] | None = None
        self._given: dict[str, Track] = {}

    def track_id(self, clip: EditClip) -> str:
        """The track of a clip.

        Raises
        ------
        InputError
            Its file is neither a track that is known nor a file that exists.
        """
        path = self._folder / clip.file if clip.file else None
        if path is not None and not path.is_file():
            path = None
        known = self._known(clip, path)
        if known is not None:
            return known
        if path is None:
            raise InputError(
                f"{clip.file or clip.name or 'a clip'}: no such file, and no track of the cue sheet",
                hint="restore the file, or remove the clip in the editing program",
                reason=Reason.MISSING,
            )
        return self._added(path)

    def _known(self, clip: EditClip, path: Path | None) -> str | None:
        """A track of the sheet: the same file, one with the same name, or the same title."""
        ranked = []
        for track in self.tracks.values():
            own = Path(track.path.replace("\0", ""))
            if path is not None and own.is_file():
                if own.samefile(path):
                    return track.track_id
                continue  # two files, whatever their names
            parts = shared_parts(clip.file, track.path) if clip.file else 0
            named = shown_name(track) == clip.name
            if parts or (named and not clip.file):
                ranked.append((parts, named, track.track_id))
        return max(ranked)[2] if ranked else None

    def _added(self, path: Path) -> str:
        """A track that the sheet does not have: of the library, or analysed."""
        from soundtrack.library.identity import identify
        from soundtrack.pipeline.given import given_track
        from soundtrack.spotting.plan.place import sheet_track

        track_id = identify(path).track_id
        if track_id not in self.tracks:
            track = self._all().get(track_id)
            if track is None:
                track = self._given[track_id] = given_track(path)
            self.tracks[track_id] = replace(sheet_track(track), path=str(path))
            self.gains_db[track_id] = loudness_trim_db(track.loudness.integrated_lufs)
        return track_id

    def _all(self) -> Mapping[str, Track]:
        """The tracks of the library; none without one."""
        if self._library is None:
            try:
                with open_library(self._index, everything=True) as library:
                    self._library = library.tracks()
            except LibraryError:
                self._library = {}
        return self._library

    def analysed(self, track_ids: set[str]) -> Mapping[str, Track]:
        """What is known of some tracks from the library, or was found out now."""
        known = {**self._all(), **self._given}
        return {track_id: known[track_id] for track_id in track_ids if track_id in known}
