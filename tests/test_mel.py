"""What the music network sees: equal to librosa's, finite for anything, in step with time."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from soundtrack.audio.mel import KEPT_BANK, MelSettings, log_mel, mel_magnitude
from soundtrack.audio.pitch import LOWEST_MIDI, pitch_magnitude


def test_the_kept_filter_bank_is_librosas():
    from soundtrack.audio.mel_triangles import triangles

    s = MelSettings()
    theirs = triangles(
        sr=s.sample_rate_hz, n_fft=s.n_fft, n_mels=s.n_mels, fmin=s.fmin_hz, fmax=s.fmax_hz, htk=True, norm=None
    )
    kept = np.load(KEPT_BANK, allow_pickle=False)
    assert kept.dtype == theirs.dtype == np.float32
    assert np.array_equal(kept, theirs)


def test_other_settings_have_another_filter_bank():
    samples = np.sin(np.arange(16_000, dtype=np.float32))[None]
    assert mel_magnitude(samples, MelSettings(fmin_hz=100.0)).shape == (64, 101)
    assert not np.array_equal(mel_magnitude(samples, MelSettings(fmin_hz=100.0)), mel_magnitude(samples, MelSettings()))


def test_included_networks_do_not_import_librosa():
    code = (
        "import sys, numpy as np\n"
        "from soundtrack.emotion.music_tower import MusicTower\n"
        "from soundtrack.audio.mel import log_mel\n"
        "for name in ('mel-emotion', 'tiny-music'):\n"
        "    log_mel(np.zeros((1, 16_000), np.float32), MusicTower.load(name).config.mel)\n"
        "print('librosa' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("n", [1, 399, 16_000, 40_037])
def test_equal_to_librosa(rng, n):
    import librosa

    settings = MelSettings()
    samples = rng.normal(0, 0.1, (1, n)).astype(np.float32)
    theirs = librosa.feature.melspectrogram(
        y=samples[0],
        sr=settings.sample_rate_hz,
        n_fft=settings.n_fft,
        win_length=settings.win_length,
        hop_length=settings.hop_length,
        n_mels=settings.n_mels,
        fmin=settings.fmin_hz,
        fmax=settings.fmax_hz,
        htk=True,
        norm=None,
        power=1.0,
    )
    ours = mel_magnitude(samples, settings)
    assert ours.shape == theirs.shape
    assert np.allclose(ours, theirs, atol=1e-4)


def test_blocks_do_not_show(rng):
    samples = rng.normal(0, 0.1, (1, 16_000 * 25)).astype(np.float32)  # more than one block of frames
    settings = MelSettings()
    whole = mel_magnitude(samples, settings)
    late = mel_magnitude(samples[:, 160 * 2_000 :], settings)
    assert np.allclose(whole[:, 2_010:2_400], late[:, 10:400], atol=1e-5)


def test_silence_is_the_floor_and_never_infinite():
    mel = log_mel(np.zeros((1, 8_000), np.float32), MelSettings(n_pitches=84))
    assert mel.shape == (148, 51)
    assert np.allclose(mel[:64], np.log(1e-3))
    assert (mel[64:] == 0).all()


def test_not_a_number_counts_as_silence():
    samples = np.full((1, 8_000), np.nan, np.float32)
    assert np.isfinite(log_mel(samples, MelSettings())).all()


def test_the_input_is_left_alone(rng):
    samples = rng.normal(0, 0.1, (1, 4_000)).astype(np.float32)
    samples[0, 3] = np.inf
    before = samples.copy()
    log_mel(samples, MelSettings(n_pitches=12))
    assert np.array_equal(samples, before)


@pytest.mark.parametrize("midi", [45, 57, 60, 69, 84])
def test_a_tone_sounds_in_its_own_row(midi):
    tone = np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * np.arange(16_000) / 16_000).astype(np.float32)[None]
    rows = pitch_magnitude(tone, sample_rate_hz=16_000, n_pitches=84)
    assert (rows[:, 3:8].argmax(axis=0) + LOWEST_MIDI == midi).all()


def test_a_late_tone_is_late_in_both_parts():
    samples = np.zeros((1, 32_000), np.float32)
    samples[0, 16_000:] = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    mel = log_mel(samples, MelSettings(n_pitches=84))
    assert mel[:64, :90].max() < -6 < mel[:64, 110:].max()
    assert mel[64:, :80].max() < 1e-3 < mel[64:, 120:].max()


@pytest.mark.parametrize(
    "wrong", [{"win_length": 600}, {"hop_length": 0}, {"fmax_hz": 9_000.0}, {"log_offset": 0.0}, {"fmin_hz": 8_000.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|lie"):
        MelSettings(**wrong)


def test_stereo_is_refused():
    with pytest.raises(ValueError, match=r"shape \(1, n\)"):
        log_mel(np.zeros((2, 100), np.float32), MelSettings())
