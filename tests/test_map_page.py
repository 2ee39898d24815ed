"""The map of the library in a browser: layouts, sound on hover and focus, words, a drawn path, keyboard, 400 px."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe

from media_made import Made
from test_review_page import Screen, browser, closed_afterwards  # noqa: F401 - the same browser, as a fixture

pytestmark = pytest.mark.slow


@pytest.fixture
def address(made: Made, tmp_path: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "soundtrack", "library", "map", "--no-browser", "--index", str(made.index)]
    with subprocess.Popen(
        [*words, "--playlists", str(tmp_path / "lists")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()


def opened(browser: Any, address: str, **options: Any) -> Screen:  # noqa: F811 - the fixture's value
    """A window on the map."""
    screen = Screen(browser.new_context(**options).new_page())
    page = screen.page
    page.on("console", lambda m: screen.faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: screen.faults.append(str(error)))
    page.goto(address)
    screen.until("window.map?.state")
    return screen


def test_a_person_hears_filters_draws_and_saves_with_the_mouse(browser: Any, address: str, tmp_path: Path) -> None:  # noqa: F811
    screen = opened(browser, address)
    dots = screen.page.locator(".dot")
    assert dots.count() == 2
    before = [dots.nth(i).get_attribute("style") for i in range(2)]
    dots.nth(1).hover()
    screen.until("map.state().playing === 1 && map.sound.currentTime > 0 && !map.sound.paused")
    screen.page.locator("h1").hover()
    screen.until("map.state().playing === null && map.sound.paused")
    screen.page.locator('[data-view="likeness"]').click()
    assert [dots.nth(i).get_attribute("style") for i in range(2)] != before
    screen.page.wait_for_timeout(600)  # the dots have moved
    box = screen.page.locator("#plane").bounding_box()
    screen.page.mouse.move(box["x"] + 20, box["y"] + 20)
    screen.page.mouse.down()
    for k in range(1, 20):
        screen.page.mouse.move(box["x"] + 20 + k * (box["width"] - 40) / 20, box["y"] + 20 + k * 5)
    screen.page.mouse.up()
    screen.until("map.state().numbers.length === 2")
    screen.page.locator("#words").fill("bright")
    screen.page.locator("#filter button[type=submit]").click()
    screen.until("document.getElementById('shown').textContent === '1' && map.state().numbers.length === 1")
    screen.page.locator("#name").fill("evening")
    screen.page.locator("#save button").click()
    screen.until_said("saved: ")
    assert (tmp_path / "lists" / "evening.m3u8").read_text().count("#EXTINF") == 1
    assert screen.faults == []
    screen.page.locator("#save button").click()
    screen.until_said("exists")  # and the browser logs the refusal
    screen.page.locator("#words").fill("hapyy")
    screen.page.locator("#filter button[type=submit]").click()
    screen.until_said("hapyy")


def test_the_map_goes_by_keyboard_alone(browser: Any, address: str, tmp_path: Path) -> None:  # noqa: F811
    screen = opened(browser, address)
    for _ in range(12):
        screen.press("Tab")
        if screen.run("document.activeElement.classList.contains('dot')"):
            break
    assert screen.run("document.activeElement.ariaLabel").startswith("bright.flac, ")
    screen.until("map.state().playing === 0 && map.sound.currentTime > 0")
    screen.press(" ")
    screen.until("map.state().playing === null")
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        screen.press(key)
        if screen.run("map.state().current") == 1:
            break
    assert screen.run("map.state().current") == 1
    screen.press("Enter")
    screen.until("map.state().numbers.length === 2 && map.state().numbers[0] === 1")
    screen.press("l", "Enter")
    screen.until("map.state().view === 'likeness' && map.state().corners.length === 1")
    screen.press("Backspace")
    screen.until("map.state().numbers.length === 0")
    screen.press("Enter", "Shift+?")
    screen.until("document.getElementById('help').open")
    screen.press("Escape", "/")
    screen.page.keyboard.type("dark")
    screen.press("Enter")
    screen.until("document.getElementById('shown').textContent === '1'")
    screen.page.locator("#name").focus()
    screen.page.keyboard.type("night")
    screen.press("Enter")
    screen.until_said("saved: ")
    assert "dark.mp3" in (tmp_path / "lists" / "night.m3u8").read_text()
    assert screen.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_has_no_serious_fault_for_screen_readers(browser: Any, address: str, scheme: str) -> None:  # noqa: F811
    screen = opened(browser, address, color_scheme=scheme, viewport={"width": 1200, "height": 900})
    screen.page.locator(".dot").first.focus()
    screen.press("Enter")
    screen.until("map.state().numbers.length === 2")
    for width in (1200, 400):
        screen.page.set_viewport_size({"width": width, "height": 900})
        assert screen.run("document.documentElement.scrollWidth") <= width
        found = Axe().run(screen.page).response["violations"]
        wrong = [
            (v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert wrong == []
    assert screen.faults == []
