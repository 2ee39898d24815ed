"""Readings by heads and a space fitted without any label of the same source: nested folds over frozen evidence.

Goes in: what the frozen networks saw and heard of labelled clips. Comes out: `CrossRead`, one row per clip:
posteriors of both sides, and a similarity of every picture with every sound for each row of the ablation table. The
outer folds part what is judged from what is learned; the inner folds give the readings on which temperatures and the
space are fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Blocks, Head, rows_of, side_by_side
from soundtrack.emotion.space import MUSIC, PICTURE, JointSpace
from soundtrack.evaluation.deciding import MERIT, WITH_HUBS, Said, corrected, decided
from soundtrack.merit_table import MeritTable
from soundtrack.progress import Progress
from soundtrack.training.calibrate import evidence_means, fit_temperature, means_of
from soundtrack.training.data import fold_of
from soundtrack.training.head_settings import HeadSettings
from soundtrack.training.music.fit import Feelings, Heard, MusicFitSettings, fit_music_head
from soundtrack.training.picture.fit import fit_head
from soundtrack.training.rated import Rated
from soundtrack.training.space import SideRows, SpaceSettings, fit_space, reweighted
from soundtrack.types import CLASS_VALENCE_AROUSAL, EMOTIONS, FloatArray
from soundtrack.yardsticks.metrics import (
    distinct_winners,
    own_source,
    precision_at,
    two_afc_emotion,
    two_afc_true_track,
)

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PLANE = np.array([CLASS_VALENCE_AROUSAL[e] for e in EMOTIONS])
"""Valence and arousal of each class, shape (6, 2)."""
N_INNER = 4
"""Inner folds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What frozen networks saw and heard of labelled clips."""

    seen: Blocks = field(repr=False, compare=False)
    """What the picture's channels saw, one row per window, by channel, each of shape (n_windows, dim)."""
    seen_clip: IntArray = field(repr=False, compare=False)
    """Which clip each window belongs to, shape (n_windows,)."""
    heard: Blocks = field(repr=False, compare=False)
    """As `seen` of the music's channels, one row per stretch, each of shape (n_stretches, dim)."""
    heard_clip: IntArray = field(repr=False, compare=False)
    """Which clip each stretch belongs to, shape (n_stretches,)."""
    classes: IntArray = field(repr=False, compare=False)
    """Class of each clip, shape (n,)."""
    sources: tuple[str, ...]
    """Source of each clip."""
    heard_s: Matrix | None = field(default=None, repr=False, compare=False)
    """Start and end of each stretch on its clip's clock, in seconds, shape (n_stretches, 2)."""
    feelings: Feelings | None = None
    """Of the music head in use; it learned them from no clip with a class."""

    def only(self, chosen: Mask) -> Evidence:
        """Of those clips for which `chosen`, shape (n,), is true."""
        number = np.cumsum(chosen) - 1
        seen, heard = chosen[self.seen_clip], chosen[self.heard_clip]
        return replace(
            self,
            seen=rows_of(self.seen, seen),
            seen_clip=number[self.seen_clip[seen]],
            heard=rows_of(self.heard, heard),
            heard_clip=number[self.heard_clip[heard]],
            classes=self.classes[chosen],
            sources=tuple(source for source, wanted in zip(self.sources, chosen, strict=True) if wanted),
            heard_s=None if self.heard_s is None else self.heard_s[heard],
        )


@dataclass(frozen=True, slots=True)
class CrossRead:
    """Out-of-fold readings of n clips."""

    video_probabilities: Matrix = field(repr=False, compare=False)
    """From the picture, shape (n, 6)."""
    music_probabilities: Matrix = field(repr=False, compare=False)
    """From the sound, shape (n, 6)."""
    similarities: dict[str, Matrix] = field(repr=False, compare=False)
    """Pictures by sounds, shape (n, n) each, by row of the ablation table; ``joint`` is the tool's own."""


