"""Evaluation of cue sheets of whole films: wanted and playing moods, returns, silence.

Usage: python benchmarks/whole_films.py DATA WORK [--index DIR] [--films NAME ...] [--json FILE] [--sheets DIR]
                                        [--set ROW=WEIGHT ...]

Joins the films of ``whole_films.json`` from clips of DATA with ffmpeg, once, and asks the tool for their scenes and
their cue sheets with the music of DATA/music; WORK keeps films, analyses and the index, so that a second run only
spots. The wanted mood of every stretch and the place of every tag on the plane of valence and arousal were written
down before the first run: the moods by looking at the clips, the tags by hand, near the Glasgow norms (Scott et al.
2019) where those mean the feeling and not another sense of the word. No clip is of the locked set; the networks were
taught with most of them, so that the table judges the decision rather than the reading. Most tags of the music are
read off its titles, which the tool may read as well.

Columns: **apart** is the mean distance on that plane between the tags of what plays and what is wanted, over the
seconds with music; **one** is that of the best single track under the whole film, **best** that of the best track for
each stretch and **random** that of a random one. **turns** counts the cuts between stretches whose wanted moods are
more than 0.5 apart, and those with a cue's start or end within a second. **greatest** says whether a cue
starts or ends within two seconds of the greatest of these (the scenes that the tool sees may begin a shot later).
**silence** is the share without music, **thin** that with speech over a bed that is ducked under it. **mid** counts the
cues that start inside a spoken sentence.

Below the table is the blind pool: every cue under every stretch, with the choice of the tool, its runners-up and all
of the music in turn, judged by tags alone: yes if the piece is at most `TURN` from the wanted mood. With ``--require``
the command fails where fewer than that share of the choices, by seconds, are a yes.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import soundtrack
from soundtrack.documents import scenesheet
from soundtrack.documents.cuesheet import dumps
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.audio import read_audio
from soundtrack.pipeline import current_model
from soundtrack.pipeline.film.analyse import analyse_video
from soundtrack.settings import SpottingSettings
from soundtrack.types import CueSheet

LIST = Path(__file__).with_name("whole_films.json")
WIDTH, HEIGHT, FPS = 320, 180, 25
RATE_HZ = 48_000
TURN, NEAR_S = 0.5, 1.0
"""Wanted moods further apart than this make a turning point; so near a cue starts or ends there."""
LEAD_S, PAUSE_S, SENTENCE_MARGIN_S = 1.0, 0.8, 0.5
"""Silence before the first sentence of a stretch, between two, and how far inside one a cue enters in mid-sentence."""

COLUMNS = (
    *("film", "min", "apart", "one", "best", "random", "cues", "a minute", "median s"),
    *("tracks", "returns", "silence", "thin", "turns", "greatest", "mid"),
)

Point = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """A part of a film with one wanted mood."""

    start_s: float
    end_s: float
    mood: str
    clips: tuple[str, ...]


@dataclass(frozen=True)
class FilmPlan:
    """A film of the list."""

    name: str
    kind: str
    sound: bool
    stretches: tuple[Stretch, ...]

    @property
    def length_s(self) -> float:
        """In seconds."""
        return self.stretches[-1].end_s


@dataclass(frozen=True)
class Judged:
    """The figures of one cue sheet."""

    name: str
    minutes: float
    apart: float
    one: float
    best: float
    random: float
    cues: int
    per_minute: float
    median_s: float
    tracks: int
    returns: int
    silence: float
    thin: float
    turns: int
    turned: int
    greatest: bool | None
    mid: int


def read_plans(document: Mapping[str, object]) -> list[FilmPlan]:
    """The films of the list, their stretches on the film's clock."""
    plans = []
    for film in document["films"]:  # type: ignore[attr-defined]
        ends = list(itertools.accumulate(float(seconds) for _, seconds, _ in film["stretches"]))
        stretches = tuple(
            Stretch(start, end, mood, tuple(clips))
            for start, end, (mood, _, clips) in zip([0.0, *ends], ends, film["stretches"], strict=False)
        )
        plans.append(FilmPlan(film["name"], film["kind"], film["sound"], stretches))
    return plans


