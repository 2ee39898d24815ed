"""``soundtrack cues lock|unlock|set``: exit code, stdout, stderr, and what is on the disk afterwards."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from made_up import sheet, small_library
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet, edits
from soundtrack.documents.edits import LockCues, SetCue, apply
from soundtrack.errors import OutputError, UsageError
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

SHEET = spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5)]), small_library())
TEXT = cuesheet.dumps(SHEET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "film.cues.json"
    file.write_text(TEXT, encoding="utf-8")
    return file


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_a_sheet_is_locked_in_place_and_keeps_its_permissions(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.chmod(0o640)
    assert run_commands(["cues", "lock", str(path), "1m02"]) == 0
    assert text_of(path) == cuesheet.dumps(apply(SHEET, LockCues(("1m02",))))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{path}: 1m02 locked\n")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert run_commands(["cues", "unlock", str(path), "--all", "-q"]) == 0
    assert text_of(path) == TEXT


def test_of_two_edits_at_once_the_first_was_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, theirs = edits.apply, cuesheet.dumps(apply(SHEET, LockCues(("1m02",))))

    def apply_late(*words: Any) -> CueSheet:
        path.write_text(theirs, encoding="utf-8")  # another command is done in the meantime
        return plain(*words)

    monkeypatch.setattr(edits, "apply", apply_late)
    with pytest.raises(OutputError, match="changed by another program") as raised:
        run_commands(["cues", "set", str(path), "1m01", "--gain-db", "-3"])
    assert "again" in raised.value.hint
    assert text_of(path) == theirs


def test_a_sheet_in_which_nothing_changes_is_not_written(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own layout, say of jq, would be lost."""
    path.write_text(TEXT.replace("  ", " "), encoding="utf-8")
    before = path.stat().st_mtime_ns, text_of(path)
    assert run_commands(["cues", "unlock", str(path), "1m01"]) == 0
    assert (path.stat().st_mtime_ns, text_of(path)) == before
    assert capsys.readouterr().err.endswith("1m01 unlocked already\n")


def test_a_link_stays_a_link_and_leads_to_the_edited_sheet(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert run_commands(["cues", "lock", str(link), "1m01", "-q"]) == 0
    assert link.is_symlink()
    assert cuesheet.loads(text_of(path)).cues[0].locked


def test_the_edits_are_filters() -> None:
    command = [sys.executable, "-m", "soundtrack", "cues"]
    locked = subprocess.run([*command, "lock", "-", "1m01"], input=TEXT.encode(), capture_output=True, check=False)
    assert (locked.returncode, locked.stderr) == (0, b"stdin: 1m01 locked\n")
    words = [*command, "set", "-", "1m02", "--gain-db=-3.5", "--start", "0:21"]
    done = subprocess.run(words, input=locked.stdout, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"stdin: cue 1m02 changed\n")
    expected = apply(apply(SHEET, LockCues(("1m01",))), SetCue("1m02", gain_db=-3.5, start_s=21.0))
    assert done.stdout.decode() == cuesheet.dumps(expected)


def test_another_file_is_written_with_o_and_never_over_one_that_is_there(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "other.json"
    words = ["cues", "set", str(path), "1m01", "--fade-in", "1", "-o", str(target), "-q"]
    assert run_commands(words) == 0
    assert text_of(path) == TEXT
    assert cuesheet.loads(text_of(target)).cues[0].fade_in_s == 1.0
    with pytest.raises(OutputError, match="already exists"):
        run_commands(words)
    assert run_commands([*words, "--force"]) == 0
    with pytest.raises(UsageError):
        run_commands(["cues", "lock", str(path), "1m01", "-o", str(path), "--force"])
    assert text_of(path) == TEXT


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything, and write it")
def test_a_protected_sheet_is_not_replaced(path: Path) -> None:
    path.chmod(0o440)
    with pytest.raises(OutputError, match="write-protected"):
        run_commands(["cues", "lock", str(path), "1m01"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lock", "CUES"], "no cues given"),
        (["lock", "CUES", "1m01", "--all"], "--all cannot be used with cue identifiers"),
        (["unlock", "CUES", "9m99"], "unknown cue 9m99"),
        (["set", "CUES", "1m01"], "no change requested"),
        (["set", "CUES", "1m01", "--end", "soon"], "--end soon: invalid time"),
        (["set", "CUES", "1m01", "--gain-db", "400"], "--gain-db 400: out of range"),
    ],
)
def test_what_makes_no_sense_leaves_the_sheet_alone(path: Path, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        run_commands(["cues", *(str(path) if word == "CUES" else word for word in words)])
    assert error.value.hint
    assert text_of(path) == TEXT


def test_a_pipe_cannot_be_changed_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="not a regular file"):
        run_commands(["cues", "lock", str(pipe), "1m01"])


def test_a_cue_becomes_silence_and_a_locked_one_does_not(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_commands(["cues", "silence", str(path), "1m01"]) == 0
    assert capsys.readouterr().err == f"{path}: 1m01 replaced by silence\n"
    after = cuesheet.loads(text_of(path))
    assert list(cuesheet.faults(after)) == []
    assert [c.cue_id for c in after.cues] == [c.cue_id for c in SHEET.cues[1:]]
    assert not any(a.cue_id == "1m01" for a in after.alternatives)
    made = [s.span for s in after.silences if s.is_demanded]
    assert made and made[0].start_s == SHEET.cues[0].span.start_s
    assert all(span.overlap_s(cue.span) == 0 for span in made for cue in after.cues)
    assert run_commands(["cues", "lock", str(path), "1m02", "-q"]) == 0
    before = text_of(path)
    with pytest.raises(UsageError, match="cue 1m02 is locked"):
        run_commands(["cues", "silence", str(path), "--all"])
    assert text_of(path) == before
