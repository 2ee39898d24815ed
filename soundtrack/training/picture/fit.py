"""Fitting the picture's head on frozen features, measuring it on sources it never saw, and calibrating it.

Goes in: features and film numbers of the clips of labelled films, and of rated stills. Comes out: a `Head`, and
out-of-fold answers. Classes: multinomial logistic regression on the films' mean evidence (L2). Valence and arousal:
ridge regression on the stills' ratings, on the films' classes as points of the plane, and on what the teachers make of
stills that nobody rated: a ridge regression from their embeddings to the ratings guesses those, so that a few hundred
ratings teach through thousands of pictures. Everything is convex, so the same rows give the same head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from soundtrack.emotion.head import Head, softmax
from soundtrack.emotion.picture_head import CLASS_VALENCE_AROUSAL, blocks_of, evidence, picture_blocks
from soundtrack.training.absence import with_absences
from soundtrack.training.calibrate import fit_confidence, fit_temperature, means_of
from soundtrack.training.ridge import solve_ridge
from soundtrack.types import EMOTIONS, FloatArray

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How strongly the head is held back; chosen on the first features and kept since."""

    class_penalty: float = 333.0
    """L2 of the class weights beside the summed log-loss of the films."""
    class_film_gain: float = 6.0
    """Of the film numbers beside the features, for the classes."""
    plane_penalty: float = 1000.0
    """L2 of the weights of valence and arousal beside the summed squared error."""
    teacher_penalty: float = 3000.0
    """The same for the teachers' embeddings."""
    unrated_weight: float = 1.0
    """Of a view with a guessed rating beside a still with a real one."""
    film_weight: float = 1.0
    """Of one film beside one still, for valence and arousal."""
    absent_share: float = 0.1
    """How much of the teaching goes without one of the channels, in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Rated:
    """Stills with ratings; rows belong together."""

    features: FloatArray = field(repr=False, compare=False)
    """Shape (n, F)."""
    film: FloatArray = field(repr=False, compare=False)
    """Shape (n, N)."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    teachers: FloatArray | None = field(default=None, repr=False, compare=False)
    """What the teachers say, standardised, shape (n, T); None if they were not asked."""

    def some(self, rows: npt.NDArray[np.bool_]) -> Rated:
        """Those rows alone."""
        teachers = None if self.teachers is None else self.teachers[rows]
        return Rated(self.features[rows], self.film[rows], self.valence[rows], self.arousal[rows], teachers)


@dataclass(frozen=True, slots=True)
class Unrated:
    """Stills without ratings, of which the teachers know something; rows belong together."""

    features: FloatArray = field(repr=False, compare=False)
    """Shape (n, F)."""
    film: FloatArray = field(repr=False, compare=False)
    """Shape (n, N)."""
    teachers: FloatArray = field(repr=False, compare=False)
    """Standardised as those of the rated ones, shape (n, T)."""


