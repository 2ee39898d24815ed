"""A film of photos with a dissolve from one to the next, as H.264 in MP4.

Goes in: photos as frames of one size, one after the other, and for how many frames each is shown. Comes out: a silent
film; the dissolve from one to the next is centred on the change, to the frame. One ffmpeg, three photos in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from soundtrack.media.guard import file_arg
from soundtrack.media.process import writing_pipe
from soundtrack.types import ByteArray

if TYPE_CHECKING:
    from PIL import Image

FPS = Fraction(25)
"""Frames a second."""
DISSOLVE_S = 1.0
"""Length of a dissolve, in seconds; at most half of the shortest time of a photo."""
ZOOM = 0.08
"""How far a move goes: this part of the picture comes closer or recedes while a photo is shown."""


def n_frames(seconds_per_image: float) -> int:
    """Frames for which a photo is shown, at least one.

    Examples
    --------
    >>> n_frames(4.0), n_frames(0.01)
    (100, 1)
    """
    return max(1, round(seconds_per_image * FPS))


def write_photo_film(
    photos: Iterable[ByteArray], film: Path, *, size_px: tuple[int, int], frames_of: Sequence[int], moves: bool = False
) -> None:
    """Write a film of photos.

    Parameters
    ----------
    photos : iterable of ndarray, shape=(height, width, 3), uint8
        RGB; taken one by one while the film is written.
    film : Path
        The new file.
    size_px : (int, int)
        Width and height of the photos, even.
    frames_of : sequence of int >= 1
        For how many frames each photo is shown.
    moves : bool
        Whether the view comes slowly closer or recedes, photo by photo in turn.

    Raises
    ------
    FfmpegError
        ffmpeg failed.
    """
    width, height = size_px
    source = ["-protocol_whitelist", "pipe,fd", "-format_whitelist", "rawvideo", "-f", "rawvideo"]
    source += ["-pix_fmt", "rgb24", "-video_size", f"{width}x{height}", "-framerate", str(FPS), "-i", "pipe:0"]
    colour = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-color_range", "tv"]
    colour += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", str(2 * FPS)]
    args = [*source, *colour, *coding, "-fflags", "+bitexact", "-f", "mp4", file_arg(film)]
    with writing_pipe(args, task=f"writing the film of photos {film.name}") as pipe:
        for frame in _frames(photos, frames_of, moves=moves):
            pipe.write(frame)


def _frames(photos: Iterable[ByteArray], frames_of: Sequence[int], *, moves: bool) -> Iterator[bytes]:
    """All frames of the film, RGB."""
    from PIL import Image

    half = min(round(DISSOLVE_S * FPS / 2), min(frames_of, default=0) // 4)
    before: Image.Image | None = None
    now: Image.Image | None = None
    place = -1
    for photo in chain(photos, [None]):
        after = None if photo is None else Image.fromarray(photo)
        if now is not None:
            still, n = now.tobytes(), frames_of[place]
            for j in range(n):
                if before is not None and j < half:
                    share = 0.5 + (j + 0.5) / (2 * half)
                    one = _view(before, place - 1, 1 + j / frames_of[place - 1], moves=moves)
                    yield Image.blend(one, _view(now, place, j / n, moves=moves), _eased(share)).tobytes()
                elif after is not None and j >= n - half:
                    share = (j - (n - half) + 0.5) / (2 * half)
                    other = _view(after, place + 1, (j - n) / frames_of[place + 1], moves=moves)
                    yield Image.blend(_view(now, place, j / n, moves=moves), other, _eased(share)).tobytes()
                else:
                    yield _view(now, place, j / n, moves=True).tobytes() if moves else still
        before, now, place = now, after, place + 1


def _eased(share: float) -> float:
    """A share from 0 to 1 that starts and ends gently."""
    return share * share * (3 - 2 * share)


def _view(photo: Image.Image, place: int, progress: float, *, moves: bool) -> Image.Image:
    """The photo at a moment of its time, of which a dissolve shows a quarter more at both ends."""
    if not moves:
        return photo
    from PIL import Image

    gone = (progress + 0.25) / 1.5
    cut = ZOOM * (gone if place % 2 == 0 else 1.0 - gone) / 2
    box = (cut * photo.width, cut * photo.height, (1 - cut) * photo.width, (1 - cut) * photo.height)
    return photo.resize(photo.size, Image.Resampling.BICUBIC, box=box)
