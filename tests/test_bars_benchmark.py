"""The yardstick for bars: F by hand, and a clock that swings but never runs back."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "bars.py"
spec = importlib.util.spec_from_file_location("bars_benchmark", SCRIPT)
assert spec is not None and spec.loader is not None
bars = importlib.util.module_from_spec(spec)
sys.modules["bars_benchmark"] = bars
spec.loader.exec_module(bars)


@pytest.mark.parametrize(
    ("found", "f"), [([1.0, 2.0, 3.0, 4.0], 1.0), ([1.06, 2.08], 1 / 3), ([1.5, 2.5, 3.5], 0.0), ([], 0.0)]
)
def test_f_counts_each_event_once(found: list[float], f: float) -> None:
    assert bars.f_measure(np.array(found), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(f)


def test_half_the_beats_give_two_thirds() -> None:
    assert bars.f_measure(np.arange(0.0, 40.0, 2.0), np.arange(0.0, 40.0)) == pytest.approx(2 / 3)


def test_a_steady_clock_changes_nothing_and_a_swinging_one_stays_within_its_swing() -> None:
    times = np.linspace(0.0, 60.0, 601)
    np.testing.assert_allclose(bars.clock_of(times, seed=1, swing=0.0), times, atol=1e-9)
    pace = np.diff(bars.clock_of(times, seed=1, swing=0.25)) / 0.1
    assert pace.min() > 1 / 1.26 and pace.max() < 1.26 and pace.std() > 0.02
