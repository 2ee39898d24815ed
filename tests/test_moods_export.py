"""Moods of the library for players: a table, and tags on copies only."""

import csv
import io
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import pytest

from made_up import track
from media_made import ffmpeg
from soundtrack.cli.app import command_line
from soundtrack.errors import OutputError, PartialError
from soundtrack.export.table import MOOD_COLUMNS, moods_csv
from soundtrack.files.targets import Target, check_targets
from soundtrack.media.reading.packets import sound_hash
from soundtrack.media.writing import tagged_copy
from soundtrack.pipeline.sheets.mood_copies import tag_copies
from soundtrack.types import Track
from test_formats import ape_tags


def tone(path: Path, *words: str) -> Path:
    """A second of sound with a title."""
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", "sine=440:duration=1", "-metadata", "title=Plain Road", *words, path)
    return path


def tagged(path: Path, label: str = "Sad") -> Track:
    """A track of some mood at a place."""
    return replace(track("x", [label] * 3), path=path)


def tags_of(path: Path) -> dict[str, str]:
    """Tags of a file, names in lower case."""
    with av.open(str(path)) as container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
        return {name.lower(): value for name, value in found.items()}


@pytest.fixture(autouse=True)
def _no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(tmp_path / "index"))


def test_the_table_has_a_row_for_each_track_and_no_formula() -> None:
    sad = tagged(Path("/m/a.mp3"))
    sad = replace(sad, tags=replace(sad.tags, title="=1+1"))
    rows = list(csv.DictReader(io.StringIO(moods_csv([(sad, "/m/a.mp3")]))))
    assert tuple(rows[0]) == MOOD_COLUMNS
    assert (rows[0]["file"], rows[0]["mood"], rows[0]["title"]) == ("/m/a.mp3", "Sad", "'=1+1")


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "opus"])
def test_a_copy_has_the_mood_and_all_else_is_as_before(tmp_path: Path, ending: str) -> None:
    source = tone(tmp_path / "music" / f"a.{ending}")
    before = source.read_bytes()
    copies, left_out = tag_copies([tagged(source)], tmp_path / "copies")
    assert copies == [tmp_path / "copies" / f"a.{ending}"] and not left_out
    found = tags_of(copies[0])
    assert found.get("mood", found.get("tmoo")) == "Sad" and found["title"] == "Plain Road"
    assert float(found["soundtrack_valence"]) < 0
    assert sound_hash(copies[0]) == sound_hash(source) and source.read_bytes() == before


def test_a_copy_of_mp3_with_tags_of_monkeys_audio_had_neither_title_nor_artist(tmp_path: Path) -> None:
    source = tmp_path / "music" / "a.mp3"
    source.parent.mkdir()
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3", "-b:a", "128k", "-write_id3v2", "0", "-write_xing", "0", source)
    source.write_bytes(source.read_bytes() + ape_tags({"Title": "Žlutý", "Artist": "Anna", "Year": "1999"}))
    copies, left_out = tag_copies([tagged(source)], tmp_path / "copies")
    assert not left_out
    found = tags_of(copies[0])
    assert (found["title"], found["artist"], found["date"], found["tmoo"]) == ("Žlutý", "Anna", "1999", "Sad")
    assert sound_hash(copies[0]) == sound_hash(source)


def test_two_tracks_of_one_name_get_two_copies_and_other_formats_are_named(tmp_path: Path) -> None:
    one, two = tone(tmp_path / "a" / "x.flac"), tone(tmp_path / "b" / "X.flac")
    copies, left_out = tag_copies([tagged(one), tagged(two), tagged(Path("/m/c.m4a"))], tmp_path / "copies")
    assert [path.name for path in copies] == ["x.flac", "X (2).flac"]
    assert len(left_out) == 1 and "c.m4a" in left_out[0]


