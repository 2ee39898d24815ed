"""Requests in words against a library: facts about its tracks, and how each answers.

Goes in: an open library and a text such as ``hopeful, no drums, 90 bpm``. Comes out: the `Query` as it was understood,
and an `Answer` for the tracks in the order of the library. Tags of instruments and styles come from the evidence of the
index by a small head; no sound is decoded, but for a file that the music is to be like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from soundtrack.errors import UsageError
from soundtrack.naming.mood_words import mood_at, title_mood
from soundtrack.naming.names import as_on_disk, folded, names_in
from soundtrack.naming.wording import UNDERSTOOD, counted
from soundtrack.pipeline.library.music import music_projection, read_music
from soundtrack.pipeline.library.permitted import Permit, language_of_track
from soundtrack.queries.match import Answer, Facts, answer
from soundtrack.queries.query import Degree, LanguageClause, LikeClause, Quantity, Query, WordWish
from soundtrack.queries.resolve import understand
from soundtrack.queries.vocabulary import SUNG_FROM, Known
from soundtrack.types import Channel, FloatArray, Track

if TYPE_CHECKING:
    from soundtrack.library.heard import Heard
    from soundtrack.spotting.merit.constraints import Constraints

_N_FOLDERS = 2
_LONGEST_NAME = 60
_AT_ONCE = 256


class AskedMusic(Protocol):
    """The part of a library that requests need."""

    @property
    def track_ids(self) -> Sequence[str]:
        """Ids of all tracks that may be used."""

    def tracks(self) -> Mapping[str, Track]:
        """All tracks by id."""

    def by_track(
        self, channels: Sequence[Channel], read: Callable[[FloatArray], FloatArray], *, at_once: int
    ) -> Mapping[str, FloatArray]:
        """What `read` makes of the evidence of each track that has that of all these channels, by id."""

    def track_vector(self, track_id: str) -> FloatArray:
        """Unit vector of a whole track, shape (D,)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and how the tracks of a library answer it."""

    query: Query
    """As understood."""
    tracks: tuple[Track, ...]
    """In the order of the library."""
    answer: Answer
    """Columns in the same order."""

    def worth(self) -> dict[str, float]:
        """Merit of each track, in [-2, 1], by id."""
        worth = self.answer.worth()
        return {track.track_id: round(float(value), 5) for track, value in zip(self.tracks, worth, strict=True)}


def track_words(track: Track) -> frozenset[str]:
    """Words and whole names in title, file name, folders, genre, album and artist, in lower case."""
    tags = track.tags
    folders = [parent.name for parent in list(track.path.parents)[:_N_FOLDERS]]
    texts = [t for t in (tags.title, track.path.stem, *folders, tags.genre, tags.album, tags.artist) if t]
    words = {word for text in texts for word in re.findall(r"[^\W\d_]{2,}", _apart(text))}
    names = {name for text in (tags.genre, tags.artist, tags.album) for name in names_in(text)}
    return frozenset(words | {name for name in names if len(name) <= _LONGEST_NAME} | {folded(f) for f in folders})


def _apart(text: str) -> str:
    """A name with spaces inside words in camel case, folded."""
    return folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))


class Asking:
    """A library that is asked in words, with its tags read once.

    Parameters
    ----------
    library : AskedMusic
        Open.
    device : str
        Where a file is read that is not in the library.
    permit : Permit, optional
        Licences and languages; other tracks are left out.
    """

    def __init__(self, library: AskedMusic, *, device: str = "auto", permit: Permit | None = None) -> None:
        self._library = library
        self._device = device
        self._found = library.tracks()
        every = (self._found[track_id] for track_id in library.track_ids)
        self.tracks: tuple[Track, ...] = tuple(track for track in every if not permit or permit.allows(track))
        self._words = [track_words(track) for track in self.tracks]
        self._tags = self._read_tags()

    @property
    def known(self) -> Known:
        """Words and tags that a request may use."""
        return Known(frozenset(self._tags), frozenset().union(*self._words))

    def ask(self, text: str) -> Asked:
        """How the tracks answer a request.

        Raises
        ------
        UsageError
            A word is not understood.
        InputError
            A file that the music is to be like cannot be read.
        """
        named = Path(text).expanduser()
        is_file = bool(text.strip()) and os.path.isfile(named)  # noqa: PTH113 - words that are too long are no file
        query = Query(text, (LikeClause(text),)) if is_file else understand(text, self.known)
        likes = [clause for clause in query.clauses if isinstance(clause, LikeClause)]
        references = {clause.name: self._reference(clause.name) for clause in likes}
        wanted = [clause.name for clause in likes if clause.degree is not Degree.NO]
        if len(wanted) == 1:
            query = query.beside(_quantities(references[wanted[0]][0]))
        vectors = {name: vector for name, (_, vector) in references.items()}
        return Asked(query, self.tracks, answer(query, self._facts(query, vectors)))

    def _facts(self, query: Query, references: Mapping[str, FloatArray]) -> Facts:
        from soundtrack.spotting.merit.view import drawn_apart, placed_by_class

        tracks = self.tracks
        probabilities = np.array([t.emotion.probabilities for t in tracks], np.float32).reshape(-1, 6)
        plane = [
            drawn_apart(placed_by_class(np.array([getattr(t.emotion, n) for t in tracks]), probabilities, axis=axis))
            for axis, n in enumerate(("valence", "arousal"))
        ]
        said = [title_mood(track) for track in tracks]
        sure = np.array([0.0 if its is None else its.emotion.confidence for its in said], np.float32)
        for axis, name in enumerate(("valence", "arousal")):
            named = np.array([0.0 if its is None else getattr(its.emotion, name) for its in said], np.float32)
            plane[axis] = np.asarray((plane[axis] + sure * named) / (1 + sure), np.float32)
        return Facts(
            tempo_bpm=np.array([t.analysis.tempo_bpm or np.nan for t in tracks], np.float32),
            length_s=np.array([t.audio.duration_s for t in tracks], np.float32),
            loudness_lufs=np.array([t.loudness.integrated_lufs for t in tracks], np.float32),
            year=np.array([_year(t.tags.year) for t in tracks], np.float32),
            keys=[t.analysis.key for t in tracks],
            valence=plane[0],
            arousal=plane[1],
            tags=self._tags,
            words=self._words,
            languages=[language_of_track(t) for t in tracks] if asks_for_language(query) else (),
            likeness={name: self._likeness(vector) for name, vector in references.items()},
        )

    def _likeness(self, vector: FloatArray) -> FloatArray:
        """Cosine of every track with a vector."""
        vectors = np.stack([self._library.track_vector(track.track_id) for track in self.tracks])
        return np.asarray(vectors @ vector, np.float32)

    def _reference(self, name: str) -> tuple[Track | Heard, FloatArray]:
        """A file, or a track of the library by its name, and its vector."""
        from soundtrack.library.identity import identify
        from soundtrack.naming.track_names import find_one_track

        path = as_on_disk(Path(name).expanduser())
        if os.path.exists(path):  # noqa: PTH110 - as above
            track_id = identify(path).track_id
            if track_id not in self._library.track_ids:
                heard = read_music(path, self._device)
                return heard, heard.vector
        else:
            try:
                track_id = find_one_track(name, tracks=self.tracks).track_id
            except UsageError as error:
                raise UsageError(f"like {name}: neither a file nor a track of the library", hint=error.hint) from error
        return self._found[track_id], self._library.track_vector(track_id)

    def _read_tags(self) -> Mapping[str, FloatArray]:
        """Chance of each tag in each track, shape (T,), by its name; NaN where there is no evidence."""
        from soundtrack.emotion.music_channels import NETWORK
        from soundtrack.pipeline.library.music_tags import tag_head

        channels = [channel for channel in music_projection().channels if channel.name == NETWORK]
        head = tag_head(channels[0]) if channels else None
        chances = None if head is None else self._library.by_track(channels, head.of_track, at_once=_AT_ONCE)
        share = np.array([_nan(t.analysis.vocal_share) for t in self.tracks], np.float32)
        width = np.where(share < SUNG_FROM, SUNG_FROM, 0.4)
        sung = np.clip(0.5 + 0.5 * (share - SUNG_FROM) / width, 0, 1).astype(np.float32)
        if head is None or not chances:
            return {"vocals": sung} if np.isfinite(sung).any() else {}
        missing = np.full(len(head.tags), np.nan, np.float32)
        table = np.stack([chances.get(track.track_id, missing) for track in self.tracks])
        tags = {tag: table[:, column] for column, tag in enumerate(head.tags)}
        if "vocals" not in tags:
            tags["vocals"] = sung
        return tags


def _quantities(track: Track | Heard) -> dict[Quantity, float]:
    """What a reference has of each quantity that can be compared."""
    known = {Quantity.LENGTH: track.audio.duration_s, Quantity.LOUDNESS: track.loudness.integrated_lufs}
    if track.analysis.tempo_bpm:
        known[Quantity.TEMPO] = track.analysis.tempo_bpm
    return {quantity: value for quantity, value in known.items() if np.isfinite(value)}


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def _year(text: str | None) -> float:
    """The year of a tag such as ``1997-05-01``; NaN for none."""
    found = re.search(r"\b(1[4-9]\d\d|2[01]\d\d)\b", text or "")
    return float(found[1]) if found else np.nan


def with_requests(
    constraints: Constraints, words: Sequence[WordWish], library: AskedMusic, *, device: str = "auto"
) -> Constraints:
    """Add the requests in words to the constraints; the sheet's notes say how they were understood.

    Moods of a part of the film also stand in for what its picture says, as those of ``--mood`` do.

    Raises
    ------
    UsageError
        A word is not understood.
    InputError
        A file that the music is to be like cannot be read.
    """
    from soundtrack.spotting.merit.constraints import MoodWish, Request

    if not words:
        return constraints
    asking = Asking(library, device=device)
    moods, requests, notes = list(constraints.moods), list(constraints.requests), list(constraints.notes)
    for wish in words:
        asked = asking.ask(wish.text)
        requests.append(Request(wish.span, asked.worth()))
        notes.append(f"{wish.text!r} {understood(asked)}")
        place = asked.query.mood()
        if wish.span is not None and place is not None:
            moods.append(MoodWish(wish.span, mood_at(*place)))
    return replace(constraints, moods=tuple(moods), requests=tuple(requests), notes=tuple(notes))


def understood(asked: Asked) -> str:
    """How a request was understood, in one line."""
    words = asked.query.understood()
    if asks_for_language(asked.query):
        unknown = sum(language_of_track(track) is None for track in asked.tracks)
        words.append(f"language of the singing unknown for {unknown} of {counted(len(asked.tracks), 'track')}")
    return UNDERSTOOD + "; ".join(words)


def asks_for_language(query: Query) -> bool:
    """Whether the language of the singing has a say."""
    return any(isinstance(clause, LanguageClause) for clause in query.clauses)
