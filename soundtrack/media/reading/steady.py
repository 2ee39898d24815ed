"""Notice a film that is replaced or changed while it is read.

A scored film takes minutes, in which its file is opened several times: the music would be that of one film and the
picture that of another. Size and time of change are compared, not inodes, which some network file systems do not keep.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from soundtrack.errors import InputError, Reason, SoundtrackError
from soundtrack.types import VideoInfo


def state_of(path: Path) -> tuple[int, ...]:
    """What tells a file from what it was a moment ago: size and time of change; empty where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns


def is_steady(info: VideoInfo) -> bool:
    """Whether the file of a film is what it was when it was probed; True where there was none."""
    return not info.state or state_of(info.path) == info.state


@contextlib.contextmanager
def steady(info: VideoInfo) -> Iterator[None]:
    """Refuse what is made of a film whose file was replaced or changed since it was probed.

    Raises
    ------
    InputError
        It was; whatever else failed in the block is likely to come of it.
    """
    try:
        yield
    except SoundtrackError as error:
        if not is_steady(info):
            raise _unsteady(info) from error
        raise
    if not is_steady(info):
        raise _unsteady(info)


def _unsteady(info: VideoInfo) -> InputError:
    if not state_of(info.path):
        return InputError(f"{info.path}: was removed while it was read", hint="restore the file", reason=Reason.MISSING)
    return InputError(
        f"{info.path}: was replaced or changed while it was read",
        hint="run the same command again when the file is complete",
        reason=Reason.CORRUPT,
    )
