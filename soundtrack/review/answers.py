"""File of the answers of a person: read, and extended by one answer at a time.

The format is that of `soundtrack.documents.answers`. The file is in the user's data folder and is replaced as a whole,
so that no line is ever half written.
"""

from __future__ import annotations

from pathlib import Path

from soundtrack import resources
from soundtrack.documents import answers
from soundtrack.documents.answers import Answer
from soundtrack.errors import InputError, OutputError, Reason
from soundtrack.files import safe_read
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text

MOST_BYTES = 64 << 20
"""Largest file that is read."""


def answers_path() -> Path:
    """Where the answers are kept; need not exist."""
    return resources.user_answers_path()


def read_answers(path: Path) -> tuple[Answer, ...]:
    """The answers of a file, oldest first; none if there is no such file.

    Raises
    ------
    InputError
        It cannot be read, or a line is not an answer.
    """
    try:
        text = safe_read.read_text(path, most_bytes=MOST_BYTES)
    except InputError as error:
        if error.reason is Reason.MISSING:
            return ()
        raise
    return answers.loads(text, name=str(path))


def append_answer(path: Path, answer: Answer) -> None:
    """Add an answer at the end of a file, which is made if it is missing.

    Raises
    ------
    InputError
        The file is damaged; it is left unchanged.
    OutputError
        It cannot be written.
    """
    earlier = read_answers(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: {error.strerror or error}", hint="create that folder first") from error
    write_text(path, answers.dumps([*earlier, answer]), kind=OWN, force=True)
