"""Speech is found, music is not taken for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from soundtrack.audio.voices.music_detection import music_share
from soundtrack.audio.voices.speech import SAMPLE_RATE_HZ, SpeechDetector, speech_mask, speech_spans, vocal_share
from soundtrack.audio.voices.voice import VoiceNetwork, load_voice_weights
from soundtrack.library.update.listen import LITTLE_MUSIC, VOICED_SHARE
from soundtrack.media.reading.audio import read_audio
from soundtrack.types import FloatArray, Span
from test_own_music import song


def found(sound: FloatArray) -> list[Span]:
    detector = SpeechDetector()
    detector.push(sound)
    return detector.finish()


def test_hysteresis_goes_on_over_soft_moments() -> None:
    p = np.array([0.1, 0.4, 0.6, 0.35, 0.29, 0.4, 0.45, 0.0, 0.9], np.float32)
    assert speech_mask(p).tolist() == [False, True, True, True, False, False, False, False, True]


def test_short_gaps_are_closed_and_short_spans_dropped() -> None:
    p = np.zeros(400, np.float32)
    p[50:100], p[110:150], p[300:302] = 0.9, 0.9, 0.9
    spans = speech_spans(p, duration_s=12.8, hold_s=0.5, shortest_s=0.2, margin_s=0.05)
    assert spans == [Span(1.55, 4.85)]
    assert len(speech_spans(p, duration_s=12.8, hold_s=0.1, shortest_s=0.0)) == 3


def test_spans_stay_inside_the_sound_and_never_touch(rng: np.random.Generator) -> None:
    for _ in range(50):
        p = rng.random(200).astype(np.float32) ** 0.5
        spans = speech_spans(p, duration_s=6.3, hold_s=0.0, shortest_s=0.0, margin_s=0.1)
        assert all(0 <= s.start_s < s.end_s <= 6.3 for s in spans)
        assert all(a.end_s < b.start_s for a, b in pairwise(spans))


def test_blocks_make_no_difference(rng: np.random.Generator) -> None:
    sound = (0.1 * rng.standard_normal(SAMPLE_RATE_HZ * 4)).astype(np.float32)
    whole = VoiceNetwork().push(sound)
    network = VoiceNetwork()
    parts = [network.push(block) for block in np.split(sound, [1, 100, 511, 513, 20_000, 20_001])]
    assert len(whole) == SAMPLE_RATE_HZ * 4 // 512
    assert np.allclose(np.concatenate(parts), whole, atol=1e-5)


def test_weights_are_read_once() -> None:
    assert load_voice_weights() is load_voice_weights()


def test_noise_tones_and_silence_are_no_speech(rng: np.random.Generator) -> None:
    t = np.arange(SAMPLE_RATE_HZ * 8) / SAMPLE_RATE_HZ
    tones = sum(np.sin(2 * np.pi * hz * t) for hz in (220, 277, 330)) * 0.1 * (0.5 + 0.5 * np.exp(-4 * (t % 0.5)))
    noise = 0.1 * rng.standard_normal(len(t))
    for sound in (tones, noise, np.zeros(len(t)), np.full(len(t), np.nan)):
        assert found(sound[None].astype(np.float32)) == []
    assert SpeechDetector().finish() == []


def spoken(folder: Path, voice: str) -> FloatArray:
    """A synthetic voice reading two sentences, mono at 16 kHz."""
    path = folder / f"{voice}.wav"
    text = "The harbour was quiet that morning. Nobody had seen the boat leave before the storm came in."
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text], check=True, capture_output=True)
    return read_audio(path, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no speech synthesiser (espeak-ng) on this machine")
@pytest.mark.parametrize("under_db", [None, 10.0, 0.0])
def test_a_voice_over_noise_and_chords_is_found(
    tmp_path: Path, under_db: float | None, rng: np.random.Generator
) -> None:
    voice = spoken(tmp_path, "en-gb")
    sound = np.zeros(len(voice) + SAMPLE_RATE_HZ * 6, np.float32)
    sound[SAMPLE_RATE_HZ * 3 : SAMPLE_RATE_HZ * 3 + len(voice)] = voice
    if under_db is not None:
        t = np.arange(len(sound)) / SAMPLE_RATE_HZ
        under = sum(np.sin(2 * np.pi * hz * t) for hz in (131, 165, 196)) * np.exp(-3 * (t % 0.6))
        under += 0.2 * rng.standard_normal(len(t))
        gain = np.sqrt(np.mean(voice**2) / np.mean(under**2)) * 10 ** (-under_db / 20)
        sound += (gain * under).astype(np.float32)
    spans = found(sound)
    truth = Span(3.0, 3.0 + len(voice) / SAMPLE_RATE_HZ)
    assert sum(s.overlap_s(truth) for s in spans) > 0.85 * truth.duration_s
    assert sum(s.duration_s for s in spans) - sum(s.overlap_s(truth) for s in spans) < 0.6


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no speech synthesiser (espeak-ng) on this machine")
def test_a_voice_that_reads_in_a_steady_beat_is_not_offered_as_music(tmp_path: Path) -> None:
    """Five minutes of synthetic speech and a looped dialogue had a pulse, and so were taken for song."""
    voice = spoken(tmp_path, "en-us")
    looped = np.tile(voice[: round(5.5 * SAMPLE_RATE_HZ)], 8)
    assert vocal_share(looped) > VOICED_SHARE
    assert music_share(looped) < LITTLE_MUSIC
    sung = song(len(looped) / SAMPLE_RATE_HZ)[: len(looped)] + 0.5 * looped
    assert music_share(sung.astype(np.float32)) > 0.5


@pytest.mark.needs_data
def test_talk_of_films_is_speech_and_songs_are_music(data_dir: Path) -> None:
    talk = read_audio(data_dir / "video" / "talking_face_60fps.mp4", sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]
    sung = read_audio(data_dir / "music" / "lets_go_fishin.ogg", sample_rate_hz=SAMPLE_RATE_HZ, channels=1)[0]
    assert vocal_share(talk) > VOICED_SHARE and music_share(talk) < LITTLE_MUSIC
    assert music_share(sung) > 0.8


def test_a_chord_sings_nothing() -> None:
    t = np.arange(SAMPLE_RATE_HZ * 5) / SAMPLE_RATE_HZ
    chord = (0.1 * sum(np.sin(2 * np.pi * hz * t) for hz in (220, 277, 330))).astype(np.float32)
    assert vocal_share(chord) < 0.02
    assert vocal_share(chord[:0]) == 0.0


@pytest.mark.needs_data
def test_a_song_has_a_voice_and_a_dance_has_none(data_dir: Path) -> None:
    song, dance = (
        read_audio(data_dir / "music" / name, sample_rate_hz=SAMPLE_RATE_HZ, channels=1, duration_s=40)[0]
        for name in ("lets_go_fishin.ogg", "hungarian_dance_5.ogg")
    )
    assert vocal_share(song) > 0.2
    assert vocal_share(dance) < 0.05


@pytest.mark.needs_data
def test_spoken_stretches_of_a_film_are_found_to_a_quarter_second(data_dir: Path) -> None:
    film = data_dir / "video" / "constructed_known_cuts.mp4"
    truth = [Span(s["start"], s["end"]) for s in json.loads(film.with_suffix(".json").read_text())["speech"]]
    sound = read_audio(film, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)
    spans = found(sound)
    said = sum(s.duration_s for s in truth)
    overlap = sum(a.overlap_s(b) for a in truth for b in spans)
    assert overlap / said > 0.85
    assert overlap / sum(s.duration_s for s in spans) > 0.95


@pytest.mark.needs_data
@pytest.mark.slow
def test_instrumental_music_is_no_speech(data_dir: Path) -> None:
    heard_s = taken_s = 0.0
    for path in sorted((data_dir / "music").glob("*.ogg")):
        if path.name == "lets_go_fishin.ogg":  # the one with a singer
            continue
        sound = read_audio(path, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)
        heard_s += sound.shape[1] / SAMPLE_RATE_HZ
        taken_s += sum(s.duration_s for s in found(sound))
    assert taken_s / heard_s < 0.05
