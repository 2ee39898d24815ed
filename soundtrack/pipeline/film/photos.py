"""Photos in place of a film: which there are, in which order, what they show, and the film that is made of them.

Goes in: a folder of photos, or one photo. Comes out: a scene sheet in which every photo is a shot, and then a silent
film in which each is shown for as long as the music wants. The channels that watch films look at each photo as at a
still film, decoded at a small size; the film is made of a second decode.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from soundtrack.errors import InputError, OutputError, Reason, UsageError
from soundtrack.media.reading.photo import Photo, PhotoHead, read_photo
from soundtrack.media.writing.photo_film import FPS, n_frames, write_photo_film
from soundtrack.pipeline.film.album import Album, read_album
from soundtrack.pipeline.film.watch import CLIPS_AT_ONCE, Heard, Sight
from soundtrack.progress import Progress, no_progress
from soundtrack.types import (
    ByteArray,
    ChannelSetup,
    Clip,
    PictureChannel,
    SceneSheet,
    Shot,
    Span,
    Still,
    StillFormat,
    VideoInfo,
)

PHOTO_S = 4.0
"""For how long a photo is shown by default, in seconds."""
SHORTEST_S, LONGEST_S = 0.5, 600.0
"""Least and most seconds for a photo."""

_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")


class Watcher(Protocol):
    """The part of a film's watcher that photos need."""

    @property
    def setup(self) -> ChannelSetup:
        """What its channels are made with."""
        ...

    def picture_channels(self, setup: ChannelSetup, /) -> list[PictureChannel]:
        """New channels that look at pictures."""
        ...

    def sheet(self, info: VideoInfo, sight: Sight, heard: Heard, identity: str, /) -> SceneSheet:
        """The scene sheet of what was seen."""
        ...


class PhotoLook:
    """What photos show, photo by photo, through the channels of a film.

    Parameters
    ----------
    watcher : Watcher
        With the networks.
    seconds_per_image : float > 0
        For how long each is shown.
    """

    def __init__(self, watcher: Watcher, *, seconds_per_image: float) -> None:
        self._photo_s = n_frames(seconds_per_image) / float(FPS)
        setup = watcher.setup
        stills = None if setup.stills is None else StillFormat(self._photo_s, setup.stills.side_px)
        self._setup = replace(setup, stills=stills)
        self._channels = watcher.picture_channels(self._setup)
        self._waiting: list[Clip] = []
        self._hash = hashlib.sha256()
        self.shown: list[PhotoHead] = []
        """Those that could be decoded."""
        self.warnings: list[str] = []
        """Those that could not."""

    @property
    def duration_s(self) -> float:
        """Length of the film up to now."""
        return len(self.shown) * self._photo_s

    def read(self, album: Album, *, progress: Progress) -> None:
        """Look at each photo of an album that can be decoded."""
        setup = self._setup
        sides = (setup.clips.side_px,) if setup.stills is None else (setup.clips.side_px, setup.stills.side_px)
        for done, head in enumerate(album.photos):
            progress("reading photos", done, len(album.photos))
            try:
                photo = read_photo(head.path, sides_px=sides)
            except InputError as error:
                if len(album.photos) == 1:
                    raise
                self.warnings.append(f"skipped: {error}")
                continue
            self._look(head, photo)
        if not self.shown:
            raise InputError(
                f"{album.path}: none of its photos can be read: {self.warnings[0].removeprefix('skipped: ')}",
                hint="copy or convert the photos again",
                reason=Reason.CORRUPT,
            )

    def _look(self, head: PhotoHead, photo: Photo) -> None:
        """Hand a photo to the channels as a clip in which nothing moves."""
        start_s, middle_s = self.duration_s, self.duration_s + self._photo_s / 2
        n = self._setup.clips.n_frames
        frames = np.broadcast_to(photo.squares[0], (n, *photo.squares[0].shape))
        aspect = head.width_px / head.height_px if head.width_px and head.height_px else 1.0
        stills = tuple(Still(middle_s, square, aspect) for square in photo.squares[1:])
        self.shown.append(head)
        self._hash.update(photo.squares[0].tobytes())
        self._waiting.append(Clip(Span(start_s, self.duration_s), frames, stills))
        if len(self._waiting) >= CLIPS_AT_ONCE:
            self._show()

    def _show(self) -> None:
        for channel in self._channels:
            channel.push(self._waiting)
        self._waiting = []

    def finish(self) -> Sight:
        """Every photo as a shot, and the evidence."""
        if self._waiting:
            self._show()
        spans = tuple(Span(i * self._photo_s, (i + 1) * self._photo_s) for i in range(len(self.shown)))
        shots = tuple(Shot(i, span) for i, span in enumerate(spans))
        evidence = tuple(channel.finish() for channel in self._channels)
        return Sight(shots, spans, self.duration_s, tuple(self.warnings), evidence, edited=False)

    @property
    def identity(self) -> str:
        """Fingerprint of the photos as they were seen, in their order."""
        return f"sha256:{self._hash.hexdigest()}"


