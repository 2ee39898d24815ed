"""Notations of the command line as typed values: ``0:30-1:10=calm``, ``1:05=track.mp3``, ``1m02=2``, ``2%``.

Goes in: one text of an option. Comes out: the value that the pipeline takes, or a `UsageError` that shows how the text
is written. No other module knows these notations.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.errors import UsageError

if TYPE_CHECKING:
    from soundtrack.library.update.archive import Moved
    from soundtrack.pipeline.sheets.wishes import LockWish
    from soundtrack.queries.query import WordWish
    from soundtrack.settings import LoudnessTarget
    from soundtrack.spotting.merit.constraints import MoodWish
    from soundtrack.types import Span


def parse_span(text: str) -> Span:
    """The span of a text such as ``0:30-1:10``.

    Raises
    ------
    UsageError
        The text is no span.

    Examples
    --------
    >>> parse_span("0:30-1:10")
    Span(start_s=30.0, end_s=70.0)
    """
    from soundtrack.timebase import parse_clock
    from soundtrack.types import Span

    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError("no dash")
        start_s, end_s = parse_clock(start), parse_clock(end)
    except ValueError as error:
        raise UsageError(f"invalid time span {text!r}: expected START-END", hint="use e.g. 0:30-1:10") from error
    if start_s >= end_s:
        raise UsageError(
            f"invalid time span {text!r}: END is not after START", hint="give the earlier time first, e.g. 0:30-1:10"
        )
    return Span(start_s, end_s)


def parse_hit(text: str) -> float:
    """The moment of a text such as ``1:23.4``, in seconds.

    Raises
    ------
    UsageError
        The text is no time.

    Examples
    --------
    >>> parse_hit("1:23.4")
    83.4
    """
    from soundtrack.timebase import parse_clock

    try:
        return parse_clock(text)
    except ValueError as error:
        raise UsageError(f"invalid time {text!r}", hint="use e.g. 1:23.4") from error


def parse_time(text: str | None, option: str) -> float | None:
    """The seconds of an option's time such as ``1:05.2``; None without a text.

    Raises
    ------
    UsageError
        The text is no time.

    Examples
    --------
    >>> parse_time("1:05.2", "--start")
    65.2
    """
    from soundtrack.timebase import parse_clock

    try:
        return None if text is None else parse_clock(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: invalid time", hint="use e.g. 1:05.2 or 65.2") from error


def parse_mood(text: str) -> MoodWish | WordWish:
    """The wish of a text such as ``0:30-1:10=tense`` or ``0:30-1:10=hopeful, no drums``.

    Raises
    ------
    UsageError
        The text is no such wish.
    """
    from soundtrack.queries.query import WordWish
    from soundtrack.queries.vocabulary import is_request
    from soundtrack.spotting.merit.constraints import MoodWish
    from soundtrack.spotting.merit.moods import mood

    where, equals, word = text.partition("=")
    if not equals:
        missing = "mood" if re.match(r"\s*[\d:.]+\s*-", text) else "time span"
        hint = "use e.g. 0:30-1:10=tense" + ("" if missing == "mood" else ", or --like for the whole film")
        raise UsageError(f"--mood {text!r} has no {missing}", hint=hint)
    span = parse_span(where)
    return WordWish(word, span) if is_request(word) else MoodWish(span=span, emotion=mood(word), text=word.strip())


def parse_lock(text: str) -> LockWish:
    """The wish of a text such as ``1:05=track.mp3``; which track is meant is for the library to say.

    Raises
    ------
    UsageError
        The text is no lock.
    """
    from soundtrack.pipeline.sheets.wishes import LockWish
    from soundtrack.timebase import parse_clock

    when, equals, name = text.partition("=")
    try:
        time_s = parse_clock(when)
    except ValueError as error:
        raise UsageError(f"--lock {text!r} does not start with a time", hint="use e.g. 1:05=track.mp3") from error
    if not equals or not name:
        raise UsageError(f"--lock {text!r} has no track", hint="use e.g. 1:05=track.mp3")
    return LockWish(time_s, name)


def parse_swap(text: str) -> tuple[str, int]:
    """Cue and rank of a text such as ``1m02=2``.

    Raises
    ------
    UsageError
        The text is no swap.

    Examples
    --------
    >>> parse_swap("1m02=2")
    ('1m02', 2)
    """
    cue_id, equals, rank = text.partition("=")
    if not equals or not cue_id or not rank.isdecimal() or int(rank) < 2:
        raise UsageError(f"{text!r} is not a valid swap", hint="use CUE=RANK, e.g. 1m02=2")
    return cue_id, int(rank)


def parse_move(text: str) -> Moved:
    """The move of a text such as ``/mnt/music=/home/me/Music``.

    Raises
    ------
    UsageError
        The text is no move.
    """
    from soundtrack.library.update.archive import Moved

    old, equals, new = text.partition("=")
    if not equals or not old.startswith("/") or not new:
        raise UsageError(f"{text!r} is not a valid mapping", hint="use OLD=NEW, e.g. --map /mnt/music=/home/me/Music")
    return Moved(Path(os.path.normpath(old)), Path(os.path.abspath(new)))  # noqa: PTH100 - resolve() follows links


def parse_stretch(text: str | None) -> float:
    """Share of the tempo from a text such as ``2%``, ``2`` or ``0.02``; 0 without one.

    Raises
    ------
    UsageError
        Not a share between 0 and `soundtrack.settings.MAX_STRETCH`, or a number that may be either.
    DependencyError
        Music is to be stretched, but the stretcher is not installed.
    """
    from soundtrack.settings import MAX_STRETCH

    if text is None:
        return 0.0
    number, is_percent = _percentage(text)
    as_share = number <= MAX_STRETCH and not is_percent
    share = number if as_share else number / 100
    if not 0 <= share <= MAX_STRETCH or (MAX_STRETCH < number < 1 and not is_percent):
        example = f"{number:g}%" if 0 < number <= 100 * MAX_STRETCH else "2%"
        raise UsageError(
            f"--stretch {text}: invalid tempo change",
            hint=f"use a value between 0 and {MAX_STRETCH:.0%}, e.g. {example}",
        )
    if share > 0:
        from soundtrack.mix.tempo_change import require_stretcher

        require_stretcher()
    return round(share, 6)


def parse_pace(text: str | None) -> float | None:
    """Share of the processor from a text such as ``25%`` or ``25``; None without one.

    Raises
    ------
    UsageError
        Not a percentage from 1 to 100, or a number up to 1, which may be a share as well.

    Examples
    --------
    >>> parse_pace("25%"), parse_pace("25"), parse_pace(None)
    (0.25, 0.25, None)
    """
    if text is None:
        return None
    number, is_percent = _percentage(text)
    if not 1 <= number <= 100 or (number == 1 and not is_percent):
        example = f"{100 * number:g}%" if 0.01 <= number <= 1 and not is_percent else "25%"
        raise UsageError(
            f"--pace {text}: invalid share of the processor", hint=f"use 1% to 100%, e.g. --pace {example}"
        )
    return number / 100


def _percentage(text: str) -> tuple[float, bool]:
    """Number of a text such as ``2%``, and whether it has the sign; NaN for anything else."""
    number, percent, rest = text.strip().partition("%")
    try:
        return (float("nan") if rest else float(number)), bool(percent)
    except ValueError:
        return float("nan"), bool(percent)


def parse_loudness(text: str | None) -> LoudnessTarget | None:
    """Loudness target from a number of LUFS or a preset's name; None without a text.

    Raises
    ------
    UsageError
        Neither a preset nor a number in [-40, -5].
    """
    from soundtrack.settings import TARGET_NAMES, parse_target

    value = None if text is None else parse_target(text)
    if text is not None and value is None:
        names = ", ".join(TARGET_NAMES)
        raise UsageError(
            f"--target {text}: invalid loudness target",
            hint=f"use LUFS between -40 and -5, e.g. -16, or one of: {names}",
        )
    return value
