"""What scoring a film costs, beside plain ffmpeg doing the unavoidable part.

    python benchmarks/speed.py [--rounds 3] [--minutes 1 10] [--write docs/benchmarks.md]

Makes its inputs (the demo's film at 1080p with grain, and the demo's music), then times in turn, several rounds:
decoding alone (``ffmpeg -i F -f null -``), copying the picture and encoding one AAC track, ``soundtrack scenes``,
``soundtrack render`` and ``soundtrack score``, each as a process of its own; and the index beside decoding its tracks.
Prints medians, spreads, ratios and the highest memory, and writes them down on request.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from soundtrack.demo.make import make_demo
from soundtrack.media.locate import ffmpeg_path

SOUNDTRACK = [sys.executable, "-m", "soundtrack"]


@dataclass(frozen=True)
class Run:
    """One process, timed."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def timed(args: Sequence[str | Path]) -> Run:
    """Run a process to its end; its children count as its own."""
    started = time.perf_counter()
    pid = os.posix_spawn(
        str(args[0]),
        [str(a) for a in args],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0o600) for fd in (0, 1)],
    )
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"failed with status {status}: {' '.join(map(str, args))}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def films(folder: Path, minutes: Sequence[int], demo: Path) -> dict[int, Path]:
    """The demo film at 1080p with grain, so that decoding it costs what a camera's film costs, by its length."""
    ffmpeg = str(ffmpeg_path())
    minute = folder / "minute.mp4"
    picture = "scale=1920:1080:flags=bicubic,noise=alls=4:allf=t"
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([ffmpeg, "-v", "error", "-y", "-i", demo, "-t", "60", "-vf", picture, *coding, minute], check=True)
    made = {}
    for n in minutes:
        made[n] = folder / f"film-{n}.mp4"
        loop = ["-stream_loop", str(n - 1), "-i", minute, "-c", "copy", "-movflags", "+faststart"]
        subprocess.run([ffmpeg, "-v", "error", "-y", *loop, made[n]], check=True)
    return made


def rounds(commands: dict[str, list[str | Path]], n: int) -> dict[str, list[Run]]:
    """Every command once a round, so that a noisy minute hits all alike."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(n):
        for name, args in commands.items():
            runs[name].append(timed(args))
    return runs


def table(title: str, runs: dict[str, list[Run]], floors: dict[str, str]) -> list[str]:
    """Medians and ratios as a table; `floors` names what each is compared with."""
    lines = [
        f"### {title}",
        "",
        "| what | wall, s (range) | CPU, s | peak MiB | beside | wall ratio | CPU ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in runs.items():
        wall = [r.wall_s for r in found]
        cpu = statistics.median(r.cpu_s for r in found)
        peak = max(r.peak_mib for r in found)
        row = f"| {name} | {statistics.median(wall):.1f} ({min(wall):.1f}-{max(wall):.1f}) | {cpu:.1f} | {peak:.0f} |"
        floor = floors.get(name)
        if floor is None:
            lines.append(f"{row} | | |")
            continue
        by_wall = statistics.median(r.wall_s / f.wall_s for r, f in zip(found, runs[floor], strict=True))
        by_cpu = statistics.median(r.cpu_s / f.cpu_s for r, f in zip(found, runs[floor], strict=True))
        lines.append(f"{row} {floor} | {by_wall:.2f} | {by_cpu:.2f} |")
    return [*lines, ""]


def machine() -> str:
    """Which machine this is, in a line."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, no GPU used, Python {platform.python_version()}"


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    ffmpeg = str(ffmpeg_path())
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = make_demo(folder / "demo")
        index = folder / "index"
        tracks = sorted(demo.library.iterdir())
        inputs = [word for track in tracks for word in ("-i", track)]
        maps = [word for i in range(len(tracks)) for word in ("-map", f"{i}:a:0")]
        decode_all: list[str | Path] = [ffmpeg, "-v", "error", *inputs, *maps, "-f", "null", "-"]
        commands: dict[str, list[str | Path]] = {
            "decode the tracks": decode_all,
            "index": [*SOUNDTRACK, "index", "--rebuild", demo.library, "--index", index, "-q"],
            "index again": [*SOUNDTRACK, "index", demo.library, "--index", index, "-q"],
        }
        title = f"Index of {len(tracks)} tracks of two to three minutes (start of the processes included)"
        lines += table(title, rounds(commands, options.rounds), {"index": "decode the tracks"})
        for minutes, film in films(folder, options.minutes, demo.film).items():
            out, cues = folder / "out.mp4", folder / "out.cues.json"
            subprocess.run([*SOUNDTRACK, "score", film, "-o", out, "--index", index, "-q", "--force"], check=True)
            copy = ["-c:v", "copy", "-c:a", "aac", "-b:a", "256k", "-f", "mp4", folder / "copy.mp4"]
            commands = {
                "decode": [ffmpeg, "-v", "error", "-i", film, "-f", "null", "-"],
                "copy and AAC": [ffmpeg, "-v", "error", "-y", "-i", film, *copy],
                "scenes": [*SOUNDTRACK, "scenes", film, "-o", folder / "s.json", "--force", "-q"],
                "render": [*SOUNDTRACK, "render", film, cues, "-o", out, "--force", "-q"],
                "score": [*SOUNDTRACK, "score", film, "-o", out, "--index", index, "--force", "-q"],
            }
            floors = {"scenes": "decode", "render": "copy and AAC", "score": "decode"}
            title = f"{minutes} min of 1080p h264 ({film.stat().st_size / 1e6:.0f} MB)"
            lines += table(title, rounds(commands, options.rounds), floors)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        lines.append(f"Highest memory of any process: {peak:.0f} MiB.")
    text = "\n".join([f"Machine: {machine()}.", "", *lines, ""])
    sys.stdout.write(text)
    if options.write:
        head = "# Benchmarks\n\nWritten by `python3 dev.py bench`. Medians of interleaved rounds; read the ratios.\n\n"
        options.write.write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    main()
