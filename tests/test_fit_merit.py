"""Fitting the weights of the merit: the best candidate of the clips it may look at, and nothing of the others."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np

from soundtrack.merit_table import MeritTable

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fit_merit.py"
spec = importlib.util.spec_from_file_location("fit_merit", SCRIPT)
assert spec is not None and spec.loader is not None
fit_merit = importlib.util.module_from_spec(spec)
sys.modules["fit_merit"] = fit_merit
spec.loader.exec_module(fit_merit)


def test_a_fold_is_judged_by_weights_that_never_saw_it() -> None:
    good_inside = np.array([[0.9, 0.9, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]])
    good_outside = np.array([[0.1, 0.1, 0.8, 0.8], [0.1, np.nan, 0.8, 0.8]])
    inside = np.array([True, True, False, False])
    assert fit_merit.chosen([good_inside, good_outside], inside) == 0
    assert fit_merit.chosen([good_inside, good_outside], ~inside) == 1


def test_candidates_hold_the_weights_of_today_and_scale_both_axes_alike() -> None:
    usual = MeritTable()
    today = fit_merit.Candidate(usual.picture.weight, usual.mood.weight, 1.0)
    assert today in fit_merit.CANDIDATES
    assert today.table() == usual
    doubled = fit_merit.Candidate(0.25, 1.2, 2.0).table()
    assert (doubled.valence.weight, doubled.arousal.weight) == (2 * usual.valence.weight, 2 * usual.arousal.weight)
