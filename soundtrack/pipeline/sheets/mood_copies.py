"""Copies of tracks with their mood in the tags, for other programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from soundtrack.errors import FfmpegError, InputError, OutputError
from soundtrack.files.safe_write import made_folder
from soundtrack.files.targets import Target
from soundtrack.media.writing.tagged_copy import MUXERS, copy_of, write_tagged_copy
from soundtrack.naming.names import folded
from soundtrack.pipeline.sheets.targets import guard
from soundtrack.progress import Progress, no_progress
from soundtrack.types import Track

_LONGEST_NAME_BYTES = 255
"""Most bytes of a name on the usual file systems."""


def tag_copies(
    tracks: Sequence[Track],
    folder: Path,
    *,
    index: Path | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> tuple[list[Path], list[str]]:
    """Copy tracks into a folder and write their mood into the tags of the copies.

    Parameters
    ----------
    tracks : sequence of Track
        Tracks with existing files; these are not changed.
    folder : Path
        Folder of the copies, created if missing.
    index : Path, optional
        Folder of the library index, if not the configured one.
    force : bool
        Whether existing copies may be replaced.
    progress : callable, optional
        Called with ``("tagging", done, total)``.

    Returns
    -------
    copies : list of Path
    left_out : list of str
        Tracks without a copy, each with the reason.

    Raises
    ------
    UsageError, OutputError
        A copy would replace another file.
    """
    left_out = [f"{track.path}: cannot be tagged; only {', '.join(MUXERS)}" for track in tracks if not _ending(track)]
    chosen = [track for track in tracks if _ending(track)]
    names = _names(chosen)
    targets = [
        Target(folder / name, copy_of(track.path), option="--tag-copies DIR", makes_folder=True)
        for track, name in zip(chosen, names, strict=True)
    ]
    guard(targets, inputs=[track.path for track in chosen], index=index, force=force)
    copies = []
    with made_folder(folder, option="--tag-copies DIR") if targets else nullcontext():
        for done, (track, target) in enumerate(zip(chosen, targets, strict=True)):
            progress("tagging", done, len(chosen))
            mood = track.emotion
            tags = {
                "MOOD": mood.label,
                "SOUNDTRACK_VALENCE": f"{mood.valence:.3f}",
                "SOUNDTRACK_AROUSAL": f"{mood.arousal:.3f}",
            }
            try:
                write_tagged_copy(track.path, target.path, tags, force=force)
            except (FfmpegError, InputError, OutputError) as error:
                left_out.append(str(error))
            else:
                copies.append(target.path)
    progress("tagging", len(chosen), len(chosen))
    return copies, left_out


def _ending(track: Track) -> str:
    """Extension of a track that can be tagged, else an empty text."""
    ending = track.path.suffix.lower().lstrip(".")
    return ending if ending in MUXERS else ""


def _names(tracks: Sequence[Track]) -> list[str]:
    """A different file name for each track; compared without case and forms of accents, for all file systems."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    result = []
    for track in tracks:
        name, key = track.path.name, folded(track.path.name)
        while folded(name) in taken:
            numbers[key] = numbers.get(key, 1) + 1
            end = f" ({numbers[key]}){track.path.suffix}"
            name = os.fsdecode(os.fsencode(track.path.stem)[: _LONGEST_NAME_BYTES - len(os.fsencode(end))]) + end
        taken.add(folded(name))
        result.append(name)
    return result
