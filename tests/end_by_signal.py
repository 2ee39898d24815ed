"""Signals at random moments of whole commands: does every run end at once, and is anything left behind?

    python tests/end_by_signal.py --signals 1000 [--seed 1] [--only score,index]

Makes a small film, four tracks and an index in a temporary folder, runs each command once undisturbed, and then sends
SIGINT, SIGTERM or SIGHUP at a random moment between start and end. After each: the exit code, how long the end took, no
process and no half file left, and an index that opens whole. Prints a line for each command and a table at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from media_made import Made, make_film, make_track

MARK = "SOUNDTRACK_TEST_RUN"
"""A variable by which a run and all that it starts are known."""

LIMIT_S = 2.0
"""Within this time a run has ended, in seconds."""

GONE_S = 0.5
"""So much later nothing that it started runs, in seconds."""

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PRODUCTS = {
    "score": ({"out.mp4"}, {"out.mp4", "out.cues.json"}),
    "scenes": ({"scenes.json"},),
    "render": ({"out.mp4"},),
    "spot": ({"out.cues.json"},),
    "export": ({"cues.edl"},),
    "archive": ({"index.zip"},),
}
"""What a run that ended late may have written: whole files only. `index` keeps what it has heard."""


@dataclass(frozen=True)
class Inputs:
    """What the commands work on."""

    made: Made
    scenes: Path
    sheet: Path


@dataclass
class Ends:
    """What was seen of one command."""

    lasts_s: float
    took_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    n_finished: int = 0
    n_starting: int = 0
    """Struck while Python started itself, which is not in the hand of the tool."""


def running(mark: str) -> list[str]:
    """Processes, however many times removed, that a run with this mark started and left behind."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " "))
        except OSError:
            continue
    return [command for command in found if command]  # those that have ended and were not waited for have none


def prepare(folder: Path) -> Inputs:
    """A film of six seconds, four tracks, their index, scenes and a cue sheet."""
    made = Made(folder / "film.mp4", folder / "music", folder / "index")
    inputs = Inputs(made, folder / "scenes.json", folder / "film.cues.json")
    if inputs.sheet.exists():
        return inputs
    made.music.mkdir(parents=True)
    make_film(made.film, seconds=6)
    for number, tempo_bpm in enumerate((90.0, 110.0, 130.0, 150.0)):
        path = made.music / f"{number}.mp3"
        make_track(path, tempo_bpm=tempo_bpm, notes_hz=[220.0 * (1 + number), 330.0], seconds=20)
    for words in (
        ["index", made.music, "--index", made.index, "--jobs", "2", "-q"],
        ["scenes", made.film, "-o", inputs.scenes, "-q"],
        ["spot", inputs.scenes, "--index", made.index, "-o", inputs.sheet, "-q", "--over-music"],
    ):
        subprocess.run([sys.executable, "-m", "soundtrack", *map(str, words)], check=True, timeout=600)
    return inputs


def words_of(command: str, inputs: Inputs) -> list[str]:
    """The words after ``soundtrack``; what is written is named relative to the folder of the run."""
    film, index = str(inputs.made.film), str(inputs.made.index)
    return {
        "score": ["score", film, "-o", "out.mp4", "--index", index, "--no-cache", "--over-music"],
        "scenes": ["scenes", film, "-o", "scenes.json", "--no-cache"],
        "render": ["render", film, str(inputs.sheet), "-o", "out.mp4", "--index", index],
        "index": ["index", str(inputs.made.music), "--index", "index", "--jobs", "2"],
        "spot": ["spot", str(inputs.scenes), "--index", index, "-o", "out.cues.json", "--over-music"],
        "export": ["cues", "export", str(inputs.sheet), "--to", "edl", "-o", "cues.edl"],
        "archive": ["library", "export", "index.zip", "--index", index],
    }[command]


def start(command: str, inputs: Inputs, where: Path) -> subprocess.Popen[bytes]:
    """A run in a folder and a session of its own, with everything that it may keep inside that folder."""
    (where / "work").mkdir(parents=True)
    (where / "tmp").mkdir()
    environment = {
        **os.environ,
        MARK: str(where),
        "TMPDIR": str(where / "tmp"),
        "XDG_CACHE_HOME": str(where / "cache"),
        "XDG_DATA_HOME": str(where / "data"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "soundtrack", *words_of(command, inputs)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=where / "work",
        env=environment,
        start_new_session=True,
    )


def whole_run_s(command: str, inputs: Inputs, where: Path) -> float:
    """How long a run takes that nobody disturbs, in seconds."""
    began_s = time.monotonic()
    process = start(command, inputs, where)
    _, stderr = process.communicate(timeout=600)
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}: {stderr.decode()}")
    lasts_s = time.monotonic() - began_s
    shutil.rmtree(where)
    return lasts_s


