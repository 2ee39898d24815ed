"""Fit, measure and calibrate the picture head on frozen features.

Goes in: features by channel of the clips of labelled films, and of rated stills and films. Comes out: a `Head`, and
out-of-fold answers. Classes: multinomial logistic regression on the films' mean evidence (L2). Valence and arousal:
ridge regression on the stills' ratings, on the films' classes as points of the plane, and on what the teachers make of
stills without ratings: a ridge regression from their embeddings to the ratings guesses those, so that a few hundred
ratings teach through thousands of pictures. Everything is convex, so the same rows give the same head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import (
    N_CLASSES,
    Blocks,
    Domain,
    Head,
    classes_near,
    columns_of,
    rows_of,
    side_by_side,
    softmax,
)
from soundtrack.emotion.picture_head import CUTTING, FILM_NUMBERS, OBJECTS, layout_of
from soundtrack.training.absence import Some, with_absences
from soundtrack.training.calibrate import Calibration, evidence_means, fit_calibration, fit_temperature, means_of
from soundtrack.training.linear import gains_of, logistic, moments, ridge
from soundtrack.training.rated import Rated, Unrated, beside
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, FloatArray

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


N_DIRECTIONS = 16
"""Of the subspace that describes the labelled films."""
N_DOMAIN_GROUPS = 4
"""Groups of films whose distances are taken from a subspace fitted without them."""
PULL_SCALE = 0.5
"""Of the classes' valences where readings of valence, which keep to the middle, are compared with them."""


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How strongly the head is held back; chosen on the first features and kept since."""

    class_penalty: float = 333.0
    """L2 of the class weights beside the summed log-loss of the films."""
    class_gains: Mapping[str, float] = field(default_factory=lambda: {FILM_NUMBERS: 6.0})
    """By channel: how much its columns count beside those of the others, for the classes; 1 where none is named."""
    plane_penalty: float = 1000.0
    """L2 of the weights of valence and arousal beside the summed squared error."""
    plane_gains: Mapping[str, float] = field(default_factory=lambda: {FILM_NUMBERS: 6.0})
    """As `class_gains`, for valence and arousal."""
    teacher_penalty: float = 3000.0
    """The same for the teachers' embeddings."""
    unrated_weight: float = 1.0
    """Of a view with a guessed rating beside a still with a real one."""
    film_weight: float = 1.0
    """Of one film beside one still, for valence and arousal."""
    rated_film_weight: float = 0.0
    """Of one rated film beside one still, for valence and arousal; 0 leaves rated films out."""
    rated_film_class_share: float = 0.0
    """Weight of a rated film beside a labelled one, for the classes; 0 leaves them out."""
    still_class_share: float = 0.0
    """Weight of a rated still, its class guessed from its rating, beside a film with a class; 0 leaves stills out."""
    valence_pull: float = 0.0
    """How strongly valence pulls at the classes (`pulled`); 0 leaves them alone."""
    outside_share: float = 0.0
    """How common pictures of another kind than the labelled films are taken to be, in [0, 1); 0: no `Domain`."""
    absent_share: float = 0.1
    """How much of the teaching goes without one of the channels, in [0, 1)."""


BESIDE_STILLS = HeadSettings(
    class_gains={FILM_NUMBERS: 6.0, OBJECTS: 0.0, CUTTING: 12.0},
    plane_penalty=10_000.0,
    plane_gains={OBJECTS: 3.0, CUTTING: 0.0},
    film_weight=2.0,
    rated_film_weight=0.5,
    rated_film_class_share=0.1,
    still_class_share=0.03,
    valence_pull=4.0,
    outside_share=0.1,
)
"""Of a head that reads stills; docs/decisions.md says how each was chosen."""
WORDED_WEIGHT = 0.2
"""Of a photograph rated by the word for what it shows, beside a still that people rated."""


