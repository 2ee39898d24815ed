"""Shared fixtures: a seeded generator, the folder of real data, and what may be skipped."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """The only source of randomness in tests."""
    return np.random.default_rng(20261120)


def _data_dir() -> Path | None:
    value = os.environ.get("SOUNDTRACK_DATA")
    return Path(value) if value and Path(value).is_dir() else None


@pytest.fixture
def data_dir() -> Path:
    """Folder of real media; only for tests marked ``needs_data``."""
    folder = _data_dir()
    assert folder is not None
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run; in CI a skip that should not be is a failure."""
    in_ci = bool(os.environ.get("CI"))
    for item in items:
        if (
            item.get_closest_marker("needs_data")
            and _data_dir() is None
            and not (in_ci and "SOUNDTRACK_DATA" in os.environ)
        ):
            item.add_marker(pytest.mark.skip(reason="SOUNDTRACK_DATA names no folder of real media"))
        if item.get_closest_marker("needs_cuda"):
            import torch

            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))
