"""The lively scene at nightfall: a band on a stage in the park at nightfall, seen from behind raised hands."""

from __future__ import annotations

import numpy as np

from soundtrack.demo.canvas import HEIGHT, WIDTH, Colour, disc, ellipse, polygon, sky, stroke
from soundtrack.types import FloatArray

_LIGHTS: tuple[Colour, ...] = (
    (255, 60, 90),
    (255, 190, 40),
    (60, 170, 255),
    (250, 90, 220),
    (120, 80, 255),
    (40, 230, 150),
)
_SKIN: Colour = (236, 188, 150)
_ROWS = ((292, 17.0, 16), (326, 23.0, 12), (362, 31.0, 9))
"""Of the audience: height of the heads, half a head's width, and how many heads."""
_N_CONFETTI = 90


def stage(t: float, *, seed: int, beats_hz: float) -> FloatArray:
    """Three musicians in swinging light, an audience that jumps, and confetti.

    Parameters
    ----------
    t : float
        Seconds into the shot.
    seed : int
        Which lights, and who raises a hand.
    beats_hz : float
        Jumps a second.
    """
    image = sky((0, (38, 16, 70)), (230, (110, 30, 110)), (HEIGHT, (30, 10, 40)))
    pulse = 0.5 + 0.5 * np.cos(2 * np.pi * beats_hz * t) ** 4
    _beams(image, t, seed=seed, pulse=pulse, odd=int(t * beats_hz) % 2)
    for i in range(3):
        ground = 250 - 12 * abs(np.sin(np.pi * beats_hz * t + i))
        _musician(image, 170 + 150 * i, ground, np.sin(2 * np.pi * beats_hz * t + i), _LIGHTS[(2 * i + seed) % 6])
    rng = np.random.default_rng(seed + 5)
    for row, (height, size, count) in enumerate(_ROWS):
        dark: Colour = (28 - 6 * row, 12, 36 - 6 * row)
        for i in range(count):
            phase, x = rng.uniform(0, 2 * np.pi), (i + 0.5) * WIDTH / count + rng.uniform(-9, 9)
            head = height - size * 0.5 * abs(np.sin(np.pi * beats_hz * t + 0.3 * phase))
            wave = 0.8 + 0.3 * np.sin(2 * np.pi * beats_hz * t + phase)
            for side in (-1, 1):
                if rng.random() < 0.75:
                    hand = (x + side * size * wave, head - size * 1.9)
                    stroke(image, x + side * size * 0.6, head + size, *hand, size * 0.22, dark)
            disc(image, x, head, size * 0.55, dark, soft=1.5)
            ellipse(image, x, head + size * 1.5, size * 0.95, size * 1.1, dark)
    for i in range(_N_CONFETTI):
        x = (rng.uniform(0, WIDTH) + 30 * np.sin(2 * t + i)) % WIDTH
        y = (rng.uniform(0, HEIGHT) + rng.uniform(60, 100) * t) % HEIGHT
        disc(image, x, y, 2.6, _LIGHTS[i % 6])
    return image * np.float32(0.8 + 0.35 * pulse)


def _beams(image: FloatArray, t: float, *, seed: int, pulse: float, odd: int) -> None:
    """Six lamps above the stage; every other one flares on the beat."""
    for i in range(6):
        top, foot = 60 + 105 * i, 60 + 105 * i + 170 * np.sin(1.7 * t + 1.1 * i + seed)
        colour = _LIGHTS[(i + seed) % 6]
        corners: list[tuple[float, float]] = [(top - 8, -4), (top + 8, -4), (foot + 75, HEIGHT), (foot - 75, HEIGHT)]
        polygon(image, corners, colour, alpha=0.22 + 0.3 * pulse * ((i + odd) % 2))
        disc(image, top, 0, 26, colour, soft=20, alpha=0.9)


def _musician(image: FloatArray, x: float, ground: float, swing: float, shirt: Colour) -> None:
    """A figure with both arms out."""
    for side in (-1, 1):
        stroke(image, x, ground - 48, x + side * 14, ground, 6, (30, 30, 50))
        stroke(image, x, ground - 82, x + side * 26, ground - 100 - 18 * swing * side, 5, shirt)
    stroke(image, x, ground - 48, x, ground - 88, 13, shirt)
    disc(image, x, ground - 104, 11, _SKIN, soft=1.5)
