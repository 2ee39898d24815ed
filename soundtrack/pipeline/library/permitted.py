"""Tracks that a person permits by their licence and by the language of their singing.

Goes in: tracks of the library. Comes out: those that state a wanted licence and language, and a line on the rest. The
licence is that of the tags when the track was indexed; the language is read from the file when it is needed, from its
tags or guessed from its lyrics. What is not stated is unknown, and unknown is left out unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from soundtrack.library.lyrics import read_lyrics
from soundtrack.library.tags import clean_text, read_fields
from soundtrack.naming.languages import NONE, code_of, name_of
from soundtrack.naming.licences import UNKNOWN, licences_of
from soundtrack.naming.wording import counted
from soundtrack.pipeline.library.sung import may_sing
from soundtrack.types import Track

_MOST_READ = 20_000


@dataclass(frozen=True, slots=True)
class Permit:
    """What music may be used."""

    licences: frozenset[str] = frozenset()
    """Names of `soundtrack.naming.licences.NAMES`; empty for any."""
    languages: frozenset[str] = frozenset()
    """Codes of ISO 639-1 and ``none``; empty for any."""

    def __bool__(self) -> bool:
        """Whether anything is excluded."""
        return bool(self.licences or self.languages)

    def allows(self, track: Track) -> bool:
        """Whether a track may be used."""
        if self.licences and not self.licences & licences_of(track.tags.licence):
            return False
        return not self.languages or language_of_track(track) in self.languages

    def notes(self, tracks: Sequence[Track]) -> list[str]:
        """What is left out, one line for each kind of permission that leaves out any."""
        lines = []
        if self.licences:
            found = [licences_of(track.tags.licence) for track in tracks]
            out = [names for names in found if not self.licences & names]
            silent = sum(names == {UNKNOWN} for names in out)
            wanted = ", ".join(sorted(self.licences))
            if out:
                lines.append(f"licence {wanted}: {_out(len(out), len(tracks))}, {silent} of them without a statement")
        if self.languages:
            sung = [language_of_track(track) for track in tracks]
            named = ", ".join(name_of(code) for code in sorted(self.languages - {NONE}))
            asked = ([f"sung in {named}"] if named else []) + (["no singing"] if NONE in self.languages else [])
            n_out = sum(code not in self.languages for code in sung)
            if n_out:
                lines.append(f"{', '.join(asked)}: {_out(n_out, len(tracks))}, {sung.count(None)} of unknown language")
        return lines


ANY = Permit()
"""No limit."""


def _out(n: int, total: int) -> str:
    return f"{n} of {counted(total, 'track')} left out"


def language_of_track(track: Track) -> str | None:
    """The language in which a track is sung: a code, ``none`` where no voice is heard, or None where it is unknown."""
    return _language_in(track.path) if may_sing(track) else NONE


@lru_cache(maxsize=_MOST_READ)
def _language_in(path: Path) -> str | None:
    """What a file says of its language, else what its lyrics are written in."""
    value = read_fields(path, duration=False).get("language")
    texts = value if isinstance(value, list) else [value]
    stated = [code for text in texts if (clean := clean_text(text)) and (code := code_of(clean)) is not None]
    if stated:
        return stated[0]
    lyrics = read_lyrics(path)
    guessed = None if lyrics is None else lyrics.mood().language
    return None if guessed is None else code_of(guessed) or guessed
