"""Bootstrap 95 % intervals, drawn by source rather than by clip.

Goes in: a function of row indices and each row's source. Comes out: a `Interval`. Whole sources are drawn with
replacement (cluster bootstrap, percentile interval), since clips of one source are not independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the range it would have on other samples like this one."""

    value: float
    """On the sample itself."""
    low: float
    """2.5th percentile over the draws."""
    high: float
    """97.5th percentile over the draws."""

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def json_number(value: float) -> float | None:
    """A number as JSON can hold it: four places, None where there is none.

    Examples
    --------
    >>> json_number(float("nan")) is None
    True
    """
    return round(value, 4) if np.isfinite(value) else None


def bootstrap(
    statistic: Callable[[Integers], float], sources: Integers, *, n_draws: int = 500, seed: int = 0
) -> Interval:
    """Interval of a statistic over draws of whole sources.

    Parameters
    ----------
    statistic : callable
        Gets row indices (with repeats), gives a number; NaN draws are left out.
    sources : ndarray, shape=(n,), int
        Source of each row.
    n_draws : int
        How many draws.
    seed : int
        Of the draws.

    Examples
    --------
    >>> values = np.arange(10.0)
    >>> bootstrap(lambda rows: float(values[rows].mean()), np.arange(10)).value
    4.5
    """
    rng = np.random.default_rng(seed)
    names = np.unique(sources)
    members = [np.flatnonzero(sources == name) for name in names]
    value = statistic(np.arange(sources.size))
    draws = []
    for _ in range(n_draws):
        chosen = rng.integers(len(names), size=len(names))
        draw = statistic(np.concatenate([members[i] for i in chosen]))
        if np.isfinite(draw):
            draws.append(draw)
    if not draws:
        return Interval(value, value, value)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(value, float(low), float(high))
