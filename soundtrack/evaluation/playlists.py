"""``soundtrack eval playlists``: playlists with a part held out, and who finds that part again.

Goes in: what is known about the tracks of a library. Comes out: `PlaylistsReport`. A quarter of each playlist is hidden
in turn; each hidden track is ranked among all tracks that the playlist does not name, by popularity, by tags, by the
factorised playlists, and by both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from soundtrack.errors import InputError, Reason
from soundtrack.progress import Progress, no_progress
from soundtrack.taste.taste import Sources, company, taste_of
from soundtrack.types import FloatArray
from soundtrack.yardsticks.bootstrap import Interval, bootstrap, json_number

N_FOLDS = 4
"""Parts of a playlist, each hidden once."""
FIRST = 10
"""A hit is a hidden track among this number of first ones."""
LEAST_ENTRIES = 4
"""Shorter playlists are learned from and not asked."""
BOTH, LISTENING, TAGS, POPULARITY, CHANCE = "both", "playlists only", "tags only", "popularity", "random"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlaylistsReport:
    """What `soundtrack eval playlists` prints."""

    n_tracks: int
    """Tracks of the library."""
    n_playlists: int
    """Playlists that were asked."""
    n_entries: int
    """Hidden tracks, each once."""
    hits: Mapping[str, Interval]
    """Share of hidden tracks among the first ten, by way of ranking."""
    auc: Mapping[str, Interval]
    """Share of other tracks that rank below the hidden one, by way of ranking."""

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        rows = {
            name: {
                "hit_rate": json_number(self.hits[name].value),
                "hit_rate_interval": [json_number(self.hits[name].low), json_number(self.hits[name].high)],
                "auc": json_number(self.auc[name].value),
                "auc_interval": [json_number(self.auc[name].low), json_number(self.auc[name].high)],
            }
            for name in self.hits
        }
        counts = {"n_tracks": self.n_tracks, "n_playlists": self.n_playlists, "n_entries": self.n_entries}
        return {**counts, "first": FIRST, "folds": N_FOLDS, "rows": rows}

    def lines(self) -> list[str]:
        """For people: a row for each way of ranking."""
        width = max(len(name) for name in self.hits)
        heading = f"{'':{width}}  {f'in first {FIRST}':22}  AUC"
        return [heading, *(f"{name:{width}}  {self.hits[name]!s:22}  {self.auc[name]}" for name in self.hits)]


def held_out(
    sources: Sources, *, seed: int = 0, n_draws: int = 500, progress: Progress = no_progress
) -> PlaylistsReport:
    """How well hidden parts of playlists are found again.

    Parameters
    ----------
    sources : Sources
        Of a library.
    seed : int
        Of the parts and of the random row.
    n_draws : int >= 1
        Of the bootstrap over playlists.
    progress : callable
        Called after each part.

    Raises
    ------
    InputError
        No playlist is long enough, or nothing is left to rank the hidden tracks among.
    DependencyError
        implicit is not installed.
    """
    n = len(sources.tags)
    asked = [i for i, named in enumerate(sources.playlists) if LEAST_ENTRIES <= len(named) < n]
    if not asked:
        raise InputError(
            f"no playlist names {LEAST_ENTRIES} or more tracks of the library and leaves others out",
            hint="index more of the music that the playlists name",
            reason=Reason.EMPTY,
        )
    rng = np.random.default_rng(seed)
    part = [rng.permutation(len(named)) % N_FOLDS for named in sources.playlists]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (BOTH, LISTENING, TAGS, POPULARITY, CHANCE)}
    owner: list[int] = []
    for fold in range(N_FOLDS):
        known = [
            tuple(track for track, p in zip(named, parts, strict=True) if p != fold)
            for named, parts in zip(sources.playlists, part, strict=True)
        ]
        taste = taste_of(replace(sources, playlists=tuple(known)), listening=True)
        assert taste.by_playlists is not None
        sides = {BOTH: taste.joined(), LISTENING: taste.by_playlists, TAGS: taste.by_tags}
        for i in asked:
            hidden = [t for t, p in zip(sources.playlists[i], part[i], strict=True) if p == fold]
            others = np.ones(n, np.bool_)
            others[list(sources.playlists[i])] = False
            values = {name: company(vectors, known[i]) for name, vectors in sides.items()}
            values[POPULARITY] = taste.uses
            values[CHANCE] = np.asarray(rng.random(n), np.float32)
            owner += [i] * len(hidden)
            for name, value in values.items():
                found[name] += [_place(value, track, others) for track in hidden]
        progress("parts of playlists", fold + 1, N_FOLDS)
    owners = np.array(owner, np.int64)
    table = {name: np.array(pairs, np.float64) for name, pairs in found.items()}

    def over(column: int) -> dict[str, Interval]:
        return {name: _interval(rows[:, column], owners, n_draws) for name, rows in table.items()}

    return PlaylistsReport(n, len(asked), len(owner), hits=over(0), auc=over(1))


def _interval(values: Array, owners: npt.NDArray[np.int64], n_draws: int) -> Interval:
    """Mean with its interval over playlists."""
    return bootstrap(lambda rows: float(values[rows].mean()), owners, n_draws=n_draws)


def _place(values: FloatArray, track: int, others: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Whether a track is among the first, with equals counted half, and the share of others below it."""
    rest = np.round(values[others], 6)
    own = round(float(values[track]), 6)
    above, level = int((rest > own + 1e-9).sum()), int((np.abs(rest - own) <= 1e-9).sum())
    hit = min(1.0, max(0.0, (FIRST - above) / (level + 1)))
    return hit, 1 - (above + level / 2) / len(rest)
