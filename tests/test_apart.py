"""Reading media in a process that may be lost: hostile headers, hangs, crashes, and who outlives whom."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_made import make_film
from mp4_bombs import mp4_of_many_samples
from soundtrack.errors import InputError, Reason
from soundtrack.media import nursery
from soundtrack.media import sandbox as apart_module
from soundtrack.media.reading.probe import probe, probe_audio
from soundtrack.media.sandbox import apart, apart_beside, apart_stream, reading_limit_s

SOMETHING = Path("film.mp4")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process that waits is taken or left behind."""
    monkeypatch.setattr(apart_module, "_idle", [])


@pytest.fixture
def new_nursery(monkeypatch: pytest.MonkeyPatch, fresh: None) -> Iterator[None]:
    """Processes are forked from one that this test starts."""
    if not nursery.IS_SAFE:
        pytest.skip("nothing is forked here")
    monkeypatch.setattr(apart_module, "_nurseries", [])
    yield
    for started in apart_module._nurseries:
        started.stop()


# --- what the process apart is asked to do; it finds these here by their names ----


def own_pid() -> int:
    return os.getpid()


def own_parent() -> int:
    return os.getppid()


def own_limits() -> list[tuple[int, int]]:
    return [resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]


def fill_memory() -> int:
    return len(bytearray(apart_module.MEMORY_BYTES))


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def fall_over() -> None:
    os.abort()


def refuse() -> None:
    raise InputError("no good", hint="another one", reason=Reason.NO_AUDIO)


def err() -> None:
    raise ZeroDivisionError("our own")


def count(n: int, pause_s: float) -> Iterator[int | None]:
    for i in range(n):
        time.sleep(pause_s)
        yield None
        yield i


def write(path: Path) -> None:
    path.write_bytes(b"x" * 100)


# --- the process ----


def test_it_is_another_process_and_the_next_file_finds_it_waiting() -> None:
    first = apart(SOMETHING, own_pid)
    assert first != os.getpid()
    assert apart(SOMETHING, own_pid) == first


def test_a_relative_path_counts_from_the_folder_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that changes its folder between two films was told that the second does not exist."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        make_film(tmp_path / name / f"{name}.mp4", seconds=1)
        monkeypatch.chdir(tmp_path / name)
        assert probe(Path(f"{name}.mp4")).duration_s == pytest.approx(1.0, abs=0.1)


def test_its_memory_is_limited_and_it_may_not_write() -> None:
    memory, written, core = apart(SOMETHING, own_limits)
    assert memory[1] == apart_module.MEMORY_BYTES
    assert written == core == (0, 0)


def test_it_cannot_write_a_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="File too large"):
        apart(SOMETHING, write, tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == 0


def test_a_reason_comes_through_as_it_was() -> None:
    with pytest.raises(InputError, match="no good") as refused:
        apart(SOMETHING, refuse)
    assert (refused.value.hint, refused.value.reason) == ("another one", Reason.NO_AUDIO)


def test_our_own_mistake_keeps_its_words() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: our own"):
        apart(SOMETHING, err)


def test_what_a_generator_yields_comes_in_order() -> None:
    assert list(apart_stream(SOMETHING, count, 20.0, 5, 0.0)) == [0, 1, 2, 3, 4]


def test_a_stream_that_is_left_early_leaves_no_process() -> None:
    stream = apart_stream(SOMETHING, count, 20.0, 10_000, 0.0)
    assert next(stream) == 0
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(apart_stream(SOMETHING, count, 20.0, 2, 0.0)) == [0, 1]


def test_it_works_while_this_process_does_something_else() -> None:
    apart(SOMETHING, sleep, 0.0)
    with apart_beside(SOMETHING, sleep, 2.0) as result:
        time.sleep(2.0)
        began_s = time.monotonic()
        result()
    assert time.monotonic() - began_s < 1.8


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("no good", hint="another one", reason=Reason.CORRUPT)])
def test_an_error_beside_it_ends_it_at_once(error: type[BaseException] | BaseException, fresh: None) -> None:
    pid = apart(SOMETHING, own_pid)
    began_s = time.monotonic()
    with pytest.raises((KeyboardInterrupt, InputError)), apart_beside(SOMETHING, sleep, 10.0):
        raise error
    assert time.monotonic() - began_s < 5
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert apart_module._idle == []


# --- where they come from ----


def test_processes_at_the_same_time_are_forked_from_one_that_has_the_libraries(new_nursery: None) -> None:
    with apart_beside(SOMETHING, own_parent) as parent, apart_beside(SOMETHING, own_parent) as of_another:
        assert parent() == of_another() != os.getpid()


def test_a_nursery_that_was_killed_is_replaced_and_what_it_forked_goes_on(new_nursery: None) -> None:
    killed = apart(SOMETHING, own_parent)
    with apart_beside(SOMETHING, sleep, 1.0) as result:
        os.kill(killed, 9)
        assert apart(SOMETHING, own_parent) == os.getpid()
        with apart_beside(SOMETHING, sleep, 0.0):
            assert apart(SOMETHING, own_parent) not in (killed, os.getpid())
        result()


