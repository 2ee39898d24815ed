"""Models of other packages, by their entry point ``soundtrack.models``.

Goes in: the distributions that are installed. Comes out: folders with a ``manifest.json`` each, in the format of
`soundtrack.checkpoints.manifest`. The entry point names a path, or a function that returns one. Code is taken from
installed distributions only, never from the working folder; weights are verified by hash like all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from soundtrack.errors import DependencyError
from soundtrack.processes import surroundings
from soundtrack.processes.plugins import FAULTS, entry_points

GROUP = "soundtrack.models"
"""Of the entry points."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder of models that a package brings."""

    folder: Path
    """Absolute; holds ``manifest.json``."""
    package: str
    """Name and version of the distribution."""


def installed_model_folders() -> tuple[ModelFolder, ...]:
    """The folders of models of all installed packages, in the order of the module path.

    Raises
    ------
    DependencyError
        An entry point fails or names no folder with a manifest.
    """
    return _folders(tuple(surroundings.module_path()))


@lru_cache(maxsize=4)
def _folders(_path: tuple[str, ...]) -> tuple[ModelFolder, ...]:
    return tuple(ModelFolder(_folder(entry, package), package) for entry, package in entry_points(GROUP))


def _folder(entry: metadata.EntryPoint, package: str) -> Path:
    """The folder that an entry point names."""
    try:
        found = entry.load()
        folder = Path(found() if callable(found) else found)
        good = folder.is_absolute() and (folder / "manifest.json").is_file()
    except FAULTS as error:
        raise _failed(entry, package, f"{type(error).__name__}: {error}") from error
    if not good:
        raise _failed(entry, package, f"{folder} is not an absolute folder with a manifest.json")
    return folder


def _failed(entry: metadata.EntryPoint, package: str, why: str) -> DependencyError:
    return DependencyError(
        f"models {entry.name} of package {package} failed: {why}",
        hint=f"update or uninstall {package.split(maxsplit=1)[0]}",
    )
