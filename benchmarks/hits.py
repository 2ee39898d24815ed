"""Offset between wanted moments and climaxes: hit points at random moments and cuts of whole films.

Usage: python benchmarks/hits.py WORK [--index DIR] [-n N] [--seed S]

WORK is that of ``whole_films.py``, which has left the analyses of its films and an index there. Half of the moments are
cuts, none is within ten seconds of the film's start or end. Offsets are those of the cue sheet, which the tests of
sound compare with what is written. Inside is from 20 ms before to 60 ms after the moment.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

import soundtrack
from soundtrack.pipeline.sheets.wishes import Wishes

EDGE_S = 10.0
EARLY_MS, LATE_MS = -20.0, 60.0


def moments(cuts_s: list[float], film_s: float, rng: np.random.Generator) -> float:
    """A moment of the film: a cut, or anywhere."""
    inner = [cut_s for cut_s in cuts_s if EDGE_S <= cut_s <= film_s - EDGE_S]
    chosen = rng.choice(inner) if inner and rng.random() < 0.5 else rng.uniform(EDGE_S, film_s - EDGE_S)
    return round(float(chosen), 3)


def main() -> None:
    """Spot with one hit at a time, print where the music landed."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("work", type=Path)
    asked.add_argument("--index", type=Path)
    asked.add_argument("-n", type=int, default=100)
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    rng = np.random.default_rng(given.seed)
    films = [soundtrack.read_scenes(path) for path in sorted(given.work.glob("*.scenes.json"))]
    found: Counter[str] = Counter()
    late_ms = []
    for i in range(given.n):
        film = films[i % len(films)]
        hit_s = moments([shot.span.start_s for shot in film.shots], film.film.duration_s, rng)
        sheet = soundtrack.spot(film, index=given.index or given.work / "index", wishes=Wishes(hits=(hit_s,)))
        marks = [mark for cue in sheet.cues for mark in cue.landings if abs(mark.time_s - hit_s) < 1e-3]
        if not marks:
            found["no music there"] += 1
            continue
        off_ms = marks[0].late_ms
        is_inside = off_ms is not None and EARLY_MS <= off_ms <= LATE_MS
        found[f"{marks[0].on}, {'inside' if is_inside else 'outside'}"] += 1
        if off_ms is not None:
            late_ms.append(off_ms)
        if not is_inside:
            print(f"{film.film.name} at {hit_s:.3f} s: {marks[0].on} {off_ms}")
    print("; ".join(f"{what}: {count}" for what, count in found.most_common()), f"of {given.n}")
    if late_ms:
        print(f"offset: median {np.median(late_ms):+.1f} ms, {min(late_ms):+.1f} to {max(late_ms):+.1f} ms")


if __name__ == "__main__":
    main()
