"""Defaults of the user: a TOML file and environment variables, read in this module only.

``config.toml`` is in the user's configuration folder (``soundtrack doctor`` prints where) or where SOUNDTRACK_CONFIG
says, which has to name a file that exists, or ``/dev/null`` for none. It may set ``index``, ``device``, ``target``,
``ffmpeg``, ``ledger``, ``cache``, ``taste`` and ``model``; SOUNDTRACK_INDEX and so on set the same. Its tables
``[merit]`` and ``[plan]`` set the weights that choose the music (`soundtrack.merit_table`). An option on the command
line wins over the environment, the environment over the file. A file in the working folder is never read: a folder
from a stranger must not name programs.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.merit_table import MeritTable, PlanTable
from soundtrack.settings import TARGET_NAMES, LoudnessTarget, parse_target

MOST_BYTES = 1 << 16
"""A larger file is no configuration."""


@dataclass(frozen=True, slots=True)
class Config:
    """The user's defaults; None where nothing is set."""

    index: Path | None = None
    """Folder of the library index."""
    device: str | None = None
    """``auto``, ``cpu`` or ``cuda``."""
    target: LoudnessTarget | None = None
    """Loudness target, as of `parse_target`."""
    ffmpeg: Path | None = None
    """The ffmpeg program to use."""
    ledger: bool = False
    """Whether ``score`` always remembers which tracks a film used."""
    cache: bool = True
    """Whether what was seen in a film is kept for the next time."""
    taste: bool = True
    """Whether choices in edits of cue sheets are kept and change the weights."""
    model: str | None = None
    """Name of the joint space whose networks read films and music."""
    merit: MeritTable = field(default_factory=MeritTable)
    """What makes music suit a stretch of film."""
    plan: PlanTable = field(default_factory=PlanTable)
    """What the plan of the whole film counts besides."""


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the configuration file would lie."""
    from platformdirs import user_config_path

    named = (os.environ if environ is None else environ).get("SOUNDTRACK_CONFIG")
    return Path(named) if named else user_config_path("soundtrack") / "config.toml"


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Defaults from the file and the environment.

    Parameters
    ----------
    environ : mapping, optional
        Stands in for the process's environment.

    Raises
    ------
    InputError
        The file cannot be read, is named by SOUNDTRACK_CONFIG and missing, is not TOML, or sets something unknown; or
        a value is not of its kind.
    """
    env = os.environ if environ is None else environ
    path = config_path(env)
    table = _table(path, is_named=bool(env.get("SOUNDTRACK_CONFIG")))
    known = {f.name for f in fields(Config)}
    for key in table:
        if key not in known:
            raise _invalid(f"{path}: {key[:60]}: unknown setting", f"known settings: {', '.join(sorted(known))}")
    given = {
        key: _Given(f"SOUNDTRACK_{key.upper()}", text)
        if (text := env.get(f"SOUNDTRACK_{key.upper()}"))
        else _Given(f"{path}: {key}", table.get(key))
        for key in known - {"merit", "plan"}
    }
    return Config(
        index=_path(given["index"]),
        device=_text(given["device"], "use auto, cpu or cuda"),
        target=_target(given["target"]),
        ffmpeg=_path(given["ffmpeg"]),
        ledger=_is_on(given["ledger"], default=False),
        cache=_is_on(given["cache"], default=True),
        taste=_is_on(given["taste"], default=True),
        model=_text(given["model"], "use a model name from `soundtrack models list`"),
        merit=_weights(MeritTable(), table.get("merit", {}), f"{path}: merit"),
        plan=_weights(PlanTable(), table.get("plan", {}), f"{path}: plan"),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A value, and what an error calls the place that it comes from."""

    source: str
    value: object

    @property
    def is_set(self) -> bool:
        """Whether there is anything; an empty text counts as nothing."""
        return self.value is not None and self.value != ""


def _table(path: Path, *, is_named: bool) -> dict[str, object]:
    """What the configuration file sets; nothing where there is none and none was named."""
    if str(path) == os.devnull:
        return {}
    hint = "correct the configuration file, or remove it"
    try:
        text = safe_read.read_text(path, most_bytes=MOST_BYTES)
    except InputError as error:
        if error.reason is not Reason.MISSING:
            raise
        if not is_named:
            return {}
        raise InputError(
            f"SOUNDTRACK_CONFIG: {error}",
            hint=f"correct the name or unset the variable; {os.devnull} means no configuration file",
            reason=Reason.MISSING,
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(f"{path}: {error}", hint) from error
    except RecursionError as error:
        raise _invalid(f"{path}: nested too deeply", hint) from error
    except ValueError as error:  # Python's own limit on the digits of a number
        raise _invalid(f"{path}: invalid number or date", hint) from error


def _shown(value: object) -> str:
    """A value as a message quotes it; a number may have more digits than Python writes, a list any depth."""
    if isinstance(value, str | bool | float) or value in (0, 1):
        return str(value)[:60]
    return {int: "a whole number", list: "a list", dict: "a table"}.get(type(value), "a date or time")


def _invalid(message: str, hint: str) -> InputError:
    return InputError(message, hint=hint, reason=Reason.BAD_FORMAT)


def _text(given: _Given, hint: str) -> str | None:
    """A setting that is a text."""
    if not given.is_set:
        return None
    if not isinstance(given.value, str):
        raise _invalid(f"{given.source}: must be a quoted string, got {_shown(given.value)}", hint)
    return given.value


def _path(given: _Given) -> Path | None:
    """A setting that is a path; ``~`` is the home folder of a user."""
    text = _text(given, "put the path in quotes")
    if text is None:
        return None
    try:
        path = Path(text).expanduser()
        os.stat(path)  # noqa: PTH116 - Path has no way to ask without hiding some errors
    except RuntimeError as error:
        raise _invalid(f"{given.source}: unknown user {text.split('/')[0][:60]}", "use the full path") from error
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # said better where it is used; an index may still have to be made
    except (OSError, ValueError) as error:
        raise safe_read.unreadable(f"{given.source}: {text}", error) from error
    return path


def _target(given: _Given) -> LoudnessTarget | None:
    """The loudness target: a number, or the name of a preset."""
    if not given.is_set:
        return None
    value = given.value
    target = None if isinstance(value, bool) or not isinstance(value, int | float | str) else parse_target(value)
    if target is None:
        raise _invalid(
            f"{given.source}: invalid loudness target: {_shown(value)}",
            f"use LUFS between -40 and -5, or one of: {', '.join(TARGET_NAMES)}",
        )
    return target


_Weights = TypeVar("_Weights", MeritTable, PlanTable)


def _weights(usual: _Weights, given: object, place: str) -> _Weights:
    """A table of weights with what the file sets in it."""
    hint = "`soundtrack config --defaults` lists every weight"
    if not isinstance(given, dict):
        raise _invalid(f"{place}: must be a table, got {_shown(given)}", hint)
    try:
        return usual.adjusted(given)
    except ValueError as error:
        raise _invalid(f"{place}.{error}", hint) from error


def _is_on(given: _Given, *, default: bool) -> bool:
    """A switch: true or false, as TOML or as text."""
    text = _shown(given.value if given.is_set else default).lower()
    if text not in ("true", "false", "1", "0"):
        raise _invalid(
            f"{given.source}: must be true or false, got {_shown(given.value)}", "set it to true or false, or remove it"
        )
    return text in ("true", "1")