def fit_head(
    features: FloatArray,
    film: FloatArray,
    labels: Sequence[str],
    film_of: IntArray,
    *,
    rated: Rated | None = None,
    unrated: Unrated | None = None,
    settings: HeadSettings | None = None,
) -> Head:
    """A head, not yet calibrated.

    Parameters
    ----------
    features : ndarray, shape=(n, F), float32
        Pooled vectors of all clips.
    film : ndarray, shape=(n, N), float32
        Their film numbers.
    labels : sequence of str, length n_films
        Class of each film.
    film_of : ndarray, shape=(n,), int64
        Which film each clip belongs to.
    rated : Rated, optional
        Stills; without them valence and arousal are learned from the films alone.
    unrated : Unrated, optional
        More stills, whose ratings are guessed from the teachers' embeddings if those of `rated` are known.
    """
    how = settings or HeadSettings()
    n_features = features.shape[1]
    means = means_of(evidence(features, film), film_of, len(labels))
    mean, deviation = means.mean(axis=0), np.maximum(means.std(axis=0), 1e-3)
    deviation[n_features:] /= how.class_film_gain
    classes = np.array([EMOTIONS.index(label) for label in labels])
    x = (means - mean) / deviation
    channels = (slice(0, n_features), slice(n_features, None))
    some = with_absences(x, channels, share=how.absent_share)
    weight, bias = _logistic(some.rows, classes[some.origin], shares=some.weight, penalty=how.class_penalty)
    targets = np.array([CLASS_VALENCE_AROUSAL[label] for label in labels])
    shares = np.full(len(labels), how.film_weight)
    if rated is not None:
        stills = (evidence(rated.features, rated.film) - mean) / deviation
        x = np.concatenate([x, stills])
        targets = np.concatenate([targets, np.stack([rated.valence, rated.arousal], axis=1)])
        shares = np.concatenate([shares, np.ones(len(stills))])
        if unrated is not None and rated.teachers is not None:
            x = np.concatenate([x, (evidence(unrated.features, unrated.film) - mean) / deviation])
            targets = np.concatenate([targets, _guessed(rated, unrated, penalty=how.teacher_penalty)])
            shares = np.concatenate([shares, np.full(len(unrated.features), how.unrated_weight)])
    some = with_absences(x, channels, share=how.absent_share)
    shares = shares[some.origin] * some.weight
    plane = _ridge(some.rows, targets[some.origin], shares=shares, penalty=how.plane_penalty)
    return Head(
        blocks_of(n_features, film.shape[1]),
        mean=mean.astype(np.float32),
        scale=deviation.astype(np.float32),
        weight=np.concatenate([weight, plane[1:].T]).astype(np.float32),
        bias=np.concatenate([bias, plane[0]]).astype(np.float32),
    )


def _guessed(rated: Rated, unrated: Unrated, *, penalty: float) -> Matrix:
    """Valence and arousal of unrated stills from the teachers' embeddings, shape (n, 2)."""
    assert rated.teachers is not None
    targets = np.stack([rated.valence, rated.arousal], axis=1).astype(np.float64)
    x = rated.teachers.astype(np.float64)
    plane = _ridge(x, targets, shares=np.ones(len(x)), penalty=penalty)
    return np.asarray(plane[0] + unrated.teachers @ plane[1:], np.float64)


