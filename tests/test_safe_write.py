"""A file is absent, the old one, or complete: whatever happens in between."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from soundtrack.errors import FfmpegError, OutputError, UsageError
from soundtrack.files import safe_write, targets
from soundtrack.files.kinds import OWN
from soundtrack.files.safe_write import Together, replacing, scratch_folder, sweep_stale_parts, write_text
from soundtrack.files.targets import Target, check_targets
from soundtrack.pipeline.sheets.sheet_files import digest_of, rewrite_cues


def check_target(path: Path, *, inputs: Sequence[Path] = (), force: bool = False, needed_bytes: int = 0) -> None:
    check_targets([Target(path, OWN, needed_bytes=needed_bytes)], inputs=inputs, force=force)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_target_appears_only_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    with replacing(target, kind=OWN) as part:
        part.write_bytes(b"new")
        assert part.parent == tmp_path
        assert part.name.startswith(".film.mp4.")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["film.mp4"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_a_failure_and_the_old_file_stays(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "film.mp4"
    target.write_bytes(b"old")
    with pytest.raises(error), replacing(target, force=True, kind=OWN) as part:
        part.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["film.mp4"]


def test_an_existing_target_needs_force(tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="already exists"):
        check_target(target)
    check_target(target, force=True)
    with pytest.raises(OutputError, match="already exists"), replacing(target, kind=OWN) as part:
        part.write_bytes(b"new")  # appeared between the check and the end
    assert target.read_bytes() == b"old"
    with replacing(target, force=True, kind=OWN) as part:
        part.write_bytes(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("how", ["same", "dots", "hard link", "symlink"])
def test_the_input_is_never_the_output_by_any_name(tmp_path: Path, how: str) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    target = tmp_path / "other.mp4"
    if how == "same":
        target = film
    elif how == "dots":
        (tmp_path / "a").mkdir()
        target = tmp_path / "a" / ".." / "film.mp4"
    elif how == "hard link":
        os.link(film, target)
    else:
        target.symlink_to(film)
    with pytest.raises(UsageError, match="is the input itself"):
        check_target(target, inputs=[film], force=True)


def test_a_symlink_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    link = tmp_path / "out.txt"
    link.symlink_to(kept)
    write_text(link, "new", kind=OWN, force=True)
    assert kept.read_text() == "kept"
    assert not link.is_symlink()
    assert link.read_text() == "new"


def test_impossible_places_are_refused_in_advance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_target(tmp_path / "nowhere" / "film.mp4")
    with pytest.raises(OutputError, match="is a folder"):
        check_target(tmp_path, force=True)

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(targets.tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match="is not writable"):
        check_target(tmp_path / "film.mp4")


def test_a_disk_without_room_is_noticed_before_the_work(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(OutputError, match=r"needs about \d+ MB"):
        check_target(tmp_path / "film.mp4", needed_bytes=free)


def test_a_full_disk_while_writing_text_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_text(tmp_path / "a.json", "{}", kind=OWN)
    assert names(tmp_path) == []


def test_an_output_folder_that_is_removed_meanwhile_was_an_internal_error(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with (
        pytest.raises(OutputError, match=r"film\.mp4: cannot be written: No such file or directory") as raised,
        replacing(folder / "film.mp4", kind=OWN) as part,
    ):
        part.write_bytes(b"film")
        shutil.rmtree(folder)
        raise FfmpegError("ffmpeg failed", hint="try again")
    assert "folder" in raised.value.hint


def test_a_disk_that_turned_read_only_while_a_film_was_written_was_an_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    target = tmp_path / "film.mp4"
    with (
        pytest.raises(OutputError, match="is not writable") as raised,
        monkeypatch.context() as patched,
        replacing(target, kind=OWN) as part,
    ):
        part.write_bytes(b"film")
        patched.setattr(targets.tempfile, "TemporaryFile", refuse)
        patched.setattr(Path, "unlink", refuse)
        raise FfmpegError("ffmpeg failed", hint="try again")
    assert str(tmp_path) in str(raised.value) and "writable" in raised.value.hint
    assert not target.exists()


def test_a_full_disk_while_a_cue_sheet_is_edited_was_called_a_fault_of_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    path = tmp_path / "film.cues.json"
    path.write_text('{"schema": "soundtrack.cues/1"}')
    with monkeypatch.context() as patched, pytest.raises(OutputError, match=r"film\.cues\.json: the disk is full"):
        patched.setattr(Path, "write_text", full)
        rewrite_cues(path, "{}", before=digest_of(path))
    assert names(tmp_path) == ["film.cues.json"] and "soundtrack.cues/1" in path.read_text()


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_failure_in_the_last_steps_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(safe_write.os, step, broken)
    with pytest.raises(OutputError, match="Input/output error"), replacing(tmp_path / "a.mp4", kind=OWN) as part:
        part.write_bytes(b"data")
    assert names(tmp_path) == []


@pytest.mark.parametrize("fails", [1, 2, 3])
@pytest.mark.parametrize("force", [False, True])
def test_files_of_one_run_appear_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: int, force: bool
) -> None:
    plain, n_calls = (Path.replace if force else os.link), [0]

    def sometimes(*args: Any) -> Any:
        n_calls[0] += 1
        if n_calls[0] == fails:
            raise OSError(5, "Input/output error")
        return plain(*args)

    monkeypatch.setattr(*((Path, "replace") if force else (safe_write.os, "link")), sometimes)
    wanted = pytest.raises(OutputError, match="Input/output error") if fails < 3 else contextlib.nullcontext()
    with wanted, Together() as files:
        files.part(tmp_path / "film.mp4", kind=OWN, force=force).write_bytes(b"film")
        files.text(tmp_path / "film.cues.json", "cues", kind=OWN, force=force)
        assert not (tmp_path / "film.mp4").exists()
    assert names(tmp_path) == ([] if fails < 3 else ["film.cues.json", "film.mp4"])


@pytest.mark.parametrize("force", [False, True])
def test_a_signal_between_the_names_of_film_and_cue_sheet_leaves_no_film_without_its_sheet(
    tmp_path: Path, force: bool
) -> None:
    code = f"""
