"""``index --watch``: music that is dropped in while it runs is listened to, and nothing but Ctrl-C ends it."""

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

from soundtrack.library.update.folder_watch import changes
from test_index_crash import nobody_left

pytest.importorskip("watchfiles")
pytestmark = pytest.mark.slow

_RUN = """
import sys
import fake_listener as fake
from soundtrack.library.update import folder_watch as watch
from soundtrack.pipeline.library import music
music.current_model = lambda: fake.MODEL
music.make_listener = fake.make_for_device
music.music_channels = lambda *_: fake.CHANNELS
music.music_projection = fake.Projection
watch.changes.__kwdefaults__.update(rest_s=0.2, look_s=0.3)
from soundtrack.cli.app import main
sys.argv = ["soundtrack", "index", "--watch", "--jobs", "1", *sys.argv[1:]]
main()
"""


class Watching:
    """A running ``index --watch`` and what it has said so far."""

    def __init__(self, music: Path, index: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "SOUNDTRACK_INDEX": str(index)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(music)], env=environment, stderr=subprocess.PIPE, start_new_session=True
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.decode())

    def wait_for(self, text: str, *, since: int = 0) -> int:
        """Until a line with this text has come; tells how many there are by then."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and self.process.poll() is None:
            for n, line in enumerate(self.lines[since:], start=since + 1):
                if text in line:
                    return n
            time.sleep(0.02)
        raise AssertionError(f"never said {text!r}: {self.lines}")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "1.mp3").write_text("song 1 1")
    return folder


@pytest.fixture
def watching(tmp_path: Path, music: Path) -> Iterator[Watching]:
    started = Watching(music, music / "index")  # its own writing must not wake it
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait()


def test_what_is_dropped_in_is_heard_errors_are_survived_and_ctrl_c_ends_it(
    tmp_path: Path, music: Path, watching: Watching
) -> None:
    at = watching.wait_for("watching 1 folder")
    assert watching.lines[0].startswith("1 added")
    (music / "new.mp3").write_text("song 2 2")
    at = watching.wait_for("1 added, 1 unchanged; the index has 2 tracks", since=at)
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "3.mp3").write_text("song 3 1")
    (tmp_path / "album" / "bad.mp3").write_text("bad")
    (tmp_path / "album").rename(music / "Vol. 1")
    at = watching.wait_for("skipped: ", since=at)
    at = watching.wait_for("1 added, 2 unchanged; the index has 3 tracks", since=at)
    music.rename(tmp_path / "away")
    (tmp_path / "away").rename(music)
    (music / "4.mp3").write_text("song 4 1")
    at = watching.wait_for("1 added, 3 unchanged", since=at)
    (music / "cover.jpg").write_text("no music")
    (music / "4.mp3").touch()  # read again, and nothing is new
    time.sleep(1.5)
    assert watching.lines[at:] == []
    os.killpg(watching.process.pid, signal.SIGINT)
    assert watching.process.wait(timeout=60) == 0
    assert watching.lines[-1] == "stopped watching\n"
    assert nobody_left(watching.process.pid)


def test_a_burst_of_changes_and_a_slow_copy_are_told_once_and_a_lost_root_is_looked_for(
    tmp_path: Path, music: Path
) -> None:
    stop, told = threading.Event(), []

    def listen() -> None:
        steps = changes([music], index_dir=music / "index", rest_s=0.3, look_s=0.3, stop=stop)
        told.extend(time.monotonic() for _ in steps)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    time.sleep(1.0)
    assert len(told) == 1  # what may have changed before it was looked at
    for n in range(20):
        (music / f"{n}.mp3").write_text("song 1 1")
        time.sleep(0.02)
    time.sleep(1.2)
    assert len(told) == 2
    with (music / "slow.wav").open("wb") as file:
        for _ in range(15):  # a copy over a network, longer than the time of rest
            file.write(b"part")
            file.flush()
            time.sleep(0.1)
        assert len(told) == 2
    time.sleep(1.2)
    assert len(told) == 3
    music.rename(tmp_path / "away")
    time.sleep(1.2)
    before = len(told)
    (tmp_path / "away").rename(music)
    time.sleep(1.2)
    assert len(told) > before
    before = len(told)
    (music / "index").mkdir()
    (music / "index" / "library.sqlite3-wal").write_text("x")
    (music / "index" / "library.sqlite3-wal").unlink()
    (music / ".hidden.mp3").write_text("x")
    (music / "cover.jpg").write_text("x")
    time.sleep(1.0)
    assert len(told) == before
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
