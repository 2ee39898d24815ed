"""Search for the best plan: dynamic programming over the places where music may change.

Goes in: a `Problem`. Comes out: the best list of `Choice`. At each edge between stretches a beam of labels is kept,
partial plans that remember which music they used; longer plans are built from them. Exact as long as the beam holds
every label (the tests compare it with trying everything), and deterministic always: equal values are settled by order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.spotting.merit.view import IntArray
from soundtrack.spotting.plan.problem import NO_TRACK, Choice, Problem, entry_cost, likeness, lone_values, silence_value

_Values = npt.NDArray[np.float64]
_Counts = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _Labels:
    """Partial plans that end at one edge, B of them."""

    value: _Values
    """Shape (B,)."""
    last: IntArray
    """Track that sounds up to the edge, or `NO_TRACK`, shape (B,)."""
    exit_arousal: _Values
    """Arousal of that track where it stops, shape (B,)."""
    n_cues: IntArray
    """Shape (B,)."""
    used: _Counts
    """How often each group of tracks was used, shape (B, T)."""
    used_artists: _Counts
    """How often each artist was used, shape (B, T)."""
    since: _Counts
    """Stretch in which the latest cue with each group of tracks starts, shape (B, T); 0 where there is none."""
    parent_edge: IntArray
    """Edge of the label it was built from, shape (B,)."""
    parent: IntArray
    """Place of that label there, shape (B,)."""


@dataclass(frozen=True, slots=True)
class _Offers:
    """Ways from the labels of one edge to a later edge, m of them."""

    edge: int
    """Where they start."""
    value: _Values
    """Of the plan up to the later edge, shape (m,)."""
    parent: IntArray
    """Label they start from, shape (m,)."""
    track: IntArray
    """What sounds in between, or `NO_TRACK`, shape (m,)."""
    exit_arousal: _Values
    """Arousal of that at the later edge, shape (m,)."""


def solve(problem: Problem, *, beam: int = 96, n_options: int = 24) -> list[Choice]:
    """The best plan.

    Parameters
    ----------
    problem : Problem
        Silence is possible wherever there is no lock, so that there is a plan.
    beam : int > 0
        Labels kept at each edge.
    n_options : int > 0
        Tracks tried for each run of stretches.

    Returns
    -------
    list of Choice
        In order, not overlapping.

    Raises
    ------
    ValueError
        Locks that cannot be obeyed together.
    """
    n, n_tracks = len(problem.film), len(problem.groups)
    offers: list[list[_Offers]] = [[] for _ in range(n + 1)]
    labels = [_start(n_tracks)]
    for edge in range(n + 1):
        if edge > 0:
            labels.append(_settle(problem, offers[edge], labels, beam=beam))
            offers[edge] = []
        if edge < n and len(labels[edge].value):
            _extend(problem, labels[edge], edge, offers, beam=beam, n_options=n_options)
    if not len(labels[n].value):
        raise ValueError("no plan satisfies all locks")
    return _trace(labels)


def _start(n_tracks: int) -> _Labels:
    """The empty plan at the film's start."""
    zero = np.zeros(1, np.int64)
    counts = np.zeros((1, n_tracks), np.int16)
    return _Labels(np.zeros(1), zero + NO_TRACK, np.zeros(1), zero, counts, counts, counts, zero, zero)


def _extend(
    problem: Problem, labels: _Labels, edge: int, offers: list[list[_Offers]], *, beam: int, n_options: int
) -> None:
    """Every way on from the labels of one edge, added to the edges where they lead."""
    quiet = silence_value(problem, edge)
    everyone = np.arange(len(labels.value))
    if np.isfinite(quiet):
        nothing = np.full(len(everyone), NO_TRACK, np.int64)
        offers[edge + 1].append(_Offers(edge, labels.value + quiet, everyone, nothing, np.zeros(len(everyone))))
    starters = _starters(problem, labels, edge)
    for run in range(int(problem.worth.n_stretches[edge])):
        values = lone_values(problem, edge, run + 1).astype(np.float64)
        order = np.argsort(-np.round(values, 6), kind="stable")[:n_options]
        tracks = order[np.isfinite(values[order])]
        if not len(tracks):
            continue
        cells = problem.worth.cell[edge][run][tracks]
        length_s = float(problem.film.edges_s[edge + run + 1] - problem.film.edges_s[edge])
        ends = cells + max(0, int(length_s / problem.worth.cell_s) - 1)
        leaving = problem.arousal[tracks, np.minimum(ends, problem.arousal.shape[1] - 1)].astype(np.float64)
        total = starters[:, tracks] + values[tracks] - _leaps(problem, labels, edge, tracks, cells)
        flat = total.ravel()
        best = np.argsort(-np.round(flat, 6), kind="stable")[: 2 * beam]
        best = best[np.isfinite(flat[best])]
        parent, option = np.divmod(best, len(tracks))
        offers[edge + run + 1].append(_Offers(edge, flat[best], parent, tracks[option], leaving[option]))


