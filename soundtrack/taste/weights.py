"""Weights of the merit table that fit the choices of a person.

Goes in: choices between two pieces of music, with their differences in the measures of the table. Comes out: a table
with other weights. Model: R. A. Bradley and M. E. Terry, "Rank analysis of incomplete block designs", 1952, with
merit as the strength: the probability of a choice is the logistic function of the difference in merit, times a slope.
Weights change by factors, whose logarithms are shrunk to 0, so that few choices change little and no sign changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from soundtrack.merit_table import MeritTable
from soundtrack.taste.choices import LOCK, Choice

FITTED = ("picture", "mood", "valence", "arousal", "pace", "vocals")
"""Rows whose weights follow the choices."""
LEAST_CHOICES = 5
"""With fewer choices the weights stay as they are."""
MOST_CHOICES = 500
"""The latest ones count."""
LOCKED_COUNTS = 0.5
"""What a locked cue counts; it is kept, but its alternatives were not necessarily heard."""
_SPREAD, _SLOPE, _SLOPE_SPREAD = 1.0, 8.0, 1.0
"""Standard deviation of the logarithm of a factor; slope per unit of merit, and that of its logarithm."""
_LARGEST = 3.0
_DECIMALS = 3


def fitted(choices: Sequence[Choice], merit: MeritTable, *, fixed: Collection[str] = ()) -> MeritTable:
    """The table with the weights that explain some choices best.

    Parameters
    ----------
    choices : sequence of Choice
        Oldest first.
    merit : MeritTable
        What the weights are without choices.
    fixed : collection of str
        Rows that stay as they are.

    Returns
    -------
    MeritTable
        Equal to `merit` with fewer than `LEAST_CHOICES` choices.
    """
    rows = merit.rows()
    names = [name for name in FITTED if name not in fixed and rows[name].weight != 0]
    choices = choices[-MOST_CHOICES:]
    if len(choices) < LEAST_CHOICES or not names:
        return merit
    from scipy.optimize import minimize

    base = np.array([rows[name].weight for name in names])
    apart = np.array([[c.differences.get(name, 0.0) for name in names] for c in choices]) * base
    others = [name for name in rows if name not in names]
    rest = np.array([sum(rows[name].weight * c.differences.get(name, 0.0) for name in others) for c in choices])
    counts = np.array([LOCKED_COUNTS if c.kind == LOCK else 1.0 for c in choices])

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        factors, slope = np.exp(at[:-1]), _SLOPE * np.exp(at[-1])
        ahead = apart @ factors + rest
        missed = counts / (1 + np.exp(np.clip(slope * ahead, -500, 500)))
        value = float(counts @ np.logaddexp(0, -slope * ahead))
        value += float(at[:-1] @ at[:-1]) / (2 * _SPREAD**2) + float(at[-1]) ** 2 / (2 * _SLOPE_SPREAD**2)
        down = np.append(-slope * (missed @ apart) * factors, -slope * float(missed @ ahead))
        return value, down + at / np.append(np.full(len(names), _SPREAD**2), _SLOPE_SPREAD**2)

    found = minimize(
        loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=[(-_LARGEST, _LARGEST)] * (len(names) + 1)
    )
    changed = {}
    for name, log_factor in zip(names, found.x[:-1], strict=True):
        row = rows[name]
        weight = float(np.clip(row.weight * np.exp(log_factor), *row.weights))
        changed[name] = replace(row, weight=round(weight, _DECIMALS) + 0.0)
    return replace(merit, **changed)


def agreement(choices: Sequence[Choice], merit: MeritTable) -> float:
    """Share of choices in which the preferred music has the larger merit; equal merit counts half.

    Examples
    --------
    >>> agreement([Choice("swap", "f", "1m01", "a", "b", {"mood": 0.2})], MeritTable())
    1.0
    """
    weights = {name: row.weight for name, row in merit.rows().items()}
    ahead = [sum(weights[name] * value for name, value in c.differences.items() if name in weights) for c in choices]
    return float(np.mean([1.0 if value > 1e-9 else 0.5 if value > -1e-9 else 0.0 for value in ahead]))
