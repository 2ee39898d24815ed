"""Write files atomically: the target is absent, unchanged or complete.

Goes in: the wanted name. Comes out: a temporary name beside it, which takes the wanted name when everything went well
and is removed when anything did not, an interrupt included. The temporary file is in the same folder because a rename
across file systems is a copy, and its content is on the disk before the name changes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from soundtrack.errors import FfmpegError, OutputError
from soundtrack.files.kinds import Kind
from soundtrack.files.targets import FULL, Target, as_output_error, check_targets, require_folder, require_replaceable
from soundtrack.processes import ending

_FULL_BYTES = 256 * 1024
_STALE_S = 3600.0
_LONGEST_NAME_BYTES = 200
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EINVAL, errno.ENODEV}
)
"""How file systems without hard links, such as FAT and some network shares, say so."""
_PART = re.compile(r"^\..*\.(\d+)\.[0-9a-f]{8}\.part$", re.DOTALL)


class Together:
    """Temporary files that become their targets together; a context manager.

    They take their names one right after the other when the block ends well, and none of them does otherwise. The file
    that was begun first gets its name last, so that it is there only if the others are.
    """

    def __init__(self) -> None:
        self._parts = contextlib.ExitStack()
        self._begun: list[_Begun] = []

    def __enter__(self) -> Together:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._parts:
            if kind is None:
                self._give_names()

    def part(self, target: Path, *, kind: Kind, force: bool = False) -> Path:
        """A temporary file beside the target, empty, mode as the umask says.

        Parameters
        ----------
        target : Path
            The file to be written; a symbolic link is itself replaced, never what it points to.
        kind : Kind
            What it will be.
        force : bool
            Whether an existing file of that kind may be replaced.

        Raises
        ------
        OutputError
            The file cannot be made.
        """
        sweep_stale_parts(target.parent)
        part = _part_name(target)
        with ending.held_off():
            self._parts.enter_context(ending.temporary(part))
            _make_part(part, target)
        self._begun.append(_Begun(part, Target(target, kind), force))
        return part

    def folder(self, folder: Path, *, option: str) -> None:
        """Make a folder of some of the files; see `made_folder`.

        Raises
        ------
        OutputError
            It cannot be made.
        """
        self._parts.enter_context(made_folder(folder, option=option))

    def drop(self, part: Path) -> None:
        """Give up a file of `part`: it gets no name."""
        part.unlink(missing_ok=True)
        self._begun = [file for file in self._begun if file.part != part]

    def text(self, target: Path, text: str, *, kind: Kind, force: bool = False) -> None:
        """Write a small text file, UTF-8; the parameters are those of `part`.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        part = self.part(target, kind=kind, force=force)
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise as_output_error(target, error) from error

    def _give_names(self) -> None:
        """Let every file take its name, or none.

        Raises
        ------
        OutputError
            A target has appeared in the meantime, is of another kind, or the system refuses.
        """
        for file in self._begun:
            file.get_ready()
        named: list[Path] = []
        with ending.held_off():
            try:
                for file in reversed(self._begun):
                    is_new = not os.path.lexists(file.target.path)
                    file.give_name()
                    named += [file.target.path] if is_new else []
            except OutputError:
                for path in named:
                    with contextlib.suppress(OSError):
                        path.unlink()
                raise
        for folder in {file.target.path.parent for file in self._begun}:
            _flush_folder(folder)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A file that is being written."""

    part: Path
    target: Target
    force: bool

    def get_ready(self) -> None:
        """Bring the content to the disk and look whether the name is free or may be taken.

        Raises
        ------
        OutputError
            It may not.
        """
        try:
            _flush(self.part)
        except OSError as error:
            raise as_output_error(self.target.path, error) from error
        if os.path.lexists(self.target.path):
            if not self.force:
                raise _exists(self.target.path)
            require_replaceable(self.target, force=True)

    def give_name(self) -> None:
        """Let the file take its name.

        Raises
        ------
        OutputError
            It is taken by now, or the system refuses.
        """
        path = self.target.path
        try:
            if self.force:
                self.part.replace(path)
            else:
                _give_name(self.part, path)
        except FileExistsError as error:
            raise _exists(path) from error
        except OSError as error:
            raise as_output_error(path, error) from error


@contextlib.contextmanager
def replacing(target: Path, *, kind: Kind, force: bool = False) -> Iterator[Path]:
    """A temporary file beside the target that becomes the target when the block ends well; see `Together.part`.

    Raises
    ------
    OutputError
        The file cannot be made, or the target has appeared in the meantime, or it is of another kind.
    """
    with Together() as files:
        part = files.part(target, kind=kind, force=force)
        with naming_a_full_disk(target):
            yield part


def write_text(target: Path, text: str, *, kind: Kind, force: bool = False) -> None:
    """Write a small text file, UTF-8, in one go or not at all.

    Raises
    ------
    OutputError
        It exists and `force` is not given or it is of another kind, or it cannot be written.
    """
    check_targets([Target(target, kind)], force=force)
    with Together() as files:
        files.text(target, text, kind=kind, force=force)


def claim_folder(folder: Path, *, mark: str, text: str, kind: Kind, option: str) -> None:
    """Make a folder in which a run writes files of many names, or go on in one that such a run has begun.

    Parameters
    ----------
    folder : Path
        Missing, empty, or marked by an earlier run.
    mark : str
        Name of the file that marks it.
    text : str
        Content of that file.
    kind : Kind
        How it is known.
    option : str
        The option that names another folder, for hints.

    Raises
    ------
    OutputError
        It holds files of others, or cannot be made.
    """
    hint = f"choose a new folder with {option}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}", hint=hint) from error
    if is_empty:
        write_text(folder / mark, text, kind=kind)
    elif not kind.is_one(folder / mark):
        raise OutputError(f"{folder}: contains other files that this run might replace", hint=hint)


@contextlib.contextmanager
def made_folder(folder: Path, *, option: str) -> Iterator[None]:
    """Make a folder for the files of a run; if it was made here and nothing is in it in the end, it is removed.

    Parameters
    ----------
    folder : Path
        The folder above it has to be there.
    option : str
        The option that names another folder, for hints.

    Raises
    ------
    OutputError
        It cannot be made, or no file can be made in it.
    """
    hint = f"use another folder with {option}"
    with contextlib.ExitStack() as on_exit:
        with ending.held_off():
            try:
                folder.mkdir()
            except FileExistsError:
                pass  # looked at below
            except FileNotFoundError as error:
                raise OutputError(
                    f"{folder}: the folder {folder.parent} does not exist",
                    hint=f"create it: `mkdir -p {shlex.quote(str(folder.parent))}`",
                ) from error
            except OSError as error:
                raise OutputError(f"{folder}: cannot be created: {error.strerror}", hint=hint) from error
            else:
                on_exit.enter_context(ending.perhaps_empty(folder))
        require_folder(folder, hint=hint)
        yield


@contextlib.contextmanager
def scratch_folder(beside: Path | None = None) -> Iterator[Path]:
    """A folder for temporary files, gone when the block or the process ends.

    Parameters
    ----------
    beside : Path, optional
        A file or folder beside which it lies, on the same disk; among the system's temporary files by default.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    with contextlib.ExitStack() as on_exit:
        with ending.held_off():
            try:
                prefix = "soundtrack-" if beside is None else f".{_cut(beside.name.lstrip('.'), 40)}."
                folder = Path(tempfile.mkdtemp(prefix=prefix, dir=None if beside is None else beside.parent))
            except OSError as error:
                raise as_output_error(beside or Path(tempfile.gettempdir()), error) from error
            on_exit.enter_context(ending.unfinished(folder))
            on_exit.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextlib.contextmanager
