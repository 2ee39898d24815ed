"""Settings for one film: a TOML file beside the film, or the columns of the table of a batch.

Goes in: the options of the whole run, and what is written for a film. Comes out: how this film is to be scored. The
names are those of the options without the dashes in front; what is set for a film replaces the option of a run of many
films, and a column of the table replaces the file. Where the command names one film, its options replace the file.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundtrack.cli.choices import make_wishes, mix_settings, spotting_settings
from soundtrack.cli.options import DensityName, DuckName, Layout
from soundtrack.pipeline import FilmOrder, listed_films, settings_beside, settings_path
from soundtrack.settings import LOUDEST_MUSIC_DB, QUIETEST_MUSIC_DB

if TYPE_CHECKING:
    import typer

LISTS = ("lock", "mood", "like", "silence", "hit", "avoid", "only")
"""Settings that may have several values."""
SWITCHES = (
    "keep-original",
    "keep-voices",
    "keep-level",
    "one-track",
    "loop",
    "no-explicit",
    "allow-vocals",
    "duck-vocals",
    "over-music",
)
"""Settings that are on or off."""
TEXTS = ("target", "stretch", "license", "language")
"""Settings in the notation of their option."""
CHOICES: dict[str, type[StrEnum]] = {"density": DensityName, "duck": DuckName, "mix": Layout}
"""Settings with a few names."""
NUMBERS: dict[str, tuple[float, float, type]] = {
    "music-level": (QUIETEST_MUSIC_DB, LOUDEST_MUSIC_DB, float),
    "explore": (0.0, 1.0, float),
    "max-cues": (1, math.inf, int),
    "seed": (0, math.inf, int),
}
"""Settings that are numbers: smallest, largest, kind."""
KNOWN = (*LISTS, *SWITCHES, *TEXTS, *CHOICES, *NUMBERS)
"""All of them."""

_WISHES = (
    *("lock", "mood", "like", "silence", "hit", "avoid", "only", "avoid_recent", "max_cues", "one_track", "explore"),
    *(
        "allow_spoken",
        "no_explicit",
        "license",
        "language",
        "subtitles",
        "faces",
        "face_weight",
        "keep",
        "track",
        "theme",
        "narration",
        "narration_at",
        "keep_voices",
        "duck_vocals",
    ),
)
_SPOTTING = ("seed", "allow_vocals", "over_music", "stretch", "density", "no_taste", "loop")
_MIX = ("target", "keep_original", "keep_level", "music_level", "duck", "layout")


def order_of(options: Mapping[str, Any]) -> FilmOrder:
    """How a film is to be scored.

    Parameters
    ----------
    options : mapping of str to object
        Every option of ``score`` that says how, by the name of its parameter.

    Raises
    ------
    UsageError
        A value is not understood, or two contradict each other.
    """
    return FilmOrder(
        settings=spotting_settings(**{name: options[name] for name in _SPOTTING}),
        mix=mix_settings(**{name: options[name] for name in _MIX}),
        wishes=make_wishes(**{name: options[name] for name in _WISHES}),
    )


def films_and_orders(listing: Path, options: Mapping[str, Any]) -> tuple[list[Path], dict[Path, FilmOrder]]:
    """The films of a list, and the orders of those that have settings of their own.

    Raises
    ------
    InputError
        The list or a file of settings cannot be read, or a setting is unknown or invalid.
    """
    films = listed_films(listing)
    orders = {film: own_order(film, options, cells, listing) for film, cells in films.items()}
    return list(films), {film: order for film, order in orders.items() if order is not None}


def given_parameters(context: typer.Context) -> frozenset[str]:
    """Parameters that the command line gives, unlike those with their default or from the environment.

    Parameters
    ----------
    context : typer.Context
        Of the running command.
    """
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


def order_alone(
    film: Path | None, options: Mapping[str, Any], *, given: Collection[str]
) -> tuple[FilmOrder, tuple[str, ...]]:
    """How one film is to be scored that is named in the command: by the file beside it as far as no option is given.

    Parameters
    ----------
    film : Path, optional
        Film, edit or folder of photos; ``-`` has no file beside it.
    options : mapping of str to object
        As for `order_of`.
    given : collection of str
        Parameters that the command gives: they replace the settings of the file.

    Returns
    -------
    order : FilmOrder
    said : tuple of str
        What was taken from the file, in a line; empty without a file.

    Raises
    ------
    UsageError, InputError
        As `order_of` and `films_and_orders`.
    """
    asked = order_of(options)
    if film is None or str(film) == "-" or not film.name:
        return asked, ()
    beside, settings = settings_path(film), settings_beside(film)
    if not settings:
        return asked, ()
    changes = _changes(settings, str(beside))
    kept = {name: value for name, value in options.items() if name in given}
    order = _changed(film, options, {**changes, **kept})
    names = [name for name in settings if _parameter(name) not in kept]
    taken = ", ".join(names) or "none used, since options of the command replace them"
    return order, (f"settings of {beside}: {taken}",)


def own_order(
    film: Path,
    options: Mapping[str, Any],
    cells: Mapping[str, str] | None = None,
    listing: Path | None = None,
) -> FilmOrder | None:
    """The order of a film with settings of its own; None for one without.

    Parameters
    ----------
    film : Path
        With or without a file of settings beside it.
    options : mapping of str to object
        As for `order_of`.
    cells : mapping of str to str, optional
        Settings of the film in a table.
    listing : Path, optional
        The table, for messages.

    Raises
    ------
    InputError
        As `films_and_orders`.
    """
    changes = _changes(settings_beside(film), str(settings_path(film)))
    changes |= _changes(cells or {}, f"{listing}: {film.name}")
    return _changed(film, options, changes) if changes else None


def _changes(settings: Mapping[str, object], where: str) -> dict[str, Any]:
    """Settings as the parameters that their options would give."""
    return {_parameter(name): _value(name, value, where) for name, value in settings.items()}


def _changed(film: Path, options: Mapping[str, Any], changes: Mapping[str, Any]) -> FilmOrder:
    """The order of a film with some options replaced."""
    from soundtrack.errors import InputError, Reason, UsageError

    try:
        return order_of({**options, **changes})
    except UsageError as error:
        raise InputError(f"settings of {film}: {error}", hint=error.hint, reason=Reason.BAD_FORMAT) from error


def _parameter(name: str) -> str:
    """The parameter of an option."""
    return "layout" if name == "mix" else name.replace("-", "_")


def _value(name: str, value: object, where: str) -> Any:
    """A setting as its option would give it."""
    from soundtrack.errors import InputError, Reason

    def bad(expected: str) -> InputError:
        shown = repr(value[:60]) if isinstance(value, str) else f"a {type(value).__name__}"
        message = f"{where}: {name}: expected {expected}, got {shown if not _is_number(value) else value}"
        return InputError(message, hint="correct the value, or remove it", reason=Reason.BAD_FORMAT)

    if name not in KNOWN:
        message = f"{where}: unknown setting {name[:60]!r}"
        raise InputError(message, hint=f"known settings: {', '.join(sorted(KNOWN))}", reason=Reason.BAD_FORMAT)
    if name in LISTS:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, str | int | float) and not isinstance(part, bool) for part in parts):
            raise bad("a list of texts")
        texts = [str(part) for part in parts]
        if isinstance(value, str):  # one text, or a cell of a table
            texts = [part.strip() for part in value.split(";")]
        return [text for text in texts if text]
    if name in SWITCHES:
        text = str(value).lower()
        if not isinstance(value, bool | str) or text not in ("true", "false", "yes", "no"):
            raise bad("true or false")
        return text in ("true", "yes")
    if name in CHOICES:
        names = [str(choice) for choice in CHOICES[name]]
        if value not in names:
            raise bad(f"one of {', '.join(names)}")
        return CHOICES[name](value)
    if name in TEXTS:
        if not isinstance(value, str) and not _is_number(value):
            raise bad("a text")
        return str(value)
    lowest, highest, kind = NUMBERS[name]
    try:
        number = kind(value) if isinstance(value, str) or _is_number(value) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not lowest <= number <= highest or (_is_number(value) and number != value):
        bounds = f"of at least {lowest:g}" if highest == math.inf else f"from {lowest:g} to {highest:g}"
        raise bad(f"{'a whole number' if kind is int else 'a number'} {bounds}")
    return number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
