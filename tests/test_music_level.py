"""Levels that people ask for: music louder or softer, and a target for the dialogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, ebur128, ffmpeg, make_film, make_job, write_track
from soundtrack.cli.app import command_line
from soundtrack.cli.choices import mix_settings
from soundtrack.cli.options import DuckName
from soundtrack.documents import cuesheet
from soundtrack.media.reading.probe import probe
from soundtrack.mix.balance import Balance, BalanceMeter, loudness_lufs, mixed_power
from soundtrack.mix.ducking import MAX_DEPTH_DB, gain_db_at
from soundtrack.mix.levels import Levels, set_levels
from soundtrack.mix.render import render_film
from soundtrack.types import GainPoint, MixNotes, Span

SPEECH = Span(8.0, 14.0)
NOTES = MixNotes(-16.0, -1.0, keep_original=True, speech_over_music_lu=12.0, crossfade_s=1.0)
DUCKED = tuple(GainPoint(*point) for point in ((0.0, 0.0), (7.0, 0.0), (7.6, -8.0), (14.0, -8.0), (15.0, 0.0)))


@pytest.fixture(scope="module")
def balance() -> Balance:
    """Twenty seconds, six of them speech, with music throughout."""
    rng = np.random.default_rng(4)
    t = np.arange(20 * RATE) / RATE
    on = (t >= SPEECH.start_s) & (t < SPEECH.end_s)
    voice, music = (rng.normal(0, size, (2, len(t))).astype(np.float32) for size in (0.03, 0.1))
    gain = (10 ** (gain_db_at(DUCKED, t) / 20)).astype(np.float32)
    meter = BalanceMeter()
    meter.push(voice * on, music=music * gain, reference=music * gain)
    return meter.result()


def levels(balance: Balance, *, speech: tuple[Span, ...] = (SPEECH,), **notes: object) -> Levels:
    changed = replace(NOTES, **notes)  # type: ignore[arg-type] # any field
    return set_levels(balance, speech=speech, notes=changed, has_original=True, ducking=DUCKED if speech else ())


@pytest.mark.parametrize("level_db", [-12.0, -6.0, 3.0])
def test_music_level_moves_the_music_in_the_clear_by_so_much(balance: Balance, level_db: float) -> None:
    usual, moved = (levels(balance, music_level_db=x) for x in (0.0, level_db))
    assert moved.music_gain_db - usual.music_gain_db == pytest.approx(level_db, abs=1e-5)
    assert moved.speech_over_music_low_lu is not None
    assert moved.speech_over_music_low_lu >= 11.0, "speech keeps its distance"


def test_louder_music_ducks_deeper_and_never_too_deep(balance: Balance) -> None:
    usual, louder, loudest = (levels(balance, music_level_db=x) for x in (0.0, 4.0, 12.0))
    depths = [float(gain_db_at(found.ducking, np.array([11.0]))[0]) for found in (usual, louder, loudest)]
    assert depths[0] > depths[1] + 2
    assert min(depths) >= -MAX_DEPTH_DB - 0.3
    assert loudest.speech_over_music_low_lu is not None and loudest.speech_over_music_low_lu >= 9.0


def test_a_dialogue_target_is_met_by_the_speech_and_not_by_the_whole(balance: Balance) -> None:
    found = levels(balance, dialogue_gated=True, target_lufs=-27.0)
    middles_s = (np.arange(len(balance.original)) + 0.5) / 10
    moved = found.music_gain_db + gain_db_at(found.ducking, middles_s) - gain_db_at(DUCKED, middles_s)
    power = mixed_power(balance, music_gain_db=moved) * 10 ** (found.master_gain_db / 10)
    assert loudness_lufs(power[80:140]) == pytest.approx(-27.0, abs=0.2)
    assert abs(loudness_lufs(power) + 27.0) > 0.3
    assert found.lift_db == 0.0


def test_without_speech_a_dialogue_target_is_that_of_the_whole(balance: Balance) -> None:
    assert levels(balance, speech=(), dialogue_gated=True) == levels(balance, speech=())


@pytest.mark.slow
def test_a_film_for_a_dialogue_target_measures_so_by_an_independent_meter(tmp_path: Path) -> None:
    film, rng = tmp_path / "film.mkv", np.random.default_rng(4)
    t = np.arange(20 * RATE) / RATE
    on = (t >= SPEECH.start_s) & (t < SPEECH.end_s)
    sound = np.where(on, 0.05, 0.2) * rng.normal(0, 1, len(t))
    wavfile.write(tmp_path / "v.wav", RATE, np.stack([sound, sound], axis=1).astype(np.float32))
    make_film(film, sound=tmp_path / "v.wav", seconds=20.0, more=["-c:a", "flac"])
    job = make_job(film, [write_track(tmp_path / "t.wav", seconds=24.0)], speech=(SPEECH,))
    mix = replace(job.sheet.mix, dialogue_gated=True, target_lufs=-27.0, ceiling_dbtp=-2.0)
    sheet = cuesheet.rounded(replace(job.sheet, mix=mix))
    report = render_film(probe(film), sheet, tmp_path / "out.mkv", track_paths=job.track_paths)
    cut = tmp_path / "spoken.wav"
    ffmpeg("-y", "-ss", str(SPEECH.start_s), "-t", str(SPEECH.duration_s), "-i", report.path, "-vn", cut)
    assert ebur128(cut).integrated_lufs == pytest.approx(-27.0, abs=2.0)
    assert ebur128(report.path).true_peak_dbtp <= -2.0
    assert report.integrated_lufs > -24.0, "the whole is louder than the dialogue"
    assert any("dialogue: -27" in line for line in report.summary())
    assert report.as_dict()["dialogue_lufs"] == pytest.approx(-27.0, abs=0.5)


def test_a_dialogue_target_without_speech_was_told_as_loudness_during_speech(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    make_film(film, seconds=4.0)
    job = make_job(film, [write_track(tmp_path / "t.wav", seconds=6.0)])
    mix = replace(job.sheet.mix, dialogue_gated=True, target_lufs=-27.0, ceiling_dbtp=-2.0)
    sheet = cuesheet.rounded(replace(job.sheet, mix=mix))
    report = render_film(probe(film), sheet, tmp_path / "out.mkv", track_paths=job.track_paths)
    assert "dialogue: no speech in the mix; the target is met by the whole" in report.summary()
    assert report.as_dict()["dialogue_lufs"] is None
    assert report.integrated_lufs == pytest.approx(-27.0, abs=0.5)


@pytest.mark.parametrize("value", ["-21", "13", "nan", "loud"])
def test_a_level_out_of_range_is_refused(value: str) -> None:
    words = ["spot", "nothing.json", f"--music-level={value}"]
    with pytest.raises(Exception, match=r"greater than|less than|valid (number|float)"):
        command_line()(words, standalone_mode=False)


def test_the_dialogue_target_sets_loudness_and_peak() -> None:
    made = mix_settings(target="Dialogue", keep_original=True, keep_level=False, duck=DuckName.NORMAL)
    assert (made.target_lufs, made.ceiling_dbtp, made.dialogue_gated) == (-27.0, -2.0, True)
