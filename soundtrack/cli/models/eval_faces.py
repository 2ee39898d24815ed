"""``soundtrack eval faces``: how often the expression of a face is the labelled one."""

import json
from pathlib import Path
from typing import Annotated

import typer

from soundtrack.cli.options import Quiet


def faces(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="CSV with the columns file and emotion.", show_default=False)
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Evaluate the expressions of faces on labelled pictures.

    The pictures are read as they are, and made smaller, turned and blurred. Needs `soundtrack models pull faces`.
    """
    from soundtrack.cli import output
    from soundtrack.evaluation.expressions.faces import evaluate_faces

    with output.product() as out:
        with output.progress(quiet=quiet) as progress:
            report = evaluate_faces(table, progress=progress)
        out.write(json.dumps(report.to_dict(), indent=2) + "\n" if json_ else "\n".join(report.lines()) + "\n")
