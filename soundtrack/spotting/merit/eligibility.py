"""Eligible tracks: from the whole library to those worth planning with.

Goes in: the film's stretches and the library's segments. Comes out: a `Pool` of tracks with the merit of each of their
segments in each stretch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from soundtrack.errors import NothingFitsError, UsageError
from soundtrack.merit_table import MeritTable
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import Film
from soundtrack.spotting.merit.likeness import artists, groups, song_name
from soundtrack.spotting.merit.moods import lyrics_term, name_term
from soundtrack.spotting.merit.terms import SEGMENT_TERMS, TRACK_TERMS, Sides, sides, split, track_terms
from soundtrack.spotting.merit.together import playlists_term
from soundtrack.spotting.merit.view import IntArray, SegmentTable, subset
from soundtrack.types import FloatArray, Track

TERM_NAMES = (*SEGMENT_TERMS, *TRACK_TERMS, "explore", "recent", "names", "lyrics", "playlists", "asked")
"""Everything that can speak for or against a segment in a stretch."""
MIN_TRACK_S = 8.0
"""Shorter files are effects, not music; used only if there is nothing else or by a lock."""

_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Pool:
    """The tracks that the plan may use; S segments, T tracks, n stretches."""

    tracks: tuple[Track, ...] = field(repr=False)
    """In the order of merit for the film."""
    table: SegmentTable
    """Their segments."""
    sides: Sides
    """Their merits as a product."""
    by_track: FloatArray = field(repr=False, compare=False)
    """Terms that depend on the track only, shape (7, n, T): `TRACK_TERMS`, ``explore``, ``recent``, ``names``,
    ``lyrics``, ``playlists`` and ``asked``."""
    groups: IntArray = field(repr=False, compare=False)
    """Which tracks are one piece of music, shape (T,)."""
    artists: IntArray = field(repr=False, compare=False)
    """Which tracks are by one artist, shape (T,)."""

    def merits(self, stretch: int) -> FloatArray:
        """Merit of every segment in one stretch, shape (S,)."""
        per_track = self.by_track[:, stretch].sum(axis=0)
        by_segment: FloatArray = self.sides.music @ self.sides.film[stretch]
        by_segment += np.repeat(per_track, np.diff(self.table.first_row))
        return by_segment

    def terms(self, stretch: int, *, track: int) -> FloatArray:
        """The merits of one track's segments in one stretch, by `TERM_NAMES`, shape (13, s)."""
        rows = slice(int(self.table.first_row[track]), int(self.table.first_row[track + 1]))
        part = Sides(film=self.sides.film, music=self.sides.music[rows], ends=self.sides.ends)
        by_segment = split(part, stretch=stretch)
        by_track = np.repeat(self.by_track[:, stretch, track][:, None], by_segment.shape[1], axis=1)
        return np.concatenate([by_segment, by_track])


def allowed_tracks(tracks: Sequence[Track], constraints: Constraints) -> list[int]:
    """Positions of the tracks that the user allows; locked ones and those of kept cues are always among them.

    Raises
    ------
    NothingFitsError
        None is left.
    UsageError
        A locked track is not in the library.
    """
    locked = {lock.track_id for lock in constraints.locks}
    missing = locked - {t.track_id for t in tracks}
    if missing:
        raise UsageError(
            f"the locked track {min(missing)[:12]} is not in the library", hint="run `soundtrack library list`"
        )
    free = [
        i
        for i, t in enumerate(tracks)
        if t.track_id not in constraints.avoid and (constraints.only is None or t.track_id in constraints.only)
    ]
    long_enough = [i for i in free if tracks[i].audio.duration_s >= MIN_TRACK_S]
    bound = locked | {cue.track_id for cue in constraints.kept}
    result = sorted({*(long_enough or free), *(i for i, t in enumerate(tracks) if t.track_id in bound)})
    if not result:
        causes = "; ".join(note for note in constraints.notes if "left out" in note)
        one, many = "the only track of the library is", f"all {len(tracks)} tracks of the library are"
        every = one if len(tracks) == 1 else many
        raise NothingFitsError(
            f"no eligible tracks: {every} excluded{causes and f' ({causes})'}",
            hint="relax --only, --avoid, --license, --language or --no-explicit, or index more music",
        )
    return result


