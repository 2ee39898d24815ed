"""Raw evidence in an index: kept, filled in where it lacks, read by another head without listening."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fake_listener as fake
from soundtrack.errors import LibraryError
from soundtrack.library.heard import Observed
from soundtrack.library.identity import identify
from soundtrack.library.report import IndexReport
from soundtrack.library.search.library_view import open_library
from soundtrack.library.store.evidence import gaps, kept, known_channels, read_evidence
from soundtrack.library.store.schema import DATABASE_NAME
from soundtrack.library.store.store import open_store
from soundtrack.library.update.archive import export_index, import_index
from soundtrack.library.update.build import build_index
from soundtrack.library.update.derive import derive
from soundtrack.library.update.maintenance import index_faults, index_status
from soundtrack.types import Channel, Evidence, Medium, Span

OTHER = replace(fake.MODEL, version="2", sha256="cd" * 32, dim=6)
Run = Callable[..., IndexReport]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Index some songs with the channels of the fake listener."""
    monkeypatch.setenv(fake.LOG, str(tmp_path / "listened"))
    music = tmp_path / "music"
    music.mkdir()
    for seed in range(4):
        (music / f"{seed}.mp3").write_text(f"song {seed} {1 + seed}")

    def once(**options: object) -> IndexReport:
        (tmp_path / "listened").write_bytes(b"")
        settings = {
            "model": fake.MODEL,
            "make_listener": fake.make_listener,
            "jobs": 1,
            "channels": fake.CHANNELS,
            "projection": fake.Projection(),
            **options,
        }
        return build_index([music], tmp_path / "index", **settings)

    return once


def listened(tmp_path: Path) -> str:
    """A point for each track that was listened to in the last run, a comma for each by some channels alone."""
    return "".join(sorted((tmp_path / "listened").read_text()))


def forget_evidence(tmp_path: Path, where: str = "") -> None:
    """An index as an earlier version left it."""
    connection = sqlite3.connect(tmp_path / "index" / DATABASE_NAME)
    connection.execute(f"DELETE FROM evidence {where}")
    connection.commit()
    connection.close()


def everything(index: Path) -> list[tuple[object, ...]]:
    """Whatever is derived from evidence."""
    with open_store(index) as store:
        return [
            *store.all("SELECT probabilities, valence, arousal, confidence FROM segments ORDER BY track, position"),
            *store.all("SELECT probabilities, valence, arousal, confidence FROM tracks ORDER BY id"),
            *store.all("SELECT segments, whole FROM vectors ORDER BY track"),
        ]


def test_what_was_found_comes_back_rounded_to_float16(run: Run, tmp_path: Path) -> None:
    run()
    with open_store(tmp_path / "index") as store:
        (track,) = (t for t in store.tracks().values() if t.path.name == "2.mp3")
        found = read_evidence(store, track.track_id)
    assert [its.channel.name for its in found] == ["fake-network", "fake-numbers"]
    for its, given in zip(found, fake.evidence(2, 3), strict=True):
        assert its.spans == given.spans
        np.testing.assert_array_equal(its.features, given.features)


def test_numbers_that_float16_cannot_hold_are_the_greatest_that_it_can() -> None:
    channel = Channel("a", "1", Medium.TRACK, 2, "ab" * 32)
    found = kept(Evidence(channel, (Span(0, 1),), np.array([[1e9, -1e9]], np.float32)))
    assert found.features.tolist() == [[65504.0, -65504.0]]


def test_an_index_without_evidence_serves_and_the_next_run_fills_it_in_after_new_files(
    run: Run, tmp_path: Path
) -> None:
    run()
    forget_evidence(tmp_path)
    with open_library(tmp_path / "index", model=fake.MODEL) as view:
        assert len(view) == 10
        assert view.search(view.embeddings[:1], 1)
    assert index_status(tmp_path / "index", channels=fake.CHANNELS)["incomplete"] == 4
    (tmp_path / "music" / "9.mp3").write_text("song 9 1")
    told: list[str] = []
    report = run(progress=lambda stage, _done, _total: told.append(stage))
    assert (report.added, report.completed, report.incomplete) == (1, 4, 0)
    assert listened(tmp_path) == ",,,,."
    assert told.index("indexing: 9.mp3") < told.index("indexing again: 0.mp3")
    assert run().completed == 0
    assert listened(tmp_path) == ""


def test_filling_in_goes_on_where_a_run_was_stopped(run: Run, tmp_path: Path) -> None:
    run()
    forget_evidence(tmp_path)

    def stop(stage: str, done: int, _total: int) -> None:
        if stage.startswith("indexing again") and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(progress=stop)
    assert index_status(tmp_path / "index", channels=fake.CHANNELS)["incomplete"] == 2
    assert run().completed == 2
    assert listened(tmp_path) == ",,"
    assert index_faults(tmp_path / "index") == []


