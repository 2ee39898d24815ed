"""Which of the tempi at which a track repeats is that of its beat.

Goes in: autocorrelations of the beats that the network hears and of the onsets. Comes out: how likely each tempo is.
Music repeats after a beat, after half of it, after a bar, and not equally much: a log-linear model weighs how it
repeats after each of eleven multiples of a beat. It was fitted on rendered game music of known tempo
(`benchmarks/fit_tempo_level.py`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
MULTIPLES = (1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Multiples of a beat after which it is asked how much the music repeats."""
LONGEST_S = 6.5
"""Windows of eight seconds say nothing about longer distances."""
_OF_BEATS = (-1.39, 2.73, -1.34, 3.1, -2.04, 1.54, -0.43, 3.64, 3.03, 1.91, 1.47)
_OF_ONSETS = (-2.42, -0.04, 2.92, 2.34, -0.33, 2.38, 0.24, 0.43, 2.08, -0.45, 2.98)
_OF_TEMPO = (-1.23, -1.34)
"""Weights of the octaves above `_MIDDLE_BPM`, and of their square."""
WEIGHTS = np.array([*_OF_BEATS, *_OF_ONSETS, *_OF_TEMPO])
"""Of the columns of `tempo_features`."""
_MIDDLE_BPM = 115.0
_SOFTNESS = 2.0
"""By what the model's odds are flattened: they say which multiple it is, and each window how fast it is exactly."""


def tempo_features(beating: Doubles, onsets: Doubles, tempi_bpm: Doubles, *, hop_s: float) -> Doubles:
    """What speaks for each tempo.

    Parameters
    ----------
    beating, onsets : ndarray, shape=(n,), float64
        Autocorrelations of the network's beats and of the onsets, 1 at the distance 0; index ``t`` is ``t * hop_s``.
    tempi_bpm : ndarray, shape=(k,), float64
        Tempi that are compared, in beats a minute.
    hop_s : float > 0
        In seconds.

    Returns
    -------
    ndarray, shape=(k, 24), float64
        How much each of the two repeats after `MULTIPLES` of a beat, and how fast the tempo is.
    """
    distance_s = (60.0 / tempi_bpm)[:, None] * np.array(MULTIPLES)
    low = np.minimum(distance_s / hop_s, len(beating) - 2).astype(np.int64)
    repeats = [np.where(distance_s > LONGEST_S, 0.0, np.maximum(x[low], x[low + 1])) for x in (beating, onsets)]
    octaves = np.log2(tempi_bpm / _MIDDLE_BPM)
    return np.concatenate([*repeats, octaves[:, None], octaves[:, None] ** 2], axis=1)


def tempo_level(beating: Doubles, onsets: Doubles, tempi_bpm: Doubles, *, hop_s: float) -> Doubles:
    """How likely each tempo is that of the beat, beside the likeliest.

    Parameters
    ----------
    beating, onsets, tempi_bpm, hop_s
        As in `tempo_features`.

    Returns
    -------
    ndarray, shape=(k,), float64
        In (0, 1], 1 for the likeliest.

    Examples
    --------
    >>> at = np.arange(800)
    >>> every_half_s = np.cos(2 * np.pi * at / 50)
    >>> level = tempo_level(every_half_s, every_half_s, np.array([90.0, 120.0]), hop_s=0.01)
    >>> int(level.argmax())
    1
    """
    merit = tempo_features(beating, onsets, tempi_bpm, hop_s=hop_s) @ WEIGHTS
    return np.asarray(np.exp((merit - merit.max()) / _SOFTNESS))
