"""``soundtrack library rules``: the rules of an index about what counts as music, and the same options of ``index``."""

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
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Exclude matching files (.gitignore syntax), e.g. 'Audiobooks/' or '*.wav'. Repeatable.",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="PATTERN",
        help="Always treat matching files as music (overrides --exclude and speech detection). Repeatable.",
    ),
]
MinLength = Annotated[
    float | None,
    typer.Option("--min-length", metavar="SECONDS", min=0.0, help="Exclude shorter tracks.", show_default="3"),
]
MaxLength = Annotated[
    float | None,
    typer.Option("--max-length", metavar="SECONDS", min=0.0, help="Exclude longer tracks; 0: no limit."),
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
        list[str] | None, typer.Option("--drop", metavar="PATTERN", help="Remove a pattern from the rules. Repeatable.")
    ] = None,
    min_length: MinLength = None,
    max_length: MaxLength = None,
    spoken: Annotated[
        bool | None, typer.Option("--allow-spoken/--no-spoken", help="Allow or exclude spoken word.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Reset to the default rules first.")] = False,
    index: Index = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")] = False,
) -> None:
    """Show or change which files count as music; nothing is re-indexed."""
    from dataclasses import asdict

    from soundtrack import pipeline
    from soundtrack.cli import output
    from soundtrack.library.search.installed_rules import installed_rules
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
    installed = installed_rules()
    left_out = Counter(verdict.reason for verdict in verdicts if verdict.reason is not None)
    facts = asdict(kept) | {"n_tracks": len(verdicts), "left_out": dict(sorted(left_out.items()))}
    facts["installed"] = {rule.name: rule.package for rule in installed}
    with output.product() as stream:
        if as_json:
            output.write_json(facts, stream)
            return
        for name, patterns in (("exclude", kept.exclude), ("include", kept.include)):
            for pattern in patterns or ("none",):
                stream.write(f"{name}: {output.plain(pattern)}\n")
        stream.write(f"at least: {kept.min_length_s:g} s\n")
        stream.write(f"at most: {'no limit' if kept.max_length_s is None else f'{kept.max_length_s:g} s'}\n")
        stream.write(f"spoken word: {'allowed' if kept.allow_spoken else 'excluded'}\n")
        for rule in installed:
            line = f"rule {rule.name} ({rule.package}): {rule.rule.purpose}"
            stream.write(f"{output.plain(line)}\n")
        excluded = ", ".join(f"{count} {why}" for why, count in sorted(left_out.items())) or "none"
        stream.write(f"excluded: {excluded} of {counted(len(verdicts), 'track')}\n")
