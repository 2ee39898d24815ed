"""Fit the joint space of picture and music.

Goes in: what both towers say about clips that carry both (out of fold, so that nothing is flattered), their classes and
sources. Comes out: a `JointSpace`. The learned codes are a closed form: the linear maps of both sides whose products
come nearest to a target likeness (ridge on both sides, low rank by singular values). The target is soft: own sound,
and sounds of moods that lie near on the valence-arousal plane. The weights of the three likenesses are chosen by
cross-validation over sources inside the data given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Block, columns_of
from soundtrack.emotion.space import MUSIC, N_MOOD, N_PLANE, PICTURE, JointSpace, SideProjection
from soundtrack.training.absence import Some, with_absences
from soundtrack.training.calibrate import means_of
from soundtrack.training.data import fold_of
from soundtrack.training.linear import moments
from soundtrack.types import EMOTIONS, FloatArray, ModelRef

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Judge = Callable[[Matrix, IntArray, IntArray], float]


@dataclass(frozen=True, slots=True)
class SideRows:
    """What one tower says about n stretches; rows belong together."""

    probabilities: FloatArray = field(repr=False, compare=False)
    """Calibrated, out of fold, shape (n, 6)."""
    valence: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    arousal: FloatArray = field(repr=False, compare=False)
    """In [-1, 1], shape (n,)."""
    features: FloatArray = field(repr=False, compare=False)
    """What the tower gives the space beside them, shape (n, F)."""
    clip: IntArray = field(repr=False, compare=False)
    """Which clip each row belongs to, shape (n,), from 0 without gaps."""
    blocks: tuple[Block, ...] = ()
    """Channels of the columns of `features`; without them all columns are one."""

    def only(self, chosen: npt.NDArray[np.bool_]) -> SideRows:
        """Rows of those clips for which `chosen`, shape (n_clips,), is true."""
        rows = chosen[self.clip]
        return SideRows(
            probabilities=self.probabilities[rows],
            valence=self.valence[rows],
            arousal=self.arousal[rows],
            features=self.features[rows],
            clip=(np.cumsum(chosen) - 1)[self.clip[rows]],
            blocks=self.blocks,
        )

    def project(self, space: JointSpace, side: str) -> Matrix:
        """Unit vector of each clip: mean of its rows' vectors, shape (n_clips, D)."""
        vectors = space.project(side, self.probabilities, self.valence, self.arousal, self.features)
        n = int(self.clip.max()) + 1
        means = means_of(vectors, self.clip, n)
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9))


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """How the space is fitted."""

    dim: int = 32
    """Length of the vectors."""
    penalty: float = 0.5
    """Ridge of the codes, in units of the mean eigenvalue of a side's Gram matrix."""
    own_share: float = 0.8
    """Of the own sound in the target likeness; the rest is likeness of class and place on the plane."""
    centring: float = 0.8
    """How much of a side's mean mood is subtracted, so that the average is no hub; in [0, 1]."""
    plane_spread: float = 0.7
    """Standard deviation of valence and arousal on the lifted plane."""
    absent_share: float = 0.3
    """How much of the teaching of the codes goes without one of a side's channels, in [0, 1)."""
    weights: tuple[tuple[float, float, float], ...] = (
        (1.0, 0.0, 0.0),
        (0.8, 0.2, 0.0),
        (0.8, 0.0, 0.2),
        (0.6, 0.2, 0.2),
        (0.6, 0.4, 0.0),
        (0.5, 0.25, 0.25),
        (0.4, 0.2, 0.4),
        (0.4, 0.4, 0.2),
        (0.3, 0.1, 0.6),
        (0.2, 0.2, 0.6),
        (0.2, 0.0, 0.8),
        (0.1, 0.1, 0.8),
        (0.0, 0.0, 1.0),
    )
    """Candidates for the weights of classes, plane and code."""


def target_likeness(classes: IntArray, plane: Matrix, *, own_share: float) -> Matrix:
    """How alike each picture and each sound should be, shape (n, n), in [0, 1].

    Parameters
    ----------
    classes : ndarray, shape=(n,), int
        Class of each clip.
    plane : ndarray, shape=(6, 2)
        Where each class lies.
    own_share : float in [0, 1]
        Weight of the own sound; the rest falls off as exp(-distance on the plane).
    """
    points = plane[classes]
    distance = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    return np.asarray(own_share * np.eye(len(classes)) + (1 - own_share) * np.exp(-3.0 * distance))