def test_a_new_channel_listens_for_itself_alone(run: Run, tmp_path: Path) -> None:
    run()
    before = everything(tmp_path / "index")
    report = run(channels=(*fake.CHANNELS, fake.WORDS))
    assert (report.completed, report.unchanged, listened(tmp_path)) == (4, 4, ",,,,")
    with open_store(tmp_path / "index") as store:
        track_id = next(iter(store.tracks()))
        assert [its.channel.name for its in read_evidence(store, track_id)][-1] == "fake-words"
        assert gaps(store, (*fake.CHANNELS, fake.WORDS)) == []
    run()
    assert everything(tmp_path / "index") != before  # the fake's listener derives otherwise than its projection


def test_another_head_reads_the_whole_library_without_listening(run: Run, tmp_path: Path) -> None:
    run()
    report = run(model=OTHER, projection=fake.Projection(7, dim=6))
    assert (report.projected, report.unchanged, listened(tmp_path)) == (4, 4, "")
    with open_library(tmp_path / "index", model=OTHER) as view:
        assert view.embeddings.shape == (10, 6)
    first = everything(tmp_path / "index")
    assert index_faults(tmp_path / "index") == []
    run(model=fake.MODEL)
    run(model=OTHER, projection=fake.Projection(7, dim=6))
    assert everything(tmp_path / "index") == first


def test_filled_in_evidence_gives_the_same_bytes_as_a_projection_of_all(run: Run, tmp_path: Path) -> None:
    run()
    run(model=OTHER, projection=fake.Projection(7, dim=6))
    before = everything(tmp_path / "index")
    forget_evidence(tmp_path)
    run(model=OTHER, projection=fake.Projection(7, dim=6))
    assert everything(tmp_path / "index") == before


def test_another_head_whose_channels_are_partly_there_listens_for_the_rest_before_it_takes_over(
    run: Run, tmp_path: Path
) -> None:
    run()
    channels = (*fake.CHANNELS, fake.WORDS)
    other = {"model": OTHER, "channels": channels, "projection": fake.Projection(3, dim=6, channels=channels)}

    def stop(stage: str, done: int, _total: int) -> None:
        if stage.startswith("indexing again") and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(**other, progress=stop)
    with open_library(tmp_path / "index", model=fake.MODEL) as view:
        assert len(view) == 10  # the index serves as it was
    report = run(**other)
    assert (report.projected, listened(tmp_path)) == (4, ",,")
    with open_library(tmp_path / "index", model=OTHER) as view:
        assert view.embeddings.shape == (10, 6)


def test_a_missing_track_without_evidence_survives_another_head_and_is_listened_to_when_it_is_back(
    run: Run, tmp_path: Path
) -> None:
    run()
    (tmp_path / "music" / "3.mp3").rename(tmp_path / "away.mp3")
    run()
    forget_evidence(tmp_path, "WHERE n_segments = 4")
    other = {"model": OTHER, "projection": fake.Projection(7, dim=6)}
    assert run(**other).projected == 3
    with open_store(tmp_path / "index") as store:
        assert len(store.tracks()) == 4
    assert index_faults(tmp_path / "index") == []
    (tmp_path / "away.mp3").rename(tmp_path / "music" / "3.mp3")
    assert run(**other, make_listener=_make_other).updated == 1
    assert listened(tmp_path) == "."


def _other(path: Path, channels: tuple[str, ...] = ()) -> object:
    heard = fake.listen(path, channels)
    if isinstance(heard, Observed):
        return heard
    batch = fake.Projection(7, dim=6).read({its.channel.name: its.features for its in heard.evidence})
    derived = derive(batch, [segment.loudness_lufs for segment in heard.segments])
    return replace(heard, vectors=derived.vectors, vector=derived.vector)


def _make_other() -> object:
    return _other


def test_a_head_for_which_nothing_was_heard_needs_a_rebuild(run: Run) -> None:
    run()
    new = tuple(replace(channel, sha256="99" * 32) for channel in fake.CHANNELS)
    with pytest.raises(LibraryError, match="built with fake 1") as caught:
        run(model=OTHER, channels=new, projection=fake.Projection(7, dim=6, channels=new))
    assert "--rebuild" in caught.value.hint


def test_a_better_network_of_one_channel_replaces_its_evidence(run: Run, tmp_path: Path) -> None:
    run()
    new = (replace(fake.CHANNELS[0], sha256="99" * 32), fake.CHANNELS[1])
    run(
        model=OTHER,
        channels=new,
        projection=fake.Projection(7, dim=6, channels=new),
        make_listener=_make_better,
    )
    assert listened(tmp_path) == ",,,,"
    with open_store(tmp_path / "index") as store:
        assert {channel.sha256 for channel in known_channels(store).values()} == {"99" * 32, "34" * 32}
        assert store.all("SELECT count(*) FROM evidence") == [(8,)]


def test_a_better_channel_of_another_package_replaces_what_it_found_before(run: Run, tmp_path: Path) -> None:
    run(channels=(*fake.CHANNELS, fake.WORDS))
    better = replace(fake.WORDS, sha256="99" * 32)
    report = run(channels=(*fake.CHANNELS, better), make_listener=_make_better)
    assert (report.completed, listened(tmp_path)) == (4, ",,,,")
    with open_store(tmp_path / "index") as store:
        assert list(known_channels(store).values()) == [*fake.CHANNELS, better]


