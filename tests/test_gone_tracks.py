"""Music that was deleted or moved after its folder was indexed does not cost a film its score."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from media_made import Made, ffmpeg
from soundtrack import pipeline
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, Reason
from soundtrack.library.identity import identify
from soundtrack.media.reading.probe import probe
from soundtrack.mix.report import RenderReport
from soundtrack.pipeline.library import present
from soundtrack.pipeline.scorer import NO_FILES, Scorer
from soundtrack.pipeline.sheets.exports import find_media
from soundtrack.pipeline.sheets.preview import make_preview
from soundtrack.pipeline.sheets.wishes import LockWish, Wishes
from soundtrack.pipeline.stretch import Stretch, render_stretch
from soundtrack.types import CueSheet, SceneSheet, VideoInfo


@contextmanager
def away(*paths: Path) -> Iterator[None]:
    """As long as this lasts, some files are not where they were."""
    for path in paths:
        path.rename(path.with_name(f"{path.name}.away"))
    try:
        yield
    finally:
        for path in paths:
            path.with_name(f"{path.name}.away").rename(path)


def played(sheet: CueSheet) -> set[Path]:
    """The files that the cues of a sheet play."""
    used = {cue.track_id for cue in sheet.cues}
    return {Path(track.path) for track in sheet.tracks if track.track_id in used}


@pytest.fixture(scope="module")
def info(made: Made) -> VideoInfo:
    return probe(made.film)


@pytest.fixture(scope="module")
def scenes(made: Made, info: VideoInfo, tmp_path_factory: pytest.TempPathFactory) -> SceneSheet:
    out = tmp_path_factory.mktemp("gone") / "out.mp4"
    return Scorer(index=made.index, device="cpu").scenes(info, out=out)


def test_a_deleted_song_is_left_out_and_named(made: Made, info: VideoInfo, scenes: SceneSheet) -> None:
    scorer = Scorer(index=made.index, device="cpu")
    first = scorer.plan(info, scenes=scenes)
    song = min(played(first))
    assert not any("missing" in line for line in first.warnings)
    with away(song):
        second = scorer.plan(info, scenes=scenes)
    assert second.cues
    assert song not in played(second)
    assert any(f"1 track of the library is missing and left out: {song.name}" in line for line in second.warnings)
    assert scorer.plan(info, scenes=scenes) == first


def test_a_song_that_was_asked_for_by_name_is_not_replaced(made: Made, info: VideoInfo, scenes: SceneSheet) -> None:
    song = made.music / "dark.mp3"
    scorer = Scorer(index=made.index, device="cpu", wishes=Wishes(locks=(LockWish(1.0, song.name),)))
    with away(song):
        assert song in played(scorer.plan(info, scenes=scenes))


def test_a_library_whose_drive_is_not_connected_says_so(made: Made, info: VideoInfo, scenes: SceneSheet) -> None:
    scorer = Scorer(index=made.index, device="cpu")
    with (
        away(*made.music.iterdir()),
        pytest.raises(InputError, match="has 2 tracks, and no file of them is there") as refused,
    ):
        scorer.plan(info, scenes=scenes)
    assert refused.value.reason is Reason.MISSING
    assert "drive" in (refused.value.hint or "")


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_the_song_of_track_that_is_gone_meanwhile_was_called_a_library(
    made: Made, info: VideoInfo, scenes: SceneSheet, tmp_path: Path, how: str
) -> None:
    first, other = sorted(made.music.iterdir())[:2]
    song = Path(shutil.copy(first, tmp_path / first.name))
    scorer = Scorer(device="cpu", wishes=Wishes(track=song))
    shutil.copy(other, song)
    if how == "removed":
        song.unlink()
    with pytest.raises(InputError) as refused:
        scorer.plan(info, scenes=scenes)
    assert str(refused.value) == f"{song}: was {how} since it was read"


@contextmanager
def replaced(song: Path, by: Path) -> Iterator[None]:
    """As long as this lasts, a file holds the music of another one."""
    with away(song):
        shutil.copy(by, song)
        try:
            yield
        finally:
            song.unlink()


def test_a_song_replaced_after_indexing_gave_a_film_with_the_wrong_music_or_none(
    made: Made, info: VideoInfo, scenes: SceneSheet
) -> None:
    scorer = Scorer(index=made.index, device="cpu")
    first = scorer.plan(info, scenes=scenes)
    song = min(played(first))
    other = next(path for path in sorted(made.music.iterdir()) if path != song)
    with replaced(song, other):
        second = scorer.plan(info, scenes=scenes)
        lock = Scorer(index=made.index, device="cpu", wishes=Wishes(locks=(LockWish(1.0, song.name),)))
        with pytest.raises(InputError, match="contains other music than when it was indexed") as refused:
            lock.plan(info, scenes=scenes)
    assert "soundtrack index" in refused.value.hint
    assert song not in played(second)
    assert any("1 track of the library has changed since it was indexed" in line for line in second.warnings)


def test_the_films_of_a_batch_read_a_song_that_they_share_once(
    made: Made, info: VideoInfo, scenes: SceneSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every film hashed all music that it plays again."""
    read: list[Path] = []
    monkeypatch.setattr(present, "identify", lambda path: read.append(path) or identify(path))
    present._identified.cache_clear()
    scorer = Scorer(index=made.index, device="cpu")
    songs = {song for _ in range(3) for song in played(scorer.plan(info, scenes=scenes))}
    assert sorted(read) == sorted(songs)
    os.utime(read[0])
    scorer.plan(info, scenes=scenes)
    assert read[len(songs) :] == [read[0]]


