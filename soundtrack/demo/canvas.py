"""Painting on arrays: an image is float32 (height, width, 3), RGB in [0, 255]; shapes are drawn onto it in place.

Edges are soft over one pixel. Only the box that a shape touches is computed, which is what makes two thousand frames
affordable. Coordinates are pixels, x to the right and y down.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from soundtrack.types import FloatArray

WIDTH, HEIGHT = 640, 360
"""Size of the demo film, in pixels."""

Colour = tuple[float, float, float]
"""Red, green, blue in [0, 255]."""


def sky(*stops: tuple[float, Colour], height: int = HEIGHT, width: int = WIDTH) -> FloatArray:
    """Vertical gradient through colours at given heights; shape (height, width, 3)."""
    rows = np.arange(height)
    at = [y for y, _ in stops]
    column = np.stack([np.interp(rows, at, [c[i] for _, c in stops]) for i in range(3)], axis=-1)
    return np.repeat(column[:, None, :], width, axis=1).astype(np.float32)  # (height, width, 3)


@cache
def clouds(height: int, width: int, seed: int, octaves: int = 6, first: int = 3) -> FloatArray:
    """Soft noise in [0, 1] that joins its own left edge; shape (height, width)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width))
    for octave in range(octaves):
        n = first * 2**octave
        grid = rng.random((n + 1, n))
        grid = np.concatenate([grid, grid[:, :1]], axis=1)
        y, x = np.linspace(0, n, height, endpoint=False), np.linspace(0, n, width, endpoint=False)
        yi, xi = y.astype(int), x.astype(int)
        fy, fx = (y - yi)[:, None], (x - xi)[None, :]
        fy, fx = fy * fy * (3 - 2 * fy), fx * fx * (3 - 2 * fx)
        top = grid[yi][:, xi] * (1 - fx) + grid[yi][:, xi + 1] * fx
        bottom = grid[yi + 1][:, xi] * (1 - fx) + grid[yi + 1][:, xi + 1] * fx
        total += (top * (1 - fy) + bottom * fy) * 0.5**octave
    total -= total.min()
    return np.asarray(total / total.max(), dtype=np.float32)


def blur(image: FloatArray, radius: int) -> FloatArray:
    """Image smoothed by two box averages each way."""
    result = image
    for axis in (0, 0, 1, 1):
        width = [(0, 0)] * image.ndim
        width[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(result, width, mode="edge"), axis=axis, dtype=np.float64)
        n = image.shape[axis]
        upper = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + n), axis=axis)
        lower = np.take(total, np.arange(n), axis=axis)
        result = ((upper - lower) / (2 * radius + 1)).astype(np.float32)
    return result


def mix(image: FloatArray, mask: npt.NDArray[np.floating[Any]], colour: Colour) -> None:
    """Paint a colour through a mask in [0, 1], in place; shapes (h, w, 3) and (h, w)."""
    image += mask.astype(np.float32, copy=False)[..., None] * (np.asarray(colour, dtype=np.float32) - image)


def _box(
    image: FloatArray, x0: float, y0: float, x1: float, y1: float
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """View of the image inside a box, and the coordinates of its pixels; None when it lies outside."""
    height, width = image.shape[:2]
    left, right = max(0, int(x0) - 1), min(width, int(x1) + 2)
    top, bottom = max(0, int(y0) - 1), min(height, int(y1) + 2)
    if left >= right or top >= bottom:
        return None
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    x = np.arange(left, right, dtype=np.float32)[None, :]
    return image[top:bottom, left:right], y, x


def disc(
    image: FloatArray, x: float, y: float, radius: float, colour: Colour, *, soft: float = 1.0, alpha: float = 1.0
) -> None:
    """Filled circle; `soft` is the width of its edge in pixels."""
    found = _box(image, x - radius - soft, y - radius - soft, x + radius + soft, y + radius + soft)
    if found is not None:
        view, ys, xs = found
        distance = np.sqrt((xs - np.float32(x)) ** 2 + (ys - np.float32(y)) ** 2)
        mix(view, np.clip((radius - distance) / soft + 0.5, 0, 1) * np.float32(alpha), colour)


def ellipse(image: FloatArray, x: float, y: float, rx: float, ry: float, colour: Colour, *, alpha: float = 1.0) -> None:
    """Filled ellipse."""
    found = _box(image, x - rx, y - ry, x + rx, y + ry)
    if found is not None:
        view, ys, xs = found
        distance = np.sqrt(((xs - np.float32(x)) / np.float32(rx)) ** 2 + ((ys - np.float32(y)) / np.float32(ry)) ** 2)
        mix(view, np.clip((1 - distance) * min(rx, ry) + 0.5, 0, 1) * np.float32(alpha), colour)


def stroke(
    image: FloatArray, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour, *, alpha: float = 1.0
) -> None:
    """Line with round ends, `radius` to each side."""
    found = _box(image, min(x0, x1) - radius, min(y0, y1) - radius, max(x0, x1) + radius, max(y0, y1) + radius)
    if found is not None:
        view, ys, xs = found
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((xs - x0) * dx + (ys - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        distance = np.sqrt((xs - x0 - along * dx) ** 2 + (ys - y0 - along * dy) ** 2)
        mix(view, (np.clip(radius - distance + 0.5, 0, 1) * alpha).astype(np.float32), colour)


def polygon(image: FloatArray, points: list[tuple[float, float]], colour: Colour, *, alpha: float = 1.0) -> None:
    """Convex polygon, corners in either order."""
    found = _box(
        image,
        min(p[0] for p in points),
        min(p[1] for p in points),
        max(p[0] for p in points),
        max(p[1] for p in points),
    )
    if found is None:
        return
    view, ys, xs = found
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True))
    turn = 1.0 if area > 0 else -1.0
    inside = np.full(view.shape[:2], np.float32(alpha))
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        length = max(np.hypot(x1 - x0, y1 - y0), 1e-6)
        side = turn * ((x1 - x0) * (ys - y0) - (y1 - y0) * (xs - x0)) / length
        inside = np.minimum(inside, np.clip(side + 0.5, 0, 1))
    mix(view, inside.astype(np.float32), colour)


def ridge(image: FloatArray, heights: FloatArray, colour: Colour) -> None:
    """Everything below a line of heights (one y a column)."""
    top = max(0, int(heights.min()) - 1)
    ys = np.arange(top, image.shape[0], dtype=np.float32)[:, None]
    mix(image[top:], np.clip(ys - heights[None, :] + 0.5, 0, 1).astype(np.float32), colour)
