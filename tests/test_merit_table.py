"""The tables of weights: what they refuse, that they decide, that the sheet and the reasons tell them."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import library, sheet, small_library, track
from soundtrack.cli.app import main
from soundtrack.config import load_config
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError
from soundtrack.evaluation.deciding import Said, decided
from soundtrack.export.terms import term_lines
from soundtrack.merit_table import MeritTable, PlanTable, digest
from soundtrack.pipeline.ground.defaults import spotting_or_default
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.merit.intervals import divide
from soundtrack.spotting.merit.terms import SEGMENT_TERMS, sides, split
from soundtrack.spotting.merit.view import segment_table
from soundtrack.spotting.plan.spot import spot_cues

MOODS = [("Sad", 30.0), ("Excited", 40.0), ("Fear", 35.0)]


def configured(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[merit]\nmodo = 1", "merit.modo: unknown, expected one of: picture, mood"),
        ("[plan]\nmood = 1", "plan.mood: unknown, expected one of: loop, section"),
        ("[merit]\nmood = nan", "merit.mood: weight must be between 0 and 10, got nan"),
        ("[merit]\nmood = inf", "merit.mood: weight must be between 0 and 10, got inf"),
        ("[merit]\nmood = -1", "merit.mood: weight must be between 0 and 10, got -1"),
        ("[merit]\nmood = 1e6", "merit.mood: weight must be between 0 and 10, got 1e+06"),
        (f"[merit]\nmood = {'9' * 400}", "merit.mood: int too large"),
        ("[merit]\nmood = '1'", "merit.mood.weight: must be a number"),
        ("[merit]\nmood = true", "merit.mood.weight: must be a number"),
        ("[merit]\nmood = {wieght = 1}", "merit.mood.wieght: unknown, expected weight or neutral"),
        ("[merit]\nmood = {neutral = nan}", "merit.mood: neutral must be between 0 and 1, got nan"),
        ("[merit]\nrecent = {neutral = 0.5}", "merit.recent: neutral must be 0, got 0.5"),
        ("[plan]\nrepeat = 8", "plan.repeat: weight must be between -1000 and 0, got 8"),
        ("merit = 1", "merit: must be a table, got 1"),
        ("merit = [1]", "merit: must be a table, got a list"),
    ],
)
def test_weights_that_make_no_sense_are_refused_with_their_place(tmp_path: Path, text: str, cause: str) -> None:
    path = configured(tmp_path, text)
    with pytest.raises(InputError) as refused:
        load_config({"SOUNDTRACK_CONFIG": str(path)})
    assert str(refused.value).startswith(f"{path}: {cause}")
    assert len(str(refused.value)) < 500
    assert "soundtrack config --defaults" in refused.value.hint


def test_the_configuration_sets_a_weight_or_a_neutral_point_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured(tmp_path, "[merit]\nmood = 0.7\npace = {neutral = 0.4}\n[plan]\nrepeat = -9\n")
    monkeypatch.setenv("SOUNDTRACK_CONFIG", str(path))
    held = spotting_or_default(None)
    assert {n: (r.weight, r.neutral) for n, r in held.merit.changed().items()} == {
        "mood": (0.7, 0.65),
        "pace": (-0.25, 0.4),
    }
    assert {n: r.weight for n, r in held.plan.changed().items()} == {"repeat": -9.0}
    given = SpottingSettings(seed=3)
    assert spotting_or_default(given) is given


@pytest.mark.parametrize("target", ['"cinema"', "-18.5", '"dialogue"'])
def test_config_prints_what_may_be_pasted_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], target: str
) -> None:
    path = configured(tmp_path, f"target = {target}\n[merit]\nmood = 0.7\n")
    monkeypatch.setenv("SOUNDTRACK_CONFIG", str(path))

    def printed(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["soundtrack", "config", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        return capfd.readouterr().out

    shown = printed()
    assert tomllib.loads(shown)["merit"]["mood"] == {"weight": 0.7, "neutral": 0.65}
    again = configured(tmp_path, shown)
    assert load_config({"SOUNDTRACK_CONFIG": str(again)}) == load_config({"SOUNDTRACK_CONFIG": str(path)})
    configured(tmp_path, "[merit]\nmodo = 1\n")
    assert "mood = { weight = 0.6, neutral = 0.65 }" in printed("--defaults")


def test_every_row_says_what_it_is_for_and_is_in_order_by_default() -> None:
    for table in (MeritTable(), PlanTable()):
        for name, row in table.rows().items():
            assert row.purpose, name
            assert row.measure, name
            assert table.adjusted({name: {"weight": row.weight, "neutral": row.neutral}}) == table
        assert table.changed() == {}


def test_a_caller_hands_over_a_table_and_it_decides() -> None:
    """With the pace alone, the track of the right tempo wins, whatever its mood."""
    made = library([track("sad slow", ["Sad"] * 12, bpm=55), track("glad quick", ["Excited"] * 12, bpm=88)])
    film = sheet([("Sad", 60.0)])
    names = {t.track_id: t.tags.title for t in made.all_tracks}
    assert names[spot_cues(film, made).cues[0].track_id] == "sad slow"
    paced = MeritTable().adjusted({"picture": 0, "mood": 0, "valence": 0, "arousal": 0, "pace": -10})
    cue = spot_cues(film, made, settings=SpottingSettings(merit=paced)).cues[0]
    assert names[cue.track_id] == "glad quick"
    assert {term.name for term in cue.why} & {"picture", "mood", "valence", "arousal"} == set()


def test_a_plan_that_counts_repeats_little_repeats() -> None:
    made = library([track("sad", ["Sad"] * 12), track("glad", ["Excited"] * 12), track("less sad", ["Neutral"] * 12)])
    film = sheet([("Sad", 40.0), ("Excited", 50.0), ("Sad", 40.0)])
    often = PlanTable().adjusted({"repeat": 0, "artist": 0, "change": 0, "length": 0})
    cues = spot_cues(film, made, settings=SpottingSettings(plan=often)).cues
    assert len({cue.track_id for cue in cues}) < len(cues)
    never = PlanTable().adjusted({"repeat": -1000, "artist": 0, "change": 0, "length": 0})
    cues = spot_cues(film, made, settings=SpottingSettings(plan=never)).cues
    assert len({cue.track_id for cue in cues}) == len(cues)


def test_the_sheet_tells_its_weights_and_gives_them_back() -> None:
    usual = spot_cues(sheet(MOODS), small_library())
    assert usual.weights is not None
    assert usual.weights.changed == ()
    assert cuesheet.weights_of(usual) == (MeritTable(), PlanTable())
    merit = MeritTable().adjusted({"mood": 1 / 3, "pace": {"neutral": 0.4}})
    plan = PlanTable().adjusted({"repeat": -9})
    other = spot_cues(sheet(MOODS), small_library(), settings=SpottingSettings(merit=merit, plan=plan))
    assert other.weights is not None
    assert [note.name for note in other.weights.changed] == ["merit.mood", "merit.pace", "plan.repeat"]
    assert cuesheet.weights_of(cuesheet.loads(cuesheet.dumps(other))) == (merit, plan)
    assert digest(merit, plan) != digest(MeritTable(), PlanTable())


def test_weights_of_another_version_are_not_guessed() -> None:
    """Where the defaults were others, or a row is gone, the reasons are shown without weights."""
    made = spot_cues(sheet(MOODS), small_library())
    assert made.weights is not None
    older = replace(made, weights=replace(made.weights, sha256="0" * 64))
    assert cuesheet.weights_of(older) is None
    assert cuesheet.weights_of(replace(made, weights=None)) is None
    assert term_lines(made.cues[0], None)[0].startswith("picture ")


def test_why_gives_weight_value_and_contribution_and_calls_the_unknown_neutral() -> None:
    made = library([track("no beat", ["Sad"] * 12, bpm=None, vocal_share=None)])
    found = spot_cues(sheet([("Sad", 60.0)]), made)
    rows = [line.split() for line in term_lines(found.cues[0], cuesheet.weights_of(found))]
    assert rows[0] == ["term", "weight", "value", "neutral", "adds"]
    table = {row[0]: row[1:] for row in rows[1:]}
    assert list(table)[: len(MeritTable().rows())] == list(MeritTable().rows())
    assert table["pace"] == ["-0.25", "neutral", "0.35", "+0.000"]
    assert table["vocals"] == ["-0.8", "neutral", "0", "+0.000"]
    weight, value, neutral, adds = map(float, table["mood"])
    assert adds == pytest.approx(weight * (value - neutral), abs=1e-3)
    assert sum(float(cells[-1]) for cells in table.values()) == pytest.approx(found.cues[0].merit, abs=0.01)


def test_what_is_measured_is_what_decides() -> None:
    """The merit that is evaluated is the sum of the terms that spotting adds up, for pictures and sounds alike."""
    made, film_sheet = small_library(), sheet(MOODS)
    film = divide(film_sheet, Constraints(), keep_original=True)
    segments = [s.emotion for t in made.all_tracks for s in t.segments]
    heard = Said(
        np.array([s.probabilities for s in segments], np.float32),
        np.array([s.valence for s in segments], np.float32),
        np.array([s.arousal for s in segments], np.float32),
        made.embeddings,
        np.repeat(np.arange(len(made.all_tracks)), [len(t.segments) for t in made.all_tracks]),
    )
    moods = [s.emotion for s in film_sheet.scenes]
    seen = Said(
        np.array([s.probabilities for s in moods], np.float32),
        np.array([s.valence for s in moods], np.float32),
        np.array([s.arousal for s in moods], np.float32),
        np.asarray(film_sheet.embeddings, np.float32),
        np.arange(len(moods)),
    )
    for merit in (MeritTable(), MeritTable().adjusted({"picture": {"weight": 2, "neutral": 0.1}, "mood": 0})):
        found = decided(seen, heard, merit)
        table = segment_table(made.all_tracks, made.embeddings)
        level = replace(table, under_lu=np.zeros_like(table.under_lu))
        spread = replace(film, valence=found_valence(seen, "valence"), arousal=found_valence(seen, "arousal"))
        both = sides(spread, level, merit)
        for stretch in range(len(film)):
            by_segment = split(both, stretch=stretch)
            assert len(by_segment) == len(SEGMENT_TERMS)
            means = [part.sum(axis=0).mean() for part in np.split(by_segment, table.first_row[1:-1], axis=1)]
            np.testing.assert_allclose(found[stretch], means, atol=1e-4)
    assert not math.isnan(found.sum())


def found_valence(seen: Said, name: str) -> np.ndarray:
    """Valence or arousal of the pictures as the evaluation draws them apart: every clip counts once."""
    from soundtrack.spotting.merit.view import drawn_apart, placed_by_class

    values = getattr(seen, name).astype(np.float64)
    return drawn_apart(placed_by_class(values, seen.probabilities, axis=("valence", "arousal").index(name)))
