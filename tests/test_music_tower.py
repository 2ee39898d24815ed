"""The music side: readings are valid whatever is played, and say the same for the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from soundtrack.audio.mel import log_mel
from soundtrack.emotion.head import side_by_side
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_head import untrained_head
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.errors import ModelError
from soundtrack.networks.mel_cnn import network_of
from soundtrack.networks.runs.music_torch import TorchMusic
from soundtrack.types import EMOTIONS, FloatArray, Span


@pytest.fixture(scope="module")
def tower() -> MusicTower:
    return MusicTower.load("tiny", device="cpu")


def torch_tower(tower: MusicTower, *, dtype: torch.dtype | None = None) -> MusicTower:
    """The same tower, run by torch."""
    run = TorchMusic(network_of(tower.arrays, tower.config.cnn), device="cpu", dtype=dtype)
    return MusicTower(tower.config, arrays=tower.arrays, run=run, head=tower.head, space=tower.space)


def noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    return rng.normal(0, 0.1, (1, int(16_000 * seconds))).astype(np.float32)


def test_readings_are_probabilities_and_unit_vectors(tower, rng):
    mel = log_mel(noise(rng, 25), tower.config.mel)
    batch = tower.read(mel, [Span(0, 10), Span(10, 20), Span(20, 25)])
    assert np.allclose(batch.probabilities.sum(axis=1), 1, atol=1e-5)
    assert (np.abs(batch.valence) <= 1).all()
    assert (np.abs(batch.arousal) <= 1).all()
    assert np.allclose(np.linalg.norm(batch.embedding, axis=1), 1, atol=1e-5)
    assert batch.embedding.shape == (3, tower.space.dim)
    assert batch.embedding.dtype == np.float32


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_reads_as_neutral_and_unsure(tower, rng, level):
    mel = log_mel((noise(rng, 12) * level).astype(np.float32), tower.config.mel)
    batch = tower.read(mel, [Span(0, 10)])
    assert EMOTIONS[int(batch.probabilities[0].argmax())] == "Neutral"
    assert batch.confidence[0] <= 0.25
    assert batch.valence[0] == batch.arousal[0] == 0
    assert np.isfinite(batch.embedding).all()


@pytest.mark.parametrize("n", [1, 500, 15_000])
def test_sounds_shorter_than_a_patch_are_read(tower, rng, n):
    mel = log_mel(rng.normal(0, 0.1, (1, n)).astype(np.float32), tower.config.mel)
    batch = tower.read(mel, [Span(0, n / 16_000)])
    assert np.isfinite(batch.embedding).all()


def heard(tower: MusicTower, mel: FloatArray, span: Span) -> FloatArray:
    """What the head gets for one stretch, side by side."""
    return side_by_side(tower.hear(mel, [span]), tower.head.blocks)


def test_same_input_same_bytes(tower, rng):
    mel = log_mel(noise(rng, 12), tower.config.mel)
    first, second = (tower.read(mel, [Span(0, 12)]) for _ in range(2))
    assert first.embedding.tobytes() == second.embedding.tobytes()


def test_batches_do_not_show(tower, rng):
    mel = log_mel(noise(rng, 20), tower.config.mel)
    small, large = torch_tower(tower), torch_tower(tower)
    whole = heard(large, mel, Span(0, 20))
    assert isinstance(small.run, TorchMusic)
    small.run.batches.size = 3
    assert np.allclose(heard(small, mel, Span(0, 20)), whole, atol=2e-2)  # bf16 where the CPU has it


def test_short_numbers_say_the_same_as_long_ones(rng):
    """Indexes made on machines with and without bf16 must agree: within 1e-2 of cosine, and by a wide margin."""
    tower = MusicTower.load(device="cpu")
    mel = log_mel(noise(rng, 20), tower.config.mel)
    spans = [Span(0, 10), Span(10, 20)]
    vectors = [
        torch_tower(tower, dtype=numbers).read(mel, spans).embedding for numbers in (torch.float32, torch.bfloat16)
    ]
    assert ((vectors[0] * vectors[1]).sum(axis=1) > 0.999).all()


def test_stretches_hear_only_themselves(tower, rng):
    loud, other = noise(rng, 10), noise(rng, 10) * 3
    mel = log_mel(np.concatenate([loud, other], axis=1), tower.config.mel)
    changed = log_mel(np.concatenate([loud, -0.5 * other[:, ::-1]], axis=1), tower.config.mel)
    early = Span(0, 9)
    assert np.allclose(heard(tower, mel, early), heard(tower, changed, early), atol=1e-4)
    assert not np.allclose(heard(tower, mel, Span(10, 20)), heard(tower, changed, Span(10, 20)), atol=1e-4)


def test_no_stretches_no_rows(tower, rng):
    batch = tower.read(log_mel(noise(rng, 2), tower.config.mel), [])
    assert batch.probabilities.shape == (0, 6)
    assert batch.embedding.shape == (0, tower.space.dim)


def test_sound_shares_have_a_time_and_a_range(tower, rng):
    shares = tower.sound_shares(tower.take_patches(log_mel(noise(rng, 10), tower.config.mel)))
    assert (np.diff(shares.times_s) > 0).all()
    for share in (shares.speech, shares.singing, shares.music):
        assert share.shape == shares.times_s.shape
        assert ((share >= 0) & (share <= 1)).all()
    quiet = tower.sound_shares(tower.take_patches(log_mel(np.zeros((1, 32_000), np.float32), tower.config.mel)))
    assert quiet.speech.max() == 0


def test_a_spectrogram_without_semitones_is_refused(tower):
    with pytest.raises(ValueError, match="shape"):
        tower.read(np.zeros((64, 200), np.float32), [Span(0, 2)])


def test_config_survives_json():
    import json

    config = MusicTowerConfig(speech=(0, 1))
    assert MusicTowerConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ModelError, match="unknown key 'hop_frame'"):
        MusicTowerConfig.from_dict({"hop_frame": 3})


def test_a_picture_model_is_no_music_model():
    with pytest.raises(ModelError, match="not a music model"):
        MusicTower.load("tiny-video")


def test_head_refuses_shapes_that_do_not_fit():
    head = untrained_head(4)
    with pytest.raises(ValueError, match="weight must have shape"):
        replace(head, weight=head.weight[:3])
    with pytest.raises(ValueError, match="above 0"):
        replace(head, scale=0 * head.scale)


def test_the_embedded_model_hears_speech_and_calm():
    """A pulse train with formants is no music; a soft pad is calmer than a drum roll."""
    tower = MusicTower.load(device="cpu")
    t = np.arange(16_000 * 10) / 16_000
    rng = np.random.default_rng(0)
    pad = sum(0.05 * np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6))
    roll = 0.5 * rng.normal(size=t.size) * np.exp(-((t * 8) % 1) * 6) + 0.3 * np.sign(np.sin(2 * np.pi * 110 * t))
    readings = [tower.read(log_mel(x[None].astype(np.float32), tower.config.mel), [Span(0, 10)]) for x in (pad, roll)]
    assert readings[0].arousal[0] < readings[1].arousal[0]


def test_a_track_holds_no_voice_where_the_model_says_so_and_no_patch_has_a_chance(tower, rng):
    patches = tower.take_patches(log_mel(noise(rng, 10), tower.config.mel))
    assert tower.may_hold_voice(patches)  # the model names no limit
    quiet = replace(patches, sounds=np.full_like(patches.sounds, -5.0))  # chances of 0.007
    config = replace(tower.config, no_voice_under=0.02)
    sure = MusicTower(config, arrays=tower.arrays, run=tower.run, head=tower.head, space=tower.space)
    assert not sure.may_hold_voice(quiet)
    assert sure.may_hold_voice(replace(quiet, sounds=np.where(np.arange(4) == 1, 0.0, quiet.sounds)))


@pytest.mark.parametrize("name", ["tiny", "tiny-space", "tiny-music"])
def test_a_music_network_is_found_by_its_own_name_and_by_those_of_its_space(name: str) -> None:
    tower = MusicTower.load(name, device="cpu")
    assert (tower.name, tower.space.ref.name) == ("tiny-music", "tiny")  # type: ignore[attr-defined]  # a loaded space
