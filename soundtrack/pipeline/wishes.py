"""What the user demands of the choice of music, in the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.pipeline.keeping import Keep
from soundtrack.types import Track

if TYPE_CHECKING:
    from soundtrack.spotting.constraints import Constraints


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user demands of the choice of music, in the words of the command line."""

    locks: tuple[str, ...] = ()
    """Such as ``1:05=track.mp3``."""
    moods: tuple[str, ...] = ()
    """Such as ``0:30-1:10=tense``."""
    silences: tuple[str, ...] = ()
    """Such as ``2:00-2:30``."""
    avoid: tuple[str, ...] = ()
    """Tracks, artists, albums, genres, folders or playlist files that may not be used."""
    only: tuple[str, ...] = ()
    """Tracks, artists, albums, genres, folders or playlist files; nothing else may be used; empty for all."""
    hits: tuple[str, ...] = ()
    """Such as ``1:23.4``: a climax falls there."""
    avoid_recent: int = 0
    """How many films to look back in the ledger; their tracks are used only where plainly better."""
    max_cues: int | None = None
    """At most so many cues."""
    one_track: bool = False
    """Whether all cues come from one track."""
    explore: float = 0.0
    """How far from the best fit the plan may wander, in [0, 1]."""
    allow_spoken: bool = False
    """Whether spoken word may be used like music."""
    keep: Keep | None = None
    """An earlier sheet whose locked cues stay as they are."""

    def constraints(
        self,
        tracks: Sequence[Track],
        playlists: Mapping[Path, Sequence[str]] | None = None,
        *,
        former: Mapping[str, str] | None = None,
    ) -> Constraints:
        """The same, with every name looked up among some tracks, playlists and former ids of the library.

        Kept cues are left out: which they are depends on the film.

        Raises
        ------
        UsageError
            A time, a mood or a name is not understood.
        InputError
            A playlist cannot be read.
        """
        from soundtrack.spotting.constraints import (
            Constraints,
            parse_hit,
            parse_lock,
            parse_mood,
            parse_span,
        )
        from soundtrack.spotting.listed import find_listed

        avoid, only = (
            find_listed(names, tracks=tracks, playlists=playlists, former=former) for names in (self.avoid, self.only)
        )
        return Constraints(
            moods=tuple(parse_mood(text) for text in self.moods),
            silences=tuple(parse_span(text) for text in self.silences),
            locks=tuple(parse_lock(text, tracks=tracks, former=former) for text in self.locks),
            hits=tuple(parse_hit(text) for text in self.hits),
            avoid=avoid.ids,
            only=only.ids if self.only else None,
            notes=(*avoid.notes, *only.notes),
            max_cues=self.max_cues,
            one_track=self.one_track,
            explore=self.explore,
        )
