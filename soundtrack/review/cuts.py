"""Cuts of the reviewed film, to which starts and ends of cues move.

Goes in: a film. Comes out: where its shots begin, if its analysis is kept; a film is not watched for a key.
"""

from __future__ import annotations

from pathlib import Path

from soundtrack import api


class _NotKeptError(Exception):
    """The analysis would have to be made."""


def kept_cuts(film: Path) -> list[float]:
    """Starts of the shots of a film, film clock, in seconds; none if no analysis of it is kept.

    Raises
    ------
    SoundtrackError
        As `soundtrack.api.scenes`.
    """

    def progress(_stage: str, _done: int, _total: int) -> None:
        raise _NotKeptError  # of a kept analysis there is no progress

    try:
        return [shot.span.start_s for shot in api.scenes(film, progress=progress).shots]
    except _NotKeptError:
        return []
