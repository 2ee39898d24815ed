"""The music library of the Python API: opened once, for any number of searches."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from soundtrack.errors import NothingFitsError
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.ground.defaults import device_or_default
from soundtrack.pipeline.ground.paths import PathLike, as_path
from soundtrack.pipeline.library.music import index_dir, open_library, read_music
from soundtrack.types import FloatArray, Segment, Track

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.library.asking import Asked
    from soundtrack.pipeline.library.permitted import Permit


class Library:
    """The music of an index that may be used: present, long enough, audible, and music by the rules of the index.

    A context manager; what is read is kept in memory until it is closed.

    Parameters
    ----------
    index : path, optional
        Folder of the index; by default that of SOUNDTRACK_INDEX, the configuration, or the user's data folder.
    allow_spoken : bool
        Include spoken word, whatever the rules of the index say.
    permit : Permit, optional
        Licences and languages; of other tracks none is found.

    Attributes
    ----------
    index : Path
        Folder of the index.

    Raises
    ------
    LibraryError
        There is no index, it is empty or damaged, other networks made it, or it has no usable track.

    Examples
    --------
    >>> with Library() as library:  # doctest: +SKIP
    ...     for found in library.search(mood="tense", n=3):
    ...         print(found.track.path, found.segment.span.start_s)
    """

    def __init__(
        self, index: PathLike | None = None, *, allow_spoken: bool = False, permit: Permit | None = None
    ) -> None:
        from soundtrack.library.search.library_view import require_music

        self.index: Path = index_dir(as_path(index))
        self._permit = permit
        self._view = open_library(self.index, allow_spoken=allow_spoken)
        try:
            require_music(self._view, self.index)
            if permit and not any(map(permit.allows, self._view.tracks().values())):
                raise NothingFitsError(
                    f"no track of the library is permitted: {'; '.join(self.notes())}",
                    hint="permit more, such as unknown, or write licences and languages into the tags and index again",
                )
        except BaseException:
            self._view.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the files of the index."""
        self._view.close()

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self._view.track_ids)

    def tracks(self) -> dict[str, Track]:
        """All tracks by id, with their segments; about 20 kB each in memory."""
        return self._view.tracks()

    def find(self, name: str) -> list[Track]:
        """The tracks of a name, one or more.

        Parameters
        ----------
        name : str
            A path, file name, folder, title, ``artist - title``, artist, album, genre, or the first eight or more
            letters of an id.

        Raises
        ------
        UsageError
            The library has no such track; the hint names similar ones.
        """
        from soundtrack.naming.track_names import find_tracks

        return find_tracks(name, tracks=list(self.tracks().values()), former=self._view.former_names())

    def playlists(self) -> dict[Path, tuple[str, ...]]:
        """Ids of the tracks of each playlist found in the library, in its order."""
        return self._view.playlists()

    def search(
        self,
        *,
        mood: str | None = None,
        valence: float | None = None,
        arousal: float | None = None,
        like: PathLike | None = None,
        n: int = 10,
        device: str | None = None,
    ) -> list[Found]:
        """Tracks by mood, by valence and arousal, or by similarity to a file; best first, each once.

        Parameters
        ----------
        mood : str, optional
            A mood word such as ``tense``.
        valence, arousal : float, optional
            From unpleasant to pleasant, from calm to excited, in [-1, 1]; what is None does not count.
        like : path or str, optional
            A file of music, in the library or not; or a request in words such as ``hopeful, no drums, 90 bpm``.
        n : int >= 1
            Largest number of tracks.
        device : {"auto", "cpu", "cuda"}, optional
            Where the network runs if the file is not in the library.

        Returns
        -------
        list of Found
            Track, its best segment, and similarity, at most 1.

        Raises
        ------
        UsageError
            Not exactly one of mood, valence and arousal, and `like` is given; or the mood or a word is unknown.
        InputError
            The file cannot be used as music.
        """
        from soundtrack.library.identity import identify
        from soundtrack.library.search.query import find_feeling, find_like, find_mood
        from soundtrack.spotting.merit.moods import mood as mood_of

        require_one_question(mood=mood, valence=valence, arousal=arousal, like=like)
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        if mood is not None:
            return self._permitted(find_mood(self._view, mood_of(mood).label, n=self._asked(n)), n)
        if like is None:
            return self._permitted(find_feeling(self._view, valence=valence, arousal=arousal, n=self._asked(n)), n)
        if is_request(like):
            return best_of(self.ask(os.fspath(like), device=device), n=n)
        file = as_on_disk(as_path(like))
        track_id = identify(file).track_id
        if track_id in self._view.track_ids:
            vector = self._view.track_vector(track_id)
        else:
            vector = read_music(file, device_or_default(device)).vector
        return self._permitted(find_like(self._view, vector, n=self._asked(n), leave_out=track_id), n)

    def _asked(self, n: int) -> int:
        """How many tracks to ask for, so that enough of them are permitted."""
        return max(n, len(self)) if self._permit else n

    def _permitted(self, found: list[Found], n: int) -> list[Found]:
        """The first of those that are permitted."""
        permit = self._permit
        return [one for one in found if permit.allows(one.track)][:n] if permit else found

    def like_vector(self, vector: FloatArray, *, n: int = 10) -> list[Found]:
        """Tracks with the segments closest to a unit vector of the space that pictures and music share.

        Parameters
        ----------
        vector : ndarray, shape=(D,), float32
            Such as an embedding of a scene sheet that the same networks made.
        n : int >= 1
            Largest number of tracks.
        """
        from soundtrack.library.search.query import find_like

        return self._permitted(find_like(self._view, vector, n=self._asked(n)), n)

    def notes(self) -> list[str]:
        """What licences and languages leave out, one line each."""
        return self._permit.notes(list(self.tracks().values())) if self._permit else []

    def ask(self, text: str, *, device: str | None = None) -> Asked:
        """How a request in words is understood, and how each track answers it.

        Parameters
        ----------
        text : str
            Such as ``hopeful, no drums, 90 bpm, strings, like intro.mp3, not like credits.mp3``.
        device : {"auto", "cpu", "cuda"}, optional
            Where the network runs for a file that is not in the library.

        Raises
        ------
        UsageError
            A word is unknown; nothing is guessed.
        InputError
            A file cannot be used as music.
        """
        from soundtrack.pipeline.library.asking import Asking

        return Asking(self._view, device=device_or_default(device), permit=self._permit).ask(text)


