"""Structure of a track: audible start and end, ending, bars, sections.

Goes in: `Frames` and bar lines. Comes out: ends, `BarTable` features and section starts. Bars are the unit: each gets
28 numbers (harmony, timbre, level, activity) whose dot product with another bar's says how alike they sound. Sections
start where a checkerboard moved along the bars' self-similarity finds the strongest corners (Foote 2000, "Automatic
audio segmentation using a measure of audio novelty").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.spectrum import Frames, mean_between
from soundtrack.types import Ending, FloatArray

Doubles = npt.NDArray[np.float64]
N_BAR_FEATURES = 28
"""Twelve of harmony, twelve of timbre, two of level, two of activity."""
FREE_BAR_S = 2.0
"""Length of a bar where no pulse is found."""
_SHARES = (0.45, 0.35, 0.12, 0.08)
"""What harmony, timbre, level and activity count in the likeness of two bars; they add up to 1."""
_LEVEL_COLUMN, _LEVEL_REACH_DB = 24, 20.0
"""Position of the level among the features of a bar, and the range around the track's mean that it resolves."""
_AUDIBLE_UNDER_LOUD_DB, _AUDIBLE_DBFS = -48.0, -66.0
_SHORTEST_FADE_S = 1.5
_STRIKE = 0.7
_NOVELTY_BARS = 8
_SHORTEST_SECTION_BARS = 4


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the sound of a track really starts and ends."""

    start_s: float
    """First moment that can be heard, in seconds."""
    end_s: float
    """Last moment that can be heard, in seconds."""
    ending: Ending
    """How it ends."""


def find_ends(frames: Frames) -> Ends:
    """Where the sound starts and ends, and how it ends.

    A fade goes on playing while it sinks; a hard ending is one last attack that rings; what stops while still loud is
    cut.

    Parameters
    ----------
    frames : Frames
        From `take_frames`.
    """
    level = frames.level_db.astype(np.float64)
    loud_db = float(np.percentile(level, 90)) if len(level) else -100.0
    heard = np.flatnonzero(level > max(loud_db + _AUDIBLE_UNDER_LOUD_DB, _AUDIBLE_DBFS))
    if len(heard) == 0:
        return Ends(0.0, frames.duration_s, Ending.CUT)
    half = frames.hop_s / 2
    first, last = int(heard[0]), int(heard[-1])
    start_s, end_s = max(0.0, first * frames.hop_s - half), min(frames.duration_s, last * frames.hop_s + half)
    return Ends(start_s, max(start_s, end_s), _ending(frames, last, loud_db))


def _ending(frames: Frames, last: int, loud_db: float) -> Ending:
    """How the sound ends in a frame."""
    from scipy.ndimage import maximum_filter1d

    level = frames.level_db.astype(np.float64)
    per_s = 1 / frames.hop_s
    # Cut: the last tenth of a second, save the very last frame that the cut runs through, is about as loud as the rest.
    close = level[max(0, last - round(0.15 * per_s)) : last - 1]
    if len(close) and float(close.mean()) > loud_db - 15:
        return Ending.CUT
    # Where the last sinking begins: the last moment near the loudness of what came before, hits held for 0.8 s.
    held_n = max(1, round(0.8 * per_s))
    padded = np.concatenate([np.full(held_n - 1, level[0]), level[: last + 1]])
    held = np.lib.stride_tricks.sliding_window_view(padded, held_n).max(axis=1)
    before = held[max(0, last - round(30 * per_s)) :]
    still_loud = np.flatnonzero(held > float(np.percentile(before, 75)) - 8.0)
    first = int(still_loud[-1]) + 1 if len(still_loud) else 0
    # A fade goes on striking while it sinks: the rise of bands in dB, which a change of level leaves alone.
    bands = np.maximum(frames.bands.astype(np.float64), -85.0)
    rise = np.zeros(len(bands))
    rise[2:] = np.maximum(bands[2:] - bands[:-2] - 1.5, 0).mean(axis=1)
    sinking = np.flatnonzero(level[first : last + 1] > -60.0) + first
    sinks_s = len(sinking) * frames.hop_s
    if sinks_s < _SHORTEST_FADE_S or first < per_s:
        return Ending.HARD
    usual = float(np.percentile(rise[max(0, first - round(20 * per_s)) : first], 95))
    rises = rise[sinking]
    apart = max(1, round(0.1 * per_s))
    highest = maximum_filter1d(rises, 2 * apart + 1, mode="constant")
    strikes = np.flatnonzero((rises == highest) & (rises >= max(0.1, _STRIKE * usual)))
    goes_on = len(strikes) >= 3 and strikes[-1] > 0.6 * len(sinking)
    return Ending.FADE if goes_on else Ending.HARD


def bar_lines(downbeats_s: Doubles, ends: Ends, *, pulse_found: bool) -> Doubles:
    """Lines between bars over the whole sound.

    Parameters
    ----------
    downbeats_s : ndarray, shape=(n,), float64
        Starts of bars, ascending, in seconds; ignored without a pulse.
    ends : Ends
        Of the same track.
    pulse_found : bool
        Whether there are beats; else bars of `FREE_BAR_S` are laid from the start of the sound.

    Returns
    -------
    ndarray, shape=(n_bars + 1,), float64
        Strictly ascending. The bars are the music's own; where sound goes on after the last downbeat for more than a
        quarter of a bar, its end is one more line.

    Examples
    --------
    >>> bar_lines(np.zeros(0), Ends(0.5, 5.0, Ending.HARD), pulse_found=False).tolist()
    [0.5, 2.5, 5.0]
    """
    length_s = ends.end_s - ends.start_s
    if not pulse_found or len(downbeats_s) < 2:
        n = max(1, round(length_s / FREE_BAR_S - 0.25))
        lines = ends.start_s + FREE_BAR_S * np.arange(n)
        return np.append(lines, max(ends.end_s, float(lines[-1]) + 0.1)).astype(np.float64)
    bar_s = float(np.median(np.diff(downbeats_s)))
    lines = downbeats_s[(downbeats_s >= ends.start_s - 0.25 * bar_s) & (downbeats_s < ends.end_s)]
    if len(lines) == 0 or ends.end_s - float(lines[-1]) > 0.25 * bar_s:
        lines = np.append(lines, ends.end_s)
    return np.asarray(lines if len(lines) > 1 else [ends.start_s, ends.end_s], np.float64)


def _unit(rows: Doubles) -> Doubles:
    """Rows of length 1; rows of zeros become even ones."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    even = np.full(rows.shape, 1 / np.sqrt(rows.shape[1]))
    return np.where(norm > 1e-9, rows / np.maximum(norm, 1e-9), even)


