"""Plots of an evaluation: confusion matrices and the valence-arousal plane, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.errors import DependencyError
from soundtrack.files.kinds import PICTURE_METADATA, PICTURES, Kind
from soundtrack.files.safe_write import replacing
from soundtrack.files.targets import as_output_error
from soundtrack.types import EMOTIONS

Array = npt.NDArray[np.float64]


def _figure(width: float, height: float) -> Any:
    """An empty figure that needs no screen.

    Raises
    ------
    DependencyError
        matplotlib is not installed.
    """
    try:
        from matplotlib import rcdefaults
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError("--plot requires matplotlib", hint="run `pip install matplotlib`") from error
    rcdefaults()  # a `matplotlibrc` of the working folder does not count
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path, *, kind: Kind, force: bool) -> None:
    """Write the figure without a date, so that the same numbers give the same bytes."""
    with replacing(path, kind=kind, force=force) as part:
        try:
            figure.savefig(part, format="png", dpi=120, metadata=PICTURE_METADATA["png"])
        except OSError as error:
            raise as_output_error(path, error) from error


def check_plotting() -> None:
    """Fail now rather than after an hour of reading, when matplotlib is missing."""
    _figure(1, 1)


def confusion_matrices(
    tables: dict[str, npt.NDArray[np.int64]], path: Path, *, kind: Kind = PICTURES["png"], force: bool = False
) -> None:
    """One confusion matrix per entry, side by side; rows are true classes."""
    figure = _figure(5.2 * len(tables), 4.8)
    for position, (title, table) in enumerate(tables.items()):
        axes = figure.add_subplot(1, len(tables), position + 1)
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row in range(table.shape[0]):
            for column in range(table.shape[1]):
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(table[row, column]), ha="center", va="center", color=colour)
        axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=45, ha="right")
        axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
        axes.set_xlabel("predicted")
        axes.set_ylabel("labelled")
        axes.set_title(title)
    _save(figure, path, kind=kind, force=force)


def plane(rated: Array, read: Array, path: Path, *, force: bool = False) -> None:
    """Ratings (circles) and readings (dots) on the valence-arousal plane, each pair joined by a line."""
    figure = _figure(6, 6)
    axes = figure.add_subplot(1, 1, 1)
    for truth, guess in zip(rated, read, strict=True):
        axes.plot([truth[0], guess[0]], [truth[1], guess[1]], color="0.8", linewidth=0.6, zorder=1)
    axes.scatter(rated[:, 0], rated[:, 1], s=18, facecolors="none", edgecolors="tab:blue", label="people", zorder=2)
    axes.scatter(read[:, 0], read[:, 1], s=10, color="tab:orange", label="model", zorder=3)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.set_xlim(-1, 1)
    axes.set_ylim(-1, 1)
    axes.set_xlabel("valence")
    axes.set_ylabel("arousal")
    axes.legend()
    _save(figure, path, kind=PICTURES["png"], force=force)


def curves(lines: dict[str, list[tuple[float, float]]], path: Path, *, over: str, kind: Kind) -> None:
    """One panel per number, side by side: how it changed while a network learned."""
    drawn = {name: points for name, points in lines.items() if points}
    figure = _figure(4.0 * max(1, len(drawn)), 3.2)
    for position, (name, points) in enumerate(drawn.items()):
        axes = figure.add_subplot(1, len(drawn), position + 1)
        axes.plot(*zip(*points, strict=True), color="tab:blue", marker=".")
        axes.set_xlabel(over)
        axes.set_title(name)
    _save(figure, path, kind=kind, force=True)
