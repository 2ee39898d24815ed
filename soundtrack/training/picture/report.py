"""Quality of the picture side on held-out films and stills, and its model card.

Goes in: features of labelled films and rated stills. Comes out: `PictureReport` and the text of ``card.md``. Five folds
by source, dealt four times; intervals of 95 % by drawing sources with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Blocks
from soundtrack.training.data import fold_of
from soundtrack.training.head_settings import HeadSettings
from soundtrack.training.picture.fit import OutOfFold, cross_validate, rate_out_of_fold
from soundtrack.training.rated import Rated, Unrated, beside
from soundtrack.types import EMOTIONS
from soundtrack.yardsticks.bootstrap import Interval, bootstrap
from soundtrack.yardsticks.metrics import (
    binary_accuracy,
    calibration_error,
    concordance,
    confusion,
    determination,
    pearson,
)

SEEDS = (0, 1, 2, 3)
"""Of the four deals of sources to folds; the first is the primary one."""
N_FOLDS = 5
"""Folds by source."""
LEAST_SOURCES = 20
"""A learning curve says nothing about fewer."""


@dataclass(frozen=True, slots=True)
class Films:
    """Labelled films through the network; rows of the first two belong together."""

    features: Blocks = field(repr=False, compare=False)
    """Of each clip, by channel, each of shape (n, dim)."""
    film_of: npt.NDArray[np.int64] = field(repr=False, compare=False)
    """Which film each clip belongs to, shape (n,)."""
    labels: tuple[str, ...] = ()
    """Class of each film."""
    sources: tuple[str, ...] = ()
    """Source of each film."""


@dataclass(frozen=True, slots=True)
class PlaneNumbers:
    """Agreement with ratings on one axis."""

    r: Interval
    """Pearson correlation."""
    ccc: float
    """Concordance correlation."""
    r2: float
    """Share of the variance explained."""
    binary_accuracy: float
    """Share on the right side of the middle of the scale."""


@dataclass(frozen=True, slots=True)
class PictureReport:
    """All numbers of the picture side, from answers to what the head never saw."""

    n_films: int
    """Labelled films."""
    n_sources: int
    """Sources they were cut from."""
    n_clips: int
    """Clips of all films."""
    n_stills: int
    """Rated stills."""
    accuracy: Interval
    """Of films, mean over the deals."""
    accuracy_by_deal: tuple[float, ...]
    """One per deal."""
    clip_accuracy: float
    """Of single clips, mean over the deals."""
    ece_film: float
    """Expected calibration error of the films' mean probabilities, first deal."""
    ece_clip_confidence: float
    """Expected calibration error of the clips' confidence, first deal."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows are truth, columns the answer, first deal, in the order of `EMOTIONS`."""
    unseen_accuracy: float
    """Films whose frames the network was never shown, mean over the deals; nan if there are none."""
    n_unseen: int
    """How many such films there are."""
    valence: PlaneNumbers | None
    """On rated stills, by theme; None without stills."""
    arousal: PlaneNumbers | None
    """On rated stills, by theme; None without stills."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The report and the answers it was made from."""

    report: PictureReport
    """The numbers."""
    primary: OutOfFold = field(repr=False, compare=False)
    """Answers of the first deal."""


