"""Channels, their raw evidence and the opinions drawn from it: what cannot be is refused where it is made."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.types import Channel, EmotionState, Evidence, Measure, Medium, Opinion, Span

COLOUR = Channel("colour", "1", Medium.PICTURE, dim=2, sha256="0" * 64)
CALM = EmotionState((0.0, 0.0, 0.0, 1.0, 0.0, 0.0), 0.5, -0.5, 0.9)


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        ({"name": "Colour"}, "name"),
        ({"name": "colour_heat"}, "name"),
        ({"name": ""}, "name"),
        ({"version": ""}, "version"),
        ({"dim": 0}, "dim"),
        ({"sha256": "A" * 64}, "sha256"),
    ],
)
def test_a_channel_has_a_plain_name_a_version_and_a_hash(wrong: dict[str, object], about: str) -> None:
    right: dict[str, object] = {
        "name": "colour",
        "version": "1",
        "medium": Medium.PICTURE,
        "dim": 2,
        "sha256": "0" * 64,
    }
    with pytest.raises(ValueError, match=about):
        Channel(**{**right, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "about"), [([[1, 2]], "shape"), ([[1], [2]], "shape"), ([[1, 2], [3, np.inf]], "finite")]
)
def test_evidence_has_a_row_for_each_span_and_no_infinities(rows: list[list[float]], about: str) -> None:
    spans = (Span(0.0, 1.0), Span(1.0, 2.0))
    assert Evidence(COLOUR, spans, np.zeros((2, 2), np.float32)).features.shape == (2, 2)
    with pytest.raises(ValueError, match=about):
        Evidence(COLOUR, spans, np.array(rows, np.float32))


def test_an_opinion_weighs_between_nothing_and_all() -> None:
    assert Opinion("colour", 0.25, CALM).weight == 0.25
    with pytest.raises(ValueError, match="weight"):
        Opinion("colour", 1.5, CALM)


def test_what_no_head_can_read_weighs_nothing() -> None:
    assert Opinion("colour", 0.0, measures=(Measure("warmth", 0.3),)).emotion is None
    with pytest.raises(ValueError, match="must be 0"):
        Opinion("colour", 0.5)


def test_a_channel_names_all_of_its_features_or_none() -> None:
    with pytest.raises(ValueError, match="names"):
        Channel("colour", "1", Medium.PICTURE, dim=2, sha256="0" * 64, names=("warmth",))
