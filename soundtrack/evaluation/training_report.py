"""Reports of a training: confusion matrix and curves, as tables and pictures.

Goes in: numbers of a finished training. Comes out: ``confusion.csv``, ``curve.csv`` and, where matplotlib is installed,
``confusion.png`` and ``curve.png`` in its folder.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.types import EMOTIONS
from soundtrack.yardsticks import plot

Confusion = Sequence[Sequence[int]]
Curve = Sequence[Mapping[str, float | None]]


def write_report(folder: Path, *, confusions: Mapping[str, Confusion], curve: Curve, over: str) -> None:
    """Tables and pictures of a training.

    Parameters
    ----------
    folder : Path
        Of the training; exists.
    confusions : mapping of side to matrix
        Rows are truth, columns the answer, in the order of `EMOTIONS`; may be empty.
    curve : sequence of mapping of name to number
        What was looked at after each step, by name; may be empty.
    over : str
        The name in `curve` that tells how far the training was.
    """
    if confusions:
        rows: list[list[object]] = [["side", "truth", *EMOTIONS]]
        for side, table in confusions.items():
            rows += [[side, truth, *row] for truth, row in zip(EMOTIONS, table, strict=True)]
        _write_csv(folder / "confusion.csv", rows)
    names = list(dict.fromkeys(name for point in curve for name in point))
    if curve:
        _write_csv(folder / "curve.csv", [names, *([point.get(name, "") for name in names] for point in curve)])
    try:
        plot.check_plotting()
    except DependencyError:
        return  # the tables say the same
    if confusions:
        tables = {side: np.array(table, np.int64) for side, table in confusions.items()}
        plot.confusion_matrices(tables, folder / "confusion.png", kind=OWN, force=True)
    if curve:
        lines = {name: _points(curve, name, over=over) for name in names if name != over}
        plot.curves(lines, folder / "curve.png", over=over, kind=OWN)


def read_curve(path: Path) -> list[dict[str, float]]:
    """The points of a curve that was kept as one JSON object a line; none where there is no such file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _points(curve: Curve, name: str, *, over: str) -> list[tuple[float, float]]:
    """Where a number was looked at, and what it was."""
    pairs = [(point.get(over), point.get(name)) for point in curve]
    return [(float(x), float(y)) for x, y in pairs if x is not None and y is not None and np.isfinite(y)]


def _write_csv(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """A table, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue(), kind=OWN, force=True)
