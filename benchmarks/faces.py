"""Accuracy of the expressions of faces on labelled crops, and faces found in everyday films.

Usage: python benchmarks/faces.py DATA     (after soundtrack models pull faces)

DATA holds faces/fer2013_sample/valid.csv (file, emotion) with valid/, 350 crops of FER-2013's PublicTest part, and
everyday/*.mp4. PublicTest is the usual validation set of FER-2013, so the weights of face_classification may have been
chosen by it.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from soundtrack.checkpoints.face_networks import faces_path
from soundtrack.emotion.faces.channel import read_stills
from soundtrack.media.reading.probe import probe
from soundtrack.networks.faces import CROP_PX, EXPRESSIONS, FaceNetwork
from soundtrack.types import StillFormat
from soundtrack.video.decode import iter_frames


def main(data: Path) -> None:
    """Print accuracy, accuracy per class, and how many stills of each film show a face."""
    folder = data / "faces" / "fer2013_sample"
    with (folder / "valid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = (cv2.imread(str(folder / "valid" / row["file"]), cv2.IMREAD_GRAYSCALE) for row in rows)
    crops = np.stack([cv2.resize(picture, (CROP_PX, CROP_PX)) for picture in pictures])
    truth = np.array([EXPRESSIONS.index(row["emotion"]) for row in rows])
    right = FaceNetwork.load(faces_path()).expressions(crops).argmax(axis=1) == truth
    print(f"accuracy {right.mean():.3f} of {len(rows)} faces")
    print(", ".join(f"{name} {right[truth == i].mean():.2f}" for i, name in enumerate(EXPRESSIONS)))
    for path in sorted((data / "everyday").glob("*.mp4")):
        stills = [s for b in iter_frames(probe(path), side_px=32, stills=StillFormat(4.0, 260)) for s in b.stills]
        began_s = time.perf_counter()
        n = sum(row is not None for row in read_stills(stills))
        taken_s = (time.perf_counter() - began_s) / len(stills)
        print(f"{path.name}: {n} of {len(stills)} stills show a face, {taken_s:.3f} s each")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
