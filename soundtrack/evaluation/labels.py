"""``soundtrack eval labels``: class accuracy and cross-retrieval of labelled clips.

Goes in: a table of clips with a class and a source. Comes out: `LabelsReport` with every number of docs/models.md and
its interval. Two ways to judge: the loaded models as they are (for clips they never learned from), or, with folds,
fresh heads and a fresh joint space per fold over the same frozen networks (for clips they may have learned from).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.picture_head import FILM_NUMBERS
from soundtrack.emotion.space import N_MOOD, N_PLANE
from soundtrack.evaluation import read, two_sets
from soundtrack.evaluation.deciding import MERIT, WITH_HUBS, Said, corrected, decided
from soundtrack.evaluation.folds import CrossRead, Evidence, FoldRecipe, Mask, cross_read
from soundtrack.merit_table import MeritTable
from soundtrack.progress import Progress
from soundtrack.training.calibrate import evidence_means
from soundtrack.training.data import LabelledClip
from soundtrack.training.music.fit import Feelings
from soundtrack.training.stages import Arrays, blocks_named, by_name, kept, n_rows, state_of
from soundtrack.types import EMOTIONS, ReadingBatch
from soundtrack.yardsticks.bootstrap import Interval, bootstrap, json_number
from soundtrack.yardsticks.metrics import (
    calibration_error,
    calibration_error_by_chance,
    confusion,
    distinct_winners,
    macro_mean,
    mean,
    own_source,
    own_track_rank_by_query,
    pair_auc,
    precision_by_query,
    reciprocal_rank_by_query,
    top_winner_share,
    two_afc_emotion_by_query,
    two_afc_true_track_by_query,
)

if TYPE_CHECKING:
    from soundtrack.emotion.music_tower import MusicTower
    from soundtrack.emotion.video_tower import VideoTower

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

N_FOLDS, SEEDS = 5, (0, 1, 2, 3)
"""Folds by source, and the deals that are averaged."""
JOINT = "joint"
"""The bare cosine in the joint space, among `CrossRead.similarities`."""
WITHOUT_FILM = "without visual features"


@dataclass(frozen=True, slots=True)
class LabelsReport:
    """What `soundtrack eval labels` says."""

    n: int
    """Clips."""
    n_sources: int
    """Sources."""
    numbers: dict[str, Interval]
    """By the JSON key of each number."""
    confusion_video: Integers = field(repr=False, compare=False)
    """Row = true class, column = read class, shape (6, 6); of the first seed."""
    confusion_music: Integers = field(repr=False, compare=False)
    """As `confusion_video`."""
    ablation: dict[str, dict[str, float]]
    """For each way of comparing picture and sound its retrieval numbers."""
    seeds: tuple[int, ...] = ()
    """Of the folds; empty where the loaded models were judged as they are."""

    def to_dict(self) -> dict[str, object]:
        """As JSON: one key per number, intervals beside them."""
        return {
            "n": self.n,
            "n_sources": self.n_sources,
            **{key: json_number(number.value) for key, number in self.numbers.items()},
            "confusion_video": self.confusion_video.tolist(),
            "confusion_music": self.confusion_music.tolist(),
            "classes": list(EMOTIONS),
            "intervals": {k: [json_number(v.low), json_number(v.high)] for k, v in self.numbers.items()},
            "ablation": {
                row: {key: json_number(value) for key, value in cells.items()} for row, cells in self.ablation.items()
            },
            "fold_seeds": list(self.seeds),
        }


def class_numbers(clips: Sequence[LabelledClip]) -> Integers:
    """Number of each clip's class among `EMOTIONS`, shape (n,)."""
    return np.array([EMOTIONS.index(clip.emotion) for clip in clips], np.int64)


