"""The review page in Chromium: played, compared, edited and planned again, by keyboard, on narrow and dark screens.

What is heard is compared with what `render` writes: the page's own sound, rendered without a device, against the stem.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from media_made import Made
from soundtrack import pipeline
from soundtrack.documents import cuesheet
from soundtrack.media.reading.audio import read_audio
from soundtrack.settings import MIX_RATE_HZ
from soundtrack.types import CueSheet

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Window

CHROMIUM = Path(os.environ.get("SOUNDTRACK_CHROMIUM", "/usr/bin/chromium"))
SHOTS = os.environ.get("SOUNDTRACK_SHOTS")

pytest.importorskip("starlette")
sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.is_file(), reason="no Chromium: install the package chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=options)
        yield started
        started.close()


@pytest.fixture(scope="module")
def sheet(made: Made) -> CueSheet:
    from review_made import planned

    return planned(made)


@pytest.fixture
def cues(tmp_path: Path, made: Made, sheet: CueSheet) -> Path:
    from review_made import lay_out

    return lay_out(tmp_path, made, sheet)


@pytest.fixture
def address(cues: Path, made: Made) -> str:
    from soundtrack.review.opening import find_reviewed
    from soundtrack.review.serve import serve

    found: list[str] = []
    is_ready = threading.Event()

    def ready(text: str) -> None:
        found.append(text)
        is_ready.set()

    threading.Thread(
        target=serve, args=(find_reviewed(cues),), kwargs={"index": made.index, "ready": ready}, daemon=True
    ).start()
    assert is_ready.wait(30)
    return found[0]


def opened(browser: Browser, address: str, **options: Any) -> tuple[Window, list[str]]:
    """A window on the page, and what it complains about."""
    window = browser.new_context(**options).new_page()
    faults: list[str] = []
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    window.goto(address)
    until(window, "() => Boolean(window.review && document.body.dataset.measured)")
    return window, faults


def until(window: Window, condition: str, arg: object = None, *, timeout_s: float = 60) -> None:
    """Wait for a condition; Playwright's own way needs a policy that allows eval."""
    end_s = time.monotonic() + timeout_s
    while not window.evaluate(condition, arg):
        assert time.monotonic() < end_s, (condition, arg, window.inner_text("#said"))
        time.sleep(0.03)


def saved(path: Path) -> CueSheet:
    return cuesheet.loads(path.read_text(encoding="utf-8"))


def wait_for_said(window: Window, text: str, timeout_s: float = 60) -> None:
    until(window, "text => document.getElementById('said').textContent.includes(text)", text, timeout_s=timeout_s)


def picture(window: Window, name: str) -> None:
    if SHOTS:
        window.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_a_cue_is_heard_swapped_locked_planned_around_and_undone_by_keyboard_alone(
    browser: Browser, address: str, cues: Path
) -> None:
    first = cues.read_text()
    window, faults = opened(browser, address, viewport={"width": 1200, "height": 900})
    assert window.locator(".scene").count() >= 1
    window.wait_for_selector(".wave [part], .wave > div")
    window.keyboard.press("ArrowDown")
    window.keyboard.press("ArrowUp")
    window.keyboard.press("k")
    until(window, "() => !window.review.player.paused && window.review.player.time > 0.3")
    picture(window, "playing")
    name = window.evaluate("() => document.querySelector('.cue.selected').dataset.id")
    window.keyboard.press("2")
    wait_for_said(window, "with alternative 2")
    window.keyboard.press("1")
    until(window, "() => document.querySelector('[data-do=hear-1]').getAttribute('aria-checked') === 'true'")
    assert cues.read_text() == first
    window.keyboard.press("2")
    until(window, "() => document.querySelector('[data-do=hear-2]').getAttribute('aria-checked') === 'true'")
    window.keyboard.press("Enter")
    until(window, "() => window.review.state.undo === 1")
    swapped = saved(cues)
    assert swapped.cues[0].track_id != cuesheet.loads(first).cues[0].track_id
    window.keyboard.press("-")
    window.keyboard.press("x")
    until(window, "() => window.review.state.undo === 3")
    assert saved(cues).cues[0].locked
    assert (saved(cues).cues[0].gain_db * 2) % 1 == 0
    locked = cues.read_text()
    window.keyboard.press("p")
    wait_for_said(window, "planned again", 120)
    again = saved(cues)
    assert next(c for c in again.cues if c.locked).sections == swapped.cues[0].sections
    for _ in range(window.evaluate("() => window.review.state.undo")):
        before = window.evaluate("() => window.review.state.undo")
        window.keyboard.press("z")
        until(window, "n => window.review.state.undo === n - 1", before)
        if before == 4:
            assert cues.read_text() == locked
    assert cues.read_text() == first
    window.keyboard.press("y")
    until(window, "() => window.review.state.undo === 1")
    assert cues.read_text() == cuesheet.dumps(swapped)
    window.keyboard.press("s")
    wait_for_said(window, "silence instead")
    assert name not in [cue.cue_id for cue in saved(cues).cues]
    window.keyboard.press("?")
    assert window.locator("#help").is_visible()
    window.keyboard.press("Escape")
    assert faults == []