def choose_pool(
    film: Film,
    tracks: Sequence[Track],
    table: SegmentTable,
    *,
    merit: MeritTable,
    constraints: Constraints,
    allow_vocals: bool,
    seed: int,
    n_tracks: int,
) -> Pool:
    """The tracks worth planning with: the best for the film as a whole, then the best of each stretch in turn.

    Parameters
    ----------
    film : Film
        n stretches.
    tracks : sequence of Track
        The library.
    table : SegmentTable
        Its segments.
    merit : MeritTable
        Weights and neutral points.
    constraints : Constraints
        What the user allows.
    allow_vocals : bool
        Whether singing may lie under speech without a penalty.
    seed : int
        For wandering (`Constraints.explore`).
    n_tracks : int > 0
        Maximum number, apart from those of locks and kept cues.

    Returns
    -------
    Pool

    Raises
    ------
    NothingFitsError
        No track is allowed.
    """
    allowed = allowed_tracks(tracks, constraints)
    if len(allowed) < len(tracks):
        tracks, table = [tracks[i] for i in allowed], subset(table, allowed)
    recent = _recent(tracks, constraints, merit.recent.weight)
    best = _best_per_track(film, tracks, table, merit, allow_vocals=allow_vocals) + recent
    seen = np.linalg.norm(film.vectors, axis=1, keepdims=True) > 0.5
    read = np.where(seen, film.probabilities, 0.0)
    named = name_term(film.valence, film.arousal, tracks, weight=merit.names.weight, probabilities=read)
    sung = lyrics_term(film.valence, film.arousal, tracks, constraints.sung, weight=merit.lyrics.weight)
    asked = _asked(film, tracks, constraints, merit.asked.weight)
    best = np.round(best + named + sung + asked, 5)
    kept_together = playlists_term(best, tracks, constraints.taste, weight=merit.playlists.weight)
    best = np.round(best + kept_together, 5)
    order = _with_neighbours(_in_turn(best, film, tracks, n_tracks=n_tracks), kept_together, n_tracks=n_tracks)
    bound = {lock.track_id for lock in constraints.locks} | {cue.track_id for cue in constraints.kept}
    order += [i for i, t in enumerate(tracks) if t.track_id in bound and i not in order]
    chosen = tuple(tracks[i] for i in order)
    part = subset(table, order)
    means = np.stack([v.mean(axis=0) for v in np.split(part.vectors, part.first_row[1:-1])])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    wander = _wander(best[:, order], chosen, weight=merit.explore.weight, explore=constraints.explore, seed=seed)
    used = np.broadcast_to(recent[order], (len(film), len(chosen)))
    by_track = np.concatenate(
        [
            track_terms(film, chosen, merit),
            wander[None],
            used[None],
            named[None][:, :, order],
            sung[None][:, :, order],
            kept_together[None][:, :, order],
            asked[None][:, :, order],
        ]
    )
    return Pool(
        tracks=chosen,
        table=part,
        sides=sides(film, part, merit, allow_vocals=allow_vocals),
        by_track=by_track,
        groups=groups(chosen, means),
        artists=artists(chosen),
    )


def _best_per_track(
    film: Film, tracks: Sequence[Track], table: SegmentTable, merit: MeritTable, *, allow_vocals: bool
) -> FloatArray:
    """Merit of each track's best segment in each stretch, shape (n, T), rounded so that order is stable."""
    both = sides(film, table, merit, allow_vocals=allow_vocals)
    best = np.empty((len(film), len(tracks)), np.float32)
    for start in range(0, len(film), _BLOCK):
        merits = both.film[start : start + _BLOCK] @ both.music.T  # (block, S)
        best[start : start + _BLOCK] = np.maximum.reduceat(merits, table.first_row[:-1], axis=1)
    best += track_terms(film, tracks, merit).sum(axis=0)
    return np.round(best, 5)


