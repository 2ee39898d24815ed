"""Further ordinary films that were refused after all the work, after reports about other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from films import ffmpeg, make_film, make_job, write_track
from soundtrack.media.checking.fingerprint import film_print
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.locate import ffmpeg_path, ffmpeg_version
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import default_suffix
from soundtrack.mix.render import RenderReport, render_film

SECOND_SOUND = ["-f", "lavfi", "-i", "sine=300:d=2", "-f", "lavfi", "-i", "sine=500:d=2"]
TWO = ["-map", 0, "-map", 1, "-map", 2]


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("music") / "t.wav", seconds=4.0)


def render(film: Path, out: Path, track: Path) -> RenderReport:
    """Score it, and let `verify` find no more than the summary."""
    job = make_job(film, [track])
    report = render_film(probe(film), job.sheet, out, track_paths=job.track_paths)
    found = compare_streams(film, out)
    assert found.is_same, found.differences
    return report


CHAPTERS = [
    (0, 500, "Ä" * 40),
    (500, 500, "zero"),
    (700, 1500, "🎬"),
    (1000, 1200, "inside"),
    (1500, 9000, "past the end"),
]


@pytest.mark.parametrize("target", [".mp4", ".mov"])
def test_chapters_that_overlap_or_end_anywhere_are_no_reason_to_refuse(
    tmp_path: Path, track: Path, target: str
) -> None:
    lines = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={title}\n" for a, b, title in CHAPTERS]
    (tmp_path / "chapters").write_text(";FFMETADATA1\n" + "".join(lines), encoding="utf-8")
    film = make_film(
        tmp_path / "film.mkv", seconds=2.0, inputs=["-i", tmp_path / "chapters"], more=["-map", 0, "-map_chapters", 1]
    )
    render(film, tmp_path / f"out{target}", track)
    kept = film_print(tmp_path / f"out{target}").chapters
    assert [(start // 10, title) for start, _, title in kept] == [(a // 100, title) for a, _, title in CHAPTERS]


def test_cover_art_of_mp4_gets_a_file_name_in_matroska(tmp_path: Path, track: Path) -> None:
    picture = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-frames:v", 1, picture)
    plain = make_film(tmp_path / "plain.mp4", seconds=2.0)
    film = tmp_path / "film.mp4"
    ffmpeg("-i", plain, "-i", picture, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:1", "attached_pic", film)
    assert render(film, tmp_path / "out.mkv", track).warnings == ()
    assert film_print(tmp_path / "out.mkv").streams[-1].digest == film_print(film).streams[1].digest


def two_sounds(path: Path, *more: object) -> Path:
    return make_film(path, seconds=2.0, inputs=SECOND_SOUND, more=[*TWO, *more])


@pytest.mark.parametrize("source", [".mp4", ".mkv"])
def test_languages_that_old_macintosh_systems_had_no_number_for_are_kept_in_mov(
    tmp_path: Path, track: Path, source: str
) -> None:
    words = ["-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=fil", "-metadata:s:v", "language=qaa"]
    film = two_sounds(tmp_path / f"film{source}", *words, "-c:a", "aac" if source == ".mp4" else "libopus")
    assert [x for x in render(film, tmp_path / "out.mov", track).warnings if "converted" not in x] == []
    assert [s.language for s in film_print(tmp_path / "out.mov").streams] == ["qaa", "deu", "fil"]


def test_a_second_sound_of_a_broadcast_goes_into_mp4_as_it_is(tmp_path: Path, track: Path) -> None:
    film = two_sounds(tmp_path / "film.ts", "-c:a", "mp2")
    assert render(film, tmp_path / "out.mp4", track).warnings == ()
    assert film_print(tmp_path / "out.mp4").streams[2].digest == film_print(film).streams[2].digest


@pytest.mark.parametrize("target", [".mov", ".mp4"])
def test_tags_that_a_kind_of_file_has_no_place_for_are_named(tmp_path: Path, track: Path, target: str) -> None:
    words = ["-metadata", "title=T", "-metadata", "composer=C", "-metadata", "performer=P"]
    film = make_film(tmp_path / "film.mkv", seconds=2.0, more=words)
    said = render(film, tmp_path / f"out{target}", track).warnings
    lost = {"performer": "'P'"} | ({"composer": "'C'"} if target == ".mov" else {})
    assert sorted(said) == [f"tag {name} not kept: {value}" for name, value in sorted(lost.items())]
    assert film_print(tmp_path / f"out{target}").tags["title"] == "T"


@pytest.mark.parametrize("target", [".mov", ".mp4"])
def test_a_film_in_3d_says_so_or_its_loss_is_named(tmp_path: Path, track: Path, target: str) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=1.0, more=["-metadata:s:v:0", "stereo_mode=left_right"])
    said = render(film, tmp_path / f"out{target}", track).warnings
    (written,) = film_print(film).streams[0].facts
    is_kept = written in film_print(tmp_path / f"out{target}").streams[0].facts  # newer ffmpeg loses it in mp4
    assert is_kept or target == ".mov" or (ffmpeg_version(ffmpeg_path()) or (0, 0)) > (7, 0)
    assert any("Stereo 3D not kept" in line for line in said) is not is_kept


def test_a_preview_picture_of_a_drone_goes_into_mov(tmp_path: Path, track: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=80x60:r=1:d=1"]
    codec = ["-c:v:1", "mjpeg", "-pix_fmt:v:1", "yuvj420p", "-bf:v:1", 0]
    film = make_film(tmp_path / "film.mp4", seconds=2.0, inputs=picture, more=["-map", 0, "-map", 1, *codec])
    assert render(film, tmp_path / "out.mov", track).warnings == ()
    assert len(film_print(tmp_path / "out.mov").streams) == 3


def test_the_name_of_a_track_of_mp4_is_a_title_in_matroska(tmp_path: Path, track: Path) -> None:
    film = two_sounds(tmp_path / "film.mp4", "-metadata:s:a:1", "handler_name=Director’s “cut”")
    assert render(film, tmp_path / "out.mkv", track).warnings == ()
    assert [s.title for s in film_print(tmp_path / "out.mkv").streams] == [None, None, "Director’s “cut”"]
    assert "major_brand" not in film_print(tmp_path / "out.mkv").tags


def test_the_reel_of_a_camera_is_kept_or_its_loss_is_named(tmp_path: Path, track: Path) -> None:
    words = ["-timecode", "10:11:12:13", "-metadata:s:v", "reel_name=A001"]
    film = make_film(tmp_path / "film.mov", seconds=2.0, more=words)
    assert render(film, tmp_path / "out.mov", track).warnings == ()
    assert ("reel name", "A001") in film_print(tmp_path / "out.mov").facts
    assert "film: reel name not kept: A001" in render(film, tmp_path / "out.mkv", track).warnings


def test_one_programme_without_a_name_is_no_loss(tmp_path: Path, track: Path) -> None:
    film = two_sounds(tmp_path / "film.ts")
    assert render(film, tmp_path / "out.mkv", track).warnings == ()


def test_raw_video_of_a_dv_camera_is_a_film(tmp_path: Path) -> None:
    film = tmp_path / "film.dv"
    sound = ["-f", "lavfi", "-i", "sine=d=0.4:r=48000", "-ac", 2]
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=0.4", *sound, "-timecode", "10:11:12:13", film)
    found = probe(film)
    assert (found.start_timecode, default_suffix(found)) == ("10:11:12:13", ".mkv")
