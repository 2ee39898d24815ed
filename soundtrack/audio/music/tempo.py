"""Tempo and beats.

Goes in: `Frames`. Comes out: `Pulse`. The way: autocorrelation of the onsets in windows of eight seconds, weighted by
how people tap (log-normal around 115 beats a minute; McKinney and Moelants 2006, "Ambiguity in tempo perception"), a
smooth path of tempo through the track, then beats by dynamic programming (Ellis 2007, "Beat tracking by dynamic
programming", equations 1 to 6). Where `beat_network` is sure of itself, its beats count more than the onsets, and where
the tempo swings, the beats are those that `beat_path` finds in its answer alone. Beats are drawn to the onsets they
represent and evened out over their neighbours; `bars` says which of them start a bar.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.bars import ONSET_DELAY_S, find_bars, on_the_beat
from soundtrack.audio.music.beat_network import STEP_S, beat_chances
from soundtrack.audio.music.beat_path import likely_beats
from soundtrack.audio.music.spectrum import Frames
from soundtrack.audio.music.tempo_level import tempo_level
from soundtrack.types import FloatArray

Doubles = npt.NDArray[np.float64]
SLOWEST_BPM, FASTEST_BPM = 45.0, 220.0
"""Tempi that are looked for."""
NO_PULSE_UNDER = 0.12
"""Confidence under which there is said to be no pulse."""
_GRID_PER_OCTAVE = 48
_PREFERRED_BPM, _PREFERENCE_OCTAVES = 115.0, 1.0
_WINDOW_S, _WINDOW_STEP_S = 8.0, 1.0
_TIGHTNESS = 1000.0
_MULTIPLES = ((1, 1.0), (2, 0.6), (3, 0.2), (4, 0.9))
"""Which multiples of a beat count for a tempo, and how much; tuned on 42 rendered piano pieces of known metre."""
_AUDIBLE_ONSET = 0.03
_SURE = (0.3, 0.5)
"""Chance of a beat, reached in 2 % of the time, from which the network counts, and at which it is sure: 0.3 in
noise, 0.5 and more in 95 % of rendered pieces."""
_HEARD_PREFERENCE_OCTAVES, _HEARD_WEIGHT, _HEARD_ONSETS = 1.6, 8.0, 0.2
"""Where the network is sure: the preference for tempi, the weight of beats against even distances, and of onsets."""
_EVEN = 0.5
"""Typical salience of the network's beats under which the tempo swings: 90 % of rendered pieces at a steady tempo have
more, all whose tempo swings by a quarter less."""
_TRUSTED, _STRUCK_EVENLY = 0.5, 0.35
"""How sure the network must be there, and the salience of the onsets that may not be reached."""
_SPREAD = (4.0, 1.5)
"""Over how many beats they are evened out, as a standard deviation: at a steady tempo, and at one that swings."""
_REGULAR = 0.6
"""What the regularity of the network's beats counts beside that of the onsets, which are never as clear."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats and bars of a track."""

    tempo_bpm: float | None
    """Median beats a minute; None without a pulse."""
    confidence: float
    """How regular the onsets are, in [0, 1]."""
    beats_s: Doubles = field(repr=False, compare=False)
    """Ascending, in seconds, shape (n,)."""
    downbeat_of: npt.NDArray[np.int64] = field(repr=False, compare=False)
    """Indices of the beats that start a bar, ascending."""
    beats_per_bar: int
    """3 or 4."""

    @property
    def downbeats_s(self) -> Doubles:
        """Times of the bar lines, in seconds."""
        return self.beats_s[self.downbeat_of]