def test_a_copy_never_replaces_a_file_without_force_nor_the_original(tmp_path: Path) -> None:
    source = tone(tmp_path / "music" / "a.flac")
    before = source.read_bytes()
    with pytest.raises(Exception, match=r"a\.flac"):
        tag_copies([tagged(source)], tmp_path / "music", force=True)
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "a.flac").write_bytes(b"mine")
    with pytest.raises(OutputError):
        tag_copies([tagged(source)], tmp_path / "copies")
    assert source.read_bytes() == before and (tmp_path / "copies" / "a.flac").read_bytes() == b"mine"


def test_another_recording_of_the_same_name_was_replaced_by_a_copy_with_force(tmp_path: Path) -> None:
    source, other = tone(tmp_path / "music" / "a.flac"), tmp_path / "copies" / "a.flac"
    tag_copies([tagged(source)], other.parent)
    tag_copies([tagged(source)], other.parent, force=True)
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=700:duration=2", "-y", other)
    before = other.read_bytes()
    with pytest.raises(OutputError, match=r"is not a copy of a\.flac"):
        tag_copies([tagged(source)], other.parent, force=True)
    assert other.read_bytes() == before


def test_a_copy_with_another_sound_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tone(tmp_path / "music" / "a.flac")
    monkeypatch.setattr(tagged_copy, "sound_hash", str)
    copies, left_out = tag_copies([tagged(source)], tmp_path / "copies")
    assert not copies and "differs" in left_out[0] and not (tmp_path / "copies").exists()


def test_names_that_differ_in_the_form_of_an_accent_stopped_all_copies(tmp_path: Path) -> None:
    one, two = tone(tmp_path / "caf\u00e9.flac"), tone(tmp_path / "cafe\u0301.flac")
    copies, left_out = tag_copies([tagged(one), tagged(two)], tmp_path / "copies")
    assert [path.name for path in copies] == ["caf\u00e9.flac", "cafe\u0301 (2).flac"] and not left_out


def test_the_second_copy_of_the_longest_name_had_a_name_too_long(tmp_path: Path) -> None:
    name = "x" * 250 + ".flac"
    paths = [tone(tmp_path / folder / name) for folder in ("a", "b")]
    copies, left_out = tag_copies([tagged(path) for path in paths], tmp_path / "copies")
    assert [path.name for path in copies] == [name, "x" * 246 + " (2).flac"] and not left_out


def test_the_copies_of_a_large_library_were_compared_in_pairs_for_minutes(tmp_path: Path) -> None:
    kind = tagged_copy.copy_of(tmp_path / "a.mp3")
    targets = [Target(tmp_path / "copies" / f"{i}.mp3", kind, makes_folder=True) for i in range(2_000)]
    start = time.process_time()
    check_targets(targets, inputs=[tmp_path / f"{i}.mp3" for i in range(2_000)])
    assert time.process_time() - start < 5  # 29 s before


def test_a_track_without_a_copy_ended_with_exit_code_10_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = [f"{tmp_path / 'a.wav'}: cannot be tagged; only mp3, flac, ogg, opus"]
    monkeypatch.setattr("soundtrack.pipeline.sheets.mood_copies.tag_copies", lambda *_, **__: ([], left_out))
    empty = SimpleNamespace(locations=dict, tracks=dict)
    monkeypatch.setattr("soundtrack.library.store.store.open_store", lambda _: nullcontext(empty))
    with pytest.raises(PartialError, match="1 track not copied: ") as caught:
        command_line()(["library", "moods", "--tag-copies", str(tmp_path / "copies")], standalone_mode=False)
    assert caught.value.hint


def test_a_track_whose_folder_is_connected_again_was_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last update of the index found neither; one is back, the other is not."""
    back, gone = tagged(tone(tmp_path / "music" / "back.flac")), tagged(tmp_path / "music" / "gone.flac")
    tracks = {"back": replace(back, track_id="back"), "gone": replace(gone, track_id="gone")}
    places = {one.path: SimpleNamespace(track_id=name, present=False) for name, one in tracks.items()}
    store = SimpleNamespace(locations=lambda: places, tracks=lambda: tracks)
    monkeypatch.setattr("soundtrack.library.store.store.open_store", lambda _: nullcontext(store))
    command_line()(["library", "moods"], standalone_mode=False)
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert [Path(row["file"]).name for row in rows] == ["back.flac"]
