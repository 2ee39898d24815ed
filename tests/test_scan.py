"""What a walk finds, and that it ends on any tree."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from soundtrack.errors import InputError, Reason
from soundtrack.library.identity import QuickKey, identify
from soundtrack.library.update.scan import scan


def put(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*paths: Path) -> list[str]:
    return [
        os.fsencode(file.path.relative_to(paths[0])).decode("utf-8", "backslashreplace") for file in scan(paths).files
    ]


def test_takes_music_in_any_case_and_leaves_the_rest(tmp_path: Path) -> None:
    put(tmp_path, "b.FLAC", "a/c.mp3", "a/cover.jpg", "notes.txt", ".hidden.mp3", "._a.mp3", ".trash/x.mp3")
    put(tmp_path, "half.mp3.part", "far.mp3.icloud", "next.mp3.crdownload", "mp3", "a.mp3.mp3")
    assert found(tmp_path) == ["a.mp3.mp3", "a/c.mp3", "b.FLAC"]


def test_a_file_named_by_itself_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    put(tmp_path, ".odd.bin")
    assert [file.path for file in scan([tmp_path / ".odd.bin"]).files] == [tmp_path / ".odd.bin"]


def test_the_order_is_that_of_the_bytes_whatever_the_file_system_says(tmp_path: Path) -> None:
    names = ["Z.mp3", "a.mp3", "é.mp3", "a b.mp3", "a/z.mp3", "B/1.mp3"]
    put(tmp_path, *names)
    assert found(tmp_path) == sorted(names, key=os.fsencode)


def test_loops_of_links_end_and_no_folder_is_seen_twice(tmp_path: Path) -> None:
    put(tmp_path, "music/a.mp3", "music/deep/b.mp3")
    (tmp_path / "music" / "loop").symlink_to(tmp_path / "music")
    (tmp_path / "music" / "deep" / "up").symlink_to("..")
    (tmp_path / "music" / "aaa").symlink_to("deep")
    (tmp_path / "music" / "self").symlink_to("self")
    assert found(tmp_path) == ["music/a.mp3", "music/deep/b.mp3"]


def test_links_to_files_and_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    put(tmp_path, "disk/a.mp3", "lone.mp3")
    root = tmp_path / "music"
    root.mkdir()
    (root / "disk").symlink_to(tmp_path / "disk")
    (root / "b.mp3").symlink_to(tmp_path / "lone.mp3")
    assert found(root) == ["b.mp3", "disk/a.mp3"]


def test_pipes_sockets_devices_dangling_links_and_empty_files_are_named_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "gone.mp3").symlink_to("nowhere")
    (tmp_path / "itself.mp3").symlink_to("itself.mp3")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "empty.ogg").touch()
    (tmp_path / "folder.mp3").mkdir()
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("sock.mp3")
    finally:
        os.chdir(here)
    result = scan([tmp_path])
    assert {entry.path.name: entry.reason for entry in result.refused} == {
        "empty.ogg": Reason.EMPTY,
        "gone.mp3": Reason.MISSING,
        "itself.mp3": Reason.MISSING,
        "pipe.mp3": Reason.NOT_REGULAR,
        "sock.mp3": Reason.NOT_REGULAR,
        "zero.wav": Reason.NOT_REGULAR,
    }
    assert result.files == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    put(tmp_path, "closed/a.mp3")
    (tmp_path / "closed").chmod(0)
    try:
        assert [(e.path.name, e.reason) for e in scan([tmp_path]).refused] == [("closed", Reason.PERMISSION)]
    finally:
        (tmp_path / "closed").chmod(0o755)


@pytest.mark.parametrize(
    "name",
    [b"-y.mp3", b"new\nline.mp3", b"percent%03d%s.mp3", b"\xff\xfe\xe9.mp3", b"'\"$(x).mp3", b"n" * 251 + b".mp3"],
    ids=["dash", "newline", "percent", "not utf-8", "quotes", "255 bytes"],
)
def test_odd_names_come_back_byte_for_byte(tmp_path: Path, name: bytes) -> None:
    put(tmp_path, name)
    assert [os.fsencode(file.path.name) for file in scan([tmp_path]).files] == [name]


def test_nested_and_repeated_roots_give_each_file_once(tmp_path: Path) -> None:
    put(tmp_path, "a/b.mp3")
    result = scan([tmp_path / "a", tmp_path, tmp_path / "a", tmp_path / "a" / "b.mp3", tmp_path / "none"])
    assert [file.path for file in result.files] == [tmp_path / "a" / "b.mp3"]
    assert result.missing_roots == (tmp_path / "none",)
    assert len(result.roots) == 4


def test_identity_is_the_content_and_not_the_name(tmp_path: Path) -> None:
    put(tmp_path, "a.mp3", "b.mp3")
    assert identify(tmp_path / "a.mp3").track_id == identify(tmp_path / "b.mp3").track_id
    assert identify(tmp_path / "a.mp3").key != identify(tmp_path / "b.mp3").key


def test_identity_of_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(InputError, match="not a regular file") as caught:
        identify(tmp_path / "pipe.mp3")
    assert caught.value.reason is Reason.NOT_REGULAR


def test_keys_hold_numbers_that_need_64_unsigned_bits_and_forget_the_device() -> None:
    status = SimpleNamespace(st_dev=2**63 + 5, st_ino=2**64 - 1, st_size=10, st_mtime_ns=-(10**18))
    key = QuickKey.of(cast(os.stat_result, status))
    assert all(-(2**63) <= value < 2**63 for value in (key.device, key.inode, key.mtime_ns))
    assert key.same_file(QuickKey(0, key.inode, key.size_bytes, key.mtime_ns))
    assert not key.same_file(QuickKey(key.device, key.inode, key.size_bytes, key.mtime_ns + 1))
