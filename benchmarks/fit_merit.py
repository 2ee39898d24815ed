"""Fit of the merit weights by cross-validation on labelled clips, with one evaluation on the locked set.

Usage: python benchmarks/fit_merit.py DATA WORK [--seeds N]

DATA holds mved/labels.csv and its clips, and the rated stills of `soundtrack train video`; WORK keeps what the networks
of the installed models see and hear in them, so that a run that broke off goes on, and the next one only fits. Heads
and space are learned again in every outer fold, as `soundtrack eval labels` does it. For each fold the weights are
chosen by the clips of the other folds alone, by the mean of 2AFC-E and 2AFC-T, and judged inside; then once by all
development clips, and the locked set is asked with these. The candidates are products: ``picture``, ``mood``, and one
factor on ``valence`` and ``arousal``. Run it again whenever heads, space or networks change; what it prints is copied
into `soundtrack.merit_table` by hand.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.cli.models.eval import _towers
from soundtrack.evaluation.deciding import Said, corrected, decided
from soundtrack.evaluation.folds import Evidence, FoldRecipe, read_unseen
from soundtrack.evaluation.labels import gather
from soundtrack.evaluation.rated_stills import recipe_beside
from soundtrack.merit_table import MeritTable
from soundtrack.training.data import Part, read_labels
from soundtrack.training.locked import is_locked
from soundtrack.types import EMOTIONS
from soundtrack.yardsticks.metrics import own_source, two_afc_emotion_by_query, two_afc_true_track_by_query

Matrix = npt.NDArray[np.float64]
PICTURES, MOODS, PLANES = (0.1, 0.25, 0.5, 1.0), (0.3, 0.6, 1.2, 1.8), (0.5, 1.0, 2.0)
N_FOLDS = 5


@dataclass(frozen=True)
class Candidate:
    """Weights to be tried."""

    picture: float
    mood: float
    plane: float

    def table(self) -> MeritTable:
        """The merit with these weights."""
        usual = MeritTable()
        return usual.adjusted(
            {
                "picture": self.picture,
                "mood": self.mood,
                "valence": usual.valence.weight * self.plane,
                "arousal": usual.arousal.weight * self.plane,
            }
        )


CANDIDATES = [Candidate(*weights) for weights in itertools.product(PICTURES, MOODS, PLANES)]


def judged(similarity: Matrix, classes: npt.NDArray[np.int64], sources: npt.NDArray[np.int64]) -> Matrix:
    """2AFC-E and 2AFC-T of each query, shape (2, n)."""
    by_class = two_afc_emotion_by_query(similarity, classes, own_source(sources))
    return np.stack([by_class, two_afc_true_track_by_query(similarity, sources)])


def chosen(scores: Sequence[Matrix], inside: npt.NDArray[np.bool_]) -> int:
    """The candidate that is best on some queries; of equal ones the first."""
    means = [round(float(np.nanmean(score[:, inside])), 6) for score in scores]
    return int(np.argmax(means))


def weighed(
    evidence: Evidence, recipe: FoldRecipe, *, seed: int, apart: npt.NDArray[np.bool_] | None = None
) -> tuple[list[Matrix], Matrix, Matrix, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """2AFC of every candidate, of the bare cosine and of the cosine with hub correction; fold and rows of the clips."""
    unseen = read_unseen(evidence, recipe, n_folds=N_FOLDS, seed=seed, apart=apart)
    rows = np.arange(len(evidence.classes)) if apart is None else np.flatnonzero(apart)
    names = {s: i for i, s in enumerate(dict.fromkeys(evidence.sources))}
    classes, sources = evidence.classes[rows], np.array([names[s] for s in evidence.sources])[rows]
    n = len(unseen.folds)
    merits = np.zeros((len(CANDIDATES), n, n))
    cosine, hubs = np.zeros((n, n)), np.zeros((n, n))
    for fold, space in enumerate(unseen.spaces):
        inside = unseen.folds == fold
        seen, heard = Said.of(unseen.video, space, "picture"), Said.of(unseen.music, space, "music")
        cosine[inside] = (seen.directions @ heard.directions.T)[inside]
        hubs[inside] = corrected(seen, heard)[inside]
        for k, candidate in enumerate(CANDIDATES):
            merits[k][inside] = decided(seen, heard, candidate.table())[inside]
    scores = [judged(merit, classes, sources) for merit in merits]
    return scores, judged(cosine, classes, sources), judged(hubs, classes, sources), unseen.folds, rows


def main() -> None:
    """Gather, fit by folds, ask the locked set."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--seeds", type=int, default=4)
    given = asked.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    clips = read_labels(given.data / "mved" / "labels.csv", part=Part.ALL)
    clips = sorted(clips, key=lambda clip: is_locked(clip.path))
    video, music = _towers("joint-space", "cpu", fresh_space=True)
    evidence = gather(clips, video=video, music=music, kept_in=given.work)
    recipe = recipe_beside(given.data, video, kept_in=given.work)
    apart = np.array([is_locked(clip.path) for clip in clips])
    learned = evidence.only(~apart)
    print(f"{len(learned.classes)} development clips of {len(EMOTIONS)} classes, {int(apart.sum())} locked")
    usual = CANDIDATES.index(Candidate(MeritTable().picture.weight, MeritTable().mood.weight, 1.0))
    nested, plain, bare, hubs, everything = [], [], [], [], []
    picks: Counter[Candidate] = Counter()
    for seed in range(given.seeds):
        scores, cosine, corrected_by_hubs, folds, _ = weighed(learned, recipe, seed=seed)
        everything.append(scores)
        bare.append(cosine)
        hubs.append(corrected_by_hubs)
        plain.append(scores[usual])
        own = np.zeros_like(cosine)
        for fold in np.unique(folds):
            pick = chosen(scores, folds != fold)
            picks[CANDIDATES[pick]] += 1
            own[:, folds == fold] = scores[pick][:, folds == fold]
        nested.append(own)
    means = [np.mean([scores[k] for scores in everything], axis=0) for k in range(len(CANDIDATES))]
    best = chosen(means, np.ones(len(learned.classes), np.bool_))
    scores, cosine, corrected_by_hubs, _, _ = weighed(evidence, recipe, seed=0, apart=apart)
    print(f"{'':34s}folds: 2AFC-E 2AFC-T   locked: 2AFC-E 2AFC-T")
    for name, inside, outside in (
        ("bare cosine", bare, cosine),
        ("cosine with hub correction", hubs, corrected_by_hubs),
        ("merit with the weights of today", plain, scores[usual]),
        ("merit, weights chosen inside", nested, scores[best]),
    ):
        by_folds = np.nanmean(np.mean(inside, axis=0), axis=1)
        locked = np.nanmean(outside, axis=1)
        print(f"{name:34s}       {by_folds[0]:.3f}  {by_folds[1]:.3f}             {locked[0]:.3f}  {locked[1]:.3f}")
    print("chosen by the folds:", ", ".join(f"{c} x {n}" for c, n in picks.most_common(5)))
    print("chosen by all development clips:", CANDIDATES[best])


if __name__ == "__main__":
    main()