def sentences(plan: FilmPlan, voices: Sequence[Sequence[object]]) -> list[tuple[float, float, int]]:
    """Where each spoken sentence starts and ends, and which voice it is."""
    found = []
    which = itertools.cycle(range(len(voices)))
    for stretch in plan.stretches if plan.sound else ():
        at_s = stretch.start_s + LEAD_S
        while stretch.mood == "talk":
            voice = next(which)
            end_s = at_s + float(voices[voice][2])  # type: ignore[arg-type]
            if end_s > stretch.end_s - LEAD_S / 2:
                break
            found.append((at_s, end_s, voice))
            at_s = end_s + PAUSE_S
    return found


def make_film(plan: FilmPlan, voices: Sequence[Sequence[object]], data: Path, out: Path) -> None:
    """The film, joined from its clips."""
    inputs, chains = [], []
    for stretch in plan.stretches:
        share_s = (stretch.end_s - stretch.start_s) / len(stretch.clips)
        for clip in stretch.clips:
            inputs += ["-stream_loop", "-1", "-t", f"{share_s}", "-i", str(data / clip)]
            number = len(chains)
            chains.append(
                f"[{number}:v:0]fps={FPS},scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,"
                f"pad={WIDTH}:{HEIGHT}:-1:-1,setsar=1,trim=duration={share_s},setpts=PTS-STARTPTS[v{number}]"
            )
    joined = "".join(f"[v{i}]" for i in range(len(chains))) + f"concat=n={len(chains)}[v]"
    sound: list[str] = []
    if plan.sound:
        rng = np.random.default_rng(1)
        samples = (rng.standard_normal(round(plan.length_s * RATE_HZ)) * 2e-4).astype(np.float32)
        for start_s, _, voice in sentences(plan, voices):
            name, from_s, seconds = voices[voice]
            part = read_audio(
                data / str(name),
                sample_rate_hz=RATE_HZ,
                channels=1,
                start_s=float(from_s),
                duration_s=float(seconds),  # type: ignore[arg-type]
            )[0]
            first = round(start_s * RATE_HZ)
            samples[first : first + len(part)] += part[: len(samples) - first]
        raw = out.with_suffix(".f32")
        raw.write_bytes(samples.tobytes())
        inputs += ["-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1", "-i", str(raw)]
        sound = ["-map", f"{len(chains)}:a", "-c:a", "aac", "-b:a", "96k"]
    codec = ["-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-g", "50"]
    target = out.with_name(f"part-{out.name}")
    subprocess.run(
        [
            *(str(ffmpeg_path()), "-nostdin", "-v", "error", "-y", *inputs),
            *("-filter_complex", ";".join([*chains, joined]), "-map", "[v]", *sound, *codec, str(target)),
        ],
        check=True,
    )
    out.with_suffix(".f32").unlink(missing_ok=True)
    target.rename(out)


def places_of(manifest: Path, tags: Mapping[str, Sequence[float]]) -> dict[str, Point]:
    """Place on the plane of each file of music, the mean of its tags."""
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["file"]: np.mean([tags[tag] for tag in row["mood_tags"].split(";")], axis=0) for row in rows}


