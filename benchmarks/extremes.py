"""Memory, CPU time and wall-clock time for the longest and largest inputs.

    python benchmarks/extremes.py [--folder DIR] [--parts films sounds pictures tracks ...]

Makes its inputs in a folder that it keeps, and prints a table for each part as it is done. Films are one minute of the
demo's film at 320 x 180, repeated without encoding it again; music is five minutes of the demo's, repeated likewise.
With everything it takes an hour on two cores without a GPU, most of it the film of three hours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from inputs import Inputs
from memory import Peak, watched

LARGE: list[str | Path] = [sys.executable, Path(__file__).with_name("large.py")]
SOUNDTRACK: list[str | Path] = [sys.executable, "-m", "soundtrack"]
ALONE = {
    "SOUNDTRACK_CONFIG": os.devnull,
    "SOUNDTRACK_CACHE": "0",
    "PYTHONWARNINGS": "ignore",
}
"""Environment of every command."""
MINUTES = (10, 60, 180)
"""Lengths of films."""
SIZES = {"4K": "3840x2160", "8K": "7680x4320"}
CODECS = {"h264": ["-c:v", "libx264", "-preset", "ultrafast"], "hevc": ["-c:v", "libx265", "-preset", "ultrafast"]}
HEAD = "| input | command | clock, s | processor, s | all processes, MiB | the tool itself, MiB |"


class Bench:
    """Inputs on demand, an index of the demo's music, and rows.

    Parameters
    ----------
    folder : Path
        Where everything lies and stays.
    """

    def __init__(self, folder: Path) -> None:
        self.inputs, self.folder = Inputs(folder), folder

    def index(self) -> Path:
        """Of the demo's music."""
        index = self.folder / "music-index"
        if not index.exists():
            self.take([*SOUNDTRACK, "index", self.inputs.demo.library, "--index", index, "-q"])
        return index

    def make(self, name: str, words: Sequence[str | Path]) -> Path:
        """A file that ffmpeg writes, once."""
        target = self.folder / name
        if not target.exists():
            part = target.with_name(f"part-{name}")
            subprocess.run([self.inputs.ffmpeg, "-v", "error", "-y", *words, part], check=True)
            part.replace(target)
        return target

    @staticmethod
    def take(command: Sequence[str | Path]) -> Peak:
        """Measure a command that must go well."""
        peak = watched(command, environment=ALONE)
        if peak.status:
            raise RuntimeError(f"{command} ended with {peak.status}: {peak.said}")
        return peak

    def row(self, what: str, words: Sequence[str | Path]) -> None:
        """Measure a command of the tool and print what it took."""
        peak = self.take([*SOUNDTRACK, *words, "-q"])
        numbers = (peak.wall_s, peak.cpu_s, peak.all_mib, peak.own_mib)
        print(f"| {what} | `{words[0]}` | " + " | ".join(f"{number:.0f}" for number in numbers) + " |", flush=True)

    def film_rows(self, what: str, film: Path) -> None:
        """A film through both commands."""
        self.row(what, ["scenes", film, "-o", self.folder / "out.json", "--force"])
        self.row(what, ["score", film, "-o", self.folder / f"out{film.suffix}", "--index", self.index(), "--force"])


def films(bench: Bench) -> None:
    """Ten minutes, an hour, three hours; the last in Matroska as well, which needs no table of all its packets."""
    small = ["-vf", "scale=320:180", *CODECS["h264"], "-g", "50", "-c:a", "aac", "-b:a", "96k", "-t", "60"]
    loop = bench.make("loop.mp4", ["-i", bench.inputs.demo.film, *small])
    for minutes in MINUTES:
        for suffix in ("mp4", "mkv") if minutes != 60 else ("mp4",):
            again = ["-stream_loop", str(minutes - 1), "-i", loop, "-c", "copy"]
            bench.film_rows(f"{minutes} minutes of film, {suffix}", bench.make(f"film-{minutes}.{suffix}", again))


