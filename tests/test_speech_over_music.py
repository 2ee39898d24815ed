"""Speech lies as far above the music as asked, by a meter that is not ours; music moves no faster than stated."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, Job, ebur128, ffmpeg, make_film, make_job, write_track, write_voice
from soundtrack.audio.voices.speech import SAMPLE_RATE_HZ, SpeechDetector
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.mix.ducking import MAX_ATTACK_DB_PER_S, MAX_RELEASE_DB_PER_S, MusicLevel, duck
from soundtrack.mix.render import render_film
from soundtrack.settings import MixSettings
from soundtrack.types import FloatArray, GainPoint, Span


def ducking_of(speech: Sequence[Span], duration_s: float) -> tuple[GainPoint, ...]:
    """The envelope for music at the reference level throughout."""
    return duck(speech, [MusicLevel(Span(0.0, duration_s), -20.0)], duration_s=duration_s, settings=MixSettings())


def stems_of(job: Job, folder: Path) -> dict[str, FloatArray]:
    """Music and original of the mix."""
    out = folder / "out.mkv"
    render_film(probe(job.film), job.sheet, out, track_paths=job.track_paths, stems=folder / "stems")
    found = {}
    for name in ("MX", "DX"):
        found[name] = read_audio(folder / "stems" / f"out.{name}.flac", sample_rate_hz=RATE, channels=2)
    return found


def loudness_during(sound: FloatArray, speech: Sequence[Span], path: Path) -> float:
    """Integrated loudness of nothing but the speech spans, by ffmpeg's filter."""
    parts = [sound[:, round(s.start_s * RATE) : round(s.end_s * RATE)] for s in speech]
    wavfile.write(path, RATE, np.concatenate(parts, axis=1).T)
    return ebur128(path).integrated_lufs


def distance_lu(stems: dict[str, FloatArray], speech: Sequence[Span], folder: Path) -> float:
    """How far speech lies above the music while somebody speaks."""
    levels = {name: loudness_during(sound, speech, folder / f"{name}.wav") for name, sound in stems.items()}
    return levels["DX"] - levels["MX"]


@pytest.mark.parametrize("wanted_lu", [6.0, 10.0, 15.0])
def test_speech_lies_above_the_music_as_far_as_asked(tmp_path: Path, wanted_lu: float) -> None:
    speech = (Span(1.0, 3.0), Span(6.5, 9.0))
    voice = write_voice(tmp_path / "voice.wav", seconds=10.0, spans=speech)
    film = make_film(tmp_path / "film.mkv", sound=voice, seconds=10.0)
    job = make_job(
        film, [write_track(tmp_path / "t.wav", seconds=14.0)], speech=speech, ducking=ducking_of(speech, 10.0)
    )
    job = replace(job, sheet=replace(job.sheet, mix=replace(job.sheet.mix, speech_over_music_lu=wanted_lu)))
    assert abs(distance_lu(stems_of(job, tmp_path), speech, tmp_path) - wanted_lu) < 1.5


def test_the_music_never_moves_faster_than_stated(tmp_path: Path) -> None:
    """Measured on the stem itself: a steady tone shows every gain."""
    speech = (Span(2.0, 3.0), Span(4.0, 5.5), Span(10.0, 12.0))
    voice = write_voice(tmp_path / "voice.wav", seconds=15.0, spans=speech)
    film = make_film(tmp_path / "film.mkv", sound=voice, seconds=15.0)
    t = np.arange(20 * RATE) / RATE
    wavfile.write(tmp_path / "tone.wav", RATE, (0.2 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32))
    job = make_job(film, [tmp_path / "tone.wav"], speech=speech, ducking=ducking_of(speech, 15.0), fades_s=(0.0, 0.0))
    music = stems_of(job, tmp_path)["MX"][0]
    step = RATE // 50
    frames = music[: len(music) // step * step].reshape(-1, step)
    level_db = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1))
    per_s = np.diff(level_db) * 50
    assert per_s.min() >= -MAX_ATTACK_DB_PER_S - 0.5
    assert per_s.max() <= MAX_RELEASE_DB_PER_S + 0.5
    assert level_db.max() - level_db.min() > 5, "the music was to step aside"
    for span in speech:
        inside = level_db[round(span.start_s * 50) + 1 : round(span.end_s * 50) - 1]
        assert np.ptp(inside) < 0.3, "down before the first word and until the last"
        assert inside.max() < level_db.max() - 6.5


def window_distances_lu(folder: Path, speech: Sequence[Span]) -> np.ndarray:
    """Speech over music in every 3 s inside the given talk, by ffmpeg's short-term loudness of the stems."""
    curves = {}
    for name in ("MX", "DX"):
        said = ffmpeg("-nostats", "-i", folder / "stems" / f"out.{name}.flac", "-af", "ebur128", "-f", "null", "-")
        curves[name] = np.array([float(s) for s in re.findall(r"S:\s*(-?[\d.]+)", said)])
    ends = [i for span in speech for i in range(round(span.start_s * 10) + 30, round(span.end_s * 10))]
    return np.array([curves["DX"][i - 1] - curves["MX"][i - 1] for i in ends])


def assert_speech_stays_clear(found_lu: np.ndarray, wanted_lu: float) -> None:
    assert np.mean(found_lu >= wanted_lu - 1) >= 0.95
    assert found_lu.min() >= wanted_lu - 2


