"""Numbers with their nouns, kinds of lines, and what a file is called, for messages."""

from __future__ import annotations

import re

UNDERSTOOD = "understood as: "
"""Between a request in words and how it was understood, in the notes of a cue sheet."""


def is_note(line: str) -> bool:
    """Whether a line of a sheet's warnings only says how a request was understood.

    Examples
    --------
    >>> is_note("'calm, no drums' understood as: calm; no drums"), is_note("a.mp3: no such file")
    (True, False)
    """
    return re.match(rf"(['\"]).*\1 {UNDERSTOOD}", line) is not None


def counted(n: int, thing: str) -> str:
    """A number with its noun in the right number.

    Examples
    --------
    >>> counted(1, "cue"), counted(0, "track"), counted(2, "copy")
    ('1 cue', '0 tracks', '2 copies')
    """
    if n == 1:
        return f"{n} {thing}"
    return f"{n} {thing[:-1]}ies" if thing.endswith("y") else f"{n} {thing}s"


VOICES = ".voices.flac"
"""How the name of the voices of a film ends that were separated from its music."""


def spoken_file(path: str) -> str:
    """What a file that a sheet has as its narration is called: the voices of the film itself are none.

    Examples
    --------
    >>> spoken_file("tale.wav"), spoken_file("film.scored.voices.flac")
    ('narration', 'voices')
    """
    return "voices" if path.endswith(VOICES) else "narration"