def judge(
    plan: FilmPlan,
    sheet: CueSheet,
    *,
    wanted: Mapping[str, Point],
    places: Mapping[str, Point],
    spoken: Sequence[tuple[float, float, int]],
) -> Judged:
    """The figures of one cue sheet.

    Parameters
    ----------
    plan : FilmPlan
        What is wanted, and where.
    sheet : CueSheet
        What the tool made of it.
    wanted : mapping
        Place of each mood on the plane of valence and arousal.
    places : mapping
        Place of each file of music, by its name.
    spoken : sequence of (start, end, voice)
        The sentences, on the film's clock.
    """
    name_of = {track.track_id: Path(track.path).name for track in sheet.tracks}
    distances, seconds = [], []
    for cue, stretch in itertools.product(sheet.cues, plan.stretches):
        overlap_s = min(cue.span.end_s, stretch.end_s) - max(cue.span.start_s, stretch.start_s)
        if overlap_s > 0:
            distances.append(float(np.linalg.norm(places[name_of[cue.track_id]] - wanted[stretch.mood])))
            seconds.append(overlap_s)
    lengths = np.array([s.end_s - s.start_s for s in plan.stretches])
    every = np.array([[np.linalg.norm(p - wanted[s.mood]) for s in plan.stretches] for p in places.values()])
    with_music = np.zeros(round(plan.length_s * 100), np.bool_)
    for cue in sheet.cues:
        with_music[round(cue.span.start_s * 100) : round(cue.span.end_s * 100)] = True
    spoken_at = np.zeros(len(with_music), np.bool_)
    for start_s, end_s, _ in spoken:
        spoken_at[round(start_s * 100) : round(end_s * 100)] = True
    sizes = {
        b.start_s: float(np.linalg.norm(wanted[a.mood] - wanted[b.mood])) for a, b in itertools.pairwise(plan.stretches)
    }
    turns = [turn for turn, size in sizes.items() if size > TURN]
    most = [turn for turn in turns if sizes[turn] > max(sizes.values()) - 1e-6]
    marks = [t for cue in sheet.cues for t in (cue.span.start_s, cue.span.end_s)]
    order = [cue.track_id for cue in sheet.cues]
    return Judged(
        name=plan.name,
        minutes=plan.length_s / 60,
        apart=float(np.average(distances, weights=seconds)) if seconds else float("nan"),
        one=float((every @ lengths).min() / lengths.sum()),
        best=float(np.average(every.min(axis=0), weights=lengths)),
        random=float(np.average(every.mean(axis=0), weights=lengths)),
        cues=len(sheet.cues),
        per_minute=60 * len(sheet.cues) / plan.length_s,
        median_s=statistics.median([cue.span.duration_s for cue in sheet.cues] or [0.0]),
        tracks=len(set(order)),
        returns=len(order) - len(set(order)),
        silence=1 - float(with_music.mean()),
        thin=float((with_music & spoken_at).mean()),
        turns=len(turns),
        turned=sum(any(abs(mark - turn) <= NEAR_S for mark in marks) for turn in turns),
        greatest=any(abs(mark - turn) <= 2 * NEAR_S for mark in marks for turn in most) if most else None,
        mid=sum(
            any(a + SENTENCE_MARGIN_S < cue.span.start_s < b - SENTENCE_MARGIN_S for a, b, _ in spoken)
            for cue in sheet.cues
        ),
    )


def blind_pool(
    plan: FilmPlan, sheet: CueSheet, *, wanted: Mapping[str, Point], places: Mapping[str, Point]
) -> npt.NDArray[np.float64]:
    """Seconds with a yes for choices, runners-up (the mean of a cue's) and all music (the mean), and seconds in all."""
    name_of = {track.track_id: Path(track.path).name for track in sheet.tracks}
    total = np.zeros(4)
    for cue, stretch in itertools.product(sheet.cues, plan.stretches):
        overlap_s = min(cue.span.end_s, stretch.end_s) - max(cue.span.start_s, stretch.start_s)
        if overlap_s <= NEAR_S:
            continue
        good = {name: float(np.linalg.norm(place - wanted[stretch.mood]) <= TURN) for name, place in places.items()}
        others = [good[name_of[other.track_id]] for other in sheet.alternatives if other.cue_id == cue.cue_id]
        yes = (good[name_of[cue.track_id]], float(np.mean(others or [0.0])), float(np.mean([*good.values()])), 1.0)
        total += overlap_s * np.array(yes)
    return total


def _cells(r: Judged) -> list[str]:
    """The row of one film."""
    apart = [f"{x:.2f}" for x in (r.apart, r.one, r.best, r.random)]
    counts = [str(r.cues), f"{r.per_minute:.2f}", f"{r.median_s:.0f}", str(r.tracks), str(r.returns)]
    greatest = {None: "", True: "yes", False: "no"}[r.greatest]
    turns = [f"{r.turned}/{r.turns}", greatest, str(r.mid)]
    return [r.name, f"{r.minutes:.1f}", *apart, *counts, f"{r.silence:.0%}", f"{r.thin:.0%}", *turns]


