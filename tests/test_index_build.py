"""What a run of the indexer does with files that are new, moved, changed, gone, twins or bad."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest

import fake_listener as fake
from soundtrack.errors import InputError, LibraryError, ModelError, Reason
from soundtrack.library.identity import Identity, identify
from soundtrack.library.report import IndexReport
from soundtrack.library.search.library_view import open_library
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import open_store
from soundtrack.library.update.build import build_index
from soundtrack.library.update.outcome import Outcome

Run = Callable[..., IndexReport]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(5):
        (folder / f"{seed}.mp3").write_text(f"song {seed} {1 + seed % 3}")
    return folder


@pytest.fixture
def run(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Index the music and tell how many files were listened to."""
    monkeypatch.setenv(fake.LOG, str(tmp_path / "listened"))

    def index(*paths: Path, **options: object) -> IndexReport:
        (tmp_path / "listened").unlink(missing_ok=True)
        settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1, **options}
        return build_index(paths or (music,), tmp_path / "index", **settings)  # type: ignore[arg-type]

    return index


def n_listened(tmp_path: Path) -> int:
    log = tmp_path / "listened"
    return log.stat().st_size if log.exists() else 0


def test_a_first_run_listens_to_everything_and_a_second_to_nothing(tmp_path: Path, run: Run) -> None:
    stages: list[tuple[str, int, int]] = []
    report = run(progress=lambda *stage: stages.append(stage))
    assert (report.added, report.n_tracks, report.n_segments, report.skipped) == (5, 5, 9, ())
    assert n_listened(tmp_path) == 5
    assert stages[0] == ("scan", 5, 5)
    assert stages[-1][0].startswith("indexing: ") and stages[-1][1:] == (5, 5)
    before = {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()}
    again = run()
    assert (again.unchanged, again.added, again.n_tracks) == (5, 0, 5)
    assert n_listened(tmp_path) == 0
    assert {
        name: (tmp_path / "index" / name).read_bytes() for name in before if name.endswith((".json", ".faiss"))
    } == {name: content for name, content in before.items() if name.endswith((".json", ".faiss"))}
    summary = json.loads((tmp_path / "index" / "index.json").read_text())
    assert (summary["schema"], summary["dim"], summary["n_tracks"]) == ("soundtrack.index/1", fake.DIM, 5)
    assert summary["model"]["sha256"] == fake.MODEL.sha256


def test_a_moved_and_a_renamed_file_keep_their_tracks_without_listening(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / "sub").mkdir()
    (music / "0.mp3").rename(music / "sub" / "zero.mp3")
    (music / "1.mp3").rename(music / "one.flac")
    report = run()
    assert (report.moved, report.added, report.missing, report.unchanged, report.n_tracks) == (2, 0, 0, 3, 5)
    assert n_listened(tmp_path) == 0
    with open_store(tmp_path / "index") as store:
        assert {music / "sub" / "zero.mp3", music / "one.flac"} < set(store.locations())
        assert len(store.locations()) == 5


def test_a_whole_library_under_another_name_is_not_taken_for_a_lost_disk(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / "new").mkdir()
    for path in music.glob("*.mp3"):
        path.rename(music / "new" / path.name)
    report = run()
    assert (report.moved, report.missing) == (5, 0)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(music / "new", tmp_path / "elsewhere")
    assert run(tmp_path / "elsewhere").moved == 5
    assert n_listened(tmp_path) == 0


def test_a_changed_file_is_listened_to_again_and_its_old_track_is_gone(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / "2.mp3").write_text("song 77 2")
    report = run()
    assert (report.updated, report.added, report.unchanged, report.n_tracks) == (1, 0, 4, 5)
    assert n_listened(tmp_path) == 1
    with open_store(tmp_path / "index") as store:
        assert "Song 77" in {track.tags.title for track in store.tracks().values()}