def sounds(bench: Bench) -> None:
    """Ten hours of music, of a beep now and then, and of a film with one frame in ten seconds."""
    tracks = bench.inputs.demo.tracks
    piece = ["-stream_loop", "-1", "-i", tracks[1], "-t", "300", "-vn", "-c:a", "libmp3lame", "-b:a", "128k"]
    music = bench.make("five-minutes.mp3", piece)
    beep = "aevalsrc='if(lt(mod(t,600),2),0.2*sin(440*2*PI*t),0)':s=8000:d=36000"
    inputs = {
        "10 minutes of music, mp3": bench.make("ten-minutes.mp3", _repeated(music, 600)),
        "10 hours of music, mp3": bench.make("ten-hours.mp3", _repeated(music, 36_000)),
        "10 hours of beeps, flac": bench.make("ten-hours.flac", ["-f", "lavfi", "-i", beep, "-c:a", "flac"]),
    }
    for what, path in inputs.items():
        folder = bench.folder / f"only-{path.name}"
        folder.mkdir(exist_ok=True)
        if not (folder / path.name).exists():
            os.link(path, folder / path.name)
        index = bench.folder / "one-index"
        shutil.rmtree(index, ignore_errors=True)  # or it would hear again what it knows
        bench.row(what, ["index", folder, "--index", index, "--jobs", "1"])
    still = ["-f", "lavfi", "-i", "testsrc2=s=32x32:r=1/10:d=36000", *CODECS["h264"], "-g", "60"]
    bench.film_rows("10 hours of film, a frame every ten seconds", bench.make("ten-hours.mp4", still))


def _repeated(path: Path, seconds: int) -> list[str | Path]:
    """A piece over and over, not encoded again."""
    return ["-stream_loop", "-1", "-i", path, "-c", "copy", "-t", str(seconds)]


def pictures(bench: Bench) -> None:
    """Two seconds of the largest pictures."""
    for size, pixels in SIZES.items():
        for codec, words in CODECS.items():
            source = ["-f", "lavfi", "-i", f"testsrc2=s={pixels}:r=24:d=2", *words, "-pix_fmt", "yuv420p"]
            bench.film_rows(f"2 s of {size}, {codec}", bench.make(f"{size}-{codec}.mp4", source))


def tracks(bench: Bench) -> None:
    """A hundred thousand tracks of twenty segments."""
    one = bench.folder / "one"
    one.mkdir(exist_ok=True)
    if not (one / "one.mp3").exists():
        os.link(bench.inputs.demo.tracks[1], one / "one.mp3")
    index = bench.folder / "tracks-index"
    bench.take([*SOUNDTRACK, "index", one, "--index", index, "--rebuild", "--jobs", "1", "-q"])
    changed, found = (
        json.loads(subprocess.run([*LARGE, what, index], capture_output=True, text=True, check=True).stdout)
        for what in ("tracks", "search")
    )
    print("\n| 100,000 tracks of 20 segments | |\n| --- | --- |")
    facts = {
        **changed,
        "opening, s": found["open_s"],
        "a search for 64 segments, median, ms": 1000 * statistics.median(found["query_s"]),
        "share of the true 64 among them": found["recall"],
        "peak of opening and searching, MiB": found["peak_mib"],
    }
    for name, value in facts.items():
        print(f"| {name} | {value:.3g} |", flush=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    "pictures": pictures, "sounds": sounds, "tracks": tracks, "films": films,
}  # fmt: skip
"""By name, the longest last."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "soundtrack-bench")
    parser.add_argument("--parts", nargs="+", choices=sorted(PARTS), default=list(PARTS))
    options = parser.parse_args()
    bench = Bench(options.folder)
    print(HEAD + "\n" + "| --- " * 6 + "|")
    for name in options.parts:
        PARTS[name](bench)


if __name__ == "__main__":
    main()
