"""Closed streams, full disks, no home, odd locales, other temporary folders, signals: as a shell makes them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from media_made import Made
from soundtrack.errors import ExitCode

SOUNDTRACK = f"{sys.executable} -m soundtrack"


def shell(command: str, *, cwd: Path | None = None, **env: str | None) -> subprocess.CompletedProcess[bytes]:
    """A line of shell in which ``soundtrack`` is the tool; a variable that is None is unset."""
    variables = {**os.environ, **env}
    return subprocess.run(
        ["bash", "-c", f'soundtrack() {{ {SOUNDTRACK} "$@"; }}; {command}'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env={name: value for name, value in variables.items() if value is not None},
        check=False,
        timeout=240,
    )


def assert_two_lines(done: subprocess.CompletedProcess[bytes], code: ExitCode, *words: str) -> None:
    lines = [line for line in done.stderr.decode().splitlines() if not line.startswith("bash: ")]
    assert done.returncode == code, done.stderr.decode()
    assert len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("hint: "), lines
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
@pytest.mark.parametrize("command", ["soundtrack --version", "soundtrack --help"])
def test_a_stdout_that_takes_nothing_is_named(command: str, stdout: str) -> None:
    assert_two_lines(shell(f"{command} {stdout}"), ExitCode.OUTPUT, "stdout")


def test_closed_streams_change_nothing_else() -> None:
    assert shell("soundtrack --version <&-").stdout.startswith(b"soundtrack ")
    assert shell("soundtrack --version 2>&-").stdout.startswith(b"soundtrack ")
    assert shell("soundtrack scenes nowhere.mp4 <&- >&- 2>&-").returncode == ExitCode.INPUT
    assert_two_lines(shell("soundtrack scenes nowhere.mp4 <&- >&-"), ExitCode.INPUT, "nowhere.mp4")


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = shell("soundtrack --version | true; echo ${PIPESTATUS[0]}")
    assert done.stdout == b"0\n" and done.stderr == b""


def test_a_closed_stdin_is_an_empty_document() -> None:
    assert_two_lines(shell("soundtrack cues check - <&-"), ExitCode.INPUT, "stdin")


def test_no_file_takes_the_number_of_a_closed_stream() -> None:
    code = (
        "import os, sys\n"
        "from soundtrack.cli import streams\n"
        "streams.open_closed_streams()\n"
        "sys.exit(os.open(os.devnull, os.O_RDONLY))\n"
    )
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        assert shell(f"{sys.executable} -c '{code}' {closed}").returncode > 2, closed


@pytest.mark.parametrize(
    "env",
    [
        {"HOME": None, "XDG_DATA_HOME": None, "NO_COLOR": "1", "COLUMNS": "1", "TERM": "dumb"},
        {"HOME": "/proc", "XDG_DATA_HOME": None, "LC_ALL": "C", "TMPDIR": "/nonexistent"},
        {"HOME": "/nonexistent", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Apia"},
    ],
    ids=["no home, no colour", "home of the system, C", "home that is not there, Turkish"],
)
def test_an_odd_environment_changes_no_message(env: dict[str, str | None], tmp_path: Path) -> None:
    assert_two_lines(
        shell("soundtrack scenes $'no\\nfilm-\\xff.mp4'", cwd=tmp_path, **env), ExitCode.INPUT, "no such file"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_without_a_home_there_is_no_index_and_the_message_says_where_it_would_be(made: Made, tmp_path: Path) -> None:
    done = shell(
        f"soundtrack score {made.film} -o out.mp4",
        cwd=tmp_path,
        HOME="/nonexistent",
        XDG_DATA_HOME=None,
        SOUNDTRACK_INDEX=None,
    )
    assert_two_lines(done, ExitCode.LIBRARY, "/nonexistent")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "env",
    [
        {"HOME": None},
        {"HOME": "/nonexistent", "XDG_CACHE_HOME": None},
        {"LC_ALL": "C"},
        {"TMPDIR": "/dev/shm"},
        {"TMPDIR": "/nonexistent"},
        {"PATH": "/nonexistent"},
    ],
    ids=lambda env: ",".join(f"{name}={value}" for name, value in env.items()),
)
def test_an_odd_environment_gives_the_same_cue_sheet(env: dict[str, str | None], made: Made, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "soundtrack",
        "score",
        str(made.film),
        "-o",
        "out.mp4",
        "--index",
        str(made.index),
    ]
    variables = {name: value for name, value in {**os.environ, **env}.items() if value is not None}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path, env=variables, check=False, timeout=240
    )
    assert done.returncode == ExitCode.OK, done.stderr.decode()
    usual = json.loads(shell(f"soundtrack score {made.film} --index {made.index} --dry-run").stdout)
    kept = json.loads((tmp_path / "out.cues.json").read_text())
    decided = {"music_gain_db", "master_gain_db", "limiter_dbtp"}  # which a dry run leaves open
    assert all(kept["mix"].pop(name) is not None and usual["mix"].pop(name) is None for name in decided)
    assert kept == usual
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.cues.json", "out.mp4"]


@pytest.mark.slow
def test_the_product_of_a_command_fails_when_stdout_does(made: Made) -> None:
    for stdout in (">/dev/full", ">&-"):
        assert_two_lines(shell(f"soundtrack scenes -q {made.film} {stdout}"), ExitCode.OUTPUT, "stdout")


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_film_is_written_leaves_nothing(made: Made, tmp_path: Path, stop: signal.Signals) -> None:
    command = [
        *SOUNDTRACK.split(),
        "score",
        made.film,
        "-o",
        tmp_path / "out.mp4",
        "--index",
        made.index,
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not any(tmp_path.iterdir()):
        time.sleep(0.002)
    process.send_signal(stop)
    _, stderr = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was faster than the signal")
    # A shell says 130 as well for a Python that ends itself by the interrupt.
    assert process.returncode in {128 + stop, *([-stop] if stop is signal.SIGINT else [])}
    assert b"Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
    assert not [name for name in commands_of_all_processes() if str(tmp_path) in name]


MARK = "SOUNDTRACK_TEST_RUN"
"""A variable by which a run and all that it starts are known."""


def left_running(mark: str) -> list[str]:
    """Processes, however many times removed, that a run with this mark started and left behind."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return [command for command in found if command]  # those that have ended and wait to be told have none


