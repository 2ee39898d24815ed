"""Models of other packages: found where they are installed, verified, chosen by name; never from a folder of films."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_made import Made
from soundtrack import pipeline, resources
from soundtrack.checkpoints import installed
from soundtrack.checkpoints.manifest import all_models, find_model, verify
from soundtrack.cli.app import main
from soundtrack.errors import DependencyError, ModelError
from soundtrack.types import SceneSheet

CODE = "from pathlib import Path\n\ndef models():\n    return Path(__file__).parent / 'toy_models'\n"


def install(folder: Path, code: str = CODE, *, module: str = "toy_model_code") -> Path:
    """A distribution as pip leaves it, with copies of the smallest networks under names of its own."""
    info = folder / "toy_model-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[soundtrack.models]\ntoy = {module}:models\n")
    (folder / f"{module}.py").write_text(code)
    models = folder / "toy_models"
    known = json.loads((resources.models_dir() / "manifest.json").read_text(encoding="utf-8"))
    rows = []
    for row in known["models"]:
        if row["name"].startswith("tiny-"):
            name = row["name"].replace("tiny", "toy")
            shutil.copytree(resources.models_dir() / row["name"], models / name)
            for file in models.glob(f"{name}/config.json"):
                file.write_text(file.read_text().replace("tiny-", "toy-"))
            rows.append({**row, "name": name, "file": row["file"].replace("tiny-", "toy-"), "licence": "CC0-1.0"})
    (models / "manifest.json").write_text(json.dumps({"schema": known["schema"], "models": rows, "public": []}))
    return models


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    installed._folders.cache_clear()
    yield folder
    installed._folders.cache_clear()
    for name in ("toy_model_code", "toy_broken_models"):
        sys.modules.pop(name, None)


def test_a_package_brings_networks_that_read_a_film(
    made: Made, site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    install(site)

    def read(model: str) -> SceneSheet:
        monkeypatch.setenv("SOUNDTRACK_MODEL", model)
        return pipeline.analyse_video(made.film, device="cpu")

    theirs, ours = read("toy-space"), read("tiny-space")
    assert [scene.emotion for scene in theirs.scenes] == [scene.emotion for scene in ours.scenes]
    monkeypatch.setattr("sys.argv", ["soundtrack", "models", "list"])
    with pytest.raises(SystemExit):
        main()
    line = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("toy-space"))
    assert "toy-model 1.0" in line and "CC0-1.0" in line


def test_their_weights_are_verified_like_all_others(site: Path) -> None:
    models = install(site)
    model = find_model("toy-video")
    verify(model)
    assert model.package == "toy-model 1.0" and not model.is_embedded
    data = bytearray(model.weights.read_bytes())
    data[-1] ^= 1
    (models / "toy-video" / model.weights.name).write_bytes(data)
    with pytest.raises(ModelError) as refused:
        verify(find_model("toy-video"))
    assert refused.value.hint == "reinstall toy-model"


def test_names_of_the_tool_win(site: Path) -> None:
    models = install(site)
    manifest = json.loads((models / "manifest.json").read_text())
    manifest["models"][0]["name"] = "joint-space"
    (models / "manifest.json").write_text(json.dumps(manifest))
    assert find_model("joint-space").is_embedded


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("def models():\n    raise RuntimeError('gone')\n", "RuntimeError: gone"),
        ("def models():\n    raise SystemExit('gone')\n", "SystemExit: gone"),
        ("models = '/nowhere/at/all'\n", "/nowhere/at/all is not an absolute folder with a manifest.json"),
        ("models = 'toy_models'\n", "toy_models is not an absolute folder"),
        ("models = 7\n", "TypeError"),
    ],
)
def test_a_package_without_models_is_named(site: Path, code: str, cause: str) -> None:
    install(site, code, module="toy_broken_models")
    with pytest.raises(DependencyError, match=r"models toy of package toy-model 1\.0 failed") as refused:
        all_models()
    assert cause in str(refused.value)


def test_no_models_are_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = tmp_path / "films"
    films.mkdir()
    install(films)
    monkeypatch.chdir(films)
    monkeypatch.setattr(sys, "path", ["", *sys.path, str(films)])
    installed._folders.cache_clear()
    assert not any(model.package for model in all_models())
