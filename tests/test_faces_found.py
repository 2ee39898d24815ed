"""Faces where no networks of faces are installed: found by scikit-image's cascade, named in ``why``, never read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from soundtrack.cli.app import run_commands
from soundtrack.emotion.faces import cascade
from soundtrack.emotion.faces.cascade import found_channel, found_places, read_found
from soundtrack.emotion.seen import stills as stills_module
from soundtrack.emotion.seen.stills import FORMAT
from soundtrack.types import ChannelSetup, ClipFormat, Still

skimage_data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """E. Collins, NASA, public domain: a picture that comes with scikit-image."""
    return np.array(skimage_data.astronaut())


def still(picture: np.ndarray) -> Still:
    height, width = picture.shape[:2]
    square = np.array(Image.fromarray(picture).resize((FORMAT.side_px, FORMAT.side_px)))
    return Still(2.0, square, width / height)


def test_a_face_is_found_where_it_is_and_noise_and_cards_have_none(
    portrait: np.ndarray, rng: np.random.Generator
) -> None:
    ((left, top, right, bottom),) = found_places(still(portrait))
    assert left < 0.44 < right and top < 0.23 < bottom  # the nose
    assert right - left < 0.35
    noise = rng.integers(0, 256, (300, 400, 3), np.uint8)
    assert read_found([still(noise), still(np.full((300, 400, 3), 90, np.uint8))]) == [None, None]
    wide = np.concatenate([np.full_like(portrait, 60), portrait], axis=1)
    (place,) = found_places(still(wide))
    assert place[0] > 0.5
    (row,) = read_found([still(portrait)])
    assert row is not None and row[0] == 1 and 0.1 < row[1] < 0.4


def test_it_stands_back_where_the_networks_are_installed_and_where_the_extra_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setup: ChannelSetup
) -> None:
    monkeypatch.setattr(cascade, "faces_path", lambda: tmp_path / "weights")
    assert found_channel(setup) is not None
    monkeypatch.setattr(cascade, "find_spec", lambda _: None)
    assert found_channel(setup) is None
    monkeypatch.undo()
    (tmp_path / "weights").touch()
    monkeypatch.setattr(cascade, "faces_path", lambda: tmp_path / "weights")
    assert found_channel(setup) is None


@pytest.fixture
def setup() -> ChannelSetup:
    return ChannelSetup(device="cpu", clips=ClipFormat(16, 8.0, 2.0, 128), sample_rate_hz=16_000, stills=FORMAT)


def test_a_sheet_keeps_the_number_and_the_height_of_faces_found_and_nothing_else(
    portrait: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    monkeypatch.setattr(stills_module, "stills_for", lambda _: FORMAT)
    monkeypatch.setattr(cascade, "faces_path", lambda: tmp_path / "none")
    Image.fromarray(portrait).save("portrait.png")
    assert run_commands(["scenes", "portrait.png", "-o", "a.json"]) == 0
    kept = json.loads(Path("a.json").read_text())
    (opinion,) = [o for scene in kept["scenes"] for o in scene["opinions"] if o["channel"] == cascade.FOUND]
    assert [measure["name"] for measure in opinion["measures"]] == list(cascade.NAMES)
    assert opinion["emotion"] is None and len(json.dumps(opinion)) < 300


def test_why_says_that_a_photo_shows_a_face_without_any_model_of_faces(
    portrait: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    monkeypatch.setattr(stills_module, "stills_for", lambda _: FORMAT)
    monkeypatch.setattr(cascade, "faces_path", lambda: tmp_path / "none")
    Image.fromarray(portrait).save("portrait.png")
    assert run_commands(["scenes", "portrait.png", "-o", "a.json", "--why"]) == 0
    assert "faces found: faces 1.00, height 0." in capfd.readouterr().err
    assert run_commands(["scenes", "portrait.png", "-o", "b.json", "--why", "--no-faces"]) == 0
    assert "faces found" not in capfd.readouterr().err
