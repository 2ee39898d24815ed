"""The picture of a film: drawn for every sheet, the same twice, and tags stay text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from made_up import sheet, small_library
from soundtrack.errors import UsageError
from soundtrack.export.page.glyphs import Fonts, fonts_for
from soundtrack.export.page.picture import picture, undrawable
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, GainPoint


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)], speech=[0.0, 0.0, 0.7])
    points = (GainPoint(44.0, 0.0), GainPoint(45.0, -9.0), GainPoint(100.0, -9.0), GainPoint(101.0, 0.0))
    return replace(spot_cues(film, small_library()), ducking=points)


def test_the_picture_is_drawn_and_the_same_twice(cues: CueSheet) -> None:
    svg = picture(cues, kind="svg")
    assert svg == picture(cues, kind="svg")
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert picture(cues, kind="png").startswith(b"\x89PNG")


def test_hostile_names_stay_text_and_an_empty_sheet_is_drawn(cues: CueSheet) -> None:
    evil = replace(cues, tracks=tuple(replace(t, title="<b>$x^{$ \n\x1b") for t in cues.tracks))
    ElementTree.fromstring(picture(evil, kind="svg"))
    bare = replace(cues, cues=(), scenes=(), ducking=(), speech=(), alternatives=())
    assert picture(bare, kind="png")


def test_an_unknown_kind_is_refused(cues: CueSheet) -> None:
    with pytest.raises(UsageError, match="unknown picture format 'gif'"):
        picture(cues, kind="gif")


NAMES = ("Ça ira", "Ωμέγα и Чайка", "日本の歌", "노래", "Cafe\u0301", "שיר")


def test_names_of_any_script_are_text_in_an_svg(cues: CueSheet) -> None:
    """Reported as: CJK and accents become boxes in drawings."""
    named = tuple(replace(t, title=NAMES[i % len(NAMES)], artist=None) for i, t in enumerate(cues.tracks))
    sheet_of_all = replace(cues, tracks=named, film=replace(cues.film, name="映画.mp4"))
    used = {t.title for t in named if t.track_id in {c.track_id for c in cues.cues}}
    root = ElementTree.fromstring(picture(sheet_of_all, kind="svg"))
    said = "\n".join("".join(item.itertext()) for item in root.iter() if item.tag.endswith("}text"))
    assert "映画.mp4" in said
    assert used
    assert all(name in said for name in used if name)


def test_the_title_of_a_short_cue_can_be_read(cues: CueSheet) -> None:
    """Each cue of the demo showed the beginning of its artist, which is the same for all."""
    named = tuple(replace(t, title=f"Song {i}", artist="The Long Name Band") for i, t in enumerate(cues.tracks))
    root = ElementTree.fromstring(picture(replace(cues, tracks=named), kind="svg"))
    said = ["".join(item.itertext()).strip() for item in root.iter() if item.tag.endswith("}text")]
    titles = {t.track_id: t.title for t in named}
    assert cues.cues
    for cue in cues.cues:
        assert f"{cue.cue_id} {titles[cue.track_id]}, The Long Name Band" in said


def test_a_png_takes_a_font_that_has_the_characters(tmp_path: Path) -> None:
    """A font of one character, which no other font has, is found and used."""
    from matplotlib import font_manager

    made = "\u1c5a"  # Ol Chiki
    if made not in fonts_for(made).lacking:
        pytest.skip("may read everything: this machine has a font for Ol Chiki")
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (500, 700), (500, 0)):
        (pen.moveTo if corner == (0, 0) else pen.lineTo)(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "letter"])
    builder.setupCharacterMap({ord(made): "letter"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "letter": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "letter": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Solo", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "solo.ttf")
    before = list(font_manager.fontManager.ttflist)
    try:
        font_manager.fontManager.addfont(tmp_path / "solo.ttf")
        assert fonts_for(f"a{made}") == Fonts(("DejaVu Sans", "Solo"), "")
    finally:
        font_manager.fontManager.ttflist[:] = before


def test_characters_that_no_font_has_are_question_marks_in_a_png_and_named(cues: CueSheet) -> None:
    nowhere = "\U0001e5d0"  # Nag Mundari, in hardly any font
    named = replace(cues, film=replace(cues.film, name=f"a{nowhere}.mp4"))
    marked = replace(cues, film=replace(cues.film, name="a?.mp4"))
    if undrawable(named) == nowhere:
        assert picture(named, kind="png") == picture(marked, kind="png")
    assert undrawable(cues) == ""


def test_a_long_title_ran_out_of_its_cue(cues: CueSheet) -> None:
    """White letters on a white page were cut off anyhow; each label now ends with the shape under it."""
    root = ElementTree.fromstring(picture(cues, kind="svg"))
    spaces = {"svg": "http://www.w3.org/2000/svg"}
    clipped = {
        text.text: group.get("clip-path")
        for group in root.iterfind(".//svg:g[@clip-path]", spaces)
        for text in group.iterfind("svg:text", spaces)
    }
    labels = [text for text in clipped if text and any(text.startswith(cue.cue_id) for cue in cues.cues)]
    assert len(labels) == len(cues.cues) > 1
    assert len({clipped[label] for label in labels}) == len(labels)
