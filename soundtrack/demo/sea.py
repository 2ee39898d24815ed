"""The restful scene: a calm sea at dusk, a boat, a few birds; hardly anything moves."""

from __future__ import annotations

from functools import cache

import numpy as np

from soundtrack.demo.canvas import HEIGHT, WIDTH, clouds, disc, mix, polygon, ridge, sky, stroke
from soundtrack.types import FloatArray

_NIGHT = (38, 34, 58)
_DEEP = np.array([20, 50, 100], dtype=np.float32)
_GLOW = np.array([170, 170, 190], dtype=np.float32)
_COOL = np.array([0.65, 0.86, 1.03], dtype=np.float32)
"""Of red, green and blue: the light of late evening."""


@cache
def _evening(horizon: int) -> FloatArray:
    image = sky(
        (0, (46, 58, 110)), (horizon * 0.45, (122, 98, 146)), (horizon * 0.8, (236, 150, 120)),
        (horizon, (255, 206, 140)), (HEIGHT, (255, 206, 140)),
        width=1_000,
    )  # fmt: skip
    bands = np.clip((clouds(HEIGHT, 1_000, 21, octaves=5, first=2) - 0.5) * 2.2, 0, 0.7)
    mix(image, bands * np.linspace(1, 0.2, HEIGHT, dtype=np.float32)[:, None], (255, 176, 150))
    return image


@cache
def _water(horizon: int) -> tuple[FloatArray, FloatArray]:
    """For each pixel below the horizon: how far it lies, and how far to the side; shapes (rows, WIDTH)."""
    rows = np.arange(1, HEIGHT - horizon + 1, dtype=np.float32)[:, None]
    far = 900.0 / (rows + 6)
    side = (np.arange(WIDTH, dtype=np.float32)[None, :] - WIDTH / 2) * far / 260
    return np.broadcast_to(far, side.shape).astype(np.float32), side.astype(np.float32)


def _boat(image: FloatArray, x: float, y: float, size: float, sway: float) -> None:
    lean = sway * size * 0.1
    polygon(
        image,
        [
            (x - size, y - size * 0.16),
            (x + size, y - size * 0.2),
            (x + size * 0.7, y + size * 0.12),
            (x - size * 0.7, y + size * 0.12),
        ],
        _NIGHT,
    )
    stroke(image, x, y - size * 0.1, x + lean, y - size * 1.7, size * 0.03, _NIGHT)
    polygon(
        image,
        [
            (x + size * 0.06, y - size * 0.3),
            (x + lean + size * 0.04, y - size * 1.65),
            (x + size * 0.8, y - size * 0.35),
        ],
        (74, 58, 78),
    )
    polygon(
        image,
        [(x - size * 0.06, y - size * 0.3), (x + lean, y - size * 1.4), (x - size * 0.55, y - size * 0.32)],
        (60, 48, 70),
    )
    for i in range(9):
        dark = 0.32 * (1 - i / 9)
        stroke(
            image,
            x - size * (0.7 - 0.03 * i),
            y + size * (0.2 + 0.14 * i),
            x + size * (0.7 - 0.03 * i),
            y + size * (0.2 + 0.14 * i),
            size * 0.05,
            _NIGHT,
            alpha=dark,
        )


def dusk(t: float, *, horizon: int, sun_x: float, boat_size: float, drift: float) -> FloatArray:
    """The sea under a low sun with one boat.

    Parameters
    ----------
    t : float
        Seconds into the shot.
    horizon : int
        Row where sky and water meet.
    sun_x : float
        Column of the sun.
    boat_size : float
        Half the boat's length in pixels.
    drift : float
        Pixels a second that the boat moves.
    """
    image = _evening(horizon)[:, int(40 + 3 * t) :][:, :WIDTH].copy()
    sun_y = horizon - 34 + 0.7 * t
    disc(image, sun_x, sun_y, 90, (255, 196, 120), soft=150, alpha=0.55)
    disc(image, sun_x, sun_y, 26, (255, 240, 206), soft=3)
    columns = np.arange(WIDTH, dtype=np.float32)
    ridge(image[:horizon], horizon - 6 - 14 * np.sin(columns / 190 + 2.2) - 4 * np.sin(columns / 61), (92, 78, 118))
    far, side = _water(horizon)
    waves = clouds(512, 512, 33, octaves=5, first=4)
    row = (far * 9 + 14 * t).astype(np.int32)
    ripple = (
        waves[row % 512, (side * 40 + 9 * t).astype(np.int32) % 512]
        + waves[(row * 2 - int(9 * t)) % 512, (side * 63 - 7 * t).astype(np.int32) % 512]
    )
    depth = np.linspace(0, 1, far.shape[0], dtype=np.float32)[:, None]
    water = image[horizon:]
    tone = np.clip(0.95 - 0.62 * depth + (ripple - 1) * (0.25 + 0.5 * depth), 0, 1)[..., None]
    water[:] = _DEEP + tone * (_GLOW - _DEEP)
    path = np.exp(-(((columns[None, :] - sun_x) / (22 + 90 * depth)) ** 2)) * np.clip((ripple - 0.98) * 5, 0, 1)
    mix(water, (path * 0.9).astype(np.float32), (255, 236, 190))
    _boat(image, 250 + drift * t, horizon + boat_size * 0.9 + 2 * np.sin(0.9 * t), boat_size, np.sin(0.8 * t))
    for i in range(3):
        x, y = 420 + 34 * i + 9 * t, 70 + 13 * (i % 2) + 3 * np.sin(t + i)
        lift = 5 * np.sin(2.4 * t + i)
        for wing in (-1, 1):
            stroke(image, x, y, x + wing * 9, y - 3 - lift, 1.0, _NIGHT)
    return image * _COOL
