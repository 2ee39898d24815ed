"""Sound that is heard twice is decoded once while there is little of it, and is the same both times."""

from __future__ import annotations

import errno
import io
import tempfile
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from soundtrack.media.reading.kept import KeptSound
from soundtrack.mix import passes
from soundtrack.settings import MIX_RATE_HZ
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


@pytest.mark.parametrize("missing", [0, 1, MIX_RATE_HZ, passes.BLOCK, passes.BLOCK + 1])
def test_sound_that_ends_before_the_picture_is_decoded_once(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n_samples, started = 2 * passes.BLOCK + 3 * MIX_RATE_HZ, []

    def decoded(*_args: object, **_named: object) -> Generator[FloatArray]:
        started.append(1)
        sound = np.linspace(0, 1, n_samples - missing, dtype=np.float32)[None]
        yield from (sound[:, at : at + passes.BLOCK] for at in range(0, sound.shape[1], passes.BLOCK))

    monkeypatch.setattr(passes, "iter_audio", decoded)
    film = SimpleNamespace(path=Path("film.mp4"), start_s=0.0)
    sound = SimpleNamespace(index=1)
    work = passes.Work(film, sound, {}, n_samples, lambda *_: None, channels=1)  # type: ignore[arg-type]
    first, again = (
        np.concatenate([block for block in passes._original_blocks(work) if block is not None], axis=1)
        for _ in range(2)
    )
    assert first.shape == (1, n_samples)
    assert np.array_equal(first, again)
    assert len(started) == 1


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


def test_what_does_not_fit_in_memory_lies_on_the_disk(tmp_path: Path) -> None:
    decoders = [Decoder() for _ in range(3)]
    with KeptSound(most_bytes=0, folder=tmp_path) as kept:
        first = [kept.blocks(key, decoder, n_samples=12) for key, decoder in zip("abc", decoders, strict=True)]
        for _ in range(3):  # side by side, as a film and its music are read
            assert all(next(blocks).shape == (2, 4) for blocks in first)
        for blocks in first:
            blocks.close()
        assert not list(tmp_path.iterdir())
        for key, decoder in zip("abc", decoders, strict=True):
            again = list(kept.blocks(key, decoder, n_samples=12))
            assert np.array_equal(np.concatenate(again, axis=1), np.concatenate(list(Decoder()()), axis=1))
            assert decoder.n_started == 1
    assert heard(kept, decoders[0]) == [0.0, 1.0, 2.0]  # given back: decoded again
    assert decoders[0].n_started == 2


def test_a_disk_with_little_room_keeps_nothing(tmp_path: Path) -> None:
    decoder = Decoder()
    with KeptSound(most_bytes=0, folder=tmp_path, leaves_bytes=1 << 60) as kept:
        assert heard(kept, decoder) == heard(kept, decoder) == [0.0, 1.0, 2.0]
    assert decoder.n_started == 2


@pytest.mark.parametrize("n_written", [0, 2])
def test_a_disk_that_refuses_costs_a_second_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_written: int
) -> None:
    decoder = Decoder()
    real = (tmp_path / "full").open("wb+")

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() >= n_written * 32:
                raise OSError(errno.ENOSPC, "full")
            return super().write(data)

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full(real.fileno(), "rb+", closefd=False))
    with real, KeptSound(most_bytes=0, folder=tmp_path) as kept:
        assert heard(kept, decoder) == heard(kept, decoder) == [0.0, 1.0, 2.0]
    assert decoder.n_started == 2


def test_what_cannot_be_read_any_more_is_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, files = Decoder(), []
    make = tempfile.TemporaryFile

    def remembered(**words: Any) -> Any:
        files.append(make(**words))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)
    with KeptSound(most_bytes=0, folder=tmp_path) as kept:
        assert heard(kept, decoder) == [0.0, 1.0, 2.0]
        files[0].truncate(40)
        assert heard(kept, decoder) == [0.0, 1.0, 2.0]
    assert decoder.n_started == 2
