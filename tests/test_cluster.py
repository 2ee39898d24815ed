"""Workers of a Dask cluster: they do the work, and losing one of them loses nothing."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cluster_jobs
from media_made import Made, make_film
from soundtrack import __version__, pipeline
from soundtrack.errors import ModelError, UsageError
from soundtrack.library.store.store import open_store
from soundtrack.pipeline.batch import BatchOrder, FilmState, score_batch
from soundtrack.pipeline.library.cluster import Cluster, Job, Lost, _there

distributed = pytest.importorskip("distributed", reason="distributed is not installed: pip install soundtrack[cluster]")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Two worker processes behind a scheduler of this machine; one that dies is replaced."""
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "OMP_NUM_THREADS")}
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), before["PYTHONPATH"]]))
    os.environ["OMP_NUM_THREADS"] = "1"
    made = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
    )
    with made:
        yield made
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


def strike_when(folder: Path, n_files: int) -> threading.Thread:
    """Kill one of the processes that leave files in a folder as soon as there are some."""

    def strike() -> None:
        while len(files := list(folder.iterdir())) < n_files:
            time.sleep(0.02)
        newest = max(files, key=lambda path: path.stat().st_mtime_ns)
        os.kill(int(newest.suffix[1:]), signal.SIGKILL)

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    return thread


def test_what_a_lost_worker_was_at_is_done_by_another(workers: Any, tmp_path: Path) -> None:
    strike = strike_when(tmp_path, 4)
    with Cluster(workers.scheduler_address, model=pipeline.current_model()) as cluster:
        jobs = [Job(cluster_jobs.square_slowly, (n, tmp_path), n) for n in range(12)]
        found = {job.name: answer for job, answer in cluster.work(jobs)}
    strike.join(5)
    assert found == {n: n * n for n in range(12)}
    tried = [int(path.stem) for path in tmp_path.iterdir()]
    assert len(tried) > len(set(tried)) == 12


def test_a_job_that_takes_its_workers_down_is_given_up_and_the_others_are_done(workers: Any, tmp_path: Path) -> None:
    with Cluster(workers.scheduler_address, model=pipeline.current_model()) as cluster:
        jobs = [Job(cluster_jobs.tell_and_square, (n, tmp_path), n) for n in range(6)]
        jobs.insert(2, Job(cluster_jobs.take_the_process_down, (0, tmp_path), "bad"))
        found = {job.name: answer for job, answer in cluster.work(jobs)}
    assert isinstance(found.pop("bad"), Lost)
    assert {n: answer for n, answer in found.items() if not isinstance(answer, Lost)} == {n: n * n for n in range(6)}


def test_workers_with_other_networks_refuse(workers: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    other = replace(pipeline.current_model(), sha256="0" * 64)
    with (
        Cluster(workers.scheduler_address, model=other) as cluster,
        pytest.raises(ModelError, match="a worker of the cluster has other networks"),
    ):
        list(cluster.work([Job(cluster_jobs.tell_and_square, (1, tmp_path), 1)]))
    assert list(tmp_path.iterdir()) == []


def test_a_worker_of_another_version_was_said_to_have_different_networks(tmp_path: Path) -> None:
    model = pipeline.current_model().sha256
    refused = _there("0.0.1", model, cluster_jobs.tell_and_square, 1, tmp_path)
    assert refused.message == f"a worker of the cluster has soundtrack {__version__} instead of 0.0.1"
    assert list(tmp_path.iterdir()) == []


def test_an_address_where_nobody_answers_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundtrack.pipeline.library.cluster.CONNECT_LIMIT_S", 1.0)
    for address in ("tcp://127.0.0.1:9", "nonsense", "http://127.0.0.1:9", ""):
        with pytest.raises(UsageError, match="no Dask scheduler"):
            Cluster(address, model=pipeline.current_model())


def test_a_client_that_never_connected_does_not_hang_the_next_one() -> None:
    from distributed.utils import LoopRunner

    with pytest.raises(UsageError):
        Cluster("nonsense", model=pipeline.current_model())
    collecting = threading.Thread(target=gc.collect, daemon=True)
    with LoopRunner._lock:  # as Dask does while it starts a client
        collecting.start()
        collecting.join(5)
        assert not collecting.is_alive()


def test_a_cluster_hears_what_one_machine_hears(workers: Any, made: Made, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    for path in made.music.iterdir():
        shutil.copy(path, tmp_path / "music")
        shutil.copy(path, tmp_path / "music" / f"copy of {path.name}")
    (tmp_path / "music" / "bad.mp3").write_bytes(b"no music at all" * 100)
    report = pipeline.build_index(
        [tmp_path / "music"], tmp_path / "index", device="cpu", cluster=workers.scheduler_address
    )
    assert (report.added, report.copies, len(report.skipped), report.n_tracks) == (2, 2, 1, 2)
    with open_store(made.index) as here, open_store(tmp_path / "index") as there:
        query = "SELECT track_id, segments, whole FROM vectors JOIN tracks ON id = track ORDER BY track_id"
        assert here.all(query) == there.all(query)


def test_a_batch_on_a_cluster_gives_the_same_bytes(workers: Any, made: Made, tmp_path: Path) -> None:
    films = [make_film(tmp_path / f"{name}.mp4") for name in ("a", "b")]
    missing = tmp_path / "gone.mp4"
    order = BatchOrder(index=made.index, device="cpu")
    report = score_batch([*films, missing], order, cluster=workers.scheduler_address)
    assert [film.state for film in report.films] == [FilmState.SCORED, FilmState.SCORED, FilmState.FAILED]
    assert "gone.mp4" in report.films[2].message
    alone = pipeline.score_video(films[0], out=tmp_path / "alone.mp4", index=made.index, device="cpu")
    assert alone.film.read_bytes() == (tmp_path / "a.scored.mp4").read_bytes()
    again = score_batch(films, order, cluster=workers.scheduler_address)
    assert [film.state for film in again.films] == [FilmState.FINISHED] * 2
