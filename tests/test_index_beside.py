"""What lies beside the music: disc images, playlists, folders of systems; and disks that go away meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError, Reason, UsageError
from soundtrack.library.heard import Heard, Listener, Warned
from soundtrack.library.report import IndexReport
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.query import in_order
from soundtrack.library.store.playlists import read_playlists
from soundtrack.library.store.store import open_store
from soundtrack.library.update.build import build_index
from soundtrack.library.update.disc_images import disc_images
from soundtrack.library.update.scan import scan
from soundtrack.spotting.merit.listed import find_listed

Run = Callable[..., IndexReport]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.mp3").write_text(f"song {seed} 1")
    return folder


@pytest.fixture
def run(tmp_path: Path, music: Path) -> Run:
    def index(**options: object) -> IndexReport:
        settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, **options}
        return build_index([music], tmp_path / "index", **settings)  # type: ignore[arg-type]

    return index


# --- disc images ----

SHEET = 'REM made by a ripper\nFILE "{name}" WAVE\n' + "".join(
    f'  TRACK {n:02d} AUDIO\n    TITLE "{n}"\n    INDEX 01 0{n}:00:00\n' for n in range(1, 4)
)


def test_an_image_with_a_sheet_is_one_track_with_a_note(tmp_path: Path, music: Path, run: Run) -> None:
    (music / "Album.cue").write_text(SHEET.format(name="0.mp3"))
    (music / "Renamed.cue").write_bytes(b"\xef\xbb\xbf" + SHEET.format(name="1.wav").encode())  # it was a wav once
    (music / "Raw.cue").write_text(SHEET.format(name="C:\\rips\\raw.bin"))
    (music / "raw.bin").write_bytes(bytes(10))
    (music / "gone.cue").write_text(SHEET.format(name="nothing.wav"))
    report = run()
    assert (report.added, report.skipped) == (4, ())
    assert [(path.name, note) for path, note in report.noted] == [
        ("0.mp3", "holds 3 tracks according to Album.cue; indexed as one track"),
        ("1.mp3", "holds 3 tracks according to Renamed.cue; indexed as one track"),
        ("raw.bin", "holds 3 tracks according to Raw.cue; not indexed"),
    ]
    assert {path.name for path, warning in report.warned if warning == Warned.DISC} == {"0.mp3", "1.mp3"}
    with open_store(tmp_path / "index") as store:
        (disc,) = (p.track_id for path, p in store.locations().items() if path.name == "0.mp3")
        assert store.warnings(disc) == ("disc",)
    assert json.loads(json.dumps(report.to_dict()))["noted"][0]["note"].startswith("holds 3")


def test_a_sheet_with_a_file_for_every_track_says_nothing(music: Path, run: Run) -> None:
    (music / "Album.cue").write_text("".join(f'FILE "{n}.mp3" MP3\n  TRACK {n:02d} AUDIO\n' for n in range(3)))
    assert run().noted == ()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"\xff\xfe\x00", b'FILE "', b"FILE\nTRACK 1 AUDIO\n", b'FILE "\0" WAVE\n TRACK 1 A\n']
)
def test_odd_sheets_say_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.cue").write_bytes(content)
    assert list(disc_images(tmp_path / "x.cue", set())) == []
    assert list(disc_images(tmp_path / "none.cue", set())) == []


def test_discs_and_tracks_stay_in_the_order_of_their_numbers() -> None:
    names = ["CD 10/1.mp3", "CD 2/10.mp3", "CD 2/9.mp3", "CD 1/2.mp3", "CD 2/09.mp3", "intro.mp3"]
    assert [str(path) for path in sorted(map(Path, names), key=in_order)] == [
        *("CD 1/2.mp3", "CD 2/09.mp3", "CD 2/9.mp3", "CD 2/10.mp3", "CD 10/1.mp3", "intro.mp3")
    ]


# --- folders of systems ----


def test_what_systems_keep_for_themselves_is_no_music(music: Path) -> None:
    for name in ("$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir", "__MACOSX", ".Trash-1000"):
        (music / name).mkdir()
        (music / name / "old.mp3").write_text("song 1 1")
    assert [file.path.name for file in scan([music]).files] == [f"{n}.mp3" for n in range(4)]


# --- playlists ----


def test_playlists_are_remembered_and_name_music(tmp_path: Path, music: Path, run: Run) -> None:
    (music / "lists").mkdir()
    (music / "lists" / "Calm.m3u8").write_text("#EXTM3U\n../2.mp3\n../0.mp3\n../gone.mp3\nhttp://x/y.mp3\n../2.mp3\n")
    (music / "rest.pls").write_text("[playlist]\nFile1=1.mp3\nNumberOfEntries=1\n")
    (music / "bad.xspf").write_text("no xml")
    report = run()
    assert report.playlists == 3
    assert [path.name for path, _ in report.noted] == ["bad.xspf"]
    with open_library(tmp_path / "index") as view:
        lists = view.playlists()
        tracks = list(view.tracks().values())
        named = {path.name: [view.track(t).path.name for t in ids] for path, ids in lists.items()}
    assert named == {"Calm.m3u8": ["2.mp3", "0.mp3"], "rest.pls": ["1.mp3"]}

    def names(*words: str) -> set[str]:
        ids = find_listed(words, tracks=tracks, playlists=lists).ids
        return {track.path.name for track in tracks if track.track_id in ids}

    assert names("calm") == names("CALM.m3u8") == {"2.mp3", "0.mp3"}
    assert names("calm", "rest") == {"0.mp3", "1.mp3", "2.mp3"}
    assert names("1") == {"1.mp3"}  # what else a word may mean comes first
    with pytest.raises(UsageError):
        names("nothing")


def test_playlists_that_change_or_go_away_are_forgotten_without_listening(
    tmp_path: Path, music: Path, run: Run
) -> None:
    (music / "a.m3u").write_text("1.mp3\n")
    (music / "b.m3u").write_text("2.mp3\n")
    run()
    (music / "a.m3u").write_text("3.mp3\n")
    (music / "b.m3u").unlink()
    run(make_listener=fake.make_none)
    with open_store(tmp_path / "index") as store:
        assert read_playlists(store) == {music / "a.m3u": (music / "3.mp3",)}
    (music / "a.m3u").write_bytes(b"\xff" * (17 << 20))  # too large to be one: what is known is kept
    run(make_listener=fake.make_none)
    with open_store(tmp_path / "index") as store:
        assert read_playlists(store) == {music / "a.m3u": (music / "3.mp3",)}


# --- disks that go away ----


def _listen_until(path: Path, *, move: tuple[str, str], at: str) -> Heard:
    """Listen, but with the third file the disk goes away."""
    if path.name == at:
        Path(move[0]).rename(move[1])
        raise OSError(5, "Input/output error")
    return fake.listen(path)


def _make_losing(move: tuple[str, str], at: str) -> Listener:
    return partial(_listen_until, move=move, at=at)


def test_a_disk_that_goes_away_in_the_middle_loses_nothing(tmp_path: Path, music: Path, run: Run) -> None:
    away = tmp_path / "away"
    with pytest.raises(LibraryError, match="disappeared during indexing") as caught:
        run(make_listener=partial(_make_losing, (str(music), str(away)), "2.mp3"))
    assert "same command" in caught.value.hint
    with open_store(tmp_path / "index") as store:
        assert (store.counts()["present"], store.failures()) == (2, {})
    with pytest.raises(LibraryError, match="is the disk mounted"):
        run()
    away.rename(music)
    report = run()
    assert (report.unchanged, report.added, report.missing, report.skipped) == (2, 2, 0, ())


def test_a_changed_file_on_a_disk_that_goes_away_keeps_its_track(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    for name in ("1.mp3", "2.mp3"):
        os.utime(music / name, ns=(1, 1))
    (music / "0.mp3").write_text("song 50 1")
    away = tmp_path / "away"
    with pytest.raises(LibraryError, match="disappeared"):
        run(make_listener=partial(_make_losing, (str(music), str(away)), "0.mp3"))
    with open_store(tmp_path / "index") as store:
        assert {path.name: place.present for path, place in store.locations().items()} == {
            f"{n}.mp3": True for n in range(4)
        }
    away.rename(music)
    report = run()
    assert (report.unchanged, report.updated, report.n_tracks) == (3, 1, 4)


def test_an_empty_mount_point_in_place_of_the_disk_is_noticed(tmp_path: Path, music: Path, run: Run) -> None:
    def tell(stage: str, done: int, total: int) -> None:
        if stage.startswith("indexing: ") and done == total:  # all is heard, and then the disk goes away
            music.rename(tmp_path / "away")
            music.mkdir()

    with pytest.raises(LibraryError, match="disappeared"):
        run(progress=tell)
    music.rmdir()
    (tmp_path / "away").rename(music)
    assert run().unchanged == 4


def test_one_file_that_vanishes_is_told_and_the_rest_goes_on(tmp_path: Path, music: Path, run: Run) -> None:
    gone = (str(music / "2.mp3"), str(tmp_path / "2.mp3"))
    report = run(make_listener=partial(_make_losing, gone, "2.mp3"))
    assert [(skip.path.name, skip.reason) for skip in report.skipped] == [("2.mp3", Reason.MISSING)]
    assert (report.added, report.n_tracks) == (3, 3)
    with open_store(tmp_path / "index") as store:
        assert [(path.name, failure.reason) for path, failure in store.failures().items()] == [
            ("2.mp3", Reason.MISSING)
        ]
