"""Order of horror sounds by arousal, valence and tension against what listeners preferred.

Usage: python benchmarks/horror_sounds.py SONANCIA

SONANCIA is a copy of the dataset (Lopes, Liapis and Yannakakis 2017, CC BY 4.0) with ``sounds/`` and ``Pairwise
Preferences/``. No sound of it was part of any training or choice. Printed are the share of the pairs that the installed
music network puts in the listeners' order, for tension by the classes Tension and Fear together, and the mean class
probabilities.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from soundtrack.audio.mel import log_mel
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.library.update.listen import segment_spans
from soundtrack.media.reading.audio import read_audio
from soundtrack.types import EMOTIONS

TENSE = [EMOTIONS.index("Tension"), EMOTIONS.index("Fear")]


def main() -> None:
    """Read all sounds, then count the pairs in order."""
    folder = Path(sys.argv[1])
    tower = MusicTower.load(device="cpu")
    mel = tower.config.mel
    read: dict[str, dict[str, float]] = {}
    shares = []
    for path in sorted((folder / "sounds").iterdir()):
        samples = read_audio(path, sample_rate_hz=mel.sample_rate_hz, channels=1)
        found = tower.read(log_mel(samples, mel), segment_spans(samples.shape[1] / mel.sample_rate_hz))
        mean = found.probabilities.mean(axis=0)
        shares.append(mean)
        plane = {"Arousal": float(found.arousal.mean()), "Valence": float(found.valence.mean())}
        read[path.stem] = {**plane, "Tension": float(mean[TENSE].sum())}
    for name in ("Arousal", "Valence", "Tension"):
        with (folder / "Pairwise Preferences" / f"{name}_Preferences.csv").open() as lines:
            pairs = [(row[0].strip(), row[1].strip()) for row in csv.reader(lines) if len(row) == 2]
        known = [(more, less) for more, less in pairs if more in read and less in read]
        right = np.mean([read[more][name] > read[less][name] for more, less in known])
        print(f"{name:8s} {len(known):4d} pairs, {right:.3f} in order")
    means = np.mean(shares, axis=0)
    print(", ".join(f"{emotion} {value:.2f}" for emotion, value in zip(EMOTIONS, means.tolist(), strict=True)))


if __name__ == "__main__":
    main()