def merit(similarity: Matrix, classes: IntArray, sources: IntArray) -> float:
    """One number to choose weights by: both two-alternative accuracies, P@1 and variety of winners."""
    excluded = own_source(sources)
    return (
        two_afc_emotion(similarity, classes, excluded)
        + two_afc_true_track(similarity, sources)
        + 0.5 * precision_at(similarity, classes, excluded, k=1)
        + 0.25 * distinct_winners(similarity, excluded) / len(classes)
    )


def extended(clips: Heard, extra: Heard | None) -> Heard:
    """Clips and further rated recordings as one set, the clips first."""
    if extra is None:
        return clips
    return Heard(
        inputs={name: np.concatenate([rows, extra.inputs[name]]) for name, rows in clips.inputs.items()},
        recording=np.concatenate([clips.recording, extra.recording + len(clips.classes)]),
        classes=np.concatenate([clips.classes, extra.classes]),
        plane=np.concatenate([clips.plane, extra.plane]),
        felt=np.concatenate([clips.felt, extra.felt]),
    )


def as_heard(evidence: Evidence) -> Heard:
    """The sound of labelled clips as training material."""
    n = len(evidence.classes)
    return Heard(
        inputs=evidence.heard,
        recording=evidence.heard_clip,
        classes=evidence.classes,
        plane=np.full((n, 2), np.nan),
        felt=np.full((n, 9), np.nan),
    )


@dataclass(frozen=True, slots=True)
class FoldRecipe:
    """What else the heads learn from, and how."""

    extra: Heard | None = None
    """Rated music beside the clips."""
    rated: Rated | None = None
    """Rated stills beside the clips."""
    music: MusicFitSettings = field(default_factory=MusicFitSettings)
    """Of the music head."""
    space: SpaceSettings = field(default_factory=SpaceSettings)
    """Of the joint space."""
    picture: HeadSettings = field(default_factory=HeadSettings)
    """Of the picture head."""
    without: frozenset[str] = frozenset()
    """Channels of the picture that are left out."""


def _picture_head(evidence: Evidence, chosen: Mask, recipe: FoldRecipe) -> Head:
    """The picture head of some clips."""
    rows = chosen[evidence.seen_clip]
    number = np.cumsum(chosen) - 1
    labels = [EMOTIONS[c] for c in evidence.classes[chosen]]
    return fit_head(
        _seen(evidence, rows, recipe),
        labels,
        number[evidence.seen_clip[rows]],
        rated=recipe.rated,
        settings=recipe.picture,
    )


def _seen(evidence: Evidence, rows: Mask, recipe: FoldRecipe) -> dict[str, FloatArray]:
    """Some rows of the channels that are not left out."""
    return {name: values[rows] for name, values in evidence.seen.items() if name not in recipe.without}


def _picture_rows(evidence: Evidence, head: Head, chosen: Mask, recipe: FoldRecipe) -> SideRows:
    """What a picture head says about some clips."""
    rows = chosen[evidence.seen_clip]
    seen = _seen(evidence, rows, recipe)
    said = head.read(seen)
    return SideRows(
        said.probabilities,
        said.valence,
        said.arousal,
        side_by_side(seen, head.blocks),
        (np.cumsum(chosen) - 1)[evidence.seen_clip[rows]],
        head.blocks,
    )


def _music_head(evidence: Evidence, heard: Heard, recipe: FoldRecipe) -> Head:
    """The music head of some clips."""
    return fit_music_head(extended(heard, recipe.extra), settings=recipe.music, feelings=evidence.feelings)


def read_inside(evidence: Evidence, chosen: Mask, recipe: FoldRecipe, *, seed: int) -> tuple[SideRows, SideRows]:
    """Readings of some clips by heads of inner folds, calibrated on all of them: what the space is fitted on."""
    numbers = np.flatnonzero(chosen)
    labels = [EMOTIONS[c] for c in evidence.classes[numbers]]
    sources = [evidence.sources[i] for i in numbers]
    inner = np.full(len(chosen), -1)
    inner[numbers] = fold_of(sources, classes=labels, n_folds=N_INNER, seed=seed + 100)
    heard = as_heard(evidence)
    video: list[tuple[Mask, SideRows]] = []
    music: list[tuple[Mask, SideRows]] = []
    for fold in range(N_INNER):
        learn, judge = chosen & (inner != fold), inner == fold
        video.append((judge, _picture_rows(evidence, _picture_head(evidence, learn, recipe), judge, recipe)))
        head = _music_head(evidence, heard.only(learn), recipe)
        music.append((judge, _music_rows(heard.only(judge), head)))
    return _gathered(video, chosen), _gathered(music, chosen)


