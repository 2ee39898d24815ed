"""Lists of films: a text file, a table with settings for each film, or a folder; and settings beside a film.

Goes in: a path. Comes out: the films in order, each with the settings that are meant for it alone, as they are written:
what they mean is known where the options are.
"""

from __future__ import annotations

import codecs
import csv
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.naming.names import as_on_disk

FILM_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4"),
        *("mpeg", "mpg", "mts", "ogv", "ts", "vob", "webm", "wmv"),
    )
)
"""What counts as a film in a folder; a list may name anything."""

MOST_FILMS = 100_000
"""More in one list is refused."""

COLUMN = "film"
"""The column of a table that names the film."""

_SETTINGS_SUFFIX = ".soundtrack.toml"
_MOST_LIST_BYTES = 1 << 26
_MOST_SETTINGS_BYTES = 1 << 16
_SEPARATORS = ",;\t"
_HINT = "use a text file with one film per line, a .csv file with a column `film`, or a folder of films"


def films_of(listing: Path) -> tuple[Path, ...]:
    """The films that a list names, or that are in a folder, each once; see `listed_films`."""
    return tuple(listed_films(listing))


def listed_films(listing: Path) -> dict[Path, dict[str, str]]:
    """The films that a list names, or that are in a folder, each once, with its cells of a table.

    Parameters
    ----------
    listing : Path
        A text file with one path a line, relative ones meant from where it is; empty lines and those that begin with
        ``#`` are passed over. Or a table, ``.csv``, whose column ``film`` has the path, and whose other columns have
        settings. Or a folder: the films right in it, by name, without those that were written by `score`.

    Returns
    -------
    dict of Path to dict of str to str
        In order; cells that are empty are left out.

    Raises
    ------
    InputError
        It cannot be read, or names no film.
    """
    try:
        if listing.is_dir():
            films: dict[Path, dict[str, str]] = {
                path: {} for path in sorted(listing.iterdir()) if looks_like_a_film(path)
            }
        else:
            data = safe_read.read_bytes(listing, most_bytes=_MOST_LIST_BYTES, pipes=True)
            is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # spreadsheets and PowerShell
            text = data.decode("utf-16", "replace") if is_wide else data.decode("utf-8-sig", "surrogateescape")
            films = _rows(text, listing) if listing.suffix.lower() == ".csv" else _lines(text, listing)
    except OSError as error:
        reason = Reason.MISSING if isinstance(error, FileNotFoundError) else Reason.PERMISSION
        raise InputError(f"{listing}: {error.strerror or error}", hint=_HINT, reason=reason) from error
    if not films or any("\0" in str(film) for film in films):
        raise InputError(f"{listing}: no films found", hint=_HINT, reason=Reason.NOT_MEDIA)
    if len(films) > MOST_FILMS:
        raise InputError(
            f"{listing}: {len(films)} films, at most {MOST_FILMS}", hint="split the list", reason=Reason.TOO_LARGE
        )
    return films


def _lines(text: str, listing: Path) -> dict[Path, dict[str, str]]:
    """The films of a list."""
    named = [line.strip() for line in text.splitlines()]
    return {as_on_disk(listing.parent / name): {} for name in named if name and not name.startswith("#")}


def _rows(text: str, listing: Path) -> dict[Path, dict[str, str]]:
    """The films of a table."""
    found: dict[Path, dict[str, str]] = {}
    try:
        rows = csv.DictReader(lines := text.splitlines(), delimiter=_separator(lines), strict=True)
        if COLUMN not in (rows.fieldnames or ()):
            raise _bad(f"{listing}: no column `{COLUMN}`")
        for row in rows:
            if any(row.pop(None, ())):  # where DictReader puts what has no column
                raise _bad(f"{listing}: line {rows.line_num}: more cells than columns")
            cells = {name: (cell or "").strip() for name, cell in row.items()}
            name = cells.pop(COLUMN)
            if not name:
                continue
            film = as_on_disk(listing.parent / name)
            if film in found:
                raise _bad(f"{listing}: line {rows.line_num}: {name} is listed twice", hint="remove one of its lines")
            found[film] = {column: cell for column, cell in cells.items() if cell}
    except csv.Error as error:
        raise _bad(f"{listing}: {error}") from error
    return found


def _separator(lines: Sequence[str]) -> str:
    """What stands between the cells of the first line: spreadsheets write semicolons where commas are for decimals."""
    return max(_SEPARATORS, key=lines[0].count) if lines else _SEPARATORS[0]


def _bad(message: str, *, hint: str = "use a first line such as `film,mood,target`") -> InputError:
    return InputError(message, hint=hint, reason=Reason.BAD_FORMAT)


def looks_like_a_film(path: Path) -> bool:
    """By its name: a film, not hidden, and not one that this tool wrote."""
    written = path.stem.endswith(".scored")
    return path.suffix.lower() in FILM_SUFFIXES and not written and not path.name.startswith(".") and path.is_file()


def settings_path(film: Path) -> Path:
    """Where the settings of a film are looked for.

    Examples
    --------
    >>> settings_path(Path("shorts/beach.mp4")).name
    'beach.soundtrack.toml'
    """
    return film.with_name(f"{film.stem}{_SETTINGS_SUFFIX}")


def settings_beside(film: Path) -> Mapping[str, object]:
    """The settings in the file beside a film, as they are written; none without a file.

    Raises
    ------
    InputError
        The file cannot be read or is not TOML.
    """
    path = settings_path(film)
    if not os.path.lexists(path):  # also false where the name would be too long for a file
        return {}
    try:
        return tomllib.loads(safe_read.read_text(path, most_bytes=_MOST_SETTINGS_BYTES))
    except InputError as error:
        if error.reason is Reason.MISSING:
            return {}
        raise
    except (ValueError, RecursionError) as error:  # also TOML that is none
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0][:200]
        raise InputError(f"{path}: {said}", hint="correct or remove the file", reason=Reason.BAD_FORMAT) from error
