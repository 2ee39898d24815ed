"""The separator demucs: its published weights read without their code, and the network run as its authors run it.

No trained weights are at hand here, so small untrained networks of the authors' own class stand in for them.
"""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from soundtrack.checkpoints.demucs_weights import HTDEMUCS, demucs_arguments, find_demucs
from soundtrack.checkpoints.manifest import public_models
from soundtrack.checkpoints.weights import add_model, load_weights
from soundtrack.errors import ModelError
from soundtrack.networks.demucs import demucs_separator
from soundtrack.pipeline.ground import separators

pytest.importorskip("demucs_infer")

ARGUMENTS: dict[str, Any] = {
    "sources": ["drums", "bass", "other", "vocals"],
    **{"channels": 16, "depth": 4, "nfft": 2048, "t_layers": 1, "t_heads": 2, "bottom_channels": 0},
    "segment": Fraction(39, 20),
    "a_parameter_of_the_authors_training": 3,
}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the authors save: the class by its name in their package, its arguments and its state in half precision."""
    from demucs_infer.htdemucs import HTDemucs

    torch.manual_seed(0)
    network = HTDemucs(**{name: value for name, value in ARGUMENTS.items() if not name.startswith("a_")})
    theirs = ModuleType("demucs.htdemucs")
    theirs.HTDemucs = type("HTDemucs", (), {"__module__": "demucs.htdemucs"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "demucs", ModuleType("demucs"))
    monkeypatch.setitem(sys.modules, "demucs.htdemucs", theirs)
    state = {name: value.half() for name, value in network.state_dict().items()}
    return {
        "klass": theirs.HTDemucs,
        "args": (),
        "kwargs": dict(ARGUMENTS),
        "state": state,
        "training_args": {"lr": 3e-4, "dset": {"names": ["a"]}},
    }


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's models folder, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    from soundtrack.resources import user_models_dir

    return user_models_dir()


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_the_published_file_becomes_plain_tensors_that_separate_as_the_authors_program_does(
    tmp_path: Path, published: dict[str, Any], models: Path, rng: np.random.Generator
) -> None:
    from demucs_infer.apply import apply_model
    from demucs_infer.htdemucs import HTDemucs

    entry = add_model(HTDEMUCS, saved(tmp_path / "955717e8.th", published))
    assert (entry.role, entry.licence) == ("separator", "scientific use only")
    assert sorted(path.name for path in (models / HTDEMUCS).iterdir()) == ["config.json", "weights.safetensors"]
    model = find_demucs()
    assert model is not None
    assert demucs_arguments(model) == ARGUMENTS
    tensors = load_weights(model)
    assert all(torch.equal(tensors[name], value.float()) for name, value in published["state"].items())

    made = separators.find_separator(device="cpu")
    assert (made.name, made.sample_rate_hz) == (HTDEMUCS, 44_100) and made.package.startswith("demucs-infer ")
    sound = rng.normal(0, 0.1, (2, 3 * 44_100)).astype(np.float32)
    stems = made.separator.separate(sound, 44_100)
    assert list(stems) == ARGUMENTS["sources"] and all(stem.shape == sound.shape for stem in stems.values())
    np.testing.assert_array_equal(made.voices(sound), stems["vocals"], err_msg="the same at every call")

    theirs = HTDemucs(**{name: value for name, value in ARGUMENTS.items() if not name.startswith("a_")})
    theirs.load_state_dict({name: value.float() for name, value in published["state"].items()})
    wave = torch.from_numpy(sound)
    mean, deviation = wave.mean(0).mean(), wave.mean(0).std()  # as demucs_infer.api.Separator.separate_tensor
    with torch.inference_mode():
        wanted = apply_model(theirs.eval(), ((wave - mean) / deviation)[None], shifts=0)[0] * deviation
    np.testing.assert_allclose(np.stack(list(stems.values())), wanted.numpy(), atol=1e-4 * float(wanted.abs().max()))


def test_silence_gives_silence_and_another_rate_is_refused(published: dict[str, Any]) -> None:
    tensors = {name: value.float() for name, value in published["state"].items()}
    made = demucs_separator(ARGUMENTS, lambda: tensors, device="cpu")
    assert not any(stem.any() for stem in made.separate(np.full((2, 1000), 0.25, np.float32), 44_100).values())
    with pytest.raises(ValueError, match="the network takes 44100 Hz, got 48000"):
        made.separate(np.ones((2, 1000), np.float32), 48_000)


class Hostile:
    """A pickle that would make a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.parametrize("fault", ["code", "class", "positional", "numbers", "nan", "argument", "empty", "text"])
def test_any_other_file_is_refused_and_its_code_not_run(
    tmp_path: Path, published: dict[str, Any], models: Path, fault: str
) -> None:
    trap = tmp_path / "trap"
    wrong: Any = {
        "code": {**published, "training_args": Hostile(trap)},
        "class": {**published, "klass": Fraction},
        "positional": {**published, "args": (1,)},
        "numbers": {**published, "state": {"a": torch.arange(3)}},
        "nan": {**published, "state": {"a": torch.tensor([float("nan")])}},
        "argument": {**published, "kwargs": {"sources": torch.zeros(1)}},
        "empty": {**published, "state": {}},
        "text": "weights",
    }[fault]
    with pytest.raises(ModelError) as found:
        add_model(HTDEMUCS, saved(tmp_path / "w.th", wrong))
    assert "w.th" in str(found.value) and found.value.hint
    assert not trap.exists() and not (models / HTDEMUCS).exists()


def test_weights_of_another_network_are_named(published: dict[str, Any], tmp_path: Path, models: Path) -> None:
    published["kwargs"]["channels"] = 32
    add_model(HTDEMUCS, saved(tmp_path / "w.th", published))
    made = separators.find_separator(device="cpu")
    with pytest.raises(ModelError, match="htdemucs does not fit the installed demucs-infer"):
        made.voices(np.ones((2, 1000), np.float32) * np.array([[0.1], [0.2]], np.float32) * np.arange(1000) / 1000)


def test_the_pinned_hash_is_that_of_the_authors_catalogue() -> None:
    from demucs_infer.checkpoint_catalog import get_checkpoint_artifact

    (public,) = (model for model in public_models() if model.name == HTDEMUCS)
    listed = get_checkpoint_artifact("955717e8")
    assert listed is not None
    assert public.sha256 == listed.sha256 and public.url in listed.urls
    assert public.url.endswith(f"-{public.sha256[:8]}.th"), "the authors' file name holds its beginning"
