"""Further ordinary films that were refused after all the work, after reports about other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from films import ffmpeg, make_film, make_job, write_track
from soundtrack.media.fingerprint import film_print
from soundtrack.media.probe import probe
from soundtrack.media.verify import compare_streams
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


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv"])
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
