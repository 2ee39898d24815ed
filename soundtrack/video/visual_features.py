"""Visual features of a span of film: light, colour, edges and motion.

Goes in: the frames of a clip, uint8 RGB. Comes out: a fixed row of numbers that stand beside the network's features,
and the few of them that a scene keeps. numpy only; about two milliseconds for a clip of 16 x 112 x 112. Luma after
ITU-R BT.601; saturation as in HSV; colourfulness after D. Hasler and S. Süsstrunk, "Measuring colourfulness in natural
images", 2003, equation 6, for values in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from soundtrack.channels import ClipByClip, digest
from soundtrack.types import ByteArray, Channel, ChannelSetup, FilmNumbers, FloatArray, Medium

CHANNEL = "film-numbers"
"""Name of the channel that these numbers are."""
VERSION = "1"
"""Of that channel; changes whenever the numbers of the same clip would differ."""

_LUMA_BINS = 8
_HUE_BINS = 6

FILM_NAMES: tuple[str, ...] = (
    "brightness",
    "contrast",
    "saturation",
    "saturation_spread",
    "colourfulness",
    "warmth",
    "yellowness",
    "edges",
    "edge_share",
    "motion",
    "motion_spread",
    "motion_peak",
    "drift",
    "flicker",
    "centre_light",
    "top_light",
    "centre_motion",
    *(f"luma_{i}" for i in range(_LUMA_BINS)),
    *(f"hue_{name}" for name in ("red", "yellow", "green", "cyan", "blue", "magenta")),
)
"""What each number is; every one is scaled to about [0, 1] or [-1, 1]."""

N_FILM = len(FILM_NAMES)
"""Length of a row of film numbers."""


def film_channel(setup: ChannelSetup) -> ClipByClip:
    """The film numbers as a channel: `clip_numbers` of every clip."""
    channel = Channel(
        CHANNEL, VERSION, Medium.PICTURE, dim=N_FILM, sha256=digest(FILM_NAMES, setup.clips), names=FILM_NAMES
    )
    return ClipByClip(channel, lambda clips: np.stack([clip_numbers(clip.frames) for clip in clips]))


def rows_of(blocks: Mapping[str, FloatArray]) -> FloatArray | None:
    """The film numbers among the features of several channels, shape (n, N_FILM); None where they are missing."""
    return blocks.get(CHANNEL)


def clip_numbers(frames: ByteArray) -> FloatArray:
    """Measurements of a stack of consecutive frames, float32, shape (N_FILM,), in the order of `FILM_NAMES`.

    Parameters
    ----------
    frames : ndarray, shape=(n, height, width, 3), uint8
        RGB, n >= 1; larger pictures are thinned to about 56 pixels a side first. Motion of a single frame is 0.

    Examples
    --------
    >>> row = clip_numbers(np.full((4, 32, 32, 3), 255, np.uint8))
    >>> float(row[FILM_NAMES.index("brightness")]), float(row[FILM_NAMES.index("motion")])
    (1.0, 0.0)
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise ValueError(f"frames must be uint8 (n, height, width, 3), got {frames.dtype} {frames.shape}")
    step = max(1, min(frames.shape[1:3]) // 56)
    small = frames[:, ::step, ::step]
    planes = np.moveaxis(small, -1, 0).astype(np.float32) / np.float32(255)  # (3, n, h, w)
    red, green, blue = planes
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    light = [float(luma.mean()), float(luma.std())]
    return np.array(
        [
            *light,
            *_colour(red, green, blue),
            *_edges(luma),
            *_motion(luma),
            *_luma_shares(luma),
            *_hues(red, green, blue),
        ],
        dtype=np.float32,
    )


def _colour(red: FloatArray, green: FloatArray, blue: FloatArray) -> list[float]:
    """Saturation and its spread, colourfulness, warmth (red over blue), yellowness."""
    top = np.maximum(np.maximum(red, green), blue)
    bottom = np.minimum(np.minimum(red, green), blue)
    saturation = (top - bottom) / np.maximum(top, 1e-3)
    rg, yb = red - green, 0.5 * (red + green) - blue
    rg_mean, yb_mean = float(rg.mean()), float(yb.mean())
    colourful = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg_mean, yb_mean)
    warmth = float((red - blue).mean())
    return [float(saturation.mean()), float(saturation.std()), float(colourful), warmth, yb_mean]