def bar_features(frames: Frames, lines_s: Doubles) -> FloatArray:
    """Compact description of every bar.

    Parameters
    ----------
    frames : Frames
        Of the track.
    lines_s : ndarray, shape=(n_bars + 1,), float64
        From `bar_lines`.

    Returns
    -------
    ndarray, shape=(n_bars, N_BAR_FEATURES), float32
        Rows of length 1: the dot product of two is their likeness, at most 1.
    """
    from scipy.fft import dct

    chroma = mean_between(frames.chroma, lines_s, hop_s=frames.tone_hop_s).astype(np.float64)
    bands = np.maximum(mean_between(np.maximum(frames.bands, -90.0), lines_s, hop_s=frames.hop_s), -90.0)
    shape = dct(bands.astype(np.float64), axis=1, norm="ortho")[:, 1:13]
    level = mean_between(np.square(10 ** (frames.level_db[:, None] / 20)), lines_s, hop_s=frames.hop_s)[:, 0]
    level_db = 10 * np.log10(np.maximum(level.astype(np.float64), 1e-9))
    activity = mean_between(frames.onset[:, None], lines_s, hop_s=frames.hop_s)[:, 0].astype(np.float64)
    typical = float(np.median(activity)) + 1e-6

    def angle(value: Doubles) -> Doubles:
        """A number in [-1, 1] as a point on a half circle, so that a dot product measures its distance."""
        turn = np.clip(value, -1, 1) * np.pi / 2
        return np.stack([np.cos(turn), np.sin(turn)], axis=1)

    centred = shape - shape.mean(axis=0, keepdims=True)
    spread = float(np.sqrt(np.mean(np.sum(centred**2, axis=1))))
    parts = (
        _unit(chroma),
        _unit(centred + 0.5 * max(spread, 3.0) * np.eye(12)[0]),
        angle((level_db - float(np.median(level_db))) / _LEVEL_REACH_DB),
        angle((activity - typical) / (activity + typical)),
    )
    weighted = [np.sqrt(share) * part for share, part in zip(_SHARES, parts, strict=True)]
    return np.concatenate(weighted, axis=1).astype(np.float32)


def bar_levels_db(features: FloatArray) -> FloatArray:
    """How much louder each bar is than the track's middle, as the features tell.

    Parameters
    ----------
    features : ndarray, shape=(n_bars, F), float32
        From `bar_features`.

    Returns
    -------
    ndarray, shape=(n_bars,), float32
        In [-20, 20] dB; 0 where the table is of another kind.
    """
    if features.ndim != 2 or features.shape[1] != N_BAR_FEATURES:
        return np.zeros(len(features), np.float32)
    turn = np.arctan2(features[:, _LEVEL_COLUMN + 1], features[:, _LEVEL_COLUMN])
    return (turn / (np.pi / 2) * _LEVEL_REACH_DB).astype(np.float32)


def section_lines(features: FloatArray) -> list[int]:
    """Bars with which a new section starts, always beginning with 0.

    Parameters
    ----------
    features : ndarray, shape=(n_bars, F), float32
        From `bar_features`.

    Examples
    --------
    >>> section_lines(np.repeat(np.eye(4, dtype=np.float32), 8, axis=0))
    [0, 8, 16, 24]
    """
    n = len(features)
    if n < 2 * _SHORTEST_SECTION_BARS:
        return [0] if n else []
    likeness = (features @ features.T).astype(np.float64)
    reach = min(_NOVELTY_BARS, n // 2)
    side = np.arange(-reach, reach) + 0.5
    taper = np.exp(-0.5 * (side / (0.5 * reach)) ** 2)
    board = np.sign(side)[:, None] * np.sign(side)[None, :] * taper[:, None] * taper[None, :]
    padded = np.pad(likeness, reach, mode="edge")
    novelty = np.array([np.sum(board * padded[i : i + 2 * reach, i : i + 2 * reach]) for i in range(n)])
    novelty /= max(1e-9, float(np.sum(np.abs(board))))
    # A section is plainly new: against the track's own unrest, and against a floor for tracks that never change.
    floor = max(0.02, float(novelty.mean() + 0.5 * novelty.std()))
    starts = [0]
    for i in np.argsort(-novelty, kind="stable"):
        if novelty[i] < floor:
            break
        near = max(abs(i - s) < _SHORTEST_SECTION_BARS for s in starts)
        if not near and n - i >= _SHORTEST_SECTION_BARS:
            starts.append(int(i))
    return sorted(starts)
