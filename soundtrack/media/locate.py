"""Which ffmpeg is used: the one the user named, else the system's, else the one of the package imageio-ffmpeg.

Goes in: perhaps a path. Comes out: the absolute path of an ffmpeg that runs and is new enough.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from soundtrack.config import load_config
from soundtrack.errors import DependencyError
from soundtrack.processes.children import output_of
from soundtrack.processes.surroundings import find_program

MIN_FFMPEG = (5, 0)
"""Oldest ffmpeg that is used."""


def ffmpeg_path(chosen: Path | None = None) -> Path:
    """Absolute path of the ffmpeg to use.

    The configured one, else the system's if it is new enough, else the one that ``imageio-ffmpeg`` carries.

    Parameters
    ----------
    chosen : Path, optional
        An ffmpeg to use, else the one that the user configured; if there is such a one, it is this one or none.

    Raises
    ------
    DependencyError
        There is none, or the named one does not run or is too old.

    Examples
    --------
    >>> ffmpeg_path().is_absolute()
    True
    """
    named = chosen.absolute() if chosen else _configured_ffmpeg()
    if named is not None:
        if ffmpeg_version(named) is None:
            raise DependencyError(
                f"{named}: not ffmpeg {MIN_FFMPEG[0]} or newer",
                hint="set SOUNDTRACK_FFMPEG to another ffmpeg, or unset it for the default",
            )
        return named
    candidate = find_program("ffmpeg")
    if candidate is None or ffmpeg_version(candidate) is None:
        candidate = _bundled_ffmpeg()  # imageio-ffmpeg runs it to find it, so only where it is needed
    if candidate is not None and ffmpeg_version(candidate) is not None:
        return candidate
    raise DependencyError(
        "ffmpeg not found",
        hint="run `pip install imageio-ffmpeg`, or install ffmpeg with the system package manager",
    )


@functools.cache
def ffmpeg_version(path: Path) -> tuple[int, int] | None:
    """Major and minor version of a usable ffmpeg; None if it does not run or is older than `MIN_FFMPEG`.

    Builds from the development branch carry no number and count as newest.
    """
    output = output_of([str(path), "-version"], limit_s=20)
    match = re.match(r"ffmpeg version (?:n?(\d+)\.(\d+)|([N\d]\S*))", (output or b"").decode("utf-8", "replace"))
    if match is None:
        return None
    version = (int(match[1]), int(match[2])) if match[1] else (999, 0)
    return version if version >= MIN_FFMPEG else None


def newer_ffmpeg(least: tuple[int, int]) -> Path | None:
    """The ffmpeg to use if it is of this version or newer, else the package's; None if neither is.

    Where the user named one, no other is looked at.
    """
    usual = ffmpeg_path()
    if (ffmpeg_version(usual) or (0, 0)) >= least:
        return usual
    bundled = _bundled_ffmpeg() if load_config().ffmpeg is None else None
    return bundled if bundled and (ffmpeg_version(bundled) or (0, 0)) >= least else None


def _configured_ffmpeg() -> Path | None:
    """The ffmpeg that the user configured: a full path, or a name that is looked up in PATH, never in this folder."""
    named = load_config().ffmpeg
    if named is None or named.is_absolute():
        return named
    found = find_program(named.name) if len(named.parts) == 1 else None
    if found is None:
        raise DependencyError(
            f"{named}: not an absolute path to ffmpeg, and not found in PATH",
            hint="set SOUNDTRACK_FFMPEG or `ffmpeg` in config.toml to an absolute path",
        )
    return found


def _bundled_ffmpeg() -> Path | None:
    """The ffmpeg inside the package imageio-ffmpeg."""
    try:
        import imageio_ffmpeg

        found = Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None
    return found if found.is_absolute() and found.is_file() else None
