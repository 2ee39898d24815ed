"""The lively scene by day: a park in the sun with kites, runners and balloons, in strong colours."""

from __future__ import annotations

from functools import cache

import numpy as np

from soundtrack.demo.canvas import HEIGHT, WIDTH, Colour, clouds, disc, ellipse, mix, polygon, ridge, sky, stroke
from soundtrack.types import FloatArray

_WIDE = 1_920
_CLOTHES: tuple[Colour, ...] = (
    (232, 62, 58),
    (250, 190, 40),
    (40, 120, 225),
    (240, 110, 170),
    (110, 60, 190),
    (30, 170, 120),
)


@cache
def _meadow() -> FloatArray:
    """The panorama that the camera pans over, shape (HEIGHT, 1920, 3)."""
    image = sky((0, (70, 160, 245)), (150, (150, 210, 255)), (230, (225, 242, 255)), width=_WIDE)
    white = np.clip((clouds(HEIGHT, _WIDE, 5) - 0.52) * 4, 0, 1) * np.linspace(1, 0, HEIGHT, dtype=np.float32)[:, None]
    mix(image, white, (255, 255, 255))
    disc(image, 430, 66, 70, (255, 245, 190), soft=70, alpha=0.8)
    disc(image, 430, 66, 32, (255, 252, 225), soft=3)
    x = np.arange(_WIDE, dtype=np.float32) * np.float32(2 * np.pi / _WIDE)
    ridge(image, 205 + 22 * np.sin(2 * x + 1) + 9 * np.sin(7 * x), (120, 190, 120))
    ridge(image, 232 + 16 * np.sin(3 * x) + 7 * np.sin(8 * x + 2), (92, 184, 70))
    rng = np.random.default_rng(8)
    for place in np.sort(rng.uniform(0, _WIDE, 26)):
        base = 246 + rng.uniform(-6, 16)
        size = rng.uniform(14, 28)
        stroke(image, place, base, place, base - size * 1.6, size * 0.13, (110, 76, 48))
        for _ in range(7):
            shade = rng.uniform(0.75, 1.1)
            dx, dy = rng.normal(0, size * 0.5), rng.normal(0, size * 0.35)
            disc(image, place + dx, base - size * 2 + dy, size * 0.62, (52 * shade, 150 * shade, 56 * shade), soft=3)
    ridge(image, 262 + 10 * np.sin(2 * x + 0.5), (124, 210, 66))
    grain = clouds(HEIGHT, _WIDE, 9, octaves=7, first=12)
    image[265:] *= 0.86 + 0.28 * grain[265:, :, None]
    for _ in range(420):
        fx, fy = rng.uniform(0, _WIDE), rng.uniform(285, HEIGHT)
        disc(image, fx, fy, 1.1 + (fy - 280) / 45, _CLOTHES[int(rng.integers(6))], soft=1.2)
    return image


def _pan(offset: float) -> FloatArray:
    left = int(offset) % _WIDE
    meadow = _meadow()
    if left + WIDTH <= _WIDE:
        return meadow[:, left : left + WIDTH].copy()
    return np.concatenate([meadow[:, left:], meadow[:, : left + WIDTH - _WIDE]], axis=1)


def _kite(
    image: FloatArray, x: float, y: float, size: float, tilt: float, colours: tuple[Colour, Colour], t: float
) -> None:
    """A diamond of four sails with a ribbon tail."""
    c, s = np.cos(tilt), np.sin(tilt)

    def corner(u: float, v: float) -> tuple[float, float]:
        return x + size * (u * c - v * s), y + size * (u * s + v * c)

    top, left, right, bottom, middle = (
        corner(0, -1),
        corner(-0.7, -0.15),
        corner(0.7, -0.15),
        corner(0, 1.3),
        corner(0, -0.15),
    )
    last = bottom
    for i in range(1, 15):
        wave = np.sin(t * 9 - i * 0.8) * size * 0.16
        point = (bottom[0] + wave + i * size * 0.05, bottom[1] + i * size * 0.16)
        stroke(image, *last, *point, max(0.8, size * 0.05), colours[i % 2])
        last = point
    for sail, colour in (
        ((top, left, middle), colours[0]),
        ((top, middle, right), colours[1]),
        ((left, bottom, middle), colours[1]),
        ((middle, bottom, right), colours[0]),
    ):
        polygon(image, list(sail), colour)


