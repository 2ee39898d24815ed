"""Agreement of the fitted weights with raters of a known taste, against the number of their answers.

Usage: python benchmarks/taste.py [--raters N] [--index FOLDER]

Each rater has weights of their own: the defaults, each row of `soundtrack.taste.weights.FITTED` times a random factor
between about 1/8 and 8, or one row alone. A rater answers with the probability of the Bradley-Terry model. Scenes are
made from readings of the included index; the two tracks of an answer are drawn from the twelve best of the default
weights, as alternatives are. Held-out answers are of other scenes. The possible is the agreement of the rater's own
weights with the held-out answers; "least suited" is the quarter of the raters with whom the default weights agree
least. This simulation says how many answers the method needs, and nothing about people.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.merit_table import MeritTable
from soundtrack.pipeline.library.music import open_library
from soundtrack.resources import example_index_dir
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.eligibility import TERM_NAMES, choose_pool
from soundtrack.spotting.merit.intervals import divide
from soundtrack.spotting.merit.view import ordered_vectors, segment_table
from soundtrack.taste.choices import SWAP, Choice
from soundtrack.taste.weights import FITTED, agreement, fitted
from soundtrack.types import FilmNumbers, FilmRef, Scene, SceneSheet, Shot, Span

Array = npt.NDArray[np.float64]
ANSWERS = (5, 10, 20, 50, 100)
"""Numbers of answers after which the agreement is measured."""
HELD_OUT, NEAR, SLOPE, N_SCENES, SCENE_S = 400, 12, 12.0, 200, 15.0


@dataclass(frozen=True)
class Learned:
    """Agreement with one rater's held-out answers."""

    default: float
    """Of the default weights."""
    possible: float
    """Of the rater's own weights."""
    after: tuple[float, ...]
    """Of the fitted weights after each number of `ANSWERS`."""


def measures(index: Path, rng: np.random.Generator) -> Array:
    """Measures of the fitted rows for tracks under made-up scenes, shape (scenes, tracks, rows)."""
    library = open_library(index)
    tracks = [library.tracks()[track_id] for track_id in library.track_ids]
    segments = [segment for track in tracks for segment in track.segments]
    vectors = ordered_vectors(library, tracks)
    drawn = rng.integers(0, len(segments), N_SCENES)
    noise = rng.standard_normal((N_SCENES, vectors.shape[1])) / np.sqrt(vectors.shape[1])
    seen = vectors[drawn] + noise
    seen = (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float32)
    length_s = N_SCENES * SCENE_S
    scenes, shots = [], []
    for i, place in enumerate(drawn):
        span = Span(i * SCENE_S, (i + 1) * SCENE_S)
        cuts = int(rng.integers(1, 6))
        step = SCENE_S / cuts
        first = len(shots)
        shots += [Shot(first + k, Span(span.start_s + k * step, span.start_s + (k + 1) * step)) for k in range(cuts)]
        emotion = segments[int(place)].emotion
        numbers = FilmNumbers(60 * cuts / SCENE_S, 0.5, 0.5, 0.1)
        scenes.append(Scene(i, span, first, cuts, emotion, numbers, speech_share=float(rng.integers(2)) * 0.6))
    film = FilmRef("made-up.mp4", length_s, Fraction(24), 640, 360, True, "sha256:" + "0" * 64)
    sheet = SceneSheet(film, library.model, tuple(shots), tuple(scenes), (), (), None, None, seen)
    parts = divide(sheet, Constraints(), keep_original=True)
    table = MeritTable()
    pool = choose_pool(
        parts,
        tracks,
        segment_table(tracks, vectors),
        merit=table,
        constraints=Constraints(),
        allow_vocals=False,
        seed=0,
        n_tracks=len(tracks),
    )
    weights = np.array([table.rows()[name].weight for name in FITTED])
    rows = [TERM_NAMES.index(name) for name in FITTED]
    found = [
        [pool.terms(scene, track=track)[rows, 0] / weights for track in range(len(pool.tracks))]
        for scene in range(len(parts))
    ]
    return np.array(found)


def rater(number: int, rng: np.random.Generator) -> MeritTable:
    """The weights of a rater: every third one goes by one row alone."""
    table = MeritTable()
    rows = {name: table.rows()[name] for name in FITTED}
    if number % 3 == 2:
        only = FITTED[number // 3 % len(FITTED)]
        factors = {name: 3.0 if name == only else 0.05 for name in FITTED}
    else:
        factors = {name: float(np.exp(np.clip(1.2 * rng.standard_normal(), -2.1, 2.1))) for name in FITTED}
    return replace(table, **{n: replace(row, weight=round(row.weight * factors[n], 6)) for n, row in rows.items()})


def answers(n: int, taste: MeritTable, tracks: Array, rng: np.random.Generator) -> list[Choice]:
    """Answers of a rater of some taste about random pairs of near tracks."""
    usual, own = ([table.rows()[name].weight for name in FITTED] for table in (MeritTable(), taste))
    found: list[Choice] = []
    while len(found) < n:
        scene = tracks[int(rng.integers(len(tracks)))]
        near = np.argsort(-(scene @ usual))[:NEAR]
        a, b = rng.choice(near, 2, replace=False)
        apart = scene[a] - scene[b]
        if rng.random() > 1 / (1 + np.exp(-SLOPE * float(apart @ own))):
            a, b, apart = b, a, -apart
        kept = {name: float(value) for name, value in zip(FITTED, apart, strict=True)}
        found.append(Choice(SWAP, "made-up", str(len(found)), str(a), str(b), kept))
    return found


def learned(n_raters: int, *, index: Path, seed: int = 20261129) -> list[Learned]:
    """What the fit makes of the answers of some raters."""
    rng = np.random.default_rng(seed)
    every = measures(index, rng)
    half = len(every) // 2
    result = []
    for number in range(n_raters):
        taste = rater(number, rng)
        given = answers(max(ANSWERS), taste, every[:half], rng)
        held_out = answers(HELD_OUT, taste, every[half:], rng)
        after = tuple(agreement(held_out, fitted(given[:n], MeritTable())) for n in ANSWERS)
        result.append(Learned(agreement(held_out, MeritTable()), agreement(held_out, taste), after))
    return result


def least_suited(found: list[Learned]) -> list[int]:
    """The quarter of the raters whom the default weights suit least."""
    return sorted(range(len(found)), key=lambda i: found[i].default / found[i].possible)[: len(found) // 4]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=60)
    parser.add_argument("--index", type=Path, default=None)
    given = parser.parse_args()
    found = learned(given.raters, index=given.index or example_index_dir())
    possible = np.array([one.possible for one in found])
    print(f"{len(found)} raters, agreement with {HELD_OUT} held-out answers each")
    print(f"{'answers':>10}{'agreement':>11}{'of possible':>13}{'least suited':>14}")
    least = least_suited(found)
    curves = [np.array([one.default for one in found]), *np.array([one.after for one in found]).T]
    for n, curve in zip((0, *ANSWERS), curves, strict=True):
        share = curve / possible
        print(f"{n:>10}{curve.mean():>11.3f}{share.mean():>13.3f}{share[least].mean():>14.3f}")
    print(f"{'possible':>10}{possible.mean():>11.3f}")


if __name__ == "__main__":
    main()
