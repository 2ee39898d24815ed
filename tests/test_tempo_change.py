"""Music at another speed: exact to the sample, at its own pitch, its beats where they belong."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.bed import Music
from soundtrack.mix.plan import Piece, plan_mix
from soundtrack.mix.tempo_change import stretch_piece
from soundtrack.types import FloatArray, Section, Span
from test_mix_plan import make_cue, make_sheet

RATE = 48_000


def clicks_and_chord(path: Path, *, seconds: int) -> Path:
    """A chord of three notes with a click every half second, as a wave file."""
    import wave

    t = np.arange(seconds * RATE) / RATE
    sound = sum(0.1 * np.sin(2 * np.pi * f * t) for f in (220.0, 277.0, 330.0))
    rng = np.random.default_rng(0)
    for at in range(RATE // 2, len(t), RATE // 2):
        sound[at : at + 400] += 0.6 * rng.standard_normal(400) * np.exp(-np.arange(400) / 60)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        pcm = np.clip(np.repeat(sound[:, None], 2, axis=1), -1, 1) * 32767
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


def clicks_off_ms(sound: FloatArray, expected: list[float]) -> list[float]:
    """How late each click is, in milliseconds."""
    sharp = np.abs(np.diff(sound[0].astype(np.float64), n=4))
    energy = np.convolve(sharp, np.ones(24) / 24, "same")
    result = []
    for at in expected:
        low = round(at) - RATE // 20
        near = energy[low : low + RATE // 10]
        result.append((int(np.argmax(near > near.max() / 2)) - RATE // 20) / RATE * 1000)
    return result


@pytest.mark.parametrize("speed", [0.9, 0.98, 1.003, 1.02, 1.1])
def test_a_stretched_piece_keeps_length_beat_and_pitch(tmp_path: Path, speed: float) -> None:
    path = clicks_and_chord(tmp_path / "a.wav", seconds=16)
    piece = Piece(track_start=2 * RATE + 17, film_start=0, n_samples=10 * RATE + 3, speed=speed)
    found = stretch_piece(path, piece)
    assert found.samples.shape == (2, piece.n_samples)
    assert found.n_missing == 0
    heard = [(at - piece.track_start) / speed for at in range(5 * RATE // 2, 11 * RATE, RATE // 2)]
    off_ms = clicks_off_ms(found.samples, [at for at in heard if at < 9.8 * RATE])
    assert max(abs(ms) for ms in off_ms) < 3.0
    spectrum = np.abs(np.fft.rfft(found.samples[0, : 10 * RATE] * np.blackman(10 * RATE)))
    assert abs(np.argmax(spectrum[2150:2250]) + 2150 - 2200) <= 1  # 220 Hz in tenths of a hertz
    assert np.array_equal(found.samples, stretch_piece(path, piece).samples)


def test_stretching_in_a_process_that_has_loaded_decord_does_not_crash() -> None:
    pytest.importorskip("decord")
    code = """
import decord, numpy as np
from soundtrack.mix.tempo_change import _stretched
print(_stretched(np.zeros((2, 9000), np.float32), n_out=10_000).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "(2, 10000)\n"), done.stderr


def test_what_the_track_lacks_is_silent_and_counted(tmp_path: Path) -> None:
    path = clicks_and_chord(tmp_path / "a.wav", seconds=4)
    piece = Piece(track_start=RATE, film_start=0, n_samples=5 * RATE, speed=0.98)
    found = stretch_piece(path, piece)
    assert found.samples.shape == (2, 5 * RATE)
    assert found.n_missing == pytest.approx(5 * RATE - 3 * RATE / 0.98, abs=2)
    assert not found.samples[:, -RATE:].any()


def test_pieces_tile_a_stretched_cue_and_blocks_do_not_matter(tmp_path: Path) -> None:
    path = clicks_and_chord(tmp_path / "a.wav", seconds=30)
    speed = 1.02
    sections = [Section(Span(4.0, 8.0), 0.06, 0.9), Section(Span(20.0, 28.24))]
    cue = replace(make_cue("1m01", 1.0, sections), span=Span(1.0, 13.0), speed=speed)
    sheet = make_sheet([cue], film_s=15.0, track_s=30.0)
    plan = plan_mix(sheet)
    first, second = plan.cues[0].pieces
    assert (first.film_start, second.film_end) == (RATE, 13 * RATE)
    assert first.film_end - first.fall // 2 == second.film_start + second.rise // 2 == RATE + round(4 * RATE / speed)
    made = []
    for step in (15 * RATE, 4_321):
        with Music(plan, track_paths={"t1": path}) as music:
            blocks = [music.block(a, min(a + step, 15 * RATE)).sounding for a in range(0, 15 * RATE, step)]
        made.append(np.concatenate(blocks, axis=1))
        assert music.missing_s == {}
    assert np.array_equal(made[0], made[1])
    off_ms = clicks_off_ms(made[0], [RATE + (k * RATE / 2) / speed for k in range(1, 8)])
    assert max(abs(ms) for ms in off_ms) < 3.0


def test_a_cue_at_its_own_tempo_is_the_track_untouched(tmp_path: Path) -> None:
    path = clicks_and_chord(tmp_path / "a.wav", seconds=12)
    cue = replace(make_cue("1m01", 1.0, [Section(Span(4.0, 8.0))]), fade_in_s=0.0, fade_out_s=0.0)
    with Music(plan_mix(make_sheet([cue], film_s=6.0, track_s=12.0)), track_paths={"t1": path}) as music:
        block = music.block(0, 6 * RATE).sounding
    track = read_audio(path, sample_rate_hz=RATE, channels=2)
    assert np.array_equal(block[:, RATE : 5 * RATE], track[:, 4 * RATE : 8 * RATE])
