"""``soundtrack train space``: the joint space of two towers, from clips that carry picture and music.

Goes in: labelled clips, or any folder of films with music of their own. Comes out: ``joint-space`` in a models folder,
and how well spaces that never saw a clip find its music. With labels, the space is fitted on readings of inner folds,
so that nothing is flattered; without, on the towers' own readings, and only the own sound says what belongs together.
Lives beside the evaluation because weights are chosen by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundtrack.emotion.head import Block, side_by_side
from soundtrack.emotion.space import MODEL, MUSIC, PICTURE
from soundtrack.evaluation import read, two_sets
from soundtrack.evaluation.folds import PLANE, Evidence, FoldRecipe, calibrated_inside, merit
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.progress import Progress
from soundtrack.training.data import fold_of
from soundtrack.training.locked import unlocked
from soundtrack.training.music.labels import LICENCE, save_space
from soundtrack.training.space import IntArray, Matrix, SideRows, SpaceSettings, fit_space
from soundtrack.training.stages import Arrays, kept, state_of
from soundtrack.types import FloatArray, ReadingBatch
from soundtrack.yardsticks.bootstrap import Interval, bootstrap, json_number
from soundtrack.yardsticks.metrics import (
    distinct_winners,
    own_source,
    own_track_rank_by_query,
    two_afc_true_track,
    two_afc_true_track_by_query,
)

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.space import JointSpace
    from soundtrack.emotion.video_tower import VideoTower

FILMS = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v"})
"""Endings of files that are taken from a folder."""
LEAST_FILMS = 8
"""A space of fewer would know them by heart."""
SEEDS = (0, 1, 2, 3)
"""Deals of films to folds."""
HOW_LABELLED = (
    "Five folds by source, dealt four times; heads, temperatures and space are fitted on the other folds only. 95 % "
    "intervals by drawing sources with replacement."
)
"""How a space of labelled clips is measured."""
HOW_UNLABELLED = (
    "Five folds by film, dealt four times; the space is fitted on the other folds only, the towers are as they were. "
    "95 % intervals by drawing films with replacement."
)
"""How a space of films without labels is measured."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Films read by both towers; rows of a side belong to its stretches."""

    video: SideRows
    """From the picture."""
    music: SideRows
    """From the sound."""
    n: int = field(default=0)
    """Films, each its own source."""


def space_of_labels(
    evidence: Evidence, *, recipe: FoldRecipe | None = None, settings: SpaceSettings | None = None
) -> JointSpace:
    """The space of labelled clips.

    Parameters
    ----------
    evidence : Evidence
        What both networks saw and heard of them.
    recipe : FoldRecipe, optional
        Further material and settings of the heads whose readings it is fitted on.
    settings : SpaceSettings, optional
        How to fit.
    """
    everyone = np.ones(len(evidence.classes), bool)
    video, music = calibrated_inside(evidence, everyone, recipe or FoldRecipe(), seed=0)
    numbers = {s: i for i, s in enumerate(dict.fromkeys(evidence.sources))}
    sources = np.array([numbers[s] for s in evidence.sources])
    return fit_space(
        video, music, evidence.classes, sources=sources, plane=PLANE, judge=merit, settings=settings or SpaceSettings()
    )


def _own_merit(similarity: Matrix, _classes: IntArray, sources: IntArray) -> float:
    """As `merit`, where no class is known."""
    variety = distinct_winners(similarity, own_source(sources)) / len(sources)
    return two_afc_true_track(similarity, sources) + 0.25 * variety


