"""The weights that select the music, as two tables: terms of merit, and terms of the plan of a whole film.

A row adds ``weight x (measure - neutral)``. At its neutral point a measure says nothing, and that point is used where
the measure is not known. What speaks for music has a positive weight, what speaks against it a negative one. Tables are
values: they are handed to the functions that need them, and a changed copy is another table.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self

DECIMALS = 6
"""Decimals that count: as many as a document has."""
_FOR, _AGAINST = (0.0, 10.0), (-10.0, 0.0)
"""Sensible weights of merit."""
_GAIN, _COST = (0.0, 1_000.0), (-1_000.0, 0.0)
"""Sensible weights in merit times seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    measure: str
    """What is measured: of which channel of evidence, or a number that follows from it, and its unit."""
    purpose: str
    """What the row is for, in one line."""
    weight: float
    """Merit for each unit of the measure."""
    neutral: float = 0.0
    """Value at which the measure says nothing, used where it is not known."""
    weights: tuple[float, float] = field(default=_FOR, repr=False)
    """Range of sensible weights."""
    neutrals: tuple[float, float] = field(default=(0.0, 0.0), repr=False)
    """Range of sensible neutral points; the same value twice where there is no choice."""

    def __post_init__(self) -> None:
        for what, value, (low, high) in (
            ("weight", self.weight, self.weights),
            ("neutral", self.neutral, self.neutrals),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                wanted = f"between {low:g} and {high:g}" if low < high else f"{low:g}"
                raise ValueError(f"{what} must be {wanted}, got {value:.6g}")


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows by name."""

    def rows(self) -> dict[str, Row]:
        """The rows in their order."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def adjusted(self, changes: Mapping[str, float | Mapping[str, float]]) -> Self:
        """The table with other weights or neutral points.

        Parameters
        ----------
        changes : mapping
            By the name of the row: a weight, or a mapping with ``weight``, ``neutral`` or both.

        Raises
        ------
        ValueError
            There is no such row, or a number is none, or out of range; the message begins with the place.

        Examples
        --------
        >>> MeritTable().adjusted({"mood": 0.7, "pace": {"neutral": 0.4}}).mood.weight
        0.7
        """
        rows = self.rows()
        for name, change in changes.items():
            if name not in rows:
                raise ValueError(f"{name[:60]}: unknown, expected one of: {', '.join(rows)}")
            numbers = change if isinstance(change, Mapping) else {"weight": change}
            for key, number in numbers.items():
                if key not in ("weight", "neutral"):
                    raise ValueError(f"{name}.{key[:60]}: unknown, expected weight or neutral")
                if isinstance(number, bool) or not isinstance(number, int | float):
                    raise ValueError(f"{name}.{key}: must be a number")
                try:
                    rows[name] = replace(rows[name], **{key: round(float(number), DECIMALS) + 0.0})  # type: ignore[arg-type]
                except (ValueError, OverflowError) as error:
                    raise ValueError(f"{name}: {error}") from error
        return replace(self, **rows)

    def changed(self) -> dict[str, Row]:
        """The rows that differ from the defaults."""
        usual = type(self)().rows()
        return {name: row for name, row in self.rows().items() if row != usual[name]}


@dataclass(frozen=True, slots=True)
class MeritTable(_Table):
    """What makes a segment of music suit a stretch of film; merit is 0 where music neither suits nor jars."""

    picture: Row = Row(
        "cosine similarity of picture and music in the joint space, minus the hub correction",
        "similarity of picture and music according to the networks",
        0.5,
        neutrals=(-1.0, 1.0),
    )
    mood: Row = Row(
        "overlap of the class probabilities of picture and music (Bhattacharyya coefficient)",
        "same emotion classes in picture and music",
        0.6,
        0.65,
        neutrals=(0.0, 1.0),
    )
    valence: Row = Row(
        "squared distance in valence",
        "valence of the music close to the picture",
        -0.7,
        0.3,
        weights=_AGAINST,
        neutrals=(0.0, 4.0),
    )
    arousal: Row = Row(
        "squared distance in arousal",
        "arousal of the music close to the picture",
        -1.0,
        0.3,
        weights=_AGAINST,
        neutrals=(0.0, 4.0),
    )
    level: Row = Row(
        "level of the segment below that of its track, in LU; 0 below the neutral point",
        "no segments too quiet to be audible",
        -0.03,
        6.0,
        weights=_AGAINST,
        neutrals=(0.0, 30.0),
    )
    pace: Row = Row(
        "distance of the tempo from the target of cut rate and arousal, in octaves",
        "tempo that matches the cut rate",
        -0.25,
        0.35,
        weights=_AGAINST,
        neutrals=(0.0, 2.0),
    )
    vocals: Row = Row(
        "share of the segment with singing, times the share of the scene with speech plus a tenth",
        "no vocals, especially under speech",
        -0.8,
        weights=_AGAINST,
    )
    explore: Row = Row("random number from the seed, times --explore", "variety with --explore", 0.25)
    recent: Row = Row(
        "1 for a track used in a recently scored film",
        "no recently used music with --avoid-recent",
        -0.25,
        weights=_AGAINST,
    )
    names: Row = Row(
        "agreement of the mood words in title, file name, folder, genre and album with the wanted mood, in [-1, 1]",
        "track names that match the wanted mood",
        1.0,
    )
    lyrics: Row = Row(
        "agreement of the mood of the lyrics with the wanted mood, in [-1, 1]; 0 without lyrics",
        "songs whose words match the wanted mood",
        0.3,
    )
    playlists: Row = Row(
        "closeness in playlists and tags to the five tracks that suit the stretch best, above the mean of the library",
        "tracks that the playlists of the library keep together; 0 without playlists",
        0.15,
    )
    asked: Row = Row(
        "agreement with a request in words (--like, --mood), in [-1, 1], less 1 where a part of it is not met",
        "music as asked for in words",
        1.0,
    )
    hit: Row = Row(
        "share of the hit points of the cue (--hit) that fall on a climax",
        "for information, measured after the choice",
        0.1,
    )


@dataclass(frozen=True, slots=True)
class PlanTable(_Table):
    """What the plan of a whole film counts beside the merit of the music.

    ``loop`` and the silences weigh merit, second by second; the others weigh merit times seconds, once.
    """

    loop: Row = Row(
        "1 while a track plays for the second time, 2 for the third, ...",
        "no repeats of tracks that are too short",
        -0.15,
        weights=_AGAINST,
    )
    section: Row = Row(
        "1 for a start at the start of a section of the track", "entrances at section starts", 1.0, weights=_GAIN
    )
    length: Row = Row(
        "square of the shortfall from the preferred cue length, as a share", "no very short cues", -12.0, weights=_COST
    )
    change: Row = Row(
        "1 for a new cue, down to 0.25 at the largest change of picture",
        "new music at changes of the picture",
        -4.0,
        weights=_COST,
    )
    after_silence: Row = Row(
        "1 for a new cue after silence, as a share of change",
        "cheaper entrances after silence",
        0.5,
        weights=(0.0, 1.0),
    )
    join: Row = Row(
        "distance of key and tempo of adjacent cues, in [0, 1]", "related keys and similar tempi", -2.0, weights=_COST
    )
    leap: Row = Row(
        "jump of arousal between adjacent cues beyond that of the picture",
        "no jump without one in the picture",
        -3.0,
        weights=_COST,
    )
    theme: Row = Row(
        "likeness of the scene to that where the piece was last: cosine above the neutral point, 0 to 1; 1 in talk",
        "pieces that return in similar scenes",
        3.0,
        0.7,
        weights=_GAIN,
        neutrals=(-1.0, 0.99),
    )
    repeat: Row = Row(
        "1 minus that likeness, for a piece used before", "no return in a scene of another kind", -6.0, weights=_COST
    )
    piece: Row = Row("1 for a piece not used before, except the first", "few pieces in a film", -2.0, weights=_COST)
    through: Row = Row(
        "changes of the picture inside a cue above the neutral point, from 0 to 1 each",
        "cues that start or end at the greatest changes of mood",
        -20.0,
        0.6,
        weights=_COST,
        neutrals=(0.0, 0.95),
    )
    sentence: Row = Row(
        "1 for a cue that starts inside speech, or after a talk in the shot that it ends in",
        "no entrance inside a sentence or just before a cut",
        -100.0,
        weights=_COST,
    )
    air: Row = Row(
        "seconds of silence before a change of the picture above the neutral point, where other music enters",
        "a rest between cues of unlike mood; 0 for none",
        4.0,
        0.6,
        weights=(0.0, 8.0),
        neutrals=(0.0, 0.95),
    )
    artist: Row = Row(
        "number of earlier cues with another piece by the same artist", "variety of artists", -0.75, weights=_COST
    )
    silence: Row = Row("1 without music", "smallest merit for which a scene gets music", 0.05, weights=(-10.0, 10.0))
    neutral: Row = Row(
        "share of Neutral in the wanted mood above the neutral point, in a film with audio that is not one of talk",
        "silence where the picture says little, before scenes with a mood go without music",
        0.7,
        0.3,
        weights=(0.0, 10.0),
        neutrals=(0.0, 0.95),
    )
    no_sound: Row = Row(
        "1 without music in a film without audio", "no completely silent film", -0.6, weights=(-10.0, 10.0)
    )
    speech: Row = Row(
        "share of the scene with speech above the neutral point, from 0 to 1, times the merit of the best music",
        "more silence under continuous speech",
        2.0,
        0.35,
        neutrals=(0.0, 0.95),
    )
    wanting: Row = Row(
        "merit of the best music of the library, below the neutral point",
        "less silence when the library has no good match",
        0.8,
        0.3,
        neutrals=(-1.0, 1.0),
    )


def digest(merit: MeritTable, plan: PlanTable) -> str:
    """SHA-256 of all weights and neutral points, lower-case hex.

    Examples
    --------
    >>> digest(MeritTable(), PlanTable()) == digest(MeritTable(), PlanTable().adjusted({"repeat": -9}))
    False
    """
    rows = [(f"merit.{n}", r) for n, r in merit.rows().items()] + [(f"plan.{n}", r) for n, r in plan.rows().items()]
    text = "".join(f"{name} {round(row.weight, DECIMALS)!r} {round(row.neutral, DECIMALS)!r}\n" for name, row in rows)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
