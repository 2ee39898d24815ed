"""``score --watch``: films that come into a folder are scored once they are complete, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_made import Made
from soundtrack.cli.app import run_commands
from soundtrack.errors import LibraryError, OutputError
from soundtrack.pipeline.ground.film_watch import arrivals


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends the watch, at the latest after half a minute."""
    event = threading.Event()
    timer = threading.Timer(30.0, event.set)
    timer.start()
    yield event
    timer.cancel()


def test_films_come_when_they_are_complete_and_again_when_they_are_replaced(
    tmp_path: Path, stop: threading.Event
) -> None:
    for name in ("a.mp4", "a.scored.mp4", ".b.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"film")
    (tmp_path / "empty.mp4").touch()
    coming = arrivals(tmp_path, look_s=0.01, rest_s=0.2, stop=stop)
    assert next(coming).name == "a.mp4"
    growing, ended = tmp_path / "b.mkv", []

    def copy() -> None:
        with growing.open("wb") as file:
            for _ in range(12):
                file.write(b"part")
                file.flush()
                time.sleep(0.05)
            ended.append(time.monotonic())

    thread = threading.Thread(target=copy)
    thread.start()
    assert next(coming) == growing
    thread.join()
    assert ended, "not before the whole film was there"
    (tmp_path / "a.mp4").write_bytes(b"another film")
    assert next(coming).name == "a.mp4"
    stop.set()
    assert list(coming) == []


def test_a_folder_that_goes_away_and_comes_back_is_watched_on(tmp_path: Path, stop: threading.Event) -> None:
    folder = tmp_path / "films"
    coming = arrivals(folder, look_s=0.01, rest_s=0.0, stop=stop)

    def make() -> None:
        time.sleep(0.1)
        folder.mkdir()
        (folder / "a.mp4").write_bytes(b"film")

    threading.Thread(target=make).start()
    assert next(coming) == folder / "a.mp4"


_RUN = """
import sys
from soundtrack.pipeline.ground import film_watch
film_watch.arrivals.__kwdefaults__.update(look_s=0.1, rest_s=0.3)
from soundtrack.cli.app import main
sys.argv = ["soundtrack", "score", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_a_watch_scores_what_comes_reports_what_fails_and_ends_with_ctrl_c(made: Made, tmp_path: Path) -> None:
    films, out = tmp_path / "films", tmp_path / "scored"
    films.mkdir()
    (films / "bad.mp4").write_text("no film")
    words = ["--watch", films, "-o", out, "--index", made.index, "--report", tmp_path / "night.html"]
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, *map(str, words)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    timer = threading.Timer(240, process.kill)
    timer.start()
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith("failed: "):
                os.link(made.film, films / "good.mp4")
            if line.startswith("scored: "):
                break
        deadline = time.monotonic() + 30
        while "good.mp4" not in (tmp_path / "night.html").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "stopped watching" in process.stderr.read()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stderr.close()
    assert "bad.mp4" in "".join(said)
    assert sorted(path.name for path in out.iterdir()) == ["good.scored.cues.json", "good.scored.mp4"]
    assert "bad.mp4" in (tmp_path / "night.html").read_text()


def test_a_watch_ended_when_its_report_found_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "night.html"

    def full(*_: object, **__: object) -> None:
        raise OutputError(f"{report}: the disk is full", hint="free some disk space")

    monkeypatch.setattr("soundtrack.pipeline.ground.film_watch.arrivals", lambda _: [Path("a.mp4"), Path("b.mp4")])
    monkeypatch.setattr("soundtrack.pipeline.batch.KeptScorer.scorer", lambda *_: None)
    monkeypatch.setattr("soundtrack.files.safe_write.write_text", full)
    assert run_commands(["score", "--watch", str(tmp_path), "--report", str(report)]) == 0
    said = capfd.readouterr().err
    assert said.count(f"warning: the report is not up to date: {report}: the disk is full") == 2
    assert "failed: a.mp4" in said and "failed: b.mp4" in said


def test_a_watch_without_an_index_failed_film_by_film(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    films = tmp_path / "films"
    films.mkdir()
    with pytest.raises(LibraryError, match="no index found"):
        run_commands(["score", "--watch", str(films), "-o", str(tmp_path / "out"), "--index", str(tmp_path / "index")])
    assert "watching" not in capfd.readouterr().err
