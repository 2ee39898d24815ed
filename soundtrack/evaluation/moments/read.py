"""Similarities of clip pictures and spans of all clip sounds, for `eval moments`.

Two ways, as for `eval labels`: the loaded models as they are, or fresh heads and a fresh space per fold over the frozen
networks, for clips that the models may have learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundtrack.evaluation import read
from soundtrack.evaluation.folds import Evidence, likeness_of_stretches
from soundtrack.progress import Progress
from soundtrack.training.data import LabelledClip

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Every picture with every stretch of sound."""

    values: Array = field(repr=False, compare=False)
    """In [-1, 1], shape (n_clips, n_stretches)."""
    starts_s: Array = field(repr=False, compare=False)
    """Of each stretch on its own clip's clock, shape (n_stretches,)."""
    ends_s: Array = field(repr=False, compare=False)
    """As `starts_s`."""
    clip: Integers = field(repr=False, compare=False)
    """Which clip each stretch belongs to, ascending, shape (n_stretches,)."""


def likeness_as_is(
    clips: Sequence[LabelledClip], *, video: VideoTower, music: MusicTower, progress: Progress | None = None
) -> Likeness:
    """By the loaded models; `clips` carry sound of their own."""
    queries, vectors, starts, ends, number = [], [], [], [], []
    for i, clip in enumerate(clips):
        readings = read.picture_readings(read.film_windows(clip.path, video), video)
        queries.append(read.unit_mean(readings.embedding))
        sound = read.sound(clip.path, music)
        vectors.append(music.read(sound.mel, sound.spans).embedding.astype(np.float64))
        starts += [span.start_s for span in sound.spans]
        ends += [span.end_s for span in sound.spans]
        number += [i] * len(sound.spans)
        if progress is not None:
            progress("reading clips", i + 1, len(clips))
    return Likeness(
        np.stack(queries) @ np.concatenate(vectors).T, np.array(starts), np.array(ends), np.array(number, np.int64)
    )


def likeness_by_fold(evidence: Evidence, *, n_folds: int, seed: int) -> Likeness:
    """By heads and spaces that saw no label of the clip; `evidence` says when each stretch was heard."""
    if evidence.heard_s is None:
        raise ValueError("the evidence has no time spans")
    values = likeness_of_stretches(evidence, n_folds=n_folds, seed=seed)
    return Likeness(values, evidence.heard_s[:, 0], evidence.heard_s[:, 1], evidence.heard_clip)
