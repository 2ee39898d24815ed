"""Cost of each step beside its floor and beside its usual alternative.

    python benchmarks/speed.py [--quick] [--folder DIR] [--parts NAME ...] [--tracks N] [--clips N] [--fresh]
        [--write PAGE] [--note TEXT]

Makes its inputs once, in a folder that it keeps; runs every command as a process of its own in interleaved rounds; and
writes the page. A run that was interrupted goes on where it was: every measurement is on the disk as soon as it was
taken. `--quick` takes a quarter of an hour on two cores, everything some hours.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import large
from clock import Book, Command, as_installed
from inputs import CODECS, HEIGHTS, Inputs
from page import write_page

from soundtrack.pipeline import current_model

HERE = Path(__file__).resolve().parent
SOUNDTRACK: list[str | Path] = [sys.executable, "-m", "soundtrack"]
PLAIN: list[str | Path] = [sys.executable, HERE / "plain.py"]
SCENEDETECT: list[str | Path] = [sys.executable, "-m", "scenedetect"]

ALONE = {"SOUNDTRACK_CONFIG": os.devnull, "SOUNDTRACK_CACHE": "0", "PYTHONWARNINGS": "ignore"}
"""Environment of every command: no settings of the user, nothing kept unless it is what is measured."""


@dataclass(frozen=True)
class Bench:
    """What all parts share."""

    inputs: Inputs
    book: Book
    quick: bool
    n_tracks: int
    n_clips: int

    @property
    def folder(self) -> Path:
        """Scratch."""
        return self.inputs.folder

    def decode(self, film: Path) -> Command:
        """The floor of everything that looks at a picture."""
        return [self.inputs.ffmpeg, "-v", "error", "-nostdin", "-i", film, "-map", "0:v:0", "-f", "null", "-"]

    def scenes(self, film: Path, name: str = "scenes.json") -> Command:
        """The whole analysis."""
        return [*SOUNDTRACK, "scenes", film, "-o", self.folder / name, "--force", "-q"]

    def index(self) -> Path:
        """An index of the demo's music, made when it is first needed, and again when the networks are others."""
        index = self.folder / "demo-index"
        if not self.is_made("demo-index"):
            self.prepare([*SOUNDTRACK, "index", self.inputs.demo.library, "--index", index, "--rebuild", "-q"])
            self.now_made("demo-index")
        return index

    def is_made(self, name: str) -> bool:
        """Whether something that depends on the networks was made with the present ones."""
        made = self.folder / f"{name}.made"
        return made.exists() and made.read_text() == current_model().sha256

    def now_made(self, name: str) -> None:
        """Note that it was."""
        (self.folder / f"{name}.made").write_text(current_model().sha256)

    def one_track_index(self, name: str) -> Path:
        """An index of one track, to be filled with copies."""
        index = self.folder / name
        if index.exists():
            shutil.rmtree(index)
        one = self.folder / "one"
        one.mkdir(exist_ok=True)
        shutil.copy(self.inputs.tracks(4)[0], one)
        self.prepare([*SOUNDTRACK, "index", one, "--index", index, "-q", "--jobs", "1"])
        return index

    def prepare(self, command: Command) -> None:
        """Run something that is not measured."""
        subprocess.run(
            [str(word) for word in command], check=True, env={**os.environ, **ALONE}, stdin=subprocess.DEVNULL
        )

    def rounds(self, part: str, commands: dict[str, Command], n: int, **environment: str) -> None:
        """Measure."""
        self.book.rounds(part, commands, n, **{**ALONE, **environment})


# --- parts ----


def start(bench: Bench) -> None:
    """How long until anything happens."""
    commands: dict[str, Command] = {
        "soundtrack --help": [*SOUNDTRACK, "--help"],
        "soundtrack --version": [*SOUNDTRACK, "--version"],
    }
    bench.rounds("start", commands, 5 if bench.quick else 15)


