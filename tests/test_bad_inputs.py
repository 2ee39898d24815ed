"""All odd and hostile files through all commands: each ends as it must, and the files are as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import bad_inputs
from media_made import Made


def test_writing_the_table_again_dropped_what_is_written_by_hand_below_it() -> None:
    page = Path(__file__).parents[1] / "docs" / "odd-files.md"
    assert (
        bad_inputs._by_hand(page) == "\n" + page.read_text("utf-8")[page.read_text("utf-8").index(bad_inputs.BY_HAND) :]
    )


def test_the_reason_is_shown_without_the_name_also_where_that_is_shown_otherwise() -> None:
    for name, told in (("a.mp3", "x/a.mp3"), ("a\tb.mp3", "x/a\ufffdb.mp3")):
        ended = bad_inputs.Ended(3, "", f"error: {told}: no video stream\nhint: use a film [E304]\n", 0.0)
        assert bad_inputs._result(ended, Path("x") / name) == "3: no video stream"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_odd_file_ends_as_it_must_in_every_command(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_CACHE", "0")
    folder, scratch = tmp_path / "files", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    entries = bad_inputs.make_files(folder, long=False)
    assert len(entries) == 179
    outcome = bad_inputs.try_all(entries, folder=folder, music=made.index, scratch=scratch)
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=False)  # or the folder of the test could not be removed
    assert {row.entry.name: row.faults for row in outcome.rows if row.faults} == {}
    assert outcome.is_untouched
    assert outcome.slowest_s < 120  # nothing hangs, on a machine that is busy with other things
