"""Readings of everyday films and photographs of plain things: shares of neutral, unsure and tense.

Usage: python benchmarks/everyday.py DATA [--model NAME] [--limit N] [--json FILE]

DATA holds everyday/*.mp4 (shelves, a class room, walkers, talking heads, a warehouse) and images/ with labels.csv
(file, set, label): one photograph of each ImageNet class, which no head learned from. Films are read as the tool reads
them, and judged by the mean of their clips; a photograph is a clip in which nothing moves. The groups of photographs
are written down below; **neutral** counts what reads as Neutral or is too unsure to be named, **tense** what reads as
Tension or Fear. With --norms FILE (word, valence_mean, arousal_mean; the Glasgow norms of Scott et al. 2019, from 1 to
9) the last line is Pearson's r between the valence of a photograph and that of the word for what it shows. Films of
other people, with ratings, are read by rated_films.py.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from soundtrack.emotion.video_tower import VideoTower
from soundtrack.evaluation.read import NoSpace, film_windows, picture_evidence
from soundtrack.training.calibrate import evidence_means
from soundtrack.training.picture.data import rating_of, word_ratings
from soundtrack.types import EMOTIONS, FloatArray
from soundtrack.types.emotion import UNSURE_UNDER

GROUPS: dict[str, tuple[str, ...]] = {
    "spiders": (
        *("harvestman", "black_and_gold_garden_spider", "barn_spider", "garden_spider", "black_widow"),
        *("tarantula", "wolf_spider", "scorpion", "centipede"),
    ),
    "snakes": (
        *("thunder_snake", "king_snake", "boa_constrictor", "rock_python", "Indian_cobra", "green_mamba"),
        *("horned_viper", "diamondback", "sidewinder"),
    ),
    "weapons": ("assault_rifle", "revolver", "rifle", "missile", "cannon", "tank", "projectile", "guillotine"),
    "storm and ruin": ("wreck", "volcano", "gasmask", "prison", "stone_wall", "cliff"),
    "dogs and puppies": (
        *("golden_retriever", "Labrador_retriever", "beagle", "pug", "Samoyed", "Pomeranian", "Pembroke", "toy_poodle"),
        *("cocker_spaniel", "Chihuahua", "Shih-Tzu", "collie", "Maltese_dog"),
    ),
    "beach and lake": ("seashore", "sandbar", "lakeside", "coral_reef", "promontory", "alp", "valley"),
    "flowers and fruit": ("daisy", "rapeseed", "strawberry", "orange", "lemon", "fig", "pineapple", "banana"),
    "weddings and treats": ("groom", "gown", "ice_cream", "trifle", "teddy", "balloon", "carousel", "confectionery"),
    "household": (
        *("desk", "folding_chair", "refrigerator", "washer", "stove", "dishwasher", "bookcase", "wardrobe", "toaster"),
        *("coffee_mug", "table_lamp", "vacuum", "iron", "dining_table", "microwave", "printer", "laptop", "pencil_box"),
    ),
    "street and work": (
        *("cab", "minivan", "school_bus", "traffic_light", "street_sign", "parking_meter", "forklift", "streetcar"),
        *("grocery_store", "bakery", "barbershop", "shopping_cart", "mailbox", "park_bench", "minibus"),
    ),
}
"""Photographs by ImageNet class."""


class Read:
    """What the head says of some files."""

    def __init__(self, probabilities: FloatArray, valence: FloatArray, arousal: FloatArray, confidence: FloatArray):
        self.probabilities, self.valence, self.arousal, self.confidence = probabilities, valence, arousal, confidence

    @classmethod
    def of(cls, paths: Sequence[Path], tower: VideoTower) -> Read:
        """Mean evidence and means over the clips of each file."""
        rows = []
        for path in paths:
            said = tower.reader.read(picture_evidence(film_windows(path, tower), tower))
            probabilities = evidence_means(said.probabilities, np.zeros(len(said.valence), np.int64), 1)[0]
            rows.append([*probabilities, said.valence.mean(), said.arousal.mean(), said.confidence.mean()])
        table = np.array(rows)
        return cls(table[:, :6], table[:, 6], table[:, 7], table[:, 8])

    def named(self) -> list[str]:
        """The class of each file, Neutral where it is too unsure."""
        return [
            "Neutral" if sure < UNSURE_UNDER else EMOTIONS[int(p.argmax())]
            for p, sure in zip(self.probabilities, self.confidence, strict=True)
        ]

    def row(self) -> dict[str, float]:
        """Shares and means of all files."""
        names = self.named()
        shares = {name: names.count(name) / len(names) for name in EMOTIONS}
        return {
            "n": len(names),
            "neutral": shares["Neutral"],
            "tense": shares["Tension"] + shares["Fear"],
            "sad": shares["Sad"],
            "valence": float(self.valence.mean()),
            "arousal": float(self.arousal.mean()),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--model", default="i3d-emotion")
    parser.add_argument("--norms", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="photographs for --norms; 0: all")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    tower = VideoTower.load(args.model, device="cpu", space=NoSpace())
    table: dict[str, dict[str, float]] = {}
    everyday = sorted((args.data / "everyday").glob("*.mp4"))
    read = Read.of(everyday, tower)
    table["everyday films"] = read.row()
    for path, name, valence, arousal in zip(everyday, read.named(), read.valence, read.arousal, strict=True):
        print(f"  {path.name:52} {name:10} {valence:+.2f} {arousal:+.2f}")
    with (args.data / "images" / "labels.csv").open(encoding="utf-8", newline="") as file:
        photographs = {
            r["label"]: args.data / "images" / r["file"] for r in csv.DictReader(file) if r["set"] == "imagenet"
        }
    for group, labels in GROUPS.items():
        table[group] = Read.of([photographs[label] for label in labels if label in photographs], tower).row()
    print(f"{'':22}{'n':>4} {'neutral':>8} {'tense':>6} {'sad':>6} {'valence':>8} {'arousal':>8}")
    for group, row in table.items():
        print(
            f"{group:22}{row['n']:4.0f} {row['neutral']:8.2f} {row['tense']:6.2f} {row['sad']:6.2f} "
            f"{row['valence']:+8.2f} {row['arousal']:+8.2f}"
        )
    if args.norms is not None:
        words = word_ratings(args.norms)
        wanted = [(p, v) for label, p in photographs.items() if (v := rating_of(label, words)) is not None]
        wanted = wanted[: args.limit or None]
        read = Read.of([p for p, _ in wanted], tower)
        r = float(np.corrcoef(read.valence, [valence for _, (valence, _) in wanted])[0, 1])
        table["words"] = {"n": len(wanted), "r": r}
        print(f"valence beside the words of {len(wanted)} photographs: r {r:.3f}")
    if args.json is not None:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
