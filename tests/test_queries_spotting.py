"""Requests in words in the choice of music and on the command line."""

from __future__ import annotations

import gc
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import library, sheet, track
from media_made import make_track
from soundtrack import api, resources
from soundtrack.cli.app import run_commands
from soundtrack.cli.words import parse_mood
from soundtrack.documents import scenesheet
from soundtrack.errors import UsageError
from soundtrack.library.store.store import open_store
from soundtrack.pipeline.library.opened import Library
from soundtrack.queries.query import WordWish
from soundtrack.spotting.merit.constraints import Constraints, MoodWish, Request
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import SceneSheet, Span


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return shutil.copytree(resources.example_index_dir(), tmp_path / "index")


def test_a_request_decides_between_tracks_that_suit_alike_and_why_names_it() -> None:
    one, other = track("one", ["Sad"] * 12), track("two", ["Sad"] * 12)
    music, film = library([one, other]), sheet([("Sad", 60.0)])
    for wanted in (one, other):
        worth = {t.track_id: 0.9 if t is wanted else -1.1 for t in (one, other)}
        found = spot_cues(film, music, constraints=Constraints(requests=(Request(None, worth),)))
        assert {cue.track_id for cue in found.cues} == {wanted.track_id}
        assert all(any(term.name == "asked" and term.value > 0 for term in cue.why) for cue in found.cues)


def test_a_request_for_a_part_of_the_film_holds_there_and_nowhere_else() -> None:
    one, other = track("one", ["Sad"] * 12), track("two", ["Sad"] * 12)
    worth = {one.track_id: 1.0, other.track_id: -2.0}
    elsewhere = Request(Span(0.0, 60.0), worth), Request(Span(60.0, 120.0), {k: -v for k, v in worth.items()})
    found = spot_cues(
        sheet([("Sad", 60.0), ("Sad", 60.0)]), library([one, other]), constraints=Constraints(requests=elsewhere)
    )
    sounding = {cue.track_id: cue.span for cue in found.cues}
    assert sounding[one.track_id].end_s <= 61.0
    assert sounding[other.track_id].start_s >= 59.0


@pytest.mark.parametrize("text", ["0:30-1:10=hopeful, no drums", "0:30-1:10=strings", "0:30-1:10=very sad"])
def test_a_mood_of_several_words_is_a_request(text: str) -> None:
    assert parse_mood(text) == WordWish(text.partition("=")[2], Span(30.0, 70.0))
    assert isinstance(parse_mood("0:30-1:10=tense"), MoodWish)


def test_search_by_words_says_how_it_understood_them(index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_commands(["search", "--index", str(index), "--like", "calm, under 10 min, not fast", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["understood"] == [
        "calm (valence +0.50, arousal -0.50)",
        "length at most 10:00.0",
        "tempo below 120 bpm",
    ]
    assert found["tracks"] and all(set(f["agreement"]) == set(found["understood"]) for f in found["tracks"])
    assert run_commands(["search", "--index", str(index), "--like", "calm, not fast"]) == 0
    assert "understood as: calm" in capfd.readouterr().err


def film_for(index: Path) -> SceneSheet:
    """A made-up film as the networks of an index would read it."""
    with open_store(index) as store:
        model, film = store.model(), sheet([("Sad", 60.0)])
    assert model is not None
    vector = np.eye(1, model.dim, dtype=np.float32)
    readings = tuple(replace(reading, embedding=vector[0]) for reading in film.readings)
    return replace(film, model=model, embeddings=vector, readings=readings)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to see which files are open")
def test_a_plan_leaves_no_file_of_the_index_open(index: Path) -> None:
    film = film_for(index)
    gc.disable()  # an index that is closed only when it is collected stays open for many plans of a long review
    try:
        api.spot(film, index=index)
        files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    finally:
        gc.enable()
    assert not [name for name in files if name.startswith(str(index))]


def test_spotting_by_words_notes_how_it_understood_them_and_does_not_warn(
    index: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scenes = tmp_path / "scenes.json"
    scenes.write_text(scenesheet.dumps(film_for(index)))
    assert run_commands(["spot", str(scenes), "--index", str(index), "--like", "calm, not fast"]) == 0
    told = capfd.readouterr()
    line = "'calm, not fast' understood as: calm (valence +0.50, arousal -0.50); tempo below 120 bpm"
    assert f"note: {line}\n" in told.err and "warning: 'calm" not in told.err
    assert line in json.loads(told.out)["warnings"]


def test_search_by_an_unknown_word_says_what_was_meant_instead(index: Path) -> None:
    with pytest.raises(UsageError, match="unknown word 'hopefull'") as caught:
        run_commands(["search", "--index", str(index), "--like", "hopefull, slow"])
    assert "did you mean 'hopeful'" in (caught.value.hint or "")


def test_music_like_a_track_of_the_library_by_its_name(index: Path) -> None:
    with open_store(index) as store:
        first = min(store.tracks().values(), key=lambda t: t.path.name)
    with Library(index) as music:
        best = music.ask(f"like {first.path.name}")
        worst = music.ask(f"not like {first.path.name}")
    name = best.tracks[best.answer.order()[0]].path.name
    assert name == first.path.name
    assert [worst.tracks[i].path.name for i in worst.answer.order()][-1] == first.path.name


def test_a_file_with_a_quotation_mark_in_its_name_was_taken_for_words(index: Path, tmp_path: Path) -> None:
    file = make_track(tmp_path / 'so "sad, no drums.flac', tempo_bpm=100, notes_hz=[220.0, 330.0])
    with Library(index) as music:
        asked = music.ask(str(file))
    assert [clause.name for clause in asked.query.clauses] == [str(file)]


def test_a_title_that_names_an_instrument_counts_where_no_network_knows_it() -> None:
    from soundtrack.pipeline.library.asking import track_words

    plain = track("x", ["Neutral"])
    named = replace(plain, tags=replace(plain.tags, title="SlowPiano", genre="Drum and Bass"), path=Path("/m/a.ogg"))
    assert {"slow", "piano", "drum and bass"} <= track_words(named)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("like Kite Race, slower", "tempo at most 139 bpm"),
        ("shorter, like Kite Race", "length at most 2:06"),
        ("like Kite Race, louder", "loudness at least -11 LUFS"),
        ("like Kite Race, fast", "tempo at least 120 bpm"),
        ("unlike Kite Race, slower", "tempo at most 85 bpm"),
        ("slower", "tempo at most 85 bpm"),
    ],
)
def test_faster_than_a_track_is_measured_from_that_track(
    index: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_commands(["search", "--index", str(index), "--like", text]) == 0
    assert says in capsys.readouterr().err
