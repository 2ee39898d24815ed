"""``soundtrack eval va``: valence and arousal of stills, films or sounds against ratings by people.

Goes in: a table of files with ratings. Comes out: `PlaneReport`. Two ways to judge: the loaded models as they are,
or, with folds, a fresh ridge regression per fold over the same frozen network, for files that the models may have
learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Block, side_by_side
from soundtrack.evaluation import read
from soundtrack.progress import Progress
from soundtrack.training.data import RatedFile, fold_of
from soundtrack.training.ridge import Penalties, predict_by_fold
from soundtrack.yardsticks.bootstrap import Interval, bootstrap, json_number
from soundtrack.yardsticks.metrics import binary_accuracy, concordance, determination, pearson

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlaneReport:
    """What `soundtrack eval va` says."""

    n: int
    """Files."""
    n_sources: int
    """Groups."""
    numbers: dict[str, Interval]
    """By the JSON key of each number."""
    rated: Array = field(repr=False, compare=False)
    """Valence and arousal by people, in [-1, 1], shape (n, 2)."""
    read: Array = field(repr=False, compare=False)
    """By the model, in [-1, 1], shape (n, 2)."""

    def to_dict(self) -> dict[str, object]:
        """As JSON: one key per number, intervals beside them."""
        return {
            "n": self.n,
            "n_sources": self.n_sources,
            **{key: json_number(number.value) for key, number in self.numbers.items()},
            "intervals": {k: [json_number(v.low), json_number(v.high)] for k, v in self.numbers.items()},
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """What a frozen network gave for rated files, window by window."""

    inputs: npt.NDArray[np.float32] = field(repr=False, compare=False)
    """Shape (n_windows, n_inputs)."""
    file: Integers = field(repr=False, compare=False)
    """Which file each window belongs to, shape (n_windows,)."""
    n_plain: int
    """Trailing inputs that are plain numbers (film, harmony) and not the network's features."""


def rescaled(files: Sequence[RatedFile], *, low: float, high: float) -> Array:
    """Ratings from [low, high] to [-1, 1], shape (n, 2).

    Raises
    ------
    ValueError
        The scale is empty.
    """
    if not low < high:
        raise ValueError(f"scale must have low < high, got {low}, {high}")
    raw = np.array([(f.valence, f.arousal) for f in files], np.float64)
    return 2 * (raw - low) / (high - low) - 1


def has_picture(path: Path) -> bool:
    """Whether a file is a still or a film and no mere sound."""
    if path.suffix.lower() in read.STILLS:
        return True
    from soundtrack.errors import InputError, Reason
    from soundtrack.media.reading.probe import probe

    try:
        probe(path)
    except InputError as error:
        if error.reason in {Reason.NO_VIDEO, Reason.STILL_IMAGE}:
            return False
        raise
    return True


def music_rows(files: Sequence[RatedFile], tower: MusicTower, *, progress: Progress | None = None) -> Rows:
    """What the music network hears in each file."""
    inputs, number = [], []
    for i, file in enumerate(files):
        sound = read.sound(file.path, tower)
        inputs.append(side_by_side(tower.hear(sound.mel, sound.spans), tower.head.blocks, rooted=True))
        number.append(np.full(len(sound.spans), i))
        if progress is not None:
            progress("analysing", i + 1, len(files))
    return Rows(np.concatenate(inputs), np.concatenate(number).astype(np.int64), _n_plain(tower.head.blocks))


def picture_rows(files: Sequence[RatedFile], tower: VideoTower, *, progress: Progress | None = None) -> Rows:
    """What the picture network sees in each file; square roots of its features, as its head takes them."""
    inputs, number = [], []
    for i, file in enumerate(files):
        windows = read.film_windows(file.path, tower)
        seen = side_by_side(read.picture_evidence(windows, tower), tower.config.head.blocks, rooted=True)
        inputs.append(np.nan_to_num(seen))  # what nobody knows of a still adds nothing
        number.append(np.full(len(windows.film), i))
        if progress is not None:
            progress("watching", i + 1, len(files))
    return Rows(np.concatenate(inputs), np.concatenate(number).astype(np.int64), _n_plain(tower.config.head.blocks))