def fit_head(
    features: Blocks,
    labels: Sequence[str],
    film_of: IntArray,
    *,
    rated: Rated | None = None,
    unrated: Unrated | None = None,
    settings: HeadSettings | None = None,
) -> Head:
    """A head over some channels, not yet calibrated; the versions of its blocks are open.

    Parameters
    ----------
    features : mapping of str to ndarray, shape=(n, dim), float32
        Of all clips, by channel, in the order of the head's blocks; rows of NaN where a channel gave nothing.
    labels : sequence of str, length n_films
        Class of each film.
    film_of : ndarray, shape=(n,), int64
        Which film each clip belongs to.
    rated : Rated, optional
        Stills, with the rated films that go with them; without them valence and arousal are learned from the films
        alone.
    unrated : Unrated, optional
        More stills, whose ratings are guessed from the teachers' embeddings if those of `rated` are known.
    """
    how = settings or HeadSettings()
    blocks = layout_of(features)
    means = means_of(side_by_side(features, blocks, rooted=True), film_of, len(labels))
    mean, scale = moments(means)

    def standard(rows: npt.NDArray[np.floating]) -> Matrix:
        return np.asarray(np.nan_to_num((np.asarray(rows, np.float64) - mean) / scale), np.float64)

    def taught(x: Matrix) -> Some:
        return with_absences(x, columns_of(blocks), share=how.absent_share)

    x = standard(means)
    filmed = None if rated is None else rated.films
    y = np.zeros((0, x.shape[1]))
    if filmed is not None:
        seen = side_by_side(filmed.features, blocks, rooted=True)
        y = standard(means_of(seen, filmed.film_of, len(filmed.labels)))
    beliefs = np.eye(len(EMOTIONS))[[EMOTIONS.index(label) for label in labels]]
    counts = np.ones(len(labels))
    known = x
    if rated is not None and how.still_class_share > 0:
        known = np.concatenate([x, standard(side_by_side(rated.features, blocks, rooted=True))])
        beliefs = np.concatenate([beliefs, classes_near(rated.valence, rated.arousal)])
        counts = np.concatenate([counts, how.still_class_share * rated.weights])
    if filmed is not None and how.rated_film_class_share > 0:
        known = np.concatenate([known, y])
        beliefs = np.concatenate([beliefs, filmed.beliefs])
        counts = np.concatenate([counts, how.rated_film_class_share * filmed.weight])
    some = taught(known)
    weight, bias = logistic(
        some.rows,
        beliefs[some.origin],
        shares=counts[some.origin] * some.weight,
        penalty=how.class_penalty,
        gains=gains_of(blocks, how.class_gains),
    )
    targets = np.array([CLASS_VALENCE_AROUSAL[label] for label in labels])
    shares = np.full(len(labels), how.film_weight)
    if rated is not None:
        x = np.concatenate([x, standard(side_by_side(rated.features, blocks, rooted=True))])
        targets = np.concatenate([targets, np.stack([rated.valence, rated.arousal], axis=1)])
        shares = np.concatenate([shares, rated.weights])
        if unrated is not None and rated.teachers is not None:
            x = np.concatenate([x, standard(side_by_side(unrated.features, blocks, rooted=True))])
            targets = np.concatenate([targets, _guessed(rated, unrated, penalty=how.teacher_penalty)])
            shares = np.concatenate([shares, np.full(len(unrated.teachers), how.unrated_weight)])
    if filmed is not None and how.rated_film_weight > 0:
        x = np.concatenate([x, y])
        targets = np.concatenate([targets, np.stack([filmed.valence, filmed.arousal], axis=1)])
        shares = np.concatenate([shares, how.rated_film_weight * filmed.weight])
    some = taught(x)
    plane, plane_bias = ridge(
        some.rows,
        targets[some.origin],
        shares=shares[some.origin] * some.weight,
        penalty=how.plane_penalty,
        gains=gains_of(blocks, how.plane_gains),
    )
    head = Head(
        blocks,
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weight=np.concatenate([weight, plane]).astype(np.float32),
        bias=np.concatenate([bias, plane_bias]).astype(np.float32),
    )
    head = pulled(head, how.valence_pull)
    if rated is None or not how.outside_share:
        return head
    return replace(head, domain=fit_domain(head, features, film_of, rated=rated, share=how.outside_share))


def fit_domain(head: Head, features: Blocks, film_of: IntArray, *, rated: Rated, share: float) -> Domain:
    """What tells clips of labelled films from rated stills, which show anything.

    Distances of clips are those from a subspace that was fitted without their film; both kinds are taken as normal
    with one spread. What stills never have, such as cuts, films nearly always have: a row without it is the likelier
    to be of another kind the fewer films lack it. A row that has it is no likelier to be of the labelled kind.

    Parameters
    ----------
    head : Head
        Whose standardised columns are used.
    features, film_of
        As in `fit_head`.
    rated : Rated
        Pictures of all kinds.
    share : float
        How common other kinds are taken to be, in (0, 1).
    """
    x, known_in_films = head.standard(features)
    y, known_in_others = head.standard(rated.features)
    both = np.asarray(known_in_films.any(axis=0) & known_in_others.any(axis=0))
    lacking = [not bool(known) for known in both]  # what one kind never has cannot tell the kinds apart
    for columns in compress(columns_of(head.blocks), lacking):
        x[:, columns] = y[:, columns] = 0.0
    group = film_of % N_DOMAIN_GROUPS
    distances = np.zeros(len(x))
    for one in np.unique(group):
        inside = group == one
        distances[inside] = Domain(_directions(x[~inside]), 1.0, 0.0).distance(x[inside])
    basis = _directions(x)
    others = Domain(basis, 1.0, 0.0).distance(y)
    slope = (others.mean() - distances.mean()) / (0.5 * (distances.var() + others.var()) + 1e-9)
    slope = max(float(slope), 1e-3)
    middle = 0.5 * (distances.mean() + others.mean()) + np.log((1 - share) / share) / slope
    without = tuple(compress(head.channels, lacking))
    films_lacking = np.unique(film_of[~known_in_films[:, lacking].any(axis=1)]).size
    odds = -np.log((films_lacking + 0.5) / (np.unique(film_of).size + 1.0)) if without else 0.0
    return Domain(basis, slope, float(middle), without, float(odds))


