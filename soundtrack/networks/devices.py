"""Device and number type of a network, and recovery from a lack of memory.

A batch is made as large as the device's free memory allows. When that was too much all the same, it is halved and the
work goes on; a single item that does not fit sends the network to the CPU. Nothing is lost and nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from soundtrack.errors import DependencyError
from soundtrack.networks.i3d_fused import has_fast_bf16

T = TypeVar("T")

GPU_BUDGET_BYTES = 1_500_000_000
"""A batch's share of a GPU's memory at most, however much is free; weights and libraries come on top."""
FREE_SHARE = 0.5
"""Of the memory that is free, a batch takes this much at most."""


def choose_device(device: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    DependencyError
        CUDA was asked for and is not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise DependencyError("no CUDA device found by this installation of PyTorch", hint="leave out --device cuda")
    if device not in {"cpu", "cuda"}:
        raise ValueError(f"device must be auto, cpu or cuda, got {device!r}")
    return device


def quick_dtype(device: str) -> torch.dtype:
    """The shortest numbers that a device multiplies in hardware: bf16 before fp16, float32 where there is neither."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if has_fast_bf16() else torch.float32


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device had too little memory for the batch."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def fitting_batch(device: str, *, item_bytes: int, largest: int) -> int:
    """How many items go through a network at once, at least 1.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        Where the network is.
    item_bytes : int > 0
        Memory that one item takes on its way through.
    largest : int > 0
        No more than this, however much memory there is.
    """
    if device != "cuda":
        return largest
    free_bytes, _total = torch.cuda.mem_get_info()
    budget = min(GPU_BUDGET_BYTES, int(FREE_SHARE * free_bytes))
    return max(1, min(largest, budget // item_bytes))


class Batches:
    """Items through a network, in batches that fit.

    Parameters
    ----------
    device : str
        Where the network is at first.
    size : int > 0
        Of the first batch.
    cpu_size : int > 0
        Of batches once the CPU has taken over.
    to_cpu : callable
        Takes the network to the CPU.

    Examples
    --------
    >>> Batches("cpu", size=2, cpu_size=2, to_cpu=lambda: None).run(3, lambda start, stop: stop - start)
    [2, 1]
    """

    def __init__(self, device: str, *, size: int, cpu_size: int, to_cpu: Callable[[], None]) -> None:
        self.device, self.size = device, size
        self._cpu_size, self._to_cpu = cpu_size, to_cpu

    def run(self, n: int, forward: Callable[[int, int], T]) -> list[T]:
        """What `forward` gives for each batch of n items, in order.

        Parameters
        ----------
        n : int, at least 0
            Items.
        forward : callable
            Gets the first item of a batch and the one after its last.

        Raises
        ------
        RuntimeError
            What `forward` raised, unless it was a lack of memory that smaller batches or the CPU could help.
        """
        out: list[T] = []
        start = 0
        while start < n:
            stop = min(start + self.size, n)
            try:
                out.append(forward(start, stop))
            except RuntimeError as error:
                if not is_out_of_memory(error) or (self.size == 1 and self.device == "cpu"):
                    raise
                stop = start
            if stop == start:  # the error, which kept the batch alive, is gone by now
                self._make_room()
            start = stop
        return out

    def _make_room(self) -> None:
        """Halve the batch; an item that does not fit alone sends the network to the CPU."""
        if self.size > 1:
            self.size //= 2
        else:
            self.device, self.size = "cpu", self._cpu_size
            self._to_cpu()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
