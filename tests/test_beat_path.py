"""The most likely beats: found where the tempo swings, among missing ones, neither at half nor at double."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundtrack.audio.music import tempo
from soundtrack.audio.music.beat_network import STEP_S
from soundtrack.audio.music.beat_path import likely_beats
from soundtrack.audio.music.spectrum import take_frames
from soundtrack.types import FloatArray


def swinging(bpm: float, by: float, *, length_s: float = 40.0, phase: float = 0.0) -> np.ndarray:
    """Beats at a tempo that swings by a share of it, in waves of 11 and 17 s, in seconds."""
    clock_s = np.arange(0, length_s, 0.01)
    waves = sum(np.sin(2 * np.pi * clock_s / period + phase) for period in (11.0, 17.0)) / 2
    passed = np.cumsum(bpm / 60 * (1 + by * waves) * 0.01)
    return np.asarray(np.interp(np.arange(1, int(passed[-1])), passed, clock_s))


def chances_of(beats_s: np.ndarray, *, height: float = 0.8) -> FloatArray:
    """What a network says that hears these beats, with half the chance beside each."""
    chances = np.full(int(beats_s[-1] / STEP_S) + 5, 0.01, np.float32)
    at = np.round(beats_s / STEP_S).astype(np.int64)
    for beside, share in ((-1, 0.5), (1, 0.5), (0, 1.0)):
        chances[at + beside] = share * height
    return chances


@settings(max_examples=20, deadline=None)
@given(bpm=st.floats(70, 170), by=st.floats(0, 0.25), phase=st.floats(0, 6), height=st.floats(0.5, 0.95))
def test_beats_are_found_at_every_tempo_however_it_swings(bpm: float, by: float, phase: float, height: float) -> None:
    beats_s = swinging(bpm, by, phase=phase)
    found = likely_beats(chances_of(beats_s, height=height))
    assert len(found) == len(beats_s)
    assert np.abs(found * STEP_S - beats_s).max() < STEP_S


@pytest.mark.parametrize("every", [5, 9])
def test_a_beat_that_is_not_heard_is_filled_in(every: int) -> None:
    beats_s = swinging(100.0, 0.1)
    heard = np.delete(beats_s, np.s_[3 : len(beats_s) - 1 : every])
    found_s = likely_beats(chances_of(heard)) * STEP_S
    assert len(found_s) == len(beats_s)
    assert np.abs(found_s - beats_s).max() < 0.07


@pytest.mark.parametrize("n", [0, 1, 5, 40])
def test_few_steps_give_few_beats(n: int) -> None:
    found = likely_beats(np.full(n, 0.5, np.float32))
    assert len(found) <= 1 + n // 10
    assert np.all(np.diff(found) > 0)


def share_found(beats_s: np.ndarray, found_s: np.ndarray) -> float:
    """Share of the beats with one within 70 ms."""
    return float((np.abs(found_s[:, None] - beats_s).min(axis=0) < 0.07).mean())


def test_a_piece_that_swings_is_followed_better_than_by_even_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    beats_s = swinging(95.0, 0.3)[:-1]
    rate_hz = 24_000
    t = np.arange(round(41.0 * rate_hz)) / rate_hz
    sound = np.zeros(len(t))
    for i, beat_s in enumerate(beats_s):
        note = slice(round(beat_s * rate_hz), round((beat_s + 0.8) * rate_hz))
        after = t[note] - beat_s
        tones = (65.4, 130.8, 164.8, 196.0) if i % 4 == 0 else (261.6, 329.6, 392.0)
        sound[note] += (
            (0.2 if i % 4 == 0 else 0.08) * np.exp(-4 * after) * sum(np.sin(2 * np.pi * f * after) for f in tones)
        )
    frames = take_frames(sound[None].astype(np.float32), sample_rate_hz=rate_hz)
    found = share_found(beats_s, tempo.find_pulse(frames).beats_s)
    monkeypatch.setattr(tempo, "_EVEN", 0.0)
    before = share_found(beats_s, tempo.find_pulse(frames).beats_s)
    assert found > 0.95
    assert found > before
