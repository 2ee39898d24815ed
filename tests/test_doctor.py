"""``soundtrack doctor`` says what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
from pathlib import Path

from media_made import Made
from soundtrack.cli.models.doctor import _library
from soundtrack.errors import Reason
from soundtrack.library.identity import QuickKey
from soundtrack.library.places import Failure
from soundtrack.library.store.store import open_store


def test_files_that_failed_were_not_mentioned_by_doctor(made: Made, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(made.index, index)
    (before,) = _library(index)
    assert before.ok and before.detail == f"{index}: 2 tracks, 4 segments"
    with open_store(index, write=True) as store, store.transaction():
        store.note_failure(Failure(tmp_path / "bad.mp3", QuickKey(0, 0, 0, 0), Reason.CORRUPT, "damaged"))
    (after,) = _library(index)
    assert after.ok and after.detail == f"{before.detail}; 1 file failed, see `soundtrack index --verbose`"