def gather(
    clips: Sequence[LabelledClip],
    *,
    video: VideoTower,
    music: MusicTower,
    kept_in: Path | None = None,
    progress: Progress | None = None,
) -> Evidence:
    """What both frozen networks see and hear of labelled clips.

    Parameters
    ----------
    clips : sequence of LabelledClip
        With sound of their own.
    video, music : towers
        Whose networks look and listen.
    kept_in : Path, optional
        Where the evidence is kept, so that a run that was broken off need not read again.
    progress : callable, optional
        Called after each clip.
    """
    names = tuple(tower.model.entry.sha256 if tower.model else "" for tower in (video, music))

    def make(path: Path) -> Arrays:
        windows = read.film_windows(path, video)
        sound = read.sound(path, music)
        return {
            **by_name("seen", read.picture_evidence(windows, video)),
            **by_name("heard", music.hear(sound.mel, sound.spans)),
            "heard_s": np.array([(span.start_s, span.end_s) for span in sound.spans], np.float64),
        }

    parts = []
    for i, clip in enumerate(clips):
        parts.append(kept(kept_in, (*names, "by channel", *state_of(clip.path)), partial(make, clip.path)))
        if progress is not None:
            progress("reading clips", i + 1, len(clips))
    numbers = np.arange(len(clips))
    return Evidence(
        seen=blocks_named("seen", parts),
        seen_clip=np.repeat(numbers, [n_rows("seen", part) for part in parts]),
        heard=blocks_named("heard", parts),
        heard_clip=np.repeat(numbers, [n_rows("heard", part) for part in parts]),
        classes=class_numbers(clips),
        sources=tuple(clip.source_id for clip in clips),
        heard_s=np.concatenate([np.asarray(part["heard_s"], np.float64) for part in parts]),
        feelings=Feelings.of(music.head),
    )


def read_as_is(
    clips: Sequence[LabelledClip],
    *,
    video: VideoTower,
    music: MusicTower,
    merit: MeritTable | None = None,
    progress: Progress | None = None,
) -> CrossRead:
    """Every clip read by the loaded models."""
    pictures: list[ReadingBatch] = []
    sounds: list[ReadingBatch] = []
    for i, clip in enumerate(clips):
        sound = read.sound(clip.path, music)
        pictures.append(read.picture_readings(read.film_windows(clip.path, video), video))
        sounds.append(music.read(sound.mel, sound.spans))
        if progress is not None:
            progress("reading clips", i + 1, len(clips))
    seen, heard = _said(pictures), _said(sounds)
    p = [evidence_means(seen.probabilities, seen.clip, len(clips)), heard.means(heard.probabilities).astype(np.float64)]
    arousals = [said.means(said.arousal).astype(np.float64) for said in (seen, heard)]
    standard = [(a - a.mean()) / max(float(a.std()), 1e-9) for a in arousals]
    joint = seen.directions.astype(np.float64) @ heard.directions.T
    codes = [
        read.unit(s.directions[:, N_MOOD + N_PLANE :]) for s in (seen, heard)
    ]  # the learned part of a vector comes last
    return CrossRead(
        video_probabilities=p[0],
        music_probabilities=p[1],
        similarities={
            "random": np.random.default_rng(0).random(joint.shape),
            "arousal only": -np.abs(standard[0][:, None] - standard[1][None, :]),
            "labels only": np.sqrt(p[0]) @ np.sqrt(p[1]).T,
            "embedding only": codes[0] @ codes[1].T,
            JOINT: joint,
            WITH_HUBS: corrected(seen, heard),
            MERIT: decided(seen, heard, merit or MeritTable()),
        },
    )


def _said(batches: Sequence[ReadingBatch]) -> Said:
    """The readings of one batch per clip as columns."""
    whole = read.joined(batches)
    clip = np.repeat(np.arange(len(batches)), [len(b.valence) for b in batches])
    return Said(whole.probabilities, whole.valence, whole.arousal, whole.embedding, clip)


def cross_reads(
    evidence: Evidence,
    *,
    recipe: FoldRecipe | None = None,
    merit: MeritTable | None = None,
    n_folds: int = N_FOLDS,
    seeds: Sequence[int] = SEEDS,
    apart: Mask | None = None,
    progress: Progress | None = None,
) -> list[CrossRead]:
    """Out-of-fold readings for each seed (of clips kept apart, if any are named), also without visual features."""
    how = recipe or FoldRecipe()
    reads = []
    for i, seed in enumerate(seeds):
        full = cross_read(evidence, how, merit=merit, n_folds=n_folds, seed=seed, apart=apart)
        bare = cross_read(
            evidence, replace(how, without=frozenset({FILM_NUMBERS})), n_folds=n_folds, seed=seed, apart=apart
        )
        rows: dict[str, Array] = {}
        for name, similarity in full.similarities.items():
            if name == JOINT:
                rows[WITHOUT_FILM] = bare.similarities[JOINT]
            rows[name] = similarity
        reads.append(CrossRead(full.video_probabilities, full.music_probabilities, rows))
        if progress is not None:
            progress("folds", i + 1, len(seeds))
    return reads


