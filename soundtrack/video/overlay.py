"""Words and boxes drawn on a picture: what a camera shows, read aloud on its own frames.

Goes in: an RGB picture, lines of text and places of faces. Comes out: the same picture with a dark strip at its foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from soundtrack.types import ByteArray

_TEXT = (255, 255, 255)
_BOX = (255, 210, 60)
_DARK = 0.35
_LINES_PER_PICTURE = 18
_LEAST_TEXT_PX = 11


def annotated(
    pixels: ByteArray, lines: Sequence[str], *, boxes: Sequence[tuple[float, float, float, float]] = (), label: str = ""
) -> ByteArray:
    """A picture with text at its foot and boxes around faces.

    Parameters
    ----------
    pixels : ndarray, shape=(height, width, 3), uint8
        RGB; not changed.
    lines : sequence of str
        From top to bottom; a line that is too long is cut.
    boxes : sequence of (float, float, float, float)
        Left, top, right and bottom of each face, as parts of the picture.
    label : str
        Text above each box.
    """
    from PIL import Image, ImageDraw

    height, width = pixels.shape[:2]
    size = max(_LEAST_TEXT_PX, height // _LINES_PER_PICTURE)
    picture = pixels.copy()
    if lines:
        top = max(0, height - round(size * 1.35 * len(lines)) - size // 2)
        picture[top:] = (picture[top:] * _DARK).astype(np.uint8)
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    font = _font(size)
    for left, upper, right, lower in boxes:
        box = (round(left * width), round(upper * height), round(right * width), round(lower * height))
        if box[0] < box[2] and box[1] < box[3]:
            pen.rectangle(box, outline=_BOX, width=max(1, size // 8))
            pen.text((box[0], max(0, box[1] - round(size * 1.3))), label, fill=_BOX, font=font)
    for place, line in enumerate(lines):
        at = (size // 2, height - round(size * 1.35 * (len(lines) - place)) - size // 4)
        pen.text(at, _cut(line, pen, font, width - size), fill=_TEXT, font=font)
    return np.asarray(image)


@cache
def _font(size_px: int) -> Any:
    """A typeface that comes with the drawing library."""
    from PIL import ImageFont

    return ImageFont.load_default(size_px)


def _cut(line: str, pen: Any, font: Any, width_px: int) -> str:
    """As much of a line as there is room for."""
    if pen.textlength(line, font=font) <= width_px:
        return line
    while line and pen.textlength(f"{line}...", font=font) > width_px:
        line = line[:-1]
    return f"{line}..."
