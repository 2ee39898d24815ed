"""A camera from its first picture to its last: readings as they come, and the frames with what is said about them.

Goes in: an open camera, a reader, and where annotated frames go. Comes out: readings. A camera of this machine is read
on while the networks work, so its pictures never wait; a film that poses as one is read stretch by stretch, so that the
same film gives the same readings on any machine.
"""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from soundtrack.errors import InputError, OutputError, Reason
from soundtrack.media.reading.photo import looks_like_photo
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.live_film import SUFFIXES, Show, WindowClosedError
from soundtrack.naming.names import as_on_disk
from soundtrack.pipeline.film.live import LiveReader, LiveReading
from soundtrack.types import ByteArray
from soundtrack.video.camera import Camera, open_device, open_film
from soundtrack.video.overlay import annotated

_DEVICE_FOLDER = Path("/dev")


def open_camera(source: str) -> contextlib.AbstractContextManager[Camera]:
    """A camera by its number, or a film in place of one.

    Parameters
    ----------
    source : str
        ``0`` for the first camera, the name of its device, or a film.

    Raises
    ------
    InputError
        There is no such camera or film, or it cannot be opened.
    """
    if source.isdecimal() and len(source) <= 3:
        return open_device(int(source))
    path = as_on_disk(Path(source))
    if path.parent == _DEVICE_FOLDER and path.is_char_device():
        return open_device(str(path))
    if path.is_file() and looks_like_photo(path):
        named = shlex.quote(str(path))
        raise InputError(
            f"{path}: a photo, expected a camera or a film",
            hint=f"use `soundtrack watch --selfie --camera {named}`, or `soundtrack search --picture {named}`",
            reason=Reason.STILL_IMAGE,
        )
    return open_film(probe(path))


def require_film_suffix(out: Path) -> None:
    """Refuse a kind of file that holds no annotated film.

    Raises
    ------
    OutputError
        It is one.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{out}: an annotated film cannot be written as {out.suffix or 'a file without a suffix'}",
            hint=f"use one of {', '.join(SUFFIXES)} with -o",
        )


def follow(
    camera: Camera,
    reader: LiveReader,
    *,
    shows: Sequence[Callable[[tuple[int, int]], Show]] = (),
    is_over: Callable[[float], bool] = lambda _: False,
    at_its_pace: bool = False,
    name: str = "the film",
) -> Iterator[LiveReading]:
    """Readings of a camera, about one a second.

    Parameters
    ----------
    camera : Camera
        Open.
    reader : LiveReader
    shows : sequence of callable
        Each is given the width and height of the pictures and returns what takes them with their words drawn in.
    is_over : callable
        Asked with the time of each picture whether that is enough.
    at_its_pace : bool
        Whether a film is shown in its own time, and not as fast as it can be read.
    name : str
        Of a film, for messages.

    Raises
    ------
    InputError
        The film ends before a stretch is complete. A camera that goes away leaves its reason in ``camera.failure``.
    """
    shown: list[Show] | None = None
    latest: LiveReading | None = None
    pending: Future[LiveReading] | None = None
    begun_s = time.monotonic()
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        for frame in camera.frames:
            if is_over(frame.time_s):
                break
            clip = reader.push(frame.time_s, frame.pixels)
            if clip is not None and pending is None:
                pending = pool.submit(reader.look, clip)
            if pending is not None and (pending.done() or not camera.is_live):
                latest, pending = reader.with_track(pending.result()), None
                yield latest
            if shows:
                if shown is None:
                    shown = [make((frame.pixels.shape[1], frame.pixels.shape[0])) for make in shows]
                drawn = drawn_on(frame.pixels, latest)
                try:
                    for show in shown:
                        show(frame.time_s, drawn)
                except WindowClosedError:
                    return
            if at_its_pace and not camera.is_live:
                time.sleep(max(0.0, frame.time_s - (time.monotonic() - begun_s)))
    if latest is None and not camera.is_live:
        raise InputError(
            f"{name}: too short for a reading",
            hint="use at least three seconds of film, or --selfie for a single picture",
            reason=Reason.TOO_SHORT,
        )


def lines_of(reading: LiveReading) -> list[str]:
    """What is said about the pictures, line by line."""
    moods = "   ".join(f"{name} {share:.0%}" for name, share in reading.emotion.top())
    lines = [moods]
    if reading.expressions:
        lines.append("face: " + "   ".join(f"{name} {share:.0%}" for name, share in reading.top_expressions()))
    if reading.found is not None:
        tags = reading.found.track.tags
        named = " - ".join(part for part in (tags.title, tags.artist) if part)
        lines.append(f"music: {named or reading.found.track.path.name}")
    return lines


def drawn_on(pixels: ByteArray, reading: LiveReading | None) -> ByteArray:
    """A picture with what is said about it."""
    if reading is None:
        return pixels
    label = reading.top_expressions(1)[0][0] if reading.expressions else ""
    return annotated(pixels, lines_of(reading), boxes=reading.faces, label=label)