def minute(bench: Bench) -> None:
    """One minute of film, beside the alternatives."""
    film = bench.inputs.film(1)
    score = [*SOUNDTRACK, "score", film, "-o", bench.folder / "minute.mp4", "--index", bench.index(), "--force", "-q"]
    commands: dict[str, Command] = {
        "decode": bench.decode(film),
        "scenes": bench.scenes(film),
        "picture": [*PLAIN, "picture", film],
        "score": score,
        "scenedetect": [*SCENEDETECT, "-i", film, "-q", "detect-adaptive", "list-scenes", "-n"],
    }
    bench.rounds("minute", commands, 3)
    bench.rounds("minute", {"i3d": [*PLAIN, "i3d", film]}, 1)
    kept = bench.folder / "cache"
    environment = {"SOUNDTRACK_CACHE": "1", "XDG_CACHE_HOME": str(kept)}
    bench.prepare(["env", *(f"{name}={value}" for name, value in environment.items()), *score])
    bench.rounds("minute", {"score again": score}, 3, **environment)


def ten(bench: Bench) -> None:
    """Ten minutes of film."""
    film = bench.inputs.film(10)
    commands: dict[str, Command] = {
        "decode": bench.decode(film),
        "scenes": bench.scenes(film, "ten.scenes.json"),
        "picture": [*PLAIN, "picture", film],
    }
    if not bench.quick:
        commands["scenedetect"] = [*SCENEDETECT, "-i", film, "-q", "detect-adaptive", "list-scenes", "-n"]
    bench.rounds("ten", commands, 1 if bench.quick else 3)


def mux(bench: Bench) -> None:
    """Mixing and muxing ten minutes."""
    film = bench.inputs.film(10)
    out, cues = bench.folder / "ten.mp4", bench.folder / "ten.cues.json"
    if not cues.exists():
        scenes = bench.folder / "ten.scenes.json"
        if not scenes.exists():
            bench.prepare(bench.scenes(film, scenes.name))
        bench.prepare([*SOUNDTRACK, "spot", scenes, "-o", cues, "--index", bench.index(), "--force", "-q"])
    copy = ["-map", "0:v:0", "-map", "0:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "256k"]
    floor = [bench.inputs.ffmpeg, "-v", "error", "-nostdin", "-y", "-i", film, *copy, bench.folder / "copy.mp4"]
    render = [*SOUNDTRACK, "render", film, cues, "-o", out, "--force", "-q"]
    bench.rounds("mux", {"copy and AAC": floor, "render": render}, 3)


def batch(bench: Bench) -> None:
    """Clips of 20 s in one run, beside a run for each."""
    folder, n = bench.inputs.clips(bench.n_clips), bench.n_clips
    out, index = bench.folder / "clips-scored", bench.index()
    out.mkdir(exist_ok=True)
    words = [*map(str, SOUNDTRACK), "score"]
    rest = ["--index", str(index), "--force", "-q"]
    one = f'{shlex.join(words)} "$clip" -o "{out}/$(basename "$clip")" {shlex.join(rest)}'
    each = f'for clip in "{folder}"/*.mp4; do {one}; done'
    commands: dict[str, Command] = {
        "a run for each": ["sh", "-ec", each],
        "batch": [*words, "--batch", folder, "-o", out, *rest],
    }
    bench.rounds("batch", commands, 1 if bench.quick else 3)
    bench.book.note("batch", "clips", n)


def codecs(bench: Bench) -> None:
    """Other sizes and codecs, a minute each."""
    for codec in CODECS:
        for size in HEIGHTS:
            if not bench.inputs.has(codec) or (bench.quick and codec != "h264" and size != "1080p"):
                continue
            if bench.quick and size == "4K":
                continue
            film = bench.inputs.film(1, size, codec)
            part = f"codecs {codec} {size}"
            bench.rounds(part, {"decode": bench.decode(film), "scenes": bench.scenes(film)}, 1 if bench.quick else 3)


def index(bench: Bench) -> None:
    """Indexing music compared with decoding and with librosa."""
    tracks = bench.inputs.tracks(bench.n_tracks)
    few = tracks[: 4 if bench.quick else 20]
    folder = tracks[0].parent
    target = bench.folder / "bench-index"
    shutil.rmtree(target, ignore_errors=True)  # it may know other tracks
    words: list[str | Path] = ["index", "--rebuild", folder, "--index", target, "-q"]
    commands: dict[str, Command] = {
        "decode": [*PLAIN, "decode", *tracks],
        "index": [*SOUNDTRACK, *words],
        "librosa": [*PLAIN, "librosa", *few],
        "index, one process": [*SOUNDTRACK, *words, "--jobs", "1"],
        "index again": [*SOUNDTRACK, "index", folder, "--index", target, "-q"],
    }
    named = bench.folder / "bin" / "ffmpeg"  # librosa looks for that very name where it cannot read a format itself
    named.parent.mkdir(exist_ok=True)
    named.unlink(missing_ok=True)
    named.symlink_to(shutil.which(bench.inputs.ffmpeg) or bench.inputs.ffmpeg)
    path = f"{named.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    bench.rounds("index", commands, 2 if bench.quick else 3, PATH=path)
    bench.book.note("index", "tracks", len(tracks))
    bench.book.note("index", "librosa tracks", len(few))


def files(bench: Bench) -> None:
    """A second look at twenty thousand files."""
    folder, target = bench.folder / "files", bench.folder / "files-index"
    if not bench.is_made("files-index"):
        shutil.rmtree(folder, ignore_errors=True)
        large.make_files(folder, bench.one_track_index("files-index"))
        bench.now_made("files-index")
    bench.rounds("files", {"index again": [*SOUNDTRACK, "index", folder, "--index", target, "-q"]}, 3)


def search(bench: Bench) -> None:
    """A million segments."""
    target = bench.folder / "million"
    if not bench.is_made("million"):
        large.make_search(bench.one_track_index("million"))
        bench.now_made("million")
    done = subprocess.run(
        [sys.executable, HERE / "large.py", "search", target],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ALONE, "OMP_NUM_THREADS": "1"},
    )
    facts = json.loads(done.stdout)
    for name in ("segments", "open_s", "recall"):
        bench.book.note("search", name, facts[name])
    for value in facts["query_s"]:
        bench.book.note("search", "query_s", value)


