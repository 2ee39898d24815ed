"""Entry points of installed packages. Code is never taken from the working folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from soundtrack.processes import surroundings

FAULTS = (Exception, SystemExit)
"""What code of other packages may raise, an end of the process too; it becomes an error that names the package."""


def entry_points(group: str) -> Iterator[tuple[metadata.EntryPoint, str]]:
    """Yield the entry points of a group, each with name and version of its package.

    Parameters
    ----------
    group : str
        Such as ``soundtrack.channels``. Of two packages of one name, the first on the module path counts.
    """
    seen: set[str] = set()
    installed = list(metadata.distributions(path=surroundings.module_path()))
    if not any(group in (distribution.read_text("entry_points.txt") or "") for distribution in installed):
        return  # names of packages take ten times as long to read
    for distribution in installed:
        package = distribution.metadata["Name"] or "?"
        if package.lower() in seen:
            continue
        seen.add(package.lower())
        for entry in distribution.entry_points:
            if entry.group == group:
                yield entry, f"{package} {distribution.version}"
