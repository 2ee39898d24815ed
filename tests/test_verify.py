"""Every kind of loss has a name; what was announced is not called a loss."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from films import ffmpeg, make_film, make_job, write_track, write_voice
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.reading.probe import probe
from soundtrack.mix.render import render_film
from soundtrack.types import Span


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with two sounds, subtitles, chapters and a title, and its scored version."""
    folder = tmp_path_factory.mktemp("verify")
    voice = write_voice(folder / "voice.wav", seconds=2.0, spans=(Span(0.5, 1.5),))
    (folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    (folder / "c.txt").write_text(
        ";FFMETADATA1\ntitle=The Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n"
    )
    make_film(
        folder / "film.mkv",
        sound=voice,
        seconds=2.0,
        inputs=["-i", folder / "s.srt", "-i", folder / "c.txt", "-f", "lavfi", "-i", "sine=99:duration=2"],
        more=[
            "-map",
            0,
            "-map",
            1,
            "-map",
            4,
            "-map",
            2,
            "-map_metadata",
            3,
            "-metadata:s:s:0",
            "language=eng",
            "-c:s",
            "srt",
        ],
    )
    job = make_job(folder / "film.mkv", [write_track(folder / "t.wav", seconds=4.0)])
    render_film(probe(job.film), job.sheet, folder / "scored.mkv", track_paths=job.track_paths)
    return folder


def test_a_scored_film_is_the_same_but_for_its_sound(folder: Path) -> None:
    found = compare_streams(folder / "film.mkv", folder / "scored.mkv")
    assert found.is_same
    assert len(found.unchanged) == 3
    assert found.expected == ("audio stream 1 (opus): included in the mix",)


def test_a_film_is_the_same_as_itself(folder: Path) -> None:
    found = compare_streams(folder / "film.mkv", folder / "film.mkv")
    assert found.is_same
    assert len(found.unchanged) == 4


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (["-map", "0", "-map", "-0:s"], "subtitle stream 3 (subrip): present became missing"),
        (["-map", "0", "-map", "-0:a:1"], "audio stream 2 (opus): present became missing"),
        (["-map", "0", "-map_chapters", "-1"], "chapters: 1 became 0"),
        (["-map", "0", "-metadata", "title=Another"], "tag title: 'The Film' became 'Another'"),
        (["-map", "0", "-metadata:s:s:0", "language=ger"], "subtitle stream 3 (subrip): language: eng became ger"),
        (["-map", "0", "-c:v", "libx264", "-crf", "40"], "video stream 0 (h264): content"),
        (["-map", "0", "-t", "1"], "video stream 0 (h264): content"),
    ],
)
def test_each_loss_has_its_name(folder: Path, tmp_path: Path, change: list[str], what: str) -> None:
    copied = ["-c", "copy"] if "-c:v" not in change else ["-c:a", "copy", "-c:s", "copy"]
    ffmpeg("-i", folder / "scored.mkv", *copied, *change, tmp_path / "worse.mkv")
    found = compare_streams(folder / "film.mkv", tmp_path / "worse.mkv")
    assert not found.is_same
    assert any(what in str(difference) for difference in found.differences), found.differences


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_pixels_of_an_odd_shape_that_the_container_rounds_are_the_same_picture(tmp_path: Path, suffix: str) -> None:
    film = tmp_path / "film.mp4"
    make_film(film, seconds=1.0, more=["-vf", "scale=640:338,setsar=72163/72320:max=100000", "-c:v", "libx264"])
    job = make_job(film, [write_track(tmp_path / "t.wav", seconds=4.0)])
    scored = tmp_path / f"scored{suffix}"
    render_film(probe(film), job.sheet, scored, track_paths=job.track_paths)
    assert compare_streams(film, scored).is_same


def test_pixels_of_another_shape_are_a_difference(tmp_path: Path) -> None:
    for name, shape in (("a.mkv", "16/15"), ("b.mkv", "64/45")):
        make_film(tmp_path / name, seconds=1.0, more=["-c:v", "mpeg4"])
        ffmpeg("-i", tmp_path / name, "-c", "copy", "-aspect:v", shape, tmp_path / f"shaped-{name}")
    found = compare_streams(tmp_path / "shaped-a.mkv", tmp_path / "shaped-b.mkv")
    assert "picture: aspect" in [one.what for one in found.differences]


def test_framing_of_another_container_is_no_difference(folder: Path, tmp_path: Path) -> None:
    ffmpeg("-i", folder / "film.mkv", "-map", "0:v", "-c", "copy", tmp_path / "a.ts")
    ffmpeg("-i", tmp_path / "a.ts", "-map", "0:v", "-c", "copy", tmp_path / "b.mp4")
    assert compare_streams(tmp_path / "a.ts", tmp_path / "b.mp4").is_same
    assert compare_streams(tmp_path / "b.mp4", tmp_path / "a.ts").is_same


def test_the_command_ends_with_nine_when_something_is_lost(folder: Path, tmp_path: Path) -> None:
    ffmpeg("-i", folder / "scored.mkv", "-map", "0", "-map", "-0:s", "-c", "copy", tmp_path / "worse.mkv")
    good, bad = (
        subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(folder / "film.mkv"), str(path), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        for path in (folder / "scored.mkv", tmp_path / "worse.mkv")
    )
    assert (good.returncode, json.loads(good.stdout)["same"]) == (0, True)
    assert (bad.returncode, json.loads(bad.stdout)["same"]) == (9, False)
    assert "subtitle stream 3 (subrip): present became missing" in bad.stderr


_PROGRAM = """
import sys, typer
from soundtrack.cli.film.verify import verify
from soundtrack.errors import SoundtrackError
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(verify)
try:
    app(standalone_mode=False)
except SoundtrackError as error:
    sys.exit(int(error.exit_code))
"""
