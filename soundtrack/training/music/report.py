"""Quality of a music head on held-out recordings, and its model card.

Goes in: what a frozen network heard of labelled, rated and felt recordings, and their sources. Comes out: `MusicReport`
and the text of ``card.md``. Folds by source, dealt four times; intervals of 95 % by drawing sources with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Head, rows_of
from soundtrack.emotion.music_head import felt_of
from soundtrack.training.calibrate import fit_calibration, means_of
from soundtrack.training.data import fold_of
from soundtrack.training.music.fit import N_FELT, Feelings, Heard, MusicFitSettings, fit_music_head
from soundtrack.types import EMOTIONS
from soundtrack.yardsticks.bootstrap import Interval, bootstrap
from soundtrack.yardsticks.metrics import calibration_error, concordance, confusion, pearson

IntArray = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SEEDS = (0, 1, 2, 3)
"""Of the deals of sources to folds; the first is the primary one."""
N_FOLDS = 5
"""Folds by source, fewer where there are fewer sources."""
N_INNER = 4
"""Folds inside those, for the temperature."""
SHARES = (0.25, 0.5, 0.75)
"""Of the labelled sources, for the learning curve, which ends with all of them."""
LEAST_SOURCES = 20
"""A learning curve says nothing about fewer."""


@dataclass(frozen=True, slots=True)
class MusicReport:
    """All numbers of a music head, from answers to what it never heard."""

    n_clips: int
    """Recordings with a class."""
    n_sources: int
    """Sources they were cut from."""
    n_rated: int
    """Recordings with valence and arousal."""
    n_felt: int
    """Recordings with felt emotions."""
    accuracy: Interval
    """Of classes, mean over the deals."""
    accuracy_by_deal: tuple[float, ...]
    """One per deal."""
    ece: float
    """Expected calibration error of the leading class, mean over the deals."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows are truth, columns the answer, first deal, in the order of `EMOTIONS`."""
    valence: Interval | None = None
    """Pearson r on rated recordings; None without any."""
    arousal: Interval | None = None
    """As `valence`."""
    valence_ccc: float | None = None
    """Concordance of valence."""
    arousal_ccc: float | None = None
    """Concordance of arousal."""
    felt_r: float | None = None
    """Mean Pearson r over the nine felt emotions; None without any."""
    curve: tuple[tuple[float, float], ...] = ()
    """Share of the labelled sources and accuracy with it."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What heads said about recordings of which they saw nothing."""

    probabilities: Matrix = field(repr=False, compare=False)
    plane: Matrix = field(repr=False, compare=False)
    felt: Matrix = field(repr=False, compare=False)


def folds_by_kind(heard: Heard, sources: Sequence[str], *, n_folds: int, seed: int) -> IntArray:
    """Folds of clips, of rated and of felt recordings, each kind dealt on its own, shape (n_recordings,)."""
    finite = [np.asarray(np.isfinite(rows).all(axis=1)) for rows in (heard.plane, heard.felt)]
    kinds: list[Mask] = [heard.classes >= 0, *finite]
    folds = np.zeros(len(sources), np.int64)
    for kind in kinds:
        if kind.any():
            labels = [EMOTIONS[c] if c >= 0 else "" for c in heard.classes[kind]]
            folds[kind] = fold_of(_chosen(sources, kind), classes=labels, n_folds=n_folds, seed=seed)
    return folds


def cross_validate(
    heard: Heard,
    folds: IntArray,
    sources: Sequence[str],
    *,
    settings: MusicFitSettings | None = None,
    feelings: Feelings | None = None,
    usable: Mask | None = None,
) -> _Answers:
    """Answers about every recording by a head, calibrated, that saw no recording of its fold.

    Parameters
    ----------
    heard : Heard
        All recordings.
    folds : ndarray, shape=(n_recordings,), int
        Fold of each.
    sources : sequence of str, length n_recordings
        Source of each, for the inner folds.
    settings, feelings
        As `fit_music_head` takes them; `feelings` come from recordings that are not among these.
    usable : ndarray, shape=(n_recordings,), bool, optional
        Those that may be learned from.
    """
    n = len(folds)
    out = _Answers(np.zeros((n, len(EMOTIONS))), np.zeros((n, 2)), np.zeros((n, N_FELT)))
    for fold in np.unique(folds):
        learn = folds != fold
        if usable is not None:
            learn &= usable
        if not (heard.classes[learn] >= 0).any():
            raise ValueError(f"fold {fold} leaves no recording with a class to learn from")
        material = heard.only(learn)
        head = fit_music_head(material, settings=settings, feelings=feelings)
        head = _calibrated(material, _chosen(sources, learn), head, settings)
        judged = folds == fold
        asked = heard.only(judged)
        mood = head.read(asked.inputs)
        m = int(judged.sum())
        out.probabilities[judged] = means_of(mood.probabilities, asked.recording, m)
        out.plane[judged] = means_of(np.stack([mood.valence, mood.arousal], axis=1), asked.recording, m)
        out.felt[judged] = means_of(felt_of(mood), asked.recording, m)
    return out


