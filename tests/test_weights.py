"""Models on disk: hashes, names, shapes, numbers; public checkpoints; fetching. Nothing is ever unpickled."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from soundtrack.checkpoints import fetch as fetching
from soundtrack.checkpoints import manifest
from soundtrack.checkpoints.arrays import read_arrays
from soundtrack.checkpoints.manifest import (
    Manifest,
    ModelEntry,
    all_models,
    find_model,
    read_manifest,
    register,
    verify,
    write_manifest,
)
from soundtrack.checkpoints.weights import (
    I3D_KINETICS,
    add_model,
    load_weights,
    read_public_checkpoint,
    read_tensors,
    save_weights,
)
from soundtrack.errors import ModelError, UsageError
from soundtrack.networks.i3d import I3D, expected_state
from soundtrack.training.picture.start import start_of

SMALL = {"a": torch.tensor([1.0, 2.0]), "b": torch.zeros(2, 3)}


def save(folder: Path, tensors: dict[str, Tensor] | None = None, name: str = "small") -> ModelEntry:
    return save_weights(
        tensors or SMALL,
        folder,
        name=name,
        version="1",
        role="video",
        licence="CC0-1.0",
        source="made in a test",
        embedding_dim=2,
    )


def test_round_trip_is_exact_for_halves(tmp_path: Path) -> None:
    entry = save(tmp_path)
    assert read_manifest(tmp_path).models == (entry,)
    model = find_model("small", folders=[tmp_path])
    tensors = load_weights(model, expected={"a": (2,), "b": (2, 3)})
    assert all(tensors[name].dtype == torch.float32 for name in SMALL)
    assert all(torch.equal(tensors[name], SMALL[name]) for name in SMALL)


def test_a_manifest_is_parsed_once_and_again_when_its_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path)
    file, n_read = tmp_path / "manifest.json", []
    monkeypatch.setattr(manifest, "read_object", lambda path, read=manifest.read_object: n_read.append(1) or read(path))
    assert [model.entry.name for model in all_models(folders=[tmp_path])] == ["small"]
    assert find_model("small", folders=[tmp_path]).entry.version == "1"
    assert len(n_read) == 1
    entry = replace(read_manifest(tmp_path).models[0], name="added")
    register(tmp_path, entry)  # as `models add` does
    assert [model.entry.name for model in all_models(folders=[tmp_path])] == ["added", "small"]
    n_bytes, time_ns = file.stat().st_size, file.stat().st_mtime_ns
    file.write_text(file.read_text().replace('"small"', '"other"'))  # in place, as an editor does, of the same length
    os.utime(file, ns=(time_ns, time_ns + 1))
    assert file.stat().st_size == n_bytes
    assert [model.entry.name for model in all_models(folders=[tmp_path])] == ["added", "other"]
    file.write_text("{")
    for _ in range(2):
        with pytest.raises(ModelError, match=r"manifest\.json"):
            all_models(folders=[tmp_path])
    file.unlink()
    assert all_models(folders=[tmp_path]) == []


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    assert save(tmp_path / "x").sha256 == save(tmp_path / "y").sha256
    assert (tmp_path / "x/manifest.json").read_bytes() == (tmp_path / "y/manifest.json").read_bytes()


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    model = find_model("small", folders=[tmp_path])
    data = bytearray(model.weights.read_bytes())
    data[-1] ^= 1
    model.weights.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        load_weights(model)
    model.weights.write_bytes(data[:-1])
    with pytest.raises(ModelError, match="bytes instead of"):
        verify(model)
    model.weights.unlink()
    with pytest.raises(ModelError, match="is missing"):
        verify(model)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"a": (2,)}, "unknown tensors, first b"),
        ({"a": (2,), "b": (2, 3), "c": (1,)}, "missing tensors, first c"),
        ({"a": (2,), "b": (3, 2)}, r"b has shape \(2, 3\), expected \(3, 2\)"),
    ],
)
def test_wrong_names_and_shapes_are_named(tmp_path: Path, expected: dict[str, tuple[int, ...]], message: str) -> None:
    save(tmp_path)
    with pytest.raises(ModelError, match=message):
        load_weights(find_model("small", folders=[tmp_path]), expected=expected)


def test_wrong_kinds_of_number_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.tensor([float("nan")])}, tmp_path / "nan.safetensors")
    with pytest.raises(ModelError, match="a contains NaN or infinity"):
        read_tensors(tmp_path / "nan.safetensors")
    save_file({"a": torch.tensor([1])}, tmp_path / "int.safetensors")
    with pytest.raises(ModelError, match=r"a has type I64"):
        read_tensors(tmp_path / "int.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ModelError, match="cannot read weights"):
        read_tensors(tmp_path / "text.safetensors")
    with pytest.raises(ValueError, match="not finite"):
        save(tmp_path, {"a": torch.tensor([1e9])})


def test_a_head_saved_in_bf16_was_not_read(tmp_path: Path) -> None:
    values = torch.linspace(-3.0, 3.0, 12).reshape(3, 4)
    kinds = {"bf16": torch.bfloat16, "half": torch.float16, "single": torch.float32, "double": torch.float64}
    saved = {name: values.to(kind) for name, kind in kinds.items()}
    save_file(saved, tmp_path / "a.safetensors")
    arrays = read_arrays(tmp_path / "a.safetensors")
    assert arrays.keys() == saved.keys() and all(array.dtype == np.float32 for array in arrays.values())
    assert all(np.array_equal(arrays[name], tensor.float().numpy()) for name, tensor in saved.items())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_one_number_that_is_not_finite_among_many_is_found(bad: float, kind: torch.dtype, tmp_path: Path) -> None:
    values = torch.linspace(-3.0, 3.0, 1001).to(kind)
    path = tmp_path / "a.safetensors"
    save_file({"a": values, "none": torch.zeros(0, 3, dtype=kind), "one": torch.ones((), dtype=kind)}, path)
    assert {name: tuple(t.shape) for name, t in read_tensors(path).items()} == {"a": (1001,), "none": (0, 3), "one": ()}
    for place in (0, 500, 1000):
        damaged = values.clone()
        damaged[place] = bad
        save_file({"a": damaged}, path)
        with pytest.raises(ModelError, match="a contains NaN or infinity"):
            read_tensors(path)


def test_unknown_model_names_those_that_exist(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(ModelError, match="unknown model 'big'; installed models: small"):
        find_model("big", folders=[tmp_path])
    with pytest.raises(ModelError) as caught:
        find_model("smal", folders=[tmp_path])
    assert caught.value.hint.startswith("did you mean 'small'? ")


def test_the_first_folder_wins(tmp_path: Path) -> None:
    save(tmp_path / "mine", {"a": torch.ones(1)})
    save(tmp_path / "theirs", {"a": torch.zeros(1)})
    found = all_models(folders=[tmp_path / "mine", tmp_path / "theirs"])
    assert [model.folder for model in found] == [tmp_path / "mine/small"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": "other/1"}', '{"schema": "soundtrack.models/1", "models": [{}]}']
)
def test_damaged_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_manifest_cannot_point_outside(tmp_path: Path) -> None:
    entry = replace(save(tmp_path), file="../elsewhere.safetensors")
    write_manifest(tmp_path, Manifest(models=(entry,)))
    with pytest.raises(ModelError, match="is outside the folder"):
        read_manifest(tmp_path)


def test_registering_replaces_only_the_same_name(tmp_path: Path) -> None:
    first = save(tmp_path, name="one")
    second = save(tmp_path, name="two")
    register(tmp_path, replace(first, version="2"))
    assert [(e.name, e.version) for e in read_manifest(tmp_path).models] == [("one", "2"), ("two", second.version)]


def test_embedded_models_are_whole_and_small() -> None:
    embedded = [model for model in all_models() if model.is_embedded]
    assert {"i3d-emotion", "tiny-video"} <= {model.entry.name for model in embedded}
    for model in embedded:
        verify(model)
        assert (model.folder / "config.json").is_file()
        assert (model.folder / "card.md").is_file()
    assert sum(model.entry.size for model in embedded) < 40_000_000


# --- public checkpoints ----


@pytest.fixture(scope="module")
def kinetics_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with exactly the keys and shapes of the public one, and numbers from a seed."""
    rng = torch.Generator().manual_seed(0)
    state = {
        name: torch.rand(shape, generator=rng) * 0.1 + (0.5 if name.endswith("running_var") else 0.0)
        for name, shape in expected_state(I3D()).items()
    }
    path = tmp_path_factory.mktemp("kinetics") / "rgb_imagenet.pt"
    torch.save(state, path)
    return path


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_public_checkpoint_loads_strictly(kinetics_file: Path, own_cache: Path) -> None:
    entry = add_model(I3D_KINETICS, kinetics_file)
    assert entry.embedding_dim == 1024
    weights = own_cache / "soundtrack/models/i3d-kinetics/weights.safetensors"
    assert weights.stat().st_size == entry.size
    state = start_of(I3D_KINETICS).state
    truth = torch.load(kinetics_file, weights_only=True)
    assert {name for name in truth if not name.startswith("logits.")} == set(state)
    assert all(torch.equal(value, truth[name]) for name, value in state.items())


