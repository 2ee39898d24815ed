"""Ends, bars and sections of sound whose build is known, and the one entry point."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.music.analyse import Listening, analyse_music
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.audio.music.structure import N_BAR_FEATURES, Ends, bar_features, bar_lines, find_ends, section_lines
from soundtrack.types import Ending, FloatArray

RATE_HZ = 22_050
BPM = 120.0


def notes(duration_s: float, *, roots: tuple[int, ...] = (0, 9, 5, 7), brightness: int = 3) -> FloatArray:
    """Chords of a bar each with a struck beat, mono, from time 0."""
    n = round(duration_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    beat, bar = np.floor(t * BPM / 60).astype(int), np.floor(t * BPM / 240).astype(int)
    since = t - beat * 60 / BPM
    root = np.array(roots)[bar % len(roots)]
    wave = np.zeros(n)
    for step in (0, 4, 7):
        for k in range(1, brightness + 1):
            wave += np.sin(2 * np.pi * 220 * 2 ** ((root + step) / 12) * k * t) / k
    wave *= 0.4 + 0.6 * np.exp(-6 * since)
    wave += 3 * np.sin(2 * np.pi * 60 * t) * np.exp(-25 * since) * (beat % 4 == 0)
    return (0.08 * wave)[None].astype(np.float32)


def ends_of(sound: FloatArray) -> Ends:
    return find_ends(take_frames(sound, sample_rate_hz=RATE_HZ))


def test_silence_around_the_music_is_left_out() -> None:
    quiet = np.zeros((1, RATE_HZ), np.float32)
    ends = ends_of(np.concatenate([quiet, quiet, notes(10), quiet], axis=1))
    assert ends.start_s == pytest.approx(2.0, abs=0.03)
    assert ends.end_s == pytest.approx(12.0, abs=0.03)


def test_music_that_stops_in_the_middle_is_cut() -> None:
    assert ends_of(notes(20)).ending is Ending.CUT
    assert ends_of(np.concatenate([notes(20), np.zeros((1, RATE_HZ * 2), np.float32)], axis=1)).ending is Ending.CUT


@pytest.mark.parametrize("fade_s", [4.0, 8.0])
def test_music_that_sinks_while_it_plays_on_is_a_fade(fade_s: float) -> None:
    sound = notes(30)
    n = round(fade_s * RATE_HZ)
    sound[:, -n:] *= (10 ** np.linspace(0, -60 / 20, n)).astype(np.float32)
    assert ends_of(sound).ending is Ending.FADE


def test_a_last_chord_that_rings_is_a_hard_ending() -> None:
    t = np.arange(RATE_HZ * 6) / RATE_HZ
    last = sum(np.sin(2 * np.pi * hz * t) for hz in (220, 277.2, 329.6)) * 0.12 * np.exp(-1.2 * t)
    sound = np.concatenate([notes(20), last[None].astype(np.float32)], axis=1)
    assert ends_of(sound).ending is Ending.HARD


def test_nothing_but_silence_has_ends_too() -> None:
    ends = ends_of(np.zeros((1, RATE_HZ * 3), np.float32))
    assert (ends.start_s, ends.end_s) == (0.0, 3.0)


def test_bar_lines_end_where_the_sound_ends() -> None:
    ends = Ends(0.0, 9.0, Ending.HARD)
    downbeats = np.array([0.1, 2.1, 4.1, 6.1])
    assert bar_lines(downbeats, ends, pulse_found=True).tolist() == [0.1, 2.1, 4.1, 6.1, 9.0]
    assert bar_lines(downbeats, Ends(0.0, 6.2, Ending.CUT), pulse_found=True).tolist() == [0.1, 2.1, 4.1, 6.1]
    assert np.all(np.diff(bar_lines(np.zeros(0), Ends(0.0, 0.05, Ending.CUT), pulse_found=False)) > 0)


def test_bars_of_the_same_chord_are_more_alike_than_others() -> None:
    frames = take_frames(notes(32), sample_rate_hz=RATE_HZ)
    features = bar_features(frames, np.arange(17) * 2.0)
    assert features.shape == (16, N_BAR_FEATURES)
    assert features.dtype == np.float32
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    likeness = features @ features.T
    lag = np.abs(np.arange(16)[:, None] - np.arange(16)[None])
    same, other = likeness[(lag % 4 == 0) & (lag > 0)], likeness[lag % 4 != 0]
    assert same.min() > other.max()


def test_a_gain_leaves_the_bars_alike() -> None:
    lines = np.arange(9) * 2.0
    sound = notes(16)
    loud = bar_features(take_frames(sound, sample_rate_hz=RATE_HZ), lines)
    soft = bar_features(take_frames(sound * np.float32(0.25), sample_rate_hz=RATE_HZ), lines)
    assert np.sum(loud * soft, axis=1).min() > 0.97


def test_sections_start_where_the_music_changes() -> None:
    sound = np.concatenate(
        [notes(32), 0.4 * notes(32, roots=(3, 3, 8, 10), brightness=8), notes(32)], axis=1, dtype=np.float32
    )
    listening = analyse_music(sound, sample_rate_hz=RATE_HZ)
    for change_s in (32.0, 64.0):
        assert min(abs(s - change_s) for s in listening.analysis.sections_s) < 2.1
    assert len(listening.analysis.sections_s) <= 5


def test_too_few_bars_are_one_section() -> None:
    assert section_lines(np.eye(5, dtype=np.float32)) == [0]
    assert section_lines(np.zeros((0, 5), np.float32)) == []


@pytest.fixture(scope="module")
def listening() -> Listening:
    sound = notes(40)
    return analyse_music(np.concatenate([sound, 0.5 * sound]), sample_rate_hz=RATE_HZ)


def test_listening_holds_together(listening: Listening) -> None:
    a, bars = listening.analysis, listening.bars
    assert a.tempo_bpm == pytest.approx(BPM, rel=0.01)
    assert a.beats_per_bar == 4
    assert set(a.downbeats_s) <= set(a.beats_s)
    assert set(a.sections_s) <= set(bars.bar_starts_s.tolist())
    assert np.all(np.diff(bars.bar_starts_s) > 0)
    assert len(bars.features) == len(listening.energy_db) == len(bars.bar_starts_s) - 1
    assert np.isfinite(bars.features).all()
    assert 0 <= a.music_start_s < a.music_end_s <= 40
    assert bars.bar_starts_s[-1] <= 40
    assert a.vocal_share is None


def test_the_same_sound_gives_the_same_listening(listening: Listening) -> None:
    sound = notes(40)
    again = analyse_music(np.concatenate([sound, 0.5 * sound]), sample_rate_hz=RATE_HZ)
    assert again.analysis == listening.analysis
    assert again.bars.features.tobytes() == listening.bars.features.tobytes()


def test_sound_without_a_pulse_gets_bars_of_two_seconds() -> None:
    t = np.arange(RATE_HZ * 21) / RATE_HZ
    pad = (0.1 * np.sin(2 * np.pi * 110 * t) + 0.1 * np.sin(2 * np.pi * 165 * t))[None].astype(np.float32)
    listening = analyse_music(pad, sample_rate_hz=RATE_HZ, vocal_share=0.25)
    assert listening.analysis.tempo_bpm is None
    assert listening.analysis.beats_s == ()
    assert np.allclose(np.diff(listening.bars.bar_starts_s)[:-1], 2.0, atol=1e-5)
    assert listening.analysis.vocal_share == 0.25


@pytest.mark.parametrize("n", [1, 100, 3000, 30_000])
def test_very_short_sound_is_no_accident(n: int, rng: np.random.Generator) -> None:
    listening = analyse_music((0.1 * rng.standard_normal((2, n))).astype(np.float32), sample_rate_hz=44_100)
    assert len(listening.bars.features) == 1


def test_not_a_number_in_the_sound_is_survived() -> None:
    sound = notes(6)
    sound[0, 1000:1010] = np.nan
    assert np.isfinite(analyse_music(sound, sample_rate_hz=RATE_HZ).bars.features).all()