def _edges(luma: FloatArray) -> list[float]:
    """Mean step between neighbouring pixels, and share of steps above a twelfth."""
    across = np.abs(np.diff(luma, axis=2))
    down = np.abs(np.diff(luma, axis=1))
    if not across.size or not down.size:
        return [0.0, 0.0]
    return [
        4.0 * float(across.mean() + down.mean()) / 2,
        float((across > 1 / 12).mean() + (down > 1 / 12).mean()) / 2,
    ]


def _motion(luma: FloatArray) -> list[float]:
    """Change between neighbouring frames, drift of the whole, flicker; where light and motion lie."""
    n, height, width = luma.shape
    centre = np.s_[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    centre_light = float(luma[centre].mean() - luma.mean())
    top_light = float(luma[:, : max(1, height // 2)].mean() - luma.mean())
    if n < 2:
        return [0.0, 0.0, 0.0, 0.0, 0.0, centre_light, top_light, 0.0]
    change = np.abs(np.diff(luma, axis=0))
    per_step = change.mean(axis=(1, 2))
    level = luma.mean(axis=(1, 2))
    steps = np.diff(level)
    flicker = float(np.abs(np.diff(steps)).mean()) if n > 2 else 0.0
    drift = float(np.abs(luma[-1] - luma[0]).mean())
    where = float(change[centre].mean() - change.mean())
    return [
        float(per_step.mean()),
        float(per_step.std()),
        float(per_step.max()),
        drift,
        flicker,
        centre_light,
        top_light,
        where,
    ]


def _luma_shares(luma: FloatArray) -> npt.NDArray[np.float64]:
    """Share of the pixels in each of eight bands of luma."""
    bands = np.minimum((luma * _LUMA_BINS).astype(np.uint8), _LUMA_BINS - 1)
    return np.bincount(bands.ravel(), minlength=_LUMA_BINS) / bands.size


def _hues(red: FloatArray, green: FloatArray, blue: FloatArray) -> list[float]:
    """How much colour there is of six hues: mean chroma of the pixels whose hue lies within a sixth of the circle."""
    thin = np.s_[::2]
    r, g, b = red[thin], green[thin], blue[thin]
    top, bottom = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    middle = r + g + b - top - bottom
    # The dominant channel says which third of the circle; the middle one whether the pixel is nearer to a mixed colour.
    is_mixed = (middle - bottom) > 0.5 * (top - bottom)
    primary = np.where(r == top, 0, np.where(g == top, 2, 4))
    missing = np.where(b == bottom, 1, np.where(r == bottom, 3, 5))
    hue = np.where(is_mixed, missing, primary)
    chroma = top - bottom
    total = np.bincount(hue.ravel(), weights=chroma.ravel(), minlength=_HUE_BINS) / chroma.size
    return [float(v) for v in total]


def film_numbers(rows: FloatArray, *, n_cuts: int, duration_s: float) -> FilmNumbers:
    """What a scene keeps of the rows of its clips.

    Parameters
    ----------
    rows : ndarray, shape=(n, N_FILM), float32
        From `clip_numbers`; n = 0 gives zeros.
    n_cuts : int >= 0
        Cuts inside the stretch.
    duration_s : float > 0
        Length of the stretch, in seconds.
    """
    if n_cuts < 0 or not duration_s > 0:
        raise ValueError(f"need n_cuts >= 0 and duration_s > 0, got {n_cuts} and {duration_s}")
    mean = rows.mean(axis=0) if len(rows) else np.zeros(N_FILM, np.float32)

    def value(name: str) -> float:
        return min(1.0, max(0.0, float(mean[FILM_NAMES.index(name)])))

    return FilmNumbers(
        cut_rate_per_min=60.0 * n_cuts / duration_s,
        brightness=value("brightness"),
        saturation=value("saturation"),
        motion=value("motion"),
    )
