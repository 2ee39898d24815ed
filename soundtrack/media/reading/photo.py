"""Photos, upright and of a wanted size: JPEG, PNG, WebP and AVIF through Pillow, HEIC through an ffmpeg that can.

Goes in: a path. Comes out: what the file says of itself, or pixels, or an `InputError` with its reason. Pixels are
decoded in a sandboxed subprocess. A JPEG is decoded at an eighth, a quarter or half of its size where that is enough,
so that one of 20,000 pixels takes little memory; other kinds of more than `MAX_PIXELS` are refused by their header.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundtrack.errors import DependencyError, FfmpegError, InputError, Reason
from soundtrack.media.guard import MAX_PIXELS
from soundtrack.media.locate import newer_ffmpeg
from soundtrack.media.opening import refusal, require_regular_file
from soundtrack.media.process import input_args, run_ffmpeg
from soundtrack.media.sandbox import apart
from soundtrack.types import ByteArray

if TYPE_CHECKING:
    from PIL.Image import Image

HEIF_FFMPEG = (8, 0)
"""The first version of ffmpeg that puts the tiles of HEIC photos together."""

_KINDS = ("JPEG", "PNG", "WEBP", "AVIF")
_JPEG = ("JPEG", "MPO")
_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_EXIF_WITHIN_BYTES = 4 << 20
_HEIF_LIMIT_S = 120.0
_TAKEN, _CHANGED, _EXIF_PART, _TURN = 36_867, 306, 0x8769, 0x0112
_TIME = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class PhotoHead:
    """What a photo says of itself."""

    path: Path
    """Its file."""
    width_px: int
    """Width once it is upright, in pixels; 0 where only decoding tells."""
    height_px: int
    """Height, likewise."""
    taken: str = ""
    """When it was taken, as ``2020:01:31 23:59:59``; empty where it does not say, or says nonsense."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo, upright."""

    squares: tuple[ByteArray, ...] = field(repr=False, compare=False)
    """The whole picture squashed to squares of the sides that were asked for, RGB, each of shape (side, side, 3)."""
    framed: ByteArray | None = field(default=None, repr=False, compare=False)
    """The picture as large as it fits into a frame, on black, RGB, shape (height, width, 3)."""