def _calibrated(heard: Heard, sources: Sequence[str], head: Head, settings: MusicFitSettings | None) -> Head:
    """A head with what suits those of inner folds; as it is where there are too few sources for any."""
    labelled = heard.classes >= 0
    clips = heard.only(labelled)
    names = _chosen(sources, labelled)
    if len(set(names)) < N_INNER:
        return head
    folds = fold_of(names, classes=[EMOTIONS[c] for c in clips.classes], n_folds=N_INNER, seed=100)
    logs = np.zeros((len(clips.recording), len(EMOTIONS)))
    for fold in range(N_INNER):
        inner = fit_music_head(clips.only(folds != fold), settings=settings, feelings=Feelings.of(head))
        rows = (folds == fold)[clips.recording]
        logs[rows] = np.log(np.maximum(inner.read(rows_of(clips.inputs, rows)).probabilities, 1e-9))
    return fit_calibration(logs, clips.recording, clips.classes).of(head)


def measure(
    heard: Heard,
    sources: Sequence[str],
    *,
    settings: MusicFitSettings | None = None,
    feelings: Feelings | None = None,
) -> MusicReport | None:
    """Cross-validated numbers of the music side; None where all clips are of one source.

    Parameters
    ----------
    heard : Heard
        What a frozen network heard of labelled, rated and felt recordings.
    sources : sequence of str, length n_recordings
        Source of each.
    settings, feelings
        As `cross_validate` takes them.
    """
    labelled = heard.classes >= 0
    rated = np.asarray(np.isfinite(heard.plane).all(axis=1))
    felt = np.asarray(np.isfinite(heard.felt).all(axis=1))
    names = _chosen(sources, labelled)
    n_folds = min(N_FOLDS, len(set(names)))
    if n_folds < 2:
        return None
    deals = [folds_by_kind(heard, sources, n_folds=n_folds, seed=seed) for seed in SEEDS]
    answers = [cross_validate(heard, folds, sources, settings=settings, feelings=feelings) for folds in deals]
    truth = heard.classes[labelled]
    guesses = [a.probabilities[labelled] for a in answers]
    right: Matrix = np.stack([g.argmax(axis=1) == truth for g in guesses]).mean(axis=0)
    whole = float(right.mean())
    table = confusion(truth, guesses[0].argmax(axis=1), n_classes=len(EMOTIONS))
    plane: Matrix = np.mean([a.plane[rated] for a in answers], axis=0)
    curve = []
    for share in SHARES if len(set(names)) >= LEAST_SOURCES else ():
        usable = [~labelled | _some(sources, share, seed=seed) for seed in SEEDS]
        some = [
            cross_validate(heard, folds, sources, settings=settings, feelings=feelings, usable=mask)
            for folds, mask in zip(deals, usable, strict=True)
        ]
        curve.append((share, float(np.mean([a.probabilities[labelled].argmax(axis=1) == truth for a in some]))))
    curve += [(1.0, whole)] if curve else []
    return MusicReport(
        n_clips=int(labelled.sum()),
        n_sources=len(set(names)),
        n_rated=int(rated.sum()),
        n_felt=int(felt.sum()),
        accuracy=bootstrap(lambda rows: float(right[rows].mean()), _numbers(names)),
        accuracy_by_deal=tuple(float((g.argmax(axis=1) == truth).mean()) for g in guesses),
        ece=float(np.mean([calibration_error(truth, g) for g in guesses])),
        confusion=tuple(tuple(int(v) for v in row) for row in table),
        valence=_correlation(heard.plane[rated, 0], plane[:, 0], sources, rated),
        arousal=_correlation(heard.plane[rated, 1], plane[:, 1], sources, rated),
        valence_ccc=concordance(heard.plane[rated, 0], plane[:, 0]) if rated.any() else None,
        arousal_ccc=concordance(heard.plane[rated, 1], plane[:, 1]) if rated.any() else None,
        felt_r=_mean_r(heard.felt[felt], np.mean([a.felt[felt] for a in answers], axis=0)) if felt.any() else None,
        curve=tuple(curve),
    )