import os, signal, sys, time
from pathlib import Path
from soundtrack.files import safe_write
from soundtrack.processes import ending
from soundtrack.files.kinds import OWN
ending.install()
plain = safe_write._Begun.give_name
def struck(file):
    plain(file)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
safe_write._Begun.give_name = struck
with safe_write.Together() as files:
    files.part(Path("film.mp4"), kind=OWN, force={force}).write_bytes(b"film")
    files.text(Path("film.cues.json"), "cues", kind=OWN, force={force})
"""
    if force:
        (tmp_path / "film.mp4").write_bytes(b"before")
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 128 + signal.SIGTERM
    assert names(tmp_path) == ["film.cues.json", "film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"film"


def test_a_sheet_that_appears_meanwhile_keeps_the_film_from_its_name(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"film\.cues\.json: already exists"), Together() as files:
        files.part(tmp_path / "film.mp4", kind=OWN).write_bytes(b"film")
        files.text(tmp_path / "film.cues.json", "cues", kind=OWN)
        (tmp_path / "film.cues.json").write_text("of others")
    assert names(tmp_path) == ["film.cues.json"]


def test_a_folder_for_temporary_files_is_gone_after_a_failure_and_after_a_signal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), scratch_folder(tmp_path / "film.mp4") as folder:
        (folder / "deep").mkdir()
        assert folder.parent == tmp_path
        raise RuntimeError
    code = """
import os, signal, time
from soundtrack.files import safe_write
from soundtrack.processes import ending
ending.install()
with safe_write.scratch_folder() as folder:
    (folder / "sample").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, check=False, timeout=60)
    assert done.returncode == 128 + signal.SIGTERM
    assert names(tmp_path) == []


def test_leftovers_of_killed_runs_are_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = tmp_path / ".film.mp4.4194301.0123abcd.part"
    fresh = tmp_path / ".film.mp4.4194302.0123abcd.part"
    ours = tmp_path / f".film.mp4.{os.getpid()}.0123abcd.part"
    other = tmp_path / "film.mp4.part"
    for path in (dead, fresh, ours, other):
        path.write_bytes(b"x")
    for path in (dead, ours, other):
        os.utime(path, (time.time() - 7200,) * 2)
    sweep_stale_parts(tmp_path)
    assert names(tmp_path) == sorted(p.name for p in (fresh, ours, other))


def test_long_and_odd_names_work(tmp_path: Path) -> None:
    for name in ("n" * 250 + ".mp4", "-y.mp4", "per%03d.mp4", "zwei\nzeilen.mp4", os.fsdecode(b"bytes-\xff\xfe.mp4")):
        with replacing(tmp_path / name, kind=OWN) as part:
            part.write_bytes(b"x")
        assert (tmp_path / name).read_bytes() == b"x"
