"""Merit of each track under each run of intervals, at its best starting point.

Goes in: a film and a pool of tracks. Comes out: a `Worth` table: for every start, every end and every track the merit
of the music that would really sound there, second by second, and where in the track it starts. Unit: merit times
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from soundtrack.merit_table import PlanTable
from soundtrack.spotting.merit.eligibility import TERM_NAMES, Pool
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.view import IntArray
from soundtrack.types import Ending, FloatArray, TimeArray, Track

MAX_TRACK_S = 900.0
"""Only so much of a track is looked at."""
FADE_S = 10.0
"""Time before its end at which a track with a fade-out counts as over in the plan."""
_LEAST_AHEAD_S = 30.0
"""A cue starts only where at least so much of the track is left, or the whole cue fits."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Values of cues; T tracks."""

    cell_s: float
    """Grid of starting places in a track, in seconds."""
    n_stretches: IntArray = field(repr=False, compare=False)
    """From each start, how many lengths are listed, shape (n,): entry l of a start is l + 1 stretches long."""
    value: list[FloatArray] = field(repr=False, compare=False)
    """For each start, merit times seconds including the entry, shape (lengths, T)."""
    cell: list[IntArray] = field(repr=False, compare=False)
    """For each start, the starting place in the track in cells, shape (lengths, T)."""


def cell_length_s(film: Film) -> float:
    """Grid of starting places: finer for short films."""
    return float(np.clip(film.edges_s[-1] / 60, 1.0, 5.0))


def cells_of(track: Track, cell_s: float) -> IntArray:
    """Which segment sounds in each cell of a track's music before its fade-out, shape (n_cells,)."""
    end_s = min(track.analysis.music_end_s or track.audio.duration_s, MAX_TRACK_S)
    if track.analysis.ending is Ending.FADE and end_s > 4 * FADE_S:
        end_s -= FADE_S
    middles = (np.arange(max(1, int(end_s / cell_s + 0.5))) + 0.5) * cell_s
    ends = np.array([s.span.end_s for s in track.segments])
    return np.minimum(np.searchsorted(ends, middles, side="right"), len(ends) - 1).astype(np.int64)


def weigh(film: Film, pool: Pool, plan: PlanTable, *, max_cue_s: float) -> Worth:
    """The worth of every track under every run of stretches.

    Parameters
    ----------
    film : Film
        n stretches.
    pool : Pool
        T tracks.
    plan : PlanTable
        What looping and entering on a section count.
    max_cue_s : float > 0
        Runs longer than this are left out, unless they are one stretch.

    Returns
    -------
    Worth
    """
    n, lengths = len(film), film.lengths_s
    cell_s = cell_length_s(film)
    cells = [cells_of(track, cell_s) for track in pool.tracks]
    n_starts = max(len(c) for c in cells)
    longest_s = max(max_cue_s, float(lengths.max()))
    width = n_starts + int(min(longest_s, float(film.edges_s[-1])) / cell_s) + 3
    rows, over = _layout(pool, cells, width)
    looping = plan.loop.weight * over
    prefix = [_prefix(pool, i, rows=rows, looping=looping, cell_s=cell_s) for i in range(n)]
    entry = _entries(pool, n_starts, cell_s, plan.section.weight)
    left_s = np.array([len(c) * cell_s for c in cells])[:, None] - np.arange(n_starts)[None, :] * cell_s
    counts, values, places = np.zeros(n, np.int64), [], []
    for start in range(n):
        total = entry.copy()
        value, place = [], []
        for end in range(start, n):
            length_s = float(film.edges_s[end + 1] - film.edges_s[start])
            if film.silent[end] or (end > start and length_s > max_cue_s):
                break
            after_s = float(film.edges_s[end] - film.edges_s[start])
            total += _sounding(prefix[end], after_s, float(lengths[end]), cell_s, n_starts)
            able = (left_s >= min(length_s, _LEAST_AHEAD_S)) | (np.arange(n_starts) == 0)[None, :]
            masked = np.where(able, total, -np.inf)
            best = masked.argmax(axis=1)
            place.append(best)
            value.append(masked[np.arange(len(best)), best])
        counts[start] = len(value)
        values.append(np.array(value, np.float32).reshape(len(value), len(cells)))
        places.append(np.array(place, np.int64).reshape(len(place), len(cells)))
    return Worth(cell_s=cell_s, n_stretches=counts, value=values, cell=places)