@dataclass(frozen=True, slots=True)
class BothSets:
    """What folds of the clips that may be learned from say, and what the locked set says."""

    learned: Evidence
    """Of the clips that may be learned from."""
    folds: LabelsReport
    """Of these, by folds."""
    locked: LabelsReport | None
    """Of the others, by what learned from these; None where there are none."""

    def to_dict(self) -> dict[str, object]:
        """As JSON: the folds' keys, and the locked set's beside them."""
        document = {**self.folds.to_dict(), "choices": two_sets.choices(N_FOLDS, len(SEEDS))}
        if self.locked is None:
            return document
        verdict = two_sets.verdict(self.folds.numbers, self.locked.numbers)
        return {**document, "verdict": verdict, "locked": self.locked.to_dict()}


def judge_both(
    evidence: Evidence, *, n_apart: int, recipe: FoldRecipe | None = None, progress: Progress | None = None
) -> BothSets:
    """Judge clips by folds, and the last `n_apart` of them by what learned from all before.

    Parameters
    ----------
    evidence : Evidence
        Of all clips, the locked ones last.
    n_apart : int
        How many of them are locked.
    recipe : FoldRecipe, optional
        Further material and settings of the heads.
    progress : callable, optional
        Called after each deal.
    """
    n = len(evidence.classes)
    apart = np.arange(n) >= n - n_apart
    learned = evidence.only(~apart)

    def judged(rows: Evidence, reads: Sequence[CrossRead]) -> LabelsReport:
        return report(reads, classes=rows.classes, source_ids=rows.sources, seeds=SEEDS)

    folds = judged(learned, cross_reads(learned, recipe=recipe, progress=progress))
    if not n_apart:
        return BothSets(learned, folds, None)
    asked = cross_reads(evidence, recipe=recipe, apart=apart, progress=progress)
    return BothSets(learned, folds, judged(evidence.only(apart), asked))


@dataclass(frozen=True, slots=True)
class _Queries:
    """Retrieval numbers of each query, means over the seeds."""

    p_at_1: Array
    p_at_5: Array
    mrr: Array
    two_afc_emotion: Array
    two_afc_true_track: Array
    rank: Array
    distinct_winners: float
    top_winner_share: float


def _queries(similarities: Sequence[Array], classes: Integers, sources: Integers) -> _Queries:
    """By-query numbers averaged over several similarity matrices."""
    excluded = own_source(sources)

    def averaged(number: Callable[[Array], Array | float]) -> Array:
        each: Array = np.array([number(s) for s in similarities], np.float64)
        return np.asarray(each.mean(axis=0))

    return _Queries(
        p_at_1=averaged(lambda s: precision_by_query(s, classes, excluded, k=1)),
        p_at_5=averaged(lambda s: precision_by_query(s, classes, excluded, k=5)),
        mrr=averaged(lambda s: reciprocal_rank_by_query(s, classes, excluded)),
        two_afc_emotion=averaged(lambda s: two_afc_emotion_by_query(s, classes, excluded)),
        two_afc_true_track=averaged(lambda s: two_afc_true_track_by_query(s, sources)),
        rank=averaged(lambda s: own_track_rank_by_query(s, sources)),
        distinct_winners=float(averaged(lambda s: float(distinct_winners(s, excluded)))),
        top_winner_share=float(averaged(lambda s: top_winner_share(s, excluded))),
    )


