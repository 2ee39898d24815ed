"""Words of a command line that typer refuses, as our errors: what is wrong with them, and what to type instead."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soundtrack.errors import InputError, Reason, SoundtrackError, UsageError

_PROTECTED = re.compile(r"[Pp]ath '(.*)' is not readable")
"""How typer says that a path may not be read."""


def as_error(error: Any, words_given: Sequence[str]) -> SoundtrackError:
    """What typer says about the words of a command line, as our error.

    Parameters
    ----------
    error : Exception
        Of typer.
    words_given : sequence of str
        The command line.

    Returns
    -------
    SoundtrackError
        An `InputError` for a path that may not be read, else a `UsageError`.
    """
    if found := _PROTECTED.search(str(error)):
        path = Path(found[1])
        allow = f"chmod {'u+rx' if path.is_dir() else 'u+r'} {shlex.quote(found[1])}"
        return InputError(f"{path}: permission denied", hint=f"run `{allow}`", reason=Reason.PERMISSION)
    return UsageError(_in_our_words(error), hint=_what_to_type(error, words_given))


_OUR_WORDS = (
    (r": Value error, ", ": "),
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be a valid integer\b.*", "not an integer"),
    (r"Input should be a valid number\b.*", "not a number"),
    (r"\. Did you mean .*", ""),  # said by the hint
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"unexpected argument: \1"),
)
"""How typer says what is wrong with a word, and how our errors do."""


def _in_our_words(error: Any) -> str:
    """What is wrong with a word of the command line, as our errors say it."""
    message = str(error.format_message()).strip().rstrip(".")
    for theirs, ours in _OUR_WORDS:
        message = re.sub(theirs, ours, message)
    name = getattr(error, "option_name", None)
    if name is not None and getattr(error, "possibilities", None) is not None:
        message = f"unknown option {name}"
    return message[:1].lower() + message[1:]


_NAMES_ELSEWHERE = {"--format": "--to"}
"""Options as other tools call them."""

_NEAR, _VERY_NEAR = 0.65, 0.8
"""Likeness of spelling from which an option is suggested, and one by which files are replaced."""


def _near_options(error: Any) -> list[str]:
    """Options of the command that are spelled nearly like a wrong one, or mean the same; the nearest first.

    Names are compared without their dashes, which are alike in all.
    """
    wrong = str(error.option_name)
    found = error.ctx.command.params if error.ctx is not None else ()
    known = [name for option in found for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]
    near = [name for name in known if name == _NAMES_ELSEWHERE.get(wrong)]
    likeness = {name: difflib.SequenceMatcher(None, name[2:], wrong.lstrip("-").lower()).ratio() for name in known}
    for name in sorted(known, key=lambda name: -likeness[name]):
        if likeness[name] >= (_VERY_NEAR if name == "--force" else _NEAR) and name not in near:
            near.append(name)
    return near


_WORDS_OF_A_NAME = 16
"""Largest number of words of a command line that are tried as one name with spaces."""

_LIKE_A_FILE = re.compile(r"-[^=]*\.[A-Za-z][A-Za-z0-9]{1,4}")


def _dashed_file(error: Any, words: Sequence[str]) -> str | None:
    """The word that was taken for options and is the name of a file."""
    wrong = str(getattr(error, "option_name", ""))
    for word in words:
        is_it = word == wrong or (len(wrong) == 2 and wrong[1] in word[1:])
        if is_it and _LIKE_A_FILE.fullmatch(word):
            return word
    return None


def _of_a_command(error: Any, words_given: Sequence[str]) -> str | None:
    """The command on the line that has an option which was given before it."""
    wrong, commands = getattr(error, "option_name", None), getattr(error.ctx.command, "commands", {})
    for word in words_given if wrong else ():
        if word in commands:
            return word if any(wrong in option.opts for option in commands[word].load().params) else None
    return None


def _what_to_type(error: Any, words_given: Sequence[str]) -> str:
    """An option or command of a similar name, else where the options are explained."""
    if (name := _dashed_file(error, words_given)) is not None:
        return f"use {shlex.quote(f'./{name}')} for the file of this name"
    if "unexpected extra argument" in str(error) and (quoted := name_in_pieces(words_given)) is not None:
        return quoted
    if (option := _option_for_a_file(error)) is not None:
        return option
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "soundtrack"
    if context is not None and (later := _of_a_command(error, words_given)) is not None:
        return f"put it after the command: `{command} {later} {error.option_name}`"
    near = _near_options(error) if getattr(error, "option_name", None) and hasattr(error, "possibilities") else []
    words = str(error).split("'")
    if not near and "command" in words[0].lower() and len(words) > 1 and context is not None:
        near = difflib.get_close_matches(words[1], getattr(context.command, "commands", {}), n=2)
    asked = f"did you mean {' or '.join(near[:3])}? " if near else _plain_number(str(error.__cause__))
    what = "commands" if "command" in words[0].lower() else "options"
    return f"{asked}`{command} --help` lists the {what}"


def name_in_pieces(words_given: Sequence[str]) -> str | None:
    """What to type where the name of an existing file has spaces and was given without quotes."""
    for start in range(len(words_given)):
        for end in range(start + 2, min(start + _WORDS_OF_A_NAME, len(words_given)) + 1):
            if os.path.exists(name := " ".join(words_given[start:end])):  # noqa: PTH110 - a name may be too long
                return f"put the name in quotes: {shlex.quote(name)}"
    return None


def _plain_number(cause: str) -> str:
    """What to type in the place of a number with a unit, such as ``3dB``, ``4 s`` or ``30%``."""
    found = re.search(r"number.*input_value='([+-]?\d+(?:\.\d+)?) ?(%|[A-Za-z]+)'", cause)
    if found is None:
        return ""
    return (
        f"use {float(found[1]) / 100:g} for {found[1]}%; " if found[2] == "%" else f"use {found[1]}, without the unit; "
    )


def _option_for_a_file(error: Any) -> str | None:
    """The option that takes a file which was given as one argument too many."""
    from soundtrack.library.update.scan import looks_like_music
    from soundtrack.pipeline.ground.film_list import FILM_SUFFIXES

    found = re.search(r"unexpected extra arguments?(?:\(s\))? \((.+)\)", str(error))
    if found is None or error.ctx is None:
        return None
    command, name = error.ctx.command_path, found[1]
    is_film = Path(name).suffix.lower() in FILM_SUFFIXES
    if command == "soundtrack watch" and is_film:
        return f"use --camera {shlex.quote(name)} for a film"
    if command == "soundtrack score" and looks_like_music(name):
        return f"use --track {shlex.quote(name)} for this music, or `soundtrack index` to build a library"
    if command == "soundtrack score" and is_film:
        return "use --batch LIST for several films: a folder, or a text file with one film a line"
    return None
