"""Teaching while the teachers answer: flat kernels give the same numbers, and a student learns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from soundtrack.networks.i3d import I3D, backbone, inflate
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.training.picture.data import read_still, resize
from soundtrack.training.picture.flat_student import student_features
from soundtrack.training.picture.live import Gallery, LiveSettings, distil_live
from soundtrack.training.picture.teacher_networks import (
    Parts,
    Step,
    TeacherNetworks,
    as_bytes,
    from_bytes,
    read_parts,
    teachers_of,
)
from soundtrack.training.picture.teachers import Teachers
from soundtrack.training.picture.views import Views


def flat_network(width: float, *, n_classes: int = 1) -> I3D:
    """A flat network whose signals neither die nor explode."""
    torch.manual_seed(3)
    model = I3D(width=width, flat=True, n_classes=n_classes)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return model


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("side", [64, 72])
def test_flat_kernels_give_the_networks_own_features(training: bool, side: int) -> None:
    model = flat_network(1 / 8).train(training)
    pictures = torch.rand(3, 3, side, side) * 2 - 1
    with torch.no_grad():
        expected = model.features(pictures.unsqueeze(2))
        found = student_features(model, pictures)
    assert expected.abs().mean() > 0.1
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 2, 7, 9, 15, 16])
def test_an_inflated_network_folded_flat_gives_the_deep_ones_features(n_frames: int) -> None:
    state = {k: v for k, v in flat_network(1 / 8).state_dict().items() if not k.startswith("logits")}
    deep = backbone(1 / 8)
    deep.load_state_dict(inflate(state), strict=False)
    clips = torch.rand(2, 3, n_frames, 64, 64) * 2 - 1
    with torch.no_grad():
        expected = deep.eval().features(clips)
    fused = FusedI3D(deep)
    assert all(module.is_flat or module.is_pointwise for module in fused.modules() if hasattr(module, "is_flat"))
    assert torch.allclose(fused.features(clips), expected, rtol=1e-4, atol=1e-5)


def test_a_kernel_that_looks_at_other_frames_is_not_folded_flat() -> None:
    deep = backbone(1 / 16)
    state = inflate(
        {k: v for k, v in flat_network(1 / 16).state_dict().items() if not k.startswith("logits")}, how="mean"
    )
    deep.load_state_dict(state, strict=False)
    fused = FusedI3D(deep.eval())
    assert not fused.get_submodule("Conv3d_2c_3x3").is_flat
    clips = torch.rand(1, 3, 16, 64, 64) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(fused.features(clips), deep.features(clips), rtol=1e-4, atol=1e-5)


def made_up_teachers(*, seed: int = 0) -> TeacherNetworks:
    """Both teachers as one coarse convolution each: what they say depends on colours alone."""
    rng = np.random.default_rng(seed)
    parts: Parts = {}
    for name, n_out in (("v1", 1024), ("v2", 1280)):
        weight = rng.standard_normal((n_out, 3, 32, 32)).mean(axis=(2, 3), keepdims=True) * np.ones((1, 1, 32, 32))
        tensors = {
            "weight.0": (weight * 0.3).astype(np.float32),
            "bias.0": np.full(n_out, 2.0, np.float32),
            "input": np.array([1 / 127.5, 127.5], np.float32),
            "unit": np.array(0.02, np.float32),
        }
        steps = [Step("conv", (0,), 1, 32, is_clamped=True), Step("pool", (1,), 2)]
        if name == "v2":
            tensors["weight.2"] = (rng.standard_normal((1001, n_out, 1, 1)) * 0.02).astype(np.float32)
            tensors["bias.2"] = np.zeros(1001, np.float32)
            steps.append(Step("conv", (2,), 3))
        parts[name] = (tuple(steps), tensors)
    return teachers_of(from_bytes(as_bytes(parts)))


def coloured(n: int) -> Gallery:
    """Pictures of two colours each."""
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (n, 2, 1, 3)).repeat(32, axis=1).repeat(64, axis=2).astype(np.uint8)
    return Gallery(pictures, tuple(f"{i}.png" for i in range(n)), tuple(f"source {i}" for i in range(n)))


def test_views_are_pictures_and_no_two_batches_are_alike() -> None:
    pictures = torch.from_numpy(coloured(8).pictures)
    views = Views(pictures, torch.ones(8) / 8, seed=5)
    first, second = views.batch(6), views.batch(6)
    assert first.shape == (6, 3, 224, 224)
    assert 0 <= first.min() < first.max() <= 255
    assert not torch.equal(first, second)
    again = Views(pictures, torch.ones(8) / 8, seed=5)
    assert torch.equal(again.batch(6), first)


@pytest.mark.slow
def test_the_student_learns_what_it_can_say_of_pictures_it_never_saw(tmp_path: Path) -> None:
    settings = LiveSettings(width=1 / 16, side_px=64, early_side_px=48, epochs=30, batch=16)
    state = distil_live(lambda: coloured(60), made_up_teachers, tmp_path, settings=settings, device="cpu")
    looks = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert looks[-1]["held_out_r2"] > max(0.05, looks[0]["held_out_r2"] + 0.2)  # 0.1 from -0.19, by processor
    assert looks[-1]["loss"] < looks[0]["loss"]
    backbone(1 / 16).load_state_dict(inflate(state), strict=False)
    assert not any(name.startswith("logits") for name in state)

    def never() -> Gallery:
        raise AssertionError("a student that is there is not taught again")

    kept = distil_live(never, made_up_teachers, tmp_path, settings=settings, device="cpu")
    assert all(torch.equal(kept[name], state[name]) for name in state)


@pytest.mark.needs_data
def test_the_teachers_say_in_torch_what_they_say_in_tflite(data_dir: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    folder = data_dir / "teachers"
    networks = teachers_of(read_parts(folder)).eval()
    teachers = Teachers(folder)
    files = sorted((data_dir / "oasis").rglob("*.jpg"))[::80]
    assert len(files) >= 5
    views = np.stack([resize(read_still(file), 224) for file in files])
    said = [teachers.ask(view) for view in views]
    with torch.inference_mode():
        found = networks(torch.from_numpy(views).permute(0, 3, 1, 2).float())
    embeddings = np.sqrt(np.stack([np.concatenate([a.v1, a.v2]) for a in said]).astype(np.float32))
    logits = np.stack([a.logits for a in said]).astype(np.float32)
    assert np.corrcoef(embeddings.ravel(), found.embeddings.numpy().ravel())[0, 1] > 0.99
    assert np.corrcoef(logits.ravel(), found.logits.numpy().ravel())[0, 1] > 0.99
    assert (logits.argmax(axis=1) == found.logits.numpy().argmax(axis=1)).mean() >= 0.75
