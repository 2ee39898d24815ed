"""``soundtrack models`` as a shell sees it: exit code, stdout, stderr."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from soundtrack.checkpoints import manifest
from soundtrack.cli.models.models import app
from soundtrack.errors import ModelError, UsageError
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.resources import models_dir


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/soundtrack/models"


def run(capfd: pytest.CaptureFixture[str], *args: str | Path) -> tuple[str, str]:
    """What the command writes to stdout and stderr; its errors are raised as the boundary would see them."""
    result = CliRunner().invoke(app, [str(arg) for arg in args], standalone_mode=False)
    captured = capfd.readouterr()
    if result.exception is not None:
        raise result.exception
    return captured.out, result.stderr + captured.err


def test_list_names_every_model_with_its_licence(capfd: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capfd, "list")
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["name", "version", "role"]
    embedded = next(line for line in lines if line.startswith("i3d-emotion "))
    assert "CC BY-NC 4.0" in embedded
    assert "embedded" in embedded
    assert any(line.startswith("i3d-kinetics") and line.endswith("models add i3d-kinetics FILE") for line in lines)


def test_list_as_json_agrees_with_the_manifest(capfd: pytest.CaptureFixture[str]) -> None:
    out, err = run(capfd, "list", "--json")
    document = json.loads(out)
    assert err == ""
    rows = {row["name"]: row for row in document["models"]}
    assert sorted(rows) == [model.entry.name for model in manifest.all_models()]
    assert rows["tiny-video"]["sha256"] == manifest.find_model("tiny-video").entry.sha256
    assert [row["name"] for row in document["public"]] == ["i3d-kinetics", "htdemucs", "faces"]


def test_verify_says_that_all_is_well(capfd: pytest.CaptureFixture[str]) -> None:
    out, err = run(capfd, "verify", "tiny-video")
    assert out == ""
    assert "tiny-video: ok" in err
    out, _ = run(capfd, "verify", "tiny-video", "--json")
    assert json.loads(out) == {"models": [{"name": "tiny-video", "ok": True, "error": None}]}


def test_verify_finds_a_flipped_bit(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copytree(models_dir() / "tiny-video", folder / "tiny-video")
    shutil.copy(models_dir() / "manifest.json", folder)
    weights = folder / "tiny-video/weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 4
    weights.write_bytes(data)
    monkeypatch.setattr(manifest, "models_dir", lambda: folder)
    with pytest.raises(ModelError, match=r"tiny-video/weights\.safetensors is damaged"):
        run(capfd, "verify", "tiny-video", "--json")


def test_verify_of_an_unknown_model(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError, match="unknown model 'x'"):
        run(capfd, "verify", "x")


@pytest.mark.slow
def test_add_converts_and_lists_the_public_network(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, own_cache: Path
) -> None:
    file = tmp_path / "rgb_imagenet.pt"
    torch.save({name: torch.zeros(shape) for name, shape in expected_state(I3D()).items()}, file)
    out, _ = run(capfd, "add", "i3d-kinetics", file, "--json")
    assert json.loads(out)["path"] == str(own_cache / "i3d-kinetics/weights.safetensors")
    listed, _ = run(capfd, "list")
    assert any(line.startswith("i3d-kinetics") and line.endswith("yours") for line in listed.splitlines())


def test_add_of_a_missing_file_says_so(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        run(capfd, "add", "i3d-kinetics", tmp_path / "none.pt")


def test_pull_without_a_pinned_hash_fetches_nothing(capfd: pytest.CaptureFixture[str], own_cache: Path) -> None:
    with pytest.raises(ModelError, match="no SHA-256 is known"):
        run(capfd, "pull", "i3d-kinetics")
    with pytest.raises(UsageError, match="invalid SHA-256"):
        run(capfd, "pull", "i3d-kinetics", "--sha256", "abc")
    assert not own_cache.exists()


def test_weights_were_verified_with_torch_which_takes_a_second_to_import() -> None:
    code = (
        "import sys\n"
        "from soundtrack.cli.app import run_commands\n"
        "run_commands(['models', 'verify', '-q'])\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