def table(rows: Sequence[Judged]) -> str:
    """The figures for people."""
    minutes = sum(r.minutes for r in rows)
    heard = [r for r in rows if r.cues]

    def mean(name: str) -> float:
        return float(np.mean([getattr(r, name) for r in heard])) if heard else float("nan")

    cells = [_cells(r) for r in rows]
    n_cues, silent = sum(r.cues for r in rows), sum(r.silence * r.minutes for r in rows)
    thin, most = sum(r.thin * r.minutes for r in rows), [r.greatest for r in rows if r.greatest is not None]
    last = ["**all**", f"{minutes:.1f}", *(f"{mean(name):.3f}" for name in ("apart", "one", "best", "random"))]
    last += [str(n_cues), f"{n_cues / minutes:.2f}", f"{mean('median_s'):.0f}", f"{mean('tracks'):.1f}"]
    last += [str(sum(r.returns for r in rows)), f"{silent / minutes:.0%}", f"{thin / minutes:.0%}"]
    last += [f"{sum(r.turned for r in rows)}/{sum(r.turns for r in rows)}", f"{sum(most)}/{len(most)}"]
    last += [str(sum(r.mid for r in rows))]
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *cells, last]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Make what is lacking, spot, print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--index", type=Path)
    asked.add_argument("--films", nargs="*", default=[])
    asked.add_argument("--json", type=Path)
    asked.add_argument("--sheets", type=Path)
    asked.add_argument("--require", type=float, default=0.0, metavar="SHARE", help="least share of yes, such as 0.6")
    asked.add_argument("--set", nargs="*", default=[], metavar="ROW=WEIGHT", help="merit.mood=0.7 plan.repeat=-2")
    given = asked.parse_args()
    document = json.loads(LIST.read_text(encoding="utf-8"))
    wanted = {mood: np.array(place) for mood, place in document["moods"].items()}
    places = places_of(given.data / "music" / "manifest.csv", document["tags"])
    settings = SpottingSettings()
    for change in given.set:
        row, _, weight = change.partition("=")
        which, _, name = row.partition(".")
        changed = getattr(settings, which).adjusted({name: float(weight)})
        settings = SpottingSettings(**{"merit": settings.merit, "plan": settings.plan, which: changed})
    given.work.mkdir(parents=True, exist_ok=True)
    index = given.index or given.work / "index"
    if given.index is None:
        soundtrack.index(given.data / "music", index=index)
    rows, pool = [], np.zeros(4)
    for plan in read_plans(document):
        if given.films and plan.name not in given.films:
            continue
        film = given.work / f"{plan.name}.mkv"
        if not film.exists():
            make_film(plan, document["voices"], given.data, film)
        kept = given.work / f"{plan.name}.scenes.json"
        scenes = soundtrack.read_scenes(kept) if kept.exists() else None
        if scenes is None or scenes.model != current_model():
            scenes = analyse_video(film, cache=given.work / "cache")
            kept.write_text(scenesheet.dumps(scenes), encoding="utf-8")
        sheet = soundtrack.spot(scenes, index=index, settings=settings)
        if given.sheets:
            given.sheets.mkdir(parents=True, exist_ok=True)
            (given.sheets / f"{plan.name}.json").write_text(dumps(sheet), encoding="utf-8")
        spoken = sentences(plan, document["voices"])
        rows.append(judge(plan, sheet, wanted=wanted, places=places, spoken=spoken))
        pool += blind_pool(plan, sheet, wanted=wanted, places=places)
    print(table(rows))
    chosen, second, random = pool[:3] / max(pool[3], 1e-9)
    print(f"\nblind pool, share of yes: choices {chosen:.0%}, runners-up {second:.0%}, random {random:.0%}")
    if given.json:
        given.json.write_text(json.dumps([vars(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    if chosen < given.require:
        raise SystemExit(f"{chosen:.0%} of the choices are a yes, at least {given.require:.0%} must be")


if __name__ == "__main__":
    main()
