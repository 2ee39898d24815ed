"""Times of the review page on a film of 3 hours with 300 cues: first paint, change of music, memory of the page.

Goes in: a short planned cue sheet and its index. A sparse film of 3 hours is made, and the first cue of the sheet is
laid out 300 times. Run: ``python benchmarks/review_page.py CUES --index INDEX``; with ``--rounds 150`` the page is used
as in an hour, without the pauses: in each round another cue is selected and played, two alternatives are heard, one is
taken, and the step is undone. Needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from playwright.sync_api import sync_playwright

from soundtrack.documents import cuesheet
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.probe import probe
from soundtrack.types import CueSheet, Span

LENGTH_S, N_CUES, N_SWAPS, CUE_S = 10_800, 300, 10, 20


def long_sheet(sheet: CueSheet, film: Path) -> CueSheet:
    """The first cue with alternatives, 300 times over 3 hours, and 300 scenes."""
    named = {a.cue_id for a in sheet.alternatives}
    cue = next(c for c in sheet.cues if c.cue_id in named and c.span.duration_s >= CUE_S)
    start = cue.sections[0].track.start_s
    section = replace(cue.sections[0], track=Span(start, start + CUE_S), seam_s=0.0, seam_quality=None)
    step = LENGTH_S // N_CUES
    cues, others, scenes = [], [], []
    for i in range(N_CUES):
        span, name = Span(i * step, i * step + CUE_S), f"1m{i + 1:03d}"
        cues.append(replace(cue, cue_id=name, span=span, sections=(section,), speed=1.0, scenes=(i,), fade_out_s=2.0,
                            landings=()))  # fmt: skip
        others += [replace(a, cue_id=name) for a in sheet.alternatives if a.cue_id == cue.cue_id]
        scenes.append(replace(sheet.scenes[0], index=i, span=Span(i * step, (i + 1) * step)))
    info = probe(film)
    ref = replace(sheet.film, name=film.name, duration_s=info.duration_s, fps=Fraction(1), width_px=160, height_px=90)
    scenes[-1] = replace(scenes[-1], span=Span(scenes[-1].span.start_s, info.duration_s))
    mix = replace(sheet.mix, music_gain_db=0.0, master_gain_db=0.0, limiter_dbtp=-1.0)
    return replace(sheet, film=ref, cues=tuple(cues), alternatives=tuple(others), scenes=tuple(scenes), speech=(),
                   ducking=(), silences=(), mix=mix)  # fmt: skip


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cues", type=Path)
    parser.add_argument("--index", required=True)
    parser.add_argument("--rounds", type=int, default=0, help="rounds of use while memory is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        film, cues = Path(name, "long.mp4"), Path(name, "long.cues.json")
        source = ["-f", "lavfi", "-i", f"color=c=gray:size=160x90:rate=1:duration={LENGTH_S}"]
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        subprocess.run([str(ffmpeg_path()), "-v", "error", *source, *coding, str(film)], check=True)
        cues.write_text(cuesheet.dumps(long_sheet(cuesheet.loads(given.cues.read_text()), film)))
        words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", given.index]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            try:
                address = server.stdout.readline().strip()
                print(json.dumps(measured(playwright, address)))
                if given.rounds:
                    for row in memory(playwright, address, server.pid, rounds=given.rounds):
                        print(json.dumps(row), flush=True)
            finally:
                server.terminate()


def measured(playwright: object, address: str) -> dict[str, object]:
    """First paint and all cues in seconds, changes of music in ms, JavaScript heap in MB before and after."""
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--enable-precise-memory-info"]
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)  # type: ignore[attr-defined]
    page = browser.new_page()
    began = time.monotonic()
    page.goto(address, wait_until="commit")
    until(page, "document.querySelectorAll('.cue').length === 300")
    all_cues = time.monotonic() - began
    until(page, "performance.getEntriesByName('first-contentful-paint').length")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
    heap = "performance.memory.usedJSHeapSize / 1e6"
    before, switches = page.evaluate(heap), []
    for _i in range(N_SWAPS):
        page.keyboard.press("ArrowDown")
        time.sleep(2)
        for key in "21":
            page.keyboard.press(key)
            time.sleep(1)
            switches.append(page.evaluate("review.player.lastSwitchMs"))
    after = page.evaluate(heap)
    browser.close()
    return {
        "first_paint_s": round(paint, 2),
        "all_cues_s": round(all_cues, 2),
        "heap_mb": [round(before, 1), round(after, 1)],
        "switch_ms": [s if s is None else round(s, 1) for s in switches],
    }


def memory(playwright: object, address: str, server: int, *, rounds: int) -> Iterator[dict[str, object]]:
    """Operations so far, heap of the page after garbage collection, and memory of its process and of the server."""
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--enable-precise-memory-info"]
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)  # type: ignore[attr-defined]
    page = browser.new_page()
    page.goto(address)
    until(page, "document.querySelectorAll('.cue').length === 300")
    protocol = page.context.new_cdp_session(page)
    taken, wished, n = [], [], 0
    for i in range(rounds + 1):
        if i % max(1, rounds // 6) == 0:
            protocol.send("HeapProfiler.collectGarbage")
            heap = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
            nodes = protocol.send("Memory.getDOMCounters")["nodes"]
            rss = {"page_mb": renderer_mb(server), "server_mb": rss_mb(server)}
            yield {"operations": n, "heap_mb": round(heap, 1), "nodes": nodes, **rss, "taken_s": worst(taken),
                   "wished_s": worst(wished)}  # fmt: skip
        if i == rounds:
            break
        cue = (37 * i) % 300
        page.evaluate(f"document.querySelectorAll('.cue .pick')[{cue}].click()")
        for number in "23":
            page.evaluate("document.activeElement?.blur()")
            page.keyboard.press(number)
            until(page, f"document.querySelector('[data-do=hear-{number}]')?.ariaChecked === 'true'")
        taken.append(stepped(page, "Enter"))
        stepped(page, "z")
        if i % 5 == 0:
            wished.append(stepped(page, "n"))
            stepped(page, "z")
        page.keyboard.press("l")
        n += 7
    browser.close()


def stepped(page: object, key: str) -> float:
    """Seconds from a key to the saved state of its step."""
    return page.evaluate(  # type: ignore[attr-defined, no-any-return]
        """async (key) => {
          const [before, began] = [review.state.revision, performance.now()];
          document.activeElement?.blur();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          while (review.state.revision === before && performance.now() - began < 20000) {
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
          return (performance.now() - began) / 1000;
        }""",
        key,
    )


def worst(times_s: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    ordered = sorted(times_s)
    if not ordered:
        return {}
    return {"median": round(ordered[len(ordered) // 2], 3), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3)}


def rss_mb(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmRSS"))


def renderer_mb(apart_from: int) -> int:
    """Resident memory of the largest renderer of Chromium that this program started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"--type=renderer" in words and int(folder.name) != apart_from:
            found.append(rss_mb(int(folder.name)))
    return max(found, default=0)


def until(page: object, script: str) -> None:
    """Wait until a script gives something true."""
    for _ in range(1200):
        if page.evaluate(script):  # type: ignore[attr-defined]
            return
        time.sleep(0.02)
    raise TimeoutError(script)


if __name__ == "__main__":
    main()
