"""One picture of a camera, and music for it: the face leads where there is one, the picture elsewhere.

Goes in: a camera, a film in place of one, or a photo. Comes out: mood, expression and tracks. Nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.media.reading.photo import looks_like_photo, read_head, read_photo
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.film.filming import open_camera
from soundtrack.pipeline.film.live import LiveReader, LiveReading, led_by_face
from soundtrack.types import ByteArray
from soundtrack.video.camera import one_picture

if TYPE_CHECKING:
    from soundtrack.library.search.query import Found
    from soundtrack.pipeline.film.analyse import Watcher
    from soundtrack.pipeline.library.opened import Library

_LONG_SIDE_PX = 960


@dataclass(frozen=True, slots=True)
class Selfie:
    """A picture and the music for it."""

    reading: LiveReading
    """What it shows."""
    led_by: str
    """``face`` or ``picture``: what chose the music."""
    valence: float
    """Of the music that is asked for, in [-1, 1]."""
    arousal: float
    """The same."""
    found: tuple[Found, ...]
    """Tracks, the nearest first; none without a library."""


def take_selfie(source: str, watcher: Watcher, library: Library | None, *, n: int) -> Selfie:
    """Take one picture and find music for it.

    Parameters
    ----------
    source : str
        Number of a camera, or a film or photo.
    watcher : Watcher
        With the networks.
    library : Library, optional
        Open.
    n : int >= 1
        Tracks at most.

    Raises
    ------
    InputError
        There is no such camera or file, or it gives no picture.
    """
    reader = LiveReader(watcher)
    reading = reader.read(reader.still(_picture(source)))
    asked = led_by_face(reading)
    if asked is None:
        found = [] if library is None else library.like_vector(reading.embedding, n=n)
        return Selfie(reading, "picture", reading.emotion.valence, reading.emotion.arousal, tuple(found))
    valence, arousal = asked
    found = [] if library is None else library.search(valence=valence, arousal=arousal, n=n)
    return Selfie(reading, "face", valence, arousal, tuple(found))


def _picture(source: str) -> ByteArray:
    """The picture, RGB."""
    path = as_on_disk(Path(source))
    if not source.isdecimal() and path.is_file() and looks_like_photo(path):
        head = read_head(path)
        share = min(1.0, _LONG_SIDE_PX / max(head.width_px, head.height_px, 1))
        size = (max(2, round(head.width_px * share)), max(2, round(head.height_px * share)))
        photo = read_photo(path, sides_px=(_LONG_SIDE_PX,), frame_px=size if head.width_px else None)
        return photo.squares[0] if photo.framed is None else photo.framed
    with open_camera(source) as camera:
        return one_picture(camera)
