"""Vectors of tracks from playlists: implicit alternating least squares.

Goes in: which tracks each playlist names, with weights. Comes out: a unit vector for each track; tracks of the same
playlists lie close to each other. Y. Hu, Y. Koren and C. Volinsky, "Collaborative filtering for implicit feedback
datasets", 2008, as the library implicit has it. This module is the only one that imports it.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.taste.tag_vectors import unit_rows
from soundtrack.types import FloatArray

WIDTH = 16
"""Numbers in a vector."""
_ROUNDS, _PENALTY, _CONFIDENCE, _SEED = 15, 10.0, 20.0, 7


def is_installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("implicit") is not None


def require_installed() -> None:
    """Refuse to go on without the library.

    Raises
    ------
    DependencyError
        It is not installed.
    """
    if not is_installed():
        raise DependencyError("implicit is not installed", hint="run `pip install 'soundtrack[playlists]'`")


def track_vectors(rows: Sequence[Mapping[int, float]], *, n_tracks: int) -> FloatArray:
    """Vectors of tracks by the playlists that name them.

    Parameters
    ----------
    rows : sequence of mapping of int to float
        For each playlist the tracks that it names, by position, and what each counts (above 0).
    n_tracks : int
        Number of tracks.

    Returns
    -------
    ndarray, shape=(n_tracks, D), float32
        Unit vectors; zeros for a track that no row names.

    Raises
    ------
    DependencyError
        implicit is not installed.
    """
    require_installed()
    from scipy.sparse import csr_matrix

    cells = [(i, track, value) for i, row in enumerate(rows) for track, value in sorted(row.items())]
    if not cells:
        return np.zeros((n_tracks, 1), np.float32)
    owner, column, value = (np.array(part) for part in zip(*cells, strict=True))
    table = csr_matrix((_CONFIDENCE * value.astype(np.float32), (owner, column)), shape=(len(rows), n_tracks))
    from implicit.cpu.als import AlternatingLeastSquares

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # advice about the threads of BLAS
        model = AlternatingLeastSquares(
            factors=WIDTH, regularization=_PENALTY, iterations=_ROUNDS, num_threads=1, random_state=_SEED
        )
        model.fit(table, show_progress=False)
    named = np.zeros(n_tracks, bool)
    named[column] = True
    return unit_rows(np.where(named[:, None], model.item_factors, 0.0))
