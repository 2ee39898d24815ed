"""Output files of a run, checked together before any work.

Goes in: every target with the kind of file it will be, and every file that the run reads. Comes out: nothing, or an
error. A target is never a file that the run reads and never another target, by whatever name, link or hard link. Where
a file is there already, ``--force`` replaces it only if its content is of the kind that will be written.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import OutputError, UsageError
from soundtrack.files.kinds import Kind

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How a full disk, or one without room for a user, is reported."""

OUT = "-o OUT"
"""The option that names the file that most commands write."""
_Place = tuple[int, int] | tuple[str, str]
SPARE_BYTES = 64 * 1024 * 1024
"""Room that is left on the disk beside what is written."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is going to be written."""

    path: Path
    """Its name."""
    kind: Kind
    """What it will be."""
    option: str = OUT
    """The option that names another file, or with ``DIR`` its folder, or the argument, for hints."""
    needed_bytes: int = 0
    """About how large it will be; 0 where that does not matter."""
    makes_folder: bool = False
    """Whether its folder is made if it is missing; the folder above it has to be there."""

    @property
    def elsewhere(self) -> str:
        """For hints: ``another file with -o OUT``, ``another folder with -o DIR``, or the name of an argument."""
        if not self.option.startswith("-"):
            return f"another {self.option}"
        return f"another {'folder' if self.option.endswith(' DIR') else 'file'} with {self.option}"


def check_targets(
    targets: Sequence[Target],
    *,
    inputs: Iterable[Path] = (),
    known: Callable[[], Iterable[Path]] | None = None,
    force: bool = False,
) -> None:
    """Refuse targets that cannot or must not be written, before any work is done.

    Parameters
    ----------
    targets : sequence of Target
        Every file that the run will write, those with default names included.
    inputs : iterable of Path
        Files that must not be overwritten. Those that do not exist keep their names free.
    known : callable, optional
        Gives further such files; called only if one of the targets exists already.
    force : bool
        Whether an existing file of the same kind may be replaced.

    Raises
    ------
    UsageError
        A target is one of the inputs, or another target.
    OutputError
        It exists and must not be replaced, its folder is missing or cannot be written, or the disk is too full.
    """
    for target in targets:
        _require_possible_name(target)
    _refuse_twins(targets)
    _refuse_inputs(targets, inputs)
    if known is not None and any(os.path.lexists(target.path) for target in targets):
        _refuse_inputs(targets, known())
    for target in targets:
        _require_place(target)
    for target in targets:
        if os.path.lexists(target.path):
            require_replaceable(target, force=force)


def require_replaceable(target: Target, *, force: bool) -> None:
    """Refuse to replace a file that is there, unless that is allowed and the file is of the same kind.

    Raises
    ------
    OutputError
        It must not be replaced.
    """
    if not target.kind.is_one(target.path):
        raise OutputError(
            f"{target.path}: already exists and is not {target.kind.name}",
            hint=f"use {target.elsewhere}; --force only replaces a file of the same kind",
        )
    if not force:
        raise OutputError(
            f"{target.path}: already exists",
            hint=f"add --force to replace it, or use {target.elsewhere}",
        )


def require_folder(folder: Path, *, hint: str) -> None:
    """Refuse a folder in which no file can be made.

    Raises
    ------
    OutputError
        It is not a folder, or it is closed or full.
    """
    if not folder.is_dir():
        raise OutputError(f"{folder}: is not a folder", hint=hint)
    if (error := _refusal(folder)) is not None:
        if error.errno in FULL:
            raise as_output_error(folder, error)
        raise OutputError(f"{folder}: is not writable", hint=hint)


def as_output_error(target: Path, error: OSError, *, hint: str = "use another path") -> OutputError:
    """What the system says about a file that cannot be written, in our words."""
    if error.errno in FULL:
        return OutputError(f"{target}: the disk is full", hint="free some disk space, or use another disk")
    return OutputError(f"{target}: cannot be written: {error.strerror or error}", hint=hint)


def file_identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever it is called; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


# --- one target ----


