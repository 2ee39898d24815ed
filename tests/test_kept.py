"""Sound that is heard twice is decoded once while there is little of it, and is the same both times."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from soundtrack.media.reading.kept import KeptSound
from soundtrack.types import FloatArray


class Decoder:
    """Three blocks of four samples; counts how often it was started and closed."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.n_started = self.n_closed = 0

    def __call__(self) -> Generator[FloatArray]:
        self.n_started += 1
        try:
            for i in range(3):
                if self.fails and i == 2:
                    raise OSError("broken")
                yield np.full((2, 4), i, np.float32)
        finally:
            self.n_closed += 1


def heard(kept: KeptSound, decoder: Decoder, *, key: str = "a", n_samples: int = 12) -> list[float]:
    return [float(block[0, 0]) for block in kept.blocks(key, decoder, n_samples=n_samples)]


def test_the_second_time_nothing_is_decoded() -> None:
    kept, decoder = KeptSound(), Decoder()
    assert heard(kept, decoder) == heard(kept, decoder) == [0.0, 1.0, 2.0]
    assert (decoder.n_started, decoder.n_closed) == (1, 1)
    assert heard(kept, decoder, key="b") == [0.0, 1.0, 2.0]
    assert decoder.n_started == 2


def test_sound_that_ends_early_is_kept_as_it_is() -> None:
    kept, decoder = KeptSound(), Decoder()
    assert heard(kept, decoder, n_samples=99) == heard(kept, decoder, n_samples=99) == [0.0, 1.0, 2.0]
    assert decoder.n_started == 1


@pytest.mark.parametrize(("n_taken", "n_started"), [(2, 2), (3, 1)], ids=["before its end", "with all samples"])
def test_who_leaves(n_taken: int, n_started: int) -> None:
    kept, decoder = KeptSound(), Decoder()
    blocks = kept.blocks("a", decoder, n_samples=12)
    for _ in range(n_taken):
        next(blocks)
    blocks.close()
    assert decoder.n_closed == 1
    assert heard(kept, decoder) == [0.0, 1.0, 2.0]
    assert decoder.n_started == n_started


def test_what_is_too_long_is_decoded_again() -> None:
    kept, short, long = KeptSound(most_bytes=96 + 95), Decoder(), Decoder()  # 96 bytes each
    for _ in range(2):
        assert heard(kept, short, key="a") == heard(kept, long, key="b") == [0.0, 1.0, 2.0]
    assert (short.n_started, long.n_started) == (1, 2)


def test_nothing_is_kept_of_what_fails() -> None:
    kept, decoder = KeptSound(), Decoder(fails=True)
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            heard(kept, decoder)
    assert decoder.n_started == 2
