"""Fit the music head on frozen features: classes, valence and arousal, felt emotions.

Goes in: rows of the analysis in stretches of about ten seconds, and labels of the recordings they come from. Comes
out: a `Head`, calibrated. Classes: multinomial logistic regression (L2). Ratings: ridge regression. Everything is
convex and solved to the end, so the same rows give the same head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import N_CLASSES, Block, Blocks, Head, columns_of, rows_of, side_by_side
from soundtrack.emotion.music_channels import HARMONY
from soundtrack.emotion.music_head import FELT, LIMIT
from soundtrack.training.absence import with_absences
from soundtrack.training.calibrate import fit_calibration
from soundtrack.training.linear import gains_of, logistic, ridge
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]

N_FELT = len(FELT)
"""Columns of `Heard.felt`."""
N_PLANE = 2
"""Columns of `Heard.plane`."""
PLANE_SCALE = 0.55
"""Of VGMIDI's ratings beside the plane: its raters hardly left [-0.5, 0.5]."""
FELT_OF_CLASS = np.array(
    [
        # amazement, solemnity, tenderness, nostalgia, calmness, power, joyful_activation, tension, sadness
        [0.5, 0.0, 0.0, 0.0, 0.0, 0.9, 1.3, 0.0, 0.0],  # Excited
        [0.0, 0.1, 0.0, 0.0, 0.0, 0.1, 0.0, 0.7, 0.0],  # Fear
        [0.1, 0.4, 0.0, 0.2, 0.2, 0.0, 0.1, 0.0, 0.0],  # Neutral
        [0.1, 0.1, 0.8, 0.3, 1.1, 0.0, 0.0, 0.0, 0.0],  # Relaxation
        [0.0, 0.4, 0.4, 0.7, 0.1, 0.0, 0.0, 0.0, 1.6],  # Sad
        [0.0, 0.1, 0.0, 0.0, 0.0, 0.6, 0.0, 1.3, 0.0],  # Tension
    ]
)
"""How much of each class a listener's tick for each of the nine felt emotions is worth, shape (6, 9)."""
FELT_OF_PLANE = np.array(
    [
        [0.15, 0.0, 0.2, 0.05, 0.2, 0.05, 0.45, -0.5, -0.4],  # valence
        [0.1, -0.1, -0.25, -0.15, -0.5, 0.5, 0.5, 0.35, -0.3],  # arousal
    ]
)
"""What such a tick is worth on the plane, on VGMIDI's scale, shape (2, 9)."""


@dataclass(frozen=True, slots=True)
class MusicFitSettings:
    """How strongly the head is held back; chosen inside training folds."""

    class_penalty: float = 400.0
    """L2 of the class weights beside the summed log-loss of the clips."""
    class_gains: Mapping[str, float] = field(default_factory=lambda: {HARMONY: 1.0})
    """By channel: how much its columns count beside those of the others, for the classes; 1 where none is named."""
    valence_penalty: float = 600.0
    """L2 of the weights of valence beside the summed squared error of the recordings."""
    valence_gains: Mapping[str, float] = field(default_factory=lambda: {HARMONY: 3.0})
    """As `class_gains`, for valence."""
    arousal_penalty: float = 600.0
    """As `valence_penalty`, for arousal."""
    arousal_gains: Mapping[str, float] = field(default_factory=lambda: {HARMONY: 1.5})
    """As `class_gains`, for arousal."""
    felt_penalty: float = 1500.0
    """As `valence_penalty`, for the nine felt emotions."""
    felt_gains: Mapping[str, float] = field(default_factory=lambda: {HARMONY: 1.5})
    """As `class_gains`, for the nine felt emotions."""
    felt_plane_share: float = 0.1
    """Weight of a recording with only felt emotions beside a rated one, for valence and arousal."""
    class_plane_gain: float = 4.0
    """How far the log-odds of a class rise with valence and arousal in its direction; 0 leaves the plane out."""
    class_plane_pull: float = 1.0
    """How far the log-odds of a class fall with its squared distance from the middle of the plane."""
    music_class_share: float = 0.1
    """Weight of a recording without a class, whose class is guessed from its ratings, beside a labelled clip."""
    class_felt_gain: float = 16.0
    """Of the felt emotions beside the features, for the classes; 0 leaves them out."""
    absent_share: float = 0.1
    """How much of the teaching goes without one of the channels, in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Recordings as the network heard them; one row per stretch, one label row per recording."""

    inputs: Blocks = field(repr=False, compare=False)
    """By channel, in the order of the head's blocks, each of shape (n, dim); NaN where a channel gave nothing."""
    recording: IntArray = field(repr=False, compare=False)
    """Which recording each row belongs to, shape (n,), from 0 without gaps."""
    classes: IntArray = field(repr=False, compare=False)
    """Class of each recording, -1 where unknown, shape (n_recordings,)."""
    plane: Matrix = field(repr=False, compare=False)
    """Rated valence and arousal in [-1, 1], NaN where unknown, shape (n_recordings, 2)."""
    felt: Matrix = field(repr=False, compare=False)
    """Shares of the nine felt emotions, NaN where unknown, shape (n_recordings, 9)."""

    def only(self, chosen: npt.NDArray[np.bool_]) -> Heard:
        """Those recordings for which `chosen`, shape (n_recordings,), is true."""
        number = np.cumsum(chosen) - 1
        rows = chosen[self.recording]
        return Heard(
            inputs=rows_of(self.inputs, rows),
            recording=number[self.recording[rows]],
            classes=self.classes[chosen],
            plane=self.plane[chosen],
            felt=self.felt[chosen],
        )


