"""Merit from playlists: tracks that are kept together with those that suit a stretch.

Goes in: the merit of each track in each stretch, and what the playlists of the library say. Comes out: what they add.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.spotting.merit.constraints import Taste
from soundtrack.taste.taste import company
from soundtrack.types import FloatArray, Track

N_BEST = 5
"""Tracks of a stretch whose company counts."""
OF_USE = 0.05
"""What the most used track gains over one in no playlist, as a share of full closeness: it decides between equals."""


def playlists_term(best: FloatArray, tracks: Sequence[Track], taste: Taste | None, *, weight: float) -> FloatArray:
    """Merit that playlists earn each track in each stretch.

    Parameters
    ----------
    best : ndarray, shape=(n, T), float32
        Merit of each track without this term.
    tracks : sequence of Track
        T tracks.
    taste : Taste, optional
        None without playlists.
    weight : float
        Merit of full closeness.

    Returns
    -------
    ndarray, shape=(n, T), float32
        With a mean of 0 over the tracks; 0 throughout without playlists or with fewer than three tracks.
    """
    total = np.zeros(best.shape, np.float32)
    if taste is None or weight == 0 or len(tracks) < 3 or not taste.vectors:
        return total
    nothing = np.zeros_like(next(iter(taste.vectors.values())))
    vectors = np.stack([taste.vectors.get(track.track_id, nothing) for track in tracks])
    uses = np.array([taste.uses.get(track.track_id, 0.0) for track in tracks], np.float32)
    n_best = min(N_BEST, max(1, len(tracks) // 3))
    for row, merits in zip(total, best, strict=True):
        leading = np.argsort(-merits, kind="stable")[:n_best]
        found = company(vectors, [int(i) for i in leading]) + OF_USE * uses
        row[:] = weight * (found - found.mean())
    return np.round(total, 5)
