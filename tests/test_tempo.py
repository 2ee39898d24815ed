"""Tempo, beats and bars of pulses whose every beat is known."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.music import bars
from soundtrack.audio.music.bars import on_the_beat
from soundtrack.audio.music.spectrum import Frames, mean_between, take_frames
from soundtrack.audio.music.tempo import Pulse, find_pulse
from soundtrack.types import FloatArray


def pulse_of(sound: FloatArray, rate_hz: int = 22_050) -> Pulse:
    return find_pulse(take_frames(sound, sample_rate_hz=rate_hz))


def struck(times_s: np.ndarray, *, hz: np.ndarray, duration_s: float, rate_hz: int = 22_050) -> FloatArray:
    """A short decaying tone at each time."""
    sound = np.zeros(round(duration_s * rate_hz))
    t = np.arange(round(0.12 * rate_hz)) / rate_hz
    for time_s, tone_hz in zip(times_s, hz, strict=True):
        at = round(time_s * rate_hz)
        note = 0.4 * np.sin(2 * np.pi * tone_hz * t) * np.exp(-40 * t)
        sound[at : at + len(t)] += note[: len(sound) - at]
    return sound[None].astype(np.float32)


@pytest.mark.parametrize("bpm", [61.0, 73.0, 90.0, 113.7, 120.0, 137.0])
@pytest.mark.parametrize("rate_hz", [22_050, 48_000])
def test_beats_of_a_metronome_are_right_to_20_ms(bpm: float, rate_hz: int) -> None:
    beats_s = np.arange(0.4, 30, 60 / bpm)
    pulse = pulse_of(struck(beats_s, hz=np.full(len(beats_s), 1000.0), duration_s=30.5, rate_hz=rate_hz), rate_hz)
    assert pulse.tempo_bpm == pytest.approx(bpm, rel=0.005)
    assert pulse.confidence > 0.8
    distance = np.abs(pulse.beats_s[:, None] - beats_s[None]).min(axis=1)
    assert distance.max() < 0.020
    assert len(pulse.beats_s) == pytest.approx(len(beats_s), abs=1)


def test_a_fast_metronome_may_be_counted_in_half_time_but_stays_on_the_beat() -> None:
    beats_s = np.arange(0.4, 30, 60 / 180)
    pulse = pulse_of(struck(beats_s, hz=np.full(len(beats_s), 1000.0), duration_s=30.5))
    assert pulse.tempo_bpm is not None
    assert min(abs(pulse.tempo_bpm - 180), abs(pulse.tempo_bpm - 90)) < 1
    assert np.abs(pulse.beats_s[:, None] - beats_s[None]).min(axis=1).max() < 0.020


def test_a_slow_change_of_tempo_is_followed() -> None:
    spacing = 60 / np.linspace(100, 116, 80)
    beats_s = 0.3 + np.concatenate([[0], np.cumsum(spacing)])
    sound = struck(beats_s, hz=np.full(len(beats_s), 800.0), duration_s=float(beats_s[-1]) + 1)
    pulse = pulse_of(sound)
    inner = pulse.beats_s[2:-2]
    assert np.quantile(np.abs(inner[:, None] - beats_s[None]).min(axis=1), 0.9) < 0.030


@pytest.mark.parametrize("per_bar", [3, 4])
@pytest.mark.parametrize("pickup", [0, 1, 2])
def test_bars_start_where_the_bass_and_the_chord_are(per_bar: int, pickup: int) -> None:
    rate_hz, bpm = 22_050, 105.0
    beats_s = 0.5 + np.arange(72) * 60 / bpm
    place = (np.arange(72) - pickup) % per_bar
    sound = struck(beats_s, hz=np.where(place == 0, 90.0, 900.0), duration_s=43.0)
    # A chord that changes with every bar.
    t = np.arange(sound.shape[1]) / rate_hz
    bar = np.floor((t - beats_s[pickup]) / (per_bar * 60 / bpm)).astype(int)
    root = np.array([0, 5, 7, 2])[bar % 4]
    for step in (0, 4, 7):
        sound[0] += (0.03 * np.sin(2 * np.pi * 261.6 * 2 ** ((root + step) / 12) * t)).astype(np.float32)
    pulse = pulse_of(sound)
    assert pulse.beats_per_bar == per_bar
    truth = beats_s[place == 0]
    inner = pulse.downbeats_s[1:-1]
    assert len(inner) > 8
    assert np.abs(inner[:, None] - truth[None]).min(axis=1).max() < 0.03


@pytest.mark.parametrize(("struck_between", "moves"), [(0.4, False), (0.9, True)])
def test_beats_do_not_move_off_by_half_for_a_melody_that_moves_between_them(struck_between: float, moves: bool) -> None:
    """Piano with the harmony on the soft notes after the beat got all its beats half a beat late."""
    hop_s, n = 0.01, 3_000
    onset, bass = np.zeros(n, np.float32), np.zeros(n, np.float32)
    chroma = np.zeros((n, 12), np.float32)
    beats_s = np.arange(0.5, 29.0, 0.5)
    onset[np.round(beats_s / hop_s).astype(int)] = 1.0
    onset[np.round((beats_s + 0.25) / hop_s).astype(int)] = struck_between
    note = (np.floor((np.arange(n) * hop_s - 0.75) / 0.5).astype(int) * 5) % 12
    chroma[np.arange(n), note] = 1.0
    bands = np.zeros((n, 40), np.float32)
    frames = Frames(hop_s, onset, bass, bands, np.zeros(n, np.float32), hop_s, chroma, n * hop_s)
    off_s = on_the_beat(beats_s, frames)[0] - beats_s[0]
    assert off_s == pytest.approx(0.25 if moves else 0.0)


@pytest.mark.parametrize(("n_accents", "first"), [(1, 0), (10, 3)])
def test_a_track_begins_with_a_bar_unless_many_accents_say_otherwise(n_accents: int, first: int) -> None:
    """Few accents on the last beat of the bar moved every bar line of a piece."""
    accents = np.zeros(40)
    accents[3 : 4 * n_accents : 4] = 1.5
    position, _ = bars._walk_bars(accents, 4)
    assert np.flatnonzero(position == 0)[0] == first
    assert len(np.flatnonzero(position == 0)) in (9, 10)


def test_downbeats_are_beats_and_ascend() -> None:
    beats_s = np.arange(0.4, 20, 0.5)
    pulse = pulse_of(struck(beats_s, hz=np.full(len(beats_s), 500.0), duration_s=20.5))
    assert set(pulse.downbeats_s) <= set(pulse.beats_s)
    assert np.all(np.diff(pulse.beats_s) > 0)
    assert pulse.beats_s[0] >= 0


def test_no_pulse_where_there_is_none(rng: np.random.Generator) -> None:
    t = np.arange(22_050 * 20) / 22_050
    pad = (0.2 * np.sin(2 * np.pi * 220 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.05 * t)))[None].astype(np.float32)
    noise = (0.1 * rng.standard_normal((1, 22_050 * 20))).astype(np.float32)
    for sound in (pad, noise, np.zeros((1, 22_050 * 20), np.float32), noise[:, :1000]):
        pulse = pulse_of(sound)
        assert pulse.tempo_bpm is None
        assert len(pulse.beats_s) == len(pulse.downbeats_s) == 0


def test_a_mean_between_times_is_of_those_rows_alone() -> None:
    rows = np.arange(10, dtype=np.float32)[:, None]
    assert mean_between(rows, np.array([0.0, 0.3, 0.95]), hop_s=0.1)[:, 0].tolist() == pytest.approx([1.0, 6.0])
    assert mean_between(rows, np.array([0.31, 0.32]), hop_s=0.1)[:, 0].tolist() == pytest.approx([4.0])
