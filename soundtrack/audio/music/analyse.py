"""Musical analysis of one track: tempo, key, bars, sections, ends, in one call.

Goes in: the whole track as (channels, samples). Comes out: `Listening`. All parts share one pass of Fourier transforms
(`spectrum`); nothing here knows files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.audio.music.key import find_key
from soundtrack.audio.music.spectrum import mean_between, take_frames
from soundtrack.audio.music.structure import bar_features, bar_lines, find_ends, section_lines
from soundtrack.audio.music.tempo import find_pulse
from soundtrack.timebase import round_s
from soundtrack.types import BarTable, FloatArray, MusicAnalysis


@dataclass(frozen=True, slots=True)
class Listening:
    """What listening says about the build of a track."""

    analysis: MusicAnalysis
    """Tempo, key, beats, sections, ends."""
    bars: BarTable
    """Where it may be cut, and how each bar sounds."""
    energy_db: npt.NDArray[np.float32] = field(repr=False, compare=False)
    """Mean level of each bar in dBFS, shape (n_bars,)."""


def analyse_music(samples: FloatArray, *, sample_rate_hz: int, vocal_share: float | None = None) -> Listening:
    """Everything about the musical build of a track.

    Parameters
    ----------
    samples : ndarray, shape=(channels, n), float32
        The whole track in [-1, 1].
    sample_rate_hz : int >= 16000
        Samples a second; 44100 or 48000 as a rule.
    vocal_share : float, optional
        Share with singing, in [0, 1], if known; passed through.

    Returns
    -------
    Listening
        Times on the track's clock, to the microsecond. Without a pulse there are no beats, and bars are a grid of two
        seconds.

    Examples
    --------
    >>> listening = analyse_music(np.zeros((2, 96_000), np.float32), sample_rate_hz=48_000)
    >>> listening.analysis.tempo_bpm is None, len(listening.bars.features)
    (True, 1)
    """
    if samples.ndim != 2 or samples.shape[1] == 0:
        raise ValueError(f"samples must have shape (channels, n) with n > 0, got {samples.shape}")
    frames = take_frames(samples, sample_rate_hz=sample_rate_hz)
    ends = find_ends(frames)
    pulse = find_pulse(frames)
    key = find_key(frames.chroma)
    found = pulse.tempo_bpm is not None
    lines_s = bar_lines(pulse.downbeats_s, ends, pulse_found=found)
    lines_s = np.array([round_s(float(t)) for t in lines_s])
    features = bar_features(frames, lines_s)
    power = mean_between(np.square(10 ** (frames.level_db[:, None] / 20)), lines_s, hop_s=frames.hop_s)[:, 0]
    analysis = MusicAnalysis(
        tempo_bpm=round(pulse.tempo_bpm, 3) if pulse.tempo_bpm is not None else None,
        tempo_confidence=round(pulse.confidence, 4),
        key=key.name,
        key_confidence=round(key.confidence, 4),
        beats_s=tuple(round_s(float(t)) for t in pulse.beats_s),
        downbeats_s=tuple(round_s(float(t)) for t in pulse.downbeats_s),
        beats_per_bar=pulse.beats_per_bar,
        sections_s=tuple(float(lines_s[i]) for i in section_lines(features)),
        music_start_s=round_s(ends.start_s),
        music_end_s=round_s(ends.end_s),
        ending=ends.ending,
        vocal_share=vocal_share,
    )
    level_db = 10 * np.log10(np.maximum(power, 1e-10))
    return Listening(analysis, BarTable(lines_s, features), level_db.astype(np.float32))
