"""Networks run by OpenVINO say what they say in torch, and torch runs them wherever OpenVINO cannot."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import fake_listener as fake
from soundtrack.checkpoints.face_networks import face_tensors
from soundtrack.checkpoints.manifest import find_model, read_config
from soundtrack.checkpoints.weights import save_weights
from soundtrack.cli import app, output
from soundtrack.cli.music.index import _tell
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.emotion.video_config import parse_config
from soundtrack.emotion.video_tower import VideoTower, load_network, load_parts
from soundtrack.library.heard import Listener
from soundtrack.library.report import IndexReport
from soundtrack.library.update.workers import Workers
from soundtrack.networks.face_layers import made
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.networks.mel_cnn import network_of
from soundtrack.networks.runs import openvino_core
from soundtrack.networks.runs.choice import modules_of_music, still_run
from soundtrack.networks.runs.eight_bit import are_exact
from soundtrack.networks.runs.faces_openvino import OpenVinoFaces
from soundtrack.networks.runs.faces_torch import TorchFaces
from soundtrack.networks.runs.music_openvino import OpenVinoMusic
from soundtrack.networks.runs.music_torch import TorchMusic
from soundtrack.networks.runs.openvino_core import Floats, Precision, problem, runs_networks
from soundtrack.networks.runs.picture_openvino import OpenVinoPicture
from soundtrack.networks.runs.picture_torch import TorchPicture
from soundtrack.networks.runs.stills_openvino import OpenVinoStills
from soundtrack.networks.runs.stills_torch import StillNetwork
from soundtrack.processes import platform
from soundtrack.types import FloatArray
from test_face_networks import made_files

CPU = {"get_property": lambda *_: ["FP32"]}
"""What an OpenVINO without the operations that the networks are written in says all the same."""

WARNING = (
    "warning: OpenVINO is not usable, torch ran the networks: could not create a primitive; run `soundtrack doctor`"
)

installed = pytest.mark.skipif(problem() is not None, reason="OpenVINO is not installed")


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing is remembered about OpenVINO before the test, nor after it."""
    remembered = (
        openvino_core.problem,
        openvino_core.core,
        openvino_core._may_have_gpu,
        openvino_core._suits_processor,
    )
    for function in remembered:
        function.cache_clear()
    openvino_core._given_up.clear()
    output._say_once.cache_clear()
    yield
    openvino_core._given_up.clear()
    output._say_once.cache_clear()
    for function in remembered:
        function.cache_clear()


PROCESSORS = [
    ("x86_64", ["AVX2", "AVX512F"], True),
    ("AMD64", ["X86_V3"], True),
    ("x86_64", [], False),
    ("arm64", [], False),
]
PRECISIONS: list[Precision] = ["f32", "bf16", "int8"]


def usable(precision: Precision) -> Precision:
    """The precision, unless this processor computes wrongly with it."""
    if precision == "int8" and not are_exact():
        pytest.skip("this processor has no VNNI")
    return precision


def agree(one: FloatArray, other: FloatArray, *, precision: Precision) -> None:
    """float32 to the last digits; else in direction, as a CPU with it and one without it must."""
    assert one.shape == other.shape
    assert one.dtype == other.dtype == np.float32
    if precision != "f32":
        cosine = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
        assert cosine.min() > 0.99
    else:
        assert np.abs(one - other).max() < 1e-4 * np.abs(other).max()


@installed
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("name", "n_frames"), [("i3d-emotion", 16), ("i3d-emotion", 1), ("tiny-video", 16)])
def test_pictures_give_the_numbers_of_torch(
    name: str, n_frames: int, precision: Precision, rng: np.random.Generator
) -> None:
    model = find_model(name)
    config = parse_config(read_config(model), where=model.folder)
    clips = rng.integers(0, 256, (3, n_frames, config.side_px, config.side_px, 3), dtype=np.uint8)
    network = load_network(model, config)
    expected = TorchPicture(network, device="cpu", clip_px=1)
    expected.fused = FusedI3D(network, dtype=torch.float32)
    run = OpenVinoPicture(load_parts(model, config)[0], config.width, precision=usable(precision))
    assert run.is_flat == expected.is_flat == (name == "i3d-emotion")
    agree(run.features(clips), expected.features(clips), precision=precision)
    agree(run.features(clips[:1]), expected.features(clips[:1]), precision=precision)


