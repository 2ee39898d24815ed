"""Label tables and splits by source.

Goes in: a CSV with a column ``file`` and labels. Comes out: rows in file order and fold numbers. Everything cut from
one source (one film, one music video, one game, one theme of pictures) goes to one fold, classes are spread evenly
over the folds, and the same table and seed give the same folds on every machine. Rows of the locked set are left out
unless they are asked for.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.training.locked import Part, is_locked
from soundtrack.types import EMOTIONS

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A film clip (or a sound) with its class."""

    path: Path
    """Where the file lies."""
    emotion: str
    """One of `EMOTIONS`."""
    source_id: str
    """What it was cut from; the file's own name where the table does not say."""


@dataclass(frozen=True, slots=True)
class RatedFile:
    """A still, film or sound with a rating of valence and arousal."""

    path: Path
    """Where the file lies."""
    valence: float
    """Unpleasant to pleasant, on the table's scale."""
    arousal: float
    """Calm to excited, on the table's scale."""
    source_id: str
    """What it belongs to; the file's own name where the table does not say."""


@dataclass(frozen=True, slots=True)
class FeltFile:
    """A piece of music with what its listeners felt."""

    path: Path
    """Where the file lies."""
    shares: tuple[float, ...]
    """Share of listeners who felt each emotion asked for, in [0, 1]."""


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV that must have the given columns."""
    try:
        reader = csv.DictReader(io.StringIO(safe_read.read_text(path, most_bytes=safe_read.TABLE_BYTES), newline=""))
        present = reader.fieldnames or []
        missing = [c for c in columns if c not in present]
        if missing:
            raise InputError(
                f"{path} has no column {', '.join(missing)}",
                hint=f"add a header line with {','.join(columns)} (and source_id, if clips share a source)",
                reason=Reason.BAD_FORMAT,
            )
        return list(reader)
    except csv.Error as error:
        raise InputError(
            f"{path} is not a CSV table: {error}", hint="save it as CSV in UTF-8", reason=Reason.BAD_FORMAT
        ) from error


def _number(row: dict[str, str], column: str, *, path: Path, line: int) -> float:
    """A finite number of one cell."""
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(
            f"{path} line {line}: {column} is not a number: {row[column]!r}",
            hint="correct or remove the line",
            reason=Reason.BAD_FORMAT,
        )
    return value


def _existing(path: Path, *, table: Path, line: int) -> Path:
    """The path, if there is a file."""
    if not path.is_file():
        raise InputError(
            f"{table} line {line} names {path}, which does not exist",
            hint="paths in the table are relative to its folder",
            reason=Reason.MISSING,
        )
    return path


def read_labels(path: Path, *, part: Part = Part.DEVELOPMENT) -> list[LabelledClip]:
    """Clips of a table with columns ``file,class`` and, as a rule, ``source_id``.

    Parameters
    ----------
    path : Path
        The CSV; file names in it count from its folder.
    part : Part
        Which rows are wanted.

    Returns
    -------
    list of LabelledClip
        In the table's order, at least one unless the locked set was asked for.
    """
    clips = []
    by_lower = {e.lower(): e for e in EMOTIONS}
    for line, row in enumerate(_rows(path, ("file", "class")), start=2):
        emotion = by_lower.get((row["class"] or "").strip().lower())
        if emotion is None:
            raise InputError(
                f"{path} line {line}: unknown class {row['class']!r}",
                hint=f"use one of: {', '.join(EMOTIONS)}",
                reason=Reason.BAD_FORMAT,
            )
        file = _existing(path.parent / row["file"], table=path, line=line)
        if part.takes(file):
            clips.append(LabelledClip(path=file, emotion=emotion, source_id=row.get("source_id") or row["file"]))
    if not clips and part is not Part.LOCKED:
        raise _no_rows(path, part, "clip")
    return clips


def _no_rows(path: Path, part: Part, what: str) -> InputError:
    """What is said of a table without rows to use."""
    beside = " beside those of the locked set" if part is Part.DEVELOPMENT else ""
    return InputError(f"{path} has no rows{beside}", hint=f"one line per {what} is needed", reason=Reason.EMPTY)


def read_ratings(
    path: Path,
    *,
    group_column: str = "source_id",
    valence_column: str = "valence",
    arousal_column: str = "arousal",
    part: Part = Part.DEVELOPMENT,
) -> list[RatedFile]:
    """Files of a table with columns ``file,valence,arousal``.

    Parameters
    ----------
    path : Path
        The CSV; file names in it count from its folder.
    group_column : str
        Column that names what a file belongs to; may be absent.
    valence_column, arousal_column : str
        Columns of the ratings.
    part : Part
        Which rows are wanted.

    Returns
    -------
    list of RatedFile
        In the table's order, at least one unless the locked set was asked for.
    """
    files = []
    for line, row in enumerate(_rows(path, ("file", valence_column, arousal_column)), start=2):
        file = RatedFile(
            path=_existing(path.parent / row["file"], table=path, line=line),
            valence=_number(row, valence_column, path=path, line=line),
            arousal=_number(row, arousal_column, path=path, line=line),
            source_id=row.get(group_column) or row["file"],
        )
        if part.takes(file.path):
            files.append(file)
    if not files and part is not Part.LOCKED:
        raise _no_rows(path, part, "file")
    return files


def read_felt(path: Path, *, columns: Sequence[str], part: Part = Part.DEVELOPMENT) -> list[FeltFile]:
    """Music of a table with a column ``file`` and one share per emotion.

    Parameters
    ----------
    path : Path
        The CSV; file names in it count from its folder.
    columns : sequence of str
        Columns of the shares, in order.
    part : Part
        Which rows are wanted.
    """
    files = []
    for line, row in enumerate(_rows(path, ("file", *columns)), start=2):
        shares = tuple(_number(row, column, path=path, line=line) for column in columns)
        file = _existing(path.parent / row["file"], table=path, line=line)
        if part.takes(file):
            files.append(FeltFile(path=file, shares=shares))
    return files


def count_locked(path: Path) -> int:
    """How many files of the locked set a table names, or a folder holds."""
    if path.is_dir():
        return sum(is_locked(file) for file in path.rglob("*"))
    return sum(is_locked(row["file"] or "") for row in _rows(path, ("file",)))


def fold_of(
    source_ids: Sequence[str], *, classes: Sequence[str] | None = None, n_folds: int = 5, seed: int = 0
) -> IntArray:
    """Fold number of each row: sources whole, classes spread evenly.

    Sources are dealt out class by class (a source belongs to the class most of its rows have) in an order drawn from
    a hash of seed and name, each to the fold that has the fewest rows of that class, then the fewest rows.

    Parameters
    ----------
    source_ids : sequence of str, length n
        What each row was cut from.
    classes : sequence of str, length n, optional
        Label of each row.
    n_folds : int, at least 2
        How many folds.
    seed : int
        Another seed deals differently.

    Returns
    -------
    ndarray, shape=(n,), int64, in [0, n_folds)

    Examples
    --------
    >>> folds = fold_of(["a", "a", "b", "c"], n_folds=2)
    >>> bool(folds[0] == folds[1])
    True
    """
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds}")
    labels = list(classes) if classes is not None else [""] * len(source_ids)
    if len(labels) != len(source_ids):
        raise ValueError(f"{len(source_ids)} sources but {len(labels)} classes")
    members: dict[str, list[int]] = {}
    for i, source in enumerate(source_ids):
        members.setdefault(source, []).append(i)
    main = {
        s: max(sorted({labels[i] for i in rows}), key=[labels[i] for i in rows].count) for s, rows in members.items()
    }

    def order(source: str) -> tuple[str, int, str]:
        return main[source], -len(members[source]), hashlib.sha256(f"{seed}:{source}".encode()).hexdigest()

    per_class = {c: np.zeros(n_folds, np.int64) for c in set(labels)}
    total = np.zeros(n_folds, np.int64)
    folds = np.zeros(len(source_ids), np.int64)
    for source in sorted(members, key=order):
        counts = per_class[main[source]]
        fold = min(range(n_folds), key=lambda f: (counts[f], total[f], f))
        folds[members[source]] = fold
        for i in members[source]:
            per_class[labels[i]][fold] += 1
        total[fold] += len(members[source])
    return folds
