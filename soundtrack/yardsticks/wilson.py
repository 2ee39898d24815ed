"""Interval of a share of yes and no answers."""

from __future__ import annotations

from soundtrack.yardsticks.bootstrap import Interval

CONFIDENCE = 0.95
"""Of the interval."""


def wilson(n_yes: int, n: int) -> Interval:
    """A share with its 95 % interval by E. B. Wilson (1927).

    Parameters
    ----------
    n_yes : int
        Between 0 and `n`.
    n : int >= 1
        Answers.

    Examples
    --------
    >>> str(wilson(7, 10))
    '0.700 [0.397, 0.892]'
    """
    from scipy.stats import binomtest

    found = binomtest(n_yes, n).proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    return Interval(n_yes / n, float(found.low), float(found.high))
