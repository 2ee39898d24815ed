"""Ledger of the tracks used in earlier films, for ``--avoid-recent``.

One JSON object a line, oldest first, in the user's data folder: the fingerprint of a film and the ids of its tracks,
nothing else. A film that is scored again moves to the end. The file is replaced as a whole, so that it is never half;
of two runs that end in the same moment, one may be forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from soundtrack import config, resources
from soundtrack.errors import InputError, OutputError, Reason
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.types import CueSheet

MOST_FILMS = 1_000
"""Older ones are forgotten."""

MOST_BYTES = 64 << 20
"""A larger file is no ledger."""


@dataclass(frozen=True, slots=True)
class ScoredFilm:
    """A line of the ledger."""

    film: str
    """Fingerprint of the film."""
    tracks: tuple[str, ...]
    """Ids of the tracks that it used, sorted."""


def ledger_path() -> Path:
    """Where the ledger lies; need not exist."""
    return resources.user_ledger_path()


def read_ledger(path: Path) -> list[ScoredFilm]:
    """The films of a ledger, oldest first; none if there is no such file.

    Raises
    ------
    InputError
        It cannot be read, or is no ledger.
    """
    try:
        lines = safe_read.read_text(path, most_bytes=MOST_BYTES).splitlines()
    except InputError as error:
        if error.reason is Reason.MISSING:
            return []
        raise InputError(str(error), hint="remove the file to start over", reason=error.reason) from error
    hint = "correct that line, or remove the file to start over"
    films = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            film, tracks = entry["film"], entry["tracks"]
            if not isinstance(film, str) or not isinstance(tracks, list) or not all(isinstance(t, str) for t in tracks):
                raise ValueError("film must be a string and tracks a list of strings")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: line {number}: invalid entry", hint=hint, reason=Reason.BAD_FORMAT) from error
        films.append(ScoredFilm(film, tuple(tracks)))
    return films


def recent_tracks(path: Path, n_films: int, *, besides: str) -> frozenset[str]:
    """The tracks of the films that were scored last.

    Parameters
    ----------
    path : Path
        The ledger.
    n_films : int >= 0
        How many films to look back.
    besides : str
        Fingerprint of the film at hand, which does not count.

    Raises
    ------
    InputError
        As `read_ledger`; with 0 films the ledger is not read.
    """
    if n_films <= 0:
        return frozenset()
    others = [entry for entry in read_ledger(path) if entry.film != besides]
    return frozenset(track for entry in others[-n_films:] for track in entry.tracks)


def remember(path: Path, sheet: CueSheet) -> None:
    """Put a film at the end of the ledger.

    Raises
    ------
    InputError
        The ledger there is damaged; it stays as it is.
    OutputError
        It cannot be written.
    """
    films = [entry for entry in read_ledger(path) if entry.film != sheet.film.fingerprint]
    films.append(ScoredFilm(sheet.film.fingerprint, tuple(sorted({cue.track_id for cue in sheet.cues}))))
    lines = [json.dumps({"film": f.film, "tracks": list(f.tracks)}) for f in films[-MOST_FILMS:]]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be created: {error.strerror or error}",
            hint="create that folder, or leave out --avoid-recent and `ledger = true`",
        ) from error
    write_text(path, "\n".join(lines) + "\n", kind=OWN, force=True)


def is_kept(avoid_recent: int) -> bool:
    """Whether scored films are remembered: where earlier ones matter, or where the configuration says so."""
    return avoid_recent > 0 or config.load_config().ledger
