"""Harmony features: mode, intervals, register, density.

Goes in: magnitudes of semitones ``(n_pitches, frames)``, ten frames a second, from C1 upwards. Comes out: `N_TONAL`
numbers that do not change when the music is transposed by an octave or played louder. They stand beside the network's
features the way film numbers stand beside the picture network's: a mel spectrogram is too coarse to hear a third. Key
profiles after C. Krumhansl and E. Kessler 1982.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.key import MAJOR_PROFILE, MINOR_PROFILE
from soundtrack.types import FloatArray

_CHORD_FRAMES, _CHORD_STEP = 5, 3
_TINY = 1e-9

N_TONAL = 62
"""How many numbers there are."""


def _keys(profile: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """A key profile in all twelve keys, standardised, shape (12, 12)."""
    standard = (np.array(profile) - np.mean(profile)) / np.std(profile)
    return np.stack([np.roll(standard, k) for k in range(12)])


def _roots(triad: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    """A triad on all twelve roots, each of length 1, shape (12, 12)."""
    template = np.zeros(12)
    template[list(triad)] = 1 / np.sqrt(len(triad))
    return np.stack([np.roll(template, k) for k in range(12)])


_MAJOR = _keys(MAJOR_PROFILE)
_MINOR = _keys(MINOR_PROFILE)
_TRIADS = np.concatenate([_roots(triad) for triad in ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))])


def tonal_numbers(pitch: FloatArray) -> FloatArray:
    """The numbers of one stretch of music.

    Parameters
    ----------
    pitch : ndarray, shape=(n_pitches, frames), float32
        Magnitudes at least 0, ten frames a second, at least one frame; n_pitches a multiple of 12.

    Returns
    -------
    ndarray, shape=(N_TONAL,), float32
        Finite, also for silence.

    Examples
    --------
    >>> tonal_numbers(np.zeros((84, 3), np.float32)).shape
    (62,)
    """
    if pitch.ndim != 2 or pitch.shape[0] % 12 or pitch.shape[1] < 1:
        raise ValueError(f"pitch must have shape (a multiple of 12, at least 1), got {pitch.shape}")
    magnitude = pitch.T.astype(np.float64)  # (frames, n_pitches)
    chroma = np.sqrt(magnitude.reshape(len(magnitude), -1, 12).sum(axis=1))
    chroma /= chroma.sum(axis=1, keepdims=True) + _TINY
    mean = chroma.mean(axis=0)
    standard = (mean - mean.mean()) / (mean.std() + _TINY)
    major, minor = _MAJOR @ standard / 12, _MINOR @ standard / 12

    width = min(_CHORD_FRAMES, len(chroma))
    chords = np.lib.stride_tricks.sliding_window_view(chroma, width, axis=0)[::_CHORD_STEP].mean(axis=2)
    chords /= np.linalg.norm(chords, axis=1, keepdims=True) + _TINY
    triads = (_TRIADS @ chords.T).reshape(4, 12, -1).max(axis=1)  # (4, chords)
    together = chords.T @ chords / len(chords)  # how much each two pitch classes sound together
    intervals = [np.trace(np.roll(together, k, axis=1)) for k in range(1, 7)]

    register = magnitude.mean(axis=0)
    register = register / (register.sum() + _TINY)
    rows = np.arange(len(register))
    centre = float((register * rows).sum())
    span = float(np.sqrt((register * (rows - centre) ** 2).sum()))
    level = np.log1p(50 * magnitude / (magnitude.mean() + _TINY))
    onset = np.maximum(np.diff(level, axis=0), 0).mean(axis=1) if len(level) > 1 else np.zeros(1)
    tonic = int(np.argmax(np.maximum(major, minor)))
    return np.concatenate(
        [
            [major.max(), minor.max(), major.max() - minor.max()],
            [(triads[0] - triads[1]).mean(), (triads[0] > triads[1]).mean()],
            triads.mean(axis=1),
            triads.std(axis=1),
            intervals,
            np.roll(mean, -tonic),
            np.roll(mean, -int(major.argmax())),
            np.roll(mean, -int(minor.argmax())),
            [centre, span, onset.mean(), onset.std(), level.mean(), mean.std(), chords.std(axis=0).mean()],
        ]
    ).astype(np.float32)
