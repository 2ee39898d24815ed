"""Heads in the files of a model: any number of channels by name, and files of the former layouts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from soundtrack.checkpoints.config_json import from_document
from soundtrack.checkpoints.manifest import find_model, read_config
from soundtrack.emotion.head import Block, Domain, Head
from soundtrack.emotion.head_file import HeadForm, form_document, form_of, head_arrays
from soundtrack.emotion.picture_head import blocks_of
from soundtrack.emotion.reader import Reader
from soundtrack.emotion.space import PICTURE, JointSpace
from soundtrack.emotion.video_config import parse_config
from soundtrack.emotion.video_tower import load_network, load_parts
from soundtrack.errors import ModelError
from soundtrack.networks.i3d import backbone
from soundtrack.networks.i3d_layers import n_features
from soundtrack.training.picture.distil import DistilSettings
from soundtrack.training.picture.start import write_model
from soundtrack.types import Channel, FloatArray, Medium

THREE = (Block("network", 5, rooted=True, version="4"), Block("numbers", 3), Block("faces", 2, version="2"))


def evidence_of(head: Head, rng: np.random.Generator, n: int = 9) -> dict[str, FloatArray]:
    """Something for every channel."""
    return {block.channel: rng.exponential(size=(n, block.dim)).astype(np.float32) for block in head.blocks}


def test_the_domain_of_a_head_survives_its_files(rng: np.random.Generator) -> None:
    odds = rng.normal(size=10).astype(np.float32)
    odds[8:] = 0.0
    head = replace(Head.untrained(THREE, seed=2), domain=Domain(odds, 0.5))
    entry = json.loads(json.dumps(form_document(head)))
    again = from_document(HeadForm, entry).head(head_arrays(head), where="here")
    evidence = evidence_of(head, rng)
    np.testing.assert_array_equal(again.read(evidence).probabilities, head.read(evidence).probabilities)
    del evidence["faces"]
    np.testing.assert_array_equal(again.read(evidence).probabilities, head.read(evidence).probabilities)
    with pytest.raises(ModelError, match="columns"):
        from_document(HeadForm, {**entry, "domain": {"offset": 0.5, "still": [10]}})
    without = {name: array for name, array in head_arrays(head).items() if name != "faces.odds"}
    with pytest.raises(ModelError, match=r"faces\.odds is missing"):
        from_document(HeadForm, entry).head(without, where="here")


def test_what_moving_pictures_are_read_by_outside_the_domain_survives_its_files(rng: np.random.Generator) -> None:
    odds = rng.normal(size=10).astype(np.float32)
    weight, bias = rng.normal(size=(8, 10)).astype(np.float32), rng.normal(size=8).astype(np.float32)
    domain = Domain(odds, 5.0, still=(5, 6), weight=weight, bias=bias)
    head = replace(Head.untrained(THREE, seed=2), domain=domain)
    entry = json.loads(json.dumps(form_document(head)))
    again = from_document(HeadForm, entry).head(head_arrays(head), where="here")
    evidence = evidence_of(head, rng)
    np.testing.assert_array_equal(again.read(evidence).probabilities, head.read(evidence).probabilities)
    plain = replace(head, domain=replace(domain, weight=None, bias=None)).read(evidence)
    assert np.abs(plain.probabilities - head.read(evidence).probabilities).max() > 0.1
    without = {name: array for name, array in head_arrays(head).items() if name != "outside_bias"}
    with pytest.raises(ModelError, match="outside_bias is missing"):
        from_document(HeadForm, entry).head(without, where="here")


def test_a_head_of_three_channels_survives_its_files(rng: np.random.Generator) -> None:
    head = replace(Head.untrained(THREE, seed=2, n_further=2), limit=5.0, temperature=0.8, confidence_slope=0.5)
    entry = json.loads(json.dumps(form_document(head)))
    assert [block["channel"] for block in entry["blocks"]] == ["network", "numbers", "faces"]
    again = from_document(HeadForm, entry).head(head_arrays(head), where="here")
    assert again.blocks == THREE
    blocks = evidence_of(head, rng)
    before, after = head.read(blocks), again.read(blocks)
    for name in ("probabilities", "valence", "arousal", "confidence", "further"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


@pytest.mark.parametrize("layout", ["picture", "one table"])
def test_files_of_the_former_layouts_are_read(layout: str, rng: np.random.Generator) -> None:
    blocks = blocks_of(5, 3) if layout == "picture" else THREE
    head = Head.untrained(blocks, seed=3)
    head = replace(head, mean=rng.normal(size=head.mean.shape).astype(np.float32), scale=head.scale * 2)
    arrays = {"mean": head.mean, "scale": head.scale, "weight": head.weight, "bias": head.bias}
    if layout == "picture":
        arrays = {
            "mean": head.mean,
            "deviation": head.scale,
            "class_weight": head.weight[:6],
            "class_bias": head.bias[:6],
            "plane_weight": head.weight[6:],
            "plane_bias": head.bias[6:],
        }
    again = HeadForm(blocks).head(arrays, where="here")
    for name in ("mean", "scale", "weight", "bias"):
        np.testing.assert_array_equal(getattr(again, name), getattr(head, name))


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"numbers.weight": None}, r"head\.numbers\.weight is missing"),
        ({"voices.weight": np.zeros((8, 2), np.float32)}, r"head\.voices\.weight is unknown"),
        ({"faces.scale": np.ones(3, np.float32)}, r"head\.faces\.scale has shape \(3,\), expected \(2,\)"),
        ({"faces.scale": np.zeros(2, np.float32)}, "above 0"),
        ({"mean": np.zeros(9, np.float32)}, "is unknown"),
    ],
)
def test_arrays_that_are_not_those_of_the_channels_are_named(change: dict[str, FloatArray | None], about: str) -> None:
    head = Head.untrained(THREE)
    arrays: dict[str, FloatArray | None] = {**head_arrays(head), **change}
    given = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(ModelError, match=about):
        form_of(head).head(given, where="here")


def test_a_former_file_of_another_length_is_refused() -> None:
    head = Head.untrained(THREE)
    arrays = {"mean": np.zeros(11, np.float32), "scale": head.scale, "weight": head.weight, "bias": head.bias}
    with pytest.raises(ModelError, match=r"head\.\w+"):
        form_of(head).head(arrays, where="here")


@pytest.mark.parametrize(
    ("entry", "about"),
    [
        ({"blocks": []}, "different channels"),
        ({"blocks": [{"channel": "a", "dim": 2}, {"channel": "a", "dim": 2}]}, "different channels"),
        ({"blocks": [{"channel": "a", "dim": 0}]}, r"blocks\[0\]"),
        ({"blocks": [{"channel": "a", "dims": 2}]}, r"blocks\[0\]: unknown key 'dims'"),
        ({"blocks": [{"channel": "a", "dim": "2"}]}, r"blocks\[0\]: dim has the wrong type"),
        ({"blocks": [{"channel": "a", "dim": 2}], "temperature": 0}, "temperature must be above 0"),
        ({"blocks": 3}, "blocks has the wrong type"),
    ],
)
def test_a_config_that_makes_no_sense_names_the_place(entry: dict[str, object], about: str) -> None:
    values = {**read_config(find_model("tiny-video")), "head": entry}
    with pytest.raises(ModelError, match=about):
        parse_config(values, where="here")


def test_a_trained_picture_model_is_written_in_blocks_and_reads_as_before(tmp_path: Path) -> None:
    shipped = find_model("tiny-video")
    config = parse_config(read_config(shipped), where=shipped.folder)
    _arrays, head = load_parts(shipped, config)
    network = load_network(shipped, config)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    write_model(state, head, tmp_path, settings=DistilSettings(width=1 / 16, side_px=64), name="mine", version="9")
    model = find_model("mine", folders=[tmp_path])
    config = parse_config(read_config(model), where=model.folder)
    _, again = load_parts(model, config)
    assert [(block.channel, block.version) for block in again.blocks] == [
        ("picture-network", "9"),
        ("film-numbers", "1"),
    ]
    for name in ("mean", "scale", "weight", "bias"):
        np.testing.assert_array_equal(getattr(again, name), getattr(head, name))
    assert backbone(config.width).dim == n_features(config.width) == config.n_features
    assert torch.equal(network.state_dict()["Conv3d_1a_7x7.bn.weight"], state["Conv3d_1a_7x7.bn.weight"])


# --- channels that the head was not fitted on ----


def channel_of(block: Block, *, version: str = "1", dim: int | None = None) -> Channel:
    """A channel for a block."""
    return Channel(block.channel, version, Medium.PICTURE, dim=dim or block.dim, sha256="0" * 64)


@pytest.fixture
def reader() -> Reader:
    """Of a head whose blocks know their versions."""
    head = Head.untrained(blocks_of(5, 3), seed=1)
    head = replace(head, blocks=tuple(replace(block, version="1") for block in head.blocks))
    return Reader(head, JointSpace.untrained(n_video_features=8), side=PICTURE)


@pytest.mark.parametrize("other", [{"version": "2"}, {"dim": 4}])
def test_a_channel_of_another_version_or_length_counts_as_missing(
    reader: Reader, other: dict[str, object], rng: np.random.Generator
) -> None:
    network, numbers = reader.head.blocks
    channels = [channel_of(network), channel_of(numbers, **other)]  # type: ignore[arg-type]  # version or dim
    blocks = {one.name: rng.exponential(size=(4, one.dim)).astype(np.float32) for one in channels}
    known = reader.known(channels, blocks)
    assert list(known) == [network.channel]
    assert bool(
        (reader.read(known).confidence <= reader.read({**known, numbers.channel: known_mean()}).confidence).all()
    )
    assert reader.opinions(channels, blocks)[1].probabilities is None


def known_mean() -> FloatArray:
    """The film numbers at the mean of the untrained head."""
    return np.zeros((4, 3), np.float32)


def test_a_head_without_any_of_its_channels_says_which_it_needs(reader: Reader) -> None:
    channels = [channel_of(block, version="7") for block in reader.head.blocks]
    with pytest.raises(
        ModelError, match="picture-network 1, film-numbers 1; this installation provides: picture-network 7"
    ):
        reader.known(channels, {one.name: np.zeros((2, one.dim), np.float32) for one in channels})


@pytest.mark.parametrize(("domain", "about"), [({"n_directions": 16}, "former version"), (16, "domain")])
def test_a_head_with_a_domain_of_another_kind_is_refused_by_name(domain: object, about: str) -> None:
    config = read_config(find_model("tiny-video"))
    head = json.loads(json.dumps(form_document(Head.untrained(THREE))))
    with pytest.raises(ModelError, match=about):
        parse_config({**config, "head": {**head, "domain": domain}}, where="here")
