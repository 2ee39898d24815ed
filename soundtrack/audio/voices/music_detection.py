"""Music detection in a film's own sound.

Goes in: mono sound at 16 kHz, block by block, for as long as the film lasts. Comes out: spans of music on the clock of
the sound. Every `STEP_S` seconds the marks of the four seconds around (`music_marks`) go through a tiny network of one
hidden layer, whose numbers stand in ``own_music.json`` beside this file; three neighbours vote by their median, and
what rises above `BEGIN_AT` is music for as long as it does not fall under `GO_ON_AT`. When unsure it says nothing: a
scene of speech or rain that is taken for music goes without any, and the user sees no reason. How often it is right
stands in ``docs/models.md``; ``benchmarks/own_music.py`` makes the numbers and judges them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from soundtrack.audio.voices.music_features import N_BANDS, N_MARKS, SAMPLE_RATE_HZ, WINDOW, music_marks
from soundtrack.timebase import round_s
from soundtrack.types import FloatArray, Span

STEP_S = 2.0
"""From one look to the next."""
BEGIN_AT = 0.97
"""Probability at which music begins."""
GO_ON_AT = 0.7
"""Probability under which music ends."""
STEADY_DB = 1.5
"""Sound whose loud bands all vary by less is a tone, a hum or a hiss: music moves."""
SHORTEST_S = 4.0
"""Anything shorter is taken for an accident."""
QUIETEST_DBFS = -60.0
"""Sound below this level does not count as music."""

LOOKS = 24
"""Windows that `music_share` looks at; more cost time and change little."""

_LOUD_WITHIN_DB = 25.0
_STEP = round(STEP_S * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class _Weights:
    """The network; its input is a row of marks, centred, scaled and clipped."""

    mean: npt.NDArray[np.float64] = field(repr=False, compare=False)
    scale: npt.NDArray[np.float64] = field(repr=False, compare=False)
    hidden: npt.NDArray[np.float64] = field(repr=False, compare=False)
    hidden_bias: npt.NDArray[np.float64] = field(repr=False, compare=False)
    out: npt.NDArray[np.float64] = field(repr=False, compare=False)
    out_bias: float


@lru_cache(maxsize=1)
def _weights() -> _Weights:
    """The numbers from the file beside this module."""
    stored = json.loads(files("soundtrack.audio").joinpath("own_music.json").read_text(encoding="utf-8"))
    made = _Weights(
        mean=np.array(stored["mean"]),
        scale=np.array(stored["scale"]),
        hidden=np.array(stored["hidden"]),
        hidden_bias=np.array(stored["hidden_bias"]),
        out=np.array(stored["out"]),
        out_bias=float(stored["out_bias"]),
    )
    if made.hidden.shape != (N_MARKS, len(made.out)) or made.mean.shape != (N_MARKS,):
        raise ValueError(f"own_music.json does not fit {N_MARKS} marks: {made.hidden.shape}")
    return made


def music_probability(marks: FloatArray) -> FloatArray:
    """Chance that there is music, for rows of marks.

    Parameters
    ----------
    marks : ndarray, shape=(n, N_MARKS), float32
        From `music_marks`.

    Returns
    -------
    ndarray, shape=(n,), float32
        In [0, 1]; 0 for what is steady.
    """
    w = _weights()
    rows = np.clip((marks - w.mean) / w.scale, -4.0, 4.0)
    answer = np.maximum(rows @ w.hidden + w.hidden_bias, 0.0) @ w.out + w.out_bias
    return np.where(is_steady(marks), 0.0, 0.5 + 0.5 * np.tanh(0.5 * answer)).astype(np.float32)


def music_share(samples: FloatArray) -> float:
    """Share of a piece of sound in which there is music, judged from at most `LOOKS` windows spread over it.

    Parameters
    ----------
    samples : ndarray, shape=(n,), float32
        Mono at 16 kHz in [-1, 1].

    Returns
    -------
    float
        In [0, 1]; 0 for less than one window of sound.

    Examples
    --------
    >>> music_share(np.zeros(16_000, np.float32))
    0.0
    """
    last = len(samples) - WINDOW
    if last < 0:
        return 0.0
    starts = np.unique(np.linspace(0, last, min(LOOKS, 1 + last // _STEP)).astype(np.int64))
    marks = np.stack([music_marks(np.nan_to_num(samples[start : start + WINDOW])) for start in starts])
    return float(np.mean(music_probability(marks) >= 0.5))


def is_steady(marks: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether nothing moves in four seconds, for rows of marks, shape (n,)."""
    mean, spread = marks[:, :N_BANDS], marks[:, N_BANDS : 2 * N_BANDS].copy()
    spread[mean < mean.max(axis=1, keepdims=True) - _LOUD_WITHIN_DB] = np.nan
    return np.asarray(np.nanmedian(spread, axis=1) < STEADY_DB)