def _starters(problem: Problem, labels: _Labels, edge: int) -> _Values:
    """Value of each label less what starting each track costs, leaps apart, shape (B, T)."""
    weights = problem.weights
    touching = labels.last != NO_TRACK
    entry, alone = (entry_cost(problem, edge, touching=meeting) for meeting in (True, False))
    value = labels.value - np.where(touching, entry, alone)
    result = np.repeat(value[:, None], len(problem.groups), axis=1)
    if not problem.free_repeats:
        same_group = labels.used[:, problem.groups].astype(np.float64)
        same_artist = labels.used_artists[:, problem.artists] - same_group
        like = likeness(problem, edge)[labels.since[:, problem.groups]]
        again = weights.theme.weight * like + weights.repeat.weight * (1 - like)
        further = np.where(labels.n_cues > 0, weights.piece.weight, 0.0)[:, None]
        result += np.where(same_group > 0, again, further) + weights.artist.weight * np.maximum(same_artist, 0)
    result[touching] += weights.join.weight * problem.joins[labels.last[touching]]
    goes_on = problem.groups[labels.last][:, None] == problem.groups[None, :]
    result[goes_on & touching[:, None]] = -np.inf
    if problem.max_cues is not None:
        result[labels.n_cues >= problem.max_cues] = -np.inf
    return result


def _leaps(problem: Problem, labels: _Labels, edge: int, tracks: IntArray, cells: IntArray) -> _Values:
    """Cost of leaps of arousal that the picture does not make, shape (B, options)."""
    if edge == 0:
        return np.zeros((len(labels.value), len(tracks)))
    wanted = float(problem.film.arousal[edge] - problem.film.arousal[edge - 1])
    leap = problem.arousal[tracks, cells][None, :] - labels.exit_arousal[:, None]
    return np.where((labels.last != NO_TRACK)[:, None], -problem.weights.leap.weight * np.abs(leap - wanted), 0.0)


def _settle(problem: Problem, offers: list[_Offers], labels: list[_Labels], *, beam: int) -> _Labels:
    """The best of all offers as the labels of an edge."""
    if not offers:
        return _take(_start(len(problem.groups)), np.zeros(0, np.int64))
    value = np.concatenate([o.value for o in offers])
    edges = np.concatenate([np.full(len(o.value), o.edge) for o in offers])
    parent = np.concatenate([o.parent for o in offers])
    track = np.concatenate([o.track for o in offers])
    leaving = np.concatenate([o.exit_arousal for o in offers])
    n_cues = np.concatenate([labels[o.edge].n_cues[o.parent] for o in offers]) + (track != NO_TRACK)
    order = np.argsort(-np.round(value, 6), kind="stable")
    kinds = n_cues if problem.max_cues is not None else track
    share = max(4, beam // 3 if problem.max_cues is None else 3 * beam // (problem.max_cues + 1))
    seen: dict[int, int] = {}
    chosen = []
    for i in order:
        kind = int(kinds[i])
        if seen.get(kind, 0) < share:
            seen[kind] = seen.get(kind, 0) + 1
            chosen.append(int(i))
        if len(chosen) >= beam and problem.max_cues is None:
            break
    pick = np.array(chosen, np.int64)
    used = np.stack([labels[edges[i]].used[parent[i]] for i in pick])
    used_artists = np.stack([labels[edges[i]].used_artists[parent[i]] for i in pick])
    since = np.stack([labels[edges[i]].since[parent[i]] for i in pick])
    music = np.flatnonzero(track[pick] != NO_TRACK)
    used[music, problem.groups[track[pick][music]]] += 1
    used_artists[music, problem.artists[track[pick][music]]] += 1
    since[music, problem.groups[track[pick][music]]] = edges[pick][music]
    return _Labels(
        value[pick], track[pick], leaving[pick], n_cues[pick], used, used_artists, since, edges[pick], parent[pick]
    )


def _take(labels: _Labels, rows: IntArray) -> _Labels:
    """Some of the labels."""
    return _Labels(
        labels.value[rows],
        labels.last[rows],
        labels.exit_arousal[rows],
        labels.n_cues[rows],
        labels.used[rows],
        labels.used_artists[rows],
        labels.since[rows],
        labels.parent_edge[rows],
        labels.parent[rows],
    )


def _trace(labels: list[_Labels]) -> list[Choice]:
    """The cues of the best label at the film's end."""
    edge, place, result = len(labels) - 1, 0, []
    while edge > 0:
        here = labels[edge]
        before, track = int(here.parent_edge[place]), int(here.last[place])
        if track != NO_TRACK:
            result.append(Choice(first=before, last=edge, track=track))
        edge, place = before, int(here.parent[place])
    return result[::-1]