def test_another_alternative_is_heard_within_a_fifth_of_a_second(browser: Browser, address: str) -> None:
    window, faults = opened(browser, address)
    window.click(".cue .pick")
    window.keyboard.press("k")
    until(window, "() => window.review.player.time > 0.3")
    window.keyboard.press("2")
    wait_for_said(window, "with alternative 2")
    taken = []
    for key in "121212":
        window.evaluate("() => { window.review.player.lastSwitchMs = null }")
        window.keyboard.press(key)
        until(window, "() => window.review.player.lastSwitchMs !== null")
        taken.append(window.evaluate("() => window.review.player.lastSwitchMs"))
    assert np.median(taken) < 200, taken
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_cut_off_on_narrow_screens_and_texts_have_contrast(
    browser: Browser, address: str, scheme: Any, width: int
) -> None:
    window, faults = opened(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    window.click(".cue .pick")
    window.wait_for_timeout(300)
    picture(window, f"{width}-{scheme}")
    assert window.evaluate("() => document.documentElement.scrollWidth") <= width
    unnamed = window.evaluate(
        "() => [...document.querySelectorAll('button, input, select, [role]')]"
        ".filter(e => !(e.innerText || e.getAttribute('aria-label') || e.labels?.length || e.id === 'said'"
        " || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"
    )
    assert unnamed == []
    colours = window.evaluate(
        "() => ['#said', '.cue .when', 'h1', 'button', '.legend', 'kbd'].map(s => ["
        "getComputedStyle(document.querySelector(s)).color, getComputedStyle(document.body).backgroundColor])"
    )
    for front, back in colours:
        lights = sorted(_luminance(text) for text in (front, back))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5
    assert faults == []


def _luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)`` (WCAG 2.2)."""
    parts = np.array([float(v) for v in colour.strip("rgba()").split(",")[:3]]) / 255
    line = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(line @ [0.2126, 0.7152, 0.0722])


def test_what_is_heard_is_what_render_writes(
    browser: Browser, address: str, cues: Path, made: Made, tmp_path: Path
) -> None:
    window, faults = opened(browser, address)
    length_s = window.evaluate("() => window.review.state.duration_s")
    samples = window.evaluate(
        """async (lengthS) => {
            const { player, renderOffline, state } = window.review;
            const sound = await renderOffline(state.key, player.gainsDb, 0, lengthS, player.blockS);
            return Array.from(sound.getChannelData(0).filter((_, i) => i % 8 === 0));
        }""",
        length_s,
    )
    stems = tmp_path / "stems"
    pipeline.render_video(made.film, saved(cues), out=tmp_path / "out.mkv", index=made.index, stems=stems)
    music = next(path for path in stems.iterdir() if "MX" in path.name)
    written = read_audio(music, sample_rate_hz=MIX_RATE_HZ, channels=2)[0][::8]
    heard = np.array(samples, np.float32)
    n = min(len(heard), len(written))
    heard, written = heard[:n], written[:n]
    step = MIX_RATE_HZ // 8 // 100  # 10 ms
    envelopes = [np.sqrt(np.mean(x[: n // step * step].reshape(-1, step) ** 2, axis=1)) for x in (heard, written)]
    assert np.corrcoef(*envelopes)[0, 1] >= 0.99
    lags = range(-60, 61)  # of a sixth of a millisecond: up to 10 ms
    products = [float(np.dot(heard[100 + lag : n - 100 + lag], written[100 : n - 100])) for lag in lags]
    assert abs(lags[int(np.argmax(products))]) / (MIX_RATE_HZ / 8) <= 0.02
    level_db = 20 * np.log10(np.sqrt(np.mean(heard**2)) / np.sqrt(np.mean(written**2)))
    assert abs(level_db) <= 1.0
    print(
        f"correlation {np.corrcoef(*envelopes)[0, 1]:.5f}, lag {lags[int(np.argmax(products))] / 6:.2f} ms, {level_db:+.2f} dB"
    )
    assert faults == []


def test_two_windows_do_not_overwrite_each_other_and_the_second_shows_what_is_there(
    browser: Browser, address: str, cues: Path
) -> None:
    first, _ = opened(browser, address)
    second, _ = opened(browser, address)
    for window in (first, second):
        window.click(".cue .pick")
    first.keyboard.press("x")
    wait_for_said(first, "locked")
    after = cues.read_text()
    second.keyboard.press("-")
    wait_for_said(second, "another window")
    assert cues.read_text() == after
    assert second.evaluate("() => window.review.state.cues[0].locked")
