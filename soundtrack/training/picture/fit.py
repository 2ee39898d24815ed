"""Fit, measure and calibrate the picture head on frozen features.

Goes in: features by channel of the clips of labelled films, and of rated stills and films. Comes out: a `Head`, and
out-of-fold answers. Classes: multinomial logistic regression on the films' mean evidence (L2). Valence and arousal:
ridge regression on the stills' ratings, on the films' classes as points of the plane, and on what the teachers make of
stills without ratings: a ridge regression from their embeddings to the ratings guesses those, so that a few hundred
ratings teach through thousands of pictures. Everything is convex, so the same rows give the same head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import (
    N_CLASSES,
    Block,
    Blocks,
    Domain,
    Head,
    classes_near,
    columns_of,
    rows_of,
    side_by_side,
)
from soundtrack.emotion.picture_head import FILM_NUMBERS, layout_of
from soundtrack.networks.products import softmax
from soundtrack.training.absence import Some, with_absences
from soundtrack.training.calibrate import Calibration, evidence_means, fit_calibration, fit_temperature, means_of
from soundtrack.training.head_settings import HeadSettings
from soundtrack.training.linear import gains_of, logistic, moments, ridge
from soundtrack.training.rated import Rated, Unrated, beside
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, FloatArray

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]


STILL_SHARE = 0.2
"""Of what lies outside the domain: stills; the rest are films of other kinds."""
PULL_SCALE = 0.5
"""Of the classes' valences where readings of valence, which keep to the middle, are compared with them."""


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

    def standard(rows: Columns) -> Matrix:
        return np.asarray(np.nan_to_num((np.asarray(rows, np.float64) - mean) / scale), np.float64)

    def taught(x: Matrix) -> Some:
        return with_absences(x, columns_of(blocks), share=how.absent_share)

    x = standard(means)
    beliefs = np.eye(len(EMOTIONS))[[EMOTIONS.index(label) for label in labels]]
    counts = np.ones(len(labels))
    known = x
    if rated is not None and how.still_class_share > 0:
        known = np.concatenate([x, standard(side_by_side(rated.features, blocks, rooted=True))])
        beliefs = np.concatenate([beliefs, classes_near(rated.valence, rated.arousal)])
        counts = np.concatenate([counts, how.still_class_share * rated.weights])
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
    parts: list[Columns] = [means, side_by_side(rated.features, blocks, rooted=True)]
    if rated.films is not None:
        of = side_by_side(rated.films.features, blocks, rooted=True)
        parts.append(means_of(of, rated.films.film_of, len(rated.films.shares)))
    seen, known_columns = [standard(part) for part in parts], [~np.isnan(part).all(axis=0) for part in parts]
    domain = fit_domain(blocks, seen, known=np.all(known_columns, axis=0), settings=how)
    return replace(head, domain=fit_outside(domain, blocks, seen, labels=labels, rated=rated, settings=how))


def fit_outside(
    domain: Domain,
    blocks: Sequence[Block],
    seen: Sequence[Matrix],
    *,
    labels: Sequence[str],
    rated: Rated,
    settings: HeadSettings,
) -> Domain:
    """A domain with what moving pictures outside it are read by; without rated films the domain as it is.

    Outside is only where no channel is missing, so nothing is learned here with channels missing.

    Parameters
    ----------
    domain, blocks
        Of the head.
    seen : two or three ndarrays, shape=(n, F), float64
        Standardised columns of the labelled films, the rated stills and, if there are any, the rated films.
    labels : sequence of str
        Classes of the labelled films.
    rated : Rated
        The stills with the rated films.
    """
    filmed = rated.films
    if filmed is None:
        return domain
    gains = gains_of(blocks, settings.outside_gains)
    of_films = np.where(filmed.dark, settings.outside_dark_share, 1.0)
    of_stills = settings.outside_still_share * rated.weights
    named = np.eye(len(EMOTIONS))[[EMOTIONS.index(label) for label in labels]]
    classes, offsets = logistic(
        np.concatenate(seen),
        np.concatenate([named, classes_near(rated.valence, rated.arousal), filmed.beliefs]),
        shares=np.concatenate([np.full(len(labels), settings.outside_film_share), of_stills, of_films]),
        penalty=settings.outside_class_penalty,
        gains=gains,
    )
    plane, middle = ridge(
        np.concatenate(seen[1:]),
        np.concatenate([np.stack([part.valence, part.arousal], axis=1) for part in (rated, filmed)]),
        shares=np.concatenate([of_stills, of_films]),
        penalty=settings.outside_plane_penalty,
        gains=gains,
    )
    numbers = np.repeat([block.channel == FILM_NUMBERS for block in blocks], [block.dim for block in blocks])
    still = np.flatnonzero(numbers & ~side_by_side(rated.features, blocks).any(axis=0))
    return replace(
        domain,
        still=tuple(still.tolist()),
        weight=np.concatenate([classes, plane]).astype(np.float32),
        bias=np.concatenate([offsets, middle]).astype(np.float32),
    )


def fit_domain(
    blocks: Sequence[Block], seen: Sequence[Matrix], *, known: npt.NDArray[np.bool_], settings: HeadSettings
) -> Domain:
    """What distinguishes labelled films from rated stills and films, which show anything.

    A channel that one kind never has, such as cuts, which stills lack, does not count.

    Parameters
    ----------
    blocks : sequence of Block
        Of the head.
    seen
        As in `fit_outside`.
    known : ndarray, shape=(F,), bool
        Columns that every kind has somewhere.
    """
    counts = [float(known[columns].all()) for columns in columns_of(blocks)]
    gains = np.repeat(counts, [block.dim for block in blocks])
    share = settings.outside_share
    whole = [1.0 - share, share] if len(seen) == 2 else [1.0 - share, share * STILL_SHARE, share * (1.0 - STILL_SHARE)]
    n = sum(len(part) for part in seen)
    shares = [np.full(len(part), n * of_all / len(part)) for part, of_all in zip(seen, whole, strict=True)]
    kind = np.repeat([0] + [1] * (len(seen) - 1), [len(part) for part in seen])
    weight, bias = logistic(
        np.concatenate(seen),
        np.eye(2)[kind],
        shares=np.concatenate(shares),
        penalty=settings.domain_penalty,
        gains=gains,
    )
    return Domain((weight[1] - weight[0]).astype(np.float32), float(bias[1] - bias[0]))


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
