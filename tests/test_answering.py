"""Scores on answers of people, and how far people agree with themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from soundtrack.cli.models.eval import app
from soundtrack.documents import answers
from soundtrack.documents.answers import Answer, Side
from soundtrack.errors import InputError
from soundtrack.evaluation.answering import ceiling_of, judge_answers
from soundtrack.review.ab.results import results


def answer(choice: str, *, pair: str, scene: int = 0, against: str = "random", plan_left: bool = True) -> Answer:
    sides = [Side("a", 0.0, "plan"), Side("b", 0.0, against)]
    left, right = sides if plan_left else sides[::-1]
    return Answer("sha256:f", scene, 0.0, 9.0, against, pair, left, right, choice, "2026-03-01T20:15:00Z")


def test_the_side_does_not_matter_and_the_undecided_count_as_such() -> None:
    found = judge_answers(
        [
            answer("left", pair="1"),
            answer("right", pair="2", plan_left=False),
            answer("right", pair="3"),
            answer("neither", pair="4"),
            answer("both-bad", pair="5", against="true"),
        ],
        name="answers",
    )
    (against,) = found.against.values()
    assert (against.n, against.n_decided) == (4, 3)
    assert against.preferred.value == pytest.approx(2 / 3)
    assert found.ceiling is None and "unknown" in found.lines()[1]


def test_the_interval_is_the_one_that_the_review_prints() -> None:
    """The same file gave a bootstrap interval here and a Wilson interval there."""
    given = [answer("left", pair=str(i), scene=i % 3) for i in range(7)]
    given += [answer("right", pair=f"x{i}", scene=i) for i in range(3)]
    here = judge_answers(given, name="answers").against["random"].preferred
    (there,) = results(given)
    assert (here.value, here.low, here.high) == (there.share, there.low, there.high)
    assert (here.low, here.high) == pytest.approx((0.3968, 0.8922), abs=1e-4)


def test_a_file_without_a_decided_answer_was_not_named() -> None:
    for given in ([], [answer("neither", pair="1")]):
        with pytest.raises(InputError, match=r"^mine\.jsonl: no answer prefers one side$"):
            judge_answers(given, name="mine.jsonl")


def test_a_steady_person_has_a_high_ceiling_and_a_coin_none() -> None:
    steady = [answer("left", pair=str(i)) for i in range(6)] * 2
    assert judge_answers(steady, name="answers").ceiling == 1.0
    moody = [answer("left", pair=str(i)) for i in range(6)] + [answer("right", pair=str(i)) for i in range(6)]
    assert judge_answers(moody, name="answers").ceiling == 0.5
    undecided = [answer("left", pair="1"), answer("neither", pair="1")]
    assert judge_answers(undecided, name="answers").n_repeated == 0


def test_the_ceiling_is_what_the_best_forecast_reaches(rng: np.random.Generator) -> None:
    """People with an opinion of their own who turn it over in a fifth of the answers."""
    truth = rng.random(40_000) < 0.5
    shown = [truth ^ (rng.random(len(truth)) < 0.2) for _ in range(2)]
    assert ceiling_of(float((shown[0] == shown[1]).mean())) == pytest.approx((shown[0] == truth).mean(), abs=0.01)


def test_the_command_prints_the_ceiling_beside_the_score(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    given = [answer("left", pair=str(i), scene=i) for i in range(4)]
    path.write_text(answers.dumps([*given, replace(given[0], choice="right")]))
    done = CliRunner().invoke(app, ["answers", str(path), "--json"])
    assert done.exit_code == 0, done.output
    shown = json.loads(capfd.readouterr().out)
    assert shown["against"]["random"]["n"] == 5 and shown["ceiling"] == 0.5
    CliRunner().invoke(app, ["answers", str(path)])
    lines = capfd.readouterr().out.splitlines()
    assert "ceiling" in lines[0] and lines[-1] == "answered twice: 1 pair, 0% alike"


@pytest.mark.parametrize("text", [None, "", "{}\n", answers.dumps([answer("neither", pair="1")])])
def test_a_file_without_answers_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "a.jsonl"
    if text is not None:
        path.write_text(text)
    done = CliRunner().invoke(app, ["answers", str(path)])
    assert isinstance(done.exception, InputError) and done.exception.hint