def _require_possible_name(target: Target) -> None:
    """Refuse a name that no file can have there: of a folder, too long, going round in links, in a closed folder."""
    path, hint = target.path, f"use {target.elsewhere}"
    if str(path) == "-":
        raise OutputError(f"{target.option.split()[0]} cannot write to stdout", hint=hint)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # free, or said better below
    except OSError as error:
        raise as_output_error(path, error, hint=hint) from error
    except ValueError as error:
        raise OutputError(f"{path}: invalid file name: {error}", hint=hint) from error
    if path.name in ("", "..") or path.is_dir():
        raise OutputError(f"{path}: is a folder", hint=hint)
    if path.exists() and not path.is_symlink() and not stat.S_ISREG(path.stat().st_mode):
        raise OutputError(f"{path}: exists and is not a regular file", hint=hint)


def _require_place(target: Target) -> None:
    """Refuse a folder that is missing, closed or full."""
    folder = target.path.parent
    if target.makes_folder and not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        if os.path.lexists(folder):
            raise OutputError(f"{target.path}: {folder} is not a folder", hint=f"use {target.elsewhere}")
        raise OutputError(
            f"{target.path}: the folder {folder} does not exist",
            hint=f"create it: `mkdir -p {shlex.quote(str(folder))}`",
        )
    if (error := _refusal(folder)) is not None:
        if error.errno in FULL:
            raise as_output_error(target.path, error)
        raise OutputError(f"{target.path}: the folder {folder} is not writable", hint=f"use {target.elsewhere}")
    if not target.needed_bytes:
        return
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < target.needed_bytes + SPARE_BYTES:
        raise OutputError(
            f"{target.path}: needs about {(target.needed_bytes + SPARE_BYTES) >> 20} MB, "
            f"{free_bytes >> 20} MB free in {folder}",
            hint=f"free some disk space, or use {target.elsewhere} on another disk",
        )


def _refusal(folder: Path) -> OSError | None:
    """Why no file can be made in a folder. Only a try is certain: /proc and shares permit what they then refuse."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error


# --- one file under two names ----


def _refuse_twins(targets: Sequence[Target]) -> None:
    """Refuse two targets that are one file, or of which one would be the folder of the other."""
    found: dict[_Place, Target] = {}
    folders = {place: target for target in targets if target.makes_folder for place in _places(target.path.parent)}
    for target in targets:
        places = _places(target.path)
        other = next((found[place] for place in places if place in found), None)
        if other is not None:
            raise UsageError(
                f"{target.path}: would be written twice, as {other.kind.name} and as {target.kind.name}",
                hint=f"use {_either(target, other)}",
            )
        inner = next((folders[place] for place in places if place in folders), None)
        if inner is not None:
            raise UsageError(f"{target.path}: would be both a file and a folder", hint=f"use {_either(inner, target)}")
        found.update(dict.fromkeys(places, target))


def _either(one: Target, other: Target) -> str:
    """What to choose instead of two targets."""
    return ", or ".join(dict.fromkeys((one.elsewhere, other.elsewhere)))


def _refuse_inputs(targets: Sequence[Target], inputs: Iterable[Path]) -> None:
    """Refuse targets that are among some files."""
    names = {_folded(target.path.name) for target in targets}
    there = {place: target for target in targets for place in _places(target.path)}
    is_any_there = any(isinstance(place[0], int) for place in there)
    for source in inputs:
        if not is_any_there and _folded(source.name) not in names:
            continue  # a library has many
        found = next((there[place] for place in _places(source) if place in there), None)
        if found is not None:
            also = "" if found.path == source else f" ({source})"
            raise UsageError(
                f"{found.path}: is the input itself{also}; inputs are never changed",
                hint=f"use {found.elsewhere}",
            )


def _places(path: Path) -> list[_Place]:
    """What a name shares with all others that lead to its file, or could: some disks tell neither capitals nor forms of
    accents apart.
    """
    identity = file_identity(path)
    named = (_folded(path.name), os.path.realpath(path.parent))
    return [named] if identity is None else [identity, named]


def _folded(name: str) -> str:
    """A name as the least particular disk keeps it."""
    return unicodedata.normalize("NFC", name).casefold()