@dataclass(frozen=True, slots=True)
class Feelings:
    """Valence, arousal and the nine felt emotions as a linear function of the analysis.

    They are learned from rated music, so that no class of a clip is in them.
    """

    slopes: Matrix = field(repr=False, compare=False)
    """Over the inputs side by side, shape (11, n_columns)."""
    offsets: Matrix = field(repr=False, compare=False)
    """Where all inputs are 0, shape (11,)."""

    @classmethod
    def of(cls, head: Head) -> Feelings:
        """Those that a head reads."""
        slopes = (head.weight[N_CLASSES:] / head.scale).astype(np.float64)
        return cls(slopes=slopes, offsets=head.bias[N_CLASSES:] - slopes @ head.mean)

    def standardised(self, mean: Matrix, scale: Matrix) -> tuple[Matrix, Matrix]:
        """Weights and biases over columns less `mean`, divided by `scale`."""
        return self.slopes * scale, self.offsets + self.slopes @ mean


def fit_music_head(heard: Heard, *, settings: MusicFitSettings | None = None, feelings: Feelings | None = None) -> Head:
    """A head over the channels given, not yet calibrated (temperature 1); the versions of its blocks are open.

    What listeners of other music felt is a way into the classes too: the nine felt emotions stand beside the inputs
    when the classes are learned, with a gain; and a class gains where valence and arousal point to it, so that music
    unlike the clips is not read as what most calm clips happen to be. All of them are linear in the inputs, so that
    the head stays one linear map.

    Parameters
    ----------
    heard : Heard
        At least two recordings with a class.
    settings : MusicFitSettings, optional
        Penalties.
    feelings : Feelings, optional
        Of a head that was fitted elsewhere, kept where no recording of `heard` has ratings or felt emotions of its own.
    """
    how = settings or MusicFitSettings()
    blocks = tuple(Block(name, rows.shape[1]) for name, rows in heard.inputs.items())
    raw = side_by_side(heard.inputs, blocks)
    share = 1.0 / np.bincount(heard.recording)[heard.recording]  # every recording counts once
    mean = np.nansum(share[:, None] * raw, axis=0) / share.sum()
    scale = np.maximum(np.sqrt(np.nansum(share[:, None] * (raw - mean) ** 2, axis=0) / share.sum()), 1e-3)
    x = np.nan_to_num(np.clip((raw - mean) / scale, -LIMIT, LIMIT).astype(np.float64))
    some = with_absences(x, columns_of(blocks), share=how.absent_share)
    x, recording, share = some.rows, heard.recording[some.origin], share[some.origin] * some.weight
    is_felt, is_rated = (bool(np.isfinite(rows).all(axis=1).any()) for rows in (heard.felt, heard.plane))
    felt, felt_bias = ridge(
        x, heard.felt[recording], shares=share, penalty=how.felt_penalty, gains=gains_of(blocks, how.felt_gains)
    )
    plane, plane_bias = _plane_map(x, heard, recording, share=share, blocks=blocks, how=how)
    if feelings is not None:
        slopes, offsets = feelings.standardised(mean, scale)
        if not is_felt:
            felt, felt_bias = slopes[N_PLANE:], offsets[N_PLANE:]
            if not is_rated:
                plane, plane_bias = slopes[:N_PLANE], offsets[:N_PLANE]
    beliefs, belief_share = _class_targets(heard, how)
    weight, bias = _class_map(
        x,
        beliefs[recording],
        share=share * belief_share[recording],
        slopes=felt,
        gains=gains_of(blocks, how.class_gains),
        how=how,
    )
    points = np.array([CLASS_VALENCE_AROUSAL[e] for e in EMOTIONS])
    weight = weight + how.class_plane_gain * points @ plane
    bias = bias + how.class_plane_gain * points @ plane_bias - how.class_plane_pull * (points**2).sum(axis=1)
    return Head(
        blocks,
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weight=np.concatenate([weight, plane, felt]).astype(np.float32),
        bias=np.concatenate([bias, plane_bias, felt_bias]).astype(np.float32),
        limit=LIMIT,
    )