def _layout(pool: Pool, cells: list[IntArray], width: int) -> tuple[IntArray, FloatArray]:
    """Row of the pool's table that sounds in each cell, and how often the track ended before, both shape (T, width)."""
    rows = np.zeros((len(cells), width), np.int64)
    over = np.zeros((len(cells), width), np.float32)
    for t, cell in enumerate(cells):
        rows[t] = pool.table.first_row[t] + cell[np.arange(width) % len(cell)]
        over[t] = np.arange(width) // len(cell)
    return rows, over


def _prefix(pool: Pool, stretch: int, *, rows: IntArray, looping: FloatArray, cell_s: float) -> FloatArray:
    """Merit times seconds from a track's start up to each cell's start, in one stretch, shape (T, width + 1)."""
    merits = pool.merits(stretch)[rows] + looping
    result = np.zeros((rows.shape[0], rows.shape[1] + 1), np.float32)
    np.cumsum(merits * cell_s, axis=1, out=result[:, 1:])
    return result


def _at(prefix: FloatArray, position: float, n_starts: int) -> FloatArray:
    """The prefix at each starting cell plus a fractional number of cells, shape (T, n_starts)."""
    whole = min(int(position), prefix.shape[1] - n_starts - 1)
    part = np.float32(min(position - whole, 1.0))
    return prefix[:, whole : whole + n_starts] * (1 - part) + prefix[:, whole + 1 : whole + 1 + n_starts] * part


def _sounding(prefix: FloatArray, after_s: float, length_s: float, cell_s: float, n_starts: int) -> FloatArray:
    """Merit times seconds of one stretch, `after_s` into the cue, for each start, shape (T, n_starts)."""
    first, last = after_s / cell_s, (after_s + length_s) / cell_s
    return _at(prefix, last, n_starts) - _at(prefix, first, n_starts)


def _entries(pool: Pool, n_starts: int, cell_s: float, worth: float) -> FloatArray:
    """What starting in each cell is worth by itself, shape (T, n_starts)."""
    entry = np.zeros((len(pool.tracks), n_starts), np.float32)
    for t, track in enumerate(pool.tracks):
        for time_s in (track.analysis.music_start_s, *track.analysis.sections_s):
            if time_s < n_starts * cell_s:
                entry[t, int(time_s / cell_s)] = worth
    return entry


def sounding_terms(
    film: Film, pool: Pool, plan: PlanTable, *, track: int, cell: int, first: int, last: int, cell_s: float
) -> TimeArray:
    """The named terms of a cue, averaged over what would sound, shape (14,): `TERM_NAMES` and what looping takes.

    Parameters
    ----------
    film, pool, plan : Film, Pool, PlanTable
        As in `weigh`.
    track : int
        Position in the pool.
    cell : int
        Where the music starts, in cells of the track.
    first, last : int
        First stretch of the cue, and the one after its last.
    cell_s : float
        Length of a cell in seconds.

    Returns
    -------
    ndarray, shape=(10,), float64
        Merits; times the cue's length they add up to its value without the entry.
    """
    cells = cells_of(pool.tracks[track], cell_s)
    start_s = film.edges_s[first]
    total = np.zeros(len(TERM_NAMES) + 1)
    for stretch in range(first, last):
        terms = pool.terms(stretch, track=track)
        low, high = ((film.edges_s[stretch + k] - start_s) / cell_s + cell for k in (0, 1))
        covered = np.arange(int(low), int(np.ceil(high)))
        seconds = (np.minimum(covered + 1, high) - np.maximum(covered, low)) * cell_s
        total[:-1] += terms[:, cells[covered % len(cells)]] @ seconds
        total[-1] += plan.loop.weight * float((seconds * (covered // len(cells))).sum())
    return total / float(film.edges_s[last] - start_s)
