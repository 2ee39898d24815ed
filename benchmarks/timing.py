"""Whether music enters with the picture and on the beat more often than by chance.

Usage: python benchmarks/timing.py INDEX SCENES CUES [SCENES CUES ...]

Takes the library's index and pairs of a scene sheet and the cue sheet made from it. Measures the mean distance of cue
entries to the nearest cut of the film, and of the music's entry points to the nearest downbeat of their track; and the
same for 1,000 circular shifts of the cues along the film and of the entry points along their tracks. Prints z-scores:
how many standard deviations nearer than chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from soundtrack.documents import cuesheet, scenesheet
from soundtrack.library.search.library_view import open_library

N_SHIFTS = 1_000


def nearest(times_s: Sequence[float], marks_s: Sequence[float]) -> list[float]:
    """Distance of each time to the nearest mark, in seconds."""
    marks = np.asarray(marks_s, float)
    return [float(np.abs(marks - t).min()) for t in times_s]


def main() -> None:
    """Measure and print two lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("sheets", type=Path, nargs="+")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    tracks = open_library(options.index, model=None).tracks()
    measured: dict[str, list[tuple[list[float], float, list[float]]]] = {"cuts": [], "downbeats": []}
    for scenes_path, cues_path in zip(options.sheets[::2], options.sheets[1::2], strict=True):
        scenes, cues = scenesheet.loads(scenes_path.read_text()), cuesheet.loads(cues_path.read_text())
        starts = [cue.span.start_s for cue in cues.cues]
        measured["cuts"].append((starts, scenes.film.duration_s, [s.span.start_s for s in scenes.shots]))
        for cue in cues.cues:
            analysis = tracks[cue.track_id].analysis
            if len(analysis.downbeats_s) > 4:
                entry = [cue.sections[0].track.start_s]
                measured["downbeats"].append((entry, analysis.music_end_s, list(analysis.downbeats_s)))
    for name, groups in measured.items():
        real = float(np.mean([d for times, _, marks in groups for d in nearest(times, marks)]))
        shifted = []
        for _ in range(N_SHIFTS):
            moved = []
            for times, length_s, marks in groups:
                by = float(rng.uniform(0, length_s))
                moved += nearest([(t + by) % length_s for t in times], marks)
            shifted.append(float(np.mean(moved)))
        z = (np.mean(shifted) - real) / max(1e-9, float(np.std(shifted)))
        n = sum(len(times) for times, _, _ in groups)
        print(
            f"{n} entries to the nearest of the {name}: {real:.3f} s; by chance {np.mean(shifted):.3f} s; z = {z:.1f}"
        )


if __name__ == "__main__":
    main()
