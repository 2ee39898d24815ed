"""Two gains from one hearing: the prediction must be what a meter finds afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.levels.loudness import SILENCE_LUFS, measure_loudness
from soundtrack.mix.balance import Balance, BalanceMeter, loudness_lufs, mixed_power
from soundtrack.mix.ducking import REFERENCE_LUFS, gain_db_at
from soundtrack.mix.levels import MAX_MASTER_GAIN_DB, MUSIC_FLOOR_LUFS, Levels, set_levels
from soundtrack.types import MixNotes, Span

RATE = 48_000
NOTES = MixNotes(-16.0, -1.0, keep_original=True, speech_over_music_lu=10.0, crossfade_s=1.0)


def tone(lufs: float, *, seconds: float = 10.0, hz: float = 997.0) -> np.ndarray:
    """A stereo sine: 0 dBFS at 997 Hz in both channels is 0 LUFS."""
    wave = 10 ** (lufs / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def measured(original: np.ndarray | None, music: np.ndarray, *, block: int = 100_000) -> Balance:
    meter = BalanceMeter()
    for start in range(0, music.shape[1], block):
        part = music[:, start : start + block]
        meter.push(None if original is None else original[:, start : start + block], music=part, reference=part)
    return meter.result()


def levels(original: np.ndarray | None, music: np.ndarray, *, speech: tuple[Span, ...] = ()) -> Levels:
    return set_levels(measured(original, music), speech=speech, notes=NOTES, has_original=original is not None)


@pytest.mark.parametrize("lufs", [-6.0, -23.0, -40.0])
def test_a_calibrated_tone_reads_as_it_should(lufs: float) -> None:
    assert loudness_lufs(measured(None, tone(lufs)).music) == pytest.approx(lufs, abs=0.1)


def test_agrees_with_the_loudness_meter_on_a_programme_with_gaps(rng: np.random.Generator) -> None:
    audio = rng.normal(0, 0.1, (2, 20 * RATE)).astype(np.float32)
    audio[:, 5 * RATE : 9 * RATE] *= 0.01
    audio[:, 12 * RATE : 14 * RATE] = 0
    expected = measure_loudness(audio, sample_rate_hz=RATE).integrated_lufs
    assert loudness_lufs(measured(None, audio).music) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("gain_db", [-20.0, 0.0, 7.5])
def test_the_mix_is_known_at_any_gain_without_hearing_it(rng: np.random.Generator, gain_db: float) -> None:
    original = rng.normal(0, 0.05, (2, 8 * RATE)).astype(np.float32)
    music = (0.5 * original + rng.normal(0, 0.05, original.shape)).astype(np.float32)  # they share something
    predicted = loudness_lufs(mixed_power(measured(original, music), music_gain_db=gain_db))
    heard = measured(None, (original + 10 ** (gain_db / 20) * music).astype(np.float32))
    assert predicted == pytest.approx(loudness_lufs(heard.music), abs=0.01)


def test_speech_lies_the_wanted_distance_above_the_music() -> None:
    original = tone(-60.0)
    original[:, 2 * RATE : 5 * RATE] = tone(-24.0, seconds=3.0, hz=600.0)
    found = levels(original, tone(-27.0), speech=(Span(2.0, 5.0),))
    assert found.speech_lufs == pytest.approx(-24.2, abs=0.4)
    assert found.speech_over_music_lu == pytest.approx(10.0, abs=0.05)
    assert -27.0 + found.music_gain_db == pytest.approx((found.speech_lufs or 0) - 10.0, abs=0.15)


def test_room_tone_does_not_set_the_level_of_the_music() -> None:
    found = levels(tone(-55.0), tone(REFERENCE_LUFS))
    assert found.music_gain_db == pytest.approx(MUSIC_FLOOR_LUFS - REFERENCE_LUFS)
    louder = levels(tone(-24.0), tone(REFERENCE_LUFS))
    assert louder.music_gain_db == pytest.approx(-24.0 + 3.0 - REFERENCE_LUFS, abs=0.1)


def test_the_final_gain_reaches_the_target_but_raises_no_noise() -> None:
    assert levels(None, tone(-20.0)).master_gain_db == pytest.approx(4.0, abs=0.1)
    quiet = levels(None, tone(-60.0))
    assert quiet.master_gain_db == MAX_MASTER_GAIN_DB
    assert quiet.is_too_quiet


def test_silence_is_left_alone() -> None:
    silent = levels(np.zeros((2, RATE), dtype=np.float32), np.zeros((2, RATE), dtype=np.float32))
    assert silent.is_silent
    assert (silent.mix_lufs, silent.master_gain_db, silent.music_gain_db) == (SILENCE_LUFS, 0.0, 0.0)


@pytest.mark.parametrize("n", [1, 100, 4800, 5000])
def test_sound_shorter_than_a_window_still_has_a_loudness(n: int) -> None:
    assert loudness_lufs(measured(None, tone(-20.0)[:, 30 : 30 + n]).music) > SILENCE_LUFS


@pytest.mark.parametrize("softer_lu", [8.0, 16.0])
def test_a_talker_who_is_much_softer_than_the_other_is_heard_over_the_music(softer_lu: float) -> None:
    original = tone(-70.0, seconds=60.0)
    speech = (Span(5.0, 20.0), Span(30.0, 45.0))
    for span, lufs in zip(speech, (-20.0, -20.0 - softer_lu), strict=True):
        first, last = int(span.start_s * RATE), int(span.end_s * RATE)
        original[:, first:last] = tone(lufs, seconds=span.duration_s, hz=600.0)
    found = levels(original, tone(-20.0, seconds=60.0), speech=speech)
    rows = np.arange(600) / 10 + 0.05
    music_db = -20.0 + found.music_gain_db + gain_db_at(found.ducking, rows)
    for span, lufs in zip(speech, (-20.0, -20.0 - softer_lu), strict=True):
        inside = (rows > span.start_s) & (rows < span.end_s)
        assert music_db[inside].max() < lufs - 9.0
    assert min(point.gain_db for point in found.ducking) >= -20.0
    assert (found.speech_over_music_low_lu or 0) > 9.0