def music_spans(probabilities: FloatArray, *, duration_s: float) -> list[Span]:
    """Spans of music from one probability per `STEP_S`.

    Parameters
    ----------
    probabilities : ndarray, shape=(n,), float32
        In [0, 1]; number k is about the `STEP_S` that begin at ``k * STEP_S``.
    duration_s : float >= 0
        Length of the sound; no span goes beyond.

    Returns
    -------
    list of Span
        Ascending, not touching.

    Examples
    --------
    >>> music_spans(np.array([0, 0.8, 0.99, 0.99, 0.8, 0, 0], np.float32), duration_s=14.0)
    [Span(start_s=2.0, end_s=10.0)]
    """
    if len(probabilities) == 0:
        return []
    around = np.pad(probabilities, 1, mode="edge")
    voted = np.median(np.stack([around[:-2], around[1:-1], around[2:]]), axis=0)
    possible = voted >= GO_ON_AT
    edges = np.diff(np.concatenate([[False], possible, [False]]).astype(np.int8))
    spans = []
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        start_s, end_s = float(first) * STEP_S, min(float(last) * STEP_S, duration_s)
        if voted[first:last].max() >= BEGIN_AT and end_s - start_s >= min(SHORTEST_S, duration_s):
            spans.append(Span(round_s(start_s), round_s(end_s)))
    return spans


class MusicDetector:
    """Finds music in a film of any length, fed in order; memory is one row of marks for every two seconds.

    Examples
    --------
    >>> detector = MusicDetector()
    >>> detector.push(np.zeros(48_000, np.float32))
    >>> detector.finish()
    []
    """

    def __init__(self) -> None:
        self._margin = (WINDOW - _STEP) // 2
        self._sound: FloatArray = np.zeros(self._margin, np.float32)
        self._probabilities: list[float] = []
        self._n_samples = 0

    def push(self, block: FloatArray) -> None:
        """Process the next samples.

        Parameters
        ----------
        block : ndarray, shape=(1, n) or (n,), float32
            Mono at 16 kHz in [-1, 1].
        """
        mono = block[0] if block.ndim == 2 and block.shape[0] == 1 else block
        if mono.ndim != 1:
            raise ValueError(f"block must have shape (1, n) or (n,), got {block.shape}")
        self._n_samples += len(mono)
        self._sound = np.concatenate([self._sound, np.nan_to_num(mono)])
        self._look()

    def finish(self) -> list[Span]:
        """All spans of music so far, in seconds of the sound pushed."""
        duration_s = self._n_samples / SAMPLE_RATE_HZ
        if self._n_samples < WINDOW // 2:
            return []
        n_wanted = -(-self._n_samples // _STEP)
        missing = (n_wanted - len(self._probabilities)) * _STEP + 2 * self._margin - len(self._sound)
        self._sound = np.concatenate([self._sound, np.zeros(max(0, missing), np.float32)])
        self._look()
        return music_spans(np.array(self._probabilities[:n_wanted], np.float32), duration_s=duration_s)

    def _look(self) -> None:
        """Every window that is now complete."""
        while len(self._sound) >= WINDOW:
            window, self._sound = self._sound[:WINDOW], self._sound[_STEP:]
            level = float(np.sqrt(np.mean(window.astype(np.float64) ** 2)))
            if 20 * np.log10(level + 1e-12) < QUIETEST_DBFS:
                self._probabilities.append(0.0)
            else:
                self._probabilities.append(float(music_probability(music_marks(window)[None])[0]))
