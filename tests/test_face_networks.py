"""The networks of faces: fetched whole or not at all, read from named members only, and converted."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from soundtrack.checkpoints import face_networks as module
from soundtrack.checkpoints.face_networks import Archive, add_faces, faces_path, members_of, pull_faces
from soundtrack.checkpoints.manifest import find_model, verify
from soundtrack.cli.app import run_commands
from soundtrack.emotion.faces.channel import facing
from soundtrack.errors import ModelError, UsageError
from soundtrack.networks.faces import CROP_PX, FaceNetwork, turn_deg
from soundtrack.networks.runs.choice import face_runs

ROOT = "package/model/"
XCEPTION = "StatefulPartitionedCall/model_1/"
Shapes = dict[str, tuple[int, ...]]


def separable(name: str, n_in: int, n_out: int) -> Shapes:
    return {
        f"{name}/depthwise_filter": (3, 3, n_in, 1),
        f"{name}/pointwise_filter": (1, 1, n_in, n_out),
        f"{name}/bias": (n_out,),
    }


def dense(n_blocks: int, n_convolutions: int, n_outputs: int) -> Shapes:
    shapes: Shapes = {"dense0/conv0/filters": (3, 3, 3, 32), "dense0/conv0/bias": (32,)}
    for i in range(n_blocks):
        wide = 32 << i
        for j in range(n_convolutions):
            if i or j:
                shapes |= separable(f"dense{i}/conv{j}", wide // 2 if j == 0 else wide, wide)
    last = 32 << (n_blocks - 1)
    return shapes | {"fc/weights": (last, n_outputs), "fc/bias": (n_outputs,)}


def xception() -> Shapes:
    shapes: Shapes = {"unknown_43": (3, 3, 256, 7), "unknown_44": (7,)}
    convolutions: dict[str, tuple[int, ...]] = {
        "conv2d_1/Conv2D": (3, 3, 1, 32), "conv2d_2/Conv2D": (3, 3, 32, 64), "conv2d_3/Conv2D": (1, 1, 64, 128),
        "conv2d_4/Conv2D": (1, 1, 128, 256), "separable_conv2d_1/separable_conv2d": (1, 1, 64, 128),
        "separable_conv2d_2/separable_conv2d": (1, 1, 128, 128),
        "separable_conv2d_3/separable_conv2d": (1, 1, 128, 256),
        "separable_conv2d_4/separable_conv2d": (1, 1, 256, 256),
    }  # fmt: skip
    for name, shape in convolutions.items():
        shapes |= {f"{XCEPTION}{name}_weights": shape, f"{XCEPTION}{name}_bn_offset": shape[-1:]}
    wide = {"unknown_9": 64, "unknown_15": 128, "unknown_26": 128, "unknown_32": 256}
    return shapes | {name: (3, 3, n, 1) for name, n in wide.items()}


def detector() -> Shapes:
    shapes: Shapes = {"conv0/filters": (3, 3, 3, 16), "conv0/bias": (16,)}
    for i in range(1, 6):
        shapes |= separable(f"conv{i}", 8 << i, 16 << i)
    return shapes | {"conv8/filters": (1, 1, 512, 25), "conv8/bias": (25,)}


def stored(shapes: Shapes, *, seed: int, quantised: bool) -> tuple[list[dict[str, object]], bytes]:
    """Rows of a weights manifest, and the bytes of small random weights."""
    rng, rows, data = np.random.default_rng(seed), [], b""
    for name, shape in shapes.items():
        row: dict[str, object] = {"name": name, "shape": list(shape), "dtype": "float32"}
        if quantised and len(shape) > 1:
            row["quantization"] = {"dtype": "uint8", "scale": 0.002, "min": -0.255}
            data += rng.integers(0, 256, shape, np.uint8).tobytes()
        else:
            data += rng.normal(0, 0.1, shape).astype("<f4").tobytes()
        rows.append(row)
    return rows, data


def made_files() -> dict[str, bytes]:
    """Members of the archives with random weights in the shapes of the public networks."""
    files = {}
    networks = {
        "tiny_face_detector_model": detector(),
        "face_expression_model": dense(4, 4, 7),
        "face_landmark_68_tiny_model": dense(3, 3, 136),
    }
    for seed, (name, shapes) in enumerate(networks.items()):
        rows, files[f"{ROOT}{name}.bin"] = stored(shapes, seed=seed, quantised=True)
        files[f"{ROOT}{name}-weights_manifest.json"] = json.dumps([{"weights": rows}]).encode()
    rows, files["package/models/emotion.bin"] = stored(xception(), seed=9, quantised=False)
    files["package/models/emotion.json"] = json.dumps({"weightsManifest": [{"weights": rows}]}).encode()
    return files


def packed(files: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    """A package as the registry has it, with members that nobody asked for."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in {"../../outside": b"no", "package/code.js": b"run()", **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return out.getvalue()


