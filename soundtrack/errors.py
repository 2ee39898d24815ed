"""Errors that a user can cause, each with an exit code and a hint.

The library raises these; the one boundary in ``cli/app.py`` prints two lines and ends with the code:

    error: message naming the file and the cause
    hint: what to type next [E304]

The code in brackets is the address of a section of docs/errors.md.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process tells the shell; the table of docs/architecture.md."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    DEPENDENCY = 4
    MODEL = 5
    LIBRARY = 6
    NOTHING_FITS = 7
    FFMPEG = 8
    OUTPUT = 9
    PARTIAL = 10
    INTERRUPTED = 130


class Reason(StrEnum):
    """Closed list of reasons for which a media file is refused or skipped."""

    EMPTY = "empty"
    NOT_MEDIA = "not_media"
    NO_AUDIO = "no_audio"
    NO_VIDEO = "no_video"
    STILL_IMAGE = "still_image"
    CORRUPT = "corrupt"
    ENCRYPTED = "encrypted"
    TOO_SHORT = "too_short"
    TOO_LARGE = "too_large"
    BAD_FORMAT = "bad_format"
    PERMISSION = "permission"
    MISSING = "missing"
    NOT_REGULAR = "not_regular"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    UNSUPPORTED = "unsupported"


class SoundtrackError(Exception):
    """Something a user can cause and fix.

    Parameters
    ----------
    message : str
        Names the file and the cause, one line.
    hint : str
        What to type or do next, one line.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    kind: ClassVar[int] = 0
    """Number of this kind among the errors with the same exit code."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def code(self) -> str:
        """Address of this kind of error in docs/errors.md, such as ``E601``."""
        return f"E{100 * self.exit_code + self.kind}"


class UsageError(SoundtrackError):
    """Arguments that make no sense together."""

    exit_code = ExitCode.USAGE


class InputError(SoundtrackError):
    """A file that cannot be read as what it should be.

    Parameters
    ----------
    message, hint : str
        As in `SoundtrackError`.
    reason : Reason
        Which of the closed list of reasons it is.
    """

    exit_code = ExitCode.INPUT

    def __init__(self, message: str, *, hint: str, reason: Reason) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason

    @property
    def code(self) -> str:
        """Address of this reason in docs/errors.md, such as ``E304``."""
        return f"E{100 * self.exit_code + 1 + list(Reason).index(self.reason)}"


class DependencyError(SoundtrackError):
    """A program or package that is missing or too old."""

    exit_code = ExitCode.DEPENDENCY


class ModelError(SoundtrackError):
    """A model that is missing, damaged, or not the one asked for."""

    exit_code = ExitCode.MODEL


class LibraryError(SoundtrackError):
    """A music library that is missing, empty, damaged, busy, or made by another model."""

    exit_code = ExitCode.LIBRARY


class NothingFitsError(SoundtrackError):
    """No music of the library may be used for this film."""

    exit_code = ExitCode.NOTHING_FITS


class FfmpegError(SoundtrackError):
    """ffmpeg failed on files that looked right."""

    exit_code = ExitCode.FFMPEG


class OutputError(SoundtrackError):
    """A target that cannot be written."""

    exit_code = ExitCode.OUTPUT


class PartialError(SoundtrackError):
    """The run is done, but some files were skipped."""

    exit_code = ExitCode.PARTIAL
