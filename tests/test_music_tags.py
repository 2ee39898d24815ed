"""Instruments by the included head of tags: of the network in use, heard in real music, and askable in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.emotion.music_channels import NETWORK
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.pipeline.library.music import music_projection
from soundtrack.pipeline.library.music_tags import TagHead, tag_head
from soundtrack.queries.vocabulary import SOUNDS, STYLES
from soundtrack.types import Channel


def channel() -> Channel:
    (found,) = (channel for channel in music_projection().channels if channel.name == NETWORK)
    return found


def head() -> TagHead:
    found = tag_head(channel())
    assert found is not None
    return found


def test_the_head_belongs_to_the_network_in_use_and_to_no_other() -> None:
    assert head().tags
    assert set(head().tags) <= {*SOUNDS.values(), *STYLES.values()}
    assert tag_head(replace(channel(), sha256="0" * 64)) is None


def test_a_tag_of_a_track_is_the_mean_of_the_half_of_its_segments_that_have_most() -> None:
    made = TagHead(("drums",), np.array([[1.0]], np.float32), np.array([0.0], np.float32))
    features = np.array([[-9.0], [9.0], [-9.0], [9.0]], np.float32)
    assert made.of_track(features) == pytest.approx([1.0], abs=1e-3)
    assert made.of_track(-np.abs(features)) == pytest.approx([0.0], abs=1e-3)


def test_a_request_without_drums_is_answered_by_evidence(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    run_commands(["search", "--like", "no drums", "--index", str(made.index), "--json"])
    found = json.loads(capfd.readouterr().out)
    assert "no drums" in json.dumps(found)


@pytest.mark.needs_data
def test_drums_are_heard_in_a_drum_kit_and_not_in_a_string_orchestra(data_dir: Path) -> None:
    from soundtrack.evaluation.read import sound

    tower = MusicTower.load("joint-space", device="cpu")

    def drums(name: str) -> float:
        heard = sound(data_dir / "music" / name, tower)
        return float(head().of_track(tower.observe(heard.mel, heard.spans)[NETWORK])[head().tags.index("drums")])

    assert drums("hungarian_dance_5.ogg") < 0.5 < drums("rusted_lofi_17.mp3")


def test_a_long_request_was_taken_for_a_file_whose_name_is_too_long(
    made: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ", ".join(["calm", "slow", "not loud", "not tense", "not scary"] * 10)
    assert len(words) > 255
    run_commands(["search", "--like", words, "--index", str(made.index), "--json"])
    assert json.loads(capfd.readouterr().out)