def _n_plain(blocks: Sequence[Block]) -> int:
    """How many columns, the last ones, are plain numbers: those of all channels that are no network."""
    return sum(block.dim for block in blocks[1:] if not block.rooted)


def read_as_is(
    files: Sequence[RatedFile],
    *,
    video: VideoTower | None = None,
    music: MusicTower | None = None,
    progress: Progress | None = None,
) -> Array:
    """Valence and arousal by the loaded model of one side, mean over each file, shape (n, 2).

    Parameters
    ----------
    files : sequence of RatedFile
        What to read.
    video, music : tower
        Exactly one of them.
    """
    if (video is None) == (music is None):
        raise ValueError("exactly one of video and music must be given")
    out = np.zeros((len(files), 2))
    for i, file in enumerate(files):
        if video is not None:
            batch = read.picture_readings(read.film_windows(file.path, video), video)
        else:
            assert music is not None
            sound = read.sound(file.path, music)
            batch = music.read(sound.mel, sound.spans)
        out[i] = batch.valence.mean(), batch.arousal.mean()
        if progress is not None:
            progress("reading", i + 1, len(files))
    return out


def read_by_fold(
    rows: Rows,
    rated: Array,
    source_ids: Sequence[str],
    *,
    n_folds: int = 5,
    seed: int = 0,
    apart: npt.NDArray[np.bool_] | None = None,
    penalties: Penalties | None = None,
) -> Array:
    """Valence and arousal by regressions that saw no file of the same group, shape (n, 2).

    With `apart`, shape (n,), those files are never learned from: they are asked of what learned from all others, which
    are asked by fold.
    """
    kept = np.zeros(len(rated), bool) if apart is None else apart
    folds = np.zeros(len(rated), np.int64)
    others = [source for source, hidden in zip(source_ids, kept, strict=True) if not hidden]
    folds[~kept] = fold_of(others, n_folds=n_folds, seed=seed)
    learned = ~kept[rows.file]
    how = penalties or Penalties()
    out = np.zeros_like(rated)
    out[~kept] = predict_by_fold(
        rows.inputs[learned],
        rated[~kept],
        file=(np.cumsum(~kept) - 1)[rows.file[learned]],
        folds=folds[~kept],
        n_plain=rows.n_plain,
        penalties=how,
    )
    if kept.any():
        asked = np.where(kept, 0, -1)
        predicted = predict_by_fold(
            rows.inputs, rated, file=rows.file, folds=asked, n_plain=rows.n_plain, penalties=how
        )
        out[kept] = predicted[kept]
    return out


def report(rated: Array, predicted: Array, *, source_ids: Sequence[str], n_draws: int = 500) -> PlaneReport:
    """Every number with its interval.

    Parameters
    ----------
    rated, predicted : ndarray, shape=(n, 2)
        Valence and arousal in [-1, 1], by people and by the model.
    source_ids : sequence of str, length n
        Group of each file; whole groups are drawn.
    n_draws : int
        Of the bootstrap.
    """
    names = {s: i for i, s in enumerate(dict.fromkeys(source_ids))}
    sources = np.array([names[s] for s in source_ids])
    measures: dict[str, Callable[[Array, Array], float]] = {
        "ccc": concordance,
        "r": pearson,
        "r2": determination,
        "binary_accuracy": binary_accuracy,
    }
    numbers = {}
    for name, measure in measures.items():
        for column, axis in enumerate(("valence", "arousal")):
            truth, guess = rated[:, column], predicted[:, column]

            def statistic(
                chosen: Integers,
                truth: Array = truth,
                guess: Array = guess,
                measure: Callable[[Array, Array], float] = measure,
            ) -> float:
                return measure(truth[chosen], guess[chosen])

            numbers[f"{axis}_{name}"] = bootstrap(statistic, sources, n_draws=n_draws)
    return PlaneReport(n=len(rated), n_sources=len(names), numbers=numbers, rated=rated, read=predicted)