def test_a_channel_that_a_listening_machine_lacks_is_named_and_nothing_is_called_complete(run: Run) -> None:
    run()
    report = run(channels=(*fake.CHANNELS, replace(fake.WORDS, version="2")))  # there it is version 1
    assert (report.completed, report.incomplete, len(report.noted)) == (0, 4, 4)
    assert report.noted[0][1] == "channel fake-words of this version was not available"


def _better(path: Path, channels: tuple[str, ...] = ()) -> object:
    heard = fake.listen(path, channels)
    assert isinstance(heard, Observed)
    return Observed(tuple(replace(its, channel=replace(its.channel, sha256="99" * 32)) for its in heard.evidence))


def _make_better() -> object:
    return _better


def test_a_file_that_cannot_be_listened_to_again_keeps_its_track(run: Run, tmp_path: Path) -> None:
    run()
    forget_evidence(tmp_path)
    report = run(make_listener=_make_deaf)
    assert (report.completed, report.incomplete, report.n_tracks, len(report.noted)) == (0, 4, 4, 4)
    assert "could not be analysed again" in report.noted[0][1]


def _deaf(path: Path, channels: tuple[str, ...] = ()) -> object:
    if channels:
        raise ZeroDivisionError("made for the test")
    return fake.listen(path)


def _make_deaf() -> object:
    return _deaf


def test_evidence_is_carried_and_forged_evidence_refused(run: Run, tmp_path: Path) -> None:
    run()
    export_index(tmp_path / "index", tmp_path / "carried.zip")
    import_index(tmp_path / "carried.zip", tmp_path / "new")
    with open_store(tmp_path / "index") as before, open_store(tmp_path / "new") as after:
        evidence = "SELECT * FROM evidence ORDER BY track, channel"
        assert before.all(evidence) == after.all(evidence)
        assert gaps(after, fake.CHANNELS) == []
    for forged in ("numbers = x'00'", "n_segments = 77", "numbers = zeroblob(length(numbers) - 1) || x'7c'"):
        connection = sqlite3.connect(tmp_path / "new" / DATABASE_NAME)
        connection.execute(f"UPDATE evidence SET {forged} WHERE rowid = 1")
        connection.commit()
        connection.close()
        assert index_faults(tmp_path / "new")


def test_the_golden_index_of_version_3_keeps_what_cannot_be_filled_in(tmp_path: Path, run: Run) -> None:
    index = tmp_path / "index"
    index.mkdir()
    golden = Path(__file__).parent / "golden" / "index-3.sqlite3.gz"
    (index / DATABASE_NAME).write_bytes(gzip.decompress(golden.read_bytes()))
    (tmp_path / "music" / "0.mp3").unlink()
    report = run(prune=True)
    assert (report.n_tracks, report.incomplete) == (4, 1)  # one is known at a place that is not there
    assert index_faults(index) == []
    with open_store(index) as store:
        assert [gap.track_id for gap in gaps(store, fake.CHANNELS)] == [f"{0:064x}"]
        assert store.tracks()[f"{0:064x}"].tags.title == "Song 0"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_golden_indexes_without_evidence_serve_at_once_lose_nothing_and_are_filled_in_resumably(
    version: int, tmp_path: Path, run: Run
) -> None:
    index, music = tmp_path / "index", tmp_path / "music"
    index.mkdir()
    (music / "3.mp3").unlink()
    golden = Path(__file__).parent / "golden" / f"index-{version}.sqlite3.gz"
    (index / DATABASE_NAME).write_bytes(gzip.decompress(golden.read_bytes()))
    connection = sqlite3.connect(index / DATABASE_NAME)
    for n in range(3):  # the golden tracks are those of the files that are there
        name = identify(music / f"{n}.mp3").sha256
        connection.execute("UPDATE tracks SET track_id = ? WHERE track_id = ?", (name, f"{n:064x}"))
        if version >= 3:
            connection.execute("UPDATE contents SET sha256 = ? WHERE sha256 = ?", (name, f"{n:064x}"))
    connection.commit()
    connection.close()
    before = facts_of(index)
    with open_library(index, model=fake.MODEL, include_missing=True) as view:
        assert view.search(view.embeddings[:1], 1)[0][0].similarity == pytest.approx(1.0, abs=1e-5)

    def stop(stage: str, done: int, _total: int) -> None:
        if stage.startswith("indexing again") and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(progress=stop)
    assert facts_of(index) == before
    assert index_status(index, channels=fake.CHANNELS)["incomplete"] == 2
    report = run()
    assert (report.completed, report.incomplete, report.added, report.updated) == (2, 0, 0, 0)
    assert listened(tmp_path) == ",,"
    assert facts_of(index) == before
    assert index_faults(index) == []
    assert run().completed == 0
    assert listened(tmp_path) == ""


def facts_of(index: Path) -> list[tuple[object, ...]]:
    """What an index knows of its tracks beside moods, names and tags, which are those of the files."""
    with open_store(index) as store:
        facts = [(track.segments, track.audio, track.loudness, track.analysis) for track in store.tracks().values()]
    return sorted([([s.span for s in its], *rest) for its, *rest in facts], key=lambda fact: len(fact[0]))
