"""``soundtrack train music``: from recordings to a music model, in resumable steps.

Goes in: recordings to learn from a teacher, tables of classes, ratings and feelings. Comes out: a folder with
``report.json``, ``confusion.csv`` and ``models/``, in which lies ``mel-emotion`` with its card.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from soundtrack.audio.mel import MelSettings
from soundtrack.emotion.music_config import MusicTowerConfig
from soundtrack.emotion.music_head import FELT, untrained_head
from soundtrack.emotion.music_tower import MODEL, MusicTower
from soundtrack.emotion.space import JointSpace
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import write_text
from soundtrack.networks.mel_cnn import MelCnn, arrays_of, network_of
from soundtrack.networks.runs.music_torch import TorchMusic
from soundtrack.progress import Progress
from soundtrack.training.data import LabelledClip, RatedFile, read_felt, read_labels, read_ratings
from soundtrack.training.locked import Part, unlocked
from soundtrack.training.music.distil import LookBack, MusicDistilSettings, distil
from soundtrack.training.music.fit import N_FELT, Feelings, Heard, fit_calibrated
from soundtrack.training.music.labels import LICENCE, MUSIC_SOUNDS, SINGING_SOUNDS, SPEECH_SOUNDS, save_music
from soundtrack.training.music.report import MusicReport, card, folds_by_kind, measure
from soundtrack.training.music.teacher import write_lessons
from soundtrack.training.stages import Arrays, blocks_named, by_name, fingerprint, kept, n_rows, state_of
from soundtrack.types import EMOTIONS, Span

SOUNDS = frozenset({".mp3", ".ogg", ".opus", ".flac", ".wav", ".m4a", ".aiff", ".aif", ".mp4", ".mkv", ".webm", ".mov"})
"""Endings of files that are analysed."""
HELD_OUT = 20
"""One recording in this number is held out of the training, to look back on."""


@dataclass(frozen=True, slots=True)
class MusicTables:
    """What the head learns from; at least `labels`."""

    labels: Path
    """Table of clips with a class."""
    ratings: Path | None = None
    """Table of music with valence and arousal in [-1, 1]."""
    ratings_group: str = "source_id"
    """Column of `ratings` that says which pieces belong together."""
    felt: Path | None = None
    """Table of music with the share of listeners who felt each of nine emotions."""


@dataclass(frozen=True, slots=True)
class TrainedMusic:
    """What `train_music` found out on its way."""

    report: MusicReport | None
    """How good the head is; None where it could not be measured."""
    curve: tuple[LookBack, ...] = field(repr=False, compare=False, default=())
    """Of the teaching; empty where only a head was fitted."""


def recordings(folders: Sequence[Path]) -> list[Path]:
    """All files with sound under some folders, sorted by path, without the locked set."""
    return sorted(p for folder in folders for p in unlocked(folder.rglob("*")) if p.suffix.lower() in SOUNDS)


def train_music(
    folders: Sequence[Path],
    tables: MusicTables,
    out_dir: Path,
    *,
    teacher: Path | None = None,
    second: Path | None = None,
    init: MusicTower | None = None,
    settings: MusicDistilSettings | None = None,
    dim: int = 32,
    progress: Progress | None = None,
) -> TrainedMusic:
    """Teach the network, measure heads that never heard what they answer, fit the last one, write the model.

    Parameters
    ----------
    folders : sequence of Path
        Recordings without labels, for the teacher's lessons.
    tables : MusicTables
        What the head learns from.
    out_dir : Path
        Lessons, checkpoint, the analysis, report, and ``models/``.
    teacher : Path, optional
        YAMNet's TFLite file; without it the network of `init` is kept and only its head is fitted again.
    second : Path, optional
        musicnn's weights (.npz); its layers are learned beside YAMNet's embedding.
    init : MusicTower, optional
        Network to start from.
    settings : MusicDistilSettings, optional
        How to learn.
    dim : int
        Length of the vectors of the joint space the model will serve.
    progress : callable, optional
        Called with (stage, done, total).
    """
    if teacher is None and init is None:
        raise ValueError("either a teacher or an initial network is required")
    config = MusicTowerConfig(speech=SPEECH_SOUNDS, singing=SINGING_SOUNDS, music=MUSIC_SOUNDS)
    if init is not None:
        config = init.config
    start = None if init is None else network_of(init.arrays, config.cnn)
    network = MelCnn(config.cnn) if start is None else start
    curve: list[LookBack] = []
    if teacher is not None:
        bare: MelSettings = replace(config.mel, n_pitches=0)
        suffix = "" if second is None else "-musicnn"  # lessons of other teachers are none to resume from
        lessons = write_lessons(
            recordings(folders),
            out_dir / f"lessons{suffix}",
            teacher=teacher,
            second=second,
            mel=bare,
            progress=progress,
        )
        network, curve = distil(
            [p for i, some in enumerate(lessons) if i % HELD_OUT for p in some],
            [p for i, some in enumerate(lessons) if not i % HELD_OUT for p in some],
            out_dir / f"student{suffix}",
            config=config.cnn,
            settings=settings,
            init=start,
            progress=progress,
        )
    untaught = untrained_head(config.cnn.n_features)
    blank = JointSpace.untrained(dim=dim, n_music_features=untaught.n_columns)
    arrays, run = arrays_of(network), TorchMusic(network, device="cpu")
    tower = MusicTower(config, arrays=arrays, run=run, head=untaught, space=blank)
    heard, sources = listen(tables, tower, kept_in=out_dir / "heard", progress=progress)
    feelings = Feelings.of(init.head) if init is not None else None
    report = measure(heard, sources, feelings=feelings)
    head = fit_calibrated(heard, folds=folds_by_kind(heard, sources, n_folds=5, seed=0), feelings=feelings)
    models = out_dir / "models"
    save_music(models, network, head, config=config, dim=dim)
    n_lessons = len(recordings(folders)) if teacher is not None else 0
    facts = _facts(heard, n_lessons=n_lessons, two_teachers=second is not None, init=init is not None)
    text = card(report, name=MODEL, facts=facts, limits=LIMITS)
    write_text(models / MODEL / "card.md", text, kind=OWN, force=True)
    document = {
        "model": MODEL,
        "settings": asdict(settings or MusicDistilSettings()),
        "n_recordings": len(sources),
        "report": asdict(report) if report is not None else None,
        "curve": [asdict(look) for look in curve],
    }
    write_text(out_dir / "report.json", json.dumps(document, indent=2) + "\n", kind=OWN, force=True)
    return TrainedMusic(report, tuple(curve))


def _facts(heard: Heard, *, n_lessons: int, two_teachers: bool, init: bool) -> list[str]:
    """What the model is and what it learned from."""
    n_clips = int((heard.classes >= 0).sum())
    n_rated, n_felt = (int(np.isfinite(rows).all(axis=1).sum()) for rows in (heard.plane, heard.felt))
    teachers = "YAMNet (Apache-2.0) and musicnn (ISC) do" if two_teachers else "YAMNet does (Apache-2.0)"
    taught = f"It learned on {n_lessons} recordings to answer as {teachers}" if n_lessons else ""
    start = "started from weights that were there" if init else "from nothing"
    return [
        "A 2D convolutional network over log-mel patches; the mean and spread of its features and numbers about "
        "harmony go through one linear head: six classes, valence, arousal, nine felt emotions.",
        f"{taught}, {start}." if taught else "The network is the one that training started from, as it was.",
        f"The head learned classes from {n_clips} clips, valence and arousal from {n_rated} rated pieces, felt "
        f"emotions from {n_felt} pieces.",
        f"Licence of the weights: {LICENCE} if the training data is for non-commercial use; check "
        "the licences of the training data.",
    ]


LIMITS = [
    "On music that is far from the clips it was measured on.",
    "Classes that have few clips: see the rows of the table.",
    "Valence hears the mode: noise, rap and percussion have none.",
]
"""Of the card."""


def listen(
    tables: MusicTables,
    tower: MusicTower,
    *,
    kept_in: Path | None = None,
    progress: Progress | None = None,
    part: Part = Part.DEVELOPMENT,
) -> tuple[Heard, list[str]]:
    """What a network hears in all labelled recordings, and the source of each recording.

    Parameters
    ----------
    tables : MusicTables
        Which recordings.
    tower : MusicTower
        Workers that analyse files.
    kept_in : Path, optional
        Where the analysis is kept, so that a run that was broken off need not repeat it.
    progress : callable, optional
        Called with (stage, done, total).
    part : Part
        Which rows of the tables are wanted.
    """
    from soundtrack.audio.mel import log_mel
    from soundtrack.media.reading.audio import read_audio
    from soundtrack.media.reading.probe import probe_audio

    clips: list[LabelledClip] = read_labels(tables.labels, part=part)
    rated: list[RatedFile] = []
    if tables.ratings is not None:
        rated = read_ratings(tables.ratings, group_column=tables.ratings_group, part=part)
    felt = read_felt(tables.felt, columns=FELT, part=part) if tables.felt is not None else []
    paths = [c.path for c in clips] + [r.path for r in rated] + [f.path for f in felt]
    sources = (
        [f"clip/{c.source_id}" for c in clips]
        + [f"rated/{r.source_id}" for r in rated]
        + [f"felt/{f.path.name}" for f in felt]
    )
    classes = np.full(len(paths), -1, np.int64)
    plane, shares = np.full((len(paths), 2), np.nan), np.full((len(paths), N_FELT), np.nan)
    classes[: len(clips)] = [EMOTIONS.index(c.emotion) for c in clips]
    for i, r in enumerate(rated, start=len(clips)):
        plane[i] = r.valence, r.arousal
    for i, f in enumerate(felt, start=len(clips) + len(rated)):
        shares[i] = f.shares
    mel = tower.config.mel
    weights = fingerprint({name: torch.from_numpy(array) for name, array in tower.arrays.items()})

    def hear(path: Path) -> Arrays:
        probe_audio(path, counted=False)  # a copy-protected file would be decoded to noise
        samples = read_audio(path, sample_rate_hz=mel.sample_rate_hz, channels=1)
        duration_s = samples.shape[1] / mel.sample_rate_hz
        n = max(1, round(duration_s / tower.config.segment_s))
        edges = np.linspace(0, duration_s, n + 1)
        spans = [Span(float(edges[k]), float(edges[k + 1])) for k in range(n)]
        return by_name("heard", tower.hear(log_mel(samples, mel), spans))

    parts: list[Arrays] = []
    number = []
    for i, path in enumerate(paths):
        made = kept(kept_in, (weights, "by channel", tower.config, *state_of(path)), partial(hear, path))
        parts.append(made)
        number.append(np.full(n_rows("heard", made), i))
        if progress is not None:
            progress("analysing", i + 1, len(paths))
    heard = Heard(blocks_named("heard", parts), np.concatenate(number).astype(np.int64), classes, plane, shares)
    return heard, sources