def _runner(image: FloatArray, x: float, ground: float, size: float, t: float, shirt: Colour) -> None:
    """A figure running to the right; `size` is the height in pixels."""
    swing = np.sin(t * 13)
    hip = ground - size * 0.46 - abs(np.cos(t * 13)) * size * 0.05
    shoulder = hip - size * 0.30
    skin: Colour = (236, 188, 150)
    ellipse(image, x, ground + size * 0.02, size * 0.26, size * 0.035, (40, 90, 30), alpha=0.45)
    for side in (1, -1):
        knee = (x + side * swing * size * 0.17 + size * 0.05, hip + size * 0.22)
        foot = (x + side * swing * size * 0.30 - size * 0.06, hip + size * (0.44 - 0.10 * max(0, -side * swing)))
        stroke(image, x, hip, *knee, size * 0.055, (46, 60, 110))
        stroke(image, *knee, *foot, size * 0.045, skin)
        elbow = (x - side * swing * size * 0.16, shoulder + size * 0.13)
        stroke(image, x, shoulder, *elbow, size * 0.04, shirt)
        stroke(image, *elbow, elbow[0] + size * 0.10, elbow[1] - size * 0.06, size * 0.035, skin)
    stroke(image, x, hip, x + size * 0.04, shoulder, size * 0.10, shirt)
    disc(image, x + size * 0.06, shoulder - size * 0.16, size * 0.10, skin, soft=1.5)
    disc(image, x + size * 0.04, shoulder - size * 0.20, size * 0.10, (90, 54, 34), soft=1.5, alpha=0.9)


def wide(t: float, *, start: float, speed: float) -> FloatArray:
    """Panning over the meadow with kites up and children running."""
    image = _pan(start + speed * t)
    for i in range(4):
        x = (90 + 170 * i - speed * 0.5 * t + 30 * np.sin(2.1 * t + i)) % (WIDTH + 120) - 60
        y = 70 + 34 * np.sin(1.7 * t + 2 * i) + 12 * i
        _kite(image, x, y, 17 + 3 * (i % 2), 0.5 * np.sin(2.6 * t + i), (_CLOTHES[i], _CLOTHES[(i + 2) % 6]), t + i)
    for i in range(3):
        x = (60 + 190 * i + (120 - 0.4 * speed) * t) % (WIDTH + 160) - 80
        _runner(image, x, 318 + 9 * i, 86, t + 0.21 * i, _CLOTHES[(i * 2 + 1) % 6])
    return image


def balloons(t: float) -> FloatArray:
    """A sky full of balloons going up."""
    image = sky((0, (60, 150, 245)), (HEIGHT, (255, 236, 190)))
    drift = clouds(HEIGHT, _WIDE, 5)[:, int(60 * t) :][:, :WIDTH]
    mix(image, np.clip((drift - 0.55) * 3, 0, 0.8), (255, 255, 255))
    for i in range(16):
        depth = 0.5 + (i * 7 % 16) / 16
        x = (i * 97) % WIDTH + 18 * np.sin(1.9 * t + i)
        y = HEIGHT + 60 - (i * 61 % 380) * 1.0 - 150 * depth * t
        size = 24 * depth
        stroke(image, x, y + size, x + 5 * np.sin(4 * t + i), y + size * 3.2, 0.8, (120, 120, 120))
        ellipse(image, x, y, size * 0.85, size, _CLOTHES[i % 6])
        disc(image, x - size * 0.3, y - size * 0.4, size * 0.22, (255, 255, 255), soft=size * 0.3, alpha=0.75)
    return image
