"""``soundtrack help [TOPIC]``: help on commands and topics, and the manual page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from soundtrack.cli import complete
from soundtrack.cli.man import ENVIRONMENT, EXIT_CODES, manual


def _moods() -> list[str]:
    from soundtrack.naming.mood_words import ASKED
    from soundtrack.types import EMOTIONS

    rows = [(kind, ", ".join(word for word, its in ASKED.items() if its == kind)) for kind in EMOTIONS]
    return ["Words for --mood, by class:", "", *_columns(rows)]


def _targets() -> list[str]:
    from soundtrack.settings import LOUDEST_TARGET_LUFS, LOUDNESS_PRESETS_LUFS, SOFTEST_TARGET_LUFS

    rows = [(name, f"{level:g} LUFS") for name, level in LOUDNESS_PRESETS_LUFS.items()]
    rows.append(("dialogue", "-27 LKFS during speech, true peak -2 dBTP at most"))
    limits = f"or a number of LUFS from {SOFTEST_TARGET_LUFS:g} to {LOUDEST_TARGET_LUFS:g}."
    return ["Loudness targets for --target:", "", *_columns(rows), "", limits]


def _formats() -> list[str]:
    from soundtrack.export import load_exporters

    rows = [(name, made.purpose) for name, made in load_exporters().items()]
    advice = "For Resolve use fcpxml, for Premiere xml: both keep levels, fades and ducking."
    return ["Formats for `soundtrack cues export --to`:", "", *_columns(rows), "", advice]


def _exit_codes() -> list[str]:
    rows = [(str(code), meaning) for code, meaning in EXIT_CODES.items()]
    return ["Exit codes:", "", *_columns(rows)]


def _environment() -> list[str]:
    return ["Environment variables:", "", *_columns(list(ENVIRONMENT.items()))]


def _times() -> list[str]:
    rows = [
        ("83.4", "seconds"),
        ("1:23.4", "minutes and seconds"),
        ("1:02:03.5", "hours, minutes and seconds"),
        ("0:30-1:10", "a time span, for --silence"),
        ("0:30-1:10=tense", "a time span with a mood, for --mood"),
        ("1:05=song.mp3", "a time with a track, for --lock"),
    ]
    return ["Notation of times:", "", *_columns(rows)]


TOPICS: dict[str, Callable[[], list[str]]] = {
    "moods": _moods,
    "times": _times,
    "targets": _targets,
    "formats": _formats,
    "environment": _environment,
    "exit-codes": _exit_codes,
}
"""Topics that are not commands."""


def _columns(rows: list[tuple[str, str]], width: int = 79) -> list[str]:
    """Two columns; the second is wrapped."""
    import textwrap

    left = max(len(name) for name, _ in rows) + 4
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, width - left) or [""]
        lines.append(f"  {name:<{left - 2}}{wrapped[0]}")
        lines += [" " * left + line for line in wrapped[1:]]
    return lines


def _commands(root: Any) -> dict[str, tuple[Any, Any]]:
    """Every command with its context, by the words that call it."""
    context = root.context_class(root, info_name="soundtrack", terminal_width=79)
    found: dict[str, tuple[Any, Any]] = {"": (root, context)}
    for name, late in root.commands.items():
        command = late.load()
        inner = command.context_class(command, info_name=name, parent=context, terminal_width=79)
        found[name] = command, inner
        for word, sub in getattr(command, "commands", {}).items():
            found[f"{name} {word}"] = sub, sub.context_class(sub, info_name=word, parent=inner, terminal_width=79)
    return found


def topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Commands and topics, for the shell."""
    commands: Any = getattr(ctx.find_root().command, "commands", ())
    return [name for name in (*commands, *TOPICS) if name.startswith(incomplete)]


def help_(
    ctx: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="A command, or one of: " + ", ".join(TOPICS), autocompletion=topics),
    ] = None,
    man: Annotated[bool, typer.Option("--man", help="Print the manual page, for man(1).")] = False,
) -> None:
    """Show help on a command or topic."""
    from soundtrack.cli import output
    from soundtrack.errors import UsageError

    name, root = " ".join(topic or ()), ctx.find_root().command
    if man:
        text = manual({path: command.get_help(context) for path, (command, context) in _commands(root).items()})
    elif name in TOPICS:
        text = "\n".join(TOPICS[name]())
    else:
        known = _commands(root)
        if name not in known:
            near = complete.nearest(name, [*TOPICS, *filter(None, known)])
            asked = f"did you mean `soundtrack help {near}`? " if near else ""
            raise UsageError(
                f"unknown help topic {name!r}", hint=f"{asked}topics: {', '.join(TOPICS)}, and all commands"
            )
        command, context = known[name]
        text = command.get_help(context)
        if not name:
            text += "\n\nMore help: soundtrack help TOPIC\n\n" + "\n".join(
                _columns([("COMMAND", "options and examples of a command"), ("topics", ", ".join(TOPICS))])
            )
    with output.product() as stream:
        stream.write(text.rstrip("\n") + "\n")
