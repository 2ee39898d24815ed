"""The end by a signal: at once, from any state, with nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import soundtrack
from end_by_signal import GONE_S, MARK, PRODUCTS, Inputs, many_ends, prepare, running
from soundtrack.processes import children, ending

_PRELUDE = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from soundtrack.processes import children, ending
where = Path(sys.argv[1])
ending.install()
def go(): (where / "ready").touch()
"""
STATES = {
    "waits for a lock that is never given back": "lock = threading.Lock(); lock.acquire(); go(); lock.acquire()",
    "waits for a thread": "t = threading.Thread(target=time.sleep, args=(60,)); t.start(); go(); t.join()",
    "catches everything": """
go()
while True:
    try: time.sleep(60)
    except BaseException: pass
""",
    "computes": "go()\nwhile True: pass",
    "holds the end off for too long": "with ending.held_off(): go(); time.sleep(60)",
    "waits for a child": "p = children.start(['/bin/sleep', '60']); go(); p.wait()",
    "waits for a grandchild": """
children.start(["/bin/sh", "-c", "sleep 60 & wait"])
go()
time.sleep(60)
""",
    "has a child that does not end when asked": """
code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
with ending.held_off():
    p = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    ending.started(p.pid, leads_group=False)
p.stdout.readline()
go()
time.sleep(60)
""",
    "writes a file": """
with ending.unfinished(where / ".film.part"):
    (where / ".film.part").write_text("half")
    go()
    time.sleep(60)
""",
    "fills a folder": """
with ending.unfinished(where / "scratch"):
    (where / "scratch" / "deep").mkdir(parents=True)
    (where / "scratch" / "deep" / "half").write_text("half")
    go()
    time.sleep(60)
""",
    "has an stderr that nobody reads": """
os.set_blocking(2, False)
try:
    while True: os.write(2, b"x" * 4096)
except BlockingIOError: pass
os.set_blocking(2, True)
go()
time.sleep(60)
""",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_run_ends_at_once_whatever_it_is_at(tmp_path: Path, state: str, stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _PRELUDE + STATES[state], str(tmp_path)],
        stderr=subprocess.PIPE,
        env={**os.environ, MARK: str(tmp_path)},
    )
    until_s = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert process.poll() is None and time.monotonic() < until_s
        time.sleep(0.01)
    process.send_signal(stop)
    sent_s = time.monotonic()
    assert process.wait(timeout=30) == 128 + stop
    assert time.monotonic() - sent_s < 15  # two seconds, and room for a busy machine
    time.sleep(GONE_S if running(str(tmp_path)) else 0)
    assert running(str(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    assert process.stderr is not None
    said = process.stderr.read()
    assert b"Traceback" not in said
    assert (b"interrupted\n" in said) == (stop is signal.SIGINT and "stderr" not in state)


def test_a_second_signal_ends_the_waiting(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _PRELUDE + STATES["has a child that does not end when asked"], str(tmp_path)],
        env={**os.environ, MARK: str(tmp_path)},
    )
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    sent_s = time.monotonic()
    # Which of two signals that wait at once is taken first is up to the kernel.
    assert process.wait(timeout=30) in {128 + signal.SIGTERM, 128 + signal.SIGINT}
    assert time.monotonic() - sent_s < 15
    time.sleep(GONE_S if running(str(tmp_path)) else 0)
    assert running(str(tmp_path)) == []


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(tmp_path: Path) -> None:
    code = _PRELUDE + "os.kill(os.getpid(), signal.SIGHUP); time.sleep(0.3); print('still here', flush=True)"
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(ignoring, capture_output=True, check=True, timeout=60).stdout == b"still here\n"


def test_nothing_is_registered_after_a_block() -> None:
    with ending.unfinished(Path("never")), ending.last_words("x"), ending.answering(2, code=0, words=""):
        assert Path("never").absolute() in ending._unfinished
    assert Path("never").absolute() not in ending._unfinished
    assert ending._last_words == [] and ending._answers == {}
    process = children.start(["/bin/sleep", "60"])
    assert process.pid in ending._children
    children.stop(process)
    assert process.pid not in ending._children and process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the import loads it")
def test_a_signal_need_not_wait_until_the_library_of_the_networks_is_loaded() -> None:
    """`scenes` took 2.6 s to end on a busy machine: an import of torch lets no other thread run for 0.4 s of work."""
    code = """
import sys, threading, time
from soundtrack.networks.loading import load_torch_library
ticks, is_over = 0, False
def tick():
    global ticks
    while not is_over:
        time.sleep(0.001)
        ticks += 1
thread = threading.Thread(target=tick)
thread.start()
time.sleep(0.05)
before = ticks
load_torch_library()
during, is_over = ticks - before, True
thread.join()
assert "libtorch_cpu.so" in open("/proc/self/maps").read() and "torch" not in sys.modules
import torch
print(during, float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=280, text=True)
    during, total = done.stdout.split()
    assert int(during) > 10 and total == "8.0"


def test_ctrl_c_during_the_first_imports_shows_no_traceback(tmp_path: Path) -> None:
    """It came before the handlers were set; now they are set before anything of size is imported."""
    code = (
        "import builtins, os, signal, sys\n"
        "plain = builtins.__import__\n"
        "def importing(name, *more):\n"
        "    if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "    return plain(name, *more)\n"
        "builtins.__import__ = importing\n"
        "sys.argv = ['soundtrack', '--help']\n"
        "from soundtrack.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode in (128 + signal.SIGINT, -signal.SIGINT)
    assert done.stderr in (b"interrupted\n", b"") and done.stdout == b""


def test_ctrl_c_is_settled_before_anything_is_imported_that_is_not_built_in() -> None:
    """Struck while `signal` itself was imported, a run showed a traceback."""
    lines = (Path(soundtrack.__file__).parent / "__main__.py").read_text().splitlines()
    imported = [line.split()[1] for line in lines if line.startswith(("import ", "from "))]
    settled = next(n for n, line in enumerate(lines) if "SIG_DFL" in line)
    assert imported[:2] == ["_signal", "sys"] and set(imported[:2]) <= set(sys.builtin_module_names)
    assert settled < next(n for n, line in enumerate(lines) if line.startswith("from "))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return prepare(tmp_path_factory.mktemp("inputs"))


@pytest.mark.slow
@pytest.mark.parametrize("command", [*PRODUCTS, "index"])
def test_signals_at_random_moments_end_a_run_and_leave_nothing(command: str, inputs: Inputs) -> None:
    """SIGTERM waited for the hearing of a long film, or for the fork server's imports, or for ever."""
    with tempfile.TemporaryDirectory(prefix="st-") as short:  # the name of a socket has a hundred bytes
        ends = many_ends([command], inputs, Path(short), n_signals=6, seed=12)[command]
    assert ends.faults == []
    assert ends.took_s


@pytest.mark.parametrize("n_signals", [1, 2])
def test_a_first_signal_may_only_ask_and_a_second_one_ends(tmp_path: Path, n_signals: int) -> None:
    code = """
with ending.request(signal.SIGINT) as asked:
    go()
    while not asked.is_set(): time.sleep(0.01)
    (where / "asked").touch()
    if not (where / "wait").exists(): print("done", flush=True); raise SystemExit(7)
    time.sleep(60)
"""
    if n_signals == 2:
        (tmp_path / "wait").touch()
    process = subprocess.Popen([sys.executable, "-c", _PRELUDE + code, str(tmp_path)], stdout=subprocess.PIPE)
    for mark in ["ready", "asked"][:n_signals]:
        until_s = time.monotonic() + 60
        while not (tmp_path / mark).exists():
            assert process.poll() is None and time.monotonic() < until_s
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.read() == (b"done\n" if n_signals == 1 else b"")
    assert process.wait(30) == (7 if n_signals == 1 else 130)
