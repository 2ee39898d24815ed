"""Taste: choices in edits of cue sheets change the weights, for the one who made them, and only while it is on."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_up import sheet, small_library
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.documents.answers import Answer, Side, dumps
from soundtrack.documents.edits import LockCues, UnlockCues, apply
from soundtrack.errors import InputError
from soundtrack.merit_table import MeritTable
from soundtrack.pipeline.ground import preferences
from soundtrack.pipeline.ground.defaults import spotting_or_default
from soundtrack.resources import cache_dir, example_index_dir, user_answers_path
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.spotting.plan.swap import swap_cue
from soundtrack.taste import weights
from soundtrack.taste.choices import LOCK, SWAP, Choice, Choices, compared, edited, loads
from soundtrack.taste.choices import dumps as lines_of
from soundtrack.taste.weights import FITTED, LEAST_CHOICES, agreement, fitted
from soundtrack.types import CueSheet

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "taste.py"
spec = importlib.util.spec_from_file_location("taste_benchmark", SCRIPT)
assert spec is not None and spec.loader is not None
benchmark = importlib.util.module_from_spec(spec)
sys.modules["taste_benchmark"] = benchmark
spec.loader.exec_module(benchmark)

LIBRARY = small_library()
SCENES = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)])


@pytest.fixture
def cues() -> CueSheet:
    return spot_cues(SCENES, LIBRARY)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user whose taste is on."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("SOUNDTRACK_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("SOUNDTRACK_TASTE", "1")
    return tmp_path


def for_tempo(n: int) -> tuple[Choice, ...]:
    """Choices of the music whose tempo fits, although its mood does not."""
    apart = {"pace": -0.4, "mood": -0.25}
    return tuple(Choice(SWAP, "film", f"1m{i:02}", "a", "b", apart) for i in range(n))


# --- what choices do to the weights ----


def test_within_fifty_answers_the_weights_agree_with_raters_whom_the_defaults_suit_least() -> None:
    found = benchmark.learned(24, index=example_index_dir())
    least = [found[i] for i in benchmark.least_suited(found)]
    at_fifty = benchmark.ANSWERS.index(50)
    assert np.mean([one.default / one.possible for one in least]) < 0.87
    assert min(one.after[at_fifty] / one.possible for one in least) >= 0.9
    assert np.mean([one.after[at_fifty] / one.possible for one in found]) >= 0.95


def test_few_choices_change_nothing_and_more_of_them_change_more() -> None:
    usual = MeritTable()
    assert fitted(for_tempo(LEAST_CHOICES - 1), usual) == usual
    weights = [fitted(for_tempo(n), usual).pace.weight for n in (LEAST_CHOICES, 10, 40)]
    assert usual.pace.weight > weights[0] > weights[1] > weights[2]
    learned = fitted(for_tempo(40), usual)
    assert (agreement(for_tempo(40), usual), agreement(for_tempo(40), learned)) == (0.0, 1.0)
    assert {n for n, row in learned.rows().items() if row != usual.rows()[n]} <= set(FITTED)
    for name in FITTED:
        assert np.sign(learned.rows()[name].weight) == np.sign(usual.rows()[name].weight)


def test_rows_set_in_the_configuration_stay_as_they_are(home: Path) -> None:
    (home / "config.toml").write_text("[merit]\npace = -0.3\n")
    preferences._write(Choices(for_tempo(30)))
    merit = spotting_or_default(None).merit
    assert merit.pace.weight == -0.3
    assert merit.mood.weight < MeritTable().mood.weight


# --- what is recorded ----


def test_a_swap_is_a_choice_and_swapped_back_it_is_none(cues: CueSheet) -> None:
    cue = cues.cues[1]
    swapped = swap_cue(cues, cue.cue_id, rank=2, library=LIBRARY)
    found = edited(Choices(), cues, swapped)
    (choice,) = found.edits
    assert (choice.kind, choice.chosen, choice.rejected) == (SWAP, swapped.cues[1].track_id, cue.track_id)
    merit = {name: row.weight for name, row in MeritTable().rows().items()}
    second = next(a for a in cues.alternatives if (a.cue_id, a.rank) == (cue.cue_id, 2))
    apart = sum(t.value for t in second.terms) - sum(t.value for t in cue.why if t.name in merit)
    assert sum(merit[n] * value for n, value in choice.differences.items()) == pytest.approx(apart, abs=1e-4)
    assert edited(found, swapped, swap_cue(swapped, cue.cue_id, rank=2, library=LIBRARY)).edits == ()
    again = swap_cue(swapped, cue.cue_id, rank=3, library=LIBRARY)
    (choice,) = edited(found, swapped, again).edits
    assert (choice.chosen, choice.rejected) == (again.cues[1].track_id, cue.track_id)


def test_a_lock_is_a_choice_until_it_is_unlocked(cues: CueSheet) -> None:
    cue = cues.cues[0]
    locked = apply(cues, LockCues((cue.cue_id,)))
    found = edited(Choices(), cues, locked)
    assert [(c.kind, c.chosen) for c in found.edits] == [(LOCK, cue.track_id)]
    assert edited(found, locked, apply(locked, UnlockCues((cue.cue_id,)))).edits == ()


def test_measures_do_not_depend_on_the_weights_of_the_sheet(cues: CueSheet) -> None:
    """Terms are recorded as differences of measures, so that one taste does not feed on the one before."""
    heavy = replace(cues, weights=cuesheet.weight_notes(MeritTable().adjusted({"mood": 1.2}), SpottingSettings().plan))
    doubled = [
        replace(a, terms=tuple(replace(t, value=2 * t.value) if t.name == "mood" else t for t in a.terms))
        for a in cues.alternatives
    ]
    first = cues.cues[0]
    why = tuple(replace(t, value=2 * t.value) if t.name == "mood" else t for t in first.why)
    heavy = replace(heavy, alternatives=tuple(doubled), cues=(replace(first, why=why), *cues.cues[1:]))
    edits = [edited(Choices(), s, apply(s, LockCues((first.cue_id,)))).edits[0].differences for s in (cues, heavy)]
    assert edits[0] == pytest.approx(edits[1])


def test_blind_answers_count_where_one_side_is_preferred() -> None:
    def answer(choice: str, **terms: float) -> Answer:
        left, right = Side("a", 0.0, "plan", {"mood": 0.3}), Side("b", 0.0, "random", terms)
        return Answer("film", 0, 0.0, 5.0, "random", "p1", left, right, choice, "2026-03-01T20:15:00Z")

    (choice,) = compared([answer("right", mood=0.06), answer("neither", mood=0.06), answer("left")])
    assert (choice.chosen, choice.rejected, dict(choice.differences)) == ("b", "a", {"mood": -0.4})


def test_lines_are_read_as_they_were_written() -> None:
    held = Choices(for_tempo(3), n_forgotten=7)
    assert loads(lines_of(held)) == held


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "[]",
        "{}",
        '{"schema": "soundtrack.choice/1", "kind": "swap"}',
        lines_of(Choices(for_tempo(1))).replace("-0.4", '"x"'),
    ],
)
def test_a_damaged_line_is_named(line: str) -> None:
    with pytest.raises(InputError, match="choices: line 2:"):
        loads(lines_of(Choices(for_tempo(1))) + line + "\n")


# --- on and off ----


def test_taste_changes_what_is_planned_and_the_sheet_says_so(home: Path, cues: CueSheet) -> None:
    assert spot_cues(SCENES, LIBRARY, settings=spotting_or_default(None)) == cues
    preferences._write(Choices(for_tempo(30)))
    with_taste = spot_cues(SCENES, LIBRARY, settings=spotting_or_default(None))
    found = cuesheet.weights_of(with_taste)
    assert found is not None
    assert found[0] == preferences.preferences().after != MeritTable()
    assert spot_cues(SCENES, LIBRARY, settings=SpottingSettings(merit=found[0])) == with_taste
    preferences.forget()
    assert not preferences.choices_path().exists()
    assert spot_cues(SCENES, LIBRARY, settings=spotting_or_default(None)) == cues


def test_unchanged_choices_are_not_fitted_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDTRACK_CACHE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    fits: list[int] = []
    real = weights.fitted

    def fitted(choices: Any, *args: Any, **words: Any) -> MeritTable:
        fits.append(len(choices))
        return real(choices, *args, **words)

    monkeypatch.setattr(weights, "fitted", fitted)
    preferences._write(Choices(for_tempo(30)))
    first = preferences.preferences().after
    assert first == preferences.preferences().after != MeritTable()
    assert fits == [30]
    (cache_dir() / "taste.json").write_text("{")
    assert preferences.preferences().after == first
    preferences._write(Choices(for_tempo(31)))
    assert preferences.preferences().after == real(for_tempo(31), MeritTable())
    monkeypatch.setenv("SOUNDTRACK_CACHE", "0")
    assert preferences.preferences().after == real(for_tempo(31), MeritTable())
    assert fits == [30, 30, 31, 31]


def test_the_commands_record_show_and_forget(home: Path, cues: CueSheet, capfd: pytest.CaptureFixture[str]) -> None:
    path = home / "film.cues.json"
    path.write_text(cuesheet.dumps(cues))

    def said(*words: str) -> tuple[str, str]:
        assert run_commands(list(words)) == 0
        return capfd.readouterr()

    said("cues", "lock", str(path), "--all")
    n = len([c for c in cues.cues if any(a.cue_id == c.cue_id for a in cues.alternatives)])
    assert json.loads(said("taste", "show", "--json")[0])["choices"] == {"swap": 0, "lock": n, "comparison": 0}
    assert f"0 swaps, {n} locks" in said("taste", "show")[0]
    cue = next(c.cue_id for c in cues.cues if any(a.cue_id == c.cue_id for a in cues.alternatives))
    said("cues", "unlock", str(path), "--all")
    said("cues", "lock", str(path), cue)
    assert "0 swaps, 1 lock, 0 comparisons" in said("taste", "show")[0]
    said("cues", "lock", str(path), "--all")
    assert f"{n} choices forgotten" in said("taste", "forget")[1]
    assert json.loads(said("taste", "show", "--json")[0])["choices"]["lock"] == 0


def test_forgotten_answers_stay_in_their_file_and_count_no_more(home: Path) -> None:
    sides = Side("a", 0.0, "plan", {"mood": 0.3}), Side("b", 0.0, "random", {"mood": 0.1})
    answer = Answer("film", 0, 0.0, 5.0, "random", "p1", *sides, "left", "2026-03-01T20:15:00Z")
    path = user_answers_path()
    path.parent.mkdir(parents=True)
    path.write_text(dumps([answer] * 6))
    assert len(preferences.preferences().choices) == 6
    assert preferences.forget() == 6
    assert path.read_text() == dumps([answer] * 6)
    assert preferences.preferences().choices == ()
    path.write_text(dumps([answer] * 8))
    assert len(preferences.preferences().choices) == 2


def test_off_in_the_configuration_nothing_is_recorded_and_nothing_counts(
    home: Path, cues: CueSheet, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    preferences._write(Choices(for_tempo(30)))
    monkeypatch.setenv("SOUNDTRACK_TASTE", "0")
    before = preferences.choices_path().read_text()
    assert spotting_or_default(None).merit == MeritTable()
    assert run_commands(["taste", "show"]) == 0
    assert "off: SOUNDTRACK_TASTE=0\n" in capfd.readouterr().out
    preferences.note_edit(cues, apply(cues, LockCues((cues.cues[0].cue_id,))))
    assert preferences.choices_path().read_text() == before


def test_a_cue_is_locked_though_the_file_of_choices_is_damaged(
    home: Path, cues: CueSheet, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    preferences.choices_path().parent.mkdir(parents=True, exist_ok=True)
    preferences.choices_path().write_text("no choice\n")
    path = tmp_path / "film.cues.json"
    path.write_text(cuesheet.dumps(cues))
    assert run_commands(["cues", "lock", str(path), cues.cues[0].cue_id]) == 0
    assert cuesheet.loads(path.read_text()).cues[0].locked
    said = capfd.readouterr().err
    assert "warning: this choice is not remembered" in said and "soundtrack taste forget" in said
    assert preferences.choices_path().read_text() == "no choice\n"


def test_no_taste_ignores_a_damaged_file_and_without_it_the_line_is_named(home: Path) -> None:
    from soundtrack.cli.choices import DensityName, spotting_settings

    preferences._write(Choices(for_tempo(30)))
    preferences.choices_path().write_text("no choice\n")
    given = {"seed": 0, "allow_vocals": False, "over_music": False, "stretch": None, "density": DensityName.NORMAL}
    assert spotting_settings(**given, no_taste=True).merit == MeritTable()
    with pytest.raises(InputError, match="line 1") as error:
        spotting_settings(**given, no_taste=False)
    assert "soundtrack taste forget" in (error.value.hint or "")
    assert preferences.forget() == 0
