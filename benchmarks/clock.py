"""Timing of processes in interleaved rounds; results are written at once, so that a run may be interrupted.

Goes in: commands by name. Comes out: a `Book` of `Run`s, kept as JSON; what is in it already is not run again.
"""

from __future__ import annotations

import compileall
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LONGEST_S = 3600.0
"""A command that takes longer is killed, and the run ends."""
METER = Path(__file__).with_name("meter.py")
"""What runs and measures a command."""

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Run:
    """One process, timed; its descendants count as its own."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    """Largest memory of any one process."""
    status: int
    """0 where all went well."""


def as_installed() -> None:
    """Write the bytecode of the package, as pip does when it installs one.

    Where Python may not write it (PYTHONDONTWRITEBYTECODE, as in many containers), each process would compile every
    module of a checkout again: 0.3 s of a `score` that takes 1.9 s.
    """
    compileall.compile_dir(Path(__file__).parents[1] / "soundtrack", quiet=2)


def timed(args: Command, **environment: str) -> Run:
    """Run a process to its end."""
    words = [str(word) for word in args]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        with subprocess.Popen(
            [sys.executable, "-I", "-S", METER, result, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, **environment},
            start_new_session=True,
        ) as process:
            try:
                process.wait(LONGEST_S)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        run = Run(**json.loads(result.read_text()))
        if run.status != 0:
            said.seek(max(0, said.seek(0, os.SEEK_END) - 2_000))
            sys.stderr.write(said.read().decode("utf-8", "replace"))
    return run


class Book:
    """What was measured, by part and command; a JSON file that is written after every run.

    Parameters
    ----------
    path : Path
        The file; read if it is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else {}
        self._runs: dict[str, dict[str, list[dict[str, float]]]] = {
            part: {name: [run for run in runs if run["status"] == 0] for name, runs in commands.items()}
            for part, commands in kept.get("runs", {}).items()
        }  # what failed is tried again
        self._numbers: dict[str, dict[str, list[float]]] = kept.get("numbers", {})

    def rounds(self, part: str, commands: Mapping[str, Command], n: int, **environment: str) -> None:
        """Every command once a round, so that a noisy minute hits all alike."""
        for i in range(n):
            for name, args in commands.items():
                found = self._runs.setdefault(part, {}).setdefault(name, [])
                if len(found) > i or any(run["status"] for run in found):
                    continue
                run = timed(args, **environment)
                told = f"{run.wall_s:7.1f} s" if run.status == 0 else f"failed with {run.status}"
                sys.stderr.write(f"{part}, round {i + 1} of {n}: {name}: {told}\n")
                found.append(asdict(run))
                self._write()

    def note(self, part: str, name: str, value: float) -> None:
        """Write down a number that is no process."""
        self._numbers.setdefault(part, {}).setdefault(name, []).append(value)
        self._write()

    def runs(self, part: str, name: str) -> list[Run]:
        """Runs of a command that went well."""
        found = self._runs.get(part, {}).get(name, [])
        return [Run(r["wall_s"], r["cpu_s"], r["peak_mib"], 0) for r in found if r["status"] == 0]

    def numbers(self, part: str, name: str) -> list[float]:
        """Numbers written down."""
        return self._numbers.get(part, {}).get(name, [])

    def ratio(self, part: str, name: str, floor: str, *, cpu: bool = False) -> list[float]:
        """Of each round, how many times the floor a command took."""
        pairs = zip(self.runs(part, name), self.runs(part, floor), strict=False)
        return [a.cpu_s / b.cpu_s if cpu else a.wall_s / b.wall_s for a, b in pairs]

    def finish(self) -> None:
        """Put the file aside: the next run starts again."""
        self._path.replace(self._path.with_suffix(".done.json"))

    def _write(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"runs": self._runs, "numbers": self._numbers}, indent=1))
        part.replace(self._path)


def shown(values: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    if not values:
        return "failed"
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"
