"""The two regressions of heads, on standardised and weighted columns.

Goes in: rows, what is true of them, how much each row counts. Comes out: weights and intercepts over the rows as given.
Torch and numpy only, since training has to run where nothing else is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Block
from soundtrack.training.ridge import solve_ridge

Matrix = npt.NDArray[np.float64]


def gains_of(blocks: Sequence[Block], gains: Mapping[str, float]) -> Matrix:
    """The gain of each column by the channel of its block, shape (columns,); 1 for channels that are not named."""
    return np.repeat([gains.get(block.channel, 1.0) for block in blocks], [block.dim for block in blocks])


def moments(rows: npt.NDArray[np.floating]) -> tuple[Matrix, Matrix]:
    """Mean and spread of each column over the rows that know it, shape (columns,) each; 0 and 1 where none does.

    The spread is at least 0.001.

    Examples
    --------
    >>> [part.tolist() for part in moments(np.array([[1.0, np.nan], [3.0, np.nan]]))]
    [[2.0, 0.0], [1.0, 1.0]]
    """
    known = np.ma.masked_invalid(np.asarray(rows, np.float64))
    mean, spread = np.ma.filled(known.mean(axis=0), 0.0), np.ma.filled(known.std(axis=0), 1.0)
    return np.asarray(mean, np.float64), np.maximum(np.asarray(spread, np.float64), 1e-3)


def logistic(x: Matrix, beliefs: Matrix, *, shares: Matrix, penalty: float, gains: Matrix) -> tuple[Matrix, Matrix]:
    """Weights (n_classes, columns) and intercepts (n_classes,) of a multinomial logistic regression.

    Parameters
    ----------
    x : ndarray, shape=(n, columns), float64
        Standardised.
    beliefs : ndarray, shape=(n, n_classes), float64
        Chance of each class, rows adding up to 1.
    shares : ndarray, shape=(n,), float64
        How much each row counts, not negative.
    penalty : float > 0
        Half of it times the squared weights stands beside the summed log-loss; intercepts are free.
    gains : ndarray, shape=(columns,), float64
        Columns are multiplied by these before they are penalised, so that a large gain is held back less.
    """
    import torch

    data, truth, weight = torch.from_numpy(x * gains), torch.from_numpy(beliefs), torch.from_numpy(shares)
    layer = torch.zeros(beliefs.shape[1], x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([layer], max_iter=500, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def loss() -> float:
        solver.zero_grad()
        logits = data @ layer[:, 1:].T + layer[:, 0]
        each = torch.nn.functional.cross_entropy(logits, truth, reduction="none")
        value = (weight * each).sum() + 0.5 * penalty * layer[:, 1:].square().sum()
        torch.autograd.backward(value)
        return float(value.detach())

    solver.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    done = layer.detach().numpy()
    return done[:, 1:] * gains, done[:, 0]


def ridge(x: Matrix, targets: Matrix, *, shares: Matrix, penalty: float, gains: Matrix) -> tuple[Matrix, Matrix]:
    """Weights (n_targets, columns) and intercepts (n_targets,) from the rows whose targets are all known (not NaN).

    Parameters as in `logistic`; `targets` has shape (n, n_targets). Without such a row everything is 0.
    """
    known = np.isfinite(targets).all(axis=1) & (shares > 0)
    if not known.any():
        return np.zeros((targets.shape[1], x.shape[1])), np.zeros(targets.shape[1])
    weights, bias = solve_ridge(x[known] * gains, targets[known], shares=shares[known], penalty=penalty)
    return (weights * gains[:, None]).T, bias
