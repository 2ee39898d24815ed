"""Times of the review page on a film of 3 hours with 300 cues: steps in the server, first paint, change of music, heap.

Goes in: a short planned cue sheet and its index. A sparse film of 3 hours is made, and the first cue of the sheet is
laid out 300 times. Run: ``python benchmarks/review_page.py CUES --index INDEX``. Needs Chromium and playwright.
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
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from playwright.sync_api import sync_playwright

from soundtrack.documents import cuesheet
from soundtrack.media.locate import ffmpeg_path
from soundtrack.media.reading.probe import probe
from soundtrack.review.app import _Room
from soundtrack.review.opening import Reviewed
from soundtrack.types import CueSheet, Span

LENGTH_S, N_CUES, N_SWAPS, CUE_S, FAR = 10_800, 300, 5, 20, 20


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
    given = parser.parse_args()
    os.environ["SOUNDTRACK_TASTE"] = "false"  # what is changed here is nobody's choice
    with tempfile.TemporaryDirectory() as name:
        film, cues = Path(name, "long.mp4"), Path(name, "long.cues.json")
        make_film(film, LENGTH_S)
        cues.write_text(cuesheet.dumps(long_sheet(cuesheet.loads(given.cues.read_text()), film)))
        print(json.dumps({"server_s": steps(cues, film, Path(given.index))}), flush=True)
        words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", given.index]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            try:
                address = server.stdout.readline().strip()
                print(json.dumps(measured(playwright, address)))
            finally:
                server.terminate()


def make_film(path: Path, length_s: int) -> None:
    """A grey picture without sound, one a second."""
    source = ["-f", "lavfi", "-i", f"color=c=gray:size=160x90:rate=1:duration={length_s}"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    subprocess.run([str(ffmpeg_path()), "-v", "error", *source, *coding, str(path)], check=True)


def steps(cues: Path, film: Path, index: Path) -> dict[str, float]:
    """Seconds of the server for one step of each kind, as median of five cues."""
    room = _Room(Reviewed(cues, probe(film)), index=index, nonce="")
    taken: dict[str, list[float]] = {}

    def timed(name: str, post: str, **asked: object) -> dict[str, object]:
        began = time.perf_counter()
        answer = room.posts[post]({"revision": state["revision"], **asked})
        taken.setdefault(name, []).append(time.perf_counter() - began)
        return answer

    state = room._state()
    for i in range(0, N_CUES, N_CUES // 5):
        cue = state["cues"][i]  # type: ignore[index]
        swap = {"cue": cue["id"], "rank": cue["others"][0]["rank"]}
        timed("try", "try", **swap)
        state = timed("swap", "edit", action="swap", **swap)
        state = timed("undo", "undo")
        state = timed("less like this", "edit", action="less", cue=cue["id"])
        state = timed("lock", "edit", action="lock", cue=cue["id"])
    return {name: round(statistics.median(values), 3) for name, values in taken.items()}


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
    before = page.evaluate(heap)
    page.keyboard.press("k")
    until(page, "review.player.sounding")
    changes = {name: [how(page, i) for i in range(FAR if name == "jump" else N_SWAPS)] for name, how in CHANGES.items()}
    after = page.evaluate(heap)
    browser.close()
    return {
        "first_paint_s": round(paint, 2),
        "all_cues_s": round(all_cues, 2),
        "heap_mb": [round(before, 1), round(after, 1)],
        "change_ms": {name: spread([ms for each in found for ms in each]) for name, found in changes.items()},
        "load": [round(n, 1) for n in os.getloadavg()],
    }


def of_a_ready_cue(page: object, i: int) -> list[float]:
    """Changes to the three alternatives and back in a cue that was selected seconds ago."""
    pick(page, 7 * i + 20)
    time.sleep(4)
    return [changed_ms(page, key) for key in "2341"]


def within_a_cue(page: object, i: int) -> list[float]:
    """The same ten seconds later in the film, across the blocks of the server."""
    pick(page, 7 * i + 21)
    time.sleep(2)
    return [changed_ms(page, key) for key in "2341" if time.sleep(3.3) is None]


def of_the_next_cue(page: object, i: int) -> list[float]:
    """Changes right after the next cue was selected by a key."""
    if i == 0:
        pick(page, 100)
    time.sleep(6)
    press(page, "ArrowDown")
    return [changed_ms(page, key) for key in "2341"]


def after_a_jump(page: object, i: int) -> list[float]:
    """The first change in a cue that was never selected and is far from all others, right after it was selected."""
    time.sleep(2)
    pick(page, 150 + 7 * i)
    return [changed_ms(page, "234"[i % 3])]


CHANGES = {
    "ready": of_a_ready_cue,
    "playing on": within_a_cue,
    "next cue": of_the_next_cue,
    "jump": after_a_jump,
}


def pick(page: object, number: int) -> None:
    """Select a cue by its place."""
    page.evaluate(f"document.querySelectorAll('.cue .pick')[{number}].click()")  # type: ignore[attr-defined]


def press(page: object, key: str) -> None:
    """Press a key outside all buttons."""
    page.evaluate("document.activeElement?.blur()")  # type: ignore[attr-defined]
    page.keyboard.press(key)  # type: ignore[attr-defined]


def changed_ms(page: object, key: str) -> float:
    """From a key to the moment from which other music is laid on the clock of the audio device, in ms."""
    return page.evaluate(  # type: ignore[attr-defined, no-any-return]
        """async (key) => {
          const before = review.player.key;
          document.activeElement?.blur();
          const began = performance.now();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          for (;;) {
            const { sounding, key } = review.player;
            if (key !== before && sounding.key === key && sounding.at >= began) return sounding.at - began;
            if (performance.now() - began > 20000) throw new Error(document.getElementById("said").textContent);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }""",
        key,
    )


def spread(times: list[float]) -> dict[str, float]:
    """Number, median, 95th percentile and worst, in ms, and how many take more than 0.2 s."""
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "median": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "worst": round(ordered[-1], 1),
        "late": sum(ms > 200 for ms in ordered),
    }


def until(page: object, script: str) -> None:
    """Wait until a script gives something true."""
    for _ in range(1200):
        if page.evaluate(script):  # type: ignore[attr-defined]
            return
        time.sleep(0.02)
    raise TimeoutError(script)


if __name__ == "__main__":
    main()