def _chosen(names: Sequence[str], mask: Mask) -> list[str]:
    """Names for which the mask, shape (n,), is true."""
    return [name for name, wanted in zip(names, mask, strict=True) if wanted]


def _numbers(names: Sequence[str]) -> IntArray:
    """Names as numbers, in the order of their first appearance."""
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.int64)


def _some(sources: Sequence[str], share: float, *, seed: int) -> Mask:
    """Recordings of a random share of the sources."""
    number = _numbers(sources)
    rank = np.random.default_rng((seed, 17)).permutation(number.max() + 1)
    return np.asarray(rank[number] < round(share * len(rank)), bool)


def _correlation(truth: Matrix, answer: Matrix, sources: Sequence[str], chosen: Mask) -> Interval | None:
    """Pearson r with its interval over groups; None without recordings."""
    if not chosen.any():
        return None
    groups = _numbers(_chosen(sources, chosen))
    return bootstrap(lambda rows: pearson(truth[rows], answer[rows]), groups)


def _mean_r(truth: Matrix, answer: Matrix) -> float:
    """Mean Pearson r over the columns that vary."""
    each = np.array([pearson(truth[:, k], answer[:, k]) for k in range(truth.shape[1])])
    known = each[np.isfinite(each)]
    return float(known.mean()) if len(known) else float("nan")


def _spread(value: Interval) -> str:
    """Value and bounds."""
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def card(report: MusicReport | None, *, name: str, facts: Sequence[str], limits: Sequence[str]) -> str:
    """The text of ``card.md``.

    Parameters
    ----------
    report : MusicReport, optional
        The numbers; None where nothing could be measured.
    name : str
        Of the model.
    facts : sequence of str
        Lines on what the network is, what it learned from, and the licence.
    limits : sequence of str
        Lines on where it is likely to be wrong.
    """
    lines = [f"# {name}", "", *(f"- {fact}" for fact in facts), "", "## How good it is", ""]
    if report is None:
        lines.append("Not measured: the labelled clips are all of one source.")
    else:
        lines += [
            f"Folds by source, dealt {len(SEEDS)} times (seeds {', '.join(map(str, SEEDS))}); the head and its",
            "temperature are fitted on the other folds only; 95 % intervals by drawing sources with replacement.",
            "",
            "| what | value |",
            "| --- | --- |",
            f"| clips, sources | {report.n_clips}, {report.n_sources} |",
            f"| accuracy of a clip's class (chance about 0.2) | {_spread(report.accuracy)} |",
            f"| by deal | {', '.join(f'{value:.2f}' for value in report.accuracy_by_deal)} |",
            f"| expected calibration error | {report.ece:.3f} |",
        ]
        for axis, r, ccc in (
            ("valence", report.valence, report.valence_ccc),
            ("arousal", report.arousal, report.arousal_ccc),
        ):
            if r is not None:
                lines.append(f"| {axis} of {report.n_rated} rated pieces, by group: r | {_spread(r)}; CCC {ccc:.2f} |")
        if report.felt_r is not None:
            lines.append(f"| felt emotions of {report.n_felt} pieces, mean r over nine | {report.felt_r:.3f} |")
        lines += ["", "Confusion (rows: truth, columns: answer, first deal):", "", f"| | {' | '.join(EMOTIONS)} |"]
        lines.append("| --- " * (len(EMOTIONS) + 1) + "|")
        for emotion, row in zip(EMOTIONS, report.confusion, strict=True):
            lines.append(f"| {emotion} | {' | '.join(str(v) for v in row)} |")
        if report.curve:
            lines += ["", "With fewer labels (share of the sources, four deals):", "", "| share | accuracy |"]
            lines += ["| --- | --- |", *(f"| {share:g} | {value:.3f} |" for share, value in report.curve)]
    return "\n".join([*lines, "", "## Where it is likely to be wrong", "", *(f"- {limit}" for limit in limits), ""])