def report(
    reads: Sequence[CrossRead],
    *,
    classes: Integers,
    source_ids: Sequence[str],
    seeds: Sequence[int] = (),
    n_draws: int = 500,
) -> LabelsReport:
    """Every number with its interval, means over the readings given.

    Parameters
    ----------
    reads : sequence of CrossRead, at least one
        Of the same clips; one per seed.
    classes : ndarray, shape=(n,), int
        Class of each clip.
    source_ids : sequence of str, length n
        Source of each clip.
    seeds : sequence of int
        Named in the report.
    n_draws : int
        Of the bootstrap over sources.
    """
    names = {s: i for i, s in enumerate(dict.fromkeys(source_ids))}
    sources = np.array([names[s] for s in source_ids])
    own = _queries([r.similarities[JOINT] for r in reads], classes, sources)
    sides = {"video": [r.video_probabilities for r in reads], "music": [r.music_probabilities for r in reads]}

    def over(values: Array) -> Interval:
        return bootstrap(lambda rows: mean(values[rows]), sources, n_draws=n_draws)

    def over_classes(values: Array) -> Interval:
        return bootstrap(lambda rows: macro_mean(values[rows], classes[rows]), sources, n_draws=n_draws)

    numbers: dict[str, Interval] = {}
    for side, probabilities in sides.items():
        right = np.mean([p.argmax(axis=1) == classes for p in probabilities], axis=0)
        numbers[f"{side}_accuracy"] = over(np.asarray(right, np.float64))
    numbers["p_at_1_macro"] = over_classes(own.p_at_1)
    joint, excluded = [r.similarities[JOINT] for r in reads], own_source(sources)
    numbers["auc"] = bootstrap(
        lambda rows: mean(np.array([pair_auc(s, classes, excluded, rows=rows) for s in joint])),
        sources,
        n_draws=n_draws,
    )
    numbers |= {"p_at_1": over(own.p_at_1), "p_at_5": over(own.p_at_5), "mrr": over(own.mrr)}
    numbers["two_afc_emotion"] = over_classes(own.two_afc_emotion)
    numbers["two_afc_true_track"] = over(own.two_afc_true_track)
    weighed = _queries([r.similarities[MERIT] for r in reads], classes, sources)
    numbers["merit_two_afc_emotion"] = over_classes(weighed.two_afc_emotion)
    numbers["merit_two_afc_true_track"] = over(weighed.two_afc_true_track)
    numbers["own_track_median_rank"] = bootstrap(
        lambda rows: float(np.median(own.rank[rows])), sources, n_draws=n_draws
    )
    for key, value in (("distinct_winners", own.distinct_winners), ("top_winner_share", own.top_winner_share)):
        numbers[key] = Interval(value, value, value)
    for side, probabilities in sides.items():

        def ece(rows: Integers, stacked: Sequence[Array] = probabilities) -> float:
            return float(np.mean([calibration_error(classes[rows], p[rows]) for p in stacked]))

        numbers[f"ece_{side}"] = bootstrap(ece, sources, n_draws=n_draws)
        chance = float(np.mean([calibration_error_by_chance(p) for p in probabilities]))
        numbers[f"ece_{side}_by_chance"] = Interval(chance, chance, chance)
    return LabelsReport(
        n=len(classes),
        n_sources=len(names),
        numbers=numbers,
        confusion_video=confusion(classes, sides["video"][0].argmax(axis=1), n_classes=len(EMOTIONS)),
        confusion_music=confusion(classes, sides["music"][0].argmax(axis=1), n_classes=len(EMOTIONS)),
        ablation={row: _cells(reads, row, classes, sources) for row in reads[0].similarities},
        seeds=tuple(seeds),
    )


def _cells(reads: Sequence[CrossRead], row: str, classes: Integers, sources: Integers) -> dict[str, float]:
    """Retrieval numbers of one row of the ablation table."""
    q = _queries([r.similarities[row] for r in reads], classes, sources)
    return {
        "p_at_1": mean(q.p_at_1),
        "two_afc_emotion": macro_mean(q.two_afc_emotion, classes),
        "two_afc_true_track": mean(q.two_afc_true_track),
        "own_track_median_rank": float(np.median(q.rank)),
        "distinct_winners": q.distinct_winners,
        "top_winner_share": q.top_winner_share,
    }
