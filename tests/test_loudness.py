"""Loudness against the signals of EBU Tech 3341 and 3342, BS.1770-5 and an independent meter."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from soundtrack.audio.levels.k_weighting import KPower, k_filter
from soundtrack.audio.levels.loudness import LoudnessMeter, channel_weights, measure_loudness
from soundtrack.audio.levels.true_peak import TruePeak, interpolator
from soundtrack.media.process import ffmpeg_path
from soundtrack.types import FloatArray, Span

RATE_HZ = 48_000


def tone(
    level_dbfs: float, duration_s: float, *, hz: float = 1000.0, channels: int = 2, phase: float = 0.0
) -> FloatArray:
    """A sine whose peak lies at a level."""
    t = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * t + phase)
    return np.tile(wave, (channels, 1)).astype(np.float32)


def tones(*parts: tuple[float, float]) -> FloatArray:
    """Tones of (level, seconds) one after another."""
    return np.concatenate([tone(level, seconds) for level, seconds in parts], axis=1)


TECH_3341 = {
    "1": (tones((-23, 20)), -23.0),
    "2": (tones((-33, 20)), -33.0),
    "3": (tones((-36, 10), (-23, 60), (-36, 10)), -23.0),
    "4": (tones((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
    "5": (tones((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
}


@pytest.mark.parametrize("case", TECH_3341)
def test_integrated_loudness_of_tech_3341(case: str) -> None:
    sound, expected = TECH_3341[case]
    assert measure_loudness(sound).integrated_lufs == pytest.approx(expected, abs=0.1)


def test_five_channels_count_as_tech_3341_case_6_says() -> None:
    front, centre, rear = tone(-28, 20, channels=2), tone(-24, 20, channels=1), tone(-30, 20, channels=2)
    loud_bass = tone(-6, 20, hz=40, channels=1)
    sound = np.concatenate([front, centre, loud_bass, rear])
    assert measure_loudness(sound).integrated_lufs == pytest.approx(-23.0, abs=0.1)


TECH_3342 = {
    "1": (tones((-20, 20), (-30, 20)), 10.0),
    "2": (tones((-20, 20), (-15, 20)), 5.0),
    "3": (tones((-40, 20), (-20, 20)), 20.0),
    "4": (tones((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),
}


@pytest.mark.parametrize("case", TECH_3342)
def test_loudness_range_of_tech_3342(case: str) -> None:
    sound, expected = TECH_3342[case]
    assert measure_loudness(sound).range_lu == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("hz", "phase_deg"), [(12_000, 0), (12_000, 45), (8_000, 60), (6_000, 67.5)])
def test_true_peak_between_the_samples(hz: float, phase_deg: float) -> None:
    """Tech 3341, cases 15 to 18: a sine of 0.5 whose samples miss its top."""
    sound = tone(20 * np.log10(0.5), 1, hz=hz, phase=np.radians(phase_deg))
    sound *= np.clip(np.minimum(np.arange(RATE_HZ), np.arange(RATE_HZ)[::-1]) / 2400, 0, 1).astype(np.float32)
    assert -6.4 <= measure_loudness(sound).true_peak_dbtp <= -5.8


def test_silence_is_seventy_under() -> None:
    loudness = measure_loudness(np.zeros((2, RATE_HZ * 5), np.float32))
    assert (loudness.integrated_lufs, loudness.range_lu, loudness.true_peak_dbtp) == (-70.0, 0.0, -99.0)


def test_no_sound_at_all_is_silence() -> None:
    assert LoudnessMeter().result().integrated_lufs == -70.0


def test_blocks_make_no_difference(rng: np.random.Generator) -> None:
    sound = (0.2 * rng.standard_normal((2, RATE_HZ * 8))).astype(np.float32)
    sound[:, RATE_HZ * 2 : RATE_HZ * 4] *= 0.05
    whole, pieces = LoudnessMeter(), LoudnessMeter()
    whole.push(sound)
    at = 0
    for size in [1, 7, 4799, 4800, 100_000, 3, 48_000, 10**6]:
        pieces.push(sound[:, at : at + size])
        at += size
    assert pieces.result().integrated_lufs == pytest.approx(whole.result().integrated_lufs, abs=1e-5)
    assert pieces.result().range_lu == pytest.approx(whole.result().range_lu, abs=1e-5)
    assert pieces.result().true_peak_dbtp == pytest.approx(whole.result().true_peak_dbtp, abs=1e-5)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 96_000])
def test_other_rates_measure_the_same(rate_hz: int) -> None:
    t = np.arange(rate_hz * 6) / rate_hz
    sound = np.tile(10 ** (-23 / 20) * np.sin(2 * np.pi * 997 * t), (2, 1)).astype(np.float32)
    assert measure_loudness(sound, sample_rate_hz=rate_hz).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_loudness_inside_spans_hears_nothing_else() -> None:
    meter = LoudnessMeter()
    meter.push(tones((-30, 5), (-18, 5), (-30, 5)))
    assert meter.loudness_inside([Span(5.5, 9.5)]) == pytest.approx(-18, abs=0.2)
    assert meter.loudness_inside([Span(0.5, 4.5), Span(11, 14)]) == pytest.approx(-30, abs=0.2)
    assert meter.loudness_inside([]) is None


def test_gain_moves_loudness_and_peak_alike(rng: np.random.Generator) -> None:
    sound = (0.1 * rng.standard_normal((2, RATE_HZ * 4))).astype(np.float32)
    low, high = measure_loudness(sound), measure_loudness(sound * np.float32(10 ** (6 / 20)))
    assert high.integrated_lufs - low.integrated_lufs == pytest.approx(6, abs=0.01)
    assert high.true_peak_dbtp - low.true_peak_dbtp == pytest.approx(6, abs=0.01)


def test_agrees_with_ffmpeg(rng: np.random.Generator) -> None:
    noise = rng.standard_normal((2, RATE_HZ * 20)) * np.repeat(10 ** rng.uniform(-2, -0.7, 20), RATE_HZ)
    sound = np.cumsum(noise, axis=1) * 0.02 + 0.3 * noise
    sound = (sound - sound.mean(axis=1, keepdims=True)).astype(np.float32)
    command = [str(ffmpeg_path()), "-nostats", "-f", "f32le", "-ar", str(RATE_HZ), "-ac", "2", "-i", "-"]
    command += ["-lavfi", "ebur128=peak=true", "-f", "null", "-"]
    run = subprocess.run(command, input=sound.T.tobytes(), capture_output=True, check=True)
    report = run.stderr.decode()
    theirs = {
        name: float(re.findall(rf"{name}:\s+(\S+) (?:LUFS|LU|dBFS)", report)[-1]) for name in ("I", "LRA", "Peak")
    }
    ours = measure_loudness(sound)
    assert ours.integrated_lufs == pytest.approx(theirs["I"], abs=0.1)
    assert ours.range_lu == pytest.approx(theirs["LRA"], abs=0.3)  # theirs reads it off a histogram
    assert ours.true_peak_dbtp == pytest.approx(theirs["Peak"], abs=0.2)


def test_weights_are_the_standards() -> None:
    assert channel_weights(1).tolist() == [1.0]
    assert channel_weights(2).tolist() == [1.0, 1.0]
    assert channel_weights(8).tolist() == [1, 1, 1, 0, 1.41, 1.41, 1.41, 1.41]


def test_a_block_of_other_shape_is_refused() -> None:
    meter = LoudnessMeter()
    meter.push(np.zeros((2, 10), np.float32))
    with pytest.raises(ValueError, match="channels"):
        meter.push(np.zeros((1, 10), np.float32))


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 22_050, 8_010])
def test_power_is_that_of_the_filter_walked_sample_by_sample(rate_hz: int, rng: np.random.Generator) -> None:
    from scipy.signal import sosfilt

    sound = (0.1 * rng.standard_normal((2, rate_hz * 3)) + 0.3).astype(np.float32)  # an offset is what rings longest
    step = round(rate_hz / 10)
    weighted = sosfilt(k_filter(rate_hz), sound.astype(np.float64), axis=1)[:, : sound.shape[1] // step * step]
    expected = np.square(weighted).reshape(2, -1, step).mean(axis=2)
    power = KPower(rate_hz)
    got = np.concatenate([power.push(sound[:, :12_345]), power.push(sound[:, 12_345:])], axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 11, 12, 600, 50_000])
def test_true_peak_is_that_of_oversampling_everything(n: int, rng: np.random.Generator) -> None:
    from scipy.signal import upfirdn

    sound = (0.3 * rng.standard_normal((2, n))).astype(np.float32)
    filters = np.concatenate([np.eye(12)[:, [5]], interpolator()], axis=1)  # the sample itself, and the three after it
    padded = np.concatenate([np.zeros((2, 11)), sound], axis=1)
    between = upfirdn(filters[::-1].reshape(-1), padded, up=4, axis=1)[:, 44 : 44 + 4 * n]
    peak = TruePeak()
    for start in range(0, n, 9_999):
        peak.push(sound[:, start : start + 9_999])
    assert peak.value == pytest.approx(max(np.abs(between).max(), np.abs(sound).max()), rel=1e-5)