def _in_turn(best: FloatArray, film: Film, tracks: Sequence[Track], *, n_tracks: int) -> list[int]:
    """Positions of the pool: a quarter by the whole film, the rest by each sounding stretch in turn; one per song."""
    sounding = np.flatnonzero(~film.silent)
    if len(sounding) == 0:
        sounding = np.arange(len(film))
    overall = np.average(best[sounding], axis=0, weights=film.lengths_s[sounding])
    ranked = np.argsort(-np.round(overall, 5), kind="stable")
    if len(tracks) <= n_tracks:
        return [int(i) for i in ranked]
    chosen: dict[int, None] = {}
    songs: set[tuple[str, str]] = set()

    def take(position: int, limit: int) -> None:
        name = song_name(tracks[position])
        if len(chosen) < limit and position not in chosen and (name is None or name not in songs):
            chosen[position] = None
            if name is not None:
                songs.add(name)

    for position in ranked[: 2 * n_tracks]:
        take(int(position), n_tracks // 4)
    depth = min(len(tracks), n_tracks)
    top = np.argpartition(-best[sounding], depth - 1, axis=1)[:, :depth]
    for i, stretch in enumerate(sounding):
        row = np.sort(top[i])
        top[i] = row[np.argsort(-best[stretch, row], kind="stable")]
    for rank in range(depth):
        for position in top[:, rank]:
            take(int(position), n_tracks)
        if len(chosen) >= n_tracks:
            break
    return list(chosen)


def _with_neighbours(order: list[int], kept_together: FloatArray, *, n_tracks: int) -> list[int]:
    """The pool with its last eighth given to the tracks that playlists name beside the best ones."""
    if len(order) < n_tracks or not kept_together.any():
        return order
    gained = kept_together.max(axis=0)
    near = [int(i) for i in np.argsort(-np.round(gained, 5), kind="stable")[:n_tracks] if gained[i] > 0]
    fresh = [i for i in near if i not in set(order)][: n_tracks // 8]
    return [*order[: n_tracks - len(fresh)], *fresh]


def _recent(tracks: Sequence[Track], constraints: Constraints, weight: float) -> FloatArray:
    """What each track loses because earlier films used it, shape (T,); locked ones lose nothing."""
    spared = {lock.track_id for lock in constraints.locks}
    used = [t.track_id in constraints.recent and t.track_id not in spared for t in tracks]
    return np.where(used, weight, 0.0).astype(np.float32)


def _asked(film: Film, tracks: Sequence[Track], constraints: Constraints, weight: float) -> FloatArray:
    """What requests in words add to each track in each stretch, shape (n, T)."""
    middles = (film.edges_s[:-1] + film.edges_s[1:]) / 2
    total = np.zeros((len(film), len(tracks)), np.float32)
    for request in constraints.requests:
        span = request.span
        inside = np.ones(len(film), np.bool_) if span is None else (middles >= span.start_s) & (middles < span.end_s)
        worth = np.array([request.worth.get(track.track_id, 0.0) for track in tracks], np.float32)
        total += weight * inside[:, None] * worth[None, :]
    return total


def _wander(best: FloatArray, tracks: Sequence[Track], *, weight: float, explore: float, seed: int) -> FloatArray:
    """What exploring adds to each track in each stretch, shape (n, T): seeded luck for those above a floor of fit."""
    luck = np.zeros(len(tracks))
    for i, track in enumerate(tracks):
        digest = hashlib.sha256(f"{seed}:{track.track_id}".encode()).digest()
        chance = (int.from_bytes(digest[:8], "big") + 0.5) / 2**64
        luck[i] = -np.log(-np.log(chance))
    floor = best.max(axis=1, keepdims=True) - explore
    return np.where(best >= floor, weight * explore * np.maximum(luck, 0.0)[None, :], 0.0).astype(np.float32)
