"""The two sets of ``soundtrack eval``: the folds and the locked set.

Goes in: files of a table and ``--set``. Comes out: which of them are asked in what way, and the report of both.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from soundtrack.checkpoints.manifest import LocatedModel
    from soundtrack.evaluation.labels import LabelsReport
    from soundtrack.evaluation.plane import PlaneReport
    from soundtrack.training.locked import Part
    from soundtrack.yardsticks.bootstrap import Interval


class Set(StrEnum):
    """What is asked, where a table holds files of the locked set."""

    FOLDS = "folds"
    LOCKED = "locked"


Which = Annotated[
    Set | None,
    typer.Option(
        "--set",
        help="Evaluate only the files outside the locked set (folds), or only the locked set (never used for "
        "training). Default: both.",
        show_default=False,
    ),
]


def part_of(which: Set | None, *, folds: int) -> "Part":
    """Which rows of a table are read: what is learned from beside what is asked."""
    from soundtrack.training.locked import Part

    if which is Set.FOLDS:
        return Part.DEVELOPMENT
    return Part.LOCKED if which is Set.LOCKED and not folds else Part.ALL


def apart_of(files: "Sequence[Path]", which: Set | None, table: Path) -> "npt.NDArray[np.bool_]":
    """Which files are of the locked set; refuses to ask it where there are none."""
    import numpy as np

    from soundtrack.errors import UsageError
    from soundtrack.training.locked import is_locked

    apart = np.array([is_locked(file) for file in files], bool)
    if which is Set.LOCKED and not apart.any():
        raise UsageError(f"{table} contains no files of the locked set", hint="leave --set out")
    return apart


def asked_of(which: Set | None, apart: "npt.NDArray[np.bool_]") -> "Sequence[Set]":
    """The sets that are asked in turn."""
    if which is not None:
        return [which]
    return [Set.FOLDS, Set.LOCKED] if apart.any() else [Set.FOLDS]


def taught_note(
    apart: "npt.NDArray[np.bool_]", models: "Sequence[LocatedModel | None]", *, folds: int
) -> "Sequence[str]":
    """A note where models are judged as they are on what they were taught with."""
    from soundtrack.training.locked import TAUGHT_WITH_IT

    names = [
        f"{m.entry.name} {m.entry.version}" for m in models if m and (m.entry.name, m.entry.version) in TAUGHT_WITH_IT
    ]
    if folds or not names or not apart.any():
        return []
    return [f"Not clean: {' and '.join(names)} were trained with {int(apart.sum())} of these files of the locked set."]


def write_sets(
    document: "dict[str, object]",
    asked: "Mapping[Set, LabelsReport] | Mapping[Set, PlaneReport]",
    title: str,
    *,
    json_: bool,
    notes: "Sequence[str]",
    further: str = "",
) -> None:
    """The report on stdout, of one set or of both; where they differ, that comes first."""
    from soundtrack.cli import output
    from soundtrack.evaluation import two_sets

    both: list[LabelsReport | PlaneReport] = list(asked.values())
    folds = both[0].numbers
    if len(both) == 1:
        lines = [*notes, title, "", *lines_of(folds)]
        document |= {"set": str(next(iter(asked)))}
    else:
        locked = both[1].numbers
        verdict = two_sets.verdict(folds, locked)
        also = f"{title}; {both[1].n} of the locked set from {both[1].n_sources}"
        lines = [verdict, *notes, also, "", *two_sets.side_by_side(folds, locked)]
        differences = two_sets.differences(folds, locked)
        document |= {"set": "folds", "verdict": verdict, "locked": both[1].to_dict(), "differences": differences}
    with output.product() as out:
        if json_:
            out.write(json.dumps(document | ({"notes": list(notes)} if notes else {}), indent=2) + "\n")
        else:
            out.write("\n".join([*lines, *([""] if further else []), further]).rstrip("\n") + "\n")


def lines_of(numbers: "Mapping[str, Interval]") -> list[str]:
    """Numbers for people: name, value, interval."""
    width = max(len(key) for key in numbers)
    return [f"{key.ljust(width)}  {value}" for key, value in numbers.items()]