@installed
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["mel-emotion", "tiny-music"])
def test_music_gives_the_numbers_of_torch(name: str, precision: Precision, rng: np.random.Generator) -> None:
    tower = MusicTower.load(name, device="cpu")
    config = tower.config.cnn
    patches = rng.normal(-2, 1.5, (70, config.patch_frames, config.n_mels)).astype(np.float32)
    run = OpenVinoMusic(tower.arrays, config, precision=usable(precision))
    expected = TorchMusic(network_of(tower.arrays, config), device="cpu", dtype=torch.float32)
    for mine, other in zip(run.features(patches), expected.features(patches), strict=True):
        agree(mine, other, precision=precision)


@installed
@pytest.mark.parametrize("floats", ["f32", "bf16"])
def test_stills_give_the_numbers_of_torch(floats: Floats, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (3, 260, 260, 3), dtype=np.uint8)
    run, expected = OpenVinoStills(floats=floats), StillNetwork.load(dtype=torch.float32)
    agree(run.features(pictures), expected.features(pictures), precision=floats)
    assert run.features(pictures[:0]).shape == (0, 1280)
    with pytest.raises(ValueError, match="pictures must be uint8"):
        run.features(pictures[:, :100])


@installed
def test_integers_that_overflow_are_not_used() -> None:
    program = "from soundtrack.networks.runs.eight_bit import are_exact; print(are_exact())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ONEDNN_MAX_CPU_ISA": "AVX2"}  # has no VNNI
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("machine", "known", "is_used"), PROCESSORS)
def test_openvino_is_left_alone_on_processors_without_quick_layers_for_it(
    machine: str, known: list[str], is_used: bool, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    found = {"SIMD Extensions": {"baseline": ["SSE42"], "found": known}}
    monkeypatch.setattr(np, "show_config", lambda **_: found)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert openvino_core._is_installed() == is_used


@pytest.mark.parametrize(
    ("processor", "is_slow"),
    [("GenuineIntel avx512_bf16", True), ("GenuineIntel amx_bf16", False), ("AuthenticAMD avx512_bf16", False)],
)
def test_a_processor_that_hides_amx_ran_networks_at_half_speed(
    processor: str, is_slow: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(processor + "\n\nprocessor: 1")
    monkeypatch.setattr(platform, "_PROCESSOR", tmp_path / "cpuinfo")
    assert platform.has_slow_bf16() == is_slow
    monkeypatch.setattr(platform, "_PROCESSOR", tmp_path / "none")
    assert not platform.has_slow_bf16()


@installed
@pytest.mark.parametrize("sides", [(260, 347), (100, 33)])
def test_faces_give_the_numbers_of_torch(sides: tuple[int, int], rng: np.random.Generator) -> None:
    arrays = {name: tensor.numpy() for name, tensor in face_tensors(made_files()).items()}
    runs, expected = made(OpenVinoFaces(arrays)), made(TorchFaces(arrays))
    inputs = {
        "grid": (3, *sides),
        "expressions": (1, 64, 64),
        "other_expressions": (3, 112, 112),
        "points": (3, 112, 112),
    }
    for name, shape in inputs.items():
        batch = rng.normal(0, 0.5, (2, *shape)).astype(np.float32)
        one, other = (getattr(each, name)(batch) for each in (runs, expected))
        assert one.std() > 0
        agree(one, other, precision="f32")


@installed
def test_where_it_is_installed_it_runs_on_a_cpu_without_torch_and_reports_nothing(tmp_path: Path) -> None:
    about = {"name": "faces", "version": "0", "role": "faces", "licence": "MIT", "source": "a test"}
    save_weights(face_tensors(made_files()), tmp_path, embedding_dim=7, **about)
    faces = tmp_path / "faces" / "weights.safetensors"
    program = (
        "import sys\n"
        "asked = []\n"
        "reaches_out = ('socket.', 'os.fork', 'os.posix_spawn', 'subprocess.')\n"
        "sys.addaudithook(lambda event, _: asked.append(event) if event.startswith(reaches_out) else None)\n"
        "from soundtrack.emotion.music_tower import MusicTower\n"
        "from soundtrack.emotion.video_tower import VideoTower\n"
        "from soundtrack.emotion.faces import channel\n"
        "from soundtrack.networks.runs.choice import load_library, still_run\n"
        "load_library('cpu')\n"
        f"channel.faces_path = lambda: __import__('pathlib').Path({str(faces)!r})\n"
        "channel._network().expressions(channel.np.ones((1, 112, 112), 'uint8'))\n"
        "made = [MusicTower.load(device='cpu').run, VideoTower.load(device='cpu').run, still_run()]\n"
        "print([type(run).__name__ for run in made], 'torch' in sys.modules, asked)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.strip() == "['OpenVinoMusic', 'OpenVinoPicture', 'OpenVinoStills'] False []"


@installed
def test_a_gpu_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_core, "_may_have_gpu", lambda: True)
    assert [runs_networks(device) for device in ("auto", "cpu", "cuda")] == [False, True, False]
    monkeypatch.setattr(openvino_core, "_may_have_gpu", lambda: False)
    assert [runs_networks(device) for device in ("auto", "cpu", "cuda")] == [True, True, False]


@pytest.mark.parametrize("how", ["missing", "broken", "too old"])
def test_torch_runs_the_networks_where_openvino_cannot(how: str, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ImportError("libopenvino.so: cannot open shared object file")

    if how == "missing":
        monkeypatch.setattr(openvino_core, "_is_installed", lambda: False)
    else:
        monkeypatch.setattr(openvino_core, "_is_installed", lambda: True)
        monkeypatch.setattr(openvino_core, "opset", refuse)
        monkeypatch.setattr(openvino_core, "core", refuse if how == "broken" else (lambda: SimpleNamespace(**CPU)))
    assert not runs_networks("cpu")
    assert bool(problem()) == (how != "missing")
    assert isinstance(MusicTower.load("tiny", device="cpu").run, TorchMusic)
    assert isinstance(VideoTower.load("tiny", device="cpu").run, TorchPicture)
    assert isinstance(still_run(), StillNetwork)
    monkeypatch.delitem(sys.modules, "soundtrack.networks.runs.openvino_ready", raising=False)
    for name in modules_of_music("cpu"):  # in the process that others are forked from, which may not end by it
        importlib.import_module(name)


@installed
def test_an_openvino_that_compiles_nothing_ended_every_command(
    fresh: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("could not create a primitive\nat src/plugins")

    real = openvino_core.core()
    half = SimpleNamespace(get_property=real.get_property, compile_model=refuse)
    monkeypatch.setattr(openvino_core, "core", lambda: half)
    monkeypatch.setattr(openvino_core, "_may_have_gpu", lambda: False)
    assert problem() is None
    assert openvino_core.try_out() == "could not create a primitive"
    openvino_core._given_up.clear()
    assert isinstance(MusicTower.load("tiny", device="cpu").run, TorchMusic)
    assert not runs_networks("cpu")  # found out once in a process
    openvino_core._given_up.clear()
    assert isinstance(VideoTower.load("tiny", device="cpu").run, TorchPicture)
    openvino_core._given_up.clear()
    assert isinstance(still_run(), StillNetwork)
    monkeypatch.setattr("sys.argv", ["soundtrack", "score"])
    app._warn()
    app._warn()
    assert capfd.readouterr().err.splitlines() == [WARNING]


def cannot_compile() -> Listener:
    """What a worker process listens with where OpenVINO compiles nothing."""
    openvino_core.give_up("could not create a primitive")
    return fake.make_listener()


def test_an_index_by_torch_in_the_place_of_openvino_said_nothing(
    fresh: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.flac").write_text("song 7 3")
    with Workers(cannot_compile, jobs=2) as workers:
        assert [found.reason for found in workers.listen([tmp_path / "a.flac"], wanted=lambda _: True)] == [None]
    _tell(IndexReport(added=1, n_tracks=1, n_segments=3), quiet=False, verbose=False)  # as --watch does after each run
    app._warn()
    assert capfd.readouterr().err.splitlines() == ["1 added; the index has 1 track, 3 segments", WARNING]