def test_adding_the_file_that_is_kept_already_is_refused_and_leaves_it_as_it_is(
    kinetics_file: Path, own_cache: Path, tmp_path: Path
) -> None:
    add_model(I3D_KINETICS, kinetics_file)
    weights = own_cache / "soundtrack/models/i3d-kinetics/weights.safetensors"
    before = weights.stat()
    (tmp_path / "other.safetensors").symlink_to(weights)
    for name in (weights, tmp_path / "other.safetensors"):
        with pytest.raises(UsageError, match="already the stored file of this model"):
            add_model(I3D_KINETICS, name)
    after = weights.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    verify(find_model(I3D_KINETICS))


def test_network_that_was_not_added_says_how(own_cache: Path) -> None:
    with pytest.raises(ModelError, match="is not installed") as caught:
        start_of(I3D_KINETICS)
    assert "models add" in caught.value.hint


def test_checkpoint_of_another_network_is_refused(tmp_path: Path, own_cache: Path) -> None:
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="missing tensors"):
        add_model(I3D_KINETICS, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not a public model"):
        add_model("resnet", tmp_path / "other.pt")
    assert not (own_cache / "soundtrack/models").exists()


class Trap:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def test_a_pickled_trap_does_not_go_off(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"a": Trap(sprung)}, tmp_path / "zip.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps({"a": Trap(sprung)}, protocol=2))
    for name in ("zip.pt", "raw.pt"):
        with pytest.raises(ModelError, match="cannot read weights"):
            read_public_checkpoint(tmp_path / name)
    assert not sprung.exists()


def test_odd_checkpoints_are_refused(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="not a mapping"):
        read_public_checkpoint(tmp_path / "list.pt")
    torch.save({"a": torch.tensor([float("inf")])}, tmp_path / "inf.pt")
    with pytest.raises(ModelError, match="NaN or infinity"):
        read_public_checkpoint(tmp_path / "inf.pt")
    with pytest.raises(ModelError, match="no such file"):
        read_public_checkpoint(tmp_path / "none.pt")


# --- fetching ----

PAYLOAD = np.random.default_rng(0).bytes(3_000_000)
SHA = hashlib.sha256(PAYLOAD).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the payload, too short a payload, and redirects."""

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
        elif self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.end_headers()
        elif self.path in ("/file", "/short", "/endless"):
            self.send_response(200)
            if self.path != "/endless":
                self.send_header("Content-Length", str(len(PAYLOAD)))
            self.end_headers()
            self.wfile.write(PAYLOAD[:1000] if self.path == "/short" else PAYLOAD)
        else:
            self.send_error(404)

    def log_message(self, *_args: object) -> None:
        """Keep the test's output clean."""


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder."""

    def log_message(self, *_args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()


def get(url: str, target: Path, *, sha256: str = SHA, max_bytes: int = 4_000_000) -> None:
    fetching.fetch(url, target, sha256=sha256, max_bytes=max_bytes, open_url=fetching.opener(allow_loopback=True))


def test_fetching_keeps_the_right_bytes(server: str, tmp_path: Path) -> None:
    for path in ("/file", "/elsewhere", "/endless"):
        get(server + path, tmp_path / "got.bin")
        assert (tmp_path / "got.bin").read_bytes() == PAYLOAD
    assert [p.name for p in tmp_path.iterdir()] == ["got.bin"]


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("/file", {"sha256": "0" * 64}, "SHA-256 mismatch"),
        ("/file", {"max_bytes": 1_000_000}, "larger than the expected"),
        ("/endless", {"max_bytes": 1_000_000}, "larger than"),
        ("/short", {}, "interrupted"),
        ("/missing", {}, "download failed"),
        ("/to?file:///etc/hostname", {}, "not allowed"),
        ("/to?ftp://127.0.0.1/file", {}, "only https"),
        ("/to?http://192.0.2.1/file", {}, "only https"),
    ],
)
def test_fetching_keeps_nothing_wrong(
    server: str, tmp_path: Path, path: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        get(server + path, tmp_path / "got.bin", **options)  # type: ignore[arg-type]  # a table of odd options
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "http://example.org/x", "file:///etc/hostname", "ftp://a/b", "x"]
)
def test_only_https_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelError, match="only https"):
        fetching.fetch(url, tmp_path / "x", sha256=SHA, max_bytes=10)


def test_nothing_is_pulled_without_a_pinned_hash(own_cache: Path) -> None:
    with pytest.raises(ModelError, match="no SHA-256 is known") as caught:
        fetching.pull_model(I3D_KINETICS)
    assert "models add" in caught.value.hint
    with pytest.raises(ModelError, match="not a public model"):
        fetching.pull_model("resnet")


@pytest.mark.slow
def test_a_pulled_network_is_converted_and_kept(kinetics_file: Path, own_cache: Path) -> None:
    handler = functools.partial(QuietFiles, directory=str(kinetics_file.parent))
    digest = hashlib.sha256(kinetics_file.read_bytes()).hexdigest()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{httpd.server_address[1]}/{kinetics_file.name}"
        open_url = fetching.opener(allow_loopback=True)
        with pytest.raises(ModelError, match="SHA-256 mismatch"):
            fetching.pull_model(I3D_KINETICS, url=url, sha256="0" * 64, open_url=open_url)
        assert not (own_cache / "soundtrack/models").exists()
        entry = fetching.pull_model(I3D_KINETICS, url=url, sha256=digest, open_url=open_url)
        httpd.shutdown()
    assert entry.name == I3D_KINETICS
    manifest = json.loads((own_cache / "soundtrack/models/manifest.json").read_text())
    assert [row["name"] for row in manifest["models"]] == [I3D_KINETICS]
    assert not list((own_cache / "soundtrack/downloads").iterdir())
