"""Which device a network runs on, and what running out of its memory looks like."""

from __future__ import annotations

import torch

from soundtrack.errors import DependencyError


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
        raise DependencyError("this installation of PyTorch finds no CUDA device", hint="leave out --device cuda")
    if device not in {"cpu", "cuda"}:
        raise ValueError(f"device must be auto, cpu or cuda, got {device!r}")
    return device


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device had too little memory for the batch."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "out of memory" in str(error).lower()
