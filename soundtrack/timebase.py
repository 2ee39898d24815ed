"""Seconds, samples, frames, timecode: the only rounding in the tool.

Time is seconds (float) everywhere, half-open, on the film's clock (0 is the first shown frame) or on a track's clock.
Rounding is half up, done once, here. Durations that must be exact are added as samples.
"""

from __future__ import annotations

import math
import re
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
    numerator, denominator = seconds.as_integer_ratio()
    return (2 * numerator * sample_rate_hz + denominator) // (2 * denominator)  # `round_half_up`, once a frame of sound


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
    return frame_timecode(frames(seconds_, fps=fps), fps=fps)


def frame_timecode(frame: int, *, fps: Fraction, drop: bool = False) -> str:
    """SMPTE 12M timecode of a frame; after 24 hours it starts again at zero.

    Parameters
    ----------
    frame : int
        Counted from 00:00:00:00.
    fps : Fraction
        Frames a second; timecode counts at the nearest whole number.
    drop : bool
        Drop-frame count, ``HH:MM:SS;FF``; only for rates that have one, see `has_drop_frame`.

    Examples
    --------
    >>> frame_timecode(1800, fps=Fraction(30000, 1001)), frame_timecode(1800, fps=Fraction(30000, 1001), drop=True)
    ('00:01:00:00', '00:01:00;02')
    """
    nominal = max(1, round_half_up(fps))
    dropped = nominal // 15 if drop else 0
    ten_minutes = nominal * 600 - 9 * dropped
    frame %= ten_minutes * 144
    tens, rest = divmod(frame, ten_minutes)
    # The first minute of ten is whole, the others lack their first numbers.
    minute = max(0, (rest - dropped) // (nominal * 60 - dropped))
    number = tens * nominal * 600 + rest + minute * dropped
    whole, ff = divmod(number, nominal)
    minutes, ss = divmod(whole, 60)
    hh, mm = divmod(minutes, 60)
    return f"{hh:02d}:{mm:02d}:{ss:02d}{';' if drop else ':'}{ff:02d}"


def has_drop_frame(fps: Fraction) -> bool:
    """Whether drop-frame timecode exists at a rate: 29.97 and its multiples.

    Examples
    --------
    >>> has_drop_frame(Fraction(60000, 1001)), has_drop_frame(Fraction(24000, 1001))
    (True, False)
    """
    return (fps * 1001) % 30000 == 0 and fps.denominator == 1001


_TIMECODE = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)([:;.,])(\d{2,3})")


def parse_timecode(text: str, *, fps: Fraction) -> int | None:
    """Number of the frame that a timecode names, counted from 00:00:00:00; None where it is no timecode of the rate.

    Parameters
    ----------
    text : str
        ``HH:MM:SS:FF``; a semicolon, comma or full stop before the frames means drop-frame.
    fps : Fraction
        Frames a second.

    Examples
    --------
    >>> parse_timecode("01:00:00;00", fps=Fraction(30000, 1001)), parse_timecode("00:00:00:30", fps=Fraction(25))
    (107892, None)
    """
    match = _TIMECODE.fullmatch(text.strip())
    nominal = max(1, round_half_up(fps))
    if match is None or int(match[1]) > 23 or int(match[5]) >= nominal:
        return None
    minutes = int(match[1]) * 60 + int(match[2])
    dropped = nominal // 15 if match[4] != ":" and has_drop_frame(fps) else 0
    number = (minutes * 60 + int(match[3])) * nominal + int(match[5])
    if dropped and minutes % 10 and int(match[3]) == 0 and int(match[5]) < dropped:
        return None  # one of the numbers that are left out
    return number - dropped * (minutes - minutes // 10)


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


def after_end(time_s: float, length_s: float) -> str:
    """How a time at or after the end of a film is named beside its length.

    Examples
    --------
    >>> after_end(6.0, 6.0), after_end(7.0, 6.0)
    ('0:06.0 is the end of the film', '0:07.0 is past the end of the film (0:06.0)')
    >>> after_end(6.02, 6.0)
    '6.02 s is past the end of the film (6 s)'
    """
    if time_s == length_s:
        return f"{clock(time_s)} is the end of the film"
    if clock(time_s) == clock(length_s):
        return f"{time_s:g} s is past the end of the film ({length_s:g} s)"
    return f"{clock(time_s)} is past the end of the film ({clock(length_s)})"


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
        raise ValueError(f"invalid time: {text!r}")
    total = 0.0
    for place, part in enumerate(parts):
        value = float(part)
        if not math.isfinite(value) or value < 0 or (place > 0 and value >= 60):
            raise ValueError(f"invalid time: {text!r}")
        total = total * 60 + value
    return round_s(total)
