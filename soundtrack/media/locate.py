"""Which ffmpeg is used: the one the user named, else the system's, else the one of the package imageio-ffmpeg.

Goes in: perhaps a path. Comes out: the absolute path of an ffmpeg that runs and is new enough.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from soundtrack.config import load_config
from soundtrack.errors import DependencyError

MIN_FFMPEG = (5, 0)
"""Oldest ffmpeg that is used."""


def ffmpeg_path(chosen: Path | None = None) -> Path:
    """Absolute path of the ffmpeg to use.

    The one that was asked for, else the system's if it is new enough, else the one that ``imageio-ffmpeg`` carries.

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
    named = chosen or load_config().ffmpeg
    if named is not None:
        if ffmpeg_version(named.absolute()) is None:
            raise DependencyError(
                f"{named}: not an ffmpeg of version {MIN_FFMPEG[0]} or newer",
                hint="name another one with SOUNDTRACK_FFMPEG, or unset it to let soundtrack choose",
            )
        return named.absolute()
    for candidate in (_system_ffmpeg(), _bundled_ffmpeg()):
        if candidate is not None and ffmpeg_version(candidate) is not None:
            return candidate
    raise DependencyError(
        "no ffmpeg found on this machine",
        hint="type `pip install imageio-ffmpeg`, or install ffmpeg with the system's package manager",
    )


@functools.cache
def ffmpeg_version(path: Path) -> tuple[int, int] | None:
    """Major and minor version of a usable ffmpeg; None if it does not run or is older than `MIN_FFMPEG`.

    Builds from the development branch carry no number and count as newest.
    """
    try:
        done = subprocess.run(
            [path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    match = re.match(r"ffmpeg version (?:n?(\d+)\.(\d+)|([N\d]\S*))", done.stdout)
    if done.returncode != 0 or match is None:
        return None
    version = (int(match[1]), int(match[2])) if match[1] else (999, 0)
    return version if version >= MIN_FFMPEG else None


def newer_ffmpeg(least: tuple[int, int]) -> Path | None:
    """The ffmpeg to use if it is of this version or newer, else the package's; None if neither is.

    Where the user named one, no other is looked at.
    """
    usual = ffmpeg_path()
    candidates = [usual] if load_config().ffmpeg is not None else [usual, _bundled_ffmpeg()]
    return next((path for path in candidates if path and (ffmpeg_version(path) or (0, 0)) >= least), None)


def _system_ffmpeg() -> Path | None:
    """The first ffmpeg on the absolute folders of PATH: never one that lies in the current folder by chance."""
    found = shutil.which("ffmpeg", path=os.pathsep.join(d for d in os.get_exec_path() if Path(d).is_absolute()))
    return Path(found) if found else None


def _bundled_ffmpeg() -> Path | None:
    """The ffmpeg inside the package imageio-ffmpeg."""
    try:
        import imageio_ffmpeg

        found = Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None
    return found if found.is_absolute() and found.is_file() else None
