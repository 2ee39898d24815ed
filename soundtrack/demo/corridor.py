"""The dark scene: down a corridor under lamps that fail, ever faster, to a door with a figure in it."""

from __future__ import annotations

from functools import cache

import numpy as np

from soundtrack.demo.canvas import HEIGHT, WIDTH, clouds, disc, mix, polygon, stroke
from soundtrack.types import FloatArray

_LIGHT = np.array([120, 150, 128], dtype=np.float32)
_RED = np.array([190, 70, 56], dtype=np.float32)
_BLACK_LEVEL = np.float32(75)
"""What is darker is black."""


@cache
def _rays(tilt: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where each pixel's ray meets the walls: distance ahead, place across the wall in [0, 1), and shade."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    u, v = (x - WIDTH / 2 + 0.5) / 330, (y - HEIGHT * 0.47) / 330
    u, v = u * np.cos(tilt) - v * np.sin(tilt), u * np.sin(tilt) + v * np.cos(tilt)
    to_side = 1.0 / np.maximum(np.abs(u), 1e-4)
    to_level = np.where(v > 0, 1.15, 0.95) / np.maximum(np.abs(v), 1e-4)
    ahead = np.minimum(np.minimum(to_side, to_level), 40.0)
    on_side = to_side < to_level
    across = np.where(on_side, v * ahead / 2.1 + 0.45, u * ahead / 2 + 0.5)
    shade = np.where(on_side, 0.85, np.where(v > 0, 0.6, 0.5))
    return ahead.astype(np.float32), (across % 1).astype(np.float32), shade.astype(np.float32)


def walk(t: float, *, start: float, speed: float, tilt: float, fear: float) -> FloatArray:
    """Walking down the corridor.

    Parameters
    ----------
    t : float
        Seconds into the shot.
    start, speed : float
        Where the walk begins, and metres a second.
    tilt : float
        How far the camera leans, in radians.
    fear : float
        0 (grey) to 1 (red light, a figure at the end).
    """
    ahead, across, shade = _rays(tilt)
    place = ahead + np.float32(start + speed * t)
    stains = clouds(512, 512, 61, octaves=6, first=4)
    surface = stains[(place * 60).astype(np.int32) % 512, (across * 300).astype(np.int32) % 512]
    panels = np.minimum(np.abs((place % 1.5) - 0.75) * 30, 1.0)
    beside = (place + 2.5) % 5 - 2.5
    lamp = np.floor((place + 2.5) / 5)
    # Lamps breathe, each on its own, and now and then one of them is out for a moment: nervous, but no strobe.
    breath = 0.82 + 0.18 * np.sin(t * (5.1 + 2 * fear) + lamp * 2.4) * np.sin(t * 8.3 + lamp * 1.7)
    drawn = np.sin(lamp * 78.233 + np.floor(t * 3.5) * 12.9898) * 43758.5453
    failing = (breath * np.where(drawn - np.floor(drawn) > 0.14 + 0.1 * fear, 1.0, 0.55)).astype(np.float32)
    light = failing * (0.22 + 1.9 / (1 + 1.8 * beside * beside)) * np.exp(-ahead * np.float32(0.16)) + 0.05
    tone = (surface * 0.75 + 0.25) * (0.55 + 0.45 * panels) * shade * light
    colour = _LIGHT * (1 - fear) + _RED * fear
    image: FloatArray = (tone[..., None] * colour).astype(np.float32)
    lamps = (np.abs(beside) < 0.35) & (shade < 0.55) & (np.abs(across - 0.5) < 0.16)
    mix(image, (lamps * failing * np.exp(-ahead * 0.12)).astype(np.float32), (226, 236, 205))
    if fear > 0:
        _figure(image, 0.6 + 0.22 * speed * t, np.sin(t * 1.3))
    darker: FloatArray = np.maximum(image - _BLACK_LEVEL, np.float32(0))
    return darker


def _figure(image: FloatArray, near: float, sway: float) -> None:
    """A figure at the end of the corridor."""
    size = 46 * near
    x, ground = WIDTH / 2 + 3 * sway, HEIGHT * 0.47 + size * 0.75
    polygon(
        image,
        [
            (x - size * 0.42, ground - size * 2.0),
            (x + size * 0.42, ground - size * 2.0),
            (x + size * 0.46, ground),
            (x - size * 0.46, ground),
        ],
        (150, 40, 30),
        alpha=0.75,
    )
    stroke(image, x, ground - size * 1.15, x, ground - size * 0.6, size * 0.2, (4, 4, 6))
    disc(image, x, ground - size * 1.55, size * 0.15, (4, 4, 6), soft=1.5)
    for side in (-1, 1):
        stroke(
            image,
            x + side * size * 0.2,
            ground - size * 1.2,
            x + side * size * 0.3,
            ground - size * 0.55,
            size * 0.06,
            (4, 4, 6),
        )
        stroke(
            image, x + side * size * 0.08, ground - size * 0.6, x + side * size * 0.12, ground, size * 0.08, (4, 4, 6)
        )