def one_end(command: str, inputs: Inputs, where: Path, ends: Ends, *, after_s: float, stop: signal.Signals) -> None:
    """Send one signal, and note how the run ended."""
    process = start(command, inputs, where)
    time.sleep(after_s)
    sent_s = time.monotonic()
    process.send_signal(stop)
    fault = ends.faults.append
    label = f"{command}, {stop.name} after {after_s:.3f} s, load {os.getloadavg()[0]:.1f}: "
    try:
        _, stderr = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        fault(f"{label}no end within 60 s")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        shutil.rmtree(where)
        return
    took_s = time.monotonic() - sent_s
    if process.returncode == 0:
        ends.n_finished += 1  # all was written before the signal came
    else:
        ends.took_s.append(took_s)
        if took_s > LIMIT_S:
            fault(f"{label}the end took {took_s:.2f} s")
    if b"Traceback" in stderr and is_of_the_start(stderr):
        ends.n_starting += 1
    elif b"Traceback" in stderr or process.returncode not in (128 + stop, -stop, 0):
        fault(f"{label}exit code {process.returncode}: {stderr.decode()[-1500:]}")
    until_s = time.monotonic() + GONE_S
    while (left := running(str(where))) and time.monotonic() < until_s:
        time.sleep(0.01)
    if left:
        fault(f"{label}left running: {left}")
    ends.faults += [f"{label}{text}" for text in left_in(command, where)]
    shutil.rmtree(where)


def is_of_the_start(stderr: bytes) -> bool:
    """Whether Python was interrupted while it started itself, before a line of the tool was run."""
    return not re.search(rb'File "[^"]*/soundtrack/(cli/|processes/)?\w+\.py"', stderr)


def left_in(command: str, where: Path) -> list[str]:
    """What is wrong with what lies in the folder of a run after its end."""
    found = [f"left {p.relative_to(where)}" for p in where.rglob("*") if ".part" in p.name or ".import" in p.name]
    found += [f"left {p.relative_to(where)}" for p in (where / "tmp").iterdir()]
    if command == "index":
        return found + index_faults(where / "work" / "index")
    names = {path.name for path in (where / "work").iterdir()}
    if names and names not in PRODUCTS[command]:
        found.append(f"left {sorted(names)}")
    found += [f"empty {p.name}" for p in (where / "work").iterdir() if p.is_file() and p.stat().st_size == 0]
    return found


def index_faults(folder: Path) -> list[str]:
    """What is wrong with an index that a run was filling; one that holds nothing yet may be without tables."""
    from soundtrack.errors import LibraryError
    from soundtrack.library.store.store import open_store

    if not (folder / "library.sqlite3").exists():
        return []
    try:
        with open_store(folder) as store:
            answers = [*store.all("PRAGMA integrity_check"), *store.all("PRAGMA foreign_key_check")]
    except LibraryError as error:
        return [] if "empty" in str(error) else [f"the index does not open: {error}"]
    return [] if answers == [("ok",)] else [f"the index is damaged: {answers}"]


def many_ends(commands: Sequence[str], inputs: Inputs, folder: Path, *, n_signals: int, seed: int) -> dict[str, Ends]:
    """So many signals in all, spread over the commands and over the length of each."""
    rng = random.Random(seed)
    seen = {command: Ends(whole_run_s(command, inputs, folder / "whole")) for command in commands}
    for number in range(n_signals):
        command = commands[number % len(commands)]
        ends = seen[command]
        after_s = rng.uniform(0, 0.3) if number % 7 == 0 else rng.uniform(0, ends.lasts_s)
        n_faults = len(ends.faults)
        one_end(command, inputs, folder / f"run{number}", ends, after_s=after_s, stop=rng.choice(STOPS))
        sys.stdout.write("".join(f"{fault}\n" for fault in ends.faults[n_faults:]))
        sys.stdout.flush()
        if number % 50 == 49:
            sys.stdout.write(f"{number + 1} signals\n{table(seen)}\n")
            sys.stdout.flush()
    return seen


def table(seen: dict[str, Ends]) -> str:
    """A line for each command, and the faults."""
    heads = ("whole run", "ended", "finished", "starting", "median", "longest", "faults")
    lines = [f"{'command':<10}" + "".join(f"{head:>10}" for head in heads)]
    for command, ends in seen.items():
        median_s, longest_s = (statistics.median(ends.took_s), max(ends.took_s)) if ends.took_s else (0.0, 0.0)
        lines.append(
            f"{command:<10}{ends.lasts_s:>8.1f} s{len(ends.took_s):>10}{ends.n_finished:>10}{ends.n_starting:>10}"
            f"{median_s:>8.2f} s{longest_s:>8.2f} s{len(ends.faults):>10}"
        )
    return "\n".join([*lines, *(fault for ends in seen.values() for fault in ends.faults)])


def main() -> int:
    """Run from the command line; ends with 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=100, help="how many in all")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--only", default="score,scenes,render,index,spot,export,archive", help="commands, by comma")
    parser.add_argument("--inputs", type=Path, help="folder to keep the film, the music and the index in")
    chosen = parser.parse_args()
    for (
        stop
    ) in STOPS:  # a shell has them ignored in what it runs in the background, and so would be all that is started
        signal.signal(stop, signal.default_int_handler if stop == signal.SIGINT else signal.SIG_DFL)
    with tempfile.TemporaryDirectory(prefix="ends-") as scratch:
        inputs = prepare(chosen.inputs or Path(scratch))
        commands = chosen.only.split(",")
        seen = many_ends(commands, inputs, Path(scratch), n_signals=chosen.signals, seed=chosen.seed)
    sys.stdout.write(f"{table(seen)}\n")
    return int(any(ends.faults for ends in seen.values()))


if __name__ == "__main__":
    sys.exit(main())
