"""Lyrics of a track, from its tags or a file beside it, read on demand and never stored.

Goes in: the path of a track. Comes out: `Lyrics`, or None. Looked for in this order: ``NAME.lrc`` beside the file
(timed lines), the tags (USLT and SYLT of ID3, LYRICS and UNSYNCEDLYRICS of Vorbis comments, ``lyr`` of MP4),
``NAME.txt``. Such text is untrusted: sizes are limited, encodings are recognised
(`soundtrack.files.text_encoding`), and what cannot be read counts as none and is named by `unread_lyrics`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.files import safe_read
from soundtrack.files.text_encoding import decoded
from soundtrack.library.tags import read_fields
from soundtrack.naming.text_mood import TextMood, text_mood
from soundtrack.types import Span

LYRICS = "lyrics"
"""Name of the channel, as `why` prints it."""

MOST_BYTES = 1 << 20
"""Larger files beside a track are ignored."""
MOST_CHARACTERS = 100_000
"""Longer lyrics are cut."""

_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_HEADER = re.compile(r"^\[[a-z#]+:.*\]\s*$", re.IGNORECASE)
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_ADVISORY = re.compile(r"\[explicit\]|\(explicit\)|\bexplicit (version|lyrics)\b", re.IGNORECASE)
_PROSE_LINE = 200
"""A text file whose lines are longer on average is no lyrics."""


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The words of a song."""

    text: str = field(repr=False)
    """All lines."""
    lines: tuple[tuple[float, str], ...] = field(default=(), repr=False)
    """Start of each line on the track's clock, in seconds, ascending, and its text; none where they are not timed."""

    def mood(self) -> TextMood:
        """What all of it is like."""
        return text_mood(self.text)

    def moods(self, spans: Sequence[Span]) -> list[TextMood | None]:
        """What is sung in each of some spans of the track; None where the lines have no times, or nothing is sung."""
        language = self.mood().language
        result = []
        for span in spans:
            said = " \n".join(text for start_s, text in self.lines if span.start_s <= start_s < span.end_s)
            result.append(text_mood(said, language=language) if said.strip() else None)
        return result


def parse_lyrics(text: str) -> Lyrics | None:
    """Lyrics from plain lines or from lines with times such as ``[01:02.50]``; None where there are no words.

    Examples
    --------
    >>> parse_lyrics("[ti:Song]\\n[00:01.50][00:09.00]Hello <00:02.00>there\\n[00:03]sun").lines
    ((1.5, 'Hello there'), (3.0, 'sun'), (9.0, 'Hello there'))
    """
    lines: list[tuple[float, str]] = []
    plain: list[str] = []
    for raw in text[:MOST_CHARACTERS].replace("\0", "").splitlines():
        if _HEADER.match(raw) and not _TIME.match(raw):
            continue
        words = _WORD_TIME.sub("", _TIME.sub("", raw)).strip()
        times = [60 * int(m) + float(s.replace(":", ".")) for m, s in _TIME.findall(raw)]
        if words:
            plain.append(words)
            lines += [(time_s, words) for time_s in times]
    if not plain:
        return None
    return Lyrics("\n".join(plain), tuple(sorted(lines)))


def read_lyrics(path: Path) -> Lyrics | None:
    """The lyrics of the track in a file; None where there are none or they cannot be read.

    Parameters
    ----------
    path : Path
        Of the track.
    """
    beside = _text_of(path.with_suffix(".lrc"))
    found = parse_lyrics(beside) if beside else None
    if found is None and (tagged := _tagged(path)):
        found = parse_lyrics(tagged)
    if found is None and (plain := _text_of(path.with_suffix(".txt"))):
        found = parse_lyrics(plain)
        if found is not None and len(found.text) > _PROSE_LINE * (1 + found.text.count("\n")):
            return None
    return found


def is_explicit(path: Path, *names: str | None) -> bool:
    """Whether the lyrics of a track have rude words, or its title or album say that it is explicit."""
    if any(name and _ADVISORY.search(name) for name in names):
        return True
    found = read_lyrics(path)
    return found is not None and found.mood().n_rude > 0


def unread_lyrics(path: Path) -> str | None:
    """Why the lyrics beside a track are not read, in one line; None where there are none or they are read.

    Parameters
    ----------
    path : Path
        Of the track.
    """
    for suffix in (".lrc", ".txt"):
        beside = path.with_suffix(suffix)
        try:
            data = safe_read.read_bytes(beside, most_bytes=MOST_BYTES)
        except InputError as error:
            if error.reason is not Reason.MISSING:
                return f"lyrics ignored: {error}"
            continue
        return None if not data or decoded(data) else f"lyrics ignored: {beside}: unknown encoding (save it as UTF-8)"
    return None


def _text_of(path: Path) -> str | None:
    """A text file beside a track, in the encoding that fits; None where there is none, or it cannot be read."""
    try:
        return decoded(safe_read.read_bytes(path, most_bytes=MOST_BYTES))
    except InputError:
        return None


def _tagged(path: Path) -> str | None:
    """The lyrics in a file's tags."""
    value = read_fields(path, duration=False).get("lyrics")
    texts = value if isinstance(value, list) else [value]
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)
