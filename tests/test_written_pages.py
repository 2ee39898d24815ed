"""Pages that are written to a file, in a browser: for screen readers, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe

from made_up import sheet, small_library, track
from soundtrack.export.page.library_map import map_page
from soundtrack.export.page.night import FilmNight, night_page
from soundtrack.export.page.page import page
from soundtrack.spotting.plan.spot import spot_cues
from test_review_page import browser, closed_afterwards  # noqa: F401 - the same browser, as a fixture

pytestmark = pytest.mark.slow

LONG = "a_name_without_a_single_blank_" * 6


def a_map() -> str:
    one = track("calm one", ["Relaxation"] * 6)
    return map_page([one, replace(one, tags=replace(one.tags, title=LONG))])


def a_night() -> str:
    quiet = "the mix is very quiet: raised by only 24 dB, still below the target"
    films = [
        FilmNight(f"/films/{LONG}.mp4", "scored", duration_s=10.0, music_s=10.0, n_cues=1, warnings=(quiet,)),
        FilmNight("/films/b.mp4", "scored", duration_s=10.0, music_s=5.0, n_cues=1),
        FilmNight("/films/c.mp4", "failed", message="/films/c.mp4 has no picture", hint="use a film", exit_code=3),
    ]
    return night_page(films)


def a_sheet() -> str:
    return page(spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), small_library()))


@pytest.mark.parametrize("made", [a_map, a_night, a_sheet])
def test_written_pages_had_no_landmark_and_tables_that_a_keyboard_could_not_scroll(
    made: Callable[[], str],
    browser: Any,  # noqa: F811 - the fixture's value
    tmp_path: Path,
) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
        screen = context.new_page()
        screen.goto(file.as_uri())
        assert screen.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(screen).response["violations"]
        assert [(v["id"], [n["html"][:90] for n in v["nodes"]]) for v in found] == []
        context.close()
    heads = browser.new_page(viewport={"width": 1280, "height": 900})
    heads.goto(file.as_uri())
    heights = heads.evaluate("[...document.querySelectorAll('thead th')].map((th) => th.offsetHeight)")
    assert len(set(heights)) <= 1 and all(height < 45 for height in heights)  # "lengt-h", "silenc-e"
