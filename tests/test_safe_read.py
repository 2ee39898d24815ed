"""What is read is a regular file (or a pipe, for a document) of bounded size; nothing blocks, nothing never ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from soundtrack.errors import ExitCode, InputError, Reason
from soundtrack.files import safe_read

Run = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this very process."""
    from soundtrack.cli import app

    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*args: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["soundtrack", *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            app.main()
        said = capfd.readouterr()
        return Ended(int(str(stop.value.code)), said.out, said.err)

    return run


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """No test here may wait for long."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 60


NOT_REGULAR: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("kind", NOT_REGULAR)
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    path = Path("x")
    NOT_REGULAR[kind](path)
    reads: list[Callable[[], object]] = [
        lambda: safe_read.open_regular(path),
        lambda: safe_read.read_text(path, most_bytes=10),
        lambda: safe_read.sha256(path),
    ]
    if kind != "terminal":  # asking does not open it
        reads.append(lambda: safe_read.require_regular(path))
    for read in reads:
        with pytest.raises(InputError, match=r"^x: ") as refused:
            read()
        assert refused.value.reason in (Reason.NOT_REGULAR, Reason.UNSUPPORTED)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a" * 5_000, "x/" * 3_000, "", "nothing", "nothing/x"])
def test_a_name_that_no_file_can_have_is_an_input_error(name: str) -> None:
    for read in (safe_read.open_regular, safe_read.require_regular):
        with pytest.raises(InputError) as refused:
            read(name)
        assert len(str(refused.value)) < 400


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="file too large: more than 1 MiB"):
        safe_read.read_bytes(path, most_bytes=1 << 20)
    with pytest.raises(InputError, match="file too large: more than 1 MiB"):
        safe_read.require_regular(path, most_bytes=1 << 20)
    path.write_bytes(b"12345")
    assert safe_read.read_bytes(path, most_bytes=5) == b"12345"
    with pytest.raises(InputError, match="file too large: more than"):
        safe_read.read_bytes(path, most_bytes=4)


def test_text_with_and_without_a_byte_order_mark_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + "é{}".encode())
        assert safe_read.read_text(path, most_bytes=100) == "é{}"
    path.write_bytes(b"ab\xff")
    with pytest.raises(InputError, match="byte 2 is not UTF-8"):
        safe_read.read_text(path, most_bytes=100)


def test_a_pipe_is_read_to_its_end_however_slowly_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for piece in (b"a", b"b" * 200_000, b"c"):
                file.write(piece)
                time.sleep(0.15)

    writer = threading.Thread(target=write)
    writer.start()
    assert safe_read.read_bytes(path, most_bytes=1 << 20, pipes=True) == b"a" + b"b" * 200_000 + b"c"
    writer.join()


def test_a_pipe_without_end_and_one_without_a_writer_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_read, "WRITER_TIMEOUT_S", 0.3)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(InputError, match="no process is writing"):
        safe_read.read_bytes(path, most_bytes=10, pipes=True)
    with subprocess.Popen(["sh", "-c", f"exec yes > {path}"]) as endless:
        with pytest.raises(InputError, match="file too large: more than 1 MiB"):
            safe_read.read_bytes(path, most_bytes=1 << 20, pipes=True)
        endless.wait(20)  # its pipe is broken


# --- on the command line ----


@pytest.mark.parametrize("command", [["cues", "check"], ["cues", "show"], ["spot"]], ids=" ".join)
def test_a_device_as_a_document_is_refused(command: list[str], run: Run) -> None:
    ended = run(*command, "/dev/zero")
    assert (ended.code, ended.stdout) == (ExitCode.INPUT, "")
    assert ended.stderr.startswith("error: /dev/zero: not a regular file\nhint: ")


def test_stdin_without_end_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "soundtrack", "cues", "check", "-"],
        stdin=Path("/dev/zero").open("rb"),  # noqa: SIM115 - closed with the test
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.INPUT
    assert done.stderr.startswith("error: stdin: file too large: more than 32 MiB")


def test_a_document_from_a_process_substitution_is_read(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m soundtrack cues check <(sleep 0.3; echo '{{}}')"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.INPUT
    assert "schema: missing" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["cues", "check", "a" * 300],
        ["scenes", "a" * 300],
        ["scenes", "x/" * 3_000],
        ["library", "list", "--index", "a" * 300],
        ["render", "a" * 300, "nothing.json"],
        ["score", "--batch", "a" * 5_000],
    ],
    ids=lambda args: " ".join(args)[:20],
)
def test_a_name_of_300_bytes_is_an_input_error_and_not_a_bug(args: list[str], run: Run) -> None:
    ended = run(*args)
    assert ended.code in (ExitCode.INPUT, ExitCode.LIBRARY, ExitCode.OUTPUT, ExitCode.USAGE), ended.stderr
    assert "internal error" not in ended.stderr


def test_a_full_stderr_does_not_change_the_exit_code(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        for args, code in ((["cues", "check", "nothing.json"], ExitCode.INPUT), (["--version"], ExitCode.OK)):
            done = subprocess.run(
                [sys.executable, "-m", "soundtrack", *args],
                stdout=subprocess.PIPE,
                stderr=full,
                check=False,
                timeout=60,
                cwd=tmp_path,
            )
            assert done.returncode == code
