"""What `soundtrack review --ab` does: prepare a comparison, or sum up its answers."""

from __future__ import annotations

from pathlib import Path

from soundtrack import api
from soundtrack.documents import cuesheet
from soundtrack.documents.answers import OPPONENTS
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.sheets.sheet_files import read_cues
from soundtrack.pipeline.sheets.sheet_tracks import with_files_beside
from soundtrack.progress import Progress, no_progress
from soundtrack.review.ab.app import Comparison
from soundtrack.review.ab.pairs import make_trials
from soundtrack.review.ab.results import Result, results
from soundtrack.review.ab.terms import weigh
from soundtrack.review.answers import answers_path, read_answers
from soundtrack.review.opening import Reviewed
from soundtrack.types import Conditions, CueSheet

_BY_NAME = tuple(name for name in OPPONENTS if name != "former")


def prepare(
    reviewed: Reviewed,
    *,
    against: str,
    n_pairs: int,
    seed: int,
    index: Path | None = None,
    progress: Progress = no_progress,
) -> Comparison:
    """A comparison of a cue sheet with an opponent.

    Parameters
    ----------
    reviewed : Reviewed
        Cue sheet and film.
    against : str
        The opponent: ``random``, ``arousal``, ``true``, or the path of an earlier cue sheet of the film.
    n_pairs : int > 0
        Number of different pairs.
    seed : int >= 0
        Decides the pairs and their order.
    index : Path, optional
        Folder of the library index.

    Raises
    ------
    UsageError
        There is no such opponent.
    SoundtrackError
        The library or the film cannot be read, or there is nothing to compare.
    """
    sheet = with_files_beside(read_cues(reviewed.cues), [reviewed.cues, reviewed.film.path])
    former = None if against in _BY_NAME else _former(against, sheet)
    held = sheet.conditions or Conditions()
    scenes = api.scenes(
        reviewed.film.path,
        subtitles=held.subtitles,
        faces=held.faces,
        face_weight=held.face_weight,
        progress=progress,
    )
    with open_library(index) as library:
        weighed = weigh(scenes, library, keep_original=sheet.mix.keep_original)
    name = against if former is None else "former"
    trials = make_trials(sheet, weighed, against=name, n_pairs=n_pairs, seed=seed, former=former)
    return Comparison(reviewed.film, sheet, trials, answers_path(), index, former)


def _former(name: str, sheet: CueSheet) -> CueSheet:
    """An earlier cue sheet of the same film."""
    path = Path(name)
    if not path.is_file():
        raise UsageError(
            f"--against {name}: unknown", hint=f"use one of: {', '.join(_BY_NAME)}, or an earlier cue sheet (.json)"
        )
    former = with_files_beside(read_cues(path), [path])
    cuesheet.check(former, name=name)
    if former.film.fingerprint != sheet.film.fingerprint:
        raise InputError(
            f"{path}: about another film, {former.film.name}",
            hint="use an earlier cue sheet of the same film",
            reason=Reason.BAD_FORMAT,
        )
    return former


def results_of(reviewed: Reviewed) -> list[Result]:
    """The results of all answers for a film.

    Raises
    ------
    InputError
        The sheet or the file of answers cannot be read.
    """
    fingerprint = read_cues(reviewed.cues).film.fingerprint
    return results([a for a in read_answers(answers_path()) if a.film == fingerprint])
