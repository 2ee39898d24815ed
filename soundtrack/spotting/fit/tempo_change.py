"""Fit with a small tempo change where it saves seams, waiting or a missed hit point.

A cue that is played at another speed needs just that much more or less of its track. So every question about it is the
question at the track's own tempo with all lengths of the film multiplied by the speed; it is asked at several speeds,
and the cheapest answer is brought back to the film.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from soundtrack.documents.cuesheet import MOST_STRETCHED_S, length_in_samples, needed_samples
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.spotting.fit.grid import Fitted, Grid, Wanted
from soundtrack.timebase import round_half_up, samples, seconds
from soundtrack.types import Span

STRETCH_COST = 10.0
"""Playing faster or slower, by the share: two per cent cost as much as half a good seam."""
TOUCH_COST = 0.1
"""Playing faster or slower at all."""
_STEPS = 4
"""Number of speeds that are tried on either side, besides those that would fit by themselves."""
_DECIMALS = 6
_CLOSE = MIX_RATE_HZ // 100
"""What is missing to the whole length by rounding is less than this."""


def at_speed(wanted: Wanted, speed: float) -> Wanted:
    """The same wish in samples of the track.

    Examples
    --------
    >>> at_speed(Wanted(48_000, start_s=3.0), 1.02).n_samples
    48960
    """
    if speed == 1.0:
        return wanted
    return replace(
        wanted,
        n_samples=needed_samples(wanted.n_samples, speed=speed),
        max_lead_s=wanted.max_lead_s * speed,
        max_trail_s=wanted.max_trail_s * speed,
    )


def best_speed(
    solve: Callable[[float], Fitted | None],
    wanted: Wanted,
    grid: Grid,
    *,
    also: Sequence[float] = (),
    better: Callable[[Fitted, float], Sequence[float]] | None = None,
) -> Fitted | None:
    """The cheapest fit among several speeds.

    Parameters
    ----------
    solve : function
        From a speed to a fit in samples of the track, or None.
    wanted : Wanted
        Length on the film, and how much may be stretched.
    grid : Grid
        Of the track.
    also : sequence of float
        Speeds to try besides; those out of bounds are left out.
    better : function, optional
        From a fit and its speed to speeds at which the same sections would fit exactly.

    Returns
    -------
    Fitted or None
        In samples of the film; at speed 1 unless another is cheaper by more than it costs. None where no speed fits.
    """
    best = solve(1.0)
    most = wanted.max_stretch
    if most <= 0:
        return best
    tried = {1.0}
    waiting = [1 + most * step / _STEPS for step in range(-_STEPS, _STEPS + 1)]
    waiting += also
    while waiting:
        speed = math.floor(waiting.pop(0) * 10**_DECIMALS) / 10**_DECIMALS
        if abs(speed - 1) > most + 1e-9 or speed in tried:
            continue
        tried.add(speed)
        found = solve(speed)
        if found is None:
            continue
        if len(tried) < 20 * _STEPS:
            waiting += better(found, speed) if better else _filled(found, wanted)
        on_film = _on_film(found, wanted, grid, speed)
        if on_film is not None and (best is None or on_film.cost < best.cost - 1e-9):
            best = on_film
    return best


def _filled(found: Fitted, wanted: Wanted) -> list[float]:
    """The speed at which sections that end with the track are just as long as the cue."""
    return [found.n_samples / wanted.n_samples + 10**-_DECIMALS] if found.ends_with_track else []


def _on_film(found: Fitted, wanted: Wanted, grid: Grid, speed: float) -> Fitted | None:
    """A fit in samples of the track as one in samples of the film; None if a section would be too long to stretch."""
    if any(section.track.duration_s > MOST_STRETCHED_S - 1 for section in found.sections):
        return None
    lead = round_half_up(found.lead_samples / speed)
    room = wanted.n_samples - lead
    n = min(room, round_half_up(found.n_samples / speed))
    if room - n < _CLOSE:
        n = room
    last = found.sections[-1]
    start, end = (samples(t, sample_rate_hz=MIX_RATE_HZ) for t in (last.track.start_s, last.track.end_s))
    before = sum(length_in_samples(section.track) for section in found.sections[:-1])
    end = start + needed_samples(n, speed=speed) - before
    if end > grid.total:
        n = math.floor((before + grid.total - start) / speed)
        end = start + needed_samples(n, speed=speed) - before
    if end <= start:
        return None
    span = Span(last.track.start_s, seconds(end, sample_rate_hz=MIX_RATE_HZ))
    return replace(
        found,
        sections=(*found.sections[:-1], replace(last, track=span)),
        lead_samples=lead,
        n_samples=n,
        speed=speed,
        cost=found.cost + TOUCH_COST + STRETCH_COST * abs(speed - 1),
    )
