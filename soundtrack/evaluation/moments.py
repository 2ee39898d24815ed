"""``soundtrack eval moments``: where in a long track does the music that belongs to a picture lie?

Goes in: clips that carry their own music. Comes out: `MomentsReport`. The sounds of several clips of different
sources are laid end to end as one long track; each clip's picture then looks for its own stretch among all tracks,
the way music video grounding is judged (MGSV): mean overlap of the found stretch with the true one in the right
track, and the share of clips for which the right track is found first and the stretch overlaps by half or more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.evaluation.bootstrap import Interval, bootstrap, json_number
from soundtrack.evaluation.metrics import interval_overlap

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Stretches:
    """Music in short stretches with their vectors."""

    vectors: Array
    """Unit vectors, shape (n, D)."""
    starts_s: Array
    """On the track's clock, shape (n,)."""
    ends_s: Array
    """On the track's clock, shape (n,)."""
    track: Integers
    """Which track, shape (n,)."""


@dataclass(frozen=True, slots=True)
class MomentsReport:
    """What `soundtrack eval moments` says."""

    n: int
    """Clips."""
    n_tracks: int
    """Long tracks."""
    numbers: dict[str, Interval]
    """By the JSON key of each number."""

    def to_dict(self) -> dict[str, object]:
        """As JSON: one key per number, intervals beside them."""
        return {
            "n": self.n,
            "n_tracks": self.n_tracks,
            **{key: json_number(number.value) for key, number in self.numbers.items()},
            "intervals": {k: [json_number(v.low), json_number(v.high)] for k, v in self.numbers.items()},
        }


def deal(source_ids: Sequence[str], *, per_track: int, seed: int = 0) -> Integers:
    """Track number of each clip: about `per_track` clips a track, drawn at random, one source never twice in a track.

    Examples
    --------
    >>> sorted(np.bincount(deal(["a", "b", "c", "d"], per_track=2)).tolist())
    [2, 2]
    """
    n_tracks = max(1, round(len(source_ids) / per_track))
    order = np.random.default_rng(seed).permutation(len(source_ids))
    members: list[set[str]] = [set() for _ in range(n_tracks)]
    sizes = np.zeros(n_tracks, np.int64)
    out = np.zeros(len(source_ids), np.int64)
    for i in order:
        free = [t for t in range(n_tracks) if source_ids[i] not in members[t]] or list(range(n_tracks))
        track = min(free, key=lambda t: (sizes[t], t))
        out[i] = track
        members[track].add(source_ids[i])
        sizes[track] += 1
    return out


def best_windows(query: Array, music: Stretches, *, length_s: float) -> tuple[Array, Integers, Array]:
    """The window of each track that is most like a query.

    Parameters
    ----------
    query : ndarray, shape=(D,)
        Unit vector of a picture.
    music : Stretches
        All tracks, each in the order of time.
    length_s : float > 0
        Length of the windows, in seconds.

    Returns
    -------
    windows, tracks, similarities
        Shapes (n_tracks, 2), (n_tracks,), (n_tracks,).
    """
    similarity = music.vectors @ query
    windows, tracks, best = [], [], []
    for track in np.unique(music.track):
        inside = np.flatnonzero(music.track == track)
        starts, ends, values = music.starts_s[inside], music.ends_s[inside], similarity[inside]
        top, place = -np.inf, (float(starts[0]), float(ends[-1]))
        for i in range(len(inside)):
            last = int(np.searchsorted(starts, starts[i] + length_s - 1e-6))
            mean = float(values[i:last].mean())
            if mean > top and ends[last - 1] - starts[i] >= 0.9 * min(length_s, ends[-1] - starts[0]):
                top, place = mean, (float(starts[i]), float(ends[last - 1]))
        windows.append(place)
        tracks.append(int(track))
        best.append(top)
    return np.array(windows), np.array(tracks, np.int64), np.array(best)


def report(
    queries: Array, music: Stretches, *, true_track: Integers, true_window: Array, sources: Integers, n_draws: int = 500
) -> MomentsReport:
    """Overlap in the right track, and right track with overlap, each with its interval.

    Parameters
    ----------
    queries : ndarray, shape=(n, D)
        Unit vectors of the clips' pictures.
    music : Stretches
        All tracks.
    true_track : ndarray, shape=(n,), int
        Track in which each clip's own music lies.
    true_window : ndarray, shape=(n, 2)
        Where it lies, in seconds.
    sources : ndarray, shape=(n,), int
        Source of each clip.
    n_draws : int
        Of the bootstrap.
    """
    overlap, found, chance = np.zeros(len(queries)), np.zeros(len(queries)), np.zeros(len(queries))
    for i, query in enumerate(queries):
        length_s = float(true_window[i, 1] - true_window[i, 0])
        windows, tracks, similarity = best_windows(query, music, length_s=length_s)
        own = int(np.flatnonzero(tracks == true_track[i])[0])
        overlap[i] = float(interval_overlap(windows[own : own + 1], true_window[i : i + 1])[0])
        found[i] = float(int(np.argmax(similarity)) == own and overlap[i] >= 0.5)
        inside = music.track == true_track[i]
        total_s = float(music.ends_s[inside].max())
        starts = music.starts_s[inside]
        starts = starts[starts + length_s <= total_s + 1e-6]
        guesses = np.stack([starts, starts + length_s], axis=1)
        chance[i] = float(interval_overlap(guesses, np.repeat(true_window[i : i + 1], len(guesses), axis=0)).mean())

    def over(values: Array) -> Interval:
        return bootstrap(lambda rows: float(values[rows].mean()), sources, n_draws=n_draws)

    return MomentsReport(
        n=len(queries),
        n_tracks=len(np.unique(music.track)),
        numbers={"moment_miou": over(overlap), "chance_miou": over(chance), "retrieved_and_overlapping": over(found)},
    )
