"""Readings of ten seconds of music, alone and in the context of their neighbours.

Usage: python benchmarks/context.py DATA SOUNDFONT WORK [--seeds N]

DATA holds mved/labels.csv (clips with a class), vgmidi/labels.csv with its MIDI files (valence and arousal; rendered by
``fluidsynth``) and emotify/labels.csv (nine felt emotions). WORK keeps the renderings and what the installed music
network hears. Heads are learned in five folds by source; each stretch of about ten seconds is judged by the label of
its recording, once in the recordings as they are, where all neighbours share the mood, and once in tracks that are made
of the first three stretches of two recordings, where the mood changes in the middle. Then the locked set is asked.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Head, columns_of
from soundtrack.emotion.music_channels import NETWORK
from soundtrack.emotion.music_head import felt_of
from soundtrack.emotion.music_projection import in_context
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.training.locked import Part
from soundtrack.training.music.fit import Heard, fit_music_head
from soundtrack.training.music.report import folds_by_kind
from soundtrack.training.music.train import MusicTables, listen

Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
WAYS = {"alone": None, "mean of three": math.inf, "unlike 2": 2.0, "unlike 1": 1.0, "unlike 0.5": 0.5}
N_FOLDS, IN_A_HALF = 5, 3


def rendered(table: Path, font: Path, work: Path) -> Path:
    """The pieces as sound, and their table."""
    work.mkdir(parents=True, exist_ok=True)
    ratings = work / "ratings.csv"
    with table.open() as lines, ratings.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "valence", "arousal", "game"])
        for row in csv.DictReader(lines):
            sound = work / f"{Path(row['file']).stem}.wav"
            if not sound.exists():
                command = ["fluidsynth", "-ni", "-q", "-r", "24000", "-g", "0.5", "-F", sound, font]
                subprocess.run([*command, table.parent / row["file"]], check=True, stdin=subprocess.DEVNULL)
            writer.writerow([sound.name, row["valence_mean"], row["arousal_mean"], row["game"]])
    return ratings


def joined(heard: Heard, *, seed: int) -> list[Numbers]:
    """Rows of tracks made of the beginnings of two recordings of one kind."""
    kinds = np.where(heard.classes >= 0, 0, np.where(np.isfinite(heard.plane).all(axis=1), 1, 2))
    rng = np.random.default_rng(seed)
    tracks = []
    for kind in np.unique(kinds):
        order = rng.permutation(np.flatnonzero(kinds == kind))
        for i in range(0, len(order), 2):
            halves = [np.flatnonzero(heard.recording == name)[:IN_A_HALF] for name in order[i : i + 2]]
            tracks.append(np.concatenate(halves))
    return tracks


def whole(heard: Heard) -> list[Numbers]:
    """Rows of each recording."""
    return [np.flatnonzero(heard.recording == name) for name in range(len(heard.classes))]


def judged(head: Head, heard: Heard, tracks: list[Numbers], unlike: float | None) -> list[Matrix]:
    """What a head says of the stretches of some tracks, and what is true: classes, plane, felt emotions."""
    rows = np.concatenate(tracks)
    inputs = {name: values[rows] for name, values in heard.inputs.items()}
    if unlike is not None:
        columns = columns_of(head.blocks)[[block.channel for block in head.blocks].index(NETWORK)]
        audible, counts = np.ones(len(rows), np.float32), [len(track) for track in tracks]
        inputs = in_context(inputs, audible, counts, by=inputs[NETWORK] / head.scale[columns], unlike=unlike)
    mood, recording = head.read(inputs), heard.recording[rows]
    said = np.stack([mood.valence, mood.arousal], axis=1)
    truth = heard.classes[recording].astype(np.float64), heard.plane[recording], heard.felt[recording]
    return [mood.probabilities.astype(np.float64), said, felt_of(mood), *truth]


def figures(parts: Iterable[list[Matrix]]) -> str:
    """Accuracy and log-loss of the classes, r of valence and of arousal, mean r of the felt emotions."""
    shares, plane, felt, classes, true_plane, true_felt = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    known = classes >= 0
    own = shares[known][np.arange(int(known.sum())), classes[known].astype(int)]
    right = (shares[known].argmax(axis=1) == classes[known]).mean()

    def r(truth: Matrix, answer: Matrix) -> float:
        there = np.isfinite(truth)
        return float(np.corrcoef(truth[there], answer[there])[0, 1])

    planes = [r(true_plane[:, i], plane[:, i]) for i in range(2)]
    felts = np.mean([r(true_felt[:, i], felt[:, i]) for i in range(felt.shape[1])])
    loss = -np.log(np.maximum(own, 1e-6)).mean()
    return f"{right:9.3f} {loss:9.3f} {planes[0]:9.3f} {planes[1]:9.3f} {felts:9.3f}"


def main() -> None:
    """Listen, learn in folds, compare the ways."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("font", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--seeds", type=int, default=2)
    given = asked.parse_args()
    ratings = rendered(given.data / "vgmidi" / "labels.csv", given.font, given.work / "vgmidi")
    tables = MusicTables(given.data / "mved/labels.csv", ratings, "game", given.data / "emotify/labels.csv")
    tower = MusicTower.load(device="cpu")
    heard, sources = listen(tables, tower, kept_in=given.work / "kept")
    locked, _ = listen(tables, tower, kept_in=given.work / "kept", part=Part.LOCKED)
    pairs: list[tuple[Head, Heard, int]] = []
    for seed in range(given.seeds):
        folds = folds_by_kind(heard, sources, n_folds=N_FOLDS, seed=seed)
        pairs += [(fit_music_head(heard.only(folds != k)), heard.only(folds == k), seed) for k in range(N_FOLDS)]
    final = fit_music_head(heard)
    for title, cases in (("folds", pairs), ("locked", [(final, locked, seed) for seed in range(given.seeds)])):
        print(f"{title:32s} accuracy  log-loss   valence   arousal      felt")
        for name, unlike in WAYS.items():
            print(f"  as they are, {name:17s}", figures(judged(h, q, whole(q), unlike) for h, q, _ in cases))
        for name, unlike in WAYS.items():
            print(f"  joined, {name:22s}", figures(judged(h, q, joined(q, seed=s), unlike) for h, q, s in cases))


if __name__ == "__main__":
    main()