def calibrated_inside(evidence: Evidence, chosen: Mask, recipe: FoldRecipe, *, seed: int) -> tuple[SideRows, SideRows]:
    """As `read_inside`, with temperatures that suit these readings."""
    video, music = read_inside(evidence, chosen, recipe, seed=seed)
    classes = evidence.classes[chosen]
    return _calibrated(video, classes, by_evidence=True)[0], _calibrated(music, classes)[0]


def _music_rows(heard: Heard, head: Head) -> SideRows:
    """What a music head says about some recordings."""
    mood = head.read(heard.inputs)
    features = side_by_side(heard.inputs, head.blocks)
    return SideRows(mood.probabilities, mood.valence, mood.arousal, features, heard.recording, head.blocks)


def _gathered(parts: list[tuple[Mask, SideRows]], chosen: Mask) -> SideRows:
    """Rows of several groups of clips as one, numbered among the chosen clips."""
    number = np.cumsum(chosen) - 1
    clip = np.concatenate([number[np.flatnonzero(mask)[rows.clip]] for mask, rows in parts])
    order = np.argsort(clip, kind="stable")

    def joined(name: str) -> FloatArray:
        return np.asarray(np.concatenate([getattr(rows, name) for _, rows in parts])[order], np.float32)

    moods = joined("probabilities"), joined("valence"), joined("arousal")
    return SideRows(*moods, joined("features"), clip[order], parts[0][1].blocks)


