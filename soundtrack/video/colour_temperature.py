"""Colour temperature (warm or cold light) as a channel of a film.

Goes in: clips. Comes out: the correlated colour temperature of their mean light in mired (a million over kelvin:
candles about 500, daylight about 154), after C. McCamy 1992 with sRGB primaries, and the share of clearly warm pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundtrack.channels import ClipByClip, digest
from soundtrack.types import ByteArray, Channel, ChannelSetup, Clip, FloatArray, Medium

NAMES = ("mired", "warm_share")
"""What each number is."""
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_COOLEST, _WARMEST = 40.0, 600.0
_LEAST_LIGHT = 1e-4


def colour_temperature(setup: ChannelSetup) -> ClipByClip:
    """The channel ``colour-temperature``; no head reads it yet."""
    sha256 = digest(NAMES, setup.clips)
    channel = Channel("colour-temperature", "1", Medium.PICTURE, dim=len(NAMES), sha256=sha256, names=NAMES)
    return ClipByClip(channel, _measured)


def light_of(frames: ByteArray) -> tuple[float, float]:
    """Mired of the mean light, in [40, 600], and the share of warm pixels; daylight and 0 where there is no light.

    Examples
    --------
    >>> mired, warm_share = light_of(np.full((1, 8, 8, 3), 128, np.uint8))
    >>> round(mired), warm_share
    (154, 0.0)
    """
    small = frames[::4, ::4, ::4].reshape(-1, 3).astype(np.float64) / 255
    x, y, z = _XYZ @ (small**2.2).mean(axis=0)
    total = max(x + y + z, 3 * _LEAST_LIGHT)
    if y < _LEAST_LIGHT:
        x, y, total = 0.3127, 0.3290, 1.0
    n = (x / total - 0.3320) / max(y / total - 0.1858, 1e-3)
    kelvin = -449 * n**3 + 3525 * n**2 - 6823.3 * n + 5520.33
    mired = float(np.clip(1e6 / max(kelvin, 1.0), _COOLEST, _WARMEST))
    return mired, float((small[:, 0] > small[:, 2] + 0.1).mean())


def _measured(clips: Sequence[Clip]) -> FloatArray:
    """One row for each clip."""
    return np.array([light_of(clip.frames) for clip in clips], np.float32)
