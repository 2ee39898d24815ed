"""``index --pace``: the share of the processor that a run takes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fake_listener as fake
from soundtrack.cli.words import parse_pace, parse_stretch
from soundtrack.errors import UsageError
from soundtrack.library.update.build import build_index
from soundtrack.library.update.pace import CREDIT_S, Pace
from soundtrack.library.update.workers import Workers
from soundtrack.pipeline.library import building
from soundtrack.processes.platform import processor_s, processor_s_of


@given(
    share=st.floats(0.01, 1.0),
    n=st.integers(1, 16),
    tracks_s=st.lists(st.floats(0.01, 5.0), min_size=20, max_size=40),
)
def test_the_share_of_a_run_is_the_one_asked_for(share: float, n: int, tracks_s: list[float]) -> None:
    """Neither more, but for the credit and the last track, nor less: whoever may go on is not kept waiting."""
    now_s = 0.0
    pace = Pace(share, n=n, clock=lambda: now_s, used=lambda: 0.0)
    for used_s in tracks_s:
        now_s += pace.wait_s()
        now_s += used_s  # on one core
        pace.spend(used_s)
    now_s += pace.wait_s()
    total_s = sum(tracks_s)
    credit_s = CREDIT_S * share * n
    assert total_s <= now_s * share * n + credit_s + 1e-6
    assert now_s <= max(total_s, total_s / (share * n)) + max(tracks_s) / (share * n) + 1e-6


def test_an_idle_hour_is_no_credit_for_the_next_minute() -> None:
    now_s = 0.0
    pace = Pace(0.5, n=2, clock=lambda: now_s, used=lambda: 0.0)
    now_s = 3600.0
    assert pace.wait_s() == 0.0
    pace.spend(60.0)
    assert pace.wait_s() == pytest.approx(60.0 - CREDIT_S)


def test_the_main_process_counts_as_well() -> None:
    used_s = 0.0
    pace = Pace(0.5, n=2, clock=lambda: 0.0, used=lambda: used_s)
    used_s = 3.0
    assert pace.wait_s() == pytest.approx(3.0 - CREDIT_S)


@pytest.mark.parametrize(("share", "n", "jobs", "workers"), [(0.25, 2, 2, 1), (0.25, 16, 16, 4), (1.0, 8, 2, 2)])
def test_a_small_share_takes_few_workers(share: float, n: int, jobs: int, workers: int) -> None:
    assert Pace(share, n=n).n_workers(jobs) == workers


def test_a_quarter_of_two_cores_is_what_a_real_run_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 27 % but for the credit, 37 % without pauses; on a busy machine less, since others come first."""
    log = tmp_path / "log"
    monkeypatch.setenv(fake.BUSY_LOG, str(log))
    music = [tmp_path / f"{i}.mp3" for i in range(40)]
    for i, path in enumerate(music):
        path.write_text(f"busy {i} 1")
    with Workers(fake.make_listener, jobs=2, pace=Pace(0.25, n=2)) as workers:
        outcomes = list(workers.listen(music, wanted=lambda _: True))
    assert all(outcome.heard is not None for outcome in outcomes)
    lines = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    assert len(lines) == 40
    lasted_s = max(end for _, end, _ in lines) - min(start for start, _, _ in lines)
    credit_s = CREDIT_S * 0.25 * 2
    assert (40 * fake.BUSY_S - credit_s) / (2 * lasted_s) <= 0.27
    assert {nice for *_, nice in lines} == {min(19.0, os.nice(0) + 19.0)}
    assert os.nice(0) < 19  # the caller keeps its own


def test_an_index_at_a_slow_pace_is_the_same(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for i in range(4):
        (music / f"{i}.mp3").write_text(f"song {i} 2")
    report = build_index(
        [music], tmp_path / "index", model=fake.MODEL, make_listener=fake.make_listener, jobs=2, pace=0.5
    )
    assert (report.added, report.n_segments) == (4, 8)


def test_other_processes_are_measured_as_this_one() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the system does not tell the processor time of other processes in /proc")
    used_s = time.process_time()
    while time.process_time() < used_s + 0.1:
        pass
    assert 0.1 <= processor_s_of(os.getpid()) == pytest.approx(time.process_time(), abs=0.1)
    assert processor_s() >= time.process_time() - 0.1


@pytest.mark.parametrize("text", ["0%", "101%", "0.5%", "101", "1", "0", "a quarter", "nan%", "25%%", "-5%", ""])
def test_a_wrong_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--pace .*invalid share of the processor") as caught:
        parse_pace(text)
    assert caught.value.hint == f"use 1% to 100%, e.g. --pace {'100%' if text == '1' else '25%'}"


def test_a_plain_number_is_a_percentage_where_it_cannot_be_a_share() -> None:
    assert parse_pace("25") == parse_pace(" 25% ") == 0.25 and parse_pace("1%") == 0.01 and parse_pace("100") == 1
    shares = [parse_stretch(text) for text in ("3", "3%", "0.03", "10", "0.1", "1", "0", "0.5%")]
    assert shares == [0.03, 0.03, 0.03, 0.1, 0.1, 0.01, 0, 0.005]
    for text in ("0.5", "11", "-1", "three", "nan", "3%%", ""):
        with pytest.raises(UsageError, match=r"--stretch .*invalid tempo change"):
            parse_stretch(text)


def test_workers_of_a_cluster_have_no_pace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pace cannot be used with --cluster"):
        building.build_index([tmp_path], tmp_path / "index", cluster="tcp://127.0.0.1:1", pace=0.5)
    with pytest.raises(UsageError, match=r"pace must be in \(0, 1\], got 1.5"):
        building.build_index([tmp_path], tmp_path / "index", pace=1.5)
