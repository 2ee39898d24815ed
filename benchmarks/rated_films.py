"""Rated films of all kinds: how they are cut, and how well heads read them that never learned from them.

Usage: python benchmarks/rated_films.py cut REPOSITORIES DATA
       python benchmarks/rated_films.py judge DATA [--kept FOLDER] [--deals N]

The table soundtrack/training/rated_films.csv names 676 films of public repositories with the classes that three or four
raters gave each by looking at four frames before any reading of it was seen, and their mean valence and arousal (from
-1 to 1). `cut` takes them from clones in REPOSITORIES/OWNER/NAME, where their SHA-256 is as in the table, and writes
the first 20 seconds without sound, at most 640 px wide and at 25 frames a second, to DATA/rated-films. `judge` fits
picture heads on the labelled clips and rated stills of DATA, without and with those films that are for learning, and
prints for both how the others are read: those for learning by five folds over repositories, and those for checking,
which no head learns from. The last line is the included head's. **loss** is the mean log-loss of the class under the
shares of the raters' classes, **right** the mean share of raters who gave the leading class, **tense** and **sad** the
shares that are named so (Tension or Fear; Sad), **r** the correlation of Pearson with the ratings. Dark films have a
mean valence of -0.25 or less.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soundtrack.emotion.head import Head, rows_of
from soundtrack.emotion.music_tower import MusicTower
from soundtrack.emotion.video_tower import VideoTower
from soundtrack.evaluation.labels import gather
from soundtrack.evaluation.rated_stills import recipe_beside
from soundtrack.evaluation.read import NoSpace, film_windows, picture_evidence
from soundtrack.training.calibrate import evidence_means, means_of
from soundtrack.training.data import fold_of, read_labels
from soundtrack.training.picture.data import RATED_FILMS, as_rated, rated_films, rows_of_table
from soundtrack.training.picture.fit import fit_head
from soundtrack.training.rated import RatedFilms
from soundtrack.types import EMOTIONS
from soundtrack.types.emotion import UNSURE_UNDER

LONGEST_S = 20
WIDEST_PX = 640


def cut(repositories: Path, data: Path) -> None:
    """Write the films of the table that the clones have."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise SystemExit("ffmpeg is missing: install it, for example with apt-get install ffmpeg")
    out = data / "rated-films"
    out.mkdir(parents=True, exist_ok=True)
    for row in rows_of_table(RATED_FILMS):
        target, original = out / f"{row['name']}.mp4", repositories / row["repository"] / row["path"]
        if target.exists():
            continue
        if not original.is_file():
            print(f"missing: {row['repository']}: {row['path']}")
        elif hashlib.sha256(original.read_bytes()).hexdigest() != row["sha256"]:
            print(f"another file than the one that was rated: {original}")
        else:
            size = f"scale='trunc(min({WIDEST_PX},iw)/2)*2':-2,fps=25,format=yuv420p"
            made = [*("-t", str(LONGEST_S), "-i", str(original), "-an", "-vf", size)]
            made += [*("-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", str(target))]
            subprocess.run([ffmpeg, "-nostdin", "-v", "error", *made], check=True)


def some(films: RatedFilms, chosen: npt.NDArray[np.bool_]) -> RatedFilms:
    """Those films alone."""
    rows = chosen[films.film_of]
    return RatedFilms(
        rows_of(films.features, rows),
        (np.cumsum(chosen) - 1)[films.film_of[rows]],
        films.shares[chosen],
        films.valence[chosen],
        films.arousal[chosen],
    )


