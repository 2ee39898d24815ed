"""The review page in a browser: everything a person does there, by mouse and by keyboard alone, narrow, dark and light.

What is heard is compared with what is rendered. The browser is Chromium as the system has it; nothing is downloaded.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from films import ffmpeg
from media_made import Made
from review_made import lay_out, planned
from soundtrack.audio.levels.loudness import measure_loudness
from soundtrack.documents import cuesheet
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.own_mark import mark
from soundtrack.types import CueSheet

pytestmark = pytest.mark.slow

RATE_HZ = 48_000
LOADED = "document.getElementById('said').textContent.includes('cue') && 'measured' in document.body.dataset"


@dataclass
class Screen:
    """A window of the browser, and what it complained about."""

    page: Any
    faults: list[str] = field(default_factory=list)

    def run(self, script: str) -> Any:
        """Evaluate a script in the page."""
        return self.page.evaluate(script)

    def until(self, script: str, *, within_s: float = 60) -> Any:
        """Wait until a script gives something true; the content security policy forbids the browser's own wait."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"never: {script}; the page says: {self.said()}")

    def said(self) -> str:
        """The line that tells what was done."""
        return str(self.page.locator("#said").text_content())

    def until_said(self, text: str) -> None:
        """Wait for a line."""
        self.until(f"document.getElementById('said').textContent.includes({text!r})")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def sheet(made: Made) -> CueSheet:
    return planned(made)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        running = playwright.chromium.launch(executable_path=program, args=arguments)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def closed_afterwards(browser: Any) -> Iterator[None]:
    """No window is left, where each would draw on beside all tests that follow."""
    yield
    for context in browser.contexts:
        context.close()


@pytest.fixture
def cues(tmp_path: Path, made: Made, sheet: CueSheet) -> Path:
    return lay_out(tmp_path, made, sheet)


@pytest.fixture
def serving(cues: Path, made: Made) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", str(made.index)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        yield running
        running.terminate()


@pytest.fixture
def address(serving: subprocess.Popen[str]) -> str:
    assert serving.stdout is not None
    return serving.stdout.readline().strip()


def opened(browser: Any, address: str, **options: Any) -> Screen:
    """A new window on the page, once everything is there; ranges of the film are given up at every seek."""
    page = browser.new_context(**options).new_page()
    screen = Screen(page)
    page.on("console", lambda m: screen.faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: screen.faults.append(str(error)))
    page.on(
        "requestfailed", lambda r: screen.faults.append(f"{r.url}: {r.failure}") if r.url != f"{address}film" else None
    )
    page.goto(address)
    screen.until(LOADED)
    return screen


def saved(path: Path) -> CueSheet:
    return cuesheet.loads(path.read_text(encoding="utf-8"))


def first_with_others(screen: Screen) -> str:
    return str(screen.run("review.state.cues.find((cue) => cue.others.length).id"))


def until_saved(screen: Screen, path: Path, before: bytes) -> CueSheet:
    for _ in range(1200):
        if path.read_bytes() != before:
            return saved(path)
        time.sleep(0.05)
    raise AssertionError(f"nothing was saved; the page says: {screen.said()}")


def test_a_person_hears_swaps_locks_and_undoes_with_the_mouse(browser: Any, address: str, cues: Path) -> None:
    screen = opened(browser, address)
    page, name = screen.page, first_with_others(screen)
    was = next(c for c in saved(cues).cues if c.cue_id == name)
    page.locator(f'[data-select="{name}"]').click()
    page.locator('[data-do="play"]').click()
    screen.until("review.player.time > 0.3 && review.player.deck?.sources.size > 0")
    before = cues.read_bytes()
    page.locator('[data-do="hear-2"]').click()
    screen.until_said("alternative 2")
    screen.until("review.player.deck && review.player.deck.music.key !== review.state.key")
    assert cues.read_bytes() == before
    page.locator('[data-do="use"]').click()
    swapped = next(c for c in until_saved(screen, cues, before).cues if c.cue_id == name)
    assert swapped.track_id != was.track_id
    screen.until("!review.player.paused")  # the film goes on
    before = cues.read_bytes()
    page.locator('[data-do="lock"]').click()
    assert next(c for c in until_saved(screen, cues, before).cues if c.cue_id == name).locked
    for button in ("undo", "undo"):
        before = cues.read_bytes()
        page.locator(f'[data-do="{button}"]').click()
        until_saved(screen, cues, before)
    assert next(c for c in saved(cues).cues if c.cue_id == name) == was
    before = cues.read_bytes()
    page.locator('[data-do="redo"]').click()
    assert next(c for c in until_saved(screen, cues, before).cues if c.cue_id == name).track_id == swapped.track_id
    assert screen.faults == []


