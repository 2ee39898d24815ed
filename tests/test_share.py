"""Network shares without locks, shared memory or hard links: it works, or the error says what to choose instead."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import sqlite3
from pathlib import Path

import pytest

from soundtrack.errors import OutputError
from soundtrack.files.kinds import CUE_SHEET
from soundtrack.files.safe_write import replacing, write_text
from soundtrack.library.store.lock import write_lock
from soundtrack.library.store.schema import DATABASE_NAME, open_for_reading, open_for_writing


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
@pytest.mark.parametrize("kind", ["flock", "lockf"])
def test_an_index_on_a_share_without_locks_is_refused_with_a_place_to_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, kind, refuse)
    with pytest.raises(OutputError, match="support the file locks") as caught, write_lock(tmp_path / "ix"):
        pytest.fail("the lock was taken")
    assert "--index" in caught.value.hint


def test_an_index_on_a_share_without_shared_memory_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(mmap, "mmap", refuse)
    connection = open_for_writing(tmp_path / DATABASE_NAME)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
    assert open_for_reading(tmp_path / DATABASE_NAME).execute("SELECT count(*) FROM tracks").fetchone() == (0,)


def test_what_sqlite_says_of_locks_and_shared_memory_names_the_file_system(tmp_path: Path) -> None:
    from soundtrack.library.store.schema import named_errors

    for name, word in (
        ("SQLITE_IOERR_SHMMAP", "support the shared memory"),
        ("SQLITE_IOERR_RDLOCK", "support the file locks"),
    ):
        with pytest.raises(OutputError, match=word) as caught, named_errors(tmp_path / DATABASE_NAME):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = name
            raise error
        assert "--index" in caught.value.hint


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EACCES])
def test_a_share_without_hard_links_gets_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    write_text(tmp_path / "a.txt", "whole", kind=CUE_SHEET)
    assert (tmp_path / "a.txt").read_text() == "whole"
    with pytest.raises(OutputError, match="already exists"), replacing(tmp_path / "a.txt", kind=CUE_SHEET):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
