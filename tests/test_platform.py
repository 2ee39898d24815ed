"""What differs between systems: without ``fcntl`` and ``resource`` locks are refused and limits do nothing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from soundtrack.errors import OutputError
from soundtrack.library.store import lock
from soundtrack.processes import platform


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as a system without these libraries loads it."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "resource", None)
    spec = importlib.util.spec_from_file_location("platform_elsewhere", platform.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_limits_nothing_is_limited_and_nothing_fails(elsewhere: ModuleType) -> None:
    elsewhere.limit_child(os.getpid(), memory_bytes=1)
    elsewhere.limit_this_process(memory_bytes=1)
    with elsewhere.more_memory(1):
        assert len(bytearray(1 << 20)) == 1 << 20
    reading, writing = os.pipe()
    elsewhere.enlarge_pipe(writing, 1 << 16)
    os.close(reading)
    os.close(writing)


def test_without_file_locks_an_index_is_refused_and_not_written_by_two(
    elsewhere: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "lock_file", elsewhere.lock_file)
    with pytest.raises(OutputError, match="does not support the file locks"), lock.write_lock(tmp_path / "index"):
        pytest.fail("two writers could be here")


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("wb") as first, path.open("wb") as second:
        platform.lock_file(first.fileno(), wait=False)
        with pytest.raises(BlockingIOError):
            platform.lock_file(second.fileno(), wait=False)


def test_an_interrupt_that_is_held_arrives_afterwards() -> None:
    code = (
        "import os, signal\n"
        "from soundtrack.processes import platform\n"
        "try:\n"
        "    with platform.interrupt_held():\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        print('held', flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print('then')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["held", "then"]
