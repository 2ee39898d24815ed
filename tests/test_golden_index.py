"""An index made by every version of the tables that there ever was: it opens, it migrates, and nothing is lost.

``tests/golden/index-N.sqlite3.gz`` was written by the program whose tables had version N, from the songs below; a new
version of the tables comes with a new file, and the old ones stay as they are.
"""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.errors import Reason
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.rules import Rules, read_rules, write_rules
from soundtrack.library.store.evidence import gaps, read_evidence, replace_evidence
from soundtrack.library.store.playlists import read_playlists, write_playlists
from soundtrack.library.store.schema import DATABASE_NAME, SCHEMA_VERSION
from soundtrack.library.store.store import Store, open_store
from soundtrack.library.update.build import build_index

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = range(1, SCHEMA_VERSION + 1)
WITH_RULES = 2
"""First version that keeps rules and playlists."""
WITH_EVIDENCE = 4
"""First version that keeps raw evidence."""


@pytest.fixture(params=VERSIONS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of an index as it was left by that version."""
    folder = tmp_path / "disk" / "index"
    folder.mkdir(parents=True)
    packed = (GOLDEN / f"index-{request.param}.sqlite3.gz").read_bytes()
    (folder / DATABASE_NAME).write_bytes(gzip.decompress(packed))
    return folder


def check(store: Store, music: Path, *, rules: bool) -> None:
    """Everything that the songs and the places below left."""
    assert store.model() == fake.MODEL
    tracks = store.tracks()
    assert [t.tags.title for t in tracks.values()] == ["Song 0", "Song 1", "Song 2"]
    for n, (track_id, track) in enumerate(tracks.items()):
        heard = fake.song(n, 1 + n)
        copies = (Path("/elsewhere") / os.fsdecode(b"copy\xff.mp3"),) if n == 0 else ()
        assert track == replace(heard.track(f"{n:064x}", track.path), copies=copies)
        assert (store.track_vector(track_id) == heard.vector).all()
        assert (store.bars(track_id).features == heard.bars.features).all()
    assert {path: (int(p.track_id, 16), p.present) for path, p in store.locations().items()} == {
        music / "0.mp3": (0, True),
        music / "1.mp3": (1, True),
        music / "2.mp3": (2, False),
        Path("/elsewhere") / os.fsdecode(b"copy\xff.mp3"): (0, True),
    }
    assert {path.name: f.reason for path, f in store.failures().items()} == {"bad.mp3": Reason.NOT_MEDIA}
    assert store.roots() == (music,)
    assert store.all("PRAGMA integrity_check") == [("ok",)]
    assert store.all("PRAGMA foreign_key_check") == []
    kept = Rules(exclude=("*.wav",), include=("/Rap/",), min_length_s=4.0, max_length_s=900.0, allow_spoken=True)
    assert read_rules(store) == (kept if rules else Rules())
    assert read_playlists(store) == ({music / "calm.m3u": (music / "1.mp3", music / "9.mp3")} if rules else {})


def version_of(golden: Path) -> int:
    return int.from_bytes((golden / DATABASE_NAME).read_bytes()[60:64], "big")  # where SQLite keeps user_version


def test_there_is_a_golden_index_for_every_version() -> None:
    assert {path.name for path in GOLDEN.glob("index-*")} == {f"index-{version}.sqlite3.gz" for version in VERSIONS}


def test_a_reader_sees_all_of_it_and_changes_nothing(golden: Path) -> None:
    before = (golden / DATABASE_NAME).read_bytes()
    with open_store(golden) as store:
        check(store, golden.parent / "music", rules=version_of(golden) >= WITH_RULES)
    with open_library(golden) as view:
        assert len(view) == 3
        assert view.search(view.embeddings[:1], 1)[0][0].similarity > 0.999
    assert (golden / DATABASE_NAME).read_bytes() == before
    assert [path.name for path in golden.iterdir()] == [DATABASE_NAME]


def test_a_reader_needs_no_right_to_write(golden: Path) -> None:
    (golden / DATABASE_NAME).chmod(0o444)
    golden.chmod(0o555)
    try:
        with open_store(golden) as store:
            assert len(store.tracks()) == 3
    finally:
        golden.chmod(0o755)


def test_a_writer_brings_it_up_to_date_and_loses_nothing(golden: Path) -> None:
    rules = version_of(golden) >= WITH_RULES
    open_store(golden, write=True).close()
    assert version_of(golden) == SCHEMA_VERSION
    with open_store(golden) as store:
        check(store, golden.parent / "music", rules=rules)


def test_raw_evidence_is_there_from_version_4_on_and_lacking_before(golden: Path) -> None:
    has_evidence = version_of(golden) >= WITH_EVIDENCE
    open_store(golden, write=True).close()
    with open_store(golden) as store:
        assert [len(read_evidence(store, f"{n:064x}")) for n in range(3)] == [2 if has_evidence else 0] * 3
        lacking = {gap.track_id: (gap.channels, gap.present) for gap in gaps(store, fake.CHANNELS)}
    names = tuple(channel.name for channel in fake.CHANNELS)
    assert lacking == ({} if has_evidence else {f"{n:064x}": (names, n < 2) for n in range(3)})


def test_a_run_goes_on_from_it(golden: Path) -> None:
    music = golden.parent / "music"
    music.mkdir()
    (music / "new.mp3").write_text("song 7 2")
    report = build_index([music], golden, model=fake.MODEL, make_listener=fake.make_listener, jobs=1, prune=True)
    assert (report.added, report.n_tracks) == (1, 3)  # 2.mp3 was missing before, 1.mp3 is missing now


def make_golden() -> None:
    """Write the golden index of the present version; run by hand when the tables change, never for an old version."""
    import tempfile

    from soundtrack.library.identity import QuickKey
    from soundtrack.library.places import Failure

    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        music = Path(folder) / "music"
        index.mkdir()
        with open_store(index, write=True) as store:
            store.require_model(fake.MODEL)
            with store.transaction():
                for n in range(3):
                    heard = fake.song(n, 1 + n)
                    store.save_track(f"{n:064x}", heard, dim=fake.DIM)
                    replace_evidence(store, f"{n:064x}", heard.evidence)
                    store.place(music / f"{n}.mp3", f"{n:064x}", QuickKey(1, 10 + n, 100 + n, 1000 + n))
                store.place(Path("/elsewhere") / os.fsdecode(b"copy\xff.mp3"), f"{0:064x}", QuickKey(2, 20, 100, 5))
                store.mark(music / "2.mp3", present=False)
                store.fail(Failure(music / "bad.mp3", QuickKey(1, 30, 3, 4), Reason.NOT_MEDIA, "bad.mp3: is no music"))
                store.add_root(music)
                write_rules(store, Rules(("*.wav",), ("/Rap/",), 4.0, 900.0, True))
                write_playlists(store, {music / "calm.m3u": [music / "1.mp3", music / "9.mp3"]})
        packed = gzip.compress((index / DATABASE_NAME).read_bytes(), 9, mtime=0)
        (GOLDEN / f"index-{SCHEMA_VERSION}.sqlite3.gz").write_bytes(packed)


if __name__ == "__main__":
    make_golden()