def read_films(
    paths: Sequence[Path],
    *,
    video: VideoTower,
    music: MusicTower,
    kept_in: Path | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Films that carry music, read by both towers.

    Parameters
    ----------
    paths : sequence of Path
        Films, each its own source.
    video, music : towers
        Who reads.
    kept_in : Path, optional
        Where readings are kept, so that a run that was broken off need not read again.
    progress : callable, optional
        Called after each film.
    """
    names = tuple(t.model.entry.sha256 if t.model else "" for t in (video, music))
    sides: tuple[list[Arrays], list[Arrays]] = ([], [])
    for i, path in enumerate(paths):

        def make(path: Path = path) -> Arrays:
            windows = read.film_windows(path, video)
            seen = side_by_side(read.picture_evidence(windows, video), video.config.head.blocks)
            sound = read.sound(path, music)
            heard = side_by_side(music.hear(sound.mel, sound.spans), music.head.blocks)
            return {
                **_arrays("video", read.picture_readings(windows, video), seen),
                **_arrays("music", music.read(sound.mel, sound.spans), heard),
            }

        made = kept(kept_in, (*names, *state_of(path)), make)
        for side, name in zip(sides, ("video", "music"), strict=True):
            side.append({key.removeprefix(f"{name}."): made[key] for key in made if key.startswith(f"{name}.")})
        if progress is not None:
            progress("reading films", i + 1, len(paths))
    blocks = video.config.head.blocks, music.head.blocks
    return Pairs(_rows(sides[0], blocks[0]), _rows(sides[1], blocks[1]), n=len(paths))


def _arrays(side: str, batch: ReadingBatch, features: FloatArray) -> Arrays:
    """What one tower says about a film, by name."""
    return {
        f"{side}.probabilities": batch.probabilities,
        f"{side}.valence": batch.valence,
        f"{side}.arousal": batch.arousal,
        f"{side}.features": features,
    }


def _rows(films: Sequence[Arrays], blocks: tuple[Block, ...]) -> SideRows:
    """One tower's rows of all films."""

    def joined(name: str) -> FloatArray:
        return np.asarray(np.concatenate([film[name] for film in films]), np.float32)

    clip = np.repeat(np.arange(len(films)), [len(film["valence"]) for film in films])
    return SideRows(joined("probabilities"), joined("valence"), joined("arousal"), joined("features"), clip, blocks)


def space_of_films(pairs: Pairs) -> JointSpace:
    """The space of films that carry music, without any label."""
    return _space_of(pairs, np.ones(pairs.n, bool))


def _space_of(pairs: Pairs, chosen: np.ndarray) -> JointSpace:
    """The space of some of the films."""
    n = int(chosen.sum())
    return fit_space(
        pairs.video.only(chosen),
        pairs.music.only(chosen),
        np.zeros(n, np.int64),
        sources=np.arange(n),
        plane=PLANE,
        judge=_own_merit,
        settings=SpaceSettings(own_share=1.0),
    )


def judge_films(pairs: Pairs, *, n_folds: int = 5, n_draws: int = 500) -> dict[str, Interval]:
    """How well spaces that never saw a film find its own music: two-alternative accuracy and median rank.

    Parameters
    ----------
    pairs : Pairs
        At least `LEAST_FILMS` films.
    n_folds : int
        Folds by film, dealt again for each of `SEEDS`.
    n_draws : int
        Of the bootstrap.
    """
    sources = np.arange(pairs.n)
    beats, ranks = [], []
    for seed in SEEDS:
        folds = fold_of([str(i) for i in sources], n_folds=n_folds, seed=seed)
        similarity = np.zeros((pairs.n, pairs.n))
        for fold in range(n_folds):
            space = _space_of(pairs, folds != fold)
            inside = folds == fold
            vectors = pairs.music.project(space, MUSIC)
            similarity[inside] = pairs.video.only(inside).project(space, PICTURE) @ vectors.T
        beats.append(two_afc_true_track_by_query(similarity, sources))
        ranks.append(own_track_rank_by_query(similarity, sources))
    beat, rank = np.mean(beats, axis=0), np.mean(ranks, axis=0)
    return {
        "two_afc_true_track": bootstrap(lambda rows: float(beat[rows].mean()), sources, n_draws=n_draws),
        "own_track_median_rank": bootstrap(lambda rows: float(np.median(rank[rows])), sources, n_draws=n_draws),
    }


def to_dict(n: int, numbers: Mapping[str, Interval]) -> dict[str, object]:
    """The numbers of `judge_films` as JSON."""
    return {
        "n": n,
        **{key: json_number(value.value) for key, value in numbers.items()},
        "intervals": {key: [json_number(value.low), json_number(value.high)] for key, value in numbers.items()},
    }


def films_in(folder: Path) -> list[Path]:
    """Films under a folder, sorted by path, without the locked set."""
    return sorted(p for p in unlocked(folder.rglob("*")) if p.suffix.lower() in FILMS)


def _cell(value: Interval) -> str:
    """Value and bounds."""
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def write_space(
    space: JointSpace,
    models: Path,
    *,
    video: str,
    music: str,
    n: int,
    numbers: Mapping[str, Interval],
    how: str,
    locked: Mapping[str, Interval] | None = None,
) -> None:
    """Write the space of two towers and its card into a models folder.

    Parameters
    ----------
    space : JointSpace
        What to write.
    models : Path
        The models folder.
    video, music : str
        Names of the towers.
    n : int
        Films it was fitted on.
    numbers : mapping of name to Interval
        How good spaces are that saw the other films only.
    how : str
        A sentence on how that was measured.
    locked : mapping of name to Interval, optional
        The same of the locked set, by spaces that learned from all the rest.
    """
    save_space(models, space, video=video, music=music)
    weights = ", ".join(f"{w / space.weights.sum():.1f}" for w in space.weights)
    beside = locked or {}
    lines = [
        f"# {MODEL}",
        "",
        *([two_sets.verdict(numbers, locked), ""] if locked is not None else []),
        f"- Two projections, one for the picture ({video}) and one for the music ({music}), into unit vectors of "
        f"{space.dim} numbers whose cosine is similarity.",
        f"- Fitted on {n} films. Weights of classes, plane and learned code, chosen by cross-validation: {weights}.",
        f"- Licence of the weights: {LICENCE} if the training data is for non-commercial use; check "
        "the licences of the training data.",
        "",
        "## How good it is",
        "",
        how,
        "",
        *([two_sets.choices_line(5, len(SEEDS)), ""] if locked is not None else []),
        "| what | folds | locked set |" if beside else "| what | folds |",
        "| --- | --- | --- |" if beside else "| --- | --- |",
        *(f"| {' | '.join([name, *(_cell(by[name]) for by in (numbers, beside) if by)])} |" for name in numbers),
        "",
        "## What to know",
        "",
        "- It belongs to these two networks: a change of either needs a new fit and a new index.",
        "- Few films: more of them, of the kind that it will be used for, are the first thing to add.",
        "",
    ]
    write_text(models / MODEL / "card.md", "\n".join(lines), kind=OWN, force=True)
