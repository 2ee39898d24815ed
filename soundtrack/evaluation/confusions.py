"""Confusion matrices for people, also with fear and tension as one class.

Goes in: a matrix of `soundtrack.evaluation.labels`. Comes out: lines of text, and the merged matrix. Violence, cruelty
and trembling are labelled fear by some people and tension by others; merged, the errors between the two are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.types import EMOTIONS
from soundtrack.yardsticks.metrics import Integers

PARTS = ("Fear", "Tension")
"""The classes that are merged."""
MERGED = "Fear/Tension"
"""Their name together."""
MERGED_CLASSES = tuple(MERGED if name == PARTS[0] else name for name in EMOTIONS if name != PARTS[1])
"""Names of the merged matrix."""


def merged(table: Integers) -> Integers:
    """The matrix with fear and tension as one class, shape (5, 5), in the order of `MERGED_CLASSES`.

    Parameters
    ----------
    table : ndarray, shape=(6, 6), int
        Row = true class, column = read class.

    Examples
    --------
    >>> merged(np.eye(6, dtype=np.int64)).diagonal().tolist()
    [1, 2, 1, 1, 1]
    """
    kept, gone = (EMOTIONS.index(name) for name in PARTS)
    table = table.copy()
    table[kept] += table[gone]
    table[:, kept] += table[:, gone]
    return np.delete(np.delete(table, gone, axis=0), gone, axis=1)


def right_share(table: Integers) -> float:
    """Share of right answers of a matrix, in [0, 1]; NaN for an empty one."""
    return float(table.trace() / table.sum()) if table.sum() else float("nan")


def lines(title: str, table: Integers, names: Sequence[str]) -> list[str]:
    """A matrix as text, with the share of right answers."""
    width = max(len(name) for name in names)
    heading = [f"{title}: {right_share(table):.3f} correct; rows are labels, columns are readings"]
    rows = [" " * width + "".join(name.rjust(len(name) + 2) for name in names)]
    for name, row in zip(names, table.tolist(), strict=True):
        cells = "".join(str(n).rjust(len(column) + 2) for n, column in zip(row, names, strict=True))
        rows.append(name.ljust(width) + cells)
    return [*heading, *rows]


def document(table: Integers) -> dict[str, object]:
    """The merged matrix as JSON."""
    small = merged(table)
    return {"classes": list(MERGED_CLASSES), "confusion": small.tolist(), "accuracy": round(right_share(small), 4)}
