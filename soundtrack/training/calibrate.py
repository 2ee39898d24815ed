"""Calibration of heads on held-out answers, for all sides.

Goes in: probabilities or logits of stretches, which item (film, recording) each stretch belongs to, and right classes.
Comes out: the divisor of the logits, and the two numbers that turn a leading probability into a chance of being right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Head
from soundtrack.networks.products import log_odds, softmax
from soundtrack.video.opinions import LEAST

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


def means_of(values: npt.NDArray[np.floating], item: IntArray, n: int) -> Matrix:
    """Mean over the rows of each item, shape (n, ...); every item needs a row."""
    counts = np.bincount(item, minlength=n)
    if (counts == 0).any():
        raise ValueError(f"item {int(np.argmin(counts))} has no rows")
    order = np.argsort(item, kind="stable")
    sums = np.add.reduceat(values[order].astype(np.float64), np.cumsum(counts) - counts, axis=0)
    return np.asarray(sums / counts.reshape(-1, *[1] * (values.ndim - 1)), np.float64)


def evidence_means(probabilities: npt.NDArray[np.floating], item: IntArray, n: int) -> Matrix:
    """Normalised geometric mean over the rows of each item, shape (n, 6): the mean of their evidence, as of a scene."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), LEAST))
    return softmax(means_of(logs, item, n))


def fit_temperature(logits: Matrix, item: IntArray, classes: IntArray, *, by_evidence: bool = False) -> float:
    """Divisor of the logits under which the items' mean probabilities have the smallest log-loss, in [0.2, 5].

    Parameters
    ----------
    logits : ndarray, shape=(n, 6)
        Of all stretches, from heads that never saw their items; log-probabilities will do.
    item : ndarray, shape=(n,), int64
        Which film or recording each stretch belongs to, from 0 without gaps.
    classes : ndarray, shape=(n_items,), int64
        Right answers.
    by_evidence : bool
        Whether the stretches of an item show one mood, so that their evidence is averaged and not their probabilities.
    """
    mean = evidence_means if by_evidence else means_of

    def loss(temperature: float) -> float:
        means = mean(softmax(logits / temperature), item, len(classes))
        return float(-np.log(np.maximum(means[np.arange(len(classes)), classes], 1e-12)).mean())

    return float(min(np.exp(np.linspace(np.log(0.2), np.log(5.0), 61)), key=loss))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a head's answers into chances."""

    temperature: float
    """Divisor of the class logits."""
    confidence_slope: float
    """As `Head.confidence_slope`."""
    confidence_offset: float
    """As `Head.confidence_offset`."""

    def of(self, head: Head) -> Head:
        """The head with this calibration."""
        return replace(
            head,
            temperature=self.temperature,
            confidence_slope=self.confidence_slope,
            confidence_offset=self.confidence_offset,
        )


def fit_calibration(logits: Matrix, item: IntArray, classes: IntArray, *, by_evidence: bool = False) -> Calibration:
    """Temperature and confidence from the answers of heads that are not calibrated; parameters as `fit_temperature`."""
    temperature = fit_temperature(logits, item, classes, by_evidence=by_evidence)
    right = logits.argmax(axis=1) == classes[item]
    return Calibration(temperature, *fit_confidence(softmax(logits / temperature), right))


def fit_confidence(probabilities: Matrix, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset that turn the log-odds of the leading probability into the chance of being right.

    Parameters
    ----------
    probabilities : ndarray, shape=(n, 6)
        Calibrated, of stretches, from heads that never saw their items.
    right : ndarray, shape=(n,), bool
        Whether the leading class was the item's.
    """
    odds = log_odds(probabilities.max(axis=1))
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    prior = np.array([1.0, 0.0])

    def loss(at: Matrix) -> float:
        z = design @ at
        return float((np.logaddexp(0, z) - right * z).sum() + 0.5 * np.square(at - prior).sum())

    found = prior
    for _ in range(50):  # Newton's method on a log-loss with a small pull towards the prior
        chance = 0.5 * (1 + np.tanh(0.5 * design @ found))
        slope = design.T @ (chance - right) + found - prior
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(curve, slope)
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-9:
            step = step / 2  # a whole step can overshoot where few answers are right
        found = found - step
    return float(max(0.0, found[0])), float(found[1])