class Registry:
    """Stands in for the network: answers with the archives, as they are or otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        files, self.answers, self.asked, archives = made_files(), {}, [], []
        for archive in module.ARCHIVES:
            mine = {name: files[name] for name in archive.members}
            data = packed(mine)
            self.answers[archive.url] = data
            sizes = {name: len(content) for name, content in mine.items()}
            digest = hashlib.sha256(data).hexdigest()
            archives.append(Archive(archive.file, archive.url, digest, len(data), sizes))
        self.archives = tuple(archives)
        monkeypatch.setattr(module, "ARCHIVES", self.archives)
        monkeypatch.setattr("soundtrack.checkpoints.fetch.opener", lambda: self.open)

    def open(self, url: str) -> Answer:
        self.asked.append(url)
        return Answer(self.answers[url])


class Answer(io.BytesIO):
    headers = http.client.HTTPMessage()


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/soundtrack"


@pytest.fixture
def registry(own_models: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(monkeypatch)


def test_pull_installs_networks_that_run(
    registry: Registry, own_models: Path, capfd: pytest.CaptureFixture[str], rng: np.random.Generator
) -> None:
    run_commands(["models", "pull", "faces", "-q"])
    assert registry.asked == [archive.url for archive in module.ARCHIVES]
    assert not list((own_models / "downloads").iterdir())
    assert sorted(path.name for path in faces_path().parent.iterdir()) == ["weights.safetensors"]
    model = find_model("faces")
    verify(model)
    assert (model.entry.role, model.entry.licence) == ("faces", "MIT")
    capfd.readouterr()
    run_commands(["models", "verify", "faces"])
    assert "faces: ok" in capfd.readouterr().err
    run_commands(["models", "list"])
    assert any(line.startswith("faces ") and line.endswith("yours") for line in capfd.readouterr().out.splitlines())

    network = FaceNetwork.load(faces_path(), face_runs)
    crops = rng.integers(0, 256, (3, CROP_PX, CROP_PX), np.uint8)
    shares = network.expressions(crops)
    assert np.allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    assert np.allclose(shares, network.expressions(crops[:, :, ::-1].copy()), atol=1e-5)
    assert shares.std(axis=0).max() > 0  # faces are read one by one
    turns = network.turns_deg(crops)
    assert turns.shape == (3,) and np.all((turns >= 0) & (turns <= 90))


def test_archives_of_a_folder_are_added_without_a_network(
    registry: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    first, second = module.ARCHIVES
    (folder / first.file).write_bytes(registry.answers[first.url])
    with pytest.raises(ModelError, match=r"human-3\.3\.6\.tgz: no such file"):
        add_faces(folder)
    (folder / second.file).write_bytes(registry.answers[second.url])
    run_commands(["models", "add", "faces", str(folder), "-q"])
    assert registry.asked == []
    assert faces_path().is_file()
    (folder / second.file).write_bytes(registry.answers[second.url][:-1] + b"?")
    with pytest.raises(ModelError, match="SHA-256 mismatch"):
        add_faces(folder)


def test_other_bytes_install_nothing(registry: Registry, own_models: Path) -> None:
    second = module.ARCHIVES[1]
    registry.answers[second.url] = registry.answers[second.url][:-1] + b"?"
    with pytest.raises(ModelError, match="SHA-256 mismatch"):
        pull_faces()
    assert not faces_path().exists()
    assert not list((own_models / "downloads").iterdir())


def test_without_a_connection_the_hint_names_both_archives(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str) -> Answer:
        raise OSError("no route to host")

    monkeypatch.setattr(registry, "open", refuse)
    with pytest.raises(ModelError, match="download failed") as caught:
        pull_faces()
    assert all(archive.url in caught.value.hint for archive in module.ARCHIVES)
    assert "models add faces FOLDER" in caught.value.hint


def test_faces_have_fixed_addresses(registry: Registry) -> None:
    with pytest.raises(UsageError, match="do not apply to faces"):
        run_commands(["models", "pull", "faces", "--url", "https://example.org/x"])
    assert registry.asked == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (packed({"a": b"1234"}, links={"b": "/etc/passwd"}), "b is not a file of 2 bytes"),
        (packed({"a": b"1234", "b": b"123"}), "b is not a file of 2 bytes"),
        (packed({"a": b"1234"}), "b is missing"),
        (packed({"a": b"1234", "b": b"12"})[:60], "damaged archive"),
        (b"no archive", "damaged archive"),
    ],
    ids=["a link", "another length", "missing", "cut off", "no archive"],  # the bytes hold the time of packing
)
def test_members_are_regular_files_of_known_size(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.tgz").write_bytes(data)
    with pytest.raises(ModelError, match=words):
        members_of(tmp_path / "x.tgz", {"a": 4, "b": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["x.tgz"]


def face_points(*, tilt_deg: float = 0.0, aside: float = 0.0) -> np.ndarray:
    """Eyes and nose of a face, tilted, and with the nose moved by a part of half the distance of the eyes."""
    points = np.zeros((68, 2))
    points[36], points[45], points[30] = (-1, 0), (1, 0), (aside, 0.8)
    angle = np.radians(tilt_deg)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * 20 + 50


def test_a_face_is_turned_by_its_tilt_and_by_its_nose() -> None:
    assert turn_deg(face_points()) == pytest.approx(0.0, abs=1e-6)
    for angle in (20.0, 45.0):
        assert turn_deg(face_points(tilt_deg=angle)) == pytest.approx(angle)
        assert turn_deg(face_points(tilt_deg=-angle)) == pytest.approx(angle)
        assert turn_deg(face_points(aside=0.85 * np.tan(np.radians(angle)))) == pytest.approx(angle)
    assert turn_deg(face_points(tilt_deg=180.0)) == 90.0
    assert turn_deg(np.zeros((68, 2))) == 90.0
    assert np.all(np.diff(facing(np.arange(0, 91, 5, dtype=np.float32))) <= 0)


@pytest.mark.needs_data
def test_expressions_of_faces_kept_apart(data_dir: Path, request: pytest.FixtureRequest) -> None:
    """0.663 of 350 faces are read right; below 0.64 the channel is not what the documentation says."""
    import csv

    import cv2

    from soundtrack.networks.faces import EXPRESSIONS

    if not faces_path().is_file():
        pytest.skip("the networks of faces are not installed; run `soundtrack models pull faces`")
    folder = data_dir / "faces/fer2013_sample"
    rows = list(csv.DictReader((folder / "valid.csv").open()))
    crops = np.stack(
        [
            cv2.resize(cv2.imread(str(folder / "valid" / row["file"]), cv2.IMREAD_GRAYSCALE), (CROP_PX, CROP_PX))
            for row in rows
        ]
    )
    network = FaceNetwork.load(faces_path(), face_runs)
    shares = np.concatenate([network.expressions(part) for part in np.array_split(crops, 7)])
    right = [EXPRESSIONS[i] == row["emotion"] for i, row in zip(shares.argmax(axis=1), rows, strict=True)]
    assert len(rows) == 350 and np.mean(right) >= 0.64
    tilted = np.stack([cv2.warpAffine(c, cv2.getRotationMatrix2D((56, 56), 35, 1), (CROP_PX, CROP_PX)) for c in crops])
    assert facing(network.turns_deg(tilted)).mean() < 0.85 * facing(network.turns_deg(crops)).mean()
