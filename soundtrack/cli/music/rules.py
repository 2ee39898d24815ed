"""``soundtrack library rules``: what of an index counts as music; and the options by which ``index`` says the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from soundtrack.cli.options import Index
from soundtrack.naming.wording import counted

if TYPE_CHECKING:
    from soundtrack.library.search.rules import RuleChange

Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="What is no music, as in a .gitignore: 'Audiobooks/', '*.wav'."),
]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="PATTERN", help="What is music whatever else excludes it or hears it spoken."),
]
MinLength = Annotated[
    float | None,
    typer.Option("--min-length", metavar="SECONDS", min=0.0, help="Leave out what is shorter.", show_default="3"),
]
MaxLength = Annotated[
    float | None,
    typer.Option("--max-length", metavar="SECONDS", min=0.0, help="Leave out what is longer; 0 for no limit."),
]


def rule_change(
    *,
    exclude: list[str] | None = None,
    include: list[str] | None = None,
    min_length: float | None = None,
    max_length: float | None = None,
    drop: list[str] | None = None,
    spoken: bool | None = None,
    clear: bool = False,
) -> RuleChange:
    """The change of the rules that some options ask for."""
    from soundtrack.library.search.rules import RuleChange

    return RuleChange(
        exclude=tuple(exclude or ()),
        include=tuple(include or ()),
        drop=tuple(drop or ()),
        min_length_s=min_length,
        max_length_s=max_length,
        allow_spoken=spoken,
        clear=clear,
    )


def rules(
    exclude: Exclude = None,
    include: Include = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="PATTERN", help="Take a pattern out of the rules.")
    ] = None,
    min_length: MinLength = None,
    max_length: MaxLength = None,
    spoken: Annotated[
        bool | None, typer.Option("--allow-spoken/--no-spoken", help="Offer spoken word like music, or leave it out.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Begin from the rules of a new index.")] = False,
    index: Index = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """Show what counts as music, or change it; nothing is listened to again."""
    from dataclasses import asdict

    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.library.search.offer import judge
    from soundtrack.library.store.store import open_store
    from soundtrack.library.update.maintenance import set_rules

    folder = pipeline.index_dir(index)
    change = rule_change(
        exclude=exclude,
        include=include,
        min_length=min_length,
        max_length=max_length,
        drop=drop,
        spoken=spoken,
        clear=clear,
    )
    kept = set_rules(folder, change)
    with open_store(folder) as store:
        verdicts = judge(store, kept)
    left_out = Counter(verdict.why.value for verdict in verdicts if verdict.why is not None)
    facts = asdict(kept) | {"n_tracks": len(verdicts), "left_out": dict(sorted(left_out.items()))}
    with output.product() as stream:
        if as_json:
            output.write_json(facts, stream)
            return
        for name, patterns in (("exclude", kept.exclude), ("include", kept.include)):
            for pattern in patterns or ("none",):
                stream.write(f"{name}: {output.plain(pattern)}\n")
        stream.write(f"at least: {kept.min_length_s:g} s\n")
        stream.write(f"at most: {'no limit' if kept.max_length_s is None else f'{kept.max_length_s:g} s'}\n")
        stream.write(f"spoken word: {'offered' if kept.allow_spoken else 'left out'}\n")
        told = ", ".join(f"{count} {why}" for why, count in sorted(left_out.items())) or "none"
        stream.write(f"left out: {told} of {counted(len(verdicts), 'track')}\n")