def looks_like_photo(path: Path) -> bool:
    """Whether a regular file begins as a photo of a known kind does.

    Examples
    --------
    >>> looks_like_photo(Path(__file__))
    False
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return head.startswith(_HEADS) or head[8:12] == b"WEBP" or _brand(head) in _HEIF_BRANDS + _AVIF_BRANDS


def read_head(path: Path) -> PhotoHead:
    """Size and time of a photo, without decoding it.

    Raises
    ------
    InputError
        It is no photo of a known kind, too large, or damaged at its head.
    """
    require_regular_file(path)
    if not looks_like_photo(path):
        raise refusal(path, Reason.NOT_MEDIA, detail="not a photo (jpg, png, webp, heic or avif)")
    return apart(path, _head, path)


def read_photo(path: Path, *, sides_px: tuple[int, ...], frame_px: tuple[int, int] | None = None) -> Photo:
    """A photo, decoded.

    Parameters
    ----------
    path : Path
    sides_px : tuple of int > 0
        Sides of the squares that are wanted.
    frame_px : (int, int), optional
        Width and height of the frame that is wanted.

    Raises
    ------
    InputError
        It cannot be decoded, or takes too much memory or time.
    """
    require_regular_file(path)
    source = _heif_as_png(path, max((*sides_px, *(frame_px or ())))) if _is_heif(path) else None
    return apart(path, _decode, path, source, sides_px, frame_px)


# --- in the process apart ----


def _head(path: Path) -> PhotoHead:
    """See `read_head`."""
    if _is_heif(path):
        with path.open("rb") as file:
            return PhotoHead(path, 0, 0, _taken(_heif_exif(file.read(_EXIF_WITHIN_BYTES))))
    with _opened(path, path) as image:
        width, height = image.size
        exif = _exif(image)
        if exif.get(_TURN) in (5, 6, 7, 8):
            width, height = height, width
        return PhotoHead(path, width, height, _taken(exif))


def _decode(path: Path, source: bytes | None, sides_px: tuple[int, ...], frame_px: tuple[int, int] | None) -> Photo:
    """See `read_photo`; `source` is a picture in place of the file's own bytes."""
    from PIL import Image, ImageOps

    longest = max((*sides_px, *(frame_px or ())))
    with _opened(path, path if source is None else BytesIO(source)) as opened:
        image = opened
        try:
            _shrink_jpeg(image, longest)
            image.load()
        except (OSError, ValueError, SyntaxError, IndexError, TypeError) as error:
            raise refusal(path, Reason.CORRUPT) from error
        with contextlib.suppress(Exception):  # broken EXIF takes many forms; the picture is then shown as it is
            image = ImageOps.exif_transpose(image)
        image = _as_rgb(image)
    squares = tuple(np.asarray(image.resize((side, side), Image.Resampling.BOX)) for side in sides_px)
    if frame_px is None:
        return Photo(squares)
    fitted = ImageOps.contain(image, frame_px, Image.Resampling.LANCZOS)
    frame = Image.new("RGB", frame_px)
    frame.paste(fitted, ((frame_px[0] - fitted.width) // 2, (frame_px[1] - fitted.height) // 2))
    return Photo(squares, np.asarray(frame))


@contextlib.contextmanager
def _opened(path: Path, source: Any) -> Any:
    """A picture whose size is within the limits, its pixels not yet decoded."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # ours is checked below, with our words
    try:
        image = Image.open(source, formats=_KINDS)
    except MemoryError:
        raise
    except Exception as error:  # the readers of damaged heads raise whatever comes to hand
        raise refusal(path, Reason.CORRUPT) from error
    with image:
        n_pixels = image.width * image.height
        if n_pixels > MAX_PIXELS * (64 if image.format in _JPEG else 1):
            detail = f"photo of {image.width} x {image.height} pixels, larger than {MAX_PIXELS // 10**6} megapixels"
            raise InputError(f"{path}: {detail}", hint="scale the photo down first", reason=Reason.TOO_LARGE)
        yield image


def _shrink_jpeg(image: Image, longest_px: int) -> None:
    """Let a JPEG be decoded at a fraction of its size that is still large enough, if there is one."""
    if image.format in _JPEG:
        share = longest_px / max(image.size)
        image.draft("RGB", (max(1, round(image.width * share)), max(1, round(image.height * share))))
        if image.width * image.height > MAX_PIXELS:
            image.draft("RGB", (1, 1))


def _as_rgb(image: Image) -> Image:
    """Eight bits of red, green and blue; what is transparent is black."""
    from PIL import Image as Images

    if image.mode.startswith("I") or image.mode == "F":  # 16 bits of grey, which Pillow would cut at 255
        grey = np.asarray(image, np.float32)
        return Images.fromarray(np.clip(grey / 257.0, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        black = Images.new("RGBA", clear.size, (0, 0, 0, 255))
        return Images.alpha_composite(black, clear).convert("RGB")
    return image.convert("RGB")


def _exif(image: Image) -> dict[int, Any]:
    """Turn and times of a picture; nothing where its EXIF cannot be read."""
    found: dict[int, Any] = {}
    with contextlib.suppress(Exception):  # broken EXIF takes many forms
        exif = image.getexif()
        found = {_TURN: exif.get(_TURN), _CHANGED: exif.get(_CHANGED)}
        found[_TAKEN] = exif.get_ifd(_EXIF_PART).get(_TAKEN)
    return found


def _heif_exif(head: bytes) -> dict[int, Any]:
    """The same for HEIC, whose EXIF is found by its mark."""
    from PIL.Image import Exif

    found: dict[int, Any] = {}
    if place := re.search(rb"Exif\0\0(?=II\*\0|MM\0\*)", head):
        with contextlib.suppress(Exception):
            exif = Exif()
            exif.load(head[place.start() : place.start() + 65_536])
            found = {_CHANGED: exif.get(_CHANGED), _TAKEN: exif.get_ifd(_EXIF_PART).get(_TAKEN)}
    return found


def _taken(exif: dict[int, Any]) -> str:
    """When a picture was taken, or else changed; empty where neither is a time."""
    for tag in (_TAKEN, _CHANGED):
        text = str(exif.get(tag) or "").strip("\0 ")
        if _TIME.fullmatch(text) and not text.startswith("0000"):
            return text
    return ""


# --- HEIC ----


def _brand(head: bytes) -> bytes:
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _is_heif(path: Path) -> bool:
    """Whether a file is a HEIF photo that Pillow cannot read."""
    with path.open("rb") as file:
        return _brand(file.read(16)) in _HEIF_BRANDS


def _heif_as_png(path: Path, longest_px: int) -> bytes:
    """A HEIC photo as a PNG of no more pixels a side than are wanted, upright."""
    hint = "convert it to JPEG, or unset SOUNDTRACK_FFMPEG to use the ffmpeg of the package imageio-ffmpeg"
    try:
        ffmpeg = newer_ffmpeg(HEIF_FFMPEG)
    except DependencyError:
        ffmpeg = None
    if ffmpeg is None:
        detail = f"HEIC photos need ffmpeg {HEIF_FFMPEG[0]} or newer"
        raise InputError(f"{path}: {detail}", hint=hint, reason=Reason.UNSUPPORTED)
    scale = f"scale=w='min(iw,{longest_px})':h='min(ih,{longest_px})':force_original_aspect_ratio=decrease"
    shown = ["-frames:v", "1", "-vf", scale, "-c:v", "png", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1"]
    try:
        task = f"reading {path}"
        done = run_ffmpeg([*input_args(path), *shown], task=task, wall_s=_HEIF_LIMIT_S, ffmpeg=ffmpeg)
    except FfmpegError as error:
        raise refusal(path, Reason.CORRUPT) from error
    if not done.stdout:
        raise refusal(path, Reason.CORRUPT)
    return done.stdout
