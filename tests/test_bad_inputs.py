"""All odd and hostile files through all commands: each ends as it must, and the files are as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import bad_inputs
from media_made import Made


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