def is_request(like: PathLike) -> bool:
    """Whether a text is a request in words and not the name of a file.

    Examples
    --------
    >>> is_request("hopeful, no drums"), is_request("song.mp3"), is_request("like song.mp3"), is_request(Path("calm"))
    (True, False, True, False)
    """
    if not isinstance(like, str) or not like.strip():
        return False
    alone = not re.search(r"[,;\s]", like.strip()) and (os.sep in like or bool(re.search(r"\.\w{2,4}$", like)))
    return not alone and not os.path.lexists(as_on_disk(as_path(like)))


def best_of(asked: Asked, *, n: int) -> list[Found]:
    """The tracks that answer a request best, each with the segment whose mood is nearest to the one asked for."""
    from soundtrack.library.search.query import Found

    moods = asked.query.moods()

    def off(segment: Segment) -> float:
        """Sum of the distances from the moods that are asked for."""
        its = segment.emotion
        return sum(math.hypot(its.valence - mood.valence, its.arousal - mood.arousal) for mood in moods)

    result = []
    for place in asked.answer.order()[:n]:
        track = asked.tracks[place]
        segment = min(track.segments, key=lambda s: (off(s), s.index))
        result.append(Found(track, segment, float(asked.answer.merit[place])))
    return result


def require_one_question(
    *,
    mood: str | None,
    valence: float | None,
    arousal: float | None,
    like: PathLike | None,
    picture: PathLike | None = None,
) -> None:
    """Refuse a search by nothing, or by several things at a time.

    Raises
    ------
    UsageError
        Not exactly one of mood, valence and arousal, `like` and `picture` is given.
    """
    from soundtrack.errors import UsageError

    given = [mood is not None, valence is not None or arousal is not None, like is not None, picture is not None]
    if given.count(True) != 1:
        hint = "give a mood, --valence and --arousal, a music file for similarity, or a picture"
        nothing = "no search criterion is given" if not any(given) else "use one search criterion at a time"
        raise UsageError(nothing, hint=hint)
    if like is not None and not str(like).strip():
        raise UsageError("--like: nothing is asked for", hint="give a music file, or words such as 'hopeful, no drums'")
