"""A track is its sound: files that are tagged, moved, copied or known from earlier versions keep their history."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

import fake_listener as fake
from made_up import sheet as made_sheet
from made_up import small_library
from odd_files import ffmpeg
from odd_music import wav
from soundtrack.errors import InputError, Reason
from soundtrack.library.heard import Heard, Listener
from soundtrack.library.identity import identify
from soundtrack.library.report import IndexReport
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.query import find_track
from soundtrack.library.store.naming import former_names
from soundtrack.library.store.store import open_store
from soundtrack.library.update.build import build_index
from soundtrack.media.reading.packets import sound_hash, without_tags
from soundtrack.pipeline.sheets.sheet_tracks import present_ids, with_present_ids
from soundtrack.spotting.plan.spot import spot_cues

KINDS: dict[str, list[str]] = {
    "mp3": [],
    "flac": [],
    "ogg": ["-c:a", "libvorbis"],
    "opus": [],
    "m4a": [],
    "wav": [],
    "aiff": [],
    "wma": ["-c:a", "wmav2"],
    "mka": ["-c:a", "libvorbis"],
    "wv": [],
    "caf": [],
    "tta": [],
}


def make(path: Path, *coding: str, pitch: int = 300, title: str = "Before") -> Path:
    tone = ["-f", "lavfi", "-i", f"sine=f={pitch}:r=44100:d=3"]
    ffmpeg(*tone, *coding, "-metadata", f"title={title}", "-metadata", "artist=Anna", path)
    return path


def tagged(path: Path, target: Path, *, title: str = "After") -> Path:
    """A copy of the sound with another title and a cover's worth of text, as taggers write it."""
    words = [
        w
        for at in ("", ":s:a:0")
        for w in (f"-metadata{at}", f"title={title}", f"-metadata{at}", f"comment={'x' * 9_000}")
    ]
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", *words, target)
    return target


