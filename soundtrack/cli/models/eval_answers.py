"""``soundtrack eval answers``: how often people prefer the planned music, beside the ceiling."""

import json
from pathlib import Path
from typing import Annotated

import typer


def answers(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Answers, one JSON object a line. Default: your own.", show_default=False
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
) -> None:
    """Evaluate the planned music on answers of blind comparisons.

    Pairs that were answered twice give the ceiling: the largest share of answers that can be foreseen, since people do
    not always agree with themselves.
    """
    from soundtrack.cli import output
    from soundtrack.errors import InputError, Reason
    from soundtrack.evaluation.answering import judge_answers
    from soundtrack.review.answers import answers_path, read_answers

    path = answers_path() if file is None else file
    if not path.exists():
        raise InputError(
            f"{path}: no answers of blind comparisons",
            hint="give answers on the page of `soundtrack review --ab FILM` first, or check the name of the file",
            reason=Reason.MISSING,
        )
    report = judge_answers(read_answers(path), name=str(path))
    with output.product() as out:
        if json_:
            out.write(json.dumps(report.to_dict(), indent=2) + "\n")
        else:
            out.write("\n".join(report.lines()) + "\n")