def naming_a_full_disk(target: Path) -> Iterator[None]:
    """Say that the disk is full or read-only, or the folder gone, when that is why this or another program failed.

    Raises
    ------
    OutputError
        Something in the block failed and the target's disk takes nothing more, or its folder was removed.
    """
    try:
        yield
    except (FfmpegError, OutputError, OSError) as error:
        try:
            free = shutil.disk_usage(target.parent).free
        except OSError as gone:
            raise as_output_error(target, gone, hint="check that its folder and disk are still there") from error
        is_full = isinstance(error, OSError) and error.errno in FULL  # by a quota perhaps
        if not is_full and free > _FULL_BYTES:
            require_folder(target.parent, hint="check that its disk is still writable")
            raise
        raise as_output_error(target, OSError(errno.ENOSPC, "")) from error


def sweep_stale_parts(folder: Path, *, older_than_s: float = _STALE_S) -> None:
    """Remove temporary files of runs that were killed: our own pattern, older than an hour, their process gone."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _PART.match(entry.name)
            if match is None or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime > older_than_s and not _is_running(int(match[1])):
                    Path(entry.path).unlink()


def _part_name(target: Path) -> Path:
    """An unused name in the folder of the target."""
    return target.parent / f".{_cut(target.name, _LONGEST_NAME_BYTES)}.{os.getpid()}.{secrets.token_hex(4)}.part"


def _cut(name: str, n_bytes: int) -> str:
    """Maximum number of bytes of a name."""
    return os.fsdecode(os.fsencode(name)[:n_bytes])


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path}: already exists", hint="add --force to replace it")


def _make_part(part: Path, target: Path) -> None:
    """An empty file of that name, made exclusively."""
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666))
    except OSError as error:
        raise as_output_error(target, error) from error


def _flush(part: Path) -> None:
    """Bring the content to the disk."""
    descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Bring the new name to the disk; some file systems don't offer that for folders."""
    with contextlib.suppress(OSError):
        _flush(folder)


def _give_name(part: Path, target: Path) -> None:
    """Let a finished file take its name; FileExistsError where there is a file of that name by now."""
    try:
        os.link(part, target)  # fails where a rename would silently replace
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        part.replace(target)


def _is_running(pid: int) -> bool:
    """Whether a process of this number lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OverflowError, PermissionError):
        return True
    return True
