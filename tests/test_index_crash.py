"""An index that survives whatever ends a run: kill -9, Ctrl-C, a full disk, a second writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError, OutputError
from soundtrack.library.search.library_view import open_library
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.store import open_store
from soundtrack.library.update.build import build_index

JOBS = 2
_RUN = """
import resource, sys
from pathlib import Path
import fake_listener as fake
from soundtrack.errors import SoundtrackError
from soundtrack.library.update.build import build_index
music, index, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    report = build_index([Path(music)], Path(index), model=fake.MODEL, make_listener=fake.make_listener, jobs=2)
except SoundtrackError as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(error.exit_code)
print(report.added, report.unchanged)
"""


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(60):
        (folder / f"{seed:02d}.mp3").write_text(f"slow {seed} {1 + seed % 4}")
    return folder


def start(music: Path, index: Path, log: Path, *, limit_bytes: int = 0) -> subprocess.Popen[bytes]:
    """Index in a process group of its own."""
    environment = os.environ | {fake.LOG: str(log), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", _RUN, str(music), str(index), str(limit_bytes)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def wait_for(log: Path, n: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many files were begun, or the run is over."""
    while size(log) < n and process.poll() is None:
        time.sleep(0.001)


def content(index: Path, music: Path) -> dict[str, object]:
    """Everything that an index says, without the order in which it came."""
    with open_store(index) as store:
        tracks = store.tracks()
        vectors = {
            str(track_id): (segments, whole)
            for track_id, segments, whole in store.all(
                "SELECT track_id, segments, whole FROM vectors JOIN tracks ON id = track"
            )
        }
        places = {str(path.relative_to(music)): (p.track_id, p.present) for path, p in store.locations().items()}
        bars = {track_id: store.bars(track_id).features.tobytes() for track_id in tracks}
        assert store.all("PRAGMA integrity_check") == [("ok",)]
        assert store.all("PRAGMA foreign_key_check") == []
    return {"tracks": tracks, "vectors": vectors, "places": places, "bars": bars}


def nobody_left(group: int) -> bool:
    """Whether every process of a group ends within five seconds."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def kill_and_resume(tmp_path: Path, music: Path, moments: list[int], rng: np.random.Generator) -> None:
    """Kill a run after each of some numbers of files, resume, and compare with a run that nobody disturbed."""
    index, log = tmp_path / "index", tmp_path / "log"
    known = 0
    for moment in moments:
        log.unlink(missing_ok=True)
        process = start(music, index, log)
        wait_for(log, moment, process)
        time.sleep(float(rng.uniform(0, 0.03)))
        process.kill()
        process.communicate()
        begun = size(log)
        assert nobody_left(process.pid)
        if (index / "library.sqlite3").exists():
            try:
                with open_store(index) as store:
                    counts = store.counts()
            except LibraryError as error:
                assert "empty" in str(error), error
                continue
            assert counts["tracks"] >= known + begun - JOBS
            known = counts["tracks"]
            with open_store(index) as store:
                assert store.all("SELECT count(*) FROM tracks WHERE id NOT IN (SELECT track FROM vectors)") == [(0,)]
                assert store.all("SELECT count(*) FROM tracks WHERE id NOT IN (SELECT track FROM locations)") == [(0,)]
    process = start(music, index, log)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert out.split() == [b"%d" % (60 - known), b"%d" % known]
    start(music, tmp_path / "calm", tmp_path / "log2").communicate(timeout=60)
    assert content(index, music) == content(tmp_path / "calm", music)
    for name in ("segments.faiss", "index.json"):
        assert (index / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    assert not list(index.glob("*.part")) + list(index.glob(".*.part"))


def test_kill_9_loses_at_most_the_tracks_in_flight(tmp_path: Path, music: Path, rng: np.random.Generator) -> None:
    kill_and_resume(tmp_path, music, [15], rng)


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(5))
def test_fifty_kills_at_random(tmp_path: Path, music: Path, rng: np.random.Generator, turn: int) -> None:
    for _ in range(turn):
        rng.uniform(size=100)
    kill_and_resume(tmp_path, music, rng.integers(0, 12, size=10).tolist(), rng)


def test_ctrl_c_leaves_a_good_index_and_no_process(tmp_path: Path, music: Path) -> None:
    index, log = tmp_path / "index", tmp_path / "log"
    process = start(music, index, log)
    wait_for(log, 10, process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert nobody_left(process.pid)
    assert process.returncode != 0 or size(log) == 60  # on a busy machine all may be heard before the signal comes
    assert err.count(b"Traceback") <= 1  # the main process alone; a command turns this into one line
    with open_library(index) as view:
        assert len(view.track_ids) >= 10 - JOBS
        assert len(view.search(view.embeddings[:1], 3)[0]) == 3


def test_a_full_disk_is_named_and_the_next_run_goes_on(tmp_path: Path, music: Path) -> None:
    index = tmp_path / "index"
    process = start(music, index, tmp_path / "log", limit_bytes=250_000)
    out, err = process.communicate(timeout=60)
    assert process.returncode == OutputError.exit_code, (out, err)
    assert b"OutputError" in out
    assert b"library.sqlite3" in out
    with open_store(index) as store:
        kept = store.counts()["tracks"]
        assert store.all("PRAGMA integrity_check") == [("ok",)]
    assert kept > 0
    out, _ = start(music, index, tmp_path / "log").communicate(timeout=60)
    assert out.split() == [b"%d" % (60 - kept), b"%d" % kept]


def test_a_second_writer_is_told_who_holds_the_index(tmp_path: Path, music: Path) -> None:
    index = tmp_path / "index"
    with write_lock(index):
        process = start(music, index, tmp_path / "log")
        out, _ = process.communicate(timeout=60)
    assert process.returncode == LibraryError.exit_code
    assert b"in use by pid %d" % os.getpid() in out


def test_a_second_writer_may_wait(tmp_path: Path, music: Path) -> None:
    index = tmp_path / "index"
    reports = []

    def run() -> None:
        options = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, "wait": True}
        reports.append(build_index([music / "00.mp3"], index, **options))  # type: ignore[arg-type]

    with write_lock(index):
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.2)
        assert not reports
    thread.join(timeout=30)
    assert reports[0].added == 1


def test_reading_beside_a_writer_sees_whole_tracks(tmp_path: Path, music: Path) -> None:
    index, log = tmp_path / "index", tmp_path / "log"
    process = start(music, index, log)
    wait_for(log, 5, process)
    seen = []
    while process.poll() is None:
        try:
            with open_library(index) as view:
                seen.append(len(view.tracks()))
                assert len(view) == sum(len(track.segments) for track in view.tracks().values())
        except LibraryError as error:
            assert "empty" in str(error) or "in use" in str(error), error
    process.communicate()
    assert process.returncode == 0
    assert seen == sorted(seen)
