"""Stacked regression of ratings: boosted trees and two kinds of forests under a ridge regression.

Goes in: one row of features for each file, ratings, folds. Comes out: predictions for files that the regressors did
not see. scikit-learn's `StackingRegressor` over `GradientBoostingRegressor`, `RandomForestRegressor` and
`ExtraTreesRegressor`; its inner folds keep sources together, too. A comparison for the heads, which are linear.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.progress import Progress, no_progress
from soundtrack.training.ridge import IntArray, Matrix

N_INNER = 5
"""Inner folds, by which the regressors are weighed."""
_TREES, _LIMIT, _SHARE_OF_COLUMNS, _SEED = 150, 5.0, 0.1, 0


def require_sklearn() -> None:
    """Refuse to go on without scikit-learn.

    Raises
    ------
    DependencyError
        It is not installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise DependencyError("scikit-learn is not installed", hint="run `pip install 'soundtrack[train]'`")


def _regressor(groups: IntArray) -> Any:
    """A stack whose inner folds keep groups together."""
    from sklearn.ensemble import (
        ExtraTreesRegressor,
        GradientBoostingRegressor,
        RandomForestRegressor,
        StackingRegressor,
    )
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import GroupKFold

    forest = {
        "n_estimators": _TREES,
        "max_features": _SHARE_OF_COLUMNS,
        "min_samples_leaf": 2,
        "random_state": _SEED,
        "n_jobs": 1,
    }
    boosted = GradientBoostingRegressor(
        n_estimators=_TREES, learning_rate=0.05, subsample=0.7, max_features="sqrt", random_state=_SEED
    )
    n_inner = min(N_INNER, len(np.unique(groups)))
    inner = list(GroupKFold(n_inner).split(groups, groups=groups))
    return StackingRegressor(
        [("boosted", boosted), ("forest", RandomForestRegressor(**forest)), ("extra", ExtraTreesRegressor(**forest))],
        final_estimator=RidgeCV(np.logspace(-2, 3, 11)),
        cv=inner,
        n_jobs=1,
    )


def stacked_by_fold(
    inputs: Matrix,
    rated: Matrix,
    *,
    folds: IntArray,
    sources: Sequence[str],
    progress: Progress = no_progress,
) -> Matrix:
    """Out-of-fold predictions of stacked regressors, shape (n_files, n_targets), in [-1, 1].

    Parameters
    ----------
    inputs : ndarray, shape=(n_files, n_columns)
        Features; NaN where nothing is known.
    rated : ndarray, shape=(n_files, n_targets)
        Ratings by people, in [-1, 1].
    folds : ndarray, shape=(n_files,), int
        Fold of each file.
    sources : sequence of str, length n_files
        Files of one source are never on both sides, neither outside nor inside.
    progress : callable
        Called after each fold.

    Raises
    ------
    DependencyError
        scikit-learn is not installed.
    """
    require_sklearn()
    numbers = np.unique(np.array(sources), return_inverse=True)[1]
    out = np.zeros_like(rated)
    names = np.unique(folds)
    for done, fold in enumerate(names, start=1):
        learn = folds != fold
        mean = np.nan_to_num(np.nanmean(inputs[learn], axis=0))
        scale = np.maximum(np.nan_to_num(np.nanstd(inputs[learn], axis=0)), 1e-3)
        x = np.nan_to_num(np.clip((inputs - mean) / scale, -_LIMIT, _LIMIT))
        for column in range(rated.shape[1]):
            model = _regressor(numbers[learn]).fit(x[learn], rated[learn, column])
            out[~learn, column] = model.predict(x[~learn])
        progress("stacking", done, len(names))
    return np.clip(out, -1, 1)