def _envelope(onset: FloatArray, hop_s: float) -> Doubles:
    """Onsets against their surroundings, positive, of unit spread."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    x = gaussian_filter1d(onset.astype(np.float64), 1.0)
    x = np.maximum(x - uniform_filter1d(x, max(3, round(1.0 / hop_s))), 0)
    spread = float(np.sqrt(np.mean(x**2)))
    local = np.sqrt(np.maximum(uniform_filter1d(x**2, max(3, round(6.0 / hop_s))), 0))  # rounding may go under 0
    return np.asarray(x / np.maximum(0.5 * local + 0.5 * spread, 1e-4))


def _tempo_grid() -> Doubles:
    """Tempi that are compared, in beats a minute."""
    octaves = np.log2(FASTEST_BPM / SLOWEST_BPM)
    return np.asarray(SLOWEST_BPM * 2 ** (np.arange(int(octaves * _GRID_PER_OCTAVE) + 1) / _GRID_PER_OCTAVE))


def _repeats(envelope: Doubles, hop_s: float) -> Doubles:
    """Autocorrelation of each window, shape (windows, distances), 1 at the distance 0."""
    from scipy.fft import irfft, rfft

    size, step = round(_WINDOW_S / hop_s), round(_WINDOW_STEP_S / hop_s)
    padded = np.concatenate([np.zeros(size // 2), envelope, np.zeros(size)])
    views = np.lib.stride_tricks.sliding_window_view(padded, size)[::step][: len(envelope) // step + 1]
    pieces = (views - views.mean(axis=1, keepdims=True)) * np.hanning(size)
    n_fft = 1 << (2 * size - 1).bit_length()
    across = irfft(np.abs(rfft(pieces, n_fft, axis=1)) ** 2, n_fft, axis=1)[:, :size]
    taper = np.correlate(np.hanning(size), np.hanning(size), "full")[size - 1 :]
    return np.asarray(across / np.maximum(across[:, :1], 1e-6) / np.maximum(taper / taper[0], 0.1))


def _salience(across: Doubles, hop_s: float) -> Doubles:
    """How well each tempo explains each window, shape (windows, tempi), in units of the envelope's power."""
    size = across.shape[1]
    lag = 60.0 / _tempo_grid() / hop_s
    total = np.zeros((len(across), len(lag)))
    for multiple, weight in _MULTIPLES:
        at = np.minimum(lag * multiple, size - 2)
        low = at.astype(np.int64)
        # The best of two neighbours: a slightly uneven pulse is still one.
        total += weight * np.maximum(across[:, low], across[:, low + 1])
    return np.asarray(total / sum(weight for _, weight in _MULTIPLES))


def _preference(octaves: float = _PREFERENCE_OCTAVES) -> Doubles:
    """How much each tempo is preferred, whatever is heard, shape (tempi,)."""
    return np.asarray(np.exp(-0.5 * (np.log2(_tempo_grid() / _PREFERRED_BPM) / octaves) ** 2))


