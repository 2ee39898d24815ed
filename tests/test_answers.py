"""The file of answers: every answer comes back as it was, and whatever is no answer is refused with its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundtrack.documents import answers
from soundtrack.documents.answers import CHOICES, OPPONENTS, Answer, Side
from soundtrack.errors import InputError
from soundtrack.review.answers import append_answer, read_answers

ONE = Answer(
    film="sha256:ab",
    scene=2,
    start_s=10.0,
    end_s=25.5,
    against="random",
    pair="2-random-0",
    left=Side("t1", 3.25, "plan", {"mood": 0.12, "arousal": -0.4}),
    right=Side("t2", 0.0, "random"),
    choice="left",
    time="2026-03-01T20:15:00Z",
)

numbers = st.floats(-1e6, 1e6)


@st.composite
def made_answers(draw: st.DrawFn) -> Answer:
    against = draw(st.sampled_from(OPPONENTS))
    terms = st.dictionaries(st.text(max_size=8), numbers, max_size=3)
    sides = [Side(draw(st.text(max_size=8)), draw(numbers), source, draw(terms)) for source in ("plan", against)]
    left, right = draw(st.permutations(sides))
    start = draw(st.floats(0, 1e5))
    return Answer(
        draw(st.text(max_size=8)), draw(st.integers(0, 999)), start, start + draw(st.floats(0.1, 99)), against,
        draw(st.text(max_size=8)), left, right, draw(st.sampled_from(CHOICES)), "2026-03-01T20:15:00Z",
    )  # fmt: skip


@given(st.lists(made_answers(), max_size=5))
def test_answers_come_back_as_they_were(made: list[Answer]) -> None:
    text = answers.dumps(made)
    assert answers.loads(text) == tuple(made)
    assert text.count("\n") == len(made)


def test_the_chosen_side_is_named_by_its_source() -> None:
    assert ONE.chosen == "plan"
    assert replace(ONE, choice="right").chosen == "random"
    assert replace(ONE, choice="neither").chosen is None
    assert replace(ONE, choice="both-bad").chosen is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "soundtrack.answer/2"), ("choice", "middle"), ("against", "nobody"), ("scene", -1), ("scene", True),
        ("start_s", 30.0), ("start_s", "0"), ("end_s", None), ("time", "yesterday"), ("left", 5), ("left", {}),
        ("left", {"track": "t", "start_s": 0, "source": "random", "terms": {}}), ("film", 3),
        ("right", {"track": "t", "start_s": 0, "source": "random", "terms": {"mood": "high"}}),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_with_its_line(key: str, value: object) -> None:
    good = answers.dumps([ONE])
    bad = json.dumps({**json.loads(good), key: value})
    with pytest.raises(InputError, match=r"mine\.jsonl: line 2"):
        answers.loads(good + bad, name="mine.jsonl")
    without = {k: v for k, v in json.loads(good).items() if k != key}
    with pytest.raises(InputError, match="missing key"):
        answers.loads(json.dumps(without))
    for text in ("[]", "7", "{", '"x"', "NaN"):
        with pytest.raises(InputError, match="line 1: expected a JSON object"):
            answers.loads(text)


def test_an_answer_is_added_and_a_damaged_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    assert read_answers(path) == ()
    append_answer(path, ONE)
    append_answer(path, replace(ONE, choice="both-bad"))
    assert [a.choice for a in read_answers(path)] == ["left", "both-bad"]
    path.write_text("damaged\n")
    with pytest.raises(InputError, match="line 1"):
        append_answer(path, ONE)
    assert path.read_text() == "damaged\n"
