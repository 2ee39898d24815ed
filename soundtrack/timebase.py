"""Seconds, samples, frames, timecode: the only rounding in the tool.

Time is seconds (float) everywhere, half-open, on the film's clock (0 is the first shown frame) or on a track's clock.
Rounding is half up, done once, here. Durations that must be exact are added as samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

TIME_DECIMALS = 6
"""Decimals of seconds in every document: 1 microsecond, a twentieth of a sample at 48 kHz."""


def round_half_up(value: float | Fraction) -> int:
    """Nearest whole number, halves upwards.

    Examples
    --------
    >>> round_half_up(0.5), round_half_up(-0.5), round_half_up(2.49)
    (1, 0, 2)
    """
    return math.floor(Fraction(value) + Fraction(1, 2))


def round_s(seconds: float) -> float:
    """Seconds as they stand in a document, to the microsecond; -0.0 becomes 0.0.

    Examples
    --------
    >>> round_s(1.23456789)
    1.234568
    """
    return round(seconds, TIME_DECIMALS) + 0.0


def samples(seconds: float, *, sample_rate_hz: int) -> int:
    """Number of the sample nearest to a time.

    Examples
    --------
    >>> samples(1.5, sample_rate_hz=48000)
    72000
    """
    return round_half_up(Fraction(seconds) * sample_rate_hz)


def sample_numbers(
    seconds_: npt.NDArray[np.float64] | Sequence[float], *, sample_rate_hz: int
) -> npt.NDArray[np.int64]:
    """Numbers of the samples nearest to many times at once; `samples` for arrays.

    Examples
    --------
    >>> sample_numbers([0.5, 1.5], sample_rate_hz=48000).tolist()
    [24000, 72000]
    """
    return np.floor(np.asarray(seconds_, np.float64) * sample_rate_hz + 0.5).astype(np.int64)


def seconds(n_samples: int, *, sample_rate_hz: int) -> float:
    """Time of a sample, to the microsecond; `samples` of it is the sample again for rates up to 384 kHz.

    Examples
    --------
    >>> seconds(72000, sample_rate_hz=48000)
    1.5
    """
    return round_s(n_samples / sample_rate_hz)


def frames(seconds_: float, *, fps: Fraction) -> int:
    """Number of the frame nearest to a time.

    Examples
    --------
    >>> frames(1.0, fps=Fraction(30000, 1001))
    30
    """
    return round_half_up(Fraction(seconds_) * fps)


def frame_time_s(frame: int, *, fps: Fraction) -> float:
    """Time at which a frame is first shown.

    Examples
    --------
    >>> frame_time_s(30, fps=Fraction(30000, 1001))
    1.001
    """
    return round_s(float(Fraction(frame) / fps))


def timecode(seconds_: float, *, fps: Fraction) -> str:
    """SMPTE non-drop timecode HH:MM:SS:FF of a time, counted at the nominal whole frame rate.

    Examples
    --------
    >>> timecode(61.5, fps=Fraction(24))
    '00:01:01:12'
    """
    nominal = max(1, round_half_up(fps))
    frame = frames(seconds_, fps=fps)
    whole, ff = divmod(frame, nominal)
    minutes, ss = divmod(whole, 60)
    hh, mm = divmod(minutes, 60)
    return f"{hh:02d}:{mm:02d}:{ss:02d}:{ff:02d}"


def clock(seconds_: float) -> str:
    """Minutes and seconds for people, ``m:ss.t``.

    Examples
    --------
    >>> clock(83.44), clock(59.96), clock(3600.0)
    ('1:23.4', '1:00.0', '60:00.0')
    """
    tenths = round_half_up(Fraction(seconds_) * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"


def parse_clock(text: str) -> float:
    """Seconds from ``83.4``, ``1:23.4`` or ``0:01:23.4``.

    Raises
    ------
    ValueError
        The text is no time.

    Examples
    --------
    >>> parse_clock("1:23.4"), parse_clock("83.4"), parse_clock("1:00:00")
    (83.4, 83.4, 3600.0)
    """
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"not a time: {text!r}")
    total = 0.0
    for place, part in enumerate(parts):
        value = float(part)
        if not math.isfinite(value) or value < 0 or (place > 0 and value >= 60):
            raise ValueError(f"not a time: {text!r}")
        total = total * 60 + value
    return round_s(total)
