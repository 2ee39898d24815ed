"""The picture of a film: drawn for every sheet, the same twice, and tags stay text."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from made_up import sheet, small_library
from soundtrack.errors import DependencyError, UsageError
from soundtrack.export.picture import picture
from soundtrack.spotting.spot import spot_cues
from soundtrack.types import CueSheet, GainPoint


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)], speech=[0.0, 0.0, 0.7])
    points = (GainPoint(44.0, 0.0), GainPoint(45.0, -9.0), GainPoint(100.0, -9.0), GainPoint(101.0, 0.0))
    return replace(spot_cues(film, small_library()), ducking=points)


def test_the_picture_is_drawn_and_the_same_twice(cues: CueSheet) -> None:
    pytest.importorskip("matplotlib")
    svg = picture(cues, kind="svg")
    assert svg == picture(cues, kind="svg")
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert picture(cues, kind="png").startswith(b"\x89PNG")


def test_hostile_names_stay_text_and_an_empty_sheet_is_drawn(cues: CueSheet) -> None:
    pytest.importorskip("matplotlib")
    evil = replace(cues, tracks=tuple(replace(t, title="<b>$x^{$ \n\x1b") for t in cues.tracks))
    ElementTree.fromstring(picture(evil, kind="svg"))
    bare = replace(cues, cues=(), scenes=(), ducking=(), speech=(), alternatives=())
    assert picture(bare, kind="png")


def test_an_unknown_kind_is_refused_and_a_missing_package_named(
    cues: CueSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="kind 'gif'"):
        picture(cues, kind="gif")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(DependencyError) as error:
        picture(cues, kind="png")
    assert "plot" in error.value.hint