@pytest.mark.parametrize("width", [1280, 400])
def test_film_and_messages_were_out_of_sight_beside_the_last_of_many_cues(
    browser: Any, address: str, cues: Path, width: int
) -> None:
    screen = opened(browser, address, viewport={"width": width, "height": 520})
    last = saved(cues).cues[-1].cue_id
    screen.page.locator(f'[data-select="{last}"]').click()
    screen.run("scrollTo(0, document.documentElement.scrollHeight)")
    assert screen.run("scrollY") > 200
    place = "(({ top, bottom }) => [top, innerHeight - bottom])(document.getElementById('%s').getBoundingClientRect())"
    assert min(screen.run(place % "said")) >= 0
    if width > 1000:
        assert min(screen.run(place % "film")) >= 0
    screen.run("document.activeElement.blur()")
    screen.page.locator(f'[data-select="{last}"]').focus()
    top = screen.run("document.activeElement.getBoundingClientRect().top")
    assert top >= screen.run("document.getElementById('said').getBoundingClientRect().bottom")


@pytest.mark.parametrize(("option", "shows"), [("--no-small-copy", False), ("--quiet", True)])
def test_a_film_that_the_browser_cannot_show_was_black_without_a_word(
    browser: Any, cues: Path, made: Made, option: str, shows: bool
) -> None:
    film = cues.with_name("film.mov")
    ffmpeg("-i", made.film, "-c:v", "prores_ks", "-c:a", "pcm_s16le", film)
    sheet = saved(cues)
    cues.write_text(cuesheet.dumps(replace(sheet, film=replace(sheet.film, name=film.name))), encoding="utf-8")
    words = [sys.executable, "-m", "soundtrack", "review", str(cues), "--no-browser", "--index", str(made.index)]
    with subprocess.Popen([*words, option], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        page = browser.new_page()
        screen = Screen(page)
        page.goto(running.stdout.readline().strip())
        if shows:
            screen.until("document.getElementById('film').videoWidth > 0")
            screen.until_said("cue")
        else:
            screen.until_said("--small-copy")
        screen.press("k")
        screen.until("review.player.time > 0.3")
        running.terminate()


@pytest.fixture
def late(cues: Path, made: Made) -> Path:
    """The film in a file whose clock starts at five seconds, as the film of the sheet."""
    film = cues.with_name("late.mkv")
    ffmpeg("-i", made.film, "-c", "copy", "-output_ts_offset", "5", film)
    sheet = saved(cues)
    cues.write_text(cuesheet.dumps(replace(sheet, film=replace(sheet.film, name=film.name))), encoding="utf-8")
    return film


def test_music_was_seconds_off_on_the_page_of_a_film_whose_clock_starts_late(
    browser: Any, late: Path, address: str
) -> None:
    screen = opened(browser, address)
    assert screen.run("review.player.time") < 0.1
    screen.run("review.player.seek(3)")
    assert screen.run("review.player.time") == pytest.approx(3.0, abs=0.05)
    script = (
        "new Promise((done) => { review.player.video.requestVideoFrameCallback((_, shown) => done(shown.mediaTime)); "
    )
    shown_s = screen.run(f"{script} review.player.seek(4); }})")
    assert shown_s == pytest.approx(probe(late).start_s + 4.0, abs=0.1)


def test_a_replaced_song_is_named_and_stays_named_after_a_step(
    browser: Any, address: str, cues: Path, made: Made, tmp_path: Path
) -> None:
    played = saved(cues).cues[0].track_id
    song = next(Path(track.path) for track in saved(cues).tracks if track.track_id == played)
    other = next(path for path in sorted(made.music.iterdir()) if path != song)
    song.rename(tmp_path / song.name)
    try:
        shutil.copy(other, song)
        screen = opened(browser, address)
        screen.until("document.getElementById('notes').textContent.includes('contains other music than when')")
        screen.press("h")
        screen.until("review.state.hits.length === 1")
        assert screen.run("document.getElementById('notes').textContent").count("contains other music") == 1
    finally:
        (tmp_path / song.name).replace(song)


def test_a_replaced_song_is_named_when_it_is_heard_as_an_alternative(
    browser: Any, address: str, cues: Path, made: Made, tmp_path: Path
) -> None:
    sheet = saved(cues)
    played = {cue.track_id for cue in sheet.cues}
    second = next(a.track_id for a in sheet.alternatives if a.cue_id == sheet.cues[0].cue_id and a.rank == 2)
    assert second not in played
    song = next(Path(track.path) for track in sheet.tracks if track.track_id == second)
    other = next(path for path in sorted(made.music.iterdir()) if path != song)
    song.rename(tmp_path / song.name)
    try:
        shutil.copy(other, song)
        screen = opened(browser, address)
        screen.press("2")
        screen.until("document.getElementById('notes').textContent.includes('contains other music than when')")
    finally:
        (tmp_path / song.name).replace(song)


def test_everything_goes_by_keyboard_alone(browser: Any, address: str, cues: Path) -> None:
    screen = opened(browser, address)
    gain = saved(cues).cues[0].gain_db
    screen.press("ArrowUp", "k")
    screen.until("!review.player.paused && review.player.time > 0.2")
    screen.press("k")
    screen.until("review.player.paused")
    screen.press("l")
    screen.until("review.player.time > 4")
    screen.press("j", "j")
    screen.until("review.player.time < 0.5")
    screen.press("+", "-", "-", "-")  # the last gain is none of those on the way to it
    wanted = round(2 * (gain + 0.5)) / 2 - 1.5
    for _ in range(1200):
        if abs(saved(cues).cues[0].gain_db - wanted) < 1e-6:
            break
        time.sleep(0.05)
    assert saved(cues).cues[0].gain_db == pytest.approx(wanted)
    screen.press("x")
    screen.until("review.state.cues[0].locked")
    assert saved(cues).cues[0].locked
    screen.press("x", "h", "v")
    screen.until("!review.state.cues[0].locked && review.state.hits.length === 1 && review.state.vocals")
    screen.page.locator("#words").focus()
    screen.page.keyboard.type("tense")
    screen.press("Enter")
    screen.until("review.state.scenes[0].words === 'tense'")
    screen.page.locator("#zoom").focus()
    screen.press("Shift+?")
    screen.until("!document.getElementById('help').open")  # in a field, letters are text
    screen.page.locator('[data-do="plan"]').focus()
    screen.press("Shift+?")
    screen.until("document.getElementById('help').open")
    screen.press("Escape")
    screen.until("!document.getElementById('help').open")
    screen.press("Tab")
    outline = screen.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    screen.press("p")
    screen.until_said("planned again")
    before = cues.read_bytes()
    screen.press("z")
    until_saved(screen, cues, before)
    screen.press("ArrowUp", "s")
    screen.until("review.state.silences.length > 0 && review.state.redo === 0")
    assert screen.faults == []


def test_the_music_comes_back_when_the_film_goes_on_without_saying_so(browser: Any, address: str) -> None:
    screen = opened(browser, address)
    screen.press("k")
    screen.until("!review.player.paused && review.player.deck?.sources.size > 0")
    silent = "(review.player.clock.dispatchEvent(new Event('seeking')), review.player.deck === null)"
    assert screen.run(silent)  # in one script, before the page has time to go on
    screen.until("!review.player.paused && review.player.deck?.sources.size > 0", within_s=5)


def test_less_like_this_is_heard_at_once_and_undone_by_a_key(browser: Any, address: str, cues: Path) -> None:
    screen = opened(browser, address)
    was = saved(cues).cues[0]
    screen.press("ArrowUp", "k")
    screen.until("review.player.time > 0.3 && review.player.deck?.sources.size > 0")
    key = screen.run("review.state.key")
    for wish, back in (("n", "z"), ("m", "z")):
        before = cues.read_bytes()
        screen.press(wish)
        assert until_saved(screen, cues, before).cues[0].track_id != was.track_id
        screen.until(f"review.state.key !== {key!r} && review.player.deck?.music.key === review.state.key")
        screen.until_said("like the one before")
        screen.until("!review.player.paused")
        before = cues.read_bytes()
        screen.press(back)
        assert until_saved(screen, cues, before).cues[0] == was
        screen.until(f"review.state.key === {key!r}")
    assert screen.faults == []


def test_many_steps_leave_no_elements_listeners_or_sound_behind(browser: Any, address: str) -> None:
    screen = opened(browser, address)
    screen.press("ArrowUp", "k")
    screen.until("review.player.time > 0.3 && review.player.deck?.sources.size > 0")
    tools = screen.page.context.new_cdp_session(screen.page)

    def rounds(n: int) -> dict[str, int]:
        for _ in range(n):
            for key in ("2", "Enter", "z", "x", "x", "1"):
                screen.press(key)
                screen.run("new Promise((resolve) => setTimeout(resolve, 120))")
            screen.run("review.player.seek(0.2)")
        screen.press("k", "k")
        for _ in range(3):
            tools.send("HeapProfiler.collectGarbage")
        found: dict[str, int] = tools.send("Memory.getDOMCounters")
        return found

    before, after = rounds(2), rounds(12)
    assert after["nodes"] < 1.5 * before["nodes"] + 200
    assert after["jsEventListeners"] < before["jsEventListeners"] + 30
    assert screen.run("review.player.buffers.size") <= 32
    assert screen.run("document.querySelectorAll('.wave').length === review.state.cues.length")


def test_two_quick_keys_moved_a_start_from_the_same_place(browser: Any, address: str) -> None:
    screen = opened(browser, address)
    screen.press("ArrowUp", "b", "]")
    screen.until_said("start at")
    start_s = screen.run("review.state.cues[0].start_s")
    screen.press("]", "[")  # later and back again: each waits for the one before it
    screen.press("h")
    screen.until("review.state.hits.length === 1")
    assert screen.run("review.state.cues[0].start_s") == pytest.approx(start_s, abs=1e-3)


def test_the_page_says_what_it_can_do_and_not_what_a_command_can(
    browser: Any, address: str, serving: subprocess.Popen[str], cues: Path
) -> None:
    """Undo without a step, a hit point taken away, a locked cue, a film that is there, and a server that has ended."""
    screen = opened(browser, address)
    screen.press("z")
    screen.until_said("nothing to undo")
    screen.press("h")
    screen.until_said("for the next plan")
    screen.press("h")
    screen.until_said("removed")
    screen.press("ArrowUp", "x")
    screen.until("review.state.cues[0].locked")
    screen.press("+")
    screen.until_said("press X to unlock it")
    shutil.copy(cues.parent / "film.mp4", cues.parent / "film.scored.mp4")
    screen.press("r")
    screen.until_said("rename the file that is there")
    mark(cues.parent / "film.scored.mp4", "mp4")
    screen.press("r")
    screen.until_said("replace an existing film")
    serving.terminate()
    serving.wait(timeout=60)
    screen.press("x")
    screen.until_said("the command that serves this page has ended")


def test_a_title_in_arabic_turned_the_gain_beside_it_round(browser: Any, address: str) -> None:
    screen = opened(browser, address)
    titles = "[...document.querySelectorAll('.pick bdi')].map((e) => e.textContent)"
    assert screen.run(titles) == screen.run("review.state.cues.map((cue) => cue.title)")
    assert screen.run("[...document.querySelectorAll('.choices bdi')].length") >= 1


def test_a_start_never_moves_past_the_end_of_its_cue(browser: Any, address: str) -> None:
    screen = opened(browser, address)
    screen.press("ArrowUp")
    for _ in range(12):
        screen.press("]")
        screen.run("new Promise((resolve) => setTimeout(resolve, 150))")
        assert "would be empty" not in screen.said()
        if "no cut there" in screen.said():
            break
    assert "no cut there" in screen.said()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_for_screen_readers_and_no_sideways_scrolling(browser: Any, address: str, scheme: str) -> None:
    screen = opened(browser, address, color_scheme=scheme, viewport={"width": 1200, "height": 900})
    backs = {"light": "rgb(251, 250, 248)", "dark": "rgb(22, 21, 19)"}
    assert screen.run("getComputedStyle(document.body).backgroundColor") == backs[scheme]
    screen.page.locator(f'[data-select="{first_with_others(screen)}"]').click()
    screen.until("document.querySelector('.cue.selected .wave > div')?.shadowRoot?.querySelector('canvas')")
    assert screen.faults == []
    for width in (1200, 400):
        screen.page.set_viewport_size({"width": width, "height": 900})
        assert screen.run("document.documentElement.scrollWidth") <= width
        found = Axe().run(screen.page).response["violations"]
        wrong = [
            (v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert wrong == []


def test_a_blind_comparison_goes_by_keyboard_and_its_answers_are_kept(
    browser: Any, cues: Path, made: Made, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "soundtrack", "review", "--ab", "--pairs", "1", "--no-browser", "--index"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}
    with subprocess.Popen(
        [*words, str(made.index), str(cues)], stdout=subprocess.PIPE, text=True, env=environment
    ) as ab:
        assert ab.stdout is not None
        screen = Screen(browser.new_context(color_scheme="dark", viewport={"width": 400, "height": 900}).new_page())
        screen.page.on("console", lambda m: screen.faults.append(m.text) if m.type in ("error", "warning") else None)
        screen.page.goto(ab.stdout.readline().strip())
        screen.until("window.comparison?.isReady")
        screen.press("a")
        screen.until_said("Hear both first")
        screen.press("1")
        screen.until("comparison.position > 0.3")
        before = screen.run("comparison.position")
        screen.press("2")
        assert screen.run("comparison.position") >= before  # the music goes on where it was
        assert screen.faults == []
        assert screen.run("document.documentElement.scrollWidth") <= 400
        found = Axe().run(screen.page).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        screen.press("d")
        screen.until_said("All pairs are answered")
        assert "plan" in screen.page.locator("#results").text_content()
        ab.terminate()
    lines = (tmp_path / "data" / "soundtrack" / "answers.jsonl").read_text().splitlines()
    assert [json.loads(line)["choice"] for line in lines] == ["right"]


def rms_db(sound: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Level every 10 ms, in dBFS, at least -70."""
    step = RATE_HZ // 100
    mono = sound.mean(axis=0)
    blocks = mono[: len(mono) // step * step].reshape(-1, step)
    return np.asarray(20 * np.log10(np.maximum(np.sqrt((blocks**2).mean(axis=1)), 10 ** (-70 / 20))))


def lag_ms(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Delay of the second sound after the first at their highest correlation, to a sixth of a millisecond."""
    from scipy.signal import correlate

    a, b = (x.mean(axis=0)[::8] for x in (a, b))
    return float(np.argmax(correlate(b, a)) - (len(a) - 1)) * 8 / RATE_HZ * 1000


def test_what_is_heard_is_what_is_rendered_from_the_page_with_its_progress(
    browser: Any, address: str, cues: Path, record_property: Any
) -> None:
    screen = opened(browser, address)
    screen.press("r")
    screen.until("!document.getElementById('progress').hidden")
    screen.until_said("film.scored.mp4")
    screen.until("document.getElementById('progress').hidden")
    out = cues.parent / "film.scored.mp4"
    screen.until("document.body.dataset.measured === review.state.key")
    coded = screen.run("""async () => {
      const { player, state, renderOffline } = review;
      const sound = await renderOffline({
        key: state.key, gainsDb: player.gainsDb, keepsOriginal: player.keepsOriginal, startS: 0,
        stopS: state.duration_s, blockS: player.blockS,
      });
      const bytes = new Uint8Array(await new Blob([sound.getChannelData(0), sound.getChannelData(1)]).arrayBuffer());
      let text = "";
      for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
      return btoa(text);
    }""")
    heard = np.frombuffer(base64.b64decode(coded), "<f4").reshape(2, -1)
    rendered = read_audio(out, sample_rate_hz=RATE_HZ, channels=2)
    n = min(heard.shape[1], rendered.shape[1])
    heard, rendered = heard[:, :n], rendered[:, :n]
    assert n > 8 * RATE_HZ
    levels = [measure_loudness(np.ascontiguousarray(x)).integrated_lufs for x in (heard, rendered)]
    figures = (
        float(np.corrcoef(rms_db(heard), rms_db(rendered))[0, 1]),
        lag_ms(heard, rendered),
        levels[0] - levels[1],
    )
    record_property("correlation, lag in ms, level in LU", figures)
    assert figures[0] >= 0.99
    assert abs(figures[1]) <= 20
    assert abs(figures[2]) <= 1
    assert screen.faults == []


def test_two_windows_do_not_overwrite_each_other(browser: Any, address: str, cues: Path) -> None:
    screen, second = opened(browser, address), opened(browser, address)
    before = cues.read_bytes()
    screen.press("x")
    assert until_saved(screen, cues, before).cues[0].locked
    before = cues.read_bytes()
    second.press("s")
    second.until_said("changed in another window")
    assert cues.read_bytes() == before
    second.press("x")
    assert not until_saved(second, cues, before).cues[0].locked