def test_a_process_that_has_the_libraries_is_forked_itself_and_starts_no_python(tmp_path: Path) -> None:
    """Worker processes do this: each of them needs a process apart, and started a Python for it."""
    program = (
        "import os, subprocess, sys, threading\n"
        "from pathlib import Path\n"
        "from soundtrack.media.sandbox import apart, fork_nursery\n"
        "import test_apart\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event == 'subprocess.Popen' else None)\n"
        "kept = open(sys.argv[1], 'w')\n"
        "fork_nursery()\n"
        "threading.Thread(target=print, daemon=True).start()\n"
        "parent = apart(Path('film.mp4'), test_apart.own_parent)\n"
        "holds = {os.readlink(f'/proc/{parent}/fd/{n}') for n in os.listdir(f'/proc/{parent}/fd')}\n"
        "grandparent = int(Path(f'/proc/{parent}/stat').read_text().rpartition(')')[2].split()[1])\n"
        "limits = apart(Path('film.mp4'), test_apart.own_limits)\n"
        "assert os.getsid(parent) == parent != os.getpid() == grandparent, (parent, grandparent)\n"
        "assert sys.argv[1] not in holds, holds\n"
        "print(started, limits[1:], parent)\n"
    )
    if not nursery.IS_SAFE:
        pytest.skip("nothing is forked here")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = "1"
    command = [sys.executable, "-c", program, str(tmp_path / "open.txt")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    *said, pid = done.stdout.strip().rsplit(maxsplit=1)
    assert said == ["[] [(0, 0), (0, 0)]"], done.stderr
    for _ in range(100):  # it ends with the process that it was forked from
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"{pid} goes on")


def test_what_has_threads_is_not_forked(new_nursery: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "threaded.py").write_text(
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "def own_parent(): return os.getppid()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import threaded  # type: ignore[import-not-found]  # just written

    assert apart(SOMETHING, threaded.own_parent) == os.getpid()


# --- what a file can do to it ----


def test_too_much_memory_is_an_answer() -> None:
    with pytest.raises(InputError, match=r"film\.mp4: .* GiB of memory") as refused:
        apart(SOMETHING, fill_memory)
    assert refused.value.reason is Reason.TOO_LARGE


def test_a_hang_is_ended(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    pid = apart(SOMETHING, own_pid)
    monkeypatch.setattr(apart_module, "QUICK_LIMIT_S", 0.3)
    with pytest.raises(InputError, match="timed out") as refused:
        apart(SOMETHING, sleep, 60.0)
    assert refused.value.reason is Reason.TIMEOUT
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_stream_that_stops_coming_is_ended() -> None:
    with pytest.raises(InputError, match="timed out"):
        list(apart_stream(SOMETHING, count, 0.2, 2, 5.0))


def test_a_crash_costs_the_file_and_nothing_else() -> None:
    with pytest.raises(InputError, match="the decoder crashed on it") as refused:
        apart(SOMETHING, fall_over)
    assert refused.value.reason is Reason.CRASHED
    assert apart(SOMETHING, own_pid) != os.getpid()


def test_a_process_that_was_killed_while_it_waited_is_replaced() -> None:
    pid = apart(SOMETHING, own_pid)
    os.kill(pid, 9)
    time.sleep(0.2)
    assert apart(SOMETHING, own_pid) != pid


@pytest.mark.parametrize("end", ["sys.exit(0)", "os.kill(os.getpid(), 9)"])
def test_it_ends_with_the_process_that_started_it(end: str) -> None:
    code = (
        "import os, sys; from pathlib import Path; import test_apart; from soundtrack.media.sandbox import apart\n"
        f"print(apart(Path('a'), test_apart.own_pid), flush=True); {end}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


# --- files that provoke it ----


@pytest.mark.parametrize("read", [probe, probe_audio])
def test_a_header_that_asks_for_gigabytes_is_refused_within_the_limits(
    read: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    """Without limits, opening these 20 KB takes 40 GB and minutes."""
    monkeypatch.setattr(apart_module, "MEMORY_BYTES", 768 << 20)
    bomb = tmp_path / "bomb.mp4"
    bomb.write_bytes(mp4_of_many_samples(85_000_000, n_tracks=20))
    with pytest.raises(InputError, match=r"bomb\.mp4"):
        read(bomb)  # type: ignore[operator]  # one of the two above


def test_a_header_that_asks_for_gigabytes_of_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(apart_module, "QUICK_LIMIT_S", 0.5)
    bomb = tmp_path / "bomb.mp4"
    bomb.write_bytes(mp4_of_many_samples(44_000_000, n_tracks=3))
    began_s = time.monotonic()
    with pytest.raises(InputError) as refused:
        probe(bomb)
    assert refused.value.reason is Reason.TIMEOUT
    assert time.monotonic() - began_s < 20


def test_a_terabyte_of_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    """A sound file that is sparse: one frame, then zeros that take hours to read and no room on the disk."""
    monkeypatch.setattr(apart_module, "QUICK_LIMIT_S", 0.5)
    path = tmp_path / "endless.mp3"
    path.write_bytes((b"\xff\xfb\x90\x00" + bytes(413)) * 4)
    os.truncate(path, 1 << 40)
    assert reading_limit_s(path) < 1.0
    with pytest.raises(InputError) as refused:
        probe_audio(path)
    assert refused.value.reason is Reason.TIMEOUT
