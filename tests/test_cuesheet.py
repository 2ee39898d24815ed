"""Cue sheet and scene sheet as text: what is written is read back the same, what is wrong is named with its place."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import sheet, small_library
from soundtrack.documents import codec as documents
from soundtrack.documents import cuesheet, scenesheet, writing
from soundtrack.documents.schema import schema_text
from soundtrack.errors import InputError
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, GainPoint, SceneSheet, Span

SCHEMA_FILE = Path(__file__).parent.parent / "docs" / "cue-sheet.schema.json"


@pytest.fixture(scope="module")
def film() -> SceneSheet:
    return sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 14.25)], speech=[0.0, 0.9, 0.0])


@pytest.fixture(scope="module")
def cues(film: SceneSheet) -> CueSheet:
    return spot_cues(film, small_library())


def change(text: str, edit: Callable[[Any], None]) -> str:
    """The same document after an edit."""
    data = json.loads(text)
    edit(data)
    return json.dumps(data)


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(0, 1e4),
    length=st.floats(0, 1e4),
    gain=st.floats(-60, 20),
    name=st.text(max_size=20),
    title=st.none() | st.text(max_size=20),
    points=st.lists(st.tuples(st.floats(0, 1e4), st.floats(-60, 0)), max_size=4),
    seed=st.integers(0, 2**40),
)
def test_what_is_written_is_read_back_and_written_the_same(
    start: float, length: float, gain: float, name: str, title: str | None, points: list[Any], seed: int
) -> None:
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5)])
    made = _CACHE.setdefault("cues", spot_cues(film, small_library()))
    cue = replace(made.cues[0], span=Span(start, start + length), gain_db=gain)
    edited = replace(
        made,
        film=replace(made.film, name=name),
        tracks=(replace(made.tracks[0], title=title), *made.tracks[1:]),
        cues=(cue, *made.cues[1:]),
        ducking=tuple(GainPoint(t, g) for t, g in points),
        seed=seed,
    )
    text = cuesheet.dumps(edited)
    again = cuesheet.loads(text)
    assert cuesheet.dumps(again) == text
    assert again == cuesheet.rounded(edited) == cuesheet.rounded(again)
    assert again == cuesheet.rounded(edited, before=cuesheet.rounded(made)) == cuesheet.rounded(edited, before=made)


_CACHE: dict[str, CueSheet] = {}


def test_the_text_has_the_promised_form(cues: CueSheet) -> None:
    text = cuesheet.dumps(cues)
    data = json.loads(text)
    assert text.startswith('{\n  "schema": "soundtrack.cuesheet/2",\n  "film": {\n    "name": ')
    assert text.endswith("\n}\n")
    assert data["film"]["fps"] == "24000/1001"
    assert list(data)[1:] == list(CueSheet.__dataclass_fields__)
    floats = [word for word in text.replace(",", " ").split() if "." in word and word[0].isdigit()]
    assert floats
    assert all(len(word.split(".")[1].rstrip("]")) <= writing.DECIMALS for word in floats)


def test_a_file_name_that_is_no_utf8_survives(cues: CueSheet) -> None:
    odd = replace(cues, tracks=tuple(replace(t, path="music/\udcff.mp3") for t in cues.tracks))
    text = cuesheet.dumps(odd)
    assert text.encode("utf-8")
    assert cuesheet.loads(text).tracks[0].path == "music/\udcff.mp3"


def test_a_track_with_a_name_that_no_file_can_have_is_a_fault(cues: CueSheet) -> None:
    """`cues check` called it clean, and `render` refused it."""
    paths = {
        "/music/" + "A" * 300: "tracks[0].path: name too long: 300 bytes, at most 255",
        "C:\\Music\\"
        + "\N{HIRAGANA LETTER A}" * 90
        + "\\a.mp3": "tracks[0].path: name too long: 270 bytes, at most 255",
        "a\0b.mp3": "tracks[0].path: contains a NUL byte",
        "/".join(["A" * 255] * 20): None,
        "\udcff" * 255: None,
    }
    for path, fault in paths.items():
        sheet = replace(cues, tracks=(replace(cues.tracks[0], path=path), *cues.tracks[1:]))
        assert list(cuesheet.faults(sheet)) == ([] if fault is None else [fault])


def test_a_scene_sheet_in_memory_equals_the_one_read_back(film: SceneSheet) -> None:
    rough = replace(film, embeddings=film.embeddings + np.float32(1.23e-7))
    settled = scenesheet.rounded(rough)
    again = scenesheet.loads(scenesheet.dumps(settled))
    assert again == settled
    assert np.array_equal(again.embeddings, settled.embeddings)
    assert all(np.array_equal(a.embedding, b.embedding) for a, b in zip(again.readings, settled.readings, strict=True))
    assert scenesheet.dumps(again) == scenesheet.dumps(rough)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d["cues"][1].update(gain_bd=1.0), r"cues\[1\].gain_bd: unknown, did you mean gain_db\?"),
        (lambda d: d["cues"][0].pop("track_id"), r"cues\[0\].track_id: missing"),
        (lambda d: d["cues"][0]["span"].update(start_s="1"), r"cues\[0\].span.start_s: must be a number, got text"),
        (lambda d: d["cues"][0]["span"].update(start_s=True), "must be a number, got true or false"),
        (lambda d: d["cues"][0]["span"].update(start_s=500.0), r"cues\[0\].span: span must have 0 <= start <= end"),
        (lambda d: d["scenes"][1].update(speech_share=1.5), r"scenes\[1\].speech_share: must be in \[0, 1\], got 1.5"),
        (lambda d: d["scenes"][0]["emotion"].update(valence=-2), "valence: must be in"),
        (lambda d: d["scenes"][0]["emotion"].update(probabilities=[1.0]), "probabilities: must be an object with"),
        (lambda d: d["scenes"][0]["emotion"]["probabilities"].pop("Sad"), "probabilities.Sad: missing"),
        (lambda d: d["scenes"][0]["emotion"]["probabilities"].update(Happy=0.1), "probabilities.Happy: unknown"),
        (lambda d: d["scenes"][0].update(n_shots=1.5), "n_shots: must be a whole number, got 1.5"),
        (lambda d: d["film"].update(fps="25"), "film.fps: must be a fraction above 0 such as 30000/1001, got 25"),
        (lambda d: d["film"].update(fps="1/0"), "film.fps: must be a fraction"),
        (lambda d: d.update(cues={}), "cues: must be a list, got an object"),
        (lambda d: d["cues"].append(None), "must be an object, got null"),
        (lambda d: d.update(schema="soundtrack.cuesheet/3"), "schema: is soundtrack.cuesheet/3, newer than"),
        (lambda d: d.update(schema="soundtrack.scenes/1"), "schema: is soundtrack.scenes/1, must be"),
        (lambda d: d.update(ducking=[{"time_s": 1.0, "gain_db": 3.0}]), r"ducking\[0\].gain_db: must be in"),
        (lambda d: d["mix"].update(target_lufs=1e400), "Infinity is not a valid JSON number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(cues: CueSheet, edit: Callable[[Any], None], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        cuesheet.loads(change(cuesheet.dumps(cues), edit), name="film.cues.json")
    assert str(error.value).startswith("film.cues.json: ")
    assert "\n" not in str(error.value)
    assert error.value.hint


def test_a_sheet_of_a_later_version_was_to_be_corrected_by_hand(cues: CueSheet) -> None:
    with pytest.raises(InputError, match="newer than this version") as error:
        cuesheet.loads(change(cuesheet.dumps(cues), lambda d: d.update(schema="soundtrack.cuesheet/9")))
    assert error.value.hint == "update soundtrack"


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"schema": 1}', "[" * 100_000, '{"a": 1, "a": 2}', "null"])
def test_texts_that_are_no_document_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        cuesheet.loads(text)
    with pytest.raises(InputError):
        scenesheet.loads(text)


def test_numbers_that_jq_shortens_are_read(cues: CueSheet) -> None:
    text = cuesheet.dumps(cues)
    short = change(text, lambda d: d["cues"][0]["span"].update(start_s=0))
    assert isinstance(cuesheet.loads(short).cues[0].span.start_s, float)
    assert cuesheet.dumps(cuesheet.loads(short)) == text


def test_an_older_document_is_upgraded(cues: CueSheet) -> None:
    text = cuesheet.dumps(cues).replace(cuesheet.SCHEMA, "soundtrack.cuesheet/3")

    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {("film" if k == "video" else k): v for k, v in data.items()}

    old = cuesheet.dumps(cues).replace('"film"', '"video"', 1)
    new = documents.load(CueSheet, old, schema="soundtrack.cuesheet/3", upgrades={2: rename}, name="x")
    assert writing.dump(new, schema="soundtrack.cuesheet/3") == text


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: replace(s, cues=s.cues[::-1]), "starts before|overlaps"),
        (lambda s: _first(s, span=Span(0.0, s.cues[0].span.end_s + 1e-3)), r"add up to \d+ samples at 48 kHz"),
        (lambda s: _first(s, sections=()), "sections: must not be empty"),
        (lambda s: _first(s, track_id="f" * 64), "not listed in `tracks`"),
        (lambda s: _first(s, scenes=(99,)), "unknown scene 99"),
        (lambda s: _first(s, fade_in_s=90.0), "longer than the cue"),
        (lambda s: replace(s, tracks=tuple(replace(t, duration_s=1.0) for t in s.tracks)), "past the end of the track"),
        (lambda s: replace(s, film=replace(s.film, duration_s=3.0)), "past the end of the film"),
        (lambda s: replace(s, ducking=(GainPoint(2.0, 0.0), GainPoint(1.0, 0.0))), r"ducking\[1\].time_s"),
        (lambda s: replace(s, cues=(s.cues[0], s.cues[0])), "is duplicated"),
    ],
)  # fmt: skip
def test_a_sheet_that_makes_no_sense_has_faults(
    cues: CueSheet, edit: Callable[[CueSheet], CueSheet], message: str
) -> None:
    assert list(cuesheet.faults(cues)) == []
    with pytest.raises(InputError, match=message):
        cuesheet.check(edit(cues))


def _first(made: CueSheet, **changes: Any) -> CueSheet:
    """The sheet with a changed first cue."""
    return replace(made, cues=(replace(made.cues[0], **changes), *made.cues[1:]))


def test_one_sample_too_many_is_a_fault(cues: CueSheet) -> None:
    cue = cues.cues[0]
    last = cue.sections[-1]
    longer = replace(last, track=Span(last.track.start_s, last.track.end_s + 1 / 48_000))
    assert any("add up to" in f for f in cuesheet.faults(_first(cues, sections=(*cue.sections[:-1], longer))))


def test_numbers_that_are_not_finite_are_never_written(cues: CueSheet) -> None:
    with pytest.raises(ValueError, match="finite"):
        cuesheet.dumps(_first(cues, merit=math.nan))


def test_written_sheets_validate_against_the_schema(cues: CueSheet) -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(cuesheet.dumps(cues)))
    for edit in (
        lambda d: d["cues"][0].update(gain_bd=1.0),
        lambda d: d["scenes"][0].update(speech_share=2.0),
        lambda d: d.update(schema="other/1"),
        lambda d: d["film"].pop("fps"),
    ):
        wrong = json.loads(change(cuesheet.dumps(cues), edit))
        assert not validator.is_valid(wrong)


def test_the_schema_file_is_the_one_of_the_types() -> None:
    text = schema_text(CueSheet, schema=cuesheet.SCHEMA, title="Cue sheet of soundtrack")
    if os.environ.get("SOUNDTRACK_GOLDENS") == "write":
        SCHEMA_FILE.write_text(text)
    assert SCHEMA_FILE.read_text() == text
