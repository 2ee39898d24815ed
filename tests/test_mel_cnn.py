"""The music network and the numbers about harmony that stand beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soundtrack.audio.music.tonal import N_TONAL, tonal_numbers
from soundtrack.networks.mel_cnn import MelCnn
from soundtrack.networks.mel_cnn_fused import FusedMelCnn
from soundtrack.networks.mel_config import MelCnnConfig, expected_shapes

SMALL = MelCnnConfig(widths=(4, 8), n_features=16, n_sounds=5)


def chord(notes: tuple[int, ...], n_frames: int = 40) -> np.ndarray:
    """Magnitudes of a held chord, notes in semitones above C3."""
    rows = np.full((84, n_frames), 1e-4, np.float32)
    for note in notes:
        rows[24 + note] = 1.0
    return rows


def test_shapes_and_signs():
    net = MelCnn(SMALL).eval()
    features, sounds = net(torch.randn(3, 1, 96, 64))
    assert features.shape == (3, 16)
    assert sounds.shape == (3, 5)
    assert bool((features >= 0).all())


def test_layers_are_described_as_they_are():
    config = MelCnnConfig(widths=(4, 8, 12), n_features=16, n_sounds=5)
    state = {name: tuple(value.shape) for name, value in MelCnn(config).state_dict().items()}
    assert expected_shapes(config) == {name: shape for name, shape in state.items() if "num_batches" not in name}


def test_a_patch_does_not_depend_on_its_neighbours_in_the_batch():
    net = MelCnn(SMALL).eval()
    patches = torch.randn(4, 1, 96, 64)
    alone = torch.cat([net.features(p[None]) for p in patches])
    assert torch.allclose(net.features(patches), alone, atol=1e-5)


def test_the_folded_network_says_the_same():
    net = MelCnn(SMALL).eval()
    for norm in (module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    patches = torch.randn(4, 1, 96, 64)
    with torch.inference_mode():
        for ours, theirs in zip(FusedMelCnn(net, dtype=torch.float32)(patches), net(patches), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-4)


def test_every_weight_learns():
    net = MelCnn(SMALL).train()
    features, sounds = net(torch.randn(4, 1, 96, 64))
    (features.square().sum() + sounds.square().sum()).backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in net.parameters())


def test_config_refuses_nonsense():
    with pytest.raises(ValueError, match="widths"):
        MelCnnConfig(widths=(4,))
    with pytest.raises(ValueError, match="mel_scale"):
        MelCnnConfig(mel_scale=0.0)


def test_major_and_minor_are_told_apart():
    major, minor = tonal_numbers(chord((0, 4, 7))), tonal_numbers(chord((0, 3, 7)))
    assert major[3] > 0 > minor[3]  # strength of the major triad less that of the minor one
    assert major[4] == 1.0
    assert minor[4] == 0.0


def test_harmony_does_not_care_about_transposition_or_loudness():
    numbers = tonal_numbers(chord((0, 4, 7)))
    moved = tonal_numbers(chord((5, 9, 12)))
    assert np.allclose(numbers[:-7], moved[:-7], atol=1e-4)  # register, the last seven, does move
    assert np.allclose(numbers, tonal_numbers(7 * chord((0, 4, 7))), atol=1e-3)


@pytest.mark.parametrize("n_frames", [1, 4, 5, 100])
def test_any_length_and_silence_give_finite_numbers(n_frames):
    for pitch in (np.zeros((84, n_frames), np.float32), chord((0, 4, 7), n_frames)):
        numbers = tonal_numbers(pitch)
        assert numbers.shape == (N_TONAL,)
        assert np.isfinite(numbers).all()
