"""Identity of a file: hash of its sound, hash of its bytes, and a quick key that avoids hashing.

A track is named by its sound (`soundtrack.media.reading.packets`), so a file that was renamed, moved, copied or tagged
is the same track. The SHA-256 of the bytes tells whether a file was seen before, and is the name that earlier versions
gave to tracks. Reading every byte on every run would take hours on a large library; a file whose inode, size and
modification time are what they were is taken to be unchanged. Times are compared for equality only, since clocks jump.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.library.tags import read_header
from soundtrack.media.reading.packets import sound_hash
from soundtrack.types import Tags


def _signed(value: int) -> int:
    """The same 64 bits as a signed number, since some file systems count inodes above what SQLite can hold."""
    return (value + 2**63) % 2**64 - 2**63


@dataclass(frozen=True, slots=True)
class QuickKey:
    """What the file system says about a file without reading it."""

    device: int
    """Which file system; signed 64 bit."""
    inode: int
    """Which file on it; signed 64 bit."""
    size_bytes: int
    """Length in bytes."""
    mtime_ns: int
    """Last modification in nanoseconds; may be negative."""

    @classmethod
    def of(cls, status: os.stat_result) -> QuickKey:
        """The key of a file from its status."""
        return cls(_signed(status.st_dev), _signed(status.st_ino), status.st_size, _signed(status.st_mtime_ns))

    def same_file(self, other: QuickKey) -> bool:
        """Whether a path with this key still holds what it held; device numbers change when a disk is mounted again."""
        return (self.inode, self.size_bytes, self.mtime_ns) == (other.inode, other.size_bytes, other.mtime_ns)


@dataclass(frozen=True, slots=True)
class Identity:
    """What names a file's sound and its bytes, with the key that it had while it was read."""

    track_id: str
    """Hash of the sound, lower-case hex; that of the bytes where no sound can be read."""
    sha256: str
    """Of the bytes, lower-case hex."""
    key: QuickKey
    """Taken from the open file."""
    tags: Tags = field(default_factory=Tags)
    """What the file says of itself."""

    def is_of(self, track_id: str) -> bool:
        """Whether a track with this id is in the file; earlier versions took the bytes for the id."""
        return track_id in (self.track_id, self.sha256)


def refusal(error: OSError) -> Reason:
    """Which reason of the closed list a failed file operation is.

    Examples
    --------
    >>> refusal(FileNotFoundError()).value
    'missing'
    """
    if isinstance(error, FileNotFoundError) or error.errno == errno.ELOOP:  # a link to itself leads nowhere
        return Reason.MISSING
    if isinstance(error, PermissionError):
        return Reason.PERMISSION
    return Reason.UNSUPPORTED


def read_beginning(path: Path | str, n_bytes: int) -> bytes:
    """The first bytes of a regular file; none where there is no such file or it cannot be read. Never blocks."""
    try:
        with safe_read.open_regular(path) as file:
            return file.read(n_bytes)
    except (InputError, OSError):
        return b""


def identify(path: Path) -> Identity:
    """Hashes, key and tags of a file, read without ever blocking on a pipe or a device.

    Raises
    ------
    InputError
        The file is missing, not readable, or no regular file.
    """
    with safe_read.open_regular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size == 0:
            raise InputError(f"{path}: is empty", hint="delete the file, or download it again", reason=Reason.EMPTY)
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read: {error.strerror}", hint="check the disk", reason=Reason.CORRUPT
            ) from error
    return Identity(sound_hash(path) or digest, digest, QuickKey.of(status), read_header(path).tags)
