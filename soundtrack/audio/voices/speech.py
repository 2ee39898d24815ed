"""Spans with speech in a film's sound.

Goes in: mono sound at 16 kHz, block by block, for as long as the film lasts. Comes out: spans of speech on the clock
of the sound. A probability per 32 ms (`voice`) becomes speech by two thresholds, one to begin and a lower one to go
on; then spans closer than `hold_s` join, spans shorter than `shortest_s` go, and what is left is widened by
`margin_s`. Memory is one float per 32 ms: 1.4 MB for a film of three hours.
"""

from __future__ import annotations

import numpy as np

from soundtrack.audio.voices import voice
from soundtrack.audio.voices.voice import WINDOW, VoiceNetwork
from soundtrack.timebase import round_s
from soundtrack.types import BoolArray, FloatArray, Span

SAMPLE_RATE_HZ = voice.SAMPLE_RATE_HZ
"""Rate of the sound that `SpeechDetector` wants."""
BEGIN_AT = 0.5
"""Probability at which speech begins."""
GO_ON_AT = 0.3
"""Probability under which speech ends."""
_WINDOW_S = WINDOW / SAMPLE_RATE_HZ


def speech_mask(probabilities: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which windows are speech, by hysteresis.

    Parameters
    ----------
    probabilities : ndarray, shape=(n,), float32
        In [0, 1].

    Returns
    -------
    ndarray, shape=(n,), bool
        True from a window at `BEGIN_AT` or above, both ways, for as long as no window falls under `GO_ON_AT`.

    Examples
    --------
    >>> speech_mask(np.array([0.2, 0.4, 0.9, 0.4, 0.1, 0.4], np.float32)).tolist()
    [False, True, True, True, False, False]
    """
    possible = probabilities >= GO_ON_AT
    edges = np.diff(np.concatenate([[False], possible, [False]]).astype(np.int8))
    mask = np.zeros(len(probabilities), np.bool_)
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        mask[first:last] = bool(np.any(probabilities[first:last] >= BEGIN_AT))
    return mask


def speech_spans(
    probabilities: FloatArray,
    *,
    duration_s: float,
    hold_s: float = 0.5,
    shortest_s: float = 0.2,
    margin_s: float = 0.05,
) -> list[Span]:
    """Spans of speech from one probability per 32 ms.

    Parameters
    ----------
    probabilities : ndarray, shape=(n,), float32
        In [0, 1]; the first window starts at 0.
    duration_s : float >= 0
        Length of the sound; no span goes beyond.
    hold_s : float >= 0
        Gaps shorter than this are part of the speech, in seconds.
    shortest_s : float >= 0
        Anything shorter is taken for an accident, in seconds.
    margin_s : float >= 0
        Added at both ends, since first and last consonants are soft, in seconds.

    Returns
    -------
    list of Span
        Ascending, not touching.

    Examples
    --------
    >>> speech_spans(np.ones(100, np.float32), duration_s=3.2)
    [Span(start_s=0.0, end_s=3.2)]
    """
    mask = speech_mask(probabilities)
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    joined: list[tuple[float, float]] = []
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        start_s, end_s = float(first) * _WINDOW_S, float(last) * _WINDOW_S
        if joined and start_s - joined[-1][1] < max(hold_s, 2 * margin_s + 1e-6):
            joined[-1] = (joined[-1][0], end_s)
        else:
            joined.append((start_s, end_s))
    return [
        Span(round_s(max(0.0, start_s - margin_s)), round_s(min(duration_s, end_s + margin_s)))
        for start_s, end_s in joined
        if end_s - start_s >= shortest_s and start_s < duration_s
    ]


class SpeechDetector:
    """Finds speech in a film of any length, fed in order.

    Parameters
    ----------
    hold_s, shortest_s, margin_s : float
        As in `speech_spans`.

    Examples
    --------
    >>> detector = SpeechDetector()
    >>> detector.push(np.zeros((1, 32_000), np.float32))
    >>> detector.finish()
    []
    """

    def __init__(self, *, hold_s: float = 0.5, shortest_s: float = 0.2, margin_s: float = 0.05) -> None:
        self._network = VoiceNetwork()
        self._parts: list[FloatArray] = []
        self._n_samples = 0
        self._hold_s, self._shortest_s, self._margin_s = hold_s, shortest_s, margin_s

    def push(self, block: FloatArray) -> None:
        """Process the next samples.

        Parameters
        ----------
        block : ndarray, shape=(1, n) or (n,), float32
            Mono at 16 kHz in [-1, 1]. A silent tail does no harm.
        """
        mono = block[0] if block.ndim == 2 and block.shape[0] == 1 else block
        if mono.ndim != 1:
            raise ValueError(f"block must have shape (1, n) or (n,), got {block.shape}")
        self._n_samples += len(mono)
        for start in range(0, len(mono), 60 * SAMPLE_RATE_HZ):
            self._parts.append(self._network.push(np.nan_to_num(mono[start : start + 60 * SAMPLE_RATE_HZ])))

    def finish(self) -> list[Span]:
        """All spans of speech so far, in seconds of the sound pushed."""
        if self._n_samples == 0:
            return []
        last = self._network.push(np.zeros(-self._n_samples % WINDOW, np.float32))
        probabilities = np.concatenate([*self._parts, last])
        return speech_spans(
            probabilities,
            duration_s=self._n_samples / SAMPLE_RATE_HZ,
            hold_s=self._hold_s,
            shortest_s=self._shortest_s,
            margin_s=self._margin_s,
        )


def vocal_share(samples: FloatArray) -> float:
    """Share of a piece of music with singing or speech, as far as the voice network notices.

    Sung passages are noticed in part only (0.2 to 0.97 of sung pop and rock), instruments hardly ever taken for a voice
    (at most 0.05), so that a share above 0.1 means that there is a voice, and its size says little more.

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
    >>> vocal_share(np.zeros(16_000, np.float32))
    0.0
    """
    found = voice_windows(samples)
    return float(found.mean()) if len(found) else 0.0


def voice_windows(samples: FloatArray) -> BoolArray:
    """Which windows of 512 samples of a piece of music hold singing or speech, as `vocal_share` counts them.

    Parameters
    ----------
    samples : ndarray, shape=(n,), float32
        Mono at 16 kHz in [-1, 1].

    Returns
    -------
    ndarray, shape=(n // 512,), bool

    Examples
    --------
    >>> voice_windows(np.zeros(1_600, np.float32)).tolist()
    [False, False, False]
    """
    network = VoiceNetwork()
    step = 60 * SAMPLE_RATE_HZ
    parts = [network.push(np.nan_to_num(samples[at : at + step])) for at in range(0, len(samples), step)]
    return speech_mask(np.concatenate(parts) if parts else np.zeros(0, np.float32))
