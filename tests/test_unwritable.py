"""Places that cannot be written are refused before any work, and folders made in vain are removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from soundtrack.errors import OutputError
from soundtrack.files.kinds import SCENE_SHEET, STEM
from soundtrack.files.safe_write import Together, made_folder
from soundtrack.files.targets import Target, check_targets
from soundtrack.mix.stems import StemWriter
from soundtrack.pipeline import batch
from soundtrack.pipeline.batch import BatchOrder, score_batch


def test_a_folder_that_permits_writing_and_refuses_files_was_met_after_the_analysis() -> None:
    for target in (
        Target(Path("/proc/x.json"), SCENE_SHEET),
        Target(Path("/proc/stems/x.flac"), STEM, makes_folder=True),
    ):
        with pytest.raises(OutputError, match="the folder /proc is not writable"):
            check_targets([target])


def test_checking_a_place_leaves_nothing_there(tmp_path: Path) -> None:
    check_targets([Target(tmp_path / "x.json", SCENE_SHEET)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["/proc", "/dev/null", "missing/folder"])
def test_each_film_of_a_batch_failed_where_no_film_could_be_written(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "Scorer", lambda **_: None)
    film = tmp_path / "a.mp4"
    film.write_bytes(b"a")
    folder = tmp_path / place
    with pytest.raises(OutputError, match=f"^{folder}: "):
        score_batch([film], BatchOrder(folder=folder))


def test_a_folder_of_stems_stayed_behind_empty_after_a_failure(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        with (
            pytest.raises(ZeroDivisionError),
            Together() as files,
            StemWriter(folder, "film", files=files, force=False) as writer,
        ):
            writer.restart()
            raise ZeroDivisionError

    fail(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    fail(tmp_path / "mine")
    assert (tmp_path / "mine").is_dir(), "it was there before"


def test_a_folder_with_a_file_stays(tmp_path: Path) -> None:
    with made_folder(tmp_path / "new", option="-o DIR"):
        (tmp_path / "new" / "a").touch()
    assert (tmp_path / "new" / "a").exists()


def test_a_signal_left_a_new_folder_empty(tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
from pathlib import Path
from soundtrack.files.kinds import STEM
from soundtrack.files.safe_write import Together
from soundtrack.processes import ending
ending.install()
folder = Path(sys.argv[1])
with Together() as files:
    files.folder(folder, option="--stems DIR")
    files.part(folder / "x.flac", kind=STEM)
    print(len(list(folder.iterdir())), flush=True)
    time.sleep(60)
"""
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")], stdout=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stdout.readline() == b"1\n"
    os.kill(run.pid, signal.SIGTERM)
    assert run.wait(20) == 128 + signal.SIGTERM
    run.stdout.close()
    assert not (tmp_path / "new").exists()


def test_copies_with_tags_ended_in_an_internal_error_where_no_folder_can_be_made() -> None:
    from soundtrack.pipeline.sheets.mood_copies import tag_copies

    track: Any = type("T", (), {"path": Path("/music/a.mp3")})()
    with pytest.raises(OutputError, match="the folder /proc is not writable"):
        tag_copies([track], Path("/proc/copies"))


def test_a_review_in_a_read_only_folder_opened_and_failed_at_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from soundtrack.files import targets
    from soundtrack.pipeline.sheets.sheet_files import editable

    path = tmp_path / "film.cues.json"
    path.write_text("{}")
    assert editable(str(path)) == path.resolve()

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(targets.tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match=f"cannot be edited in place: its folder {tmp_path} is not writable"):
        editable(str(path))
