"""The sad scene: a grey street in the rain, a figure walking away under an umbrella."""

from __future__ import annotations

from functools import cache

import numpy as np

from soundtrack.demo.canvas import HEIGHT, WIDTH, blur, clouds, disc, ellipse, mix, polygon, sky, stroke
from soundtrack.types import FloatArray

_GROUND = 236


@cache
def _street() -> FloatArray:
    image = sky((0, (124, 130, 140)), (_GROUND, (176, 180, 186)), (HEIGHT, (80, 84, 92)))
    mix(image, 0.35 * clouds(HEIGHT, WIDTH, 71), (86, 90, 100))
    rng = np.random.default_rng(12)
    for depth, count in ((0.25, 12), (0.55, 7)):
        grey = 132 - 70 * depth
        for i in range(count):
            left = (i + rng.uniform(-0.2, 0.2)) * WIDTH / count
            # Houses stand back towards the middle, where the street leads away.
            top = 60 + 110 * np.exp(-(((left + 20 - WIDTH / 2) / 120) ** 2)) + rng.uniform(-18, 18) + 40 * (1 - depth)
            right = left + WIDTH / count * 0.96
            polygon(image, [(left, top), (right, top), (right, _GROUND), (left, _GROUND)], (grey, grey + 3, grey + 10))
            for row in np.arange(top + 12, _GROUND - 18, 22):
                for column in np.arange(left + 8, right - 12, 18):
                    lit = rng.random() < 0.05
                    polygon(
                        image,
                        [(column, row), (column + 8, row), (column + 8, row + 11), (column, row + 11)],
                        (214, 190, 140) if lit else (grey - 24, grey - 20, grey - 12),
                    )
    image[_GROUND:] = 0.55 * blur(image[_GROUND - (HEIGHT - _GROUND) : _GROUND][::-1], 3) + 0.35 * image[_GROUND:]
    return blur(image, 1)


@cache
def _streaks(length: int, count: int, seed: int) -> FloatArray:
    """Falling rain, twice the picture's height, joining its own top; shape (2 HEIGHT, WIDTH)."""
    rng = np.random.default_rng(seed)
    image = np.zeros((2 * HEIGHT, WIDTH), dtype=np.float32)
    for _ in range(count):
        x, y, strength = rng.uniform(0, WIDTH - 8), int(rng.integers(2 * HEIGHT)), rng.uniform(0.3, 1)
        for i in range(length):
            image[(y + i) % (2 * HEIGHT), int(x - 0.12 * i) % WIDTH] += strength * np.sin(np.pi * i / length)
    return image


def _rain(image: FloatArray, t: float) -> None:
    for length, count, speed, bright in ((12, 900, 520, 26.0), (26, 420, 860, 40.0)):
        down = int(speed * t) % (2 * HEIGHT)
        fall = _streaks(length, count, length)
        rows = (np.arange(HEIGHT) - down) % (2 * HEIGHT)
        image += np.float32(bright) * fall[rows][..., None]


def street(t: float, *, near: float) -> FloatArray:
    """A figure walks away slowly, all in grey; `near` is how much larger than life the middle is seen."""
    image = _walker(t)
    height, width = round(HEIGHT / near), round(WIDTH / near)
    top, left = (HEIGHT - height) * 2 // 3, (WIDTH - width) // 2
    rows = top + np.arange(HEIGHT) * height // HEIGHT
    columns = left + np.arange(WIDTH) * width // WIDTH
    return _grey(image[rows][:, columns], 0.75)


def _grey(image: FloatArray, brightness: float) -> FloatArray:
    """Without colour."""
    return np.repeat(image.mean(axis=2, keepdims=True) * np.float32(brightness), 3, axis=2)


def _walker(t: float) -> FloatArray:
    """The street with the figure under an umbrella."""
    image = _street().copy()
    size = 120 - 2.6 * t
    x, ground = 330 + 4 * np.sin(0.6 * t), _GROUND + size * 0.62
    bob = 1.5 * abs(np.sin(3.2 * t))
    ellipse(image, x, ground + 2, size * 0.3, size * 0.05, (34, 36, 42), alpha=0.7)
    for side in (-1, 1):
        stroke(
            image,
            x + side * size * 0.06,
            ground - size * 0.4,
            x + side * size * 0.07,
            ground - 5 * max(0, side * np.sin(3.2 * t)),
            size * 0.05,
            (30, 32, 38),
        )
    polygon(
        image,
        [
            (x - size * 0.12, ground - size * 0.82 - bob),
            (x + size * 0.12, ground - size * 0.82 - bob),
            (x + size * 0.19, ground - size * 0.3),
            (x - size * 0.19, ground - size * 0.3),
        ],
        (44, 48, 58),
    )
    disc(image, x, ground - size * 0.92 - bob, size * 0.09, (54, 50, 52), soft=1.5)
    top = ground - size * 1.02 - bob
    stroke(image, x + size * 0.1, ground - size * 0.6, x + size * 0.1, top - size * 0.2, size * 0.012, (20, 20, 24))
    ellipse(image[: max(1, int(top))], x + size * 0.05, top, size * 0.46, size * 0.32, (26, 28, 36))
    rng = np.random.default_rng(int(t * 24))
    for _ in range(30):
        ellipse(
            image,
            rng.uniform(0, WIDTH),
            rng.uniform(_GROUND + 20, HEIGHT),
            rng.uniform(2, 6),
            1.2,
            (176, 180, 188),
            alpha=0.45,
        )
    _rain(image, t)
    return image
