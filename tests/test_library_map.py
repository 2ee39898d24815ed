"""The map of the library: every track at its valence and arousal, as a picture and as a page that runs one script."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from made_up import track
from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.errors import OutputError, UsageError
from soundtrack.export.page.library_map import map_page, map_picture

TRACKS = [track("calm one", ["Relaxation"] * 6), track("sad one", ["Sad"] * 6), track("wild one", ["Excited"] * 6)]


class Dots(HTMLParser):
    """The buttons of the plane, and the scripts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.dots: list[dict[str, str]] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        given = {name: value or "" for name, value in attrs}
        if tag == "button" and "data-url" in given:
            self.dots.append(given)


def dots_of(text: str) -> Dots:
    parser = Dots()
    parser.feed(text)
    return parser


@pytest.mark.parametrize(("spread", "reach"), [(1.0, None), (0.3, 0.3), (0.1, 0.25)])
def test_a_library_of_like_moods_was_a_heap_in_the_middle_of_the_plane(spread: float, reach: float | None) -> None:
    """Moods of a library seldom leave the inner third, so the plane is drawn as far as they reach."""
    largest = max(abs(v) for t in TRACKS for v in (t.emotion.valence, t.emotion.arousal))
    tracks = [
        replace(t, emotion=replace(t.emotion, valence=t.emotion.valence * k, arousal=t.emotion.arousal * k))
        for t in TRACKS
        for k in [spread / largest if reach else 1.0]
    ]
    edge = reach or largest
    text = map_page(tracks)
    assert f"positive, {edge:.2f}" in text
    dots = dots_of(text).dots
    assert len(dots) == len(tracks)
    for dot, one in zip(dots, tracks, strict=True):
        left, top = (float(re.search(rf"{side}: ([\d.]+)%", dot["style"]).group(1)) for side in ("left", "top"))  # type: ignore[union-attr]
        assert edge * (left - 50) / 46 == pytest.approx(one.emotion.valence, abs=1e-3)
        assert edge * (50 - top) / 46 == pytest.approx(one.emotion.arousal, abs=1e-3)
        assert one.emotion.label.lower() in dot["data-words"]
        assert dot["data-url"].startswith("file:///")


def test_hostile_tags_stay_texts_and_the_policy_allows_the_one_script() -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    hostile = replace(TRACKS[0], tags=replace(TRACKS[0].tags, title=evil, artist=evil, genre=evil))
    text = map_page([hostile])
    found = dots_of(text)
    assert found.scripts == 1
    assert "<img" not in text
    assert found.dots[0]["title"].startswith(evil)
    script = text[text.index("<script>") + 8 : text.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in text
    assert "http" not in script


def test_the_picture_is_drawn_and_the_same_twice() -> None:
    drawn = map_picture(TRACKS, kind="png")
    assert drawn.startswith(b"\x89PNG")
    assert drawn == map_picture(TRACKS, kind="png")
    assert b"Relaxation (1)" in map_picture(TRACKS, kind="svg")
    assert map_picture([], kind="png").startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="unknown picture format"):
        map_picture(TRACKS, kind="gif")


def test_the_command_writes_both_and_replaces_nothing_else(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    png, html = tmp_path / "map.png", tmp_path / "map.html"
    arguments = ["library", "map", "--index", str(made.index)]
    assert run_commands([*arguments, "--png", str(png), "--html", str(html)]) == 0
    assert "2 tracks" in capfd.readouterr().err
    assert png.read_bytes().startswith(b"\x89PNG")
    assert [Path(d["data-url"].removeprefix("file://")).name for d in dots_of(html.read_text()).dots] == [
        "bright.flac",
        "dark.mp3",
    ]
    with pytest.raises(OutputError):
        run_commands([*arguments, "--html", str(html)])
    html.write_text("<!DOCTYPE html><title>Mine</title>")
    with pytest.raises(OutputError):
        run_commands([*arguments, "--html", str(html), "--force"])
    assert "Mine" in html.read_text()


def test_the_page_counted_tracks_that_are_excluded(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(made.index, tmp_path / "index")
    assert run_commands(["library", "rules", "--exclude", "dark.mp3", "--index", str(index)]) == 0
    capfd.readouterr()
    html = tmp_path / "map.html"
    assert run_commands(["library", "map", "--index", str(index), "--html", str(html)]) == 0
    assert "1 track\n" in capfd.readouterr().err
    assert len(dots_of(html.read_text()).dots) == 1