def memory(bench: Bench) -> None:
    """A film of three hours beside one of ten minutes, for the memory."""
    commands: dict[str, Command] = {
        "10 minutes": bench.scenes(bench.inputs.film(10, "360p")),
        "180 minutes": bench.scenes(bench.inputs.film(180, "360p")),
    }
    bench.rounds("memory", commands, 1)


PARTS: dict[str, Callable[[Bench], None]] = {
    "start": start,
    "minute": minute,
    "ten": ten,
    "mux": mux,
    "batch": batch,
    "index": index,
    "files": files,
    "search": search,
    "codecs": codecs,
    "memory": memory,
}
"""By name, in the order in which they run."""

NOT_QUICK = {"memory"}


def main() -> None:
    """Make, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, tracks and films")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "soundtrack-bench")
    parser.add_argument("--parts", nargs="+", choices=sorted(PARTS), default=None)
    parser.add_argument("--tracks", type=int, default=None, help="how many tracks to index; default 200, quick 16")
    parser.add_argument("--clips", type=int, default=None, help="how many clips to score; default 200, quick 10")
    parser.add_argument("--fresh", action="store_true", help="forget what an interrupted run measured")
    parser.add_argument("--inputs-only", action="store_true", help="make the films and tracks and measure nothing")
    parser.add_argument("--write", type=Path, help="page to write")
    parser.add_argument("--note", default="", help="a sentence on the conditions, for the page")
    options = parser.parse_args()
    as_installed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes the command that is running with it
    inputs = Inputs(options.folder)
    state = options.folder / f"measured{'-quick' if options.quick else ''}.json"
    if options.fresh:
        state.unlink(missing_ok=True)
    n_tracks, n_clips = (
        options.tracks or (16 if options.quick else 200),
        options.clips or (10 if options.quick else 200),
    )
    bench = Bench(inputs, Book(state), options.quick, n_tracks, n_clips)
    chosen = options.parts or [name for name in PARTS if not (options.quick and name in NOT_QUICK)]
    if options.inputs_only:
        for minutes in (1, 10):
            inputs.film(minutes)
        for codec in CODECS:
            for size in ["1080p"] if options.quick else list(HEIGHTS):
                if inputs.has(codec):
                    inputs.film(1, size, codec)
        inputs.film(1, "360p")
        inputs.tracks(bench.n_tracks)
        return
    for name in chosen:
        try:
            PARTS[name](bench)
        except (subprocess.CalledProcessError, OSError, ValueError) as error:
            sys.stderr.write(f"part {name} could not be measured: {error}\n")
    text = write_page(bench.book, quick=options.quick, note=options.note)
    sys.stdout.write(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
        if options.parts is None:
            bench.book.finish()


if __name__ == "__main__":
    main()