@dataclass(frozen=True, slots=True)
class PhotoFilm:
    """What photos show, and the silent film that is made of them."""

    info: VideoInfo
    """The film."""
    scenes: SceneSheet
    """Its sheet, each photo shown for the same time."""
    album: Album
    """The photos that could be read."""


def photo_scenes(
    photos: Path | Album, watcher: Watcher, *, seconds_per_image: float = PHOTO_S, progress: Progress = no_progress
) -> PhotoFilm:
    """What photos show, each a shot, and the film that would be made of them; none is made.

    Parameters
    ----------
    photos : Path or Album
        A folder or a photo, or what `read_album` found there.

    Raises
    ------
    InputError
        There is no photo that can be read.
    UsageError
        The seconds are out of range.
    """
    require_seconds(seconds_per_image)
    look = PhotoLook(watcher, seconds_per_image=seconds_per_image)
    album = photos if isinstance(photos, Album) else read_album(photos)
    return scenes_of(album, look, watcher, progress=progress)


def scenes_of(album: Album, look: PhotoLook, watcher: Watcher, *, progress: Progress = no_progress) -> PhotoFilm:
    """The same of photos that are already listed, through a look that has seen nothing yet."""
    look.read(album, progress=progress)
    width, height = album.size_px
    info = VideoInfo(Path(_name(album)), "photos", look.duration_s, FPS, width, height, 0, 0, ())
    sheet = watcher.sheet(info, _with(look.finish(), album), Heard(), look.identity)
    return PhotoFilm(info, sheet, replace(album, photos=tuple(look.shown)))


@contextlib.contextmanager
def photo_film(
    album: Album,
    frames_of: Sequence[int],
    *,
    beside: Path,
    moves: bool = False,
    progress: Progress = no_progress,
) -> Iterator[VideoInfo]:
    """A silent film of photos, in a temporary file that is gone when the block ends.

    Parameters
    ----------
    album : Album
        The photos that could be read.
    frames_of : sequence of int >= 1
        For how many frames each is shown.
    beside : Path
        The file that will be made of it; the film is written on the same disk.
    moves : bool
        Whether the view comes slowly closer or recedes.

    Raises
    ------
    InputError
        A photo has changed and cannot be read.
    FfmpegError
        ffmpeg failed.
    OutputError
        The disk is full.
    """
    from soundtrack.files.safe_write import naming_a_full_disk, scratch_folder
    from soundtrack.media.reading.probe import probe

    size_px = album.size_px

    def framed() -> Iterator[ByteArray]:
        for done, head in enumerate(album.photos):
            progress("making the film of photos", done, len(album.photos))
            photo = read_photo(head.path, sides_px=(), frame_px=size_px)
            assert photo.framed is not None
            yield photo.framed

    with scratch_folder(beside) as folder:
        film = folder / f"{_name(album)}.mp4"
        with naming_a_full_disk(beside):
            write_photo_film(framed(), film, size_px=size_px, frames_of=frames_of, moves=moves)
        yield probe(film)


def photo_film_target(path: Path, out: Path | None) -> Path:
    """Where the scored film of photos goes: by default ``NAME.scored.mp4`` beside the folder.

    Raises
    ------
    OutputError
        The kind of file holds no film of photos.
    """
    if out is None:
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        return whole.parent / f"{whole.name if whole.is_dir() else whole.stem}.scored.mp4"
    if out.suffix.lower() not in _SUFFIXES:
        raise OutputError(
            f"{out}: a film of photos cannot be written as {out.suffix or 'a file without a suffix'}",
            hint=f"use one of {', '.join(_SUFFIXES)} with -o",
        )
    return out


def require_seconds(seconds_per_image: float) -> None:
    """Refuse a time for each photo that is out of range.

    Raises
    ------
    UsageError
        It is.
    """
    if not SHORTEST_S <= seconds_per_image <= LONGEST_S:
        raise UsageError(
            f"invalid time for each photo, {seconds_per_image:g} s: must be {SHORTEST_S:g} to {LONGEST_S:g}",
            hint=f"use --seconds-per-image, such as {PHOTO_S:g}",
        )


def _name(album: Album) -> str:
    """What the film of an album is called, without a suffix: as its folder or photo."""
    return Path(os.path.abspath(album.path)).name or "photos"  # noqa: PTH100 - of a link, its own name


def _with(sight: Sight, album: Album) -> Sight:
    return replace(sight, warnings=(*album.warnings, *sight.warnings))