def _sharpened(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Probabilities after dividing their logarithms by a temperature."""
    logs = np.log(np.maximum(probabilities, 1e-9)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _calibrated(rows: SideRows, classes: IntArray, *, by_evidence: bool = False) -> tuple[SideRows, float]:
    """Rows with the temperature that suits them best, and that temperature."""
    logs = np.log(np.maximum(rows.probabilities.astype(np.float64), 1e-9))
    temperature = fit_temperature(logs, rows.clip, classes, by_evidence=by_evidence)
    return replace(rows, probabilities=_sharpened(rows.probabilities, temperature)), temperature


@dataclass(frozen=True, slots=True)
class _Unseen:
    """What heads and spaces say about clips of which they saw no label."""

    folds: IntArray
    """Outer fold of each clip that was asked about, shape (n,)."""
    spaces: list[JointSpace]
    """Fitted without the fold of its number."""
    video: SideRows
    """All windows."""
    music: SideRows
    """All stretches."""


def read_unseen(
    evidence: Evidence,
    how: FoldRecipe,
    *,
    n_folds: int,
    seed: int,
    apart: Mask | None = None,
    progress: Progress | None = None,
) -> _Unseen:
    """Heads and a space for each outer fold, and what they say about its clips; or about those kept apart."""
    if apart is None:
        folds = fold_of(evidence.sources, classes=[EMOTIONS[c] for c in evidence.classes], n_folds=n_folds, seed=seed)
    else:
        folds, n_folds = np.where(apart, 0, -1), 1
    names = {s: i for i, s in enumerate(dict.fromkeys(evidence.sources))}
    sources = np.array([names[s] for s in evidence.sources])
    heard = as_heard(evidence)
    judged: list[tuple[Mask, SideRows, SideRows]] = []
    spaces = []
    for fold in range(n_folds):
        learn, judge = folds != fold, folds == fold
        video, music = read_inside(evidence, learn, how, seed=seed)
        video, video_t = _calibrated(video, evidence.classes[learn], by_evidence=True)
        music, music_t = _calibrated(music, evidence.classes[learn])
        spaces.append(
            fit_space(
                video,
                music,
                evidence.classes[learn],
                sources=sources[learn],
                plane=PLANE,
                judge=merit,
                settings=how.space,
            )
        )
        seen = _picture_rows(evidence, _picture_head(evidence, learn, how), judge, how)
        seen = replace(seen, probabilities=_sharpened(seen.probabilities, video_t))
        head = replace(_music_head(evidence, heard.only(learn), how), temperature=music_t)
        judged.append((judge, seen, _music_rows(heard.only(judge), head)))
        if progress is not None:
            progress("folds", fold + 1, n_folds)
    asked = folds >= 0
    return _Unseen(
        folds[asked],
        spaces,
        video=_gathered([(judge, seen) for judge, seen, _ in judged], asked),
        music=_gathered([(judge, sound) for judge, _, sound in judged], asked),
    )


def cross_read(
    evidence: Evidence,
    recipe: FoldRecipe | None = None,
    *,
    merit: MeritTable | None = None,
    n_folds: int = 5,
    seed: int = 0,
    apart: Mask | None = None,
    progress: Progress | None = None,
) -> CrossRead:
    """Every clip read by what never saw a label of its source; or those kept apart, by what learned from all others.

    Parameters
    ----------
    evidence : Evidence
        Of at least `n_folds` sources.
    recipe : FoldRecipe, optional
        Further material and settings.
    merit : MeritTable, optional
        Weights of the merit.
    n_folds : int
        Outer folds.
    seed : int
        Of the folds.
    apart : ndarray, shape=(n,), bool, optional
        Clips that are asked and never learned from; the rows of the result are theirs.
    progress : callable, optional
        Called after each outer fold.
    """
    how = recipe or FoldRecipe()
    unseen = read_unseen(evidence, how, n_folds=n_folds, seed=seed, apart=apart, progress=progress)
    n = len(unseen.folds)
    video, music = unseen.video, unseen.music
    joint, code, hubs, weighed = (np.zeros((n, n)) for _ in range(4))
    for fold, space in enumerate(unseen.spaces):
        inside = unseen.folds == fold
        joint[inside] = video.only(inside).project(space, PICTURE) @ music.project(space, MUSIC).T
        sides = Said.of(video, space, PICTURE), Said.of(music, space, MUSIC)
        hubs[inside] = corrected(*sides)[inside]
        weighed[inside] = decided(*sides, merit or MeritTable())[inside]
        only_code = reweighted(space, (0.0, 0.0, 1.0))
        code[inside] = video.only(inside).project(only_code, PICTURE) @ music.project(only_code, MUSIC).T
    video_p = evidence_means(video.probabilities, video.clip, n)
    music_p = means_of(music.probabilities, music.clip, n)
    arousals = [means_of(rows.arousal, rows.clip, n) for rows in (video, music)]
    standard = [(a - a.mean()) / max(float(a.std()), 1e-9) for a in arousals]
    return CrossRead(
        video_probabilities=video_p,
        music_probabilities=music_p,
        similarities={
            "random": np.random.default_rng(seed).random((n, n)),
            "arousal only": -np.abs(standard[0][:, None] - standard[1][None, :]),
            "labels only": np.sqrt(video_p) @ np.sqrt(music_p).T,
            "embedding only": code,
            "joint": joint,
            WITH_HUBS: hubs,
            MERIT: weighed,
        },
    )


def likeness_of_stretches(
    evidence: Evidence, recipe: FoldRecipe | None = None, *, n_folds: int = 5, seed: int = 0
) -> Matrix:
    """Likeness of every clip's picture with every stretch of every clip's sound, none of them seen before.

    Parameters
    ----------
    evidence, recipe, n_folds, seed
        As `cross_read` takes them.

    Returns
    -------
    ndarray, shape=(n, n_stretches), in [-1, 1]
    """
    unseen = read_unseen(evidence, recipe or FoldRecipe(), n_folds=n_folds, seed=seed)
    sound = unseen.music
    out = np.zeros((len(evidence.classes), len(sound.clip)))
    for fold, space in enumerate(unseen.spaces):
        inside = unseen.folds == fold
        vectors = space.project(MUSIC, sound.probabilities, sound.valence, sound.arousal, sound.features)
        out[inside] = unseen.video.only(inside).project(space, PICTURE) @ vectors.T
    return out
