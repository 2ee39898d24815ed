"""Ridge regression of ratings on frozen features, with folds.

Goes in: windows of files, ratings of files, folds. Comes out: predictions for files that the regression did not see.
Plain numbers (film, harmony) stand beside hundreds of features and would drown; they count with a gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

Matrix = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Penalties:
    """How strongly the regression is held back."""

    penalty: float = 600.0
    """L2 of the weights beside the summed squared error of the files."""
    plain_gain: float = 3.0
    """Of plain numbers beside features."""
    limit: float = 5.0
    """Standardised inputs are clipped here."""


def solve_ridge(x: Matrix, y: Matrix, *, shares: Matrix, penalty: float) -> tuple[Matrix, Matrix]:
    """Weights (n_columns, n_targets) and intercepts (n_targets,) of a ridge regression with weighted rows.

    Solved among rows or columns, whichever are fewer; what scikit-learn's `Ridge` with `sample_weight` finds.

    Parameters
    ----------
    x : ndarray, shape=(n_rows, n_columns), float64
        Inputs.
    y : ndarray, shape=(n_rows, n_targets), float64
        Targets.
    shares : ndarray, shape=(n_rows,), float64
        How much each row counts, not negative, some positive.
    penalty : float > 0
        L2 of the weights, not of the intercepts, beside the weighted sum of squared errors.
    """
    x_mean, y_mean = shares @ x / shares.sum(), shares @ y / shares.sum()
    root = np.sqrt(shares)[:, None]
    a, b = (x - x_mean) * root, (y - y_mean) * root
    if len(a) <= a.shape[1]:
        weights = a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(len(a)), b)
    else:
        weights = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ b)
    return weights, y_mean - x_mean @ weights


def predict_by_fold(
    inputs: FloatArray, rated: Matrix, *, file: IntArray, folds: IntArray, n_plain: int, penalties: Penalties
) -> Matrix:
    """Out-of-fold predictions, mean over each file's windows, shape (n_files, n_targets).

    Parameters
    ----------
    inputs : ndarray, shape=(n_windows, n_inputs), float32
        What the network gave.
    rated : ndarray, shape=(n_files, n_targets)
        What people said.
    file : ndarray, shape=(n_windows,), int
        Which file each window belongs to, from 0 without gaps.
    folds : ndarray, shape=(n_files,), int
        Fold of each file, from 0; files of fold -1 are learned from and never asked.
    n_plain : int
        How many trailing inputs are plain numbers.
    penalties : Penalties
        How to regress.
    """
    out = np.zeros_like(rated)
    counts = np.bincount(file, minlength=len(rated))
    gain = np.ones(inputs.shape[1])
    gain[inputs.shape[1] - n_plain :] = penalties.plain_gain
    for fold in np.unique(folds[folds >= 0]):
        learn = (folds != fold)[file]
        share = 1.0 / counts[file[learn]]  # every file counts once
        known = inputs[learn].astype(np.float64)
        mean = share @ known / share.sum()
        scale = np.maximum(np.sqrt(share @ (known - mean) ** 2 / share.sum()), 1e-3)

        def standard(rows: Matrix, mean: Matrix = mean, scale: Matrix = scale) -> Matrix:
            return np.asarray(np.clip((rows - mean) / scale, -penalties.limit, penalties.limit) * gain)

        weights, bias = solve_ridge(standard(known), rated[file[learn]], shares=share, penalty=penalties.penalty)
        judged = ~learn
        guesses = standard(inputs[judged].astype(np.float64)) @ weights + bias
        np.add.at(out, file[judged], guesses / counts[file[judged]][:, None])
    return np.clip(out, -1, 1)