def test_an_export_names_a_song_that_holds_other_music_by_now(
    made: Made, info: VideoInfo, scenes: SceneSheet, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sheet = Scorer(index=made.index, device="cpu").plan(info, scenes=scenes)
    song = min(played(sheet))
    other = next(path for path in sorted(made.music.iterdir()) if path != song)
    path = tmp_path / "film.cues.json"
    path.write_text(cuesheet.dumps(sheet))
    given = ["cues", "export", str(path), "--film", str(made.film), "--index", str(made.index), "--to", "otio"]
    assert run_commands([*given, "-o", str(tmp_path / "before.otio")]) == 0
    assert "other music" not in capfd.readouterr().err
    with replaced(song, other):
        assert run_commands([*given, "-o", str(tmp_path / "after.otio")]) == 0
    assert f"{song}: contains other music than when the cue sheet was made" in capfd.readouterr().err


def test_a_song_with_new_tags_is_the_same_song(made: Made, info: VideoInfo, scenes: SceneSheet, tmp_path: Path) -> None:
    scorer = Scorer(index=made.index, device="cpu")
    first = scorer.plan(info, scenes=scenes)
    song = min(played(first))
    tagged = tmp_path / song.name
    ffmpeg("-i", str(song), "-c", "copy", "-metadata", "title=new", str(tagged))
    assert tagged.read_bytes() != song.read_bytes()
    with replaced(song, tagged):
        assert scorer.plan(info, scenes=scenes) == first


def test_spot_chose_deleted_songs_that_render_refused(made: Made, scenes: SceneSheet) -> None:
    song = min(played(pipeline.spot_video(scenes, index=made.index)))
    with away(song):
        second = pipeline.spot_video(scenes, index=made.index)
    assert song not in played(second)
    assert any("is missing and left out" in line for line in second.warnings)
    with away(*made.music.iterdir()):
        planned = pipeline.spot_video(scenes, index=made.index)
    assert planned.cues and NO_FILES in planned.warnings, "a plan needs no files, and is made elsewhere too"


def test_render_played_a_replaced_song_without_a_word(
    made: Made, info: VideoInfo, scenes: SceneSheet, tmp_path: Path
) -> None:
    sheet = Scorer(index=made.index, device="cpu").plan(info, scenes=scenes)
    song = min(played(sheet))
    other = next(path for path in sorted(made.music.iterdir()) if path != song)

    def named(report: RenderReport | Stretch) -> list[str]:
        return [line for line in report.warnings if "other music than when the cue sheet was made" in line]

    whole = pipeline.render_video(made.film, sheet, out=tmp_path / "whole.mp4", index=made.index)
    assert named(whole) == []
    with replaced(song, other):
        (line,) = named(pipeline.render_video(made.film, sheet, out=tmp_path / "other.mp4", index=made.index))
        stretch = render_stretch(made.film, sheet, end_s=1.0, draft=True, out=tmp_path / "part.mp4", index=made.index)
    assert line.startswith(f"{song}: ") and "soundtrack index" in line
    assert named(stretch) == [line] == stretch.as_dict()["warnings"]


def test_exports_and_pages_find_music_that_moved_to_another_disk_as_render_does(
    made: Made, info: VideoInfo, scenes: SceneSheet, tmp_path: Path
) -> None:
    """An edit list named files of the old disk, with exit code 0, and the page of `cues show --html` was mute."""
    now = Scorer(index=made.index, device="cpu").plan(info, scenes=scenes)
    former = [replace(track, path=str(tmp_path / Path(track.path).name)) for track in now.tracks]
    sheet = replace(now, tracks=tuple(former))
    found = find_media(sheet, folder=made.film.parent, index=made.index)
    assert found.warnings == ()
    assert {Path(path) for path in found.media.tracks.values()} == played(now)
    page = make_preview(sheet, film=None, index=made.index)
    assert (set(page.sounds), page.warnings) == ({cue.cue_id for cue in sheet.cues}, ())