def test_a_touched_file_is_read_but_not_listened_to(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    os.utime(music / "2.mp3", ns=(1, 1))
    assert run().unchanged == 5
    assert n_listened(tmp_path) == 0


def test_a_file_that_went_away_is_marked_and_comes_back(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / "4.mp3").rename(tmp_path / "away")
    report = run()
    assert (report.missing, report.n_tracks, report.unchanged) == (1, 5, 4)
    with open_library(tmp_path / "index") as view:
        assert len(view.track_ids) == 4
    assert run().missing == 0
    (tmp_path / "away").rename(music / "4.mp3")
    assert run().unchanged == 5
    with open_library(tmp_path / "index") as view:
        assert len(view.track_ids) == 5
    assert n_listened(tmp_path) == 0


def test_prune_forgets_only_what_an_earlier_run_missed(music: Path, run: Run) -> None:
    run()
    (music / "4.mp3").unlink()
    assert run(prune=True).forgotten == 0
    report = run(prune=True)
    assert (report.forgotten, report.n_tracks) == (1, 4)


@pytest.mark.parametrize("root_too", [False, True])
def test_a_disk_that_is_not_there_stops_the_run(tmp_path: Path, music: Path, run: Run, root_too: bool) -> None:
    run()
    shutil.rmtree(music)
    if not root_too:
        music.mkdir()
    with pytest.raises(LibraryError, match="5 of 5 tracks are missing") as caught:
        run()
    assert "--prune" in caught.value.hint
    with open_store(tmp_path / "index") as store:
        assert all(place.present for place in store.locations().values())
    assert run(prune=True).missing == 5


def test_index_without_a_folder_goes_on_after_the_library_moved_to_another_disk(
    tmp_path: Path, music: Path, run: Run
) -> None:
    """It ended with 'no such file or folder' on every run, and its hint had named --prune only."""
    run()
    music.rename(tmp_path / "disk")
    with pytest.raises(LibraryError) as caught:
        run()
    assert "`soundtrack index` on the new folder" in caught.value.hint
    assert run(tmp_path / "disk").moved == 5
    settings = {"model": fake.MODEL, "make_listener": fake.make_listener, "jobs": 1}
    report = build_index([], tmp_path / "index", **settings)  # type: ignore[arg-type]
    assert (report.unchanged, report.n_tracks) == (5, 5)
    with pytest.raises(InputError, match="no such file"):
        run()  # the old folder, by name
    (tmp_path / "disk").rename(tmp_path / "gone")
    with pytest.raises(LibraryError, match="5 of 5 tracks are missing"):
        build_index([], tmp_path / "index", **settings)  # type: ignore[arg-type]


def test_a_path_that_never_was_is_an_input_error_and_makes_no_index(tmp_path: Path, run: Run) -> None:
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path / "nothing")
    assert not (tmp_path / "index").exists()
    run()
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path / "nothing")


def test_nothing_to_index_makes_no_index(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no index found"):
        build_index([], tmp_path / "index", model=fake.MODEL, make_listener=fake.make_listener)
    assert not (tmp_path / "index").exists()


@dataclass
class TogetherCrew:
    """Hands out all files at once; the first of them is gone when it is listened to, after the others were known."""

    gone: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def listen(self, paths: Iterable[Path], *, wanted: Callable[[Identity], bool]) -> Iterator[Outcome]:
        identities = {path: replace(identify(path), track_id="ab" * 32) for path in paths}
        hears = {path: wanted(identity) for path, identity in identities.items()}
        for path, identity in sorted(identities.items(), key=lambda item: item[0] == self.gone):
            if path == self.gone:
                path.unlink()
                yield Outcome(path, identity, reason=Reason.MISSING, message=f"{path}: no such file")
            else:
                yield Outcome(path, identity, heard=fake.listen(path) if hears[path] else None)


def test_files_with_the_sound_of_one_that_vanishes_have_their_own_turn(music: Path, run: Run) -> None:
    """They were reported as gone, though they are there and were never opened."""
    for path in music.glob("[2-4].mp3"):
        path.unlink()
    (music / "1.mp3").write_text("song 0 1")  # the sound of the other
    (music / "2.mp3").write_text("song 0 1 retagged")
    report = run(crew=TogetherCrew(music / "0.mp3"))
    assert [(skip.path.name, skip.reason) for skip in report.skipped] == [("0.mp3", Reason.MISSING)]
    assert (report.added, report.copies, report.n_tracks) == (1, 1, 1)


def test_twins_and_links_are_one_track_and_heard_once(tmp_path: Path, music: Path, run: Run) -> None:
    shutil.copy(music / "0.mp3", music / "copy.mp3")
    os.link(music / "0.mp3", music / "hard.mp3")
    (music / "soft.mp3").symlink_to("0.mp3")
    report = run(jobs=3)
    assert (report.added, report.copies, report.n_tracks) == (5, 3, 5)
    assert n_listened(tmp_path) == 5
    assert run().unchanged == 8


def test_bad_files_are_listed_and_the_rest_is_indexed(tmp_path: Path, music: Path, run: Run) -> None:
    for name, text in (("bad", "bad"), ("bad twin", "bad"), ("crash", "crash"), ("bug", "bug"), ("empty", "")):
        (music / f"{name}.mp3").write_text(text)
    report = run(jobs=2)
    assert {skip.path.stem: skip.reason for skip in report.skipped} == {
        "bad": Reason.NOT_MEDIA,
        "bad twin": Reason.NOT_MEDIA,
        "crash": Reason.CRASHED,
        "bug": Reason.CRASHED,
        "empty": Reason.EMPTY,
    }
    assert report.added == 5
    assert all(str(skip.path) in skip.message for skip in report.skipped)
    again = run()
    assert n_listened(tmp_path) == 0
    assert [(s.path, s.reason) for s in again.skipped] == [(s.path, s.reason) for s in report.skipped]
    assert sum(skip.known for skip in again.skipped) == 4
    run(retry_failed=True)
    assert n_listened(tmp_path) == 3
    (music / "bad.mp3").write_text("song 50 1")
    assert run().added == 1


def test_a_track_that_turned_bad_is_no_longer_offered(tmp_path: Path, music: Path, run: Run) -> None:
    run()
    (music / "0.mp3").write_text("bad")
    report = run()
    assert (len(report.skipped), report.n_tracks) == (1, 4)
    (music / "0.mp3").unlink()
    assert run().skipped == ()


def test_worker_after_worker_dying_ends_the_run(run: Run) -> None:
    with pytest.raises(LibraryError, match="in a row"):
        run(make_listener=fake.make_dead)


def test_networks_that_cannot_be_had_end_the_run(run: Run) -> None:
    with pytest.raises(ModelError, match="model is damaged") as caught:
        run(make_listener=fake.make_none)
    assert caught.value.hint == "fetch it again"


def test_another_model_needs_a_rebuild_and_the_old_index_serves_until_then(
    tmp_path: Path, music: Path, run: Run
) -> None:
    run()
    other = replace(fake.MODEL, version="2", sha256="cd" * 32)
    with pytest.raises(LibraryError, match="built with fake 1") as caught:
        run(model=other)
    assert "soundtrack index --rebuild" in caught.value.hint
    with pytest.raises(ModelError):
        run(model=other, rebuild=True, make_listener=fake.make_none)
    with open_library(tmp_path / "index", model=fake.MODEL) as view:
        assert len(view.track_ids) == 5
    (music / "more").mkdir()
    (music / "more" / "9.mp3").write_text("song 9 1")
    report = run(music / "more", model=other, rebuild=True)
    assert (report.added, n_listened(tmp_path)) == (6, 6)
    with open_library(tmp_path / "index", model=other) as view:
        assert len(view.track_ids) == 6
        assert view.track(view.track_ids[0]).path.exists()
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        *("index.json", "library.lock", "library.sqlite3", "segments.faiss")
    ]


