"""Constraints of a plan, as hard rules. Times are on the film's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from soundtrack.errors import UsageError
from soundtrack.timebase import after_end
from soundtrack.types import Cue, EmotionState, FloatArray, Span


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
    text: str = ""
    """The word for it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request in words, as the value of each track for it."""

    span: Span | None
    """Where, film clock; None for the whole film."""
    worth: Mapping[str, float] = field(repr=False)
    """In [-2, 1], by track id; a track that is not in it is worth 0."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What playlists say about tracks; both sides by track id."""

    vectors: Mapping[str, FloatArray] = field(repr=False)
    """Vectors whose products say how well two tracks go together, in [-1, 1], shape (D,)."""
    uses: Mapping[str, float] = field(repr=False)
    """How often a track is in playlists, 1 for the most frequent one."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Everything that the plan must obey."""

    locks: tuple[Lock, ...] = ()
    """Tracks that must sound at given moments."""
    moods: tuple[MoodWish, ...] = ()
    """Moods that overrule the picture."""
    sung: Mapping[str, EmotionState] = field(default_factory=dict, repr=False)
    """Mood of the lyrics of tracks that have any, by track id: evidence and no demand."""
    taste: Taste | None = field(default=None, repr=False)
    """What the playlists of the library say about its tracks; None without playlists: evidence and no demand."""
    requests: tuple[Request, ...] = ()
    """Requests in words."""
    silences: tuple[Span, ...] = ()
    """Where no music may sound, film clock."""
    avoid: frozenset[str] = frozenset()
    """Ids of tracks that may not be used."""
    only: frozenset[str] | None = None
    """Ids of the tracks that may be used; None for all."""
    recent: frozenset[str] = frozenset()
    """Ids of tracks that earlier films used; they have to be plainly better to be used again."""
    max_cues: int | None = None
    """Maximum number of cues; None for any number."""
    one_track: bool = False
    """Whether all cues come from one track."""
    theme: str | None = None
    """Id of a track that opens and closes the film's music."""
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


def require_inside(constraints: Constraints, *, length_s: float, slack_s: float = 0.0) -> None:
    """Refuse times past the end of a film; a span may run past it, but not begin there.

    Parameters
    ----------
    constraints : Constraints
    length_s : float > 0
        Length of the film.
    slack_s : float >= 0
        By how much the film may turn out to be longer.

    Raises
    ------
    UsageError
        A hit point, a mood, a silence or a lock begins at or after the end.
    """
    asked = [
        *(("--hit", hit_s) for hit_s in constraints.hits),
        *(("--mood", wish.span.start_s) for wish in constraints.moods),
        *(("--mood", its.span.start_s) for its in constraints.requests if its.span is not None),
        *(("--silence", span.start_s) for span in constraints.silences),
        *(("--lock", lock.time_s) for lock in constraints.locks),
    ]
    for option, time_s in asked:
        if time_s < 0:
            raise UsageError(f"{option} {time_s:g} s is before the start of the film", hint="use a later time")
        if time_s >= length_s + slack_s:
            raise UsageError(f"{option} {after_end(time_s, length_s)}", hint="use an earlier time")