def _plane_map(
    x: Matrix, heard: Heard, recording: IntArray, *, share: Matrix, blocks: tuple[Block, ...], how: MusicFitSettings
) -> tuple[Matrix, Matrix]:
    """Weights (2, columns) and biases (2,) of valence and arousal over the inputs."""
    plane, plane_share = _plane_targets(heard, how)
    weights, biases = [], []
    for column, penalty, gains in (
        (0, how.valence_penalty, how.valence_gains),
        (1, how.arousal_penalty, how.arousal_gains),
    ):
        target = plane[recording, column : column + 1]
        rows_share = share * plane_share[recording]
        weight, bias = ridge(x, target, shares=rows_share, penalty=penalty, gains=gains_of(blocks, gains))
        weights.append(weight)
        biases.append(bias)
    return np.concatenate(weights), np.concatenate(biases)


def _class_map(
    x: Matrix, beliefs: Matrix, *, share: Matrix, slopes: Matrix, gains: Matrix, how: MusicFitSettings
) -> tuple[Matrix, Matrix]:
    """Weights (6, columns) and biases (6,) of the classes over the inputs, felt emotions beside them folded in."""
    known = share > 0
    total = share.sum()
    felt = x @ slopes.T
    centre = share @ felt / total
    spread = np.sqrt(share @ (felt - centre) ** 2 / total)
    felt_gain = how.class_felt_gain / np.maximum(spread, 1e-9) * (spread > 1e-9)
    weight, bias = logistic(
        np.concatenate([x, felt - centre], axis=1)[known],
        beliefs[known],
        shares=share[known],
        penalty=how.class_penalty,
        gains=np.concatenate([gains, felt_gain]),
    )
    own, through = weight[:, : x.shape[1]], weight[:, x.shape[1] :]
    return own + through @ slopes, bias - through @ centre


def _class_targets(heard: Heard, how: MusicFitSettings) -> tuple[Matrix, Matrix]:
    """Beliefs about the class (n_recordings, 6) and their weights (n_recordings,).

    A label is certain. Music without one is believed to be of the classes that lie near its rating on the plane, or
    that match its listeners' feelings: clips of films alone would teach that music without fighting in it is
    peaceful.
    """
    n = len(heard.classes)
    beliefs = np.zeros((n, N_CLASSES))
    weight = np.zeros(n)
    labelled = heard.classes >= 0
    beliefs[labelled, heard.classes[labelled]] = 1.0
    weight[labelled] = 1.0
    rated = ~labelled & np.isfinite(heard.plane).all(axis=1)
    points = PLANE_SCALE * np.array([CLASS_VALENCE_AROUSAL[e] for e in EMOTIONS])
    distance = ((heard.plane[rated, None] - points[None]) ** 2).sum(axis=2)
    beliefs[rated] = np.exp(-distance / (2 * 0.2**2)) + 1e-3
    felt = ~labelled & ~rated & np.isfinite(heard.felt).all(axis=1)
    beliefs[felt] = heard.felt[felt] @ FELT_OF_CLASS.T + 1e-3
    beliefs[rated | felt] /= beliefs[rated | felt].sum(axis=1, keepdims=True)
    weight[rated | felt] = how.music_class_share
    return beliefs, weight


def _plane_targets(heard: Heard, how: MusicFitSettings) -> tuple[Matrix, Matrix]:
    """Valence and arousal (n_recordings, 2) and their weights: ratings, feelings, else classes."""
    points = PLANE_SCALE * np.array([CLASS_VALENCE_AROUSAL[e] for e in EMOTIONS])
    target = heard.plane.copy()
    share: Matrix = np.where(np.isfinite(target).all(axis=1), 1.0, 0.0)
    by_felt = (share == 0) & np.isfinite(heard.felt).all(axis=1)
    target[by_felt] = heard.felt[by_felt] @ FELT_OF_PLANE.T
    share[by_felt] = how.felt_plane_share
    if not share.any():
        labelled = heard.classes >= 0
        target[labelled] = points[heard.classes[labelled]]
        share[labelled] = 1.0
    return target, share


def fit_calibrated(
    heard: Heard,
    *,
    folds: Sequence[int] | IntArray,
    settings: MusicFitSettings | None = None,
    feelings: Feelings | None = None,
) -> Head:
    """A head whose calibration comes from recordings that inner heads did not see.

    Parameters
    ----------
    heard : Heard
        Everything to learn from.
    folds : sequence of int, length n_recordings
        Inner folds; recordings of one source share theirs.
    settings : MusicFitSettings, optional
        Penalties.
    feelings : Feelings, optional
        As `fit_music_head` takes them.
    """
    inner = np.asarray(folds)
    whole = fit_music_head(heard, settings=settings, feelings=feelings)
    logs = np.zeros((len(heard.recording), N_CLASSES))
    has_class = heard.classes >= 0
    for fold in np.unique(inner[has_class]):
        clips = heard.only((inner != fold) & has_class)
        head = fit_music_head(clips, settings=settings, feelings=Feelings.of(whole))
        rows = (inner == fold)[heard.recording]
        logs[rows] = np.log(np.maximum(head.read(rows_of(heard.inputs, rows)).probabilities, 1e-9))
    clips = heard.only(has_class)
    return fit_calibration(logs[has_class[heard.recording]], clips.recording, clips.classes).of(whole)