def _tempo_path(salience: Doubles, preference: Doubles) -> npt.NDArray[np.int64]:
    """Index into the grid for each window: the best path that changes tempo reluctantly."""
    grid = _tempo_grid()
    merit = np.maximum(salience, 0.0) * preference
    # The whole track's opinion counts in every window, so that a quiet bridge does not halve the tempo.
    merit = merit + 1.5 * merit.mean(axis=0)
    step = np.abs(np.arange(len(grid))[:, None] - np.arange(len(grid))[None, :])
    cost = np.minimum(0.02 * step, 0.6)
    value, came = merit[0], np.zeros(merit.shape, np.int64)
    for i in range(1, len(merit)):
        options = value[None, :] - cost
        came[i] = options.argmax(axis=1)
        value = options.max(axis=1) + merit[i]
    path = np.zeros(len(merit), np.int64)
    path[-1] = int(value.argmax())
    for i in range(len(merit) - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path


def _track_beats(envelope: Doubles, period: Doubles) -> npt.NDArray[np.int64]:
    """Frames of the beats for a period (in frames) that may vary, by dynamic programming."""
    n = len(envelope)
    shortest, longest = max(2, int(period.min() * 0.7)), int(np.ceil(period.max() * 1.4))
    lags = np.arange(shortest, longest + 1)
    value = np.concatenate([np.zeros(longest), np.zeros(n)])
    came = np.full(n, -1, np.int64)
    # A value depends on nothing closer than the shortest lag: that many frames can be computed at once.
    for start in range(0, n, shortest):
        at = np.arange(start, min(n, start + shortest))
        fit = -_TIGHTNESS * np.log(lags[None, :] / period[at, None]) ** 2
        options = value[at[:, None] + longest - lags[None, :]] + fit
        best = options.argmax(axis=1)
        gained = options[np.arange(len(at)), best]
        came[at] = np.where((gained > 0) & (at - lags[best] >= 0), at - lags[best], -1)
        value[at + longest] = envelope[at] + np.maximum(gained, 0)
    tail = value[longest:][-int(period[-1] * 1.5) :]
    frame = n - len(tail) + int(tail.argmax())
    beats = []
    while frame >= 0:
        beats.append(frame)
        frame = int(came[frame])
    return np.array(beats[::-1], np.int64)


def _settle(beats: npt.NDArray[np.int64], envelope: Doubles, onsets: Doubles, *, spread: float) -> Doubles:
    """Beats in fractions of frames, drawn to their onsets and evened out where the music is even.

    How many beats on either side count is given by a spread in beats.
    """
    if len(beats) < 4:
        return beats.astype(np.float64)
    reach = 4
    around = np.clip(beats[:, None] + np.arange(-reach, reach + 1), 0, len(envelope) - 1)
    peak = np.clip(around[np.arange(len(beats)), envelope[around].argmax(axis=1)], 1, len(envelope) - 2)
    a, b, c = envelope[peak - 1], envelope[peak], envelope[peak + 1]
    bend = a - 2 * b + c
    exact = peak + np.where(bend < -1e-9, np.clip(0.5 * (a - c) / np.minimum(bend, -1e-9), -0.5, 0.5), 0.0)
    even = _line_through_neighbours(exact, np.maximum(b, 0.05), spread=spread)
    uneven = float(np.median(np.abs(exact - even)))
    settled = even if uneven < 2.5 else 0.5 * (even + exact)
    # The walk goes on into silence at both ends: no beat before the first onset or after the last.
    struck = onsets[around].max(axis=1)
    sounding = np.flatnonzero(struck > 0.1 * np.median(struck))
    if len(sounding):
        settled = settled[sounding[0] : sounding[-1] + 1]
    return np.asarray(np.maximum.accumulate(settled))


def _line_through_neighbours(exact: Doubles, trust: Doubles, *, spread: float) -> Doubles:
    """Each beat where a line through it and eight on either side has it, shape (n,)."""
    x = np.arange(-8, 9)
    y = np.lib.stride_tricks.sliding_window_view(np.pad(exact, 8), len(x))  # (n, 17)
    prior = np.lib.stride_tricks.sliding_window_view(np.pad(trust, 8), len(x)) * np.exp(-0.5 * (x / spread) ** 2)
    weight = prior
    # Fitted twice more, with what lies far off the line counting less (Cauchy weights, 2 frames).
    for _ in range(3):
        total = weight.sum(axis=1, keepdims=True)
        mean_x, mean_y = ((weight * v).sum(axis=1, keepdims=True) / total for v in (x, y))
        from_x = x - mean_x
        squares = (weight * from_x**2).sum(axis=1, keepdims=True)
        slope = (weight * from_x * (y - mean_y)).sum(axis=1, keepdims=True) / np.maximum(1e-9, squares)
        line = mean_y + slope * from_x
        weight = prior / (1 + ((y - line) / 2.0) ** 2)
    return np.asarray((mean_y - slope * mean_x)[:, 0])


def _typical(salience: Doubles, path: npt.NDArray[np.int64]) -> float:
    """Median salience along a path of tempi."""
    return float(np.median(salience[np.arange(len(path)), path]))


def _bar_chances(beats_s: Doubles, chances: FloatArray) -> Doubles:
    """How likely a bar starts at each beat, by the network, shape (n,)."""
    around = np.round(beats_s / STEP_S).astype(np.int64)[:, None] + np.arange(-2, 3)
    return np.asarray(chances[np.clip(around, 0, len(chances) - 1), 1].max(axis=1), np.float64)


def find_pulse(frames: Frames) -> Pulse:
    """Tempo, beats and bars of a track.

    Parameters
    ----------
    frames : Frames
        From `take_frames`.

    Examples
    --------
    >>> from soundtrack.audio.music.spectrum import take_frames
    >>> find_pulse(take_frames(np.zeros((1, 44_100), np.float32), sample_rate_hz=44_100)).tempo_bpm is None
    True
    """
    none = np.zeros(0, np.int64)
    if frames.duration_s < 3.0 or float(frames.onset.max(initial=0)) < 1e-3:
        return Pulse(None, 0.0, none.astype(np.float64), none, 4)
    onsets = _envelope(frames.onset, frames.hop_s)
    across = _repeats(onsets, frames.hop_s)
    salience = _salience(across, frames.hop_s)
    chances = beat_chances(frames)
    sure = float(np.clip((np.percentile(chances[:, 0], 98) - _SURE[0]) / (_SURE[1] - _SURE[0]), 0.0, 1.0))
    beating = np.interp(np.arange(frames.n) * frames.hop_s, np.arange(len(chances)) * STEP_S, chances[:, 0])
    beating = beating / max(1e-6, float(np.sqrt(np.mean(beating**2))))
    others = 1 - sure * (1 - _HEARD_ONSETS)
    octaves = _PREFERENCE_OCTAVES + sure * (_HEARD_PREFERENCE_OCTAVES - _PREFERENCE_OCTAVES)
    across_told = _repeats(beating, frames.hop_s)
    told = _salience(across_told, frames.hop_s)
    weighed = sure * told + others * salience
    path = _tempo_path(weighed, _preference(octaves))
    regular = _typical(told, path)
    struck_evenly = _typical(salience, _tempo_path(salience, _preference()))
    heard = max(struck_evenly, sure * _REGULAR * regular)
    # What beats in a held tone (its windows do, a little) is no pulse: music has onsets of 0.05 and more.
    struck = float(np.percentile(frames.onset, 98)) / _AUDIBLE_ONSET
    confidence = float(np.clip((heard - 0.08) / 0.42, 0.0, 1.0) * np.clip(struck - 0.25, 0.0, 1.0))
    if confidence < NO_PULSE_UNDER:
        return Pulse(None, confidence, none.astype(np.float64), none, 4)
    windows_s = np.arange(len(path)) * round(_WINDOW_STEP_S / frames.hop_s) * frames.hop_s
    times_s = np.arange(frames.n) * frames.hop_s
    swings = sure >= _TRUSTED and regular < _EVEN and struck_evenly < _STRUCK_EVENLY
    if sure >= _TRUSTED and regular >= _EVEN:
        level = tempo_level(across_told.mean(axis=0), across.mean(axis=0), _tempo_grid(), hop_s=frames.hop_s)
        path = _tempo_path(weighed, _preference(octaves) * level)
    bpm = 2 ** np.interp(times_s, windows_s, np.log2(_tempo_grid()[path]))
    if not swings:
        drawn = _track_beats(_HEARD_WEIGHT * sure * beating + others * onsets, 60.0 / bpm / frames.hop_s)
    else:
        drawn = np.round(likely_beats(chances[:, 0]) * (STEP_S / frames.hop_s)).astype(np.int64)
    beats = _settle(drawn, sure * beating + (1 - sure / 2) * onsets, onsets, spread=_SPREAD[swings])
    beats_s = beats * frames.hop_s - ONSET_DELAY_S
    beats_s = beats_s[(beats_s >= 0) & (beats_s < frames.duration_s)]
    beats_s = beats_s[np.concatenate([[True], np.diff(beats_s) > 0.05])] if len(beats_s) else beats_s
    if len(beats_s) < 4:
        return Pulse(None, confidence, none.astype(np.float64), none, 4)
    if sure < 0.5:
        beats_s = on_the_beat(beats_s, frames)
    downbeat_of, beats_per_bar = find_bars(beats_s, frames, _bar_chances(beats_s, chances), sure=sure)
    return Pulse(60.0 / float(np.median(np.diff(beats_s))), confidence, beats_s, downbeat_of, beats_per_bar)
