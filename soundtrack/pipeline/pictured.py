"""Music for pictures: each photo is read as a film that holds still, and the nearest segments of the library answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.errors import InputError, Reason
from soundtrack.media.reading.photo import PhotoHead
from soundtrack.pipeline.film.album import Album, read_album
from soundtrack.pipeline.library.asking import Asking
from soundtrack.pipeline.library.music import index_dir, open_library
from soundtrack.queries.caption import caption
from soundtrack.types import EmotionState

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.library.opened import Library
    from soundtrack.pipeline.library.permitted import Permit


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture and the music for it."""

    path: Path
    """The picture."""
    emotion: EmotionState
    """What it shows."""
    found: tuple[Found, ...]
    """Tracks, the most alike first."""
    caption: str = ""
    """The same as a request in words."""
    agrees: bool | None = None
    """Whether the first track is in the better half of the library for the caption, too; None without a track."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An input that could not be read."""

    path: Path
    """The input as it was given."""
    message: str
    """What is wrong."""
    hint: str
    """What to do."""
    exit_code: int
    """The code with which it would end by itself."""


@dataclass(frozen=True, slots=True)
class PictureAnswer:
    """Music for several pictures."""

    pictures: tuple[Pictured, ...]
    """In the order in which they were given; those of a folder by time taken and name."""
    warnings: tuple[str, ...] = ()
    """Files that are no pictures, one line each."""
    failed: tuple[Failed, ...] = ()
    """Inputs that gave no picture."""


def music_for_pictures(
    paths: Sequence[Path],
    *,
    n: int,
    index: Path | None = None,
    allow_spoken: bool = False,
    permit: Permit | None = None,
    device: str = "auto",
) -> PictureAnswer:
    """The tracks most like each picture in the space that pictures and music share.

    Parameters
    ----------
    paths : sequence of Path
        Photos and folders of photos, at least one.
    n : int >= 1
        Tracks for each picture at most.
    index : Path, optional
        Folder of the library index.
    allow_spoken : bool
        Include spoken word, whatever the rules of the index say.
    permit : Permit, optional
        Licences and languages; of other tracks none is found.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.

    Raises
    ------
    InputError
        None of the pictures can be read.
    LibraryError
        The index is missing, empty or damaged, or has no usable track.
    """
    from soundtrack.library.search.library_view import require_music
    from soundtrack.library.search.query import find_like
    from soundtrack.pipeline.film.analyse import Watcher
    from soundtrack.pipeline.film.photos import PHOTO_S, PhotoLook, scenes_of

    heads: list[PhotoHead] = []
    skipped: list[str] = []
    failed: list[Failed] = []
    for path in paths:
        try:
            album = read_album(path)
        except InputError as error:
            if len(paths) == 1:
                raise
            skipped.append(f"skipped: {error}")
            failed.append(Failed(path, str(error), error.hint, int(error.exit_code)))
        else:
            heads += album.photos
            skipped += album.warnings
    if not heads:
        raise InputError(
            f"none of the {len(paths)} pictures can be read: {skipped[0].removeprefix('skipped: ')}",
            hint="use photos (jpg, png, webp, heic, avif)",
            reason=Reason.NOT_MEDIA,
        )
    folder = index_dir(index)
    with open_library(folder, allow_spoken=allow_spoken) as library:
        require_music(library, folder)
        watcher = Watcher(device=device)
        look = PhotoLook(watcher, seconds_per_image=PHOTO_S)
        shown = scenes_of(Album(paths[0], tuple(heads), tuple(skipped)), look, watcher)
        asking = Asking(library, device=device)
        n_asked = max(n, len(library.track_ids)) if permit else n
        pictures = tuple(
            _captioned(Pictured(head.path, reading.emotion, found), asking)
            for head, reading in zip(look.shown, shown.scenes.readings, strict=True)
            for every in [find_like(library, reading.embedding, n=n_asked)]
            for found in [tuple(one for one in every if not permit or permit.allows(one.track))[:n]]
        )
    return PictureAnswer(pictures, shown.scenes.warnings, tuple(failed))


def scene_caption(emotion: EmotionState, *, cuts_per_min: float = 0.0, speech_share: float = 0.0) -> str:
    """The mood of a scene or picture as a request in words, with the tempo that suits its cutting."""
    from soundtrack.spotting.merit.terms import wanted_tempo

    tempo = wanted_tempo(np.array([cuts_per_min], np.float32), np.array([emotion.arousal], np.float32))
    return caption(emotion, tempo_bpm=float(tempo[0]), speech_share=speech_share)


def _captioned(one: Pictured, asking: Asking) -> Pictured:
    """A picture with its caption, and whether the words agree with the vectors."""
    text = scene_caption(one.emotion)
    worth = asking.ask(text).worth()
    agrees = worth[one.found[0].track.track_id] >= float(np.median(list(worth.values()))) if one.found else None
    return replace(one, caption=text, agrees=agrees)


def music_for_picture(library: Library, path: Path, *, n: int, device: str = "auto") -> list[Found]:
    """The tracks most like a picture, or like the first of a folder, in a library that is open already.

    Parameters
    ----------
    library : Library
        Open.
    path : Path
        A photo, or a folder of photos.
    n : int >= 1
        Largest number of tracks.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.

    Raises
    ------
    InputError
        It cannot be read.
    """
    from soundtrack.pipeline.film.analyse import Watcher
    from soundtrack.pipeline.film.photos import PHOTO_S, PhotoLook, scenes_of

    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    album = read_album(path)
    watcher = Watcher(device=device)
    look = PhotoLook(watcher, seconds_per_image=PHOTO_S)
    shown = scenes_of(replace(album, photos=album.photos[:1]), look, watcher)
    return library.like_vector(shown.scenes.readings[0].embedding, n=n)
