"""Bars: beat phase, metre and downbeats.

Goes in: times of beats and `Frames`. Comes out: the beats of the right side, and indices of downbeats. A Viterbi walk
over the positions in a bar of three or four beats follows the accents: bass, strength of the onsets, changes of
harmony, and what `beat_network` takes for the start of a bar.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.spectrum import Frames, mean_between

Doubles = npt.NDArray[np.float64]
ONSET_DELAY_S = 0.004
"""Taken off every onset: the flux of a click peaks 3 ms before it, a piano's 17 ms after the key goes down."""
_ACCENTS = (1.0, 0.6, 0.8, 1.0, 2.0)
"""What bass, all onsets, and changes of harmony since the last beat, over two beats and over four count for the first
beat of a bar."""
_HARMONY = (0.5, 0.0, 1.0, 1.0, 0.0)
_BEGINS = 5.0
"""What it brings, in accents of unit spread, that the first beat of a track starts a bar."""
_SKIP = 15.0
"""What a bar with a beat too few or too many costs, in accents of unit spread."""
_OFF_BEAT_BY = 0.15
_STRUCK = 0.55
"""Share of the strength of the beats' onsets that those between them have at least where these are the beats."""
_THREE_AHEAD = (1.05, 0.02)
_LEAST_CHANCE, _HEARD = 0.02, 0.5
"""Added to the network's chances before their logarithm; and its share in the accents where it is sure of itself."""


def _accents(beats_s: Doubles, frames: Frames, weights: tuple[float, ...] = _ACCENTS) -> Doubles:
    """How much each beat sounds like the first of a bar, zero mean, unit spread, shape (n,)."""
    n = len(beats_s)
    at = np.round((beats_s + ONSET_DELAY_S) / frames.hop_s).astype(np.int64)
    around = np.clip(at[:, None] + np.arange(-5, 6), 0, frames.n - 1)
    edges = np.append(beats_s, beats_s[-1] + (beats_s[-1] - beats_s[-2]))
    tones = mean_between(frames.chroma, edges + 0.03, hop_s=frames.tone_hop_s).astype(np.float64)
    tones /= np.maximum(np.linalg.norm(tones, axis=1, keepdims=True), 1e-9)
    change = np.zeros(n)
    change[1:] = 1 - np.sum(tones[1:] * tones[:-1], axis=1)
    # Harmony of two beats against the two before: chords last longer than passing notes.
    wide = np.zeros(n)
    pairs = tones[1:] + tones[:-1]
    pairs /= np.maximum(np.linalg.norm(pairs, axis=1, keepdims=True), 1e-9)
    wide[2:-1] = 1 - np.sum(pairs[2:] * pairs[:-2], axis=1)
    # And of four against the four before: most harmonies last for a bar.
    widest = np.zeros(n)
    if n >= 8:
        sums = np.cumsum(np.concatenate([np.zeros((1, tones.shape[1])), tones]), axis=0)
        fours = sums[4:] - sums[:-4]
        fours /= np.maximum(np.linalg.norm(fours, axis=1, keepdims=True), 1e-9)
        widest[4 : n - 3] = 1 - np.sum(fours[4:] * fours[:-4], axis=1)
    total = np.zeros(n)
    bass, onset = (x[around].max(axis=1).astype(np.float64) for x in (frames.bass_onset, frames.onset))
    for values, weight in zip((bass, onset, change, wide, widest), weights, strict=True):
        spread = float(values.std())
        if spread > 1e-9:
            total += weight * np.clip((values - values.mean()) / spread, -2.5, 2.5)
    spread = float(total.std())
    return (total - total.mean()) / spread if spread > 1e-9 else total


def _walk_bars(accents: Doubles, n_positions: int) -> tuple[npt.NDArray[np.int64], float]:
    """Position in the bar of each beat, and how well that explains the accents (per beat)."""
    expected = np.full(n_positions, -1.0 / (n_positions - 1))
    expected[0] = 1.0
    if n_positions == 4:
        expected = np.array([1.0, -0.45, -0.1, -0.45])
    expected /= np.linalg.norm(expected) / np.sqrt(n_positions)
    skip = _SKIP
    value, came = accents[0] * expected, np.zeros((len(accents), n_positions), np.int64)
    value[0] += _BEGINS
    before = (np.arange(n_positions) - 1) % n_positions
    for i in range(1, len(accents)):
        jump = int(value.argmax())
        stay = value[before] >= value[jump] - skip
        came[i] = np.where(stay, before, jump)
        value = np.where(stay, value[before], value[jump] - skip) + accents[i] * expected
    position = np.zeros(len(accents), np.int64)
    position[-1] = int(value.argmax())
    for i in range(len(accents) - 1, 0, -1):
        position[i - 1] = came[i, position[i]]
    return position, float(value.max()) / len(accents)


def find_bars(
    beats_s: Doubles, frames: Frames, chances: Doubles | None = None, *, sure: float = 1.0
) -> tuple[npt.NDArray[np.int64], int]:
    """Which beats start a bar, and how many beats a bar has.

    Parameters
    ----------
    beats_s : ndarray, shape=(n,), float64
        Ascending, in seconds.
    frames : Frames
        Of the same track.
    chances : ndarray, shape=(n,), float64, optional
        How likely a bar starts at each beat, in [0, 1], by `beat_network`.
    sure : float
        How sure of itself that network is, in [0, 1].

    Returns
    -------
    tuple of ndarray and int
        Indices of the downbeats, ascending; 3 or 4.
    """
    if len(beats_s) < 4:
        return np.arange(min(1, len(beats_s))), 4
    accents = _accents(beats_s, frames)
    if chances is not None:
        likely = np.log(chances + _LEAST_CHANCE)
        likely = (likely - likely.mean()) / max(1e-9, float(likely.std()))
        accents = accents + sure * _HEARD * (likely - accents)
    fours, merit_of_four = _walk_bars(accents, 4)
    threes, merit_of_three = _walk_bars(accents, 3)
    # Three needs to be better: most music is in four, and chance favours shorter bars.
    if merit_of_three > _THREE_AHEAD[0] * merit_of_four + _THREE_AHEAD[1]:
        return np.flatnonzero(threes == 0), 3
    return np.flatnonzero(fours == 0), 4


def on_the_beat(beats_s: Doubles, frames: Frames) -> Doubles:
    """The beats, or the points half way between them when it is there that bass and harmony change.

    Not where little is struck between them: a melody that moves on after the beat is no beat.

    Parameters
    ----------
    beats_s : ndarray, shape=(n,), float64
        Ascending, in seconds.
    frames : Frames
        Of the same track.

    Returns
    -------
    ndarray, shape=(n,) or (n - 1,), float64
        In seconds.
    """
    if len(beats_s) < 8:
        return beats_s
    between = 0.5 * (beats_s[:-1] + beats_s[1:])
    both = np.empty(2 * len(beats_s) - 1)
    both[0::2], both[1::2] = beats_s, between
    at = np.round((both + ONSET_DELAY_S) / frames.hop_s).astype(np.int64)
    struck = frames.onset[np.clip(at[:, None] + np.arange(-3, 4), 0, frames.n - 1)].max(axis=1)
    if float(struck[1::2].mean()) < _STRUCK * float(struck[0::2].mean()):
        return beats_s
    accents = _accents(both, frames, _HARMONY)
    on, off = float(accents[0::2].mean()), float(accents[1::2].mean())
    return between if off > on + _OFF_BEAT_BY else beats_s
