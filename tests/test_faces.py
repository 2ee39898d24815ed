"""Faces in stills: found in the right proportions, read as shares, and nothing else kept of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from made_up import sheet as made_up_sheet
from soundtrack import pipeline
from soundtrack.checkpoints.face_networks import FACES, face_tensors
from soundtrack.checkpoints.weights import save_weights
from soundtrack.cli.app import run_commands
from soundtrack.documents import scenesheet
from soundtrack.emotion.faces import channel as faces_module
from soundtrack.emotion.faces.channel import NAMES, FacesChannel, face_places, read_stills
from soundtrack.emotion.faces.stretching import stretched
from soundtrack.emotion.seen import stills as stills_module
from soundtrack.emotion.seen.stills import FORMAT
from soundtrack.errors import InputError, UsageError
from soundtrack.media.reading.probe import probe
from soundtrack.networks.faces import CROP_PX, EXPRESSIONS, Box, FaceNetwork
from soundtrack.networks.runs.choice import face_runs
from soundtrack.pipeline.film.evidence_cache import EvidenceCache
from soundtrack.pipeline.film.faced import with_faces
from soundtrack.pipeline.film.watch import Heard, Sight
from soundtrack.types import Clip, EmotionState, FloatArray, Measure, Opinion, Shot, Span, Still, StillFormat
from soundtrack.video.decode import iter_frames
from soundtrack.video.opinions import SEEN
from test_decode import X264, film
from test_face_networks import made_files

SIDE_PX = 260


class OneFace:
    """Stands in for the networks: one face in the middle of every picture that is not black."""

    shapes: list[tuple[int, ...]]
    turn_deg = 0.0

    def __init__(self) -> None:
        self.shapes = []

    def turns_deg(self, crops: np.ndarray) -> FloatArray:
        return np.full(len(crops), self.turn_deg, np.float32)

    def detect(self, picture: np.ndarray) -> list[Box]:
        self.shapes.append(picture.shape)
        middle_y, middle_x = picture.shape[0] / 2, picture.shape[1] / 2
        face = Box(middle_x - 40, middle_y - 40, middle_x + 40, middle_y + 40, 0.9)
        return [face] if picture.any() else []

    def expressions(self, crops: np.ndarray) -> FloatArray:
        assert crops.shape[1:] == (CROP_PX, CROP_PX)
        return np.tile(np.array([0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1], np.float32), (len(crops), 1))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> OneFace:
    stand_in = OneFace()
    monkeypatch.setattr(faces_module, "_network", lambda: stand_in)
    return stand_in


@pytest.fixture
def detector(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceNetwork:
    """The public detector, with random weights in the other networks."""
    files = made_files()
    for name in ("tiny_face_detector_model-weights_manifest.json", "tiny_face_detector_model.bin"):
        files[f"package/model/{name}"] = (data_dir / "faces" / "nets" / name).read_bytes()
    about = {"name": FACES, "version": "0", "role": FACES, "licence": "MIT", "source": "a test"}
    save_weights(face_tensors(files), tmp_path, embedding_dim=7, **about)
    monkeypatch.setattr(faces_module, "faces_path", lambda: tmp_path / FACES / "weights.safetensors")
    faces_module._network.cache_clear()
    return FaceNetwork.load(faces_module.faces_path(), face_runs)


def clips(rng: np.random.Generator) -> list[Clip]:
    """Twelve seconds: black, something to see, black."""
    noise = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    pictures = (np.zeros_like(noise), noise, np.zeros_like(noise))
    frames = np.zeros((16, 8, 8, 3), np.uint8)
    return [Clip(Span(4 * i, 4 * i + 4), frames, (Still(4 * i + 2.0, p),)) for i, p in enumerate(pictures)]


@pytest.mark.usefixtures("network")
def test_only_stretches_with_a_face_have_evidence(rng: np.random.Generator) -> None:
    watching = FacesChannel(4.0)
    watching.push(clips(rng))
    found = watching.finish()
    assert found.spans == (Span(4.0, 8.0),)
    assert found.channel.names == NAMES
    assert found.features[0, :7].sum() == pytest.approx(1.0)
    assert found.features[0, NAMES.index("happy")] == pytest.approx(0.6)


def test_faces_are_looked_for_in_the_true_proportions(network: OneFace) -> None:
    square = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    read_stills([Still(0.0, square, 16 / 9), Still(4.0, square, 0.5)])
    assert network.shapes == [(260, 462, 3), (520, 260, 3)]


@pytest.mark.parametrize(("n", "axis"), [(260, 1), (261, 1), (347, 0), (462, 1), (621, 1), (1040, 0)])
def test_stills_are_stretched_to_the_numbers_that_torch_gives(n: int, axis: int, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (260, 260, 3), dtype=np.uint8)
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    size = (n, 260) if axis == 0 else (260, n)
    wide = torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True)
    expected = wide[0].permute(1, 2, 0).round().byte().numpy()
    difference = np.abs(stretched(picture, n, axis=axis).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= (0.0 if has_fma() else 0.01)


def has_fma() -> bool:
    """Whether torch adds and multiplies at once here, as its kernels do on processors with AVX2."""
    return torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}


@pytest.mark.usefixtures("network")
def test_blur_lowers_the_weight_of_a_face(rng: np.random.Generator) -> None:
    sharp = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    blurred = (np.add.outer(np.arange(SIDE_PX), np.arange(SIDE_PX))[:, :, None] // 4).repeat(3, axis=2).astype(np.uint8)
    (one,), (other,) = read_stills([Still(0.0, sharp)]), read_stills([Still(0.0, blurred)])
    assert one is not None
    assert one[-1] > 0.8
    assert other is None or other[-1] < 0.1


def test_turning_lowers_the_weight_of_a_face(network: OneFace, rng: np.random.Generator) -> None:
    still = Still(0.0, rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8))
    clarity = []
    for network.turn_deg in (0.0, 15.0, 30.0, 45.0):
        (row,) = read_stills([still])
        assert row is not None
        clarity.append(float(row[-1]))
    assert clarity == pytest.approx([clarity[0], clarity[0], clarity[0] * 2 / 3, clarity[0] / 3], rel=1e-5)
    network.turn_deg = 60.0
    assert read_stills([still]) == [None]


@pytest.mark.usefixtures("network")
def test_nothing_of_a_face_is_kept_but_shares(tmp_path: Path, rng: np.random.Generator) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    watching = FacesChannel(4.0)
    watching.push(clips(rng))
    evidence = watching.finish()
    sight = Sight((Shot(0, Span(0, 12)),), (Span(0, 12),), 12.0, (), (evidence,))
    EvidenceCache(tmp_path / "cache", {}).keep(film, "sha256:0", sight, Heard())
    (kept,) = (tmp_path / "cache").glob("*.evidence")
    assert evidence.features.shape == (1, len(EXPRESSIONS) + 1)
    assert set(NAMES) == {*EXPRESSIONS, "clarity"}
    assert kept.stat().st_size < 1_000  # the smallest crop has 4,096 bytes


def test_a_sheet_shows_shares_of_faces_and_nothing_else(
    network: OneFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every still the whole picture was at hand; what a sheet keeps has no room for one."""
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    monkeypatch.setattr(stills_module, "stills_for", lambda _: FORMAT)
    (tmp_path / "weights").touch()
    monkeypatch.setattr(faces_module, "faces_path", lambda: tmp_path / "weights")
    path = film(tmp_path / "a.mp4", *X264, n=200, fps="25")
    sheet = json.loads(scenesheet.dumps(pipeline.analyse_video(path, device="cpu", cache=tmp_path / "kept")))
    assert network.shapes
    said = [o for scene in sheet["scenes"] for o in scene["opinions"] if o["channel"] == "faces"]
    assert said
    for opinion in said:
        assert {measure["name"] for measure in opinion["measures"]} <= {*NAMES, SEEN}
        assert len(json.dumps(opinion)) < 2_000
    without = pipeline.analyse_video(path, device="cpu", cache=tmp_path / "kept", faces=False)
    bare = json.loads(scenesheet.dumps(without))
    assert not [o for scene in bare["scenes"] for o in scene["opinions"] if o["channel"] == "faces"]


