"""Cue sheet and film of a review, found from either of the two.

Goes in: the path of a cue sheet or of a film. Comes out: both paths, checked.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.pipeline.sheets.sheet_files import editable, read_cues
from soundtrack.pipeline.sheets.targets import cues_path, scored_path
from soundtrack.types import VideoInfo

_ELSEWHERE = "copy the cue sheet to a writable folder and name its film with --film, or use `soundtrack cues show`"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What is reviewed."""

    cues: Path
    """Cue sheet, which every step rewrites."""
    film: VideoInfo
    """The film that it is about."""


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
