"""The yardstick for whole films: its list is sound, and its figures are those of a sheet worked out by hand."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import library, sheet, track
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.training.locked import is_locked
from soundtrack.types import Span

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "whole_films.py"
spec = importlib.util.spec_from_file_location("whole_films", SCRIPT)
assert spec is not None and spec.loader is not None
whole_films = importlib.util.module_from_spec(spec)
sys.modules["whole_films"] = whole_films
spec.loader.exec_module(whole_films)

DOCUMENT = json.loads(whole_films.LIST.read_text(encoding="utf-8"))
PLANS = whole_films.read_plans(DOCUMENT)


def test_there_are_at_least_twelve_films_of_one_to_ten_minutes_with_a_mood_for_every_stretch() -> None:
    assert len({plan.name for plan in PLANS}) == len(PLANS) >= 12
    for plan in PLANS:
        assert 60.0 <= plan.length_s <= 600.0, plan.name
        assert {stretch.mood for stretch in plan.stretches} <= set(DOCUMENT["moods"])
    assert {stretch.mood for plan in PLANS for stretch in plan.stretches} == set(DOCUMENT["moods"])


def test_no_clip_of_the_locked_set_is_in_a_film() -> None:
    assert not [clip for plan in PLANS for stretch in plan.stretches for clip in stretch.clips if is_locked(clip)]


def test_somebody_speaks_in_stretches_of_talk_and_nowhere_else() -> None:
    for plan in PLANS:
        spoken = whole_films.sentences(plan, DOCUMENT["voices"])
        for start_s, end_s, _ in spoken:
            assert any(s.mood == "talk" and s.start_s < start_s and end_s < s.end_s for s in plan.stretches)
        if plan.sound:
            assert spoken or not any(s.mood == "talk" for s in plan.stretches)


def test_the_figures_of_a_sheet_are_those_worked_out_by_hand() -> None:
    one, two = track("calm", ["Relaxation"] * 12), track("fight", ["Tension"] * 12)
    made = spot_cues(sheet([("Relaxation", 30.0), ("Tension", 30.0)]), library([one, two]))
    first, second = made.cues
    third = replace(first, cue_id="1m03", span=Span(100.0, 120.0))
    cues = (replace(first, span=Span(0.0, 30.0)), replace(second, span=Span(40.5, 60.0)), third)
    tracks = tuple(replace(t, path=f"/music/{t.title}.ogg") for t in made.tracks)
    stretches = (
        whole_films.Stretch(0.0, 40.0, "calm", ("a",)),
        whole_films.Stretch(40.0, 60.0, "action", ("b",)),
        whole_films.Stretch(60.0, 120.0, "calm", ("a",)),
    )
    judged = whole_films.judge(
        whole_films.FilmPlan("made", "drama", True, stretches),
        replace(made, cues=cues, tracks=tracks),
        wanted={"calm": np.array([0.5, -0.5]), "action": np.array([-0.1, 0.7])},
        places={"calm.ogg": np.array([0.5, -0.2]), "fight.ogg": np.array([-0.1, 0.7])},
        spoken=((39.0, 47.0, 0), (99.8, 110.0, 1)),
    )
    assert judged.apart == pytest.approx((50.0 * 0.3) / 69.5)
    assert (judged.cues, judged.tracks, judged.returns, judged.mid) == (3, 2, 1, 1)
    assert judged.silence == pytest.approx(1 - 69.5 / 120)
    assert judged.thin == pytest.approx((6.5 + 10.0) / 120)
    assert (judged.turns, judged.turned, judged.greatest) == (2, 2, True)
    assert judged.per_minute == pytest.approx(1.5)
    assert "| made | 2.0 |" in whole_films.table([judged])


def test_the_blind_pool_counts_seconds_whose_music_is_near_the_wanted_mood() -> None:
    one, two = track("calm", ["Relaxation"] * 12), track("fight", ["Tension"] * 12)
    made = spot_cues(sheet([("Relaxation", 30.0), ("Tension", 30.0)]), library([one, two]))
    first, second = made.cues
    cues = (replace(first, span=Span(0.0, 30.0)), replace(second, span=Span(30.0, 60.0)))
    tracks = tuple(replace(t, path=f"/music/{t.title}.ogg") for t in made.tracks)
    stretches = tuple(whole_films.Stretch(a, a + 20.0, mood, ("a",)) for a, mood in ((0.0, "calm"), (20.0, "action")))
    pool = whole_films.blind_pool(
        whole_films.FilmPlan("made", "drama", True, stretches),
        replace(made, cues=cues, tracks=tracks, alternatives=()),
        wanted={"calm": np.array([0.5, -0.5]), "action": np.array([-0.1, 0.7])},
        places={"calm.ogg": np.array([0.5, -0.2]), "fight.ogg": np.array([-0.1, 0.7])},
    )
    assert pool.tolist() == [30.0, 0.0, 20.0, 40.0]


@pytest.mark.needs_data
def test_every_clip_is_there_and_every_tag_of_the_music_has_a_place(data_dir: Path) -> None:
    missing = {c for p in PLANS for s in p.stretches for c in s.clips if not (data_dir / c).is_file()}
    assert not missing
    with (data_dir / "music" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        tags = {tag for row in csv.DictReader(file) for tag in row["mood_tags"].split(";")}
    assert tags <= set(DOCUMENT["tags"])
