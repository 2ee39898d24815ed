"""Scene sheets and cue sheets as files."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from soundtrack.documents import cuesheet, scenesheet
from soundtrack.errors import OutputError
from soundtrack.files import safe_read
from soundtrack.files.kinds import CUE_SHEET, SCENE_SHEET
from soundtrack.files.safe_write import replacing, write_text
from soundtrack.files.targets import require_folder
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


def editable(source: str, *, hint: str = "use -o FILE, or -o - for stdout") -> Path:
    """The file that is changed in place: a link is followed, and what must not or cannot be written is refused.

    Parameters
    ----------
    source : str
        Its name.
    hint : str
        What to do where it cannot be changed.

    Raises
    ------
    OutputError
        The file cannot be changed in place.
    """
    path = Path(source)
    if not path.exists():
        return path  # said better where it is read
    path = path.resolve()
    if not path.is_file():
        raise OutputError(f"{source}: not a regular file, cannot be edited in place", hint=hint)
    if not os.access(path, os.W_OK):
        raise OutputError(f"{source}: write-protected, cannot be edited in place", hint=hint)
    try:
        require_folder(path.parent, hint=hint)
    except OutputError as error:
        reason = str(error).removeprefix(f"{path.parent}: ")
        raise OutputError(
            f"{source}: cannot be edited in place: its folder {path.parent} {reason}", hint=hint
        ) from error
    return path


def digest(text: str) -> str:
    """What tells a text from others; of a file, that of what is read from it, without a byte order mark."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest_of(path: Path) -> str:
    """The digest of a sheet as it is on the disk now.

    Raises
    ------
    InputError
        It cannot be read.
    """
    return digest(_read(path))


def rewrite_cues(path: Path, text: str, *, before: str) -> None:
    """Put a new text in the place of a cue sheet, at once, with the same permissions.

    Parameters
    ----------
    path : Path
        From `editable`.
    text : str
        From `soundtrack.documents.cuesheet.dumps`.
    before : str
        Digest of the text that was edited.

    Raises
    ------
    InputError
        It is gone, or cannot be read any more.
    OutputError
        It was changed meanwhile, which would be lost, or cannot be written.
    """
    if digest_of(path) != before:
        hint = "run the same command again"
        raise OutputError(f"{path}: was changed by another program meanwhile; nothing was written", hint=hint)
    mode = stat.S_IMODE(path.stat().st_mode)
    with replacing(path, kind=CUE_SHEET, force=True) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.chmod(mode)


def _read(path: PathLike) -> str:
    return safe_read.read_text(as_path(path), most_bytes=safe_read.DOCUMENT_BYTES, pipes=True)
