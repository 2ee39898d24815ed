"""Tempo change of a span of a track with the pitch preserved, by the Signalsmith stretcher (python-stretch).

Goes in: a piece of the plan whose speed is not 1. Comes out: exactly as many samples as it has on the film. The whole
piece is stretched at once, with some of the track around it, so that nothing is heard of where it begins and ends.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from soundtrack.errors import DependencyError
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.plan import Piece
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.timebase import round_half_up, seconds
from soundtrack.types import FloatArray

_MISSING = "--stretch requires the package python-stretch, which is not installed"
_HINT = "run `pip install python-stretch`, or leave out --stretch"
_AROUND = MIX_RATE_HZ // 4
"""Number of samples of the film before and after the piece that are stretched with it."""
_SEED = 0
"""Of the stretcher's dice. Given, because the constructor without one asks `std::random_device`, which falls over in a
process that has loaded decord: that library replaces libstdc++ by an old one for the whole process."""
_ROUNDING = 2
"""Samples that a track may lack at its end because of rounding."""


@dataclass(frozen=True, slots=True)
class Stretched:
    """A piece as it sounds on the film."""

    samples: FloatArray
    """Shape (channels, n_samples of the piece)."""
    n_missing: int
    """How many at its end are silent because the track has no more."""


def stretch_piece(
    path: Path, piece: Piece, *, lowered: Callable[[FloatArray, int], FloatArray] | None = None
) -> Stretched:
    """The sound of a piece at its speed.

    Parameters
    ----------
    path : Path
        The track.
    piece : Piece
        With any speed near 1.
    lowered : callable, optional
        Gives what is stretched in place of the track, from its sound, shape (2, n), and the first sample of it.

    Raises
    ------
    DependencyError
        The stretcher is not installed.
    InputError
        The track cannot be read.
    """
    speed = Fraction(piece.speed)
    before = min(_AROUND, math.floor(piece.track_start / speed))
    n_out = before + piece.n_samples + _AROUND
    first = piece.track_start - round_half_up(before * speed)
    n_in = round_half_up(n_out * speed)
    sound = read_audio(
        path,
        sample_rate_hz=MIX_RATE_HZ,
        channels=2,
        start_s=seconds(first, sample_rate_hz=MIX_RATE_HZ),
        duration_s=seconds(n_in, sample_rate_hz=MIX_RATE_HZ),
    )
    have = math.floor((first + sound.shape[1] - piece.track_start) / speed)
    n_missing = max(0, piece.n_samples - have)
    whole = np.zeros((2, n_in), np.float32)
    whole[:, : sound.shape[1]] = sound
    if lowered is not None:
        whole = lowered(whole, first)
    result = _stretched(whole, n_out=n_out)[:, before : before + piece.n_samples]
    return Stretched(np.ascontiguousarray(result), n_missing if n_missing > _ROUNDING else 0)


def require_stretcher() -> None:
    """Nothing, if music can be stretched on this machine.

    Raises
    ------
    DependencyError
        The stretcher is not installed.
    """
    if importlib.util.find_spec("python_stretch") is None:
        raise DependencyError(_MISSING, hint=_HINT)


def _stretched(sound: FloatArray, *, n_out: int) -> FloatArray:
    """Samples of shape (channels, n) made `n_out` long."""
    try:
        from python_stretch.Signalsmith import Stretch
    except ImportError as error:
        raise DependencyError(_MISSING, hint=_HINT) from error
    stretch = Stretch(_SEED)
    stretch.preset(sound.shape[0], float(MIX_RATE_HZ))
    stretch.setTimeFactor(sound.shape[1] / n_out)
    made = np.asarray(stretch.process(np.ascontiguousarray(sound)), np.float32)
    result = np.zeros((sound.shape[0], n_out), np.float32)
    n = min(n_out, made.shape[1])
    result[:, :n] = made[:, :n]
    return result
