"""Media files of a cue sheet, for exports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import InputError, LibraryError, Reason
from soundtrack.export.markers import OF_THE_SHEET, TrackMarks
from soundtrack.export.timeline import Media, Sound
from soundtrack.pipeline.sheets.sheet_tracks import present_paths
from soundtrack.types import CueSheet

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and what was not."""

    media: Media
    """The files."""
    paths: Mapping[str, Path]
    """Where the tracks are, by id."""
    warnings: tuple[str, ...]
    """Files that are missing or cannot be read, one line each."""


def find_media(
    sheet: CueSheet,
    *,
    folder: Path,
    film: Path | None = None,
    relative_to: Path | None = None,
    probed: bool = True,
    marked: Sequence[str] = (),
    index: Path | None = None,
) -> Found:
    """The files of a sheet.

    Parameters
    ----------
    sheet : CueSheet
    folder : Path
        Where the film is looked for: the folder of the sheet.
    film : Path, optional
        The film itself, wherever it is.
    relative_to : Path, optional
        Folder against which paths are written; absolute ones without.
    probed : bool
        Whether files are opened for channels, sample rate and start timecode.
    marked : sequence of str
        Kinds of moments to mark; for any but hit points, tracks that the index does not know are analysed.
    index : Path, optional
        Folder of the library index, which knows where tracks are that were moved.

    Raises
    ------
    InputError
        `film` is no file.
    """
    if film is not None and not film.is_file():
        raise InputError(f"{film}: no such file", hint="use --film PATH", reason=Reason.MISSING)
    path = film or folder / Path(sheet.film.name.replace("\x00", "")).name
    warnings = []
    if not path.is_file():
        warnings.append(f"{path}: no such file; use --film PATH")
    present = present_paths(sheet, index)
    tracks = {t.track_id: present[t.track_id] for t in sheet.tracks if t.track_id in present}
    missing = [str(p) for p in tracks.values() if not p.is_file()]
    warnings += [f"{name}: no such file" for name in missing[:_MOST_NAMED]]
    if len(missing) > _MOST_NAMED:
        warnings.append(f"{len(missing) - _MOST_NAMED} more tracks are missing")
    film_sound, start_timecode = _film(path) if probed and path.is_file() else (Sound(), None)
    sounds = {track_id: _sound(p) for track_id, p in tracks.items() if probed and p.is_file()}
    marks, unknown = track_marks(tracks, index) if {*marked} - OF_THE_SHEET else ({}, [])
    warnings += unknown
    return Found(
        media=Media(
            marked=tuple(marked),
            marks=marks,
            film=_written(path, relative_to),
            tracks={track_id: _written(p, relative_to) for track_id, p in tracks.items()},
            film_sound=film_sound,
            sounds=sounds,
            start_timecode=start_timecode,
        ),
        paths=present,
        warnings=tuple(warnings),
    )


def track_marks(tracks: Mapping[str, Path], index: Path | None) -> tuple[dict[str, TrackMarks], list[str]]:
    """Sections, bars and beats of tracks, and a line for each of which they are unknown."""
    from soundtrack.pipeline.library.listened import listen_to
    from soundtrack.pipeline.library.music import open_library

    try:
        with open_library(index, everything=True) as library:
            known, former = library.tracks(), library.former_names()
    except LibraryError:
        known, former = {}, {}
    marks: dict[str, TrackMarks] = {}
    unknown: list[str] = []
    for track_id, path in tracks.items():
        track = known.get(former.get(track_id, track_id))
        try:
            heard = listen_to(path).analysis if track is None else track.analysis
        except InputError as error:
            unknown.append(f"no markers of its music: {error}")
            continue
        marks[track_id] = TrackMarks(heard.sections_s, heard.downbeats_s, heard.beats_s)
    return marks, unknown


def _written(path: Path, relative_to: Path | None) -> str:
    """A path as an export names it: with all its folders, or as seen from a folder."""
    absolute = os.path.abspath(path)  # noqa: PTH100  # links stay as the user names them
    return absolute if relative_to is None else os.path.relpath(absolute, relative_to)


def _film(path: Path) -> tuple[Sound, str | None]:
    """The main sound and the start timecode of a film; of one that cannot be read, nothing."""
    from soundtrack.media.reading.probe import probe

    try:
        info = probe(path)
    except InputError:
        return Sound(), None
    main = info.main_audio
    return Sound(main.channels or 2, main.sample_rate_hz or 48_000) if main else Sound(), info.start_timecode


def _sound(path: Path) -> Sound:
    """The sound of a track; of one that cannot be read, what most have."""
    from soundtrack.media.reading.probe import probe_audio

    try:
        info = probe_audio(path, counted=False)
    except InputError:
        return Sound()
    return Sound(info.channels, info.sample_rate_hz)