def test_a_damaged_index_is_named_and_rebuilt_when_asked(tmp_path: Path, run: Run) -> None:
    run()
    database = tmp_path / "index" / DATABASE_NAME
    database.write_bytes(database.read_bytes()[:5000])
    with pytest.raises(LibraryError, match=DATABASE_NAME) as caught:
        run()
    assert "--rebuild" in caught.value.hint
    assert run(rebuild=True).added == 5
    database.unlink()
    with pytest.raises(LibraryError, match="missing or empty"):
        run()
    assert run(rebuild=True).added == 5


@pytest.mark.parametrize(
    "name", [b"-y.mp3", b"new\nline.mp3", b"%03d%s.mp3", b"\xff\xe9.mp3", b"'\"$(x).mp3"], ids=repr
)
def test_odd_names_go_through_and_into_json(tmp_path: Path, run: Run, name: bytes) -> None:
    path = tmp_path / "odd" / os.fsdecode(name)
    path.parent.mkdir()
    path.write_text("silent 1 1")
    (tmp_path / "odd" / os.fsdecode(b"bad" + name)).write_text("bad")
    report = run(tmp_path / "odd")
    assert report.warned == ((path, "silent"),)
    assert json.loads(json.dumps(report.to_dict()))["skipped"][0]["reason"] == "not_media"
    json.dumps(report.to_dict()).encode()


@pytest.mark.slow
def test_a_second_run_over_20000_files_takes_a_few_seconds(tmp_path: Path, run: Run) -> None:
    import time

    from soundtrack.library.update.scan import scan

    folder = tmp_path / "many"
    for n in range(20_000):
        path = folder / f"{n // 200:03d}" / f"{n}.mp3"
        if n % 200 == 0:
            path.parent.mkdir(parents=True)
        path.write_text(f"song {n} 1")
    found = scan([folder])
    (tmp_path / "index").mkdir()
    with open_store(tmp_path / "index", write=True) as store:
        store.require_model(fake.MODEL)
        heard = fake.song(1, 3)
        with store.transaction():
            for n, file in enumerate(found.files):
                store.save_track(f"{n:064x}", heard, dim=fake.DIM)
                store.place(file.path, f"{n:064x}", file.key)
            store.add_root(folder)
    run(folder)
    start = time.process_time()  # other work on the machine makes the clock go on
    assert run(folder).unchanged == 20_000
    assert time.process_time() - start < 5.0