def _logistic(x: Matrix, classes: IntArray, *, shares: Matrix, penalty: float) -> tuple[Matrix, Matrix]:
    """Weights (6, columns) and biases (6,) of the smallest summed log-loss plus half the penalty times the squares."""
    data, truth, weight = torch.from_numpy(x), torch.from_numpy(classes), torch.from_numpy(shares)
    layer = torch.zeros(len(EMOTIONS), x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([layer], max_iter=500, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def loss() -> float:
        solver.zero_grad()
        logits = data @ layer[:, 1:].T + layer[:, 0]
        value = (weight * F.cross_entropy(logits, truth, reduction="none")).sum() + 0.5 * penalty * layer[
            :, 1:
        ].square().sum()
        torch.autograd.backward(value)
        return float(value.detach())

    solver.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    done = layer.detach().numpy()
    return done[:, 1:], done[:, 0]


def _ridge(x: Matrix, targets: Matrix, *, shares: Matrix, penalty: float) -> Matrix:
    """Intercept and weights, shape (1 + columns, n_targets)."""
    weights, bias = solve_ridge(x, targets, shares=shares, penalty=penalty)
    return np.concatenate([bias[None], weights])


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What heads say about the clips and stills they were not fitted on; rows as in the input."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Of each clip, calibrated on the other folds, shape (n, 6)."""
    film_probabilities: FloatArray = field(repr=False, compare=False)
    """Mean over each film's clips, shape (n_films, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """Of each clip, shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """Of each clip, shape (n,)."""
    temperature: float = 1.0
    """From all out-of-fold answers."""
    confidence_slope: float = 1.0
    """From all out-of-fold answers."""
    confidence_offset: float = 0.0
    """From all out-of-fold answers."""


def cross_validate(
    features: FloatArray,
    film: FloatArray,
    labels: Sequence[str],
    film_of: IntArray,
    *,
    folds: IntArray,
    rated: Rated | None = None,
    unrated: Unrated | None = None,
    usable: npt.NDArray[np.bool_] | None = None,
    settings: HeadSettings | None = None,
) -> OutOfFold:
    """Answers of heads fitted on the other folds; arguments as in `fit_head`.

    Parameters
    ----------
    folds : ndarray, shape=(n_films,), int64
        Fold of each film; films of one source share it.
    usable : ndarray, shape=(n_films,), bool, optional
        Films that heads may be fitted on; all are answered.
    """
    classes = np.array([EMOTIONS.index(label) for label in labels])
    logits = np.zeros((len(features), len(EMOTIONS)))
    plane = np.zeros((len(features), 2))
    for fold in np.unique(folds):
        others = folds != fold
        inside = others if usable is None else others & usable
        rows, order = inside[film_of], np.cumsum(inside) - 1
        head = fit_head(
            features[rows],
            film[rows],
            [label for label, used in zip(labels, inside, strict=True) if used],
            order[film_of[rows]],
            rated=rated,
            unrated=unrated,
            settings=settings,
        )
        asked = ~others[film_of]
        reading = head.read(picture_blocks(features[asked], film[asked]))
        logits[asked] = np.log(np.maximum(reading.probabilities, 1e-12))
        plane[asked] = np.stack([reading.valence, reading.arousal], axis=1)
    probabilities = np.zeros_like(logits)
    for fold in np.unique(folds):  # the temperature of a fold comes from the others
        inside = folds != fold
        rows, order = inside[film_of], np.cumsum(inside) - 1
        temperature = fit_temperature(logits[rows], order[film_of[rows]], classes[inside])
        probabilities[~rows] = softmax(logits[~rows] / temperature)
    temperature = fit_temperature(logits, film_of, classes)
    right = logits.argmax(axis=1) == classes[film_of]
    slope, offset = fit_confidence(softmax(logits / temperature), right)
    return OutOfFold(
        probabilities=probabilities.astype(np.float32),
        film_probabilities=means_of(probabilities, film_of, len(labels)).astype(np.float32),
        valence=plane[:, 0].astype(np.float32),
        arousal=plane[:, 1].astype(np.float32),
        temperature=temperature,
        confidence_slope=slope,
        confidence_offset=offset,
    )


def calibrated(head: Head, by: OutOfFold) -> Head:
    """The head with the temperature and confidence that its out-of-fold siblings call for."""
    return replace(
        head,
        temperature=by.temperature,
        confidence_slope=by.confidence_slope,
        confidence_offset=by.confidence_offset,
    )


def rate_out_of_fold(
    rated: Rated,
    *,
    folds: IntArray,
    features: FloatArray,
    film: FloatArray,
    labels: Sequence[str],
    film_of: IntArray,
    unrated: Unrated | None = None,
    usable: npt.NDArray[np.bool_] | None = None,
    settings: HeadSettings | None = None,
) -> Matrix:
    """Valence and arousal of the stills from heads that never saw their theme, shape (n, 2).

    Films and unrated stills as in `fit_head`, the latter guessed from the same ratings alone; `folds` and `usable` as
    in `cross_validate`, for the stills.
    """
    out = np.zeros((len(folds), 2))
    for fold in np.unique(folds):
        asked = folds == fold
        seen = ~asked if usable is None else ~asked & usable
        head = fit_head(features, film, labels, film_of, rated=rated.some(seen), unrated=unrated, settings=settings)
        reading = head.read(picture_blocks(rated.features[asked], rated.film[asked]))
        out[asked] = np.stack([reading.valence, reading.arousal], axis=1)
    return out
