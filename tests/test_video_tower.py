"""The picture tower: what it is fed, what it says, and what happens when memory is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from soundtrack.checkpoints.manifest import find_model, read_config
from soundtrack.emotion.head import Head, Mood, side_by_side
from soundtrack.emotion.head_file import form_of
from soundtrack.emotion.picture_head import blocks_of, layout_of, picture_blocks
from soundtrack.emotion.picture_network import picture_network
from soundtrack.emotion.seen.derived import N_CUTTING, N_OBJECTS
from soundtrack.emotion.seen.stills import N_FEATURES
from soundtrack.emotion.video_config import parse_config
from soundtrack.emotion.video_tower import VideoTower, head_tensors, load_network, load_parts
from soundtrack.errors import DependencyError, ModelError
from soundtrack.networks.i3d_fused import FusedI3D
from soundtrack.networks.i3d_layers import n_features
from soundtrack.networks.runs.picture_torch import TorchPicture
from soundtrack.types import EMOTIONS, Clip, FloatArray, Span
from soundtrack.video.visual_features import N_FILM, clip_numbers


class FlatSpace:
    """A stand-in for the joint space: the features themselves, made unit vectors."""

    dim = 95

    def project(
        self, side: str, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, features: FloatArray
    ) -> FloatArray:
        assert side == "picture"
        assert probabilities.shape == (len(features), 6)
        assert valence.shape == arousal.shape == (len(features),)
        return features / np.linalg.norm(features, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def tower() -> VideoTower:
    return VideoTower.load("tiny", device="cpu", space=FlatSpace())


@pytest.fixture
def clips(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (5, 16, 64, 64, 3), dtype=np.uint8)


def numbers(clips: np.ndarray) -> np.ndarray:
    return np.stack([clip_numbers(clip) for clip in clips])


def test_readings_are_what_they_promise(tower: VideoTower, clips: np.ndarray) -> None:
    batch = tower.read(clips, numbers(clips))
    assert batch.probabilities.shape == (5, len(EMOTIONS))
    np.testing.assert_allclose(batch.probabilities.sum(axis=1), 1.0, atol=1e-5)
    for values, low in ((batch.valence, -1), (batch.arousal, -1), (batch.confidence, 0)):
        assert values.shape == (5,)
        assert (values >= low).all()
        assert (values <= 1).all()
    np.testing.assert_allclose(np.linalg.norm(batch.embedding, axis=1), 1.0, atol=1e-5)
    assert all(
        values.dtype == np.float32
        for values in (batch.probabilities, batch.valence, batch.arousal, batch.confidence, batch.embedding)
    )


def test_same_clips_same_bytes(tower: VideoTower, clips: np.ndarray) -> None:
    before = clips.copy()
    first, second = tower.read(clips, numbers(clips)), tower.read(clips, numbers(clips))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert first.probabilities.tobytes() == second.probabilities.tobytes()
    assert np.array_equal(clips, before)


def test_a_clip_reads_alike_in_any_company(tower: VideoTower, clips: np.ndarray) -> None:
    together = tower.features(np.concatenate([clips, clips]))
    alone = np.concatenate([tower.features(clips[i : i + 1]) for i in range(len(clips))])
    np.testing.assert_allclose(together[:5], alone, rtol=0.02, atol=1e-3)
    np.testing.assert_allclose(together[5:], together[:5], rtol=0.02, atol=1e-3)


def test_clips_that_hold_still_read_alike_from_one_frame(rng: np.random.Generator) -> None:
    tower = VideoTower.load(device="cpu")
    side = tower.config.side_px
    pictures = rng.integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    clips = np.repeat(pictures[:, None], tower.config.n_frames, axis=1)
    np.testing.assert_allclose(tower.features_of_stills(pictures), tower.features(clips), rtol=1e-4, atol=1e-5)


def test_a_network_that_looks_at_neighbours_gets_all_frames_of_a_still(
    tower: VideoTower, rng: np.random.Generator
) -> None:
    pictures = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    clips = np.repeat(pictures[:, None], 16, axis=1)
    assert not tower.run.is_flat
    np.testing.assert_array_equal(tower.features_of_stills(pictures), tower.features(clips))


def test_clips_keep_their_order_whether_they_move_or_not(tower: VideoTower, clips: np.ndarray) -> None:
    shown = [Clip(Span(i, i + 1), frames) for i, frames in enumerate(clips)]
    shown[1] = Clip(Span(1, 2), np.broadcast_to(clips[1, 0], clips[1].shape))
    shown[3] = Clip(Span(3, 4), np.broadcast_to(clips[3, 0], clips[3].shape))
    assert tower.model is not None
    channel = picture_network(tower.model, tower=lambda: tower)
    channel.push(shown)
    expected = tower.features(np.stack([clip.frames for clip in shown]))
    np.testing.assert_allclose(channel.finish().features, expected, rtol=0.02, atol=1e-3)


def test_the_network_tells_pictures_apart(tower: VideoTower) -> None:
    dark, light = np.zeros((1, 16, 64, 64, 3), np.uint8), np.full((1, 16, 64, 64, 3), 255, np.uint8)
    assert not np.allclose(tower.features(dark), tower.features(light), atol=1e-4)


def test_no_clips_no_readings(tower: VideoTower) -> None:
    batch = tower.read(np.empty((0, 16, 64, 64, 3), np.uint8), np.empty((0, N_FILM), np.float32))
    assert batch.probabilities.shape == (0, 6)
    assert len(batch.embedding) == 0


@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (1, 15, 64, 64, 3), (1, 16, 112, 112, 3)])
def test_wrong_clips_are_refused(tower: VideoTower, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="clips must be uint8"):
        tower.read(np.zeros(shape, np.uint8), np.zeros((1, N_FILM), np.float32))


def test_wrong_film_numbers_are_refused(tower: VideoTower, clips: np.ndarray) -> None:
    with pytest.raises(ValueError, match="film must have shape"):
        tower.read(clips, np.zeros((5, N_FILM + 1), np.float32))


def torch_run(tower: VideoTower) -> TorchPicture:
    """The network of a tower, run by torch."""
    assert tower.model is not None
    return TorchPicture(load_network(tower.model, tower.config), device="cpu", clip_px=16 * 64 * 64)


class Cramped:
    """A network on a device that holds only so many clips."""

    def __init__(self, room: int, real: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.room, self.real, self.moved_to, self.sizes = room, real, "", list[int]()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.room and not self.moved_to:
            raise torch.OutOfMemoryError("CUDA out of memory (pretended)")
        self.sizes.append(len(x))
        return self.real(x)

    def moved(self, device: str, *, dtype: torch.dtype) -> Cramped:
        assert dtype in {torch.float32, torch.bfloat16}
        self.moved_to = device
        return self


@pytest.mark.parametrize(("room", "ends_on"), [(3, "gpu"), (0, "cpu")])
def test_short_memory_means_smaller_batches_and_at_last_the_cpu(
    tower: VideoTower, clips: np.ndarray, room: int, ends_on: str
) -> None:
    run = torch_run(tower)
    cramped = Cramped(room, run.fused.features)
    mine = VideoTower(run, tower.reader.head, config=tower.config, space=FlatSpace())
    run.fused = cramped  # type: ignore[assignment]  # pretends to be the network
    run.batches.device, run.batches.size = "gpu", 64
    run._forward = lambda part: run.fused.features(  # type: ignore[method-assign]  # there is no such device
        torch.from_numpy(np.array(part)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0
    ).numpy()
    np.testing.assert_allclose(mine.features(clips), torch_run(tower).features(clips), rtol=0.02, atol=1e-3)
    assert mine.device == ends_on
    assert sum(cramped.sizes) == len(clips), "every clip once"
    if room:
        assert max(cramped.sizes) <= room


def test_short_numbers_say_the_same_as_long_ones(tower: VideoTower, clips: np.ndarray) -> None:
    """A GPU, and a CPU with bf16, must give the vectors of a CPU without it: within 1e-2 of cosine."""
    model = find_model("tiny-video")
    config = parse_config(read_config(model), where=model.folder)
    network = load_network(model, config)
    x = torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0
    long, short = (FusedI3D(network, dtype=dtype).features(x).numpy() for dtype in (torch.float32, torch.bfloat16))
    cosine = (long * short).sum(axis=1) / np.linalg.norm(long, axis=1) / np.linalg.norm(short, axis=1)
    assert cosine.min() > 0.99


def test_other_errors_are_not_swallowed(tower: VideoTower, clips: np.ndarray) -> None:
    def broken(_x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("something else")

    run = torch_run(tower)
    mine = VideoTower(run, tower.reader.head, config=tower.config, space=FlatSpace())
    run.fused = Cramped(9, broken)  # type: ignore[assignment]  # pretends to be the network
    with pytest.raises(RuntimeError, match="something else"):
        mine.features(clips)


def test_a_music_model_is_no_video_model(tmp_path: object) -> None:
    with pytest.raises(ModelError, match="unknown model"):
        VideoTower.load("nothing-of-that-name", space=FlatSpace())


def test_cuda_that_is_not_there_is_said_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DependencyError):
        VideoTower.load("tiny", device="cuda", space=FlatSpace())


@pytest.mark.parametrize(("name", "stills"), [("i3d-emotion", [N_FEATURES, N_OBJECTS, N_CUTTING]), ("tiny-video", [])])
def test_embedded_weights_fit_their_config(name: str, stills: list[int]) -> None:
    model = find_model(name)
    config = parse_config(read_config(model), where=name)
    _arrays, head = load_parts(model, config)
    assert n_features(config.width) == config.n_features
    assert [block.dim for block in config.head.blocks] == [config.n_features, *stills, N_FILM]
    assert head.weight.shape == (8, config.n_features + sum(stills) + N_FILM)
    assert config.n_frames / config.frame_rate_hz == pytest.approx(config.stride_s)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("width", None, "width must be a number"),
        ("side_px", 0, "side_px must be above 0"),
        ("temperature", True, "must be a number"),
    ],
)
def test_wrong_config_is_named(key: str, value: object, message: str) -> None:
    values = {**read_config(find_model("tiny-video")), key: value}
    with pytest.raises(ModelError, match=message):
        parse_config(values, where="here")


# --- the head ----


def head_reading(head: Head, rng: np.random.Generator, n: int = 50) -> Mood:
    features, film = rng.random((n, 8)).astype(np.float32), rng.random((n, 3)).astype(np.float32)
    return head.read(picture_blocks(features, film))


def test_head_survives_the_weights_file(rng: np.random.Generator) -> None:
    head = Head.untrained(blocks_of(8, 3), seed=1)
    tensors = head_tensors(head)
    arrays = {name.removeprefix("head."): value.numpy() for name, value in tensors.items()}
    again = form_of(head).head(arrays, where="here")
    seed = rng.integers(1 << 30)
    first = head_reading(head, np.random.default_rng(seed))
    second = head_reading(again, np.random.default_rng(seed))
    assert np.array_equal(first.probabilities, second.probabilities)


def test_temperature_flattens_but_never_reorders() -> None:
    head = Head.untrained(blocks_of(8, 3), seed=2)
    sharp = head_reading(head, np.random.default_rng(0))
    flat = head_reading(replace(head, temperature=4.0), np.random.default_rng(0))
    assert (sharp.probabilities.argmax(axis=1) == flat.probabilities.argmax(axis=1)).all()
    assert flat.probabilities.max(axis=1).mean() < sharp.probabilities.max(axis=1).mean()


def test_confidence_is_the_leading_probability_until_calibrated(rng: np.random.Generator) -> None:
    reading = head_reading(Head.untrained(blocks_of(8, 3), seed=3), rng)
    np.testing.assert_allclose(reading.confidence, reading.probabilities.max(axis=1), atol=1e-4)


def test_channels_need_matching_rows() -> None:
    blocks = picture_blocks(np.zeros((2, 3), np.float32), np.zeros((3, 1), np.float32))
    with pytest.raises(ValueError, match="all of one length"):
        side_by_side(blocks, layout_of(blocks))


@pytest.mark.needs_cuda
def test_cpu_and_gpu_agree(clips: np.ndarray) -> None:
    cpu = VideoTower.load("tiny", device="cpu", space=FlatSpace()).features(clips)
    gpu = VideoTower.load("tiny", device="cuda", space=FlatSpace()).features(clips)
    cosine = (cpu * gpu).sum(axis=1) / np.linalg.norm(cpu, axis=1) / np.linalg.norm(gpu, axis=1)
    assert cosine.min() > 0.99
