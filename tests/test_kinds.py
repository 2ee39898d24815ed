"""A file is of a kind by its content: what the tool writes is known again, and nothing else is taken for it."""

from __future__ import annotations

import io
import json
import os
import wave
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from made_up import sheet, small_library
from media_made import Made, ffmpeg, make_film
from soundtrack.documents import cuesheet
from soundtrack.export import FORMATS, export
from soundtrack.export.page.page import page
from soundtrack.export.page.picture import picture
from soundtrack.files import kinds
from soundtrack.files.kinds import Kind
from soundtrack.files.safe_write import Together
from soundtrack.media.writing.own_mark import FILM, mark
from soundtrack.mix.stems import StemWriter
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

ALL: dict[str, Kind] = {
    **{"cues": kinds.CUE_SHEET, "scenes": kinds.SCENE_SHEET, "zip": kinds.ARCHIVE, "stem": kinds.STEM, "film": FILM},
    **{"page": kinds.PAGE, **kinds.PICTURES, **{name: made.kind for name, made in FORMATS.items()}},
}


@pytest.fixture(scope="module")
def some_sheet() -> CueSheet:
    return spot_cues(sheet([("Sad", 20.0), ("Excited", 20.0)]), small_library())


def kinds_of(path: Path) -> set[str]:
    return {name for name, kind in ALL.items() if kind.is_one(path)}


@pytest.mark.parametrize("name", FORMATS)
def test_every_export_is_known_by_its_content_and_taken_for_nothing_else(
    tmp_path: Path, some_sheet: CueSheet, name: str
) -> None:
    path = tmp_path / "odd name"
    path.write_text(export(some_sheet, name), encoding="utf-8")
    assert kinds_of(path) == {name}


def test_a_cue_sheet_is_known_with_sorted_keys_a_byte_order_mark_and_a_torn_end(
    tmp_path: Path, some_sheet: CueSheet
) -> None:
    path, text = tmp_path / "a", cuesheet.dumps(some_sheet)
    path.write_text(text)
    assert kinds_of(path) == {"cues"}
    path.write_text(text[: len(text) // 2])
    assert kinds_of(path) == {"cues"}
    path.write_text(json.dumps(json.loads(text), sort_keys=True), encoding="utf-8-sig")
    assert kinds_of(path) == {"cues"}


def test_pages_and_pictures_are_known(tmp_path: Path, some_sheet: CueSheet) -> None:
    path = tmp_path / "a"
    path.write_text(page(some_sheet), encoding="utf-8")
    assert kinds_of(path) == {"page"}
    for name in kinds.PICTURES:
        path.write_bytes(picture(some_sheet, kind=name))
        assert kinds_of(path) == {name}


def test_stems_films_and_archives_are_known(tmp_path: Path) -> None:
    import numpy as np

    with Together() as files, StemWriter(tmp_path, "a", files=files, force=False) as stems:
        stems.restart()
        stems.write(np.zeros((2, 4_800), np.float32), None)
        stems.finish()
    assert [kinds_of(path) for path in stems.paths] == [{"stem"}, {"stem"}]
    film = make_film(tmp_path / "a.mp4", seconds=3)
    assert kinds_of(film) == set(), "a film of the user"
    mark(film, "mp4")
    assert kinds_of(film) == {"film"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("library.sqlite3", "")
    assert kinds_of(tmp_path / "a.zip") == {"zip"}


@pytest.mark.parametrize(
    "text",
    [
        "TITLE: Holiday\nFCM: NON-DROP FRAME\n\n001  AX       V     C        00:00:00:00 00:00:01:00 "
        "01:00:00:00 01:00:01:00\n* FROM CLIP NAME: beach\n",
        "#EXTM3U\n#EXTINF:131,A song\n/music/a.mp3\n",
        '{"OTIO_SCHEMA": "Timeline.1", "metadata": {"Resolve_OTIO": {}}, "name": "Holiday", "tracks": null}',
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="5"><sequence/></xmeml>\n',
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.9"><resources/></fcpxml>\n',
        '<?xml version="1.0" standalone="no"?>\n<mlt LC_NUMERIC="C" title="Shotcut version 24"><profile/></mlt>\n',
    ],
)
def test_the_project_of_a_user_is_not_an_export(tmp_path: Path, text: str) -> None:
    """`cues export --force` replaced a project of Shotcut, an edit list or a playlist of that name."""
    path = tmp_path / "project"
    path.write_text(text)
    assert kinds_of(path) == set()


@pytest.mark.parametrize("name", ["xml", "fcpxml", "mlt"])
def test_an_export_that_an_editing_program_saved_is_the_users(tmp_path: Path, some_sheet: CueSheet, name: str) -> None:
    path = tmp_path / "saved"
    path.write_bytes(ElementTree.tostring(ElementTree.fromstring(export(some_sheet, name))))
    assert kinds_of(path) == set()


def test_a_recording_in_the_format_of_stems_is_no_stem(tmp_path: Path) -> None:
    path = tmp_path / "film.MX.flac"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-ac", 2, "-ar", 48_000, "-sample_fmt", "s32", path)
    assert kinds_of(path) == set()


def test_music_and_other_files_are_of_no_kind_that_is_written(tmp_path: Path, made: Made) -> None:
    tone = io.BytesIO()
    with wave.open(tone, "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", "not compressed"))
        file.writeframes(bytes(40_000))
    for name in ("a.flac", "a.mp3", "a.m4a", "a.ogg"):
        ffmpeg("-f", "wav", "-i", "pipe:0", tmp_path / name, stdin=tone.getvalue())
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=c=red:size=64x64:duration=1", "-frames:v", "1", cover)
    ffmpeg("-i", tmp_path / "a.mp3", "-i", cover, "-map", "0", "-map", "1", "-c", "copy", tmp_path / "covered.mp3")
    texts = {
        "empty": "", "notes.txt": "Music for the party\n", "table.csv": "title,artist\n", "a.html": "<!DOCTYPE html>",
        "package.json": '{"name": "soundtrack.cuesheet/1"}', "list": "[1]", "deep": "[" * 100_000, "xml": "<a/>",
        "config.toml": 'target = "web"\n', "notes.edl": "TITLE\n", "number.json": "1",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photo.jpg", "")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("gone")
    found = {path.name: kinds_of(path) for path in [*tmp_path.iterdir(), *made.index.iterdir(), Path("/dev/zero")]}
    assert {name: kind for name, kind in found.items() if kind} == {}, "photos and music of the user among them"
    assert not any(kind.is_one(path) for kind in kinds.SOUNDS.values() for path in tmp_path.iterdir())
