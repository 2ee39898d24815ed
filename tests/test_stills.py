"""Stills of a film: which are taken, what they stand for, and the network that looks at them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from soundtrack import pipeline
from soundtrack.channels import aligned
from soundtrack.checkpoints.manifest import find_model
from soundtrack.documents import scenesheet
from soundtrack.emotion.head import Block
from soundtrack.emotion.seen import stills as stills_module
from soundtrack.emotion.seen.stills import FORMAT, N_FEATURES, StillsChannel, rows_of_still, spans_of, stills_for
from soundtrack.emotion.video_tower import VideoTower
from soundtrack.errors import DependencyError
from soundtrack.evaluation import read
from soundtrack.media.reading.probe import probe
from soundtrack.networks.runs import still_weights, stills_torch
from soundtrack.networks.runs.choice import still_run
from soundtrack.pipeline.ground.channel_list import film_channels, make_channels
from soundtrack.training.picture.clips import seen_in_films, write_clips
from soundtrack.training.picture.start import start_of
from soundtrack.types import ChannelSetup, Clip, ClipFormat, FloatArray, FrameBatch, Span, Still, StillFormat
from soundtrack.video.clips import ClipSampler
from soundtrack.video.decode import iter_frames
from test_decode import X264, decode, film, shown_numbers

CLIPS = ClipFormat(16, 8.0, 2.0, 64)
BLACK = np.zeros((FORMAT.side_px, FORMAT.side_px, 3), np.uint8)


class Brightness:
    """Stands in for the network, and remembers how many pictures it was shown."""

    n_shown = 0

    def features(self, pictures: np.ndarray) -> FloatArray:
        self.n_shown += len(pictures)
        return np.repeat(pictures.mean(axis=(1, 2, 3), dtype=np.float32)[:, None], N_FEATURES, axis=1)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Brightness:
    stand_in = Brightness()
    monkeypatch.setattr(stills_module, "_network", lambda: stand_in)
    return stand_in


def taken(path: Path, every_s: float) -> tuple[list[float], list[int]]:
    """Moments of a film's stills, and the numbers that they show."""
    found = [
        still
        for batch in iter_frames(probe(path), side_px=16, stills=StillFormat(every_s, 112))
        for still in batch.stills
    ]
    return [still.time_s for still in found], shown_numbers(np.stack([still.pixels for still in found]))


def test_stills_show_the_middle_of_each_stretch(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *X264, n=100, fps="25")
    times_s, numbers = taken(path, 1.0)
    assert times_s == [0.5, 1.5, 2.5, 3.5]
    assert numbers == [12, 37, 62, 87]  # shown at those moments


def test_a_film_shorter_than_a_stretch_has_a_still(tmp_path: Path) -> None:
    times_s, numbers = taken(film(tmp_path / "a.mp4", *X264, n=20, fps="25"), 4.0)
    assert times_s == [0.4]
    assert numbers == [10]


def test_one_long_frame_is_one_still_from_where_it_is_due(tmp_path: Path) -> None:
    times_s, numbers = taken(film(tmp_path / "slow.mkv", *X264, n=3, fps="1/10"), 4.0)
    assert numbers == [0, 1, 2]
    assert times_s == [2.0, 10.0, 22.0]


def test_frames_are_the_same_beside_stills(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *X264, n=60)
    numbers, times_s, _ = decode(path)
    batches = list(iter_frames(probe(path), side_px=112, stills=StillFormat(0.5, 224)))
    assert shown_numbers(np.concatenate([b.frames for b in batches])) == numbers
    assert np.concatenate([b.times_s for b in batches]).tolist() == times_s.tolist()


def test_each_clip_holds_the_stills_of_its_stretch() -> None:
    sampler = ClipSampler(n_frames=2, frame_rate_hz=1.0, stride_s=2.0, side_px=8)
    shown = tuple(Still(time_s, BLACK) for time_s in (0.5, 2.0, 3.5))
    frames = FrameBatch(np.arange(5.0), np.zeros((5, 8, 8, 3), np.uint8), shown)
    clips = [*sampler.push(frames), *sampler.finish(5.0)]
    assert [[still.time_s for still in clip.stills] for clip in clips] == [[0.5], [2.0, 3.5], []]


def test_the_evidence_covers_the_film_and_each_still_is_looked_at_once(network: Brightness) -> None:
    watching = StillsChannel(FORMAT)
    dark, light = Still(2.0, BLACK), Still(6.0, BLACK + 200)
    watching.push([Clip(Span(0, 2), BLACK[None]), Clip(Span(2, 4), BLACK[None], (dark,))])
    watching.push([Clip(Span(3, 6), BLACK[None], (dark,)), Clip(Span(6, 9), BLACK[None], (light,))])
    found = watching.finish()
    assert network.n_shown == 2
    assert found.spans == (Span(0, 4), Span(4, 9))
    assert aligned(found, [Span(0, 2), Span(3, 5), Span(8, 9)])[:, 0].tolist() == [0.0, 100.0, 200.0]


def test_a_film_without_stills_is_one_of_which_nothing_is_known(network: Brightness) -> None:
    watching = StillsChannel(FORMAT)
    watching.push([Clip(Span(0, 2), BLACK[None])])
    found = watching.finish()
    assert found.features.shape == (0, N_FEATURES)
    assert np.isnan(aligned(found, [Span(0, 2)])).all()
    assert spans_of([], every_s=4.0, end_s=3.0) == ()