def _directions(x: FloatArray) -> FloatArray:
    """The leading directions of standardised columns, shape (k, F)."""
    _, _, directions = np.linalg.svd(x.astype(np.float64), full_matrices=False)
    return np.ascontiguousarray(directions[:N_DIRECTIONS], np.float32)


def pulled(head: Head, strength: float) -> Head:
    """A head whose class logits fall with the squared distance between the head's own valence and that of the class.

    Class and valence then do not contradict each other. The square of the reading is common to all classes and drops
    out; the remainder is linear and is added to the weights, so that reading costs the same.

    Parameters
    ----------
    head : Head
        With classes and plane fitted.
    strength : float
        At least 0. Logit units for each squared unit of valence.
    """
    points = PULL_SCALE * np.array([CLASS_VALENCE_AROUSAL[emotion][0] for emotion in EMOTIONS])
    weight, bias = head.weight.astype(np.float64), head.bias.astype(np.float64)
    weight[:N_CLASSES] += 2 * strength * points[:, None] * weight[N_CLASSES]
    bias[:N_CLASSES] += strength * (2 * points * bias[N_CLASSES] - points**2)
    return replace(head, weight=weight.astype(np.float32), bias=bias.astype(np.float32))


def _guessed(rated: Rated, unrated: Unrated, *, penalty: float) -> Matrix:
    """Valence and arousal of unrated stills from the teachers' embeddings, shape (n, 2)."""
    assert rated.teachers is not None
    targets = np.stack([rated.valence, rated.arousal], axis=1).astype(np.float64)
    x = rated.teachers.astype(np.float64)
    weights, bias = ridge(x, targets, shares=np.ones(len(x)), penalty=penalty, gains=np.ones(x.shape[1]))
    return np.asarray(bias + unrated.teachers @ weights.T, np.float64)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What heads say about the clips and stills they were not fitted on; rows as in the input."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Of each clip, calibrated on the other folds, shape (n, 6)."""
    film_probabilities: FloatArray = field(repr=False, compare=False)
    """Mean evidence of each film's clips, shape (n_films, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """Of each clip, shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """Of each clip, shape (n,)."""
    calibration: Calibration
    """From all out-of-fold answers."""


def cross_validate(
    features: Blocks,
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
    logits = np.zeros((len(film_of), len(EMOTIONS)))
    plane = np.zeros((len(film_of), 2))
    for fold in np.unique(folds):
        others = folds != fold
        inside = others if usable is None else others & usable
        rows, order = inside[film_of], np.cumsum(inside) - 1
        head = fit_head(
            rows_of(features, rows),
            [label for label, used in zip(labels, inside, strict=True) if used],
            order[film_of[rows]],
            rated=rated,
            unrated=unrated,
            settings=settings,
        )
        asked = ~others[film_of]
        reading = head.read(rows_of(features, asked))
        logits[asked] = np.log(np.maximum(reading.probabilities, 1e-12))
        plane[asked] = np.stack([reading.valence, reading.arousal], axis=1)
    probabilities = np.zeros_like(logits)
    for fold in np.unique(folds):  # the temperature of a fold comes from the others
        inside = folds != fold
        rows, order = inside[film_of], np.cumsum(inside) - 1
        temperature = fit_temperature(logits[rows], order[film_of[rows]], classes[inside], by_evidence=True)
        probabilities[~rows] = softmax(logits[~rows] / temperature)
    return OutOfFold(
        probabilities=probabilities.astype(np.float32),
        film_probabilities=evidence_means(probabilities, film_of, len(labels)).astype(np.float32),
        valence=plane[:, 0].astype(np.float32),
        arousal=plane[:, 1].astype(np.float32),
        calibration=fit_calibration(logits, film_of, classes, by_evidence=True),
    )


def rate_out_of_fold(
    rated: Rated,
    *,
    folds: IntArray,
    features: Blocks,
    labels: Sequence[str],
    film_of: IntArray,
    unrated: Unrated | None = None,
    worded: Rated | None = None,
    usable: npt.NDArray[np.bool_] | None = None,
    settings: HeadSettings | None = None,
) -> Matrix:
    """Valence and arousal of the stills from heads that never saw their theme, shape (n, 2).

    Films and unrated stills as in `fit_head`, the latter guessed from the same ratings alone; those of `worded` are
    learned from in every fold; `folds` and `usable` as in `cross_validate`, for the stills.
    """
    out = np.zeros((len(folds), 2))
    for fold in np.unique(folds):
        asked = folds == fold
        seen = ~asked if usable is None else ~asked & usable
        head = fit_head(
            features, labels, film_of, rated=beside(rated.some(seen), worded), unrated=unrated, settings=settings
        )
        reading = head.read(rows_of(rated.features, asked))
        out[asked] = np.stack([reading.valence, reading.arousal], axis=1)
    return out
