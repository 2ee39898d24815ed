"""Scene sheets and cue sheets as files."""

from __future__ import annotations

from soundtrack.documents import cuesheet, scenesheet
from soundtrack.files import safe_read
from soundtrack.files.kinds import CUE_SHEET, SCENE_SHEET
from soundtrack.files.safe_write import write_text
from soundtrack.pipeline.ground.paths import PathLike, as_path
from soundtrack.types import CueSheet, SceneSheet


def read_scenes(path: PathLike) -> SceneSheet:
    """The scene sheet in a JSON file.

    Parameters
    ----------
    path : path
        A file or a pipe, at most 32 MiB.

    Raises
    ------
    InputError
        It is missing, too large, or no valid scene sheet; the message names the place.
    """
    return scenesheet.loads(_read(path), name=str(path))


def read_cues(path: PathLike) -> CueSheet:
    """The cue sheet in a JSON file.

    Parameters
    ----------
    path : path
        A file or a pipe, at most 32 MiB.

    Raises
    ------
    InputError
        It is missing, too large, or no valid cue sheet; the message names the place.
    """
    return cuesheet.loads(_read(path), name=str(path))


def write_scenes(sheet: SceneSheet, path: PathLike, *, force: bool = False) -> None:
    """Write a scene sheet as JSON, whole or not at all.

    Parameters
    ----------
    sheet : SceneSheet
        From `scenes`.
    path : path
        The file.
    force : bool
        Replace an existing scene sheet.

    Raises
    ------
    OutputError
        The file exists and may not be replaced, or cannot be written.
    """
    write_text(as_path(path), scenesheet.dumps(sheet), kind=SCENE_SHEET, force=force)


def write_cues(sheet: CueSheet, path: PathLike, *, force: bool = False) -> None:
    """Write a cue sheet as JSON, whole or not at all.

    Parameters
    ----------
    sheet : CueSheet
        From `spot`, perhaps changed.
    path : path
        The file.
    force : bool
        Replace an existing cue sheet.

    Raises
    ------
    OutputError
        The file exists and may not be replaced, or cannot be written.
    """
    write_text(as_path(path), cuesheet.dumps(sheet), kind=CUE_SHEET, force=force)


def _read(path: PathLike) -> str:
    return safe_read.read_text(as_path(path), most_bytes=safe_read.DOCUMENT_BYTES, pipes=True)
