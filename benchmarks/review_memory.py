"""Memory of the review page and of its server over a scripted hour on the film of 3 hours of `review_page`.

A step is what a person does in ten seconds: select a cue, hear an alternative, and use it, undo, lock, unlock, change
a level, ask for other music, or set a hit point; all is saved, and the film plays on between the steps. Run:
``python benchmarks/review_memory.py CUES --index INDEX --steps 300``; with ``--plan-every N`` every Nth step plans
again and undoes it (the first time the film is analysed). Prints one JSON object at every interval, after garbage
collection; memory is that of the processes, in MB, the server's with and without those that decode. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from plain_chromium import Page
from review_page import LENGTH_S, N_CUES, changed_ms, long_sheet, make_film, pick, press, until

from soundtrack.documents import cuesheet

FIRST, N_ROWS = 50, 6
"""Steps after which memory has to be flat, and rows printed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cues", type=Path)
    parser.add_argument("--index", required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--plan-every", type=int, default=0)
    given = parser.parse_args()
    os.environ["SOUNDTRACK_TASTE"] = "false"  # what is changed here is nobody's choice
    with tempfile.TemporaryDirectory() as name:
        film, cues = Path(name, "long.mp4"), Path(name, "long.cues.json")
        make_film(film, LENGTH_S)
        cues.write_text(cuesheet.dumps(long_sheet(cuesheet.loads(given.cues.read_text()), film)))
        words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", given.index]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                with Page(server.stdout.readline().strip()) as page:
                    for row in used(page, server.pid, steps=given.steps, plan_every=given.plan_every):
                        print(json.dumps(row), flush=True)
            finally:
                server.terminate()


def used(page: Page, server: int, *, steps: int, plan_every: int) -> Iterator[dict[str, object]]:
    """Rows of memory."""
    until(page, f"document.querySelectorAll('.cue').length === {N_CUES}")
    marks = {0, FIRST, *(FIRST + i * (steps - FIRST) // (N_ROWS - 1) for i in range(N_ROWS))}
    press(page, "k")
    began = time.monotonic()
    for i in range(steps + 1):
        if i in marks:
            for _ in range(3):
                page.send("HeapProfiler.collectGarbage")
            time.sleep(2)
            yield {
                "steps": i,
                "taken_s": round(time.monotonic() - began),
                "heap_mb": round(page.send("Runtime.getHeapUsage")["usedSize"] / 1e6, 1),
                "nodes": page.send("Memory.getDOMCounters")["nodes"],
                "listeners": page.send("Memory.getDOMCounters")["jsEventListeners"],
                "page_mb": renderer_mb(server),
                "server_mb": rss_mb(server),
                "with_decoders_mb": sum(map(rss_mb, descendants(server))),
            }
        step(page, i)
        if plan_every and (i + 1) % plan_every == 0:
            saved(page, "p")
            saved(page, "z")


def step(page: Page, i: int) -> None:
    """One step; each kind has its turn."""
    pick(page, (37 * i) % N_CUES)
    changed_ms(page, "23"[i % 2])
    kind = i % 6
    if kind == 0:
        saved(page, "Enter")
        saved(page, "z")
    elif kind == 1:
        saved(page, "Enter")
    elif kind == 2:
        saved(page, "x")
        saved(page, "x")
    elif kind == 3:
        saved(page, "+")
        saved(page, "n")
    elif kind == 4:
        saved(page, "h")
        press(page, "k")
        press(page, "k")
    else:
        saved(page, "z")
        saved(page, "y")
    press(page, "l")


def saved(page: Page, key: str) -> float:
    """Seconds from a key to the state that its step leaves."""
    return page.evaluate(
        """async (key) => {
          const [before, began] = [review.state.revision, performance.now()];
          document.activeElement?.blur();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          while (review.state.revision === before) {
            const line = document.getElementById("said");
            if (performance.now() - began > 600000) throw new Error(`${key}: ${line.textContent}`);
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
          return (performance.now() - began) / 1000;
        }""",
        key,
    )


def rss_mb(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmRSS"))


def descendants(pid: int) -> set[int]:
    """A process and all below it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def renderer_mb(apart_from: int) -> int:
    """Resident memory of the largest renderer of the browser that this program started."""
    found = []
    for pid in descendants(os.getpid()) - descendants(apart_from):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"--type=renderer" in words:
                found.append(rss_mb(pid))
        except OSError:
            continue
    return max(found, default=0)


if __name__ == "__main__":
    main()
