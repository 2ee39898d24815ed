"""Batches that fit, and what happens when they do not. There is no GPU here: devices are pretended."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soundtrack.networks.devices import Batches, choose_device, fitting_batch, is_out_of_memory, quick_dtype


class Device:
    """A device with room for so many items, and a CPU with room for so many."""

    def __init__(self, room: int, *, cpu_room: int = 1000) -> None:
        self.room, self.cpu_room, self.moves = room, cpu_room, 0
        self.asked: list[tuple[int, int]] = []

    def forward(self, start: int, stop: int) -> list[int]:
        self.asked.append((start, stop))
        if stop - start > (self.cpu_room if self.moves else self.room):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return list(range(start, stop))

    def to_cpu(self) -> None:
        self.moves += 1


def flat(parts: list[list[int]]) -> list[int]:
    """All items of all batches."""
    return [item for part in parts for item in part]


@pytest.mark.parametrize(("room", "size", "ends_on", "ends_with"), [(64, 64, "cuda", 64), (5, 64, "cuda", 4)])
def test_every_item_goes_through_once_and_in_order(room: int, size: int, ends_on: str, ends_with: int) -> None:
    device = Device(room)
    batches = Batches("cuda", size=size, cpu_size=8, to_cpu=device.to_cpu)
    assert flat(batches.run(100, device.forward)) == list(range(100))
    assert (batches.device, batches.size, device.moves) == (ends_on, ends_with, 0)


def test_a_small_batch_is_remembered_for_the_next_call() -> None:
    device = Device(3)
    batches = Batches("cuda", size=16, cpu_size=8, to_cpu=device.to_cpu)
    batches.run(10, device.forward)
    device.asked.clear()
    batches.run(10, device.forward)
    assert max(stop - start for start, stop in device.asked) <= 3


def test_one_item_that_does_not_fit_sends_the_network_to_the_cpu() -> None:
    device = Device(0)
    batches = Batches("cuda", size=16, cpu_size=8, to_cpu=device.to_cpu)
    assert flat(batches.run(20, device.forward)) == list(range(20))
    assert (batches.device, batches.size, device.moves) == ("cpu", 8, 1)


def test_a_cpu_without_memory_says_so_at_last() -> None:
    device = Device(0, cpu_room=0)
    batches = Batches("cuda", size=4, cpu_size=4, to_cpu=device.to_cpu)
    with pytest.raises(torch.OutOfMemoryError):
        batches.run(4, device.forward)
    assert device.moves == 1


def test_other_errors_are_not_mistaken_for_a_lack_of_memory() -> None:
    def broken(_start: int, _stop: int) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches("cuda", size=4, cpu_size=4, to_cpu=lambda: None).run(4, broken)
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert not is_out_of_memory(RuntimeError("no kernel image"))


def test_nothing_in_nothing_out() -> None:
    assert Batches("cpu", size=4, cpu_size=4, to_cpu=lambda: None).run(0, lambda a, b: (a, b)) == []


@pytest.mark.parametrize(
    ("free_bytes", "expected"), [(80 * 10**9, 60), (2 * 10**9, 40), (10**8, 2), (10**6, 1), (0, 1)]
)
def test_batches_are_sized_to_the_memory_that_is_free(
    monkeypatch: pytest.MonkeyPatch, free_bytes: int, expected: int
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free_bytes, 80 * 10**9))
    size = fitting_batch("cuda", item_bytes=25_000_000, largest=64)
    assert size == expected
    assert fitting_batch("cuda", item_bytes=1, largest=64) == (64 if free_bytes else 1)


def test_a_cpu_takes_what_it_is_given() -> None:
    assert fitting_batch("cpu", item_bytes=10**12, largest=8) == 8
    assert choose_device("cpu") == "cpu"
    assert quick_dtype("cpu") in {torch.float32, torch.bfloat16}
    with pytest.raises(ValueError, match="device must be"):
        choose_device("tpu")


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_runs_in_short_numbers(monkeypatch: pytest.MonkeyPatch, has_bf16: bool, expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_kwargs: has_bf16)
    assert quick_dtype("cuda") is expected


def test_batching_does_not_change_what_comes_out() -> None:
    rows = np.random.default_rng(0).normal(size=(37, 3))
    parts = Batches("cpu", size=5, cpu_size=5, to_cpu=lambda: None).run(37, lambda a, b: rows[a:b] * 2)
    np.testing.assert_array_equal(np.concatenate(parts), rows * 2)