def append_tags(path: Path) -> None:
    """APEv2 and ID3v1 behind the sound, as players of old write them into any file."""
    item = struct.pack("<II", 4, 0) + b"Title\0When"
    sizes = struct.pack("<IIII", 2_000, len(item) + 32, 1, 0xA0000000) + bytes(8)
    footer = struct.pack("<IIII", 2_000, len(item) + 32, 1, 0x80000000) + bytes(8)
    with path.open("ab") as file:
        file.write(b"APETAGEX" + sizes + item + b"APETAGEX" + footer)
        file.write(b"TAG" + b"When".ljust(30, b"\0") + bytes(95))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Grows by a byte with every file that is listened to."""
    path = tmp_path / "listened"
    path.touch()
    monkeypatch.setenv(fake.LOG, str(path))
    return path


def index(music: Path, **options: bool) -> IndexReport:
    where = music.parent / "index"
    return build_index([music], where, model=fake.MODEL, make_listener=fake.make_for_sound, jobs=1, **options)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_retagged_file_is_not_heard_again_and_keeps_its_id(music: Path, log: Path, kind: str) -> None:
    song = make(music / f"song.{kind}", *KINDS[kind])
    assert index(music).added == 1
    before = identify(song)
    tagged(song, music.parent / f"new.{kind}").replace(song)
    after = identify(song)
    assert after.sha256 != before.sha256
    report = index(music)
    assert (report.retagged, report.updated, report.added, report.n_tracks) == (1, 0, 0, 1)
    assert log.stat().st_size == 1
    with open_store(music.parent / "index") as store:
        (track,) = store.tracks().values()
    assert track.track_id == before.track_id
    assert track.tags == after.tags
    if kind in ("mp3", "flac", "ogg", "opus", "m4a"):
        assert track.tags.title == "After"
    report = index(music)
    assert (report.unchanged, report.retagged) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "coding"), [("mp3", []), ("flac", []), ("aac", []), ("ac3", []), ("wv", []), ("wav", [])]
)
def test_tags_appended_to_the_file_do_not_make_another_track(tmp_path: Path, kind: str, coding: list[str]) -> None:
    song = make(tmp_path / f"song.{kind}", *coding)
    before = sound_hash(song)
    append_tags(song)
    assert sound_hash(song) == before is not None


def test_a_rewritten_header_of_lengths_does_not_make_another_track(tmp_path: Path) -> None:
    song = make(tmp_path / "song.mp3")
    bare = tmp_path / "bare.mp3"
    ffmpeg("-i", song, "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", bare)
    assert b"Xing" in song.read_bytes() or b"Info" in song.read_bytes()
    assert b"Xing" not in bare.read_bytes()
    assert sound_hash(bare) == sound_hash(song)


def test_the_same_sound_in_another_container_is_the_same_track(tmp_path: Path) -> None:
    song = make(tmp_path / "song.ogg", "-c:a", "libvorbis")
    assert sound_hash(tagged(song, tmp_path / "song.mka")) == sound_hash(song)


def test_another_sound_is_another_track_whatever_its_tags(tmp_path: Path) -> None:
    hashes = {sound_hash(make(tmp_path / f"{pitch}.flac", pitch=pitch)) for pitch in (300, 301)}
    assert len(hashes) == 2
    half = b"\x00\x00\x00\x3f"
    for rate_hz in (22_050, 44_100):
        (tmp_path / f"{rate_hz}.wav").write_bytes(wav(sample=half, rate_hz=rate_hz, n=44_100))
    assert sound_hash(tmp_path / "22050.wav") != sound_hash(tmp_path / "44100.wav")


def test_opus_that_its_header_makes_louder_is_another_sound(tmp_path: Path) -> None:
    song = make(tmp_path / "song.opus")
    data = bytearray(song.read_bytes())
    at = data.index(b"OpusHead") + 16
    mka = tagged(song, tmp_path / "song.mka")
    assert sound_hash(mka) == sound_hash(song)
    data = bytearray(mka.read_bytes())
    at = data.index(b"OpusHead") + 16
    data[at : at + 2] = struct.pack("<h", 6 * 256)
    (tmp_path / "loud.mka").write_bytes(data)
    assert sound_hash(tmp_path / "loud.mka") not in (None, sound_hash(song))


def test_what_is_no_sound_is_named_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "words.mp3").write_text("words")
    assert sound_hash(tmp_path / "words.mp3") is None
    identity = identify(tmp_path / "words.mp3")
    assert identity.track_id == identity.sha256


def test_nothing_but_tags_is_taken_off_the_last_packet() -> None:
    assert without_tags(b"x" * 1_000) == b"x" * 1_000
    assert without_tags(b"TAG" + b"x" * 125) == b"TAG" + b"x" * 125  # not behind a sound
    assert without_tags(b"sound" + b"LYRICSBEGIN" + b"la" * 50 + b"TAG" + bytes(125)) == b"sound"


def test_a_copy_with_other_tags_is_one_track_at_two_places(music: Path, log: Path) -> None:
    song = make(music / "a.flac")
    tagged(song, music / "b.flac")
    report = index(music)
    assert (report.added, report.copies, report.n_tracks) == (1, 1, 1)
    assert log.stat().st_size == 1
    with open_store(music.parent / "index") as store:
        (track,) = store.tracks().values()
        assert sorted(path.name for path in store.locations()) == ["a.flac", "b.flac"]
    assert (track.path.name, track.tags.title) == ("a.flac", "Before")


def _refuse_protected() -> Listener:
    """A listener that finds files named ``.m4p`` copy-protected."""
    usual = fake.make_for_sound()

    def listen(path: Path) -> Heard:
        if path.suffix == ".m4p":
            raise InputError(f"{path}: copy-protected", hint="use another file", reason=Reason.ENCRYPTED)
        return usual(path)

    return listen


def test_a_plain_file_beside_a_protected_one_of_the_same_sound_is_indexed(tmp_path: Path) -> None:
    """Both carry the same packets, and the plain one was skipped as encrypted as well."""
    folder = tmp_path / "music"
    folder.mkdir()
    plain = make(folder / "z.m4a")
    (folder / "a.m4p").write_bytes(plain.read_bytes().replace(b"mp4a", b"drms"))
    assert identify(plain).track_id == identify(folder / "a.m4p").track_id
    report = build_index([folder], tmp_path / "ix", model=fake.MODEL, make_listener=_refuse_protected, jobs=1)
    assert [(entry.path.name, entry.reason) for entry in report.skipped] == [("a.m4p", Reason.ENCRYPTED)]
    assert (report.added, report.n_tracks) == (1, 1)


def test_a_file_moved_and_tagged_at_once_keeps_its_history(music: Path, log: Path) -> None:
    song = make(music / "track01.mp3")
    make(music / "other.mp3", pitch=500)
    index(music)
    tagged(song, music / "Anna - After.mp3")
    song.unlink()
    report = index(music)
    assert (report.moved, report.added, report.n_tracks) == (1, 0, 2)
    assert log.stat().st_size == 2
    with open_store(music.parent / "index") as store:
        assert {track.tags.title for track in store.tracks().values()} == {"Before", "After"}


def make_old(where: Path) -> dict[str, str]:
    """Turn an index into one of a version that named tracks by bytes; the old names and those that must come."""
    names: dict[str, str] = {}
    with open_store(where, write=True) as store, store.transaction():
        for sha256, track_id in former_names(store).items():
            store.execute("UPDATE tracks SET track_id = ?, naming = 0 WHERE track_id = ?", (sha256, track_id))
            names[sha256] = track_id
    return names


def test_an_index_of_an_earlier_version_is_renamed_without_listening(music: Path, log: Path) -> None:
    for pitch in (300, 400, 500):
        make(music / f"{pitch}.mp3", pitch=pitch)
    index(music)
    where = music.parent / "index"
    names = make_old(where)
    assert len(names) == 3
    with open_library(where) as library:
        assert set(library.track_ids) == set(names)
    report = index(music)
    assert (report.unchanged, report.added, report.updated, report.retagged, report.n_tracks) == (3, 0, 0, 0, 3)
    assert log.stat().st_size == 3
    with open_library(where) as library:
        assert set(library.track_ids) == set(names.values())
        assert library.former_names() == names
        assert library.search(library.embeddings[:1], 1)[0][0].similarity > 0.999
    with open_store(where) as store:
        assert store.all("PRAGMA foreign_key_check") == []
        for old, new in names.items():
            assert find_track(store, old) == find_track(store, old[:9]) == new
    song = music / "300.mp3"
    tagged(song, music.parent / "new.mp3").replace(song)
    assert index(music).retagged == 1
    assert log.stat().st_size == 3


def test_a_second_look_opens_no_file(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pitch in (300, 400):
        make(music / f"{pitch}.flac", pitch=pitch)
    index(music)
    make_old(music.parent / "index")
    index(music)

    def busy(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a file that did not change is opened")

    monkeypatch.setattr("soundtrack.library.update.workers.Workers._start", busy)
    assert index(music).unchanged == 2


def test_two_old_tracks_of_one_sound_become_one(music: Path, log: Path) -> None:
    song = make(music / "a.flac")
    index(music)
    where = music.parent / "index"
    copy = tagged(song, music / "b.flac")
    (old,) = make_old(where)
    with open_store(where, write=True) as store, store.transaction():  # the copy was heard as a track of its own
        other = identify(copy)
        store.save_track(other.sha256, fake.song(2, 2), dim=fake.DIM)
        store.place(copy, other.sha256, other.key)
        store.execute("UPDATE tracks SET naming = 0")
        store.execute("INSERT INTO contents SELECT ?, id FROM tracks WHERE track_id = ?", (other.sha256, other.sha256))
    report = index(music)
    assert (report.n_tracks, report.unchanged) == (1, 2)
    with open_store(where) as store:
        assert set(former_names(store)) == {old, other.sha256}
        assert len(store.locations()) == 2
    assert log.stat().st_size == 1


def test_a_rebuilt_index_still_knows_the_names_of_earlier_versions(music: Path) -> None:
    song = make(music / "a.flac")
    index(music)
    index(music, rebuild=True)
    with open_store(music.parent / "index") as store:
        assert former_names(store) == {identify(song).sha256: identify(song).track_id}


def test_a_sheet_and_a_ledger_of_an_earlier_version_name_the_same_tracks() -> None:
    film = made_sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 14.25)])
    sheet = spot_cues(film, small_library())
    ids = {track.track_id for track in sheet.tracks}
    former = {track_id: f"{n:064x}" for n, track_id in enumerate(sorted(ids))}
    renamed = with_present_ids(sheet, former)
    assert {track.track_id for track in renamed.tracks} == set(former.values())
    assert {cue.track_id for cue in renamed.cues} <= set(former.values())
    assert [replace(cue, track_id="") for cue in renamed.cues] == [replace(cue, track_id="") for cue in sheet.cues]
    assert with_present_ids(sheet, {}) is sheet
    assert present_ids(ids, former) == frozenset(former.values())
