"""Preferences of the user: the file of choices, and the weights that follow from it.

Choices from edits of cue sheets are in ``choices.jsonl`` in the user's data folder, answers of blind comparisons in
``answers.jsonl`` beside it. Nothing is read or written where the configuration says ``taste = false``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from soundtrack import config, resources
from soundtrack.documents import answers as answers_format
from soundtrack.errors import InputError, OutputError, Reason
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.merit_table import MeritTable
from soundtrack.settings import SpottingSettings
from soundtrack.taste import choices as choices_format
from soundtrack.taste.choices import Choice, Choices
from soundtrack.types import CueSheet

MOST_BYTES = 64 << 20
"""Largest file that is read."""
MOST_EDITS = 2_000
"""Older choices from edits are dropped."""
_FIT_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Preferences:
    """Choices of the user, and the weights that they lead to."""

    choices: tuple[Choice, ...]
    """Of all kinds that count."""
    before: MeritTable
    """Weights without them: the defaults, or those of the configuration."""
    after: MeritTable
    """Weights with them."""
    is_on: bool
    """Whether the configuration lets them count."""


def choices_path() -> Path:
    """Where choices from edits are kept; need not exist."""
    return resources.user_choices_path()


def preferences() -> Preferences:
    """What is known of the user's taste.

    Raises
    ------
    InputError
        A file of choices or answers, or the configuration, is damaged.
    """
    configured = config.load_config()
    known = _choices()
    found = (*_comparisons(known), *known.edits)
    after = _fitted(found, configured.merit, keeps=configured.cache)
    return Preferences(found, configured.merit, after if configured.taste else configured.merit, configured.taste)


def _fitted(choices: tuple[Choice, ...], merit: MeritTable, *, keeps: bool) -> MeritTable:
    """The fitted weights; those of the last fit where nothing changed, since scipy takes a third of a second."""
    from soundtrack.taste.weights import fitted

    fixed = merit.changed()
    if not keeps:
        return fitted(choices, merit, fixed=fixed)
    code = resources.code_digest("soundtrack.taste.weights", "soundtrack.merit_table")
    says = f"{code}\n{choices!r}\n{merit!r}\n{sorted(fixed)!r}"
    key = hashlib.sha256(says.encode()).hexdigest()
    kept = resources.cache_dir() / "taste.json"
    rows = merit.rows()
    with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, KeyError, InputError):
        said = json.loads(safe_read.read_text(kept, most_bytes=_FIT_BYTES))
        if said["key"] == key:
            weights = {name: replace(rows[name], weight=float(weight)) for name, weight in said["weights"].items()}
            return replace(merit, **weights)
    after = fitted(choices, merit, fixed=fixed)
    changed = {name: row.weight for name, row in after.rows().items() if row != rows[name]}
    with contextlib.suppress(OSError, OutputError):
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(kept, json.dumps({"key": key, "weights": changed}) + "\n", kind=OWN, force=True)
    return after


def with_taste(settings: SpottingSettings) -> SpottingSettings:
    """Settings with the weights that follow from the user's choices; rows set in the configuration stay as they are.

    Parameters
    ----------
    settings : SpottingSettings
        With the configured weights.
    """
    if not config.load_config().taste or not (choices_path().is_file() or resources.user_answers_path().is_file()):
        return settings
    return replace(settings, merit=preferences().after)


def note_edit(before: CueSheet, after: CueSheet) -> tuple[str, ...]:
    """Keep the choices that an edit of a cue sheet shows: swaps and locked cues; nothing with ``taste = false``.

    The edit itself is done by then, so that what cannot be kept is a warning and no error.

    Returns
    -------
    tuple of str
        Why nothing was kept, where the file of choices is damaged or cannot be written; it is left as it was.
    """
    if before == after or not config.load_config().taste:
        return ()
    try:
        known = _choices()
        changed = choices_format.edited(known, before, after)
        if changed != known:
            _write(replace(changed, edits=changed.edits[-MOST_EDITS:]))
    except (InputError, OutputError) as error:
        return (f"this choice is not remembered: {error}" + (f" ({error.hint})" if error.hint else ""),)
    return ()


def forget() -> int:
    """Drop all choices; answers of blind comparisons are kept, but count no more.

    Returns
    -------
    int
        Number of choices that counted.

    Raises
    ------
    InputError
        The file of answers is damaged.
    OutputError
        The file of choices cannot be written.
    """
    path = choices_path()
    try:
        known = _choices()
    except InputError:
        known = Choices()
    n_answers = len(_answers())
    counted = len(known.edits) + len(_comparisons(known))
    if n_answers:
        _write(Choices(n_forgotten=n_answers))
    elif path.exists():
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}", hint="remove the file by hand") from error
    return counted


def _choices() -> Choices:
    text = _text(choices_path())
    return choices_format.loads(text, name=str(choices_path()))


def _answers() -> tuple[answers_format.Answer, ...]:
    path = resources.user_answers_path()
    return answers_format.loads(_text(path), name=str(path))


def _comparisons(known: Choices) -> list[Choice]:
    return choices_format.compared(_answers()[known.n_forgotten :])


def _text(path: Path) -> str:
    try:
        return safe_read.read_text(path, most_bytes=MOST_BYTES)
    except InputError as error:
        if error.reason is Reason.MISSING:
            return ""
        raise


def _write(choices: Choices) -> None:
    path = choices_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: {error.strerror or error}", hint="create that folder first") from error
    write_text(path, choices_format.dumps(choices), kind=OWN, force=True)
