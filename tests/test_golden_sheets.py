"""Documents of every version that was ever written are read, and mean what they meant.

``tests/golden/cue-sheet-N.json`` was written by the program whose cue sheets had version N; the newest one is made
again here and compared (SOUNDTRACK_GOLDENS=write makes it anew while its version is not released).
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from made_up import sheet, small_library
from soundtrack.documents import cuesheet, scenesheet
from soundtrack.errors import InputError
from soundtrack.pipeline.sheets.swap import ducked
from soundtrack.settings import MixSettings
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import EMOTIONS, CueSheet, SceneSheet

GOLDEN = Path(__file__).parent / "golden"
NEWEST = int(cuesheet.SCHEMA.rpartition("/")[2])


def made_today() -> CueSheet:
    """The sheet that every version's golden file was made from, as it is kept after a render."""
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 14.25)], speech=[0.0, 0.9, 0.0])
    library = small_library()
    spotted = spot_cues(film, library, constraints=Constraints(hits=(31.5,)))
    found = ducked(spotted, library.tracks(), MixSettings(speech_over_music_lu=10.0))
    notes = replace(found.mix, music_gain_db=-1.25, master_gain_db=3.5, limiter_dbtp=-1.6)
    return cuesheet.rounded(replace(found, mix=notes))


def text_of(version: int) -> str:
    return (GOLDEN / f"cue-sheet-{version}.json").read_text()


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
def test_a_sheet_of_every_version_is_read_and_can_be_rendered(version: int) -> None:
    text = text_of(version)
    assert json.loads(text)["schema"] == f"soundtrack.cuesheet/{version}"
    found = cuesheet.loads(text)
    assert list(cuesheet.faults(found)) == []
    assert cuesheet.loads(cuesheet.dumps(found)) == found


def test_probabilities_are_written_with_their_names_and_lists_of_before_are_read() -> None:
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5)])
    data = json.loads(scenesheet.dumps(film))
    first = data["scenes"][0]["emotion"]["probabilities"]
    assert list(first) == list(EMOTIONS)
    assert max(first, key=first.__getitem__) == "Relaxation"

    def nameless(part: object) -> object:
        if isinstance(part, dict):
            listed = {k: list(v.values()) for k, v in part.items() if k == "probabilities"}
            return {k: nameless(v) for k, v in part.items()} | listed
        return [nameless(item) for item in part] if isinstance(part, list) else part

    old = json.dumps(nameless(data | {"schema": "soundtrack.scenes/1"}))
    assert scenesheet.loads(old) == scenesheet.rounded(film)


def a_scene_sheet() -> SceneSheet:
    """The sheet that every version's golden scene sheet was made from."""
    return scenesheet.rounded(sheet([("Relaxation", 20.0), ("Tension", 25.5)], speech=[0.0, 0.9]))


def test_the_newest_golden_scene_sheet_is_what_is_written_today() -> None:
    text = scenesheet.dumps(a_scene_sheet())
    path = GOLDEN / "scene-sheet-2.json"
    assert scenesheet.SCHEMA == "soundtrack.scenes/2"
    if os.environ.get("SOUNDTRACK_GOLDENS") == "write":
        path.write_text(text)
    assert path.read_text() == text


def test_a_scene_sheet_of_version_1_says_what_it_said_and_has_no_opinions() -> None:
    old = scenesheet.loads((GOLDEN / "scene-sheet-1.json").read_text())
    today = a_scene_sheet()
    assert [scene.opinions for scene in old.scenes] == [(), ()]
    assert old == replace(today, scenes=tuple(replace(scene, opinions=()) for scene in today.scenes))


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        ({"weight": 1.5}, "weight"),
        ({"channel": 3}, "string"),
        ({"emotion": None}, "must be 0"),
        ({"measures": [{"name": "warmth"}]}, "value: missing"),
        ({"says": "sad"}, "unknown"),
    ],
)
def test_an_opinion_that_makes_no_sense_is_refused_with_its_place(wrong: dict[str, object], about: str) -> None:
    data = json.loads(scenesheet.dumps(a_scene_sheet()))
    data["scenes"][1]["opinions"][0] |= wrong
    with pytest.raises(InputError, match=rf"scenes\[1\]\.opinions\[0\].*{about}"):
        scenesheet.loads(json.dumps(data))


def test_the_newest_golden_sheet_is_what_is_written_today() -> None:
    text = cuesheet.dumps(made_today())
    path = GOLDEN / f"cue-sheet-{NEWEST}.json"
    if os.environ.get("SOUNDTRACK_GOLDENS") == "write":
        path.write_text(text)
    assert path.read_text() == text


def test_a_sheet_of_version_1_keeps_what_it_said_and_leaves_its_gains_to_be_measured() -> None:
    old, today = cuesheet.loads(text_of(1)), made_today()
    assert (old.mix.music_gain_db, old.mix.master_gain_db, old.mix.limiter_dbtp) == (None, None, None)
    assert not old.mix.keep_level
    silent = tuple(replace(scene, opinions=()) for scene in today.scenes)
    assert old.scenes == silent
    written, read = json.loads(text_of(1))["cues"], json.loads(cuesheet.dumps(old))["cues"]
    for before, after in zip(written, read, strict=True):
        assert {name: after[name] for name in before} == before
    assert all(cue.facts is None for cue in old.cues)
    assert json.loads(cuesheet.dumps(old))["ducking"] == json.loads(text_of(1))["ducking"]