def _codes(video: Some, music: Some, target: Matrix, *, n_code: int, penalty: float) -> tuple[Matrix, Matrix]:
    """Linear codes of both sides, shapes (n_code, F_video) and (n_code, F_music), from rows with absences."""
    n = len(target)
    centred = target - target.mean(axis=0) - target.mean(axis=1, keepdims=True) + target.mean()

    def solved(some: Some) -> Matrix:
        root = np.sqrt(some.weight)[:, None]
        x = root * some.rows
        gram = x @ x.T
        each = root * np.linalg.solve(gram + penalty * np.trace(gram) / n * np.eye(len(x)), x)  # (m, F)
        return np.asarray(each.reshape(-1, n, x.shape[1]).sum(axis=0))  # (n, F): rows of one origin together

    a, b = solved(video), solved(music)
    left, strength, right = np.linalg.svd(centred)
    keep = min(n_code, n)
    root = np.sqrt(strength[:keep])[:, None]
    codes = np.zeros((n_code, a.shape[1])), np.zeros((n_code, b.shape[1]))
    codes[0][:keep] = root * (left[:, :keep].T @ a)
    codes[1][:keep] = root * (right[:keep] @ b)
    return codes


def _side(rows: SideRows, code: Matrix, mean: Matrix, scale: Matrix, *, settings: SpaceSettings) -> SideProjection:
    """A side's projection, its averages taken over clips."""
    n = int(rows.clip.max()) + 1
    mood = means_of(np.sqrt(rows.probabilities), rows.clip, n).mean(axis=0)
    plane = means_of(np.stack([rows.valence, rows.arousal], axis=1), rows.clip, n)
    return SideProjection(
        mood_centre=(settings.centring * mood).astype(np.float32),
        plane_offset=plane.mean(axis=0).astype(np.float32),
        plane_scale=(settings.plane_spread / np.maximum(plane.std(axis=0), 1e-3)).astype(np.float32),
        feature_mean=mean.astype(np.float32),
        feature_scale=scale.astype(np.float32),
        code=code.astype(np.float32),
    )


def fit_fixed(
    video: SideRows,
    music: SideRows,
    classes: IntArray,
    *,
    plane: Matrix,
    weights: tuple[float, float, float],
    settings: SpaceSettings,
    ref: ModelRef | None = None,
) -> JointSpace:
    """The space for given weights of the likenesses; parameters as `fit_space`."""
    standard, means, scales = [], [], []
    for rows in (video, music):
        clips = means_of(rows.features, rows.clip, len(classes))
        mean, scale = moments(clips)
        channels = columns_of(rows.blocks) if rows.blocks else (slice(None),)
        standard.append(
            with_absences(np.nan_to_num(np.clip((clips - mean) / scale, -5, 5)), channels, share=settings.absent_share)
        )
        means.append(mean)
        scales.append(scale)
    target = target_likeness(classes, plane, own_share=settings.own_share)
    n_code = settings.dim - N_MOOD - N_PLANE
    codes = _codes(standard[0], standard[1], target, n_code=n_code, penalty=settings.penalty)
    return JointSpace(
        {
            PICTURE: _side(video, codes[0], means[0], scales[0], settings=settings),
            MUSIC: _side(music, codes[1], means[1], scales[1], settings=settings),
        },
        weights=np.array(weights, np.float32),
        ref=ref or ModelRef(name="being-fitted", version="0", sha256="0" * 64, dim=settings.dim),
    )


def fit_space(
    video: SideRows,
    music: SideRows,
    classes: IntArray,
    *,
    sources: IntArray,
    plane: Matrix,
    judge: Judge,
    settings: SpaceSettings | None = None,
    ref: ModelRef | None = None,
    n_folds: int = 4,
) -> JointSpace:
    """The space of some clips, its weights chosen by cross-validation among them.

    Parameters
    ----------
    video, music : SideRows
        Readings of the same clips.
    classes : ndarray, shape=(n_clips,), int
        Class of each clip.
    sources : ndarray, shape=(n_clips,), int
        Source of each clip.
    plane : ndarray, shape=(6, 2)
        Valence and arousal of each class.
    judge : callable
        How good a similarity matrix is, from it, the classes and the sources; decides between weights.
    settings : SpaceSettings, optional
        How to fit.
    ref : ModelRef, optional
        Name and hash of the result.
    n_folds : int
        Inner folds.
    """
    how = settings or SpaceSettings()
    labels = [EMOTIONS[c] for c in classes]
    folds = fold_of([str(s) for s in sources], classes=labels, n_folds=n_folds, seed=1)
    likeness = {w: np.zeros((len(classes), len(classes))) for w in how.weights}
    for fold in range(n_folds):
        inside = folds == fold
        first = fit_fixed(
            video.only(~inside),
            music.only(~inside),
            classes[~inside],
            plane=plane,
            weights=how.weights[0],
            settings=how,
        )
        for w in how.weights:
            space = reweighted(first, w)
            rows = video.only(inside).project(space, PICTURE)
            likeness[w][inside] = rows @ music.project(space, MUSIC).T
    best = max(how.weights, key=lambda w: judge(likeness[w], classes, sources))
    return fit_fixed(video, music, classes, plane=plane, weights=best, settings=how, ref=ref)


def reweighted(space: JointSpace, weights: tuple[float, float, float]) -> JointSpace:
    """The same projections under other weights of classes, plane and code."""
    return JointSpace(space.sides, weights=np.array(weights, np.float32), ref=space.ref)
