"""Networks that the user trained: added under their own name, chosen by it, and named where an index is another's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from media_made import make_film, make_track
from odd_files import ffmpeg
from soundtrack.checkpoints.manifest import Manifest, find_model, read_manifest, write_manifest
from soundtrack.checkpoints.trained import add_trained, networks_of
from soundtrack.cli.models.train import app as train_app
from soundtrack.config import load_config
from soundtrack.errors import ExitCode, ModelError, UsageError
from soundtrack.resources import models_dir
from soundtrack.training.music import report as music_report


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SOUNDTRACK_MODEL", raising=False)
    return tmp_path / "cache/soundtrack/models"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What ``train space`` leaves for the tiny networks, under the name that training gives to every space."""
    models = tmp_path / "out" / "models"
    shutil.copytree(models_dir() / "tiny-space", models / "joint-space")
    entry = find_model("tiny-space").entry
    made = {**asdict(entry), "name": "joint-space", "file": "joint-space/weights.safetensors"}
    write_manifest(models, Manifest(models=(type(entry)(**made),)))
    return models.parent


def shell(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "soundtrack", *map(os.fspath, args)]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=280)


def test_a_trained_model_is_kept_under_its_own_name(out: Path, own_cache: Path) -> None:
    entry = add_trained("mine", out)
    assert (entry.name, entry.role) == ("mine", "space")
    assert find_model("mine").weights == own_cache / "mine/weights.safetensors"
    assert (own_cache / "mine/card.md").is_file()
    networks = networks_of("mine")
    assert (networks.space, networks.video, networks.music) == ("mine", "tiny-video", "tiny-music")
    assert networks_of("emotion-embedded").space == "joint-space"  # what an index calls the embedded networks
    add_trained("mine", out / "models")  # again, in its own place
    assert [entry.name for entry in read_manifest(own_cache).models] == ["mine"]
    assert sorted(path.name for path in own_cache.iterdir()) == ["manifest.json", "mine"]


