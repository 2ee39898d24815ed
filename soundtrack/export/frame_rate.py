"""Frame rate and timecode of a time line.

Goes in: the frame rate of a film as its file gives it, and its start timecode. Comes out: a `Grid` at one of the rates
that every editing program has. Times stay what they are in seconds; only the frames they fall on are those of the grid,
so a time is off by half a frame at most, however the film counts its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from soundtrack.timebase import has_drop_frame, parse_timecode, round_half_up
from soundtrack.types import FilmRef

STANDARD = tuple(Fraction(n, 1001) if n > 1000 else Fraction(n) for n in (24000, 24, 25, 30000, 30, 48000, 48, 50))
STANDARD += (Fraction(60000, 1001), Fraction(60))
"""Rates that Final Cut Pro, Premiere, Resolve and Avid share, ascending."""

_SAME = Fraction(4, 10_000)
"""Rates closer than this are one rate that was written or averaged differently: NTSC rates are 0.001 off whole ones."""
_MOST_TIMES = 60


@dataclass(frozen=True, slots=True)
class Grid:
    """The frames of a time line."""

    fps: Fraction
    """One of `STANDARD`."""
    start: int
    """Frame of the film's first picture, counted from timecode 00:00:00:00."""
    is_drop: bool
    """Whether its timecode is drop-frame."""
    is_own: bool
    """Whether the film itself has this rate."""
    is_start_known: bool
    """Whether the film's start timecode was understood; a film without one starts at zero."""


def grid_of(film: FilmRef, *, start_timecode: str | None = None) -> Grid:
    """The grid of a film.

    Parameters
    ----------
    film : FilmRef
    start_timecode : str, optional
        Timecode of its first picture.

    Examples
    --------
    >>> film = FilmRef("a.mov", 8.0, Fraction(2997, 100), 320, 240, True, "")
    >>> grid_of(film, start_timecode="01:00:00;00")
    Grid(fps=Fraction(30000, 1001), start=107892, is_drop=True, is_own=True, is_start_known=True)
    """
    text = start_timecode or "00:00:00:00"
    wants_drop = any(sign in text for sign in ";.,")
    fps = standard_rate(film.fps, drop=wants_drop)
    is_own = _is_same(fps, film.fps)
    # A film of 120 frames a second counts its timecode at 120, one of 29.84 on average at 30.
    nominal = [max(1, round_half_up(rate)) for rate in (fps, film.fps)]
    frame = parse_timecode(text, fps=fps if nominal[0] == nominal[1] else film.fps)
    return Grid(
        fps=fps,
        start=0 if frame is None else round_half_up(Fraction(frame * nominal[0], nominal[1])),
        is_drop=frame is not None and wants_drop and has_drop_frame(fps),
        is_own=is_own,
        is_start_known=frame is not None,
    )


def standard_rate(fps: Fraction, *, drop: bool = False) -> Fraction:
    """The rate of `STANDARD` that suits a film.

    The film's own rate as others write it; else one of which it is a whole part or a multiple; else, for films of
    variable rate, the nearest whole one, whose timecode runs with the clock.

    Parameters
    ----------
    fps : Fraction
        Above 0.
    drop : bool
        Whether the film's timecode is drop-frame; the nearest rate that has such timecode is then taken.

    Examples
    --------
    >>> standard_rate(Fraction(2997, 100)), standard_rate(Fraction(15)), standard_rate(Fraction(2984, 100))
    (Fraction(30000, 1001), Fraction(30, 1), Fraction(30, 1))
    """
    for times in range(1, _MOST_TIMES + 1):
        for rate in STANDARD:
            if _is_same(fps * times, rate) or _is_same(fps / times, rate):
                return rate
    suited = [rate for rate in STANDARD if (has_drop_frame(rate) if drop else rate.denominator == 1)]
    return min(suited, key=lambda rate: max(rate / fps, fps / rate))


def _is_same(one: Fraction, other: Fraction) -> bool:
    """Whether two rates are one."""
    return abs(one - other) <= _SAME * other
