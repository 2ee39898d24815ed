"""Disc images: a whole disc in one file, with a ``.cue`` sheet of its tracks.

Goes in: the path of a ``.cue`` sheet. Comes out: the files that hold more than one track. An image of music is heard as
one long track, and says so; a raw image (``.bin``) is not analysed, and is reported once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from soundtrack.library.identity import read_beginning

MOST_BYTES = 1 << 20
"""Of a longer sheet the rest is not read."""

_FILE = re.compile(r"""\s*FILE\s+(?:"([^"]+)"|(\S+))""", re.IGNORECASE)
_TRACK = re.compile(r"\s*TRACK\s+\d+\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DiscImage:
    """A file that holds a whole disc, or a side of one."""

    path: Path
    """Absolute."""
    sheet: Path
    """The ``.cue`` sheet."""
    n_tracks: int
    """At least two."""

    @property
    def note(self) -> str:
        """One line for people."""
        return f"holds {self.n_tracks} tracks according to {self.sheet.name}"


def disc_images(sheet: Path, music: Collection[Path]) -> Iterator[DiscImage]:
    """The disc images that a ``.cue`` sheet describes; none where it cannot be read.

    Parameters
    ----------
    sheet : Path
        Absolute.
    music : collection of Path
        Files that are there: a sheet often still names the ``.wav`` that has become a ``.flac``.
    """
    for name, n_tracks in _read(sheet):
        path = sheet.parent / name.replace("\\", "/").rpartition("/")[2]
        if n_tracks < 2:
            continue
        if path not in music and not path.is_file():
            path = next((p for p in sorted(music) if p.parent == path.parent and p.stem == path.stem), path)
        if path in music or path.is_file():
            yield DiscImage(path, sheet, n_tracks)


def _read(sheet: Path) -> list[tuple[str, int]]:
    """Names of files with the number of tracks in each."""
    data = read_beginning(sheet, MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    found: list[tuple[str, int]] = []
    for line in text.splitlines():
        if match := _FILE.match(line):
            name = match[1] or match[2]
            if "\0" not in name:
                found.append((name, 0))
        elif found and _TRACK.match(line):
            name, n_tracks = found[-1]
            found[-1] = (name, n_tracks + 1)
    return found