class Answers:
    """What heads say of n films."""

    def __init__(self, n: int) -> None:
        self.probabilities, self.means = np.zeros((n, len(EMOTIONS))), np.zeros((n, 3))

    def ask(self, head: Head, films: RatedFilms, which: npt.NDArray[np.bool_]) -> None:
        """Fill the rows of those films."""
        asked = some(films, which)
        said, n = head.read(asked.features), len(asked.shares)
        self.probabilities[which] = evidence_means(said.probabilities, asked.film_of, n)
        self.means[which] = means_of(np.stack([said.valence, said.arousal, said.confidence], axis=1), asked.film_of, n)

    def row(self, films: RatedFilms, which: npt.NDArray[np.bool_]) -> str:
        """The figures of some films as a line."""
        truth = films.shares[which]
        p, (valence, arousal, sure) = self.probabilities[which], self.means[which].T
        loss = -(truth * np.log(np.maximum(p, 1e-9))).sum(axis=1).mean()
        right = truth[np.arange(len(truth)), p.argmax(axis=1)].mean()
        named = np.where(sure < UNSURE_UNDER, "Neutral", np.array(EMOTIONS)[p.argmax(axis=1)])
        r = [np.corrcoef(a[which], b)[0, 1] for a, b in ((films.valence, valence), (films.arousal, arousal))]
        return (
            f"{len(truth):4} {loss:6.3f} {right:6.3f} "
            f"{np.isin(named, ('Tension', 'Fear')).mean():6.3f} {(named == 'Sad').mean():6.3f} "
            f"{(named == 'Neutral').mean():8.3f} {r[0]:6.3f} {r[1]:6.3f}"
        )


def judge(data: Path, kept_in: Path | None, deals: int) -> None:
    """Print both tables."""
    video, music = VideoTower.load(space=NoSpace()), MusicTower.load(space=NoSpace())
    evidence = gather(read_labels(data / "mved" / "labels.csv"), video=video, music=music, kept_in=kept_in)
    recipe = recipe_beside(data, video, kept_in=kept_in)
    rated = recipe.rated
    if rated is None or rated.films is None:
        raise SystemExit(f"{data} has no rated-films: make them with `python benchmarks/rated_films.py cut`")
    films, listed = rated.films, rated_films(data)
    checked = rated_films(data, use="check")
    rows = [picture_evidence(film_windows(data / film.file, video), video) for film in checked]
    check = as_rated(
        checked,
        {name: np.concatenate([row[name] for row in rows]) for name in rows[0]},
        np.repeat(np.arange(len(rows)), [len(next(iter(row.values()))) for row in rows]),
    )
    labels = [EMOTIONS[c] for c in evidence.classes]

    def fitted(chosen: npt.NDArray[np.bool_] | None) -> Head:
        beside = None if chosen is None else some(films, chosen)
        return fit_head(
            evidence.seen,
            labels,
            evidence.seen_clip,
            rated=replace(rated, films=beside),
            settings=recipe.picture,
        )

    everyday = np.array([not film.dark for film in listed])
    whole = np.ones(len(check.shares), bool)
    print(f"{'':34}   n   loss  right  tense    sad  neutral  r val  r aro")
    for name, learns in (("without", False), ("with", True)):
        for deal in range(deals):
            answers, fold = Answers(len(listed)), fold_of([f.source for f in listed], n_folds=5, seed=deal)
            for k in range(5):
                answers.ask(fitted(fold != k if learns else None), films, fold == k)
            for group, which in (("everyday", everyday), ("dark", ~everyday), ("all", everyday | ~everyday)):
                print(f"{name:8} {'folds ' + str(deal):8} {group:16} {answers.row(films, which)}")
        answers = Answers(len(check.shares))
        answers.ask(fitted(np.ones(len(listed), bool) if learns else None), check, whole)
        print(f"{name:8} {'check':8} {'all':16} {answers.row(check, whole)}")
    answers = Answers(len(check.shares))
    answers.ask(video.reader.head, check, whole)
    print(f"{'included':8} {'check':8} {'all':16} {answers.row(check, whole)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    cutting = commands.add_parser("cut", help="make the films of DATA/rated-films")
    cutting.add_argument("repositories", type=Path, metavar="REPOSITORIES")
    cutting.add_argument("data", type=Path, metavar="DATA")
    judging = commands.add_parser("judge", help="print how well they are read")
    judging.add_argument("data", type=Path, metavar="DATA")
    judging.add_argument("--kept", type=Path, metavar="FOLDER", help="where what was seen and heard is kept")
    judging.add_argument("--deals", type=int, default=1)
    args = parser.parse_args()
    if args.command == "cut":
        cut(args.repositories, args.data)
    else:
        judge(args.data, args.kept, args.deals)


if __name__ == "__main__":
    main()
