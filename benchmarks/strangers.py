"""From picture to music where nothing was learned or chosen: films of strangers, and music with ratings.

Usage: python benchmarks/strangers.py DATA SOUNDFONT WORK [--n N]

Every film for checking of `rated_films.py` (DATA/rated-films; no head learned from one) gets music from a library of
the locked pieces of VGMIDI (DATA/vgmidi, rendered by ``fluidsynth``) and the locked tracks of Emotify (DATA/emotify),
without names and tags. People rated all of these: valence and arousal of the films and of VGMIDI, nine felt emotions of
Emotify, whose places on the plane (``FELT``) were set by hand before the first run. WORK keeps music, index and
analyses.

**apart** is the mean distance on the plane between the rating of a film and that of the music that plays, by seconds;
**r** is the correlation of Pearson between both ratings over the films, of valence and of arousal. **tool** is what
`spot` places. Below, for comparison, one track for each film: the nearest where the reading of the film or that of the
music is replaced by its rating, or both; the nearest by both readings alone; the single track that suits all films
best; and any track, the mean of all.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import soundtrack
from soundtrack.documents import scenesheet
from soundtrack.media.locate import ffmpeg_path
from soundtrack.pipeline import current_model
from soundtrack.pipeline.film.analyse import analyse_video
from soundtrack.training.locked import is_locked
from soundtrack.training.picture.data import rated_films
from soundtrack.types import SceneSheet

FELT = {
    "amazement": (0.6, 0.4),
    "solemnity": (0.1, -0.1),
    "tenderness": (0.55, -0.4),
    "nostalgia": (0.1, -0.4),
    "calmness": (0.55, -0.6),
    "power": (0.4, 0.7),
    "joyful_activation": (0.75, 0.6),
    "tension": (-0.5, 0.6),
    "sadness": (-0.6, -0.45),
}
"""Valence and arousal of the emotions that listeners of Emotify could name."""

Points = npt.NDArray[np.float64]


def make_music(data: Path, font: Path, out: Path) -> dict[str, tuple[float, float]]:
    """Write the music that is lacking; the rating of each file by its name."""
    out.mkdir(parents=True, exist_ok=True)
    ratings = {}
    ffmpeg = [str(ffmpeg_path()), "-nostdin", "-v", "error", "-n"]
    plain = ["-map", "0:a:0", "-map_metadata", "-1", "-bitexact"]
    for row in _locked_rows(data / "vgmidi"):
        target, wave = out / f"piece-{len(ratings):03}.opus", out / "rendered.wav"
        if not target.exists():
            options = ["-ni", "-q", "-r", "48000", "-F", str(wave)]
            subprocess.run(
                ["fluidsynth", *options, str(font), str(data / "vgmidi" / row["file"])], check=True, capture_output=True
            )
            subprocess.run([*ffmpeg, "-i", str(wave), *plain, "-b:a", "96k", str(target)], check=True)
            wave.unlink()
        ratings[target.name] = (float(row["valence_mean"]), float(row["arousal_mean"]))
    for row in _locked_rows(data / "emotify"):
        target = out / f"piece-{len(ratings):03}.opus"
        if not target.exists():
            source = str(data / "emotify" / row["file"])
            subprocess.run([*ffmpeg, "-i", source, *plain, "-c", "copy", str(target)], check=True)
        shares = np.array([float(row[emotion]) for emotion in FELT])
        valence, arousal = shares @ np.array(list(FELT.values())) / shares.sum()
        ratings[target.name] = (float(valence), float(arousal))
    return ratings


def _locked_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a table whose files belong to the locked set."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if is_locked(row["file"])]


def scenes_of(film: Path, kept: Path) -> SceneSheet:
    """The analysis of a film, kept for another run with the same networks."""
    if kept.exists():
        scenes = soundtrack.read_scenes(kept)
        if scenes.model == current_model():
            return scenes
    scenes = analyse_video(film)
    kept.write_text(scenesheet.dumps(scenes), encoding="utf-8")
    return scenes


def read_of(scenes: SceneSheet) -> tuple[float, float]:
    """Valence and arousal of a film as they are read, the mean over its seconds."""
    lengths = [scene.span.duration_s for scene in scenes.scenes]
    rows = [(scene.emotion.valence, scene.emotion.arousal) for scene in scenes.scenes]
    valence, arousal = np.average(rows, axis=0, weights=lengths)
    return float(valence), float(arousal)


def line(name: str, chosen: Points, wanted: Points, apart: Points | None = None) -> str:
    """The figures of a choice: what was chosen and wanted for each film, shape (n, 2)."""
    distance = np.linalg.norm(chosen - wanted, axis=1) if apart is None else apart
    r = [
        f"{np.corrcoef(chosen[:, axis], wanted[:, axis])[0, 1]:.3f}" if np.ptp(chosen[:, axis]) > 0 else ""
        for axis in (0, 1)
    ]
    return f"| {name} | {distance.mean():.3f} | {r[0]} | {r[1]} |"


def nearest(wanted: Points, there: Points) -> npt.NDArray[np.int64]:
    """The nearest row of ``there`` for each row of ``wanted``."""
    return np.asarray(np.linalg.norm(wanted[:, None] - there[None], axis=2).argmin(axis=1), np.int64)


def compared(wanted: Points, read: Points, rated: Points, heard: Points) -> Sequence[str]:
    """The lines for comparison, from ratings and readings of films (n, 2) and of music (m, 2)."""
    apart = np.linalg.norm(wanted[:, None] - rated[None], axis=2)
    one = np.repeat(rated[None, apart.mean(axis=0).argmin()], len(wanted), axis=0)
    return (
        line("both rated", rated[nearest(wanted, rated)], wanted),
        line("film read, music rated", rated[nearest(read, rated)], wanted),
        line("film rated, music read", rated[nearest(wanted, heard)], wanted),
        line("both read", rated[nearest(read, heard)], wanted),
        line("one track for all", one, wanted),
        line("any track", np.repeat(rated.mean(axis=0)[None], len(wanted), axis=0), wanted, apart.mean(axis=1)),
    )


def main() -> None:
    """Make what is lacking, spot, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("font", type=Path, metavar="SOUNDFONT")
    parser.add_argument("work", type=Path)
    parser.add_argument("--n", type=int, help="number of films")
    args = parser.parse_args()
    if shutil.which("fluidsynth") is None:
        raise SystemExit("fluidsynth is missing: install it, for example with apt-get install fluidsynth")
    ratings = make_music(args.data, args.font, args.work / "music")
    index = args.work / "index"
    soundtrack.index(args.work / "music", index=index)
    all_tracks = soundtrack.search(mood="calm", n=len(ratings), allow_spoken=True, index=index)
    heard = {
        Path(found.track.path).name: (found.track.emotion.valence, found.track.emotion.arousal) for found in all_tracks
    }
    analyses = args.work / "analyses"
    analyses.mkdir(exist_ok=True)
    wanted, read, chosen, apart, winners = [], [], [], [], set()
    for film in rated_films(args.data, use="check")[: args.n]:
        scenes = scenes_of(args.data / film.file, analyses / f"{Path(film.file).stem}.json")
        sheet = soundtrack.spot(scenes, index=index)
        name_of = {track.track_id: Path(track.path).name for track in sheet.tracks}
        names = [name_of[cue.track_id] for cue in sheet.cues]
        if not names:
            continue
        place, lengths = np.array([film.valence, film.arousal]), [cue.span.duration_s for cue in sheet.cues]
        playing = np.array([ratings[name] for name in names])
        wanted.append(place)
        read.append(read_of(scenes))
        chosen.append(np.average(playing, axis=0, weights=lengths))
        apart.append(np.average(np.linalg.norm(playing - place, axis=1), weights=lengths))
        winners |= {*names}
    music = sorted(ratings)
    rated, listened = (np.array([of[name] for name in music]) for of in (ratings, heard))
    print(f"{len(wanted)} films with music, {len(music)} tracks, {len(winners)} of them used\n")
    print("| | apart | r valence | r arousal |\n| --- | --- | --- | --- |")
    print(line("tool", np.array(chosen), np.array(wanted), np.array(apart)))
    print("\n".join(compared(np.array(wanted), np.array(read), rated, listened)))


if __name__ == "__main__":
    main()
