"""Report of a run of ``soundtrack index``, as text and as JSON."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from soundtrack.errors import Reason


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that could not be used."""

    path: Path
    """Absolute."""
    reason: Reason
    """Why not, of the closed list."""
    message: str
    """One line for people."""
    known: bool = False
    """Whether an earlier run found that out, and this one did not try again."""


_DONE = ("added", "updated", "retagged", "moved", "copies", "completed", "projected", "missing", "forgotten")
"""Counts of what a run did; those that are left say how it found the library."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did."""

    added: int = 0
    """Analysed tracks that were not known."""
    updated: int = 0
    """Files whose content had changed, analysed again."""
    retagged: int = 0
    """Files whose bytes changed but not their sound, not analysed again."""
    moved: int = 0
    """Known tracks found at another place, not analysed again."""
    copies: int = 0
    """Further places of tracks that are also where they were."""
    unchanged: int = 0
    """Files that are as they were."""
    completed: int = 0
    """Known tracks that lacked the evidence of a channel and were analysed for that alone."""
    incomplete: int = 0
    """Tracks that are there and still lack the evidence of a channel."""
    projected: int = 0
    """Tracks whose readings were derived by another head or joint space, without listening."""
    missing: int = 0
    """Files that went away with this run."""
    forgotten: int = 0
    """Tracks that had been missing before and were taken out."""
    excluded: int = 0
    """New files excluded by a rule and not analysed."""
    playlists: int = 0
    """Playlists that were found."""
    skipped: tuple[SkippedFile, ...] = ()
    """Files that could not be used, sorted by path."""
    warned: tuple[tuple[Path, str], ...] = ()
    """Files analysed in this run with warnings, and the warnings."""
    noted: tuple[tuple[Path, str], ...] = ()
    """What else is worth knowing about a file: disc images, playlists that cannot be read."""
    without_music: tuple[Path, ...] = ()
    """Folders in which there is no music, and never was."""
    passed_over: tuple[tuple[str, int], ...] = ()
    """Kinds of files that were not opened though a person may take them for music, and how many, most first."""
    n_tracks: int = 0
    """Tracks in the index, missing ones included."""
    n_segments: int = 0
    """Segments in the index."""

    @property
    def n_found(self) -> int:
        """Files of this run that are music or might be."""
        used = self.added + self.updated + self.retagged + self.moved + self.copies + self.unchanged
        return used + self.excluded + len(self.skipped)

    def has_news(self, before: IndexReport) -> bool:
        """Whether it changed anything, or found the library in another state than the run before; not what it skipped.

        Examples
        --------
        >>> IndexReport(unchanged=2, n_tracks=2).has_news(IndexReport(added=1, unchanged=1, n_tracks=2))
        False
        """
        told = [f.name for f in fields(self) if f.name not in (*_DONE, "unchanged", "skipped", "warned")]
        has_changed = any(getattr(self, name) != getattr(before, name) for name in told)
        return has_changed or any(getattr(self, name) for name in _DONE)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; bytes of names that are no text come out as ``\\xNN``."""
        plain = {name: value for name, value in asdict(self).items() if isinstance(value, int)}
        return {
            **plain,
            "skipped": [
                {"path": shown(s.path), "reason": s.reason.value, "message": shown(s.message), "known": s.known}
                for s in self.skipped
            ],
            "warned": [{"path": shown(path), "warning": warning} for path, warning in self.warned],
            "without_music": [shown(path) for path in self.without_music],
            "passed_over": dict(self.passed_over),
            "noted": [{"path": shown(path), "note": shown(note)} for path, note in self.noted],
        }


def shown(path: Path | str) -> str:
    """A path as text that every encoder takes; bytes that are no UTF-8 become ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
