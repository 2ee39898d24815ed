"""Lower rates: the same sound, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.downsample import Downsampler


def run(sound: np.ndarray, *, factor: int, blocks: list[int]) -> np.ndarray:
    down, parts, at = Downsampler(factor), [], 0
    for n in blocks:
        parts.append(down.push(sound[at : at + n]))
        at += n
    parts.append(down.push(sound[at:]))
    parts.append(down.finish())
    return np.concatenate(parts)


@pytest.mark.parametrize("factor", [2, 3])
def test_blocks_of_any_length_give_the_same_samples(factor: int, rng: np.random.Generator) -> None:
    sound = rng.standard_normal(10_001).astype(np.float32)
    whole = run(sound, factor=factor, blocks=[])
    assert len(whole) == -(-len(sound) // factor)
    np.testing.assert_allclose(run(sound, factor=factor, blocks=[1, 7, 300, 0, 4001]), whole, atol=1e-6)


def test_speech_band_passes_in_time_and_what_would_alias_is_gone() -> None:
    t = np.arange(48_000) / 48_000
    low = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    high = np.sin(2 * np.pi * 11_000 * t).astype(np.float32)
    got = run(low + high, factor=3, blocks=[10_000, 20_000])
    np.testing.assert_allclose(got[100:-100], low[::3][100:-100], atol=2e-3)
