"""``soundtrack train space``: the joint space of two towers, from clips that carry picture and music.

Goes in: labelled clips, or any folder of films with music of their own. Comes out: ``joint-space`` in a models folder.
With labels, the space is fitted on readings of inner folds, so that nothing is flattered; without, on the towers' own
readings, and only the own sound says what belongs together. Lives beside the evaluation because weights are chosen by
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.evaluation import read
from soundtrack.evaluation.folds import PLANE, Evidence, FoldRecipe, calibrated_inside, merit
from soundtrack.evaluation.metrics import distinct_winners, own_source, two_afc_true_track
from soundtrack.training.music import save_space
from soundtrack.training.space import IntArray, Matrix, SideRows, SpaceSettings, fit_space
from soundtrack.types import ReadingBatch

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.space import JointSpace
    from soundtrack.emotion.video_tower import VideoTower

Progress = Callable[[str, int, int], None]
FILMS = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v"})
"""Endings of files that are taken from a folder."""


def space_of_labels(evidence: Evidence, *, settings: SpaceSettings | None = None) -> JointSpace:
    """The space of labelled clips.

    Parameters
    ----------
    evidence : Evidence
        What both networks saw and heard of them.
    settings : SpaceSettings, optional
        How to fit.
    """
    everyone = np.ones(len(evidence.classes), bool)
    video, music = calibrated_inside(evidence, everyone, FoldRecipe(), seed=0)
    numbers = {s: i for i, s in enumerate(dict.fromkeys(evidence.sources))}
    sources = np.array([numbers[s] for s in evidence.sources])
    return fit_space(
        video, music, evidence.classes, sources=sources, plane=PLANE, judge=merit, settings=settings or SpaceSettings()
    )


def _own_merit(similarity: Matrix, _classes: IntArray, sources: IntArray) -> float:
    """As `merit`, where no class is known."""
    variety = distinct_winners(similarity, own_source(sources)) / len(sources)
    return two_afc_true_track(similarity, sources) + 0.25 * variety


def space_of_films(
    paths: Sequence[Path], *, video: VideoTower, music: MusicTower, progress: Progress | None = None
) -> JointSpace:
    """The space of films that carry music, without any label.

    Parameters
    ----------
    paths : sequence of Path
        Films, each its own source; at least eight.
    video, music : towers
        Whose readings are joined.
    progress : callable, optional
        Told after each film.
    """
    seen: list[tuple[ReadingBatch, np.ndarray]] = []
    heard: list[tuple[ReadingBatch, np.ndarray]] = []
    for i, path in enumerate(paths):
        windows = read.film_windows(path, video)
        features = np.concatenate([read.picture_features(windows, video), windows.film], axis=1)
        seen.append((read.picture_readings(windows, video), features))
        sound = read.sound(path, music)
        heard.append((music.read(sound.mel, sound.spans), music.hear(sound.mel, sound.spans)))
        if progress is not None:
            progress("reading films", i + 1, len(paths))
    sides = [
        SideRows(
            probabilities=np.concatenate([b.probabilities for b, _ in side]),
            valence=np.concatenate([b.valence for b, _ in side]),
            arousal=np.concatenate([b.arousal for b, _ in side]),
            features=np.concatenate([f for _, f in side]),
            clip=np.repeat(np.arange(len(side)), [len(f) for _, f in side]),
        )
        for side in (seen, heard)
    ]
    unknown = np.zeros(len(paths), np.int64)
    return fit_space(
        sides[0],
        sides[1],
        unknown,
        sources=np.arange(len(paths)),
        plane=PLANE,
        judge=_own_merit,
        settings=SpaceSettings(own_share=1.0),
    )


def films_in(folder: Path) -> list[Path]:
    """Films under a folder, sorted by path."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in FILMS)


def write_space(space: JointSpace, models: Path) -> None:
    """Write the space of the embedded towers into a models folder."""
    from soundtrack.emotion.music_tower import MODEL
    from soundtrack.emotion.video_tower import DEFAULT_MODEL

    save_space(models, space, video=DEFAULT_MODEL, music=MODEL)