def codes(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Names as numbers, in the order of their first appearance."""
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.int64)


def measure(
    films: Films,
    *,
    rated: Rated | None = None,
    rated_sources: Sequence[str] = (),
    unrated: Unrated | None = None,
    worded: Rated | None = None,
    unseen: npt.NDArray[np.bool_] | None = None,
    settings: HeadSettings | None = None,
) -> Measured:
    """Cross-validated numbers of the picture side.

    Parameters
    ----------
    films : Films
        Labelled films.
    rated : Rated, optional
        Rated stills.
    rated_sources : sequence of str
        Theme of each still.
    unrated : Unrated, optional
        More stills for heads to learn from.
    worded : Rated, optional
        Photographs rated by words alone, learned from beside the rated stills in every fold.
    unseen : ndarray, shape=(n_films,), bool, optional
        Films whose frames the network was never shown while it learned to see.
    """
    classes = np.array([EMOTIONS.index(label) for label in films.labels], np.int64)
    folded = [
        cross_validate(
            films.features,
            films.labels,
            films.film_of,
            folds=fold_of(films.sources, classes=films.labels, n_folds=N_FOLDS, seed=seed),
            rated=beside(rated, worded),
            unrated=unrated if seed == SEEDS[0] else None,  # costs most of the time and moves no class
            settings=settings,
        )
        for seed in SEEDS
    ]
    right = np.stack([o.film_probabilities.argmax(axis=1) == classes for o in folded]).mean(axis=0)
    clip_right = [o.probabilities.argmax(axis=1) == classes[films.film_of] for o in folded]
    first = folded[0]
    table = confusion(classes, first.film_probabilities.argmax(axis=1), n_classes=len(EMOTIONS))
    valence = arousal = None
    if rated is not None:
        answers = rate_out_of_fold(
            rated,
            folds=fold_of(list(rated_sources), n_folds=N_FOLDS, seed=SEEDS[0]),
            features=films.features,
            labels=films.labels,
            film_of=films.film_of,
            unrated=unrated,
            worded=worded,
            settings=settings,
        )
        themes = codes(rated_sources)
        valence = _plane(rated.valence.astype(np.float64), answers[:, 0], themes)
        arousal = _plane(rated.arousal.astype(np.float64), answers[:, 1], themes)
    fresh = np.zeros(len(classes), bool) if unseen is None else unseen
    report = PictureReport(
        n_films=len(classes),
        n_sources=len(set(films.sources)),
        n_clips=len(films.film_of),
        n_stills=0 if rated is None else len(rated.valence),
        accuracy=bootstrap(lambda rows: float(right[rows].mean()), codes(films.sources)),
        accuracy_by_deal=tuple(float((o.film_probabilities.argmax(axis=1) == classes).mean()) for o in folded),
        clip_accuracy=float(np.mean(clip_right)),
        ece_film=calibration_error(classes, first.film_probabilities.astype(np.float64)),
        ece_clip_confidence=_confidence_error(first, clip_right[0]),
        confusion=tuple(tuple(int(v) for v in row) for row in table),
        unseen_accuracy=float(right[fresh].mean()) if fresh.any() else float("nan"),
        n_unseen=int(fresh.sum()),
        valence=valence,
        arousal=arousal,
    )
    return Measured(report, first)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What heads fitted on a share of the sources reach."""

    share: float
    """Of the sources that heads may be fitted on, in (0, 1]."""
    accuracy: float
    """Of films, mean over the deals."""
    valence_r: float
    """Of stills; nan without stills."""
    arousal_r: float
    """Of stills; nan without stills."""


def learning_curve(
    films: Films,
    *,
    rated: Rated | None = None,
    rated_sources: Sequence[str] = (),
    unrated: Unrated | None = None,
    worded: Rated | None = None,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    settings: HeadSettings | None = None,
) -> list[CurvePoint]:
    """How the numbers grow with the labels, arguments as in `measure`; tells whether more labels would help."""
    classes = np.array([EMOTIONS.index(label) for label in films.labels], np.int64)
    points = []
    for share in (s for s in shares if s * len(set(films.sources)) >= LEAST_SOURCES):
        right, r = [], np.full((len(SEEDS), 2), np.nan)
        for i, seed in enumerate(SEEDS):
            answers = cross_validate(
                films.features,
                films.labels,
                films.film_of,
                folds=fold_of(films.sources, classes=films.labels, n_folds=N_FOLDS, seed=seed),
                usable=_some(films.sources, share, seed=seed),
                settings=settings,
            )
            right.append(answers.film_probabilities.argmax(axis=1) == classes)
            if rated is not None:
                plane = rate_out_of_fold(
                    rated,
                    folds=fold_of(list(rated_sources), n_folds=N_FOLDS, seed=seed),
                    features=films.features,
                    labels=films.labels,
                    film_of=films.film_of,
                    unrated=unrated,
                    worded=worded,
                    usable=_some(rated_sources, share, seed=seed),
                    settings=settings,
                )
                r[i] = [
                    pearson(truth.astype(np.float64), plane[:, k])
                    for k, truth in enumerate((rated.valence, rated.arousal))
                ]
        means = r.mean(axis=0)
        points.append(CurvePoint(share, float(np.mean(right)), float(means[0]), float(means[1])))
    return points


def _some(sources: Sequence[str], share: float, *, seed: int) -> npt.NDArray[np.bool_]:
    """Rows of a random share of the sources."""
    number = codes(sources)
    rank = np.random.default_rng((seed, 17)).permutation(number.max() + 1)
    return np.asarray(rank[number] < round(share * len(rank)), bool)


def _plane(
    truth: npt.NDArray[np.float64], answer: npt.NDArray[np.float64], themes: npt.NDArray[np.int64]
) -> PlaneNumbers:
    """All agreement numbers of one axis."""
    return PlaneNumbers(
        r=bootstrap(lambda rows: pearson(truth[rows], answer[rows]), themes),
        ccc=concordance(truth, answer),
        r2=determination(truth, answer),
        binary_accuracy=binary_accuracy(truth, answer),
    )


def _confidence_error(answers: OutOfFold, right: npt.NDArray[np.bool_], *, n_bins: int = 10) -> float:
    """Mean distance between confidence and share of right answers, over equal bins of confidence."""
    top = np.clip(answers.probabilities.max(axis=1).astype(np.float64), 1e-6, 1 - 1e-6)
    odds = np.log(top / (1 - top))
    by = answers.calibration
    confidence = 1 / (1 + np.exp(-(by.confidence_slope * odds + by.confidence_offset)))
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = [np.mean(bins == b) * abs(confidence[bins == b].mean() - right[bins == b].mean()) for b in np.unique(bins)]
    return float(sum(gaps))


def _interval(value: Interval) -> str:
    """Value and bounds."""
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def card(
    report: PictureReport, *, name: str, facts: Sequence[str], limits: Sequence[str], curve: Sequence[CurvePoint] = ()
) -> str:
    """The text of ``card.md``.

    Parameters
    ----------
    report : PictureReport
        The numbers.
    name : str
        Of the model.
    facts : sequence of str
        Lines on what the network is, what it learned from, and the licence.
    limits : sequence of str
        Lines on where it is likely to be wrong.
    curve : sequence of CurvePoint
        How the numbers grow with the labels.
    """
    lines = [f"# {name}", "", *(f"- {fact}" for fact in facts), "", "## How good it is", ""]
    lines += [
        f"Five folds by source, dealt {len(SEEDS)} times (seeds {', '.join(map(str, SEEDS))}); the head is fitted on",
        "the other folds only; 95 % intervals by drawing sources with replacement. Chance is about 0.2.",
        "",
        "| what | value |",
        "| --- | --- |",
        f"| films, sources, clips | {report.n_films}, {report.n_sources}, {report.n_clips} |",
        f"| accuracy of a film (mean over its clips) | {_interval(report.accuracy)} |",
        f"| by deal | {', '.join(f'{value:.2f}' for value in report.accuracy_by_deal)} |",
        f"| accuracy of a single 2 s clip | {report.clip_accuracy:.3f} |",
        f"| expected calibration error, films | {report.ece_film:.3f} |",
        f"| expected calibration error, confidence of clips | {report.ece_clip_confidence:.3f} |",
    ]
    if report.n_unseen:
        lines.append(
            f"| accuracy of the {report.n_unseen} films that the network never saw | {report.unseen_accuracy:.3f} |"
        )
    for axis, numbers in (("valence", report.valence), ("arousal", report.arousal)):
        if numbers is not None:
            lines.append(
                f"| {axis} of {report.n_stills} stills, by theme: r | {_interval(numbers.r)}; CCC {numbers.ccc:.2f}, "
                f"R2 {numbers.r2:.2f}, side of the middle {numbers.binary_accuracy:.2f} |"
            )
    lines += ["", "Confusion (rows: truth, columns: answer, first deal):", "", f"| | {' | '.join(EMOTIONS)} |"]
    lines.append("| --- " * (len(EMOTIONS) + 1) + "|")
    for emotion, row in zip(EMOTIONS, report.confusion, strict=True):
        lines.append(f"| {emotion} | {' | '.join(str(v) for v in row)} |")
    if curve:
        lines += ["", "With fewer labels (share of the sources, four deals):", ""]
        lines += ["| share | accuracy of films | valence r | arousal r |", "| --- | --- | --- | --- |"]
        lines += [f"| {p.share:g} | {p.accuracy:.3f} | {p.valence_r:.3f} | {p.arousal_r:.3f} |" for p in curve]
    return "\n".join([*lines, "", "## Where it is likely to be wrong", "", *(f"- {limit}" for limit in limits), ""])
