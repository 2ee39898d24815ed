"""Lower rates: the same sound, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from soundtrack.audio.downsample import Downsampler


def run(sound: np.ndarray, rates: list[int], *, blocks: list[int]) -> list[np.ndarray]:
    down, parts, at = Downsampler(*rates), [], 0
    for n in blocks:
        parts.append(down.push(sound[at : at + n]))
        at += n
    parts.append(down.push(sound[at:]))
    parts.append(down.finish())
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


@pytest.mark.parametrize("rates", [[48_000, 24_000], [48_000, 16_000, 24_000], [44_100, 24_000, 16_000]])
@pytest.mark.parametrize("n", [1, 9_000, 70_001])
def test_blocks_of_any_length_give_the_same_samples(rates: list[int], n: int, rng: np.random.Generator) -> None:
    sound = rng.standard_normal(n).astype(np.float32)
    whole = run(sound, rates, blocks=[])
    assert [len(piece) for piece in whole] == [-(-n * rate // rates[0]) for rate in rates[1:]]
    for got, expected in zip(run(sound, rates, blocks=[1, 7, 300, 0, 40_001]), whole, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("rates", [[48_000, 16_000], [44_100, 16_000], [48_000, 24_000], [44_100, 24_000]])
def test_speech_band_passes_in_time_and_what_would_alias_is_gone(rates: list[int]) -> None:
    t, t_low = (np.arange(2 * rate) / rate for rate in rates)
    nyquist_hz = rates[1] / 2
    low, expected = (np.sin(2 * np.pi * 1000 * x) for x in (t, t_low))
    high = np.sin(2 * np.pi * 1.12 * nyquist_hz * t)
    (got,) = run((low + high).astype(np.float32), rates, blocks=[10_000, 20_000])
    np.testing.assert_allclose(got[100:-100], expected[100:-100], atol=5e-4)


@pytest.mark.parametrize("to_hz", [[], [48_000], [0], [16_000, 96_000]])
def test_a_rate_that_is_not_lower_is_refused(to_hz: list[int]) -> None:
    with pytest.raises(ValueError, match="to_hz"):
        Downsampler(48_000, *to_hz)
