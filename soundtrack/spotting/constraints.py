"""What the user demands of a plan: hard rules, from the words of the command line.

Goes in: texts such as ``0:30-1:10=tense``. Comes out: a `Constraints`. Times are on the film's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from soundtrack.errors import UsageError
from soundtrack.spotting.moods import mood
from soundtrack.timebase import clock, parse_clock
from soundtrack.track_names import find_tracks
from soundtrack.types import Cue, EmotionState, Span, Track


@dataclass(frozen=True, slots=True)
class Lock:
    """A track that must sound at a moment."""

    time_s: float
    """When, film clock."""
    track_id: str
    """Which track."""


@dataclass(frozen=True, slots=True)
class MoodWish:
    """A mood that stands in for what the picture says."""

    span: Span
    """Where, film clock."""
    emotion: EmotionState
    """What the music should be like there."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Everything that the plan must obey."""

    locks: tuple[Lock, ...] = ()
    """Tracks that must sound at given moments."""
    moods: tuple[MoodWish, ...] = ()
    """Moods that overrule the picture."""
    silences: tuple[Span, ...] = ()
    """Where no music may sound, film clock."""
    avoid: frozenset[str] = frozenset()
    """Ids of tracks that may not be used."""
    only: frozenset[str] | None = None
    """Ids of the tracks that may be used; None for all."""
    recent: frozenset[str] = frozenset()
    """Ids of tracks that earlier films used; they have to be plainly better to be used again."""
    max_cues: int | None = None
    """At most so many cues; None for any number."""
    one_track: bool = False
    """Whether all cues come from one track."""
    explore: float = 0.0
    """How far from the best fit the plan may wander, in [0, 1]; the seed decides where to."""
    hits: tuple[float, ...] = ()
    """Moments on which a climax of the music is to fall, film clock."""
    kept: tuple[Cue, ...] = ()
    """Cues that a person fixed; they stay exactly as they are."""
    notes: tuple[str, ...] = ()
    """What the user should know about these demands, one line each; goes into the sheet's warnings."""

    def __post_init__(self) -> None:
        if not 0 <= self.explore <= 1:
            raise ValueError(f"explore must be in [0, 1], got {self.explore}")
        if self.max_cues is not None and self.max_cues < 1:
            raise ValueError(f"max_cues must be at least 1, got {self.max_cues}")


def require_inside(constraints: Constraints, *, length_s: float) -> None:
    """Refuse times past the end of a film; a span may run past it, but not begin there.

    Parameters
    ----------
    constraints : Constraints
    length_s : float > 0
        Length of the film.

    Raises
    ------
    UsageError
        A hit point, a mood, a silence or a lock begins at or after the end.
    """
    asked = [
        *(("--hit", hit_s) for hit_s in constraints.hits),
        *(("--mood", wish.span.start_s) for wish in constraints.moods),
        *(("--silence", span.start_s) for span in constraints.silences),
        *(("--lock", lock.time_s) for lock in constraints.locks),
    ]
    for option, time_s in asked:
        if not 0 <= time_s < length_s:
            raise UsageError(
                f"{option} {clock(time_s)} is past the end of the film ({clock(length_s)})",
                hint=f"give {option} a time inside the film",
            )


def parse_span(text: str) -> Span:
    """The span of a text such as ``0:30-1:10``.

    Raises
    ------
    UsageError
        The text is no span.

    Examples
    --------
    >>> parse_span("0:30-1:10")
    Span(start_s=30.0, end_s=70.0)
    """
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError("no dash")
        span = Span(parse_clock(start), parse_clock(end))
    except ValueError as error:
        raise UsageError(f"invalid time span {text!r}: expected START-END", hint="write it like 0:30-1:10") from error
    if span.duration_s <= 0:
        raise UsageError(
            f"invalid time span {text!r}: it is empty", hint="write the earlier time first, like 0:30-1:10"
        )
    return span


def parse_hit(text: str) -> float:
    """The moment of a text such as ``1:23.4``, in seconds.

    Raises
    ------
    UsageError
        The text is no time.

    Examples
    --------
    >>> parse_hit("1:23.4")
    83.4
    """
    try:
        return parse_clock(text)
    except ValueError as error:
        raise UsageError(f"invalid time {text!r}", hint="write it like 1:23.4") from error


def parse_mood(text: str) -> MoodWish:
    """The wish of a text such as ``0:30-1:10=tense``.

    Raises
    ------
    UsageError
        The text is no such wish.
    """
    where, equals, word = text.partition("=")
    if not equals:
        raise UsageError(f"--mood {text!r} names no mood", hint="write it like 0:30-1:10=tense")
    return MoodWish(span=parse_span(where), emotion=mood(word))


def parse_lock(text: str, *, tracks: Sequence[Track], former: Mapping[str, str] | None = None) -> Lock:
    """The lock of a text such as ``1:05=track.mp3``.

    Parameters
    ----------
    text : str
        A time, ``=``, and a track as `find_tracks` knows it.
    tracks : sequence of Track
        Of the library.
    former : mapping, optional
        As `find_tracks` takes it.

    Raises
    ------
    UsageError
        The text is no lock, or names no track or several.
    """
    when, equals, name = text.partition("=")
    try:
        time_s = parse_clock(when)
    except ValueError as error:
        raise UsageError(f"--lock {text!r} does not start with a time", hint="write it like 1:05=track.mp3") from error
    if not equals or not name:
        raise UsageError(f"--lock {text!r} names no track", hint="write it like 1:05=track.mp3")
    found = find_tracks(name, tracks=tracks, former=former)
    if len(found) > 1:
        names = ", ".join(track.path.name for track in found[:3])
        raise UsageError(f"{name!r} may be {len(found)} tracks: {names}", hint="write more of its path")
    return Lock(time_s=time_s, track_id=found[0].track_id)