def test_a_weight_of_faces_that_cannot_be_read_is_not_passed_over_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--face-weight 0.7` without the networks of faces, or with `--no-faces`, changed nothing and said nothing."""
    monkeypatch.setattr("soundtrack.checkpoints.face_networks.faces_path", lambda: tmp_path / "none")
    for command in ("score", "scenes"):
        words = [command, str(tmp_path / "none.mp4"), "--face-weight", "0.7"]
        with pytest.raises(UsageError, match="--face-weight cannot be used with --no-faces"):
            run_commands([*words, "--no-faces"])
        with pytest.raises(InputError, match="no such file"):
            run_commands(words)
        assert "soundtrack models pull faces" in capfd.readouterr().err


def test_a_film_is_led_by_its_faces_where_they_are_given_weight(
    network: OneFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`scenes --why` names them with their weight; the same analysis serves with and without."""
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stills_module, "stills_for", lambda _: FORMAT)
    (tmp_path / "weights").touch()
    monkeypatch.setattr(faces_module, "faces_path", lambda: tmp_path / "weights")
    path = str(film(tmp_path / "a.mp4", *X264, n=200, fps="25"))
    assert run_commands(["scenes", path, "-o", str(tmp_path / "plain.json"), "--why"]) == 0
    assert "happy 0.60" in (said := capfd.readouterr().err) and "faces: angry 0.10" in said and "not weighted" in said
    assert run_commands(["scenes", path, "-o", str(tmp_path / "led.json"), "--why", "--face-weight", "1"]) == 0
    said = capfd.readouterr().err
    assert re.search(r"faces: \w+ 0\.\d\d, valence \+0\.\d\d.*, weight 0\.\d\d, angry 0\.10.*happy 0\.60", said)
    plain, led = (scenesheet.loads((tmp_path / f"{name}.json").read_text(), name=name) for name in ("plain", "led"))
    for before, after in zip(plain.scenes, led.scenes, strict=True):
        faces = next(opinion for opinion in after.opinions if opinion.channel == "faces")
        assert 0 < faces.weight <= 1 and sum(opinion.weight for opinion in after.opinions) == pytest.approx(1, abs=1e-4)
        assert faces.emotion is not None and faces.emotion.valence > 0.3
        nearer = abs(after.emotion.valence - faces.emotion.valence)
        assert nearer < abs(before.emotion.valence - faces.emotion.valence)
    assert plain == pipeline.analyse_video(Path(path), device="cpu")


def test_a_sheet_led_by_faces_is_the_one_that_its_file_gives_back() -> None:
    """Scoring in one step and by `scenes | spot` must see the same numbers, with subtitles or without."""
    bare = made_up_sheet([("Sad", 20.0)])
    measures = (Measure("happy", 0.7), Measure("sad", 0.3), Measure("clarity", 0.77))
    scenes = tuple(replace(s, opinions=(*s.opinions, Opinion("faces", 0.0, measures=measures))) for s in bare.scenes)
    found = with_faces(replace(bare, scenes=scenes), 0.37)
    assert found.scenes[0].emotion != bare.scenes[0].emotion
    assert found.scenes == scenesheet.loads(scenesheet.dumps(found), name="a.json").scenes


def test_faces_weigh_by_their_clarity_and_by_the_share_of_the_scene_that_shows_them() -> None:
    mood = EmotionState((0.1, 0.1, 0.5, 0.1, 0.1, 0.1), 0.0, 0.0, 0.5)
    bare = made_up_sheet([("Sad", 20.0)])

    def led(clarity: float, *, seen: float | None = None) -> float:
        shares = [Measure("happy", 1.0), Measure("clarity", clarity)] + ([] if seen is None else [Measure(SEEN, seen)])
        opinions = (Opinion("stills", 1.0, mood), Opinion("faces", 0.0, measures=tuple(shares)))
        scenes = tuple(replace(scene, emotion=mood, opinions=opinions) for scene in bare.scenes)
        found = with_faces(replace(bare, scenes=scenes), 0.5)
        return found.scenes[0].opinions[1].weight

    assert led(1.0) == pytest.approx(0.5) and led(0.4) == pytest.approx(0.2)
    assert led(1.0, seen=0.1) == pytest.approx(0.05)
    assert led(0.0) == 0.0
    assert with_faces(bare, 1.0) == bare


@pytest.mark.needs_data
def test_the_detector_finds_nothing_in_noise_and_cards(detector: FaceNetwork, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (260, 462, 3), np.uint8)
    card = np.zeros((260, 462, 3), np.uint8)
    card[60:200, 100:300] = 200
    assert [len(detector.detect(picture)) for picture in (noise, card)] == [0, 0]


@pytest.mark.needs_data
def test_a_face_is_found_and_shelves_show_none(detector: FaceNetwork, data_dir: Path) -> None:
    found = {}
    for name in ("head-pose-face-detection-female", "bottle-detection", "fruit-and-vegetable-detection"):
        batches = iter_frames(
            probe(data_dir / "everyday" / f"{name}.mp4"), side_px=32, stills=StillFormat(4.0, SIDE_PX)
        )
        found[name] = [bool(face_places(still)) for batch in batches for still in batch.stills]
    assert any(found["head-pose-face-detection-female"])
    assert not any(found["bottle-detection"])
    assert not any(found["fruit-and-vegetable-detection"])
