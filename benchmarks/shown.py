"""Measure the rows of "Speed beside the aims" in docs/benchmarks.md and print them as a table.

    python benchmarks/shown.py [--quick] [--folder DIR] [--minutes N] [--rounds N] [--budget MINUTES] [--rows NAME ...]

Inputs are made once, in a folder that is kept, and the time for it counts. Then every row is measured once, then every
row again, until there are `--rounds` rounds or the budget is spent: an early end costs rounds and no rows. Within a row
a round runs the floor, the tool and its peers one after the other, each as a process of its own, its start included.
`--quick` takes films of 3 minutes and 1 minute, 8 tracks and 10 clips, and 15 minutes in all on two quiet cores;
without it the films have 10 minutes, there are 32 tracks and 40 clips, and it takes some hours. A run that was
interrupted goes on where it was; `--fresh` begins again. Models that the user fetched are not used, as in a new
installation: the networks of faces, where they are installed, cost 0.02 s for each still of a film (one in 4 s).

Printed for each row: the aim, the median and the range of the rounds, whether it is met; then all commands with their
seconds on the clock and of the processor, the largest process, and for the index the memory of all processes together.
The floors are a full decode by ffmpeg and a decode in one Python process (PyAV); the peers are PySceneDetect's command
line and librosa's usual calls.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clock import Book, Command, as_installed, shown
from inputs import Inputs
from page import machine
from speed import ALONE, PLAIN, SCENEDETECT, SOUNDTRACK

from soundtrack.pipeline import current_model

Value = Callable[[Book, str], list[float]]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    aim: str
    """In words, as printed."""
    limit: float
    """The aim as a number."""
    value: Value
    """One number a round."""
    commands: dict[str, Command]
    """What a round runs, in this order."""
    environment: dict[str, str] = field(default_factory=dict)
    at_least: bool = False
    unit: str = "x"


def ratio(name: str, floor: str, *, cpu: bool = True) -> Value:
    """Times the floor."""
    return lambda book, part: book.ratio(part, name, floor, cpu=cpu)


def seconds(name: str, *, of: float = 1.0, cpu: bool = True) -> Value:
    """Seconds for each of some things."""
    return lambda book, part: [(run.cpu_s if cpu else run.wall_s) / of for run in book.runs(part, name)]


class Table:
    """Makes inputs and rows on demand."""

    def __init__(self, inputs: Inputs, *, quick: bool, minutes: float) -> None:
        self.inputs, self.quick, self.minutes = inputs, quick, minutes
        self.n_tracks, self.n_clips = (8, 10) if quick else (32, 40)
        self.folder = inputs.folder
        self.alone = {**ALONE, "XDG_CACHE_HOME": str(self.folder / "shown-new-cache")}

    def run(self, command: Command, **environment: str) -> None:
        """Run what is not measured."""
        subprocess.run(
            [str(word) for word in command],
            check=True,
            env={**os.environ, **self.alone, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def decode(self, film: Path) -> Command:
        """A full decode of the picture by ffmpeg."""
        return [self.inputs.ffmpeg, "-v", "error", "-nostdin", "-i", film, "-map", "0:v:0", "-f", "null", "-"]

    def scenes(self, film: Path, *words: str) -> Command:
        """The whole analysis."""
        return [*SOUNDTRACK, "scenes", *words, film, "-o", self.folder / "shown.json", "--force", "-q"]

    @property
    def index(self) -> Path:
        """An index of the demo's music by the present networks."""
        index = self.folder / f"shown-index-{current_model().sha256[:8]}"
        if not index.exists():
            self.run([*SOUNDTRACK, "index", self.inputs.demo.library, "--index", index, "-q"])
        return index

    def films(self) -> Iterator[Row]:
        """Analysis beside decoding."""
        aims = {"h264": 1.0, "h264-no-b": 1.25, "hevc": 1.0, "av1": 1.0, "vp9": 1.25}
        names = {"h264": "h264 with B frames", "h264-no-b": "h264 without B frames"}
        for codec, limit in aims.items():
            if not self.inputs.has(codec):
                continue
            minutes = self.minutes if codec == "h264" or not self.quick else min(1.0, self.minutes)
            film = self.inputs.film(minutes, codec=codec)
            commands: dict[str, Command] = {
                "full decode": self.decode(film),
                "decode in process": [*PLAIN, "inside", film],
                "scenes": self.scenes(film),
            }
            if codec == "h264":
                commands["PySceneDetect"] = [*SCENEDETECT, "-i", film, "-q", "detect-adaptive", "list-scenes", "-n"]
                commands["draft"] = self.scenes(film, "--draft")
            told = f"analysis of {minutes:g} min of 1080p {names.get(codec, codec)}, processor, beside a full decode"
            yield Row(told, f"at most {limit:g} x", limit, ratio("scenes", "full decode"), commands)
            if codec == "h264":
                yield Row("draft of the same film", "at most 0.15 x", 0.15, ratio("draft", "full decode"), {})
        film = self.inputs.film(self.minutes, "360p")
        yield Row(
            f"analysis of {self.minutes:g} min of 360p h264, on the clock, beside a full decode",
            "at most 2.5 x",
            2.5,
            ratio("scenes", "full decode", cpu=False),
            {
                "full decode": self.decode(film),
                "decode in process": [*PLAIN, "inside", film],
                "scenes": self.scenes(film),
            },
        )

    def small(self) -> Iterator[Row]:
        """Films of ten seconds."""
        folder, n = self.inputs.clips(6, length_s=10), 6
        clip = sorted(folder.glob("*.mp4"))[0]
        rest = ["--index", self.index, "--force", "-q"]
        score = [*SOUNDTRACK, "score", clip, "-o", self.folder / "small.mp4", *rest]
        told = "a film of 10 s, 360p, processor"
        yield Row(f"{told}: `score`", "at most 4 s", 4.0, seconds("score"), {"score": score}, unit="s")
        kept = {"SOUNDTRACK_CACHE": "1", "XDG_CACHE_HOME": str(self.folder / "shown-cache")}
        self.run(score, **kept)
        yield Row(f"{told}: `score` again", "at most 1.5 s", 1.5, seconds("again"), {"again": score}, kept, unit="s")
        out = self.folder / "small-scored"
        out.mkdir(exist_ok=True)
        batch = [*SOUNDTRACK, "score", "--batch", folder, "-o", out, *rest]
        told = f"{n} films of 10 s, 360p, in a batch, processor for each"
        yield Row(told, "at most 1.5 s", 1.5, seconds("batch", of=n), {"batch": batch}, unit="s")

    def batch(self) -> Iterator[Row]:
        """Clips of 20 s."""
        folder, n = self.inputs.clips(self.n_clips), self.n_clips
        out = self.folder / "clips-scored"
        out.mkdir(exist_ok=True)
        words, rest = [*map(str, SOUNDTRACK), "score"], ["--index", str(self.index), "--force", "-q"]
        one = f'{shlex.join(words)} "$clip" -o "{out}/$(basename "$clip")" {shlex.join(rest)}'
        commands: dict[str, Command] = {
            "a run for each": ["sh", "-ec", f'for clip in "{folder}"/*.mp4; do {one}; done'],
            "batch": [*words, "--batch", folder, "-o", out, *rest],
        }
        for how, cpu in (("processor", True), ("on the clock", False)):
            told = f"{n} clips of 20 s in a batch, times less than a run for each, {how}"
            value = ratio("a run for each", "batch", cpu=cpu)
            yield Row(told, "at least 3 x", 3.0, value, commands if cpu else {}, at_least=True)

    def music(self) -> Iterator[Row]:
        """Indexing."""
        tracks = self.inputs.tracks(self.n_tracks)
        few = tracks[: 4 if self.quick else 8]
        target = self.folder / "shown-tracks-index"
        shutil.rmtree(target, ignore_errors=True)  # an interrupted run may have left it half
        commands: dict[str, Command] = {
            "decode by ffmpeg": [*PLAIN, "decode", *tracks],
            "decode in process": [*PLAIN, "inside", *tracks],
            "index": [*SOUNDTRACK, "index", "--rebuild", tracks[0].parent, "--index", target, "-q"],
            f"librosa on {len(few)} of them": [*PLAIN, "librosa", *few],
        }
        told = f"index of {len(tracks)} tracks of 210 s (mp3, flac, opus, m4a), processor for each"
        yield Row(told, "at most 0.6 s", 0.6, seconds("index", of=len(tracks)), commands, unit="s")

    def mux(self) -> Iterator[Row]:
        """Mixing and muxing ten minutes, cues from a draft."""
        film, cues = self.inputs.film(10), self.folder / "shown.cues.json"
        if not cues.exists():
            self.run(self.scenes(film, "--draft"))
            scenes = self.folder / "shown.json"
            self.run([*SOUNDTRACK, "spot", scenes, "-o", cues, "--index", self.index, "--force", "-q"])
        copy = ["-map", "0:v:0", "-map", "0:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "256k"]
        commands: dict[str, Command] = {
            "copy and AAC": [
                *(self.inputs.ffmpeg, "-v", "error", "-nostdin", "-y", "-i", film),
                *(*copy, self.folder / "copy.mp4"),
            ],
            "render": [*SOUNDTRACK, "render", film, cues, "-o", self.folder / "rendered.mp4", "--force", "-q"],
        }
        for how, cpu in (("processor", True), ("on the clock", False)):
            told = f"mix and mux of 10 min of 1080p, {how}, beside copy and AAC"
            value = ratio("render", "copy and AAC", cpu=cpu)
            yield Row(told, "at most 1.25 x", 1.25, value, commands if cpu else {})


PARTS = ("films", "small", "batch", "music", "mux")


@contextlib.contextmanager
def all_memory() -> Iterator[list[float]]:
    """The largest sum of what all processes below this one hold, in MiB, shared pages divided, every 0.2 s."""
    found = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            found[0] = max(found[0], sum(_held_mib(pid) for pid in _below(os.getpid())))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def _below(pid: int) -> list[int]:
    """All processes that come from one."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _held_mib(pid: int) -> float:
    """Memory of a process, its share of what it shares."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0


def measure(rows: list[Row], book: Book, alone: dict[str, str], *, rounds: int, ends: float) -> list[float]:
    """Row by row, round by round, until the time is spent; the loads that were seen before each row."""
    loads = []
    longest: dict[str, float] = {}
    for k in range(1, rounds + 1):
        for row in rows:
            if k > 1 and time.monotonic() + longest.get(row.name, 0.0) > ends:
                continue
            loads.append(os.getloadavg()[0])
            began = time.monotonic()
            if "index" in row.commands and not book.numbers(row.name, "memory"):
                with all_memory() as held:
                    book.rounds(row.name, row.commands, k, **{**alone, **row.environment})
                book.note(row.name, "memory", held[0])
            else:
                book.rounds(row.name, row.commands, k, **{**alone, **row.environment})
            longest[row.name] = max(longest.get(row.name, 0.0), time.monotonic() - began)
    return loads


def printed(rows: list[Row], book: Book, loads: list[float]) -> str:
    """Both tables as Markdown."""
    head = ["", "aim", "measured", "rounds", "met"]
    lines = [f"Machine: {machine()}. Load before each row: {shown(loads)}.", ""]
    lines += ["| " + " | ".join(head) + " |", "| --- | --- | --- | --- | --- |"]
    part = ""
    for row in rows:
        part = row.name if row.commands else part  # a row without commands reads those before it
        values = row.value(book, part)
        met = "failed"
        if values:
            middle = statistics.median(values)
            met = "yes" if (middle >= row.limit if row.at_least else middle <= row.limit) else "**no**"
        lines.append(f"| {row.name} | {row.aim} | {shown(values, 2)} {row.unit} | {len(values)} | {met} |")
    lines += [
        "",
        "| row | command | clock, s | processor, s | largest process, MiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for i, name in enumerate(row.commands):
            runs = book.runs(row.name, name)
            times = f"{shown([r.wall_s for r in runs])} | {shown([r.cpu_s for r in runs])}"
            peak = shown([max(r.peak_mib for r in runs)], 0) if runs else ""
            lines.append(f"| {'' if i else row.name} | {name} | {times} | {peak} |")
        if memory := book.numbers(row.name, "memory"):
            lines.append(f"| | all processes of that row together | | | {memory[0]:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short films, few tracks, at most 15 minutes")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "soundtrack-shown")
    parser.add_argument(
        "--minutes", type=float, default=None, help="length of the films; default 10, quick 3; 0.2 tries it out"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=None, help="minutes in all; default none, quick 14")
    parser.add_argument("--rows", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--fresh", action="store_true", help="forget what an interrupted run measured")
    options = parser.parse_args()
    as_installed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes the command that is running with it
    minutes = options.minutes or (3.0 if options.quick else 10.0)
    budget = options.budget if options.budget is not None else (14.0 if options.quick else float("inf"))
    ends = time.monotonic() + 60 * budget
    inputs = Inputs(options.folder)
    state = options.folder / f"shown-{minutes:g}{'-quick' if options.quick else ''}.json"
    if options.fresh:
        state.unlink(missing_ok=True)
    table = Table(inputs, quick=options.quick, minutes=minutes)
    rows = [row for name in options.rows for row in getattr(table, name)()]
    book = Book(state)
    loads = measure(rows, book, table.alone, rounds=options.rounds, ends=ends)
    sys.stdout.write(printed(rows, book, loads))
    (options.folder / "shown.loads.json").write_text(json.dumps(loads))


if __name__ == "__main__":
    main()
