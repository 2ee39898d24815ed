"""``soundtrack taste``: the weights that follow from swaps, locks and blind comparisons."""

from __future__ import annotations

from typing import Annotated

import typer

from soundtrack.cli import STYLE
from soundtrack.cli.options import Quiet

app = typer.Typer(no_args_is_help=True, **STYLE)


@app.command("show")
def show(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
) -> None:
    """Show the choices that count, and the weights that follow from them.

    Swaps, locks and answers of blind comparisons fit six weights of the selection of music, from five choices on.
    `--no-taste` ignores them once; `taste = false` in the configuration switches recording and use off.
    """
    import os
    from collections import Counter

    from soundtrack.cli import output
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.ground.preferences import choices_path, preferences
    from soundtrack.taste.choices import COMPARISON, LOCK, SWAP
    from soundtrack.taste.weights import FITTED, LEAST_CHOICES, agreement

    held = preferences()
    counts = Counter(choice.kind for choice in held.choices)
    before, after = held.before.rows(), held.after.rows()
    agreed = [agreement(held.choices, table) for table in (held.before, held.after)] if held.choices else None
    with output.product() as stream:
        if json_:
            output.write_json(
                {
                    "path": str(choices_path()),
                    "on": held.is_on,
                    "choices": {kind: counts[kind] for kind in (SWAP, LOCK, COMPARISON)},
                    "least_choices": LEAST_CHOICES,
                    "agreement": None if agreed is None else {"without": agreed[0], "with": agreed[1]},
                    "weights": {n: {"without": before[n].weight, "with": after[n].weight} for n in FITTED},
                },
                stream,
            )
            return
        made = ", ".join(counted(counts[kind], kind) for kind in (SWAP, LOCK, COMPARISON))
        lines = [f"{made} ({output.plain(str(choices_path()))})"]
        if not held.is_on:
            by = "SOUNDTRACK_TASTE=0" if "SOUNDTRACK_TASTE" in os.environ else "taste = false in the configuration"
            lines.append(f"off: {by}")
        elif len(held.choices) < LEAST_CHOICES:
            lines.append(f"weights change from {LEAST_CHOICES} choices on")
        if agreed is not None:
            lines.append(f"choices that the weights agree with: {agreed[0]:.0%} without taste, {agreed[1]:.0%} with it")
        lines.append(f"{'weight':10}{'without':>9}{'with':>9}")
        lines += [f"{n:10}{before[n].weight:>9g}{after[n].weight:>9g}" for n in FITTED]
        stream.write("\n".join(lines) + "\n")


@app.command("forget")
def forget(quiet: Quiet = False) -> None:
    """Remove all choices; the weights are those of the configuration again.

    Answers of blind comparisons stay in their file, for their statistics, and count no more.
    """
    from soundtrack.cli import output
    from soundtrack.naming.wording import counted
    from soundtrack.pipeline.ground import preferences

    n = preferences.forget()
    output.say(f"{preferences.choices_path()}: {counted(n, 'choice')} forgotten", quiet=quiet)
