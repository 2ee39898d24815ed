"""Blind comparison: statistics with simulated raters, pairs, equal loudness, and a page that gives nothing away."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from media_made import Made
from review_made import ORIGIN, PORT, lay_out, planned
from soundtrack.audio.levels.loudness import measure_loudness
from soundtrack.cli.app import run_commands
from soundtrack.documents.answers import Answer, Side
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.media.reading.audio import read_audio
from soundtrack.mix.audition import music_between
from soundtrack.mix.plan import plan_mix
from soundtrack.pipeline.sheets.sheet_files import read_cues, write_cues
from soundtrack.pipeline.sheets.sheet_tracks import track_paths_of
from soundtrack.pipeline.sheets.swap import swap_music
from soundtrack.review.ab.app import Comparison, make_ab_app
from soundtrack.review.ab.command import prepare
from soundtrack.review.ab.pairs import Trial, still_open
from soundtrack.review.ab.results import lines, results
from soundtrack.review.ab.sounds import sound_of
from soundtrack.review.answers import read_answers
from soundtrack.review.opening import Reviewed, find_reviewed
from soundtrack.types import Conditions, Span

TIME = "2026-03-01T20:15:00Z"
PLAN, OTHER = Side("a", 0.0, "plan"), Side("b", 0.0, "random")


def answered(choice: str, *, pair: str = "p", plan_left: bool = True, against: str = "random") -> Answer:
    sides = (PLAN, Side("b", 0.0, against)) if plan_left else (Side("b", 0.0, against), PLAN)
    return Answer("film", 0, 0.0, 9.0, against, pair, *sides, choice, TIME)


def simulated(rng: np.random.Generator, *, preference: float, n: int) -> list[Answer]:
    """Answers of a rater who prefers the plan with a known probability, sides at random."""
    answers = []
    for i in range(n):
        plan_left, likes_plan = rng.random() < 0.5, rng.random() < preference
        answers.append(answered("left" if plan_left == likes_plan else "right", pair=f"p{i}", plan_left=plan_left))
    return answers


@pytest.mark.parametrize("preference", [0.5, 0.7, 0.9])
def test_intervals_cover_a_known_preference_as_often_as_they_say(rng: np.random.Generator, preference: float) -> None:
    found = [results(simulated(rng, preference=preference, n=30))[0] for _ in range(400)]
    covered = np.mean([r.low <= preference <= r.high for r in found if r.low is not None and r.high is not None])
    assert 0.91 <= covered <= 0.99
    assert np.mean([r.share for r in found if r.share is not None]) == pytest.approx(preference, abs=0.02)


def test_the_interval_is_that_of_wilson() -> None:
    found = results(
        [answered("left", pair=str(i)) for i in range(8)] + [answered("right", pair=f"x{i}") for i in range(2)]
    )
    (r,) = found
    z, n, p = 1.959964, 10, 0.8
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (r.low, r.high) == pytest.approx(
        ((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)), abs=1e-5
    )


def test_no_share_is_given_that_no_person_gave() -> None:
    assert results([]) == []
    assert lines([]) == ["no answers for this film"]
    (r,) = results([answered("neither"), answered("both-bad", pair="q")])
    assert (r.share, r.low, r.high, r.neither, r.both_bad) == (None, None, None, 1, 1)
    assert "%" not in lines([r])[0]


def test_opponents_are_counted_apart_and_consistency_by_music_and_not_by_side() -> None:
    answers = [
        answered("left", pair="p"), answered("right", pair="p", plan_left=False),  # the plan twice
        answered("left", pair="q"), answered("left", pair="q", plan_left=False),  # the left side twice
        answered("neither", pair="r"), answered("both-bad", pair="r"),
        answered("right", pair="s", against="arousal"),
    ]  # fmt: skip
    first, second = results(answers)
    assert (first.against, first.plan, first.other, first.n_repeated, first.n_consistent) == ("random", 3, 1, 3, 1)
    assert (second.against, second.plan, second.other, second.n_repeated) == ("arousal", 0, 1, 0)


def test_answered_pairs_are_not_asked_again() -> None:
    trial = Trial("p", "1m01", 0, Span(0, 9), "random", PLAN, OTHER)
    again = Trial("p", "1m01", 0, Span(0, 9), "random", OTHER, PLAN)
    assert still_open([trial, again], [], film="film") == [trial, again]
    assert still_open([trial, again], [answered("left")], film="film") == [again]
    assert still_open([trial, again], [answered("left")], film="another") == [trial, again]


# --- with a film and a library ----


@pytest.fixture(scope="module")
def reviewed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    return find_reviewed(lay_out(tmp_path_factory.mktemp("ab"), made, planned(made)))


@pytest.fixture(autouse=True)
def _own_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def compared(reviewed: Reviewed, made: Made, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    monkeypatch.setattr("soundtrack.review.ab.pairs.SHORTEST_S", 2.0)
    return prepare(reviewed, against="random", n_pairs=8, seed=3, index=made.index)


@pytest.mark.slow
def test_pairs_are_those_of_the_seed_with_a_quarter_asked_twice_the_other_way_round(
    compared: Comparison, reviewed: Reviewed, made: Made
) -> None:
    again = prepare(reviewed, against="random", n_pairs=8, seed=3, index=made.index)
    assert again.trials == compared.trials
    assert len(compared.trials) == 10
    for trial in compared.trials:
        assert {trial.left.source, trial.right.source} == {"plan", "random"}
        assert trial.left.track != trial.right.track
        assert set(trial.left.terms) == {"picture", "mood", "valence", "arousal", "level", "pace", "vocals"}
    twice = [p for p, n in Counter(t.pair for t in compared.trials).items() if n == 2]
    assert len(twice) == 2
    for pair in twice:
        first, second = (t for t in compared.trials if t.pair == pair)
        assert (first.left, first.right) == (second.right, second.left)
    assert 2 <= sum(t.left.source == "plan" for t in compared.trials) <= 8


def test_a_comparison_watched_the_film_with_other_options_than_its_sheet_states(
    reviewed: Reviewed, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Conditions(subtitles=False, faces=False, face_weight=0.25)
    path = tmp_path / "film.cues.json"
    write_cues(replace(read_cues(reviewed.cues), conditions=asked), path)
    options: list[dict[str, object]] = []

    def scenes(_: Path, **given: object) -> None:
        options.append(given)
        raise InputError("enough", hint="none", reason=Reason.CORRUPT)

    monkeypatch.setattr("soundtrack.api.scenes", scenes)
    with pytest.raises(InputError, match="enough"):
        prepare(replace(reviewed, cues=path), against="random", n_pairs=2, seed=0, index=made.index)
    (given,) = options
    assert (given["subtitles"], given["faces"], given["face_weight"]) == (False, False, 0.25)


@pytest.mark.slow
def test_an_earlier_sheet_is_an_opponent_and_sounds_as_it_was(
    reviewed: Reviewed, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundtrack.review.ab.pairs.SHORTEST_S", 2.0)
    now = read_cues(reviewed.cues)
    cue = next(c for c in now.cues if any(a.cue_id == c.cue_id for a in now.alternatives))
    rank = next(a.rank for a in now.alternatives if a.cue_id == cue.cue_id)
    old = swap_music(now, [(cue.cue_id, rank)], index=made.index)
    path = tmp_path / "old.cues.json"
    write_cues(old, path)
    compared = prepare(reviewed, against=str(path), n_pairs=2, seed=0, index=made.index)
    then = next(c for c in old.cues if c.cue_id == cue.cue_id)
    for trial in compared.trials:
        former = next(s for s in (trial.left, trial.right) if s.source == "former")
        assert former.track == then.track_id
        assert then.span.start_s <= trial.span.start_s < trial.span.end_s <= then.span.end_s
    trial = compared.trials[0]
    heard = sound_of(trial, now, reviewed.film, index=made.index, gains_db=(0.0, 0.0), former=old)
    side = heard.left if trial.left.source == "former" else heard.right
    start, stop = (round(t * 48_000) for t in (trial.span.start_s, trial.span.end_s))
    music = music_between(plan_mix(old), start, stop, track_paths=track_paths_of(old, made.index))
    keeps = old.mix.keep_original
    own = read_audio(reviewed.film.path, sample_rate_hz=48_000, channels=2, start_s=trial.span.start_s)[
        :, : stop - start
    ]
    mixed = music + np.pad(own, ((0, 0), (0, music.shape[1] - own.shape[1]))) * keeps
    inner = slice(4_800, -4_800)  # without the short fades at both ends
    assert np.corrcoef(side[0, inner], mixed[0, inner])[0, 1] > 0.999
    with pytest.raises(InputError, match="no other music"):
        prepare(reviewed, against=str(reviewed.cues), n_pairs=2, seed=0, index=made.index)
    write_cues(replace(old, film=replace(old.film, fingerprint="sha256:" + "0" * 64)), tmp_path / "other.json")
    with pytest.raises(InputError, match="about another film"):
        prepare(reviewed, against=str(tmp_path / "other.json"), n_pairs=2, seed=0, index=made.index)
    with pytest.raises(UsageError, match="unknown"):
        prepare(reviewed, against="former", n_pairs=2, seed=0, index=made.index)


@pytest.mark.slow
@pytest.mark.parametrize("against", ["random", "arousal", "true"])
def test_the_page_gives_nothing_away_plays_both_equally_loud_and_keeps_answers(
    reviewed: Reviewed, made: Made, monkeypatch: pytest.MonkeyPatch, against: str
) -> None:
    monkeypatch.setattr("soundtrack.review.ab.pairs.SHORTEST_S", 2.0)
    compared = prepare(reviewed, against=against, n_pairs=1, seed=0, index=made.index)
    served = make_ab_app(compared, port=PORT)
    client, base = TestClient(served.app, base_url=ORIGIN), f"/{served.token}/"
    pair = client.get(f"{base}pair").json()
    assert set(pair) == {"left", "number", "start_s", "end_s"}
    sounds = []
    for side in ("left", "right"):
        data = client.get(f"{base}sound/0/{side}").content
        sounds.append(np.frombuffer(data, "<f4").reshape(2, -1))
    assert sounds[0].shape == sounds[1].shape == (2, round((pair["end_s"] - pair["start_s"]) * 48_000))
    assert not np.allclose(*sounds)
    assert max(float(np.abs(s).max()) for s in sounds) <= 1.0
    levels = [measure_loudness(s.copy()).integrated_lufs for s in sounds]
    assert levels[0] > -60
    assert abs(levels[0] - levels[1]) <= 0.3
    headers = {"Origin": ORIGIN}
    for wrong in ({"number": 0, "choice": "middle"}, {"number": 5, "choice": "left"}, {}):
        assert client.post(f"{base}answer", json=wrong, headers=headers).status_code == 422
    assert client.post(f"{base}answer", json={"number": 0, "choice": "left"}, headers=headers).json() == {"left": 0}
    assert client.get(f"{base}sound/0/left").status_code == 422
    (answer,) = read_answers(compared.answers)
    assert (answer.choice, answer.against, answer.film) == ("left", against, compared.sheet.film.fingerprint)
    assert answer.chosen == compared.trials[0].left.source
    (result,) = client.get(f"{base}results").json()["results"]
    assert result["n_answers"] == 1


@pytest.mark.slow
def test_the_command_prints_results_and_refuses_what_makes_no_sense(
    reviewed: Reviewed, made: Made, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_commands(["review", "--ab", "--results", str(reviewed.cues)])
    assert capfd.readouterr().out == "no answers for this film\n"
    run_commands(["review", "--ab", "--results", "--json", str(reviewed.cues)])
    assert json.loads(capfd.readouterr().out)["results"] == []
    for words, text in ((["--results"], "--ab"), (["--ab", "--json"], "--results")):
        with pytest.raises(UsageError) as error:
            run_commands(["review", *words, str(reviewed.cues)])
        assert text in error.value.hint
    with pytest.raises(UsageError, match="--against foe"):
        run_commands(["review", "--ab", "--against", "foe", str(reviewed.cues), "--index", str(made.index)])
    monkeypatch.setattr("soundtrack.review.ab.pairs.SHORTEST_S", 60.0)
    with pytest.raises(InputError, match="within a scene"):
        prepare(reviewed, against="random", n_pairs=2, seed=0, index=made.index)
