"""Pictures of another size have the numbers that torch gives, but for ties between two grey values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soundtrack.networks.faces import resampled


@pytest.mark.parametrize("side", [24, 56, 111, 112, 150, 400])
def test_crops_are_resampled_to_the_numbers_that_torch_gives(side: int, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (2, side, side + 3), dtype=np.uint8)
    x = torch.from_numpy(pictures)[:, None].float()
    expected = torch.nn.functional.interpolate(x, (112, 100), mode="bilinear", antialias=True)[:, 0].numpy()
    assert resampled(pictures, 112, 100).dtype == np.float32
    assert np.abs(resampled(pictures, 112, 100) - expected).max() < 1e-2
