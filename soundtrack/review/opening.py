"""Cue sheet and film of a review, found from either of the two, and what a browser shows of the film.

Goes in: the path of a cue sheet or of a film. Comes out: both paths, checked; the film itself or a small copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.pipeline.sheets.sheet_files import editable, read_cues
from soundtrack.pipeline.sheets.targets import cues_path, scored_path
from soundtrack.progress import Progress, no_progress
from soundtrack.types import VideoInfo

COPIES_BYTES = 2 * 1024**3
"""Small copies that are kept take no more, unless a single one does; an hour of film takes about 1 GB."""
_ELSEWHERE = "copy the cue sheet to a writable folder and name its film with --film, or use `soundtrack cues show`"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What is reviewed."""

    cues: Path
    """Cue sheet, which every step rewrites."""
    film: VideoInfo
    """The film that it is about."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The file that a browser plays."""

    path: Path
    """The film, or a small copy of it."""
    start_s: float
    """Time of its first shown frame as the file counts, in seconds, at least 0."""

    @classmethod
    def itself(cls, film: VideoInfo) -> Shown:
        """The film as it is."""
        return cls(film.path, max(0.0, film.start_s))


@contextlib.contextmanager
def shown_film(film: VideoInfo, *, small: bool | None = None, progress: Progress = no_progress) -> Iterator[Shown]:
    """What a browser shows of a film, while the block runs.

    Parameters
    ----------
    film : VideoInfo
    small : bool, optional
        Whether a small copy is made and shown; by default only where no browser shows the film.

    Raises
    ------
    FfmpegError, OutputError
        The copy cannot be made or written.
    """
    from soundtrack.files.kinds import OWN
    from soundtrack.files.safe_write import replacing, scratch_folder
    from soundtrack.media.writing.previews import some_browser_shows, write_small_copy
    from soundtrack.pipeline.ground.analysis_cache import drop_oldest

    if small is False or (small is None and some_browser_shows(film)):
        yield Shown.itself(film)
        return
    with contextlib.ExitStack() as on_exit:
        folder = _copies() or on_exit.enter_context(scratch_folder())
        told = f"{film.path.resolve()}\n{film.state}\n{film.start_s}"
        copy = folder / f"{hashlib.sha256(told.encode('utf-8', 'surrogateescape')).hexdigest()}.mp4"
        if copy.is_file():
            with contextlib.suppress(OSError):
                os.utime(copy)  # it is the youngest now
        else:
            with replacing(copy, kind=OWN, force=True) as part:
                write_small_copy(film, part, progress=progress)
            drop_oldest(folder, (".mp4",), most_bytes=COPIES_BYTES, besides=copy)
        yield Shown(copy, 0.0)


def _copies() -> Path | None:
    """Where small copies are kept for the next review; None where nothing is to be kept, or cannot be."""
    from soundtrack import resources
    from soundtrack.pipeline.ground.defaults import cache_folder

    folder = resources.cache_dir() / "copies"
    if cache_folder(cache=True) is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def find_reviewed(source: Path, *, film: Path | None = None, edits: bool = True) -> Reviewed:
    """The cue sheet and the film of a review.

    Parameters
    ----------
    source : Path
        A cue sheet (``.json``), or a film with a cue sheet beside it.
    film : Path, optional
        The film of a cue sheet; by default the one that the sheet names, in the folder of the sheet.
    edits : bool
        Whether the sheet is going to be changed; one that cannot be is then refused.

    Raises
    ------
    InputError
        Either is missing or cannot be read, or the sheet is about another film.
    OutputError
        The sheet cannot be edited in place.
    """
    from soundtrack.documents import cuesheet
    from soundtrack.media.reading.probe import probe
    from soundtrack.mix.render import check_film

    if source.suffix.lower() != ".json":
        film = source if film is None else film
        cues = _beside(probe(source))
    else:
        cues = source
    cues = editable(str(cues), hint=_ELSEWHERE) if edits else cues.resolve()
    sheet = read_cues(cues)
    cuesheet.check(sheet, name=str(cues))
    path = film or source.parent / Path(sheet.film.name.replace("\0", "")).name
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="use --film PATH", reason=Reason.MISSING)
    info = probe(path)
    check_film(info, sheet)
    return Reviewed(cues, info)


def _beside(info: VideoInfo) -> Path:
    """The cue sheet of a film, as `score` or a person names it."""
    named = [cues_path(scored_path(info)), cues_path(info.path)]
    own = cues_path(scored_path(info, keeps_suffix=True))  # first: the others may be of another film of its name
    found = next((path for path in (own, *named) if path.is_file()), None)
    if found is None:
        raise InputError(
            f"{info.path}: no cue sheet next to it ({named[0].name} or {named[1].name})",
            hint=f"run `soundtrack score {shlex.quote(str(info.path))}` first, or give the cue sheet",
            reason=Reason.MISSING,
        )
    return found