def test_adding_a_model_from_the_folder_that_it_is_kept_in_is_refused(out: Path, own_cache: Path) -> None:
    """The folder was emptied to make room for its own copy."""
    add_trained("mine", out)
    before = {path: path.read_bytes() for path in own_cache.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="already the stored file of this model"):
        add_trained("mine", own_cache)
    assert {path: path.read_bytes() for path in own_cache.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "says"),
    [("joint-space", "included in soundtrack"), ("../x", "not a valid model name"), ("A b", "not a valid model name")],
)
def test_a_name_that_cannot_be_used_is_refused(out: Path, own_cache: Path, name: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        add_trained(name, out)
    assert not own_cache.exists()


def test_a_damaged_or_unfinished_model_is_refused(out: Path, own_cache: Path, tmp_path: Path) -> None:
    (out / "models/joint-space/weights.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="bytes instead of"):
        add_trained("mine", out)
    (tmp_path / "none").mkdir()
    with pytest.raises(ModelError, match="found: none"):
        add_trained("mine", tmp_path / "none")
    assert not (own_cache / "mine").exists()


def test_a_network_alone_is_not_chosen_but_says_what_is_missing() -> None:
    with pytest.raises(ModelError, match="not a joint space") as caught:
        networks_of("tiny-video")
    assert "train space" in caught.value.hint


def test_the_configuration_and_the_environment_name_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "mine"\n')
    named = {"SOUNDTRACK_CONFIG": str(tmp_path / "config.toml")}
    assert load_config(named).model == "mine"
    assert load_config({**named, "SOUNDTRACK_MODEL": "other"}).model == "other"


def test_list_says_what_is_true_of_each_model(out: Path, own_cache: Path) -> None:
    add_trained("mine", out)
    shutil.copytree(own_cache / "mine", own_cache / "joint-space")
    entry = read_manifest(own_cache).models[0]
    taken = type(entry)(**{**asdict(entry), "name": "joint-space", "file": "joint-space/weights.safetensors"})
    write_manifest(own_cache, Manifest(models=(entry, taken)))
    lines = shell("models", "list").stdout.splitlines()
    assert any(line.startswith("mine ") and line.endswith("yours") for line in lines)
    assert any(line.startswith("joint-space ") and line.endswith("ignored: reserved name") for line in lines)
    assert any(line.startswith("i3d-kinetics") and line.endswith("models add i3d-kinetics FILE") for line in lines)


@pytest.mark.slow
def test_index_and_score_with_a_model_of_ones_own(out: Path, tmp_path: Path) -> None:
    assert shell("models", "add", "mine", out).returncode == 0
    music, ix = tmp_path / "music", tmp_path / "ix"
    music.mkdir()
    make_track(music / "bright.flac", tempo_bpm=132, notes_hz=[523.25, 659.26, 783.99, 1046.5])
    film = make_film(tmp_path / "film.mp4")
    done = shell("index", music, "--index", ix, "--model", "mine", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads((ix / "index.json").read_text())["model"]["name"] == "mine"
    done = shell("score", film, "--index", ix, "--model", "mine", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "mine"
    for command in (("score", film), ("search", "--mood", "calm")):
        done = shell(*command, "--index", ix)
        assert done.returncode == ExitCode.LIBRARY, done.stderr
        assert "the index was built with mine 1, " in done.stderr
        assert "--model mine" in done.stderr.splitlines()[-1]
        assert "without re-indexing" in done.stderr.splitlines()[-1]
    for words, name in (((), "emotion-embedded"), (("--model", "mine"), "mine")):  # there and back, by what was heard
        assert shell("index", music, "--index", ix, "--jobs", "1", *words).returncode == 0
        assert json.loads((ix / "index.json").read_text())["model"]["name"] == name
    assert shell("search", "--mood", "calm", "--index", ix, "--model", "mine").returncode == 0
    done = shell("search", "--mood", "calm", "--index", ix, "--model", "nothing")
    assert done.returncode == ExitCode.MODEL
    assert done.stderr.startswith("error: unknown model 'nothing'; ")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_train_add_index_and_score_from_a_folder_of_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music_report, "SEEDS", (0,))  # one deal will do
    films = tmp_path / "films"
    films.mkdir()
    rows = ["file,class,source_id"]
    for i in range(8):
        mood, colour, hertz = (("Excited", "0xE6402A", 880), ("Sad", "0x203C6E", 220))[i % 2]
        picture = f"color=c={colour}:size=64x48:rate=12:duration=3,noise=alls={10 + i}:allf=t"
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
        sound = f"sine=frequency={hertz + 7 * i}:duration=3"
        ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *coding, films / f"{i}.mp4")
        rows.append(f"{i}.mp4,{mood},s{i}")
    (films / "labels.csv").write_text("\n".join(rows) + "\n")
    train = {
        "my-video": ("video", films / "labels.csv", "--init", "tiny"),
        "my-music": ("music", films / "labels.csv", "--init", "tiny"),
        "mine": ("space", films, "--video", "my-video", "--music", "my-music"),
    }
    for name, words in train.items():
        command = [os.fspath(word) for word in (*words, "--out", tmp_path / name, "-q")]
        done = CliRunner().invoke(train_app, command, standalone_mode=False)
        assert done.exception is None, done.exception
        add_trained(name, tmp_path / name)
    music = tmp_path / "music"
    music.mkdir()
    make_track(music / "bright.flac", tempo_bpm=132, notes_hz=[523.25, 659.26, 783.99, 1046.5])
    ix = tmp_path / "ix"
    assert shell("index", music, "--index", ix, "--model", "mine", "--jobs", "1").returncode == 0
    done = shell("score", make_film(tmp_path / "film.mp4"), "--index", ix, "--model", "mine", "-o", tmp_path / "o.mp4")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "o.cues.json").read_text())["model"]["name"] == "mine"