def two_talkers(path: Path, *, apart_db: float = 11.0) -> tuple[Span, ...]:
    """A loud talker and a softer one, in turns."""
    t = np.arange(24 * RATE) / RATE
    rng = np.random.default_rng(2)
    voice = np.convolve(rng.normal(0, 1, len(t)), np.hanning(24) / 5, mode="same") * (0.6 + 0.4 * np.sin(8 * np.pi * t))
    softer = 0.1 * 10 ** (-apart_db / 20)
    level = np.select([(t >= 2) & (t < 7), (t >= 7.4) & (t < 12), (t >= 17) & (t < 22)], [0.1, softer, softer], 0.0)
    sound = level * voice + rng.normal(0, 1e-4, len(t))
    wavfile.write(path, RATE, np.stack([sound, sound], axis=1).astype(np.float32))
    return Span(2.0, 7.0), Span(7.4, 12.0), Span(17.0, 22.0)


def test_the_softer_of_two_talkers_lies_as_far_above_the_music(tmp_path: Path) -> None:
    """On average 10 LU were reported while one passage lay 5 dB over the music."""
    speech = two_talkers(tmp_path / "voice.wav")
    film = make_film(tmp_path / "film.mkv", sound=tmp_path / "voice.wav", seconds=24.0)
    tracks = [write_track(tmp_path / f"{i}.wav", seconds=20.0, level=0.1, seed=i) for i in range(2)]
    job = make_job(film, tracks, speech=speech, ducking=ducking_of(speech, 24.0))
    report = render_film(
        probe(film), job.sheet, tmp_path / "out.mkv", track_paths=job.track_paths, stems=tmp_path / "stems"
    )
    found_lu = window_distances_lu(tmp_path, speech)
    assert_speech_stays_clear(found_lu, 10.0)
    assert report.levels.speech_over_music_low_lu == pytest.approx(np.percentile(found_lu, 5), abs=0.7)
    assert report.sheet.ducking != job.sheet.ducking
    softer, louder = np.interp([20.0, 4.0], *zip(*((p.time_s, p.gain_db) for p in report.sheet.ducking), strict=True))
    assert softer < louder - 6, "deeper under the soft talker, not under both"


def test_a_talker_sixteen_decibels_softer_is_never_less_than_nine_above_the_music(tmp_path: Path) -> None:
    """A soft speaker was 4 LU under the music."""
    speech = two_talkers(tmp_path / "voice.wav", apart_db=16.0)
    film = make_film(tmp_path / "film.mkv", sound=tmp_path / "voice.wav", seconds=24.0)
    track = write_track(tmp_path / "t.wav", seconds=28.0)
    job = make_job(film, [track], speech=speech, ducking=ducking_of(speech, 24.0))
    job = replace(job, sheet=replace(job.sheet, mix=replace(job.sheet.mix, speech_over_music_lu=12.0)))
    stems_of(job, tmp_path)
    found_lu = window_distances_lu(tmp_path, speech)
    assert np.mean(found_lu >= 11.0) >= 0.95
    assert found_lu.min() >= 9.0


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_synthetic_dialogue_stays_clear_in_every_window(tmp_path: Path) -> None:
    lines = (
        ("en+f3", 100, "I have said it twice: the train leaves at nine. Please pack the blue suitcase now."),
        ("en+m2", 30, "And I have said that nobody will be waiting for us there, so why should we hurry?"),
    )
    parts, speech, at_s = [np.zeros(RATE)], [], 1.0
    for voice, loud, text in lines * 2:
        subprocess.run(
            ["espeak-ng", "-v", voice, "-a", str(loud), "-w", tmp_path / "line.wav", text], check=True, timeout=60
        )
        said = read_audio(tmp_path / "line.wav", sample_rate_hz=RATE, channels=1)[0]
        speech.append(Span(round(at_s, 3), round(at_s + len(said) / RATE, 3)))
        parts += [said, np.zeros(RATE // 5)]
        at_s += len(said) / RATE + 0.2
    sound = np.concatenate([*parts, np.zeros(2 * RATE)])
    wavfile.write(tmp_path / "voice.wav", RATE, np.stack([sound, sound], axis=1).astype(np.float32))
    length_s = len(sound) // RATE
    film = make_film(tmp_path / "film.mkv", sound=tmp_path / "voice.wav", seconds=float(length_s))
    tracks = [write_track(tmp_path / "t.wav", seconds=length_s + 4.0)]
    job = make_job(film, tracks, speech=speech, ducking=ducking_of(speech, float(length_s)))
    stems_of(job, tmp_path)
    assert_speech_stays_clear(window_distances_lu(tmp_path, speech), 10.0)


@pytest.mark.slow
@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["talking_face_60fps.mp4", "his_girl_friday.mp4", "constructed_known_cuts.mp4"])
def test_on_films_with_real_speech(data_dir: Path, tmp_path: Path, name: str) -> None:
    film = data_dir / "video" / name
    info = probe(film)
    detector = SpeechDetector()
    detector.push(read_audio(film, sample_rate_hz=SAMPLE_RATE_HZ, channels=1, clock_start_s=info.start_s))
    speech = [s for s in detector.finish() if s.end_s < info.duration_s]
    assert speech
    tracks = [data_dir / "music" / "voxelibre_watchful.ogg", data_dir / "music" / "jrpg_battle.ogg"]
    job = make_job(film, tracks, speech=speech, ducking=ducking_of(speech, info.duration_s))
    found = distance_lu(stems_of(job, tmp_path), speech, tmp_path)
    assert found > job.sheet.mix.speech_over_music_lu - 0.5
    if any(span.duration_s > 4 for span in speech):
        assert_speech_stays_clear(window_distances_lu(tmp_path, speech), job.sheet.mix.speech_over_music_lu)
