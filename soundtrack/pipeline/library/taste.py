"""Taste of an open library: its playlists, albums, folders and tags, as vectors for spotting and evaluation.

Ratings and play counts are read from the files when they are needed and kept in no index, as lyrics are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from soundtrack.errors import InputError, Reason
from soundtrack.library.liking import read_liking
from soundtrack.library.lyrics import read_lyrics
from soundtrack.naming.mood_words import title_mood
from soundtrack.naming.names import folded, names_in
from soundtrack.naming.norms import norm_of
from soundtrack.naming.playlists import is_playlist
from soundtrack.naming.wording import counted
from soundtrack.spotting.merit.constraints import Taste
from soundtrack.spotting.merit.listed import in_playlist
from soundtrack.taste.taste import Sources, taste_of
from soundtrack.types import Track

MOST_FILES = 2_000
"""Tracks of playlists whose ratings are read, in the order of the library."""
MOST_PLAYLISTS = 5_000
"""Playlists that are read from a folder."""
_N_FOLDERS = 2
_GIVE = "give a folder of playlists (m3u, m3u8, pls, xspf)"


@lru_cache(maxsize=2 * MOST_FILES)
def _liking_of(path: Path) -> float:
    return read_liking(path).weight


def track_tags(track: Track) -> tuple[str, ...]:
    """Tags of a track: words of title, genre and album, folders and artist, in lower case."""
    from soundtrack.pipeline.library.asking import track_words

    mood = title_mood(track)
    labels = () if mood is None else (f"mood {mood.emotion.label.lower()}",)
    folders = [f"folder {folded(parent.name)}" for parent in list(track.path.parents)[:_N_FOLDERS] if parent.name]
    genres = [f"genre {name}" for name in names_in(track.tags.genre)] if track.tags.genre else []
    return tuple(sorted({*track_words(track), *folders, *genres, *labels}))


@lru_cache(maxsize=2 * MOST_FILES)
def _lyric_words(path: Path) -> tuple[str, ...]:
    """Rated words of the lyrics of a track, each once, in lower case."""
    found = read_lyrics(path)
    words = re.findall(r"[^\W\d_]{3,}", found.text.lower()) if found is not None else []
    return tuple(sorted({f"sung {word}" for word in words if norm_of(word) is not None}))


def sources_of(tracks: Sequence[Track], playlists: Collection[Sequence[str]], *, lyrics: bool = False) -> Sources:
    """What is known about the tracks of a library.

    Parameters
    ----------
    tracks : sequence of Track
        Of the library, in its order.
    playlists : collection of sequence of str
        Ids of the tracks of each playlist; other ids are left out.
    lyrics : bool
        Whether rated words of the lyrics count as tags, of the first `MOST_FILES` tracks.
    """
    place = {track.track_id: i for i, track in enumerate(tracks)}
    rows = [tuple(dict.fromkeys(place[name] for name in named if name in place)) for named in playlists]
    kept = tuple(row for row in rows if len(row) > 1)
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, track in enumerate(tracks):
        together["folder", str(track.path.parent)].append(i)
        if track.tags.album:
            together["album", f"{track.tags.album_artist or track.tags.artist}\n{track.tags.album}"].append(i)
    liking = [1.0] * len(tracks)
    for i in sorted({i for row in kept for i in row})[:MOST_FILES]:
        liking[i] = _liking_of(tracks[i].path)
    return Sources(
        tags=tuple(
            (*track_tags(track), *(_lyric_words(track.path) if lyrics and i < MOST_FILES else ()))
            for i, track in enumerate(tracks)
        ),
        playlists=kept,
        groups=tuple(tuple(group) for group in together.values() if len(group) > 1),
        liking=tuple(liking),
    )


def library_taste(tracks: Sequence[Track], playlists: Mapping[Path, Sequence[str]]) -> Taste | None:
    """What the playlists of a library say about its tracks; None where no playlist names two of them."""
    offered = {track.track_id for track in tracks}
    if not any(len(offered & set(named)) > 1 for named in playlists.values()):
        return None
    found = taste_of(sources_of(tracks, playlists.values()))
    most = max(float(found.uses.max()), 1e-9)
    return Taste(
        vectors={track.track_id: row for track, row in zip(tracks, found.joined(), strict=True)},
        uses={track.track_id: float(use) / most for track, use in zip(tracks, found.uses, strict=True)},
    )


def playlists_in(folder: Path, tracks: Sequence[Track]) -> dict[Path, tuple[str, ...]]:
    """Ids of the library's tracks that each playlist of a folder names.

    Parameters
    ----------
    folder : Path
        A folder, searched with all folders below it, or one playlist.
    tracks : sequence of Track
        Of the library.

    Raises
    ------
    InputError
        There is no playlist, one cannot be read, or none names two tracks of the library.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder", hint=_GIVE, reason=Reason.MISSING)
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if is_playlist(path))
    files = [path for path in files if is_playlist(path)][:MOST_PLAYLISTS]
    if not files:
        raise InputError(f"{folder}: no playlists", hint=_GIVE, reason=Reason.NOT_MEDIA)
    found = {path: tuple(sorted(in_playlist(path, tracks)[0])) for path in files}
    if not any(len(named) > 1 for named in found.values()):
        raise InputError(
            f"{folder}: {counted(len(files), 'playlist')}, but none names two tracks of the library",
            hint="run `soundtrack index` on the folders of their music",
            reason=Reason.MISSING,
        )
    return found
