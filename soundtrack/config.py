"""The user's defaults: a TOML file and a few environment variables, read here and nowhere else.

``config.toml`` lies in the user's configuration folder (``soundtrack doctor`` prints where) or where SOUNDTRACK_CONFIG
says. It may set ``index``, ``device``, ``target``, ``ffmpeg``, ``ledger``, ``cache`` and ``model``. An option on the
command line wins over the environment, the environment over the file. A file in the working folder is never read: a
folder from somebody else must not name programs.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from soundtrack.errors import InputError, Reason


@dataclass(frozen=True, slots=True)
class Config:
    """The user's defaults; None where nothing is set."""

    index: Path | None = None
    """Folder of the library index."""
    device: str | None = None
    """``auto``, ``cpu`` or ``cuda``."""
    target: float | None = None
    """Loudness target in LUFS."""
    ffmpeg: Path | None = None
    """The ffmpeg program to use."""
    ledger: bool = False
    """Whether ``score`` always remembers which tracks a film used."""
    cache: bool = True
    """Whether what was seen in a film is kept for the next time."""
    model: str | None = None
    """Name of the joint space whose networks read films and music."""


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
        The file cannot be read, is no TOML, or sets something unknown.
    """
    env = os.environ if environ is None else environ
    path = config_path(env)
    table: dict[str, object] = {}
    if path.is_file():
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path}: {error}", hint="mend or remove the configuration file") from error
    known = {f.name for f in fields(Config)}
    for key in table:
        if key not in known:
            raise InputError(
                f"{path}: {key}: unknown setting",
                hint=f"known settings: {', '.join(sorted(known))}",
                reason=Reason.BAD_FORMAT,
            )
    merged = {key: env.get(f"SOUNDTRACK_{key.upper()}") or table.get(key) for key in known}
    try:
        return Config(
            index=Path(str(merged["index"])).expanduser() if merged["index"] else None,
            device=str(merged["device"]) if merged["device"] else None,
            target=float(str(merged["target"])) if merged["target"] is not None else None,
            ffmpeg=Path(str(merged["ffmpeg"])).expanduser() if merged["ffmpeg"] else None,
            ledger=_is_on("ledger", merged["ledger"], path, default=False),
            cache=_is_on("cache", merged["cache"], path, default=True),
            model=str(merged["model"]) if merged["model"] else None,
        )
    except ValueError as error:
        raise InputError(f"{path}: target: {error}", hint="give the loudness target as a number of LUFS") from error


def _is_on(name: str, value: object, path: Path, *, default: bool) -> bool:
    """A switch: true or false, as TOML or as text."""
    text = str(default if value in (None, "") else value).lower()
    if text not in ("true", "false", "1", "0"):
        raise InputError(
            f"{path}: {name}: neither true nor false: {value}",
            hint=f"write {name} = true or {name} = false, or remove the line",
            reason=Reason.BAD_FORMAT,
        )
    return text in ("true", "1")