def test_stills_that_no_head_reads_cost_nothing() -> None:
    assert stills_for(["picture-network", "film-numbers"]) is None
    assert stills_for(["picture-network", "stills"]) == FORMAT
    makers = film_channels(find_model("tiny-video"), tower=lambda: pytest.fail("the network was loaded"))
    names = [
        [made.channel.name for made in make_channels(makers, ChannelSetup("cpu", CLIPS, 16_000, wanted))]
        for wanted in (None, FORMAT)
    ]
    assert "stills" not in names[0]
    assert "stills" in names[1]


def test_the_network_gives_the_same_numbers_again_and_as_its_package_does() -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    rng = np.random.default_rng(7)
    pictures = rng.integers(0, 256, (1, FORMAT.side_px, FORMAT.side_px, 3), np.uint8)
    quick = still_run().features(pictures)
    assert np.array_equal(quick, rows_of_still(pictures[0])["stills"])
    again = stills_torch.StillNetwork.load(dtype=torch.float32).features(pictures)
    plain = EfficientNet.from_name("efficientnet-lite2", image_size=FORMAT.side_px)
    weights = still_weights._path()
    plain.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        expected = plain.eval().extract_features(x).mean(dim=(2, 3)).numpy()
    assert np.abs(again - expected).max() < 1e-3
    short = stills_torch.StillNetwork.load(dtype=torch.bfloat16).features(pictures)
    assert (short * expected).sum() > 0.99 * np.linalg.norm(short) * np.linalg.norm(expected)
    assert (FORMAT.side_px, N_FEATURES) == (still_weights.SIDE_PX, still_weights.DIM)


def test_the_list_of_the_weights_names_every_float_in_their_file_where_it_is() -> None:
    import torch

    tensors = torch.load(still_weights._path(), map_location="cpu", weights_only=True)
    arrays = still_weights.still_weights()
    assert set(arrays) == {name for name, tensor in tensors.items() if tensor.is_floating_point()}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, tensors[name].numpy())
    with torch.inference_mode():
        logits = torch.nn.functional.linear(torch.ones(1, 1280), tensors["_fc.weight"], tensors["_fc.bias"])
    expected = torch.softmax(logits, dim=1).numpy()
    np.testing.assert_allclose(still_weights.class_shares(np.ones((1, 1280), np.float32)), expected, rtol=1e-4)


def test_teaching_and_judging_see_the_stills_that_the_analysis_sees(network: Brightness, tmp_path: Path) -> None:
    for name in ("a", "b"):
        film(tmp_path / f"{name}.mp4", *X264, n=225, fps="25", before=("-framerate", "25"))
    (tmp_path / "labels.csv").write_text("file,class,source_id\na.mp4,Sad,a\nb.mp4,Fear,b\n")
    config = SimpleNamespace(
        n_frames=16,
        frame_rate_hz=8.0,
        stride_s=2.0,
        side_px=32,
        head=SimpleNamespace(blocks=(Block("stills", N_FEATURES),)),
    )
    tower = cast(VideoTower, SimpleNamespace(config=config))
    judged = read.film_windows(tmp_path / "a.mp4", tower).further["stills"]
    store = write_clips(tmp_path / "clips", data_dir=tmp_path / "labels.csv", side_px=32)
    taught = seen_in_films(store, data_dir=tmp_path / "labels.csv")["stills"]
    assert len(judged) == 5
    assert len(set(judged[:, 0].tolist())) == 2, "stills at 2 and 6 s, for the stretches around them"
    assert np.abs(taught[: len(judged)] - judged).max() < 0.5
    picture = tmp_path / "light.png"
    cv2.imwrite(str(picture), np.full((30, 40, 3), 200, np.uint8))
    assert read.film_windows(picture, tower).further["stills"].tolist() == [[200.0] * N_FEATURES]


def test_a_head_reads_stills_if_that_of_its_start_does() -> None:
    assert not start_of("tiny").reads_stills


def test_what_stills_show_is_kept_and_the_film_is_not_watched_again(
    network: Brightness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_MODEL", "tiny")
    monkeypatch.setattr(stills_module, "stills_for", lambda _: FORMAT)
    path = film(tmp_path / "a.mp4", *X264, n=200, fps="25")
    first = pipeline.analyse_video(path, device="cpu", cache=tmp_path / "kept")
    assert [o.weight for o in first.scenes[0].opinions if o.channel == "stills"] == [0.0]
    assert network.n_shown == 2
    for sheet in (tmp_path / "kept").glob("*.scenes"):
        sheet.unlink()
    again = pipeline.analyse_video(path, device="cpu", cache=tmp_path / "kept")
    assert scenesheet.dumps(again) == scenesheet.dumps(first)
    assert network.n_shown == 2


@pytest.mark.parametrize("damage", ["missing", "other weights", "other network"])
def test_a_broken_package_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str
) -> None:
    match damage:
        case "missing":
            monkeypatch.setattr(still_weights, "_path", lambda: tmp_path / "none.pth")
        case "other weights":
            (tmp_path / "evil.pth").write_bytes(b"\x80\x04K\x01.")
            monkeypatch.setattr(still_weights, "_path", lambda: tmp_path / "evil.pth")
        case "other network":
            monkeypatch.setattr(stills_torch, "_NAME", "efficientnet-lite0")
    with pytest.raises(DependencyError, match="efficientnet-lite") as caught:
        stills_torch.StillNetwork.load()
    assert "pip install" in str(caught.value.hint)
