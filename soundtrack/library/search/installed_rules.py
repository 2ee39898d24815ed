"""Rules of other packages about what counts as music, by their entry point ``soundtrack.rules``.

Goes in: the distributions that are installed. Comes out: rules that exclude tracks by their stored analysis and tags.
Code is taken from installed distributions only, never from the working folder. A rule that fails ends the run with its
own name and that of its package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import DependencyError
from soundtrack.processes.plugins import FAULTS, entry_points

__all__ = ["GROUP", "InstalledRule", "MusicRule", "TrackFacts", "installed_rules"]

GROUP = "soundtrack.rules"
"""Of the entry points; the name of the entry point is that of the rule."""


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """Stored facts about a track that a rule may use; nothing is analysed for it."""

    paths: tuple[Path, ...]
    """Its files, at least one; absolute unless a folder was indexed by a relative path."""
    tags: Mapping[str, str]
    """Tags that are not empty: ``title, artist, album, album_artist, genre, year, licence, isrc``."""
    duration_s: float
    """Length in seconds."""
    integrated_lufs: float
    """Integrated loudness in LUFS."""
    tempo_bpm: float | None
    """Beats a minute; None without a pulse."""
    vocal_share: float | None
    """Share with a voice, in [0, 1]; None if unknown."""


@dataclass(frozen=True, slots=True)
class MusicRule:
    """A rule about what counts as music, as an entry point gives it."""

    purpose: str
    """Tracks that the rule excludes, in one line."""
    excludes: Callable[[TrackFacts], bool]
    """Whether a track is excluded. Equal facts must give equal answers."""


@dataclass(frozen=True, slots=True)
class InstalledRule:
    """A rule and its package."""

    name: str
    """Of the entry point."""
    package: str
    """Name and version of the distribution."""
    rule: MusicRule
    """As the package gives it."""

    def excludes(self, facts: TrackFacts) -> bool:
        """Whether a track is excluded.

        Raises
        ------
        DependencyError
            The rule fails, or answers with something else than a bool.
        """
        try:
            answer = self.rule.excludes(facts)
        except FAULTS as error:
            raise _failed(self.name, self.package, f"{type(error).__name__}: {error}") from error
        if not isinstance(answer, bool):
            raise _failed(self.name, self.package, f"`excludes` returned {type(answer).__name__}, expected bool")
        return answer


def installed_rules() -> tuple[InstalledRule, ...]:
    """Return the rules of all installed distributions, sorted by name; of two of one name, the first on the path.

    Raises
    ------
    DependencyError
        A rule cannot be imported or is no `MusicRule`.
    """
    found: dict[str, InstalledRule] = {}
    for entry, package in entry_points(GROUP):
        if entry.name in found:
            continue
        try:
            made = entry.load()
        except FAULTS as error:
            raise _failed(entry.name, package, f"{type(error).__name__}: {error}") from error
        if not isinstance(made, MusicRule):
            raise _failed(entry.name, package, f"the entry point is {type(made).__name__}, expected MusicRule")
        found[entry.name] = InstalledRule(entry.name, package, made)
    return tuple(found[name] for name in sorted(found))


def _failed(name: str, package: str, cause: str) -> DependencyError:
    return DependencyError(
        f"rule {name} of package {package} failed: {cause}",
        hint=f"update or uninstall the package {package.split(maxsplit=1)[0]}",
    )
