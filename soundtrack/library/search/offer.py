"""Eligible tracks of an index, and the reasons for which others are not.

Goes in: an open `Store` and `Rules`. Comes out: a `Verdict` for every track. All of it is decided when the index is
opened, from what listening stored, so that nothing here ever needs a new analysis.

Speech is known by what listening stored: voices with hardly any music (the warning ``speech``). Tracks that were
indexed before that warning existed are judged by a voice nearly all the time with neither pulse nor key. A genre that
says so, and the ending of audiobooks (``.m4b``), count as well.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from soundtrack.library.heard import SILENT_LUFS, Warned
from soundtrack.library.search.installed_rules import TrackFacts, installed_rules
from soundtrack.library.search.rules import NameRules, Rules, read_rules
from soundtrack.library.store import rows
from soundtrack.library.store.schema import checked
from soundtrack.library.store.store import Store

SPOKEN_SHARE = 0.65
"""With a voice in so much of it and neither pulse nor key, a track is spoken."""

SPOKEN_KEY = 0.3
"""A key that is surer than this is music."""

LONG_S = 1200.0
"""In longer tracks a key is no proof, since programmes have music under the voice."""

_SPOKEN_GENRE = re.compile(
    r"audio ?(book|libro|theat)|livre audio|h(ö|oe)r(buch|spiel)|podcast|\b(speech|spoken|lectures?)\b",
    re.IGNORECASE,
)


class LeftOut(StrEnum):
    """Closed list of why a track is not offered."""

    MISSING = "missing"
    """Its file is gone."""
    SILENT = "silent"
    """Nothing can be heard in it."""
    TOO_SHORT = "too_short"
    """Shorter than the rules say."""
    TOO_LONG = "too_long"
    """Longer than the rules say."""
    EXCLUDED = "excluded"
    """By its name: ``.soundtrackignore`` or a pattern."""
    SPOKEN = "spoken"
    """Spoken word, as in an audiobook."""
    RULE = "rule"
    """By a rule of an installed package."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a track is offered."""

    track_id: str
    """Which track."""
    n_segments: int
    """Rows that it has in the index."""
    why: LeftOut | None
    """Why it is not offered; None if it is."""
    rule: str = ""
    """Name of the installed rule that excludes it."""

    @property
    def reason(self) -> str | None:
        """Why it is not offered, as text: ``too_short``, ``rule NAME``; None if it is."""
        return None if self.why is None else f"{self.why.value} {self.rule}".rstrip()


def sounds_spoken(
    *, vocal_share: float | None, tempo_bpm: float | None, key_confidence: float, duration_s: float
) -> bool:
    """Whether the analysed sound is speech rather than singing.

    Parameters
    ----------
    vocal_share : float, optional
        Share with a voice, in [0, 1]; None where unknown.
    tempo_bpm : float, optional
        None where no pulse was found.
    key_confidence : float
        In [0, 1].
    duration_s : float
        Length in seconds.

    Examples
    --------
    >>> sounds_spoken(vocal_share=0.87, tempo_bpm=None, key_confidence=0.1, duration_s=60.0)
    True
    >>> sounds_spoken(vocal_share=0.87, tempo_bpm=92.0, key_confidence=0.1, duration_s=60.0)
    False
    """
    if vocal_share is None or vocal_share < SPOKEN_SHARE or tempo_bpm is not None:
        return False
    return key_confidence < SPOKEN_KEY or duration_s > LONG_S


@checked
def judge(store: Store, rules: Rules | None = None, *, include_missing: bool = False) -> list[Verdict]:
    """A verdict for every track with vectors, in the order of the ids.

    Parameters
    ----------
    store : Store
        Open.
    rules : Rules, optional
        By default those kept with the index.
    include_missing : bool
        Offer tracks whose files are gone.
    """
    rules = rules or read_rules(store)
    names = NameRules(rules, store.roots())
    installed = installed_rules()
    places: dict[object, list[str]] = {}
    for row, stored, status in store.all("SELECT track, path, status FROM locations"):
        if include_missing or status == "present":
            places.setdefault(row, []).append(store.to_text(rows.path(stored)))
    found = store.all(
        "SELECT t.id, t.track_id, v.n_segments, t.duration_s, t.integrated_lufs, t.genre, t.vocal_share, t.tempo_bpm,"
        f" t.key_confidence, t.warnings, {rows.columns_of('t', ', '.join(rows.TAGS))}"
        " FROM tracks t JOIN vectors v ON v.track = t.id ORDER BY t.track_id"
    )
    verdicts = []
    for (
        row,
        track_id,
        n_segments,
        duration_s,
        lufs,
        genre,
        vocal_share,
        tempo_bpm,
        key_confidence,
        warned,
        *tags,
    ) in found:
        paths, length_s = places.get(row, ()), rows.number(duration_s, "duration_s")
        why, rule = None, ""
        if not paths and not include_missing:
            why = LeftOut.MISSING
        elif rows.number(lufs, "integrated_lufs") <= SILENT_LUFS:
            why = LeftOut.SILENT
        elif length_s < rules.min_length_s:
            why = LeftOut.TOO_SHORT
        elif rules.max_length_s is not None and length_s > rules.max_length_s:
            why = LeftOut.TOO_LONG
        elif paths and all(map(names.leaves_out, paths)):
            why = LeftOut.EXCLUDED
        elif (
            not rules.allow_spoken
            and (
                sounds_spoken(
                    vocal_share=None if vocal_share is None else rows.number(vocal_share, "vocal_share"),
                    tempo_bpm=None if tempo_bpm is None else rows.number(tempo_bpm, "tempo_bpm"),
                    key_confidence=rows.number(key_confidence, "key_confidence"),
                    duration_s=length_s,
                )
                or f'"{Warned.SPEECH}"' in str(warned)
                or _is_called_spoken(genre, paths)
            )
            and not any(map(names.takes_in, paths))
        ):
            why = LeftOut.SPOKEN
        elif installed and paths and not any(map(names.takes_in, paths)):
            facts = TrackFacts(
                paths=tuple(map(Path, paths)),
                tags={name: str(text) for name, text in zip(rows.TAGS, tags, strict=True) if text},
                duration_s=length_s,
                integrated_lufs=rows.number(lufs, "integrated_lufs"),
                tempo_bpm=rows.maybe_number(tempo_bpm, "tempo_bpm"),
                vocal_share=rows.maybe_number(vocal_share, "vocal_share"),
            )
            rule = next((each.name for each in installed if each.excludes(facts)), "")
            why = LeftOut.RULE if rule else None
        verdicts.append(Verdict(rows.track_id(track_id), rows.integer(n_segments, "n_segments"), why, rule))
    return verdicts


def _is_called_spoken(genre: object, paths: list[str] | tuple[str, ...]) -> bool:
    """Whether the tag or the ending of the name says so."""
    endings = (os.path.splitext(path)[1].lower() for path in paths)  # noqa: PTH122 - a hundred thousand of them
    return bool(genre and _SPOKEN_GENRE.search(str(genre))) or ".m4b" in endings
