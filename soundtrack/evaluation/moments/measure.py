"""``soundtrack eval moments``: locate the music of a picture in a long track.

Goes in: clips that carry their own music. Comes out: `MomentsReport`. The sounds of several clips of different
sources are laid end to end as one long track; each clip's picture then looks for its own stretch among all tracks,
the way music video grounding is judged (MGSV): mean overlap of the found stretch with the true one in the right
track, and the share of clips for which the right track is found first and the stretch overlaps by half or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.yardsticks.bootstrap import Interval, bootstrap, json_number
from soundtrack.yardsticks.metrics import interval_overlap

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

HALF = 0.5
"""Overlap from which on a stretch counts as found."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Music in short stretches."""

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


def best_windows(similarity: Array, music: Stretches, *, length_s: float) -> tuple[Array, Integers, Array]:
    """The window of each track that is most like a picture.

    Parameters
    ----------
    similarity : ndarray, shape=(n_stretches,)
        Of the picture with each stretch.
    music : Stretches
        All tracks, each in the order of time.
    length_s : float > 0
        Length of the windows, in seconds.

    Returns
    -------
    windows, tracks, similarities
        Shapes (n_tracks, 2), (n_tracks,), (n_tracks,).
    """
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


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Clips' sounds laid end to end as long tracks."""

    music: Stretches
    """All stretches, clip by clip."""
    true_track: Integers
    """Track in which each clip's own music lies, shape (n,)."""
    true_window: Array
    """Where it lies on the track's clock, in seconds, shape (n, 2)."""


def lay_out(
    starts_s: Array, ends_s: Array, clip: Integers, *, source_ids: Sequence[str], per_track: int, seed: int = 0
) -> LaidOut:
    """Long tracks of several clips' sounds, one after the other.

    Parameters
    ----------
    starts_s, ends_s : ndarray, shape=(n_stretches,)
        Of each stretch on its own clip's clock.
    clip : ndarray, shape=(n_stretches,), int
        Which clip each stretch belongs to, ascending, from 0 without gaps.
    source_ids : sequence of str, length n
        Source of each clip.
    per_track : int, at least 1
        Clips whose sound makes one track.
    seed : int
        Of the deal.
    """
    track_of = deal(source_ids, per_track=per_track, seed=seed)
    lengths = np.array([ends_s[clip == i].max() for i in range(len(source_ids))])
    offsets = np.zeros(len(source_ids))
    for track in np.unique(track_of):
        inside = np.flatnonzero(track_of == track)
        offsets[inside] = np.cumsum(lengths[inside]) - lengths[inside]
    return LaidOut(
        music=Stretches(starts_s + offsets[clip], ends_s + offsets[clip], track_of[clip]),
        true_track=track_of,
        true_window=np.stack([offsets, offsets + lengths], axis=1),
    )


def report(
    likenesses: Sequence[Array], laid: Sequence[LaidOut], *, source_ids: Sequence[str], n_draws: int = 500
) -> MomentsReport:
    """Overlap in the right track, and right track with overlap, each with its interval; means over the deals.

    Parameters
    ----------
    likenesses : sequence of ndarray, shape=(n, n_stretches)
        Of each clip's picture with each stretch; one per deal.
    laid : sequence of LaidOut
        The tracks; one per deal.
    source_ids : sequence of str, length n
        Source of each clip.
    n_draws : int
        Of the bootstrap.
    """
    each: Array = np.mean([_judge(s, tracks) for s, tracks in zip(likenesses, laid, strict=True)], axis=0)
    names = {s: i for i, s in enumerate(dict.fromkeys(source_ids))}
    sources = np.array([names[s] for s in source_ids])

    def over(values: Array) -> Interval:
        return bootstrap(lambda rows: float(values[rows].mean()), sources, n_draws=n_draws)

    keys = ("moment_miou", "chance_miou", "retrieved_and_overlapping", "chance_retrieved_and_overlapping")
    return MomentsReport(
        n=len(source_ids),
        n_tracks=len(np.unique(laid[0].true_track)),
        numbers={key: over(values) for key, values in zip(keys, each, strict=True)},
    )


def _judge(likeness: Array, laid: LaidOut) -> Array:
    """Overlap, chance overlap, whether it was retrieved and overlaps, and its chance, of each clip, shape (4, n)."""
    music = laid.music
    n_tracks = len(np.unique(laid.true_track))
    out = np.zeros((4, len(likeness)))
    for i, similarity in enumerate(likeness):
        start_s, end_s = laid.true_window[i]
        length_s = float(end_s - start_s)
        windows, tracks, best = best_windows(similarity, music, length_s=length_s)
        own = int(np.flatnonzero(tracks == laid.true_track[i])[0])
        overlap = float(interval_overlap(windows[own : own + 1], laid.true_window[i : i + 1])[0])
        inside = music.track == laid.true_track[i]
        total_s = float(music.ends_s[inside].max())
        starts = music.starts_s[inside]
        starts = starts[starts + length_s <= total_s + 1e-6]
        guesses = np.stack([starts, starts + length_s], axis=1)
        blind = interval_overlap(guesses, np.repeat(laid.true_window[i : i + 1], len(guesses), axis=0))
        found = int(np.argmax(best)) == own and overlap >= HALF
        out[:, i] = overlap, blind.mean(), found, (blind >= HALF).mean() / n_tracks
    return out
