"""Warm and cold light: the numbers answer to what they are named after."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.types import ChannelSetup, Clip, ClipFormat, Span
from soundtrack.video.colour_temperature import colour_temperature, light_of


def card(*colour: int) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (16, 64, 64, 3))


def test_candles_are_warmer_than_daylight_and_shadow_is_colder() -> None:
    candle, grey, shadow = light_of(card(255, 147, 41)), light_of(card(90, 90, 90)), light_of(card(140, 170, 255))
    assert candle[0] > 400 > grey[0] > shadow[0]
    assert grey[0] == pytest.approx(154, abs=2)
    assert (candle[1], grey[1], shadow[1]) == (1.0, 0.0, 0.0)


def test_no_picture_gives_odd_numbers(rng: np.random.Generator) -> None:
    for colour in (*np.eye(3, dtype=int) * 255, (0, 0, 0), (255, 255, 255), *rng.integers(0, 256, (20, 3))):
        mired, share = light_of(card(*colour))
        assert 40 <= mired <= 600
        assert 0 <= share <= 1


def test_the_channel_has_a_row_for_each_clip_with_names() -> None:
    watching = colour_temperature(ChannelSetup("cpu", ClipFormat(16, 8.0, 2.0, 64), 16_000))
    watching.push([Clip(Span(0, 2), card(255, 147, 41)), Clip(Span(2, 4), card(140, 170, 255))])
    found = watching.finish()
    assert found.channel.names == ("mired", "warm_share")
    assert found.features[0, 0] > found.features[1, 0]