def wait_until_gone(mark: str) -> list[str]:
    """The same, after they had a moment to notice."""
    until_s = time.monotonic() + 10
    while (left := left_running(mark)) and time.monotonic() < until_s:
        time.sleep(0.05)
    return left


@pytest.mark.slow
def test_a_run_under_nohup_outlives_its_terminal(made: Made, tmp_path: Path) -> None:
    words = [*SOUNDTRACK.split(), "scenes", str(made.film), "-o", str(tmp_path / "scenes.json"), "-q"]
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *words]
    obeying = ["env", "--default-signal=HUP", *words]  # the tests themselves may run under nohup
    for command, wanted in ((ignoring, {ExitCode.OK}), (obeying, {128 + signal.SIGHUP, -signal.SIGHUP})):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(1.0)
        process.send_signal(signal.SIGHUP)
        _, stderr = process.communicate(timeout=240)
        assert process.returncode in wanted, stderr.decode()
        assert (tmp_path / "scenes.json").exists() == (wanted == {ExitCode.OK})
        (tmp_path / "scenes.json").unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["score", "index", "scenes"])
def test_an_end_at_any_stage_leaves_nothing_behind(command: str, made: Made, tmp_path: Path) -> None:
    """SIGTERM at six moments of a run: the code says so, no words of Python's, no file, no process."""
    words = {
        "score": ["score", made.film, "-o", "out.mp4", "--index", made.index],
        "index": ["index", made.music, "--index", "index", "--jobs", "2"],
        "scenes": ["scenes", made.film, "-o", "scenes.json"],
    }[command]

    def start(where: Path) -> subprocess.Popen[bytes]:
        where.mkdir()
        environment = {**os.environ, MARK: str(where)}
        whole = [*SOUNDTRACK.split(), *words]
        return subprocess.Popen(whole, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=where, env=environment)

    began_s = time.monotonic()
    process = start(tmp_path / "whole")
    process.communicate(timeout=240)
    lasts_s = time.monotonic() - began_s
    assert process.returncode == ExitCode.OK
    for sixth in range(6):
        where = tmp_path / str(sixth)
        process = start(where)
        time.sleep(lasts_s * (sixth + 0.5) / 6)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode in (128 + signal.SIGTERM, -signal.SIGTERM, ExitCode.OK), stderr.decode()
        assert b"Traceback" not in stderr, stderr.decode()
        assert wait_until_gone(str(where)) == []
        if process.returncode != ExitCode.OK and command != "index":  # an index keeps what it has heard
            whole = {"scenes": {"scenes.json"}, "score": {"out.mp4", "out.cues.json"}}[command]
            left = {path.name for path in where.iterdir()}
            assert left in (set(), whole)  # whole where the end came after the last file
            for path in where.glob("*.json"):
                assert json.loads(path.read_text())["schema"]
        if command == "index":
            again = subprocess.run(
                [*SOUNDTRACK.split(), *words], cwd=where, capture_output=True, check=False, timeout=240
            )
            assert again.returncode == ExitCode.OK, again.stderr.decode()
            assert not list(where.rglob("*.part"))


@pytest.mark.slow
def test_a_reader_that_takes_a_part_is_no_error(made: Made) -> None:
    done = shell(f"soundtrack scenes -q {made.film} | head -c 10; echo; echo ${{PIPESTATUS[0]}}")
    assert done.stdout.splitlines()[-1] in (b"0", b"141") and b"Traceback" not in done.stderr
    assert done.stderr == b""


@pytest.mark.slow
def test_without_stdin_music_is_indexed_and_a_film_scored(made: Made, tmp_path: Path) -> None:
    index = shell(f"soundtrack index {made.music} --index {tmp_path}/index --jobs 1 <&-")
    assert index.returncode == ExitCode.OK, index.stderr.decode()
    score = shell(f"soundtrack score {made.film} -o {tmp_path}/out.mp4 --index {tmp_path}/index <&-")
    assert score.returncode == ExitCode.OK, score.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(2, 4), (1, 1), (50, 400)])
@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["colour", "no colour", "dumb"])
def test_a_terminal_of_any_size_shows_what_goes_on(
    size: tuple[int, int], env: dict[str, str], made: Made, tmp_path: Path
) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    command = [*SOUNDTRACK.split(), "scenes", made.film, "-o", tmp_path / "scenes.json"]
    variables = {**os.environ, "TERM": "xterm-256color", **env}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65_536):
            said += chunk
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == ExitCode.OK, said.decode("utf-8", "replace")
    assert b"Traceback" not in said
    assert "NO_COLOR" not in env or not re.search(rb"\x1b\[[0-9;]*3[0-7]", said)  # no colour of the text
    assert (tmp_path / "scenes.json").stat().st_size > 100


def commands_of_all_processes() -> list[str]:
    """The command lines of whatever runs, where the system tells."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return found
