"""``soundtrack train music``: from recordings to a music model, step by step, each of which can be taken up again.

Goes in: recordings to learn from a teacher, tables of classes, ratings and feelings. Comes out: a models folder with
``mel-emotion``, and a report folder with the learning curve.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from soundtrack.audio.mel import MelSettings
from soundtrack.emotion.mel_cnn import MelCnn
from soundtrack.emotion.music_head import FELT, MusicHead
from soundtrack.emotion.music_tower import MODEL, MusicTower, MusicTowerConfig
from soundtrack.emotion.space import JointSpace
from soundtrack.training.data import LabelledClip, RatedFile, fold_of, read_felt, read_labels, read_ratings
from soundtrack.training.music import MUSIC_SOUNDS, SINGING_SOUNDS, SPEECH_SOUNDS, save_music
from soundtrack.training.music_distil import LookBack, MusicDistilSettings, distil
from soundtrack.training.music_fit import N_FELT, Heard, fit_calibrated
from soundtrack.training.music_teacher import write_lessons
from soundtrack.types import EMOTIONS, Span

Progress = Callable[[str, int, int], None]

SOUNDS = frozenset({".mp3", ".ogg", ".opus", ".flac", ".wav", ".m4a", ".aiff", ".aif", ".mp4", ".mkv", ".webm", ".mov"})
"""Endings of files that are listened to."""
HELD_OUT = 20
"""Every so many recordings one is held out of the teaching, to look back on."""


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


def recordings(folders: Sequence[Path]) -> list[Path]:
    """All files with sound under some folders, sorted by path."""
    return sorted(p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in SOUNDS)


def train_music(
    folders: Sequence[Path],
    tables: MusicTables,
    out_dir: Path,
    *,
    teacher: Path | None = None,
    init: MusicTower | None = None,
    settings: MusicDistilSettings | None = None,
    dim: int = 32,
    progress: Progress | None = None,
) -> list[LookBack]:
    """Teach the network, fit the head, write the model; returns the learning curve.

    Parameters
    ----------
    folders : sequence of Path
        Recordings without labels, for the teacher's lessons.
    tables : MusicTables
        What the head learns from.
    out_dir : Path
        Lessons, checkpoint, curve, report, and ``models/``.
    teacher : Path, optional
        YAMNet's TFLite file; without it the network of `init` is kept and only its head is fitted anew.
    init : MusicTower, optional
        Network to start from.
    settings : MusicDistilSettings, optional
        How to learn.
    dim : int
        Length of the vectors of the joint space the model will serve.
    progress : callable, optional
        Told (stage, done, total).
    """
    if teacher is None and init is None:
        raise ValueError("either a teacher or a network to start from is needed")
    config = MusicTowerConfig(speech=SPEECH_SOUNDS, singing=SINGING_SOUNDS, music=MUSIC_SOUNDS)
    if init is not None:
        config = init.config
    network = init.network if init is not None else MelCnn(config.cnn)
    curve: list[LookBack] = []
    if teacher is not None:
        bare: MelSettings = replace(config.mel, n_pitches=0)
        lessons = write_lessons(recordings(folders), out_dir / "lessons", teacher=teacher, mel=bare, progress=progress)
        network, curve = distil(
            [p for i, p in enumerate(lessons) if i % HELD_OUT],
            [p for i, p in enumerate(lessons) if not i % HELD_OUT],
            out_dir / "student",
            config=config.cnn,
            settings=settings,
            init=init.network if init is not None else None,
            progress=progress,
        )
    blank = JointSpace.untrained(dim=dim, n_music_features=config.n_inputs)
    tower = MusicTower(config, network=network, head=MusicHead.untrained(config.n_inputs), space=blank)
    heard, sources = listen(tables, tower, progress=progress)
    labels = [EMOTIONS[c] if c >= 0 else "" for c in heard.classes]
    head = fit_calibrated(heard, folds=fold_of(sources, classes=labels))
    save_music(out_dir / "models", network, head, config=config, dim=dim)
    document = {
        "model": MODEL,
        "settings": asdict(settings or MusicDistilSettings()),
        "n_recordings": len(sources),
        "curve": [asdict(look) for look in curve],
    }
    (out_dir / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return curve


def listen(tables: MusicTables, tower: MusicTower, *, progress: Progress | None = None) -> tuple[Heard, list[str]]:
    """What a network hears in all labelled recordings, and the source of each recording."""
    from soundtrack.audio.mel import log_mel
    from soundtrack.media.audio import read_audio

    clips: list[LabelledClip] = read_labels(tables.labels)
    rated: list[RatedFile] = []
    if tables.ratings is not None:
        rated = read_ratings(tables.ratings, group_column=tables.ratings_group)
    felt = read_felt(tables.felt, columns=FELT) if tables.felt is not None else []
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
    rows, number = [], []
    for i, path in enumerate(paths):
        samples = read_audio(path, sample_rate_hz=mel.sample_rate_hz, channels=1)
        duration_s = samples.shape[1] / mel.sample_rate_hz
        n = max(1, round(duration_s / tower.config.segment_s))
        edges = np.linspace(0, duration_s, n + 1)
        spans = [Span(float(edges[k]), float(edges[k + 1])) for k in range(n)]
        rows.append(tower.hear(log_mel(samples, mel), spans))
        number.append(np.full(n, i))
        if progress is not None:
            progress("listening", i + 1, len(paths))
    heard = Heard(np.concatenate(rows), np.concatenate(number).astype(np.int64), classes, plane, shares)
    return heard, sources
