"""A film with everything in it, from every container into every container: nothing is lost that is not told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from films import ffmpeg, frame_times_s, make_film, make_job, picture_hash, write_track, write_voice
from soundtrack.errors import OutputError
from soundtrack.media.checking.fingerprint import film_print
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.locate import ffmpeg_path, ffmpeg_version, newer_ffmpeg
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import default_suffix
from soundtrack.mix.render import render_film
from soundtrack.mix.report import RenderReport
from soundtrack.types import Span, StreamKind

SUBTITLES = (
    "1\n00:00:00,500 --> 00:00:01,500\nGood <i>evening</i>\n\n2\n00:00:01,600 --> 00:00:01,900\nand good night\n"
)
CHAPTERS = (
    ";FFMETADATA1\ntitle=The Film\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1200\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1200\nEND=2000\ntitle=Two\n"
)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("music") / "t.wav", seconds=5.0)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Per container: frames at varying times, B-frames, turned, two sounds, subtitles, chapters; a font in Matroska."""
    folder = tmp_path_factory.mktemp("everything")
    voice = write_voice(folder / "voice.wav", seconds=2.0, spans=(Span(0.5, 1.5),))
    (folder / "s.srt").write_text(SUBTITLES)
    (folder / "c.txt").write_text(CHAPTERS)
    (folder / "font.ttf").write_bytes(b"not really a font" * 50)
    made = {}
    for suffix, subtitles in ((".mp4", "mov_text"), (".mov", "mov_text"), (".mkv", "srt")):
        font = ["-attach", folder / "font.ttf", "-metadata:s:t:0", "mimetype=font/ttf"] if suffix == ".mkv" else []
        ffmpeg(
            "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=2", "-i", voice,
            "-f", "lavfi", "-i", "sine=440:duration=2", "-i", folder / "s.srt", "-i", folder / "c.txt",
            "-map", 0, "-map", 1, "-map", 2, "-map", 3, "-map_metadata", 4, "-c:v", "libx264", "-bf", 2,
            "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", 10,
            "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr", "-c:a:0", "aac", "-c:a:1", "ac3",
            "-c:s", subtitles, "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger",
            "-metadata:s:a:1", "title=Kommentar", "-metadata:s:a:1", "handler_name=Kommentar",
            "-disposition:a:0", "default", "-disposition:a:1", "comment", "-metadata:s:s:0", "language=eng",
            *font, folder / f"upright{suffix}",
        )  # fmt: skip
        made[suffix] = turned(folder / f"upright{suffix}", folder / f"film{suffix}")
    return made


def turned(film: Path, out: Path) -> Path:
    """The same film, shown on its side, by an ffmpeg that can say so."""
    program = newer_ffmpeg((7, 0)) or ffmpeg_path()
    how = ["-display_rotation", "90"] if (ffmpeg_version(program) or (0, 0)) >= (6, 0) else []
    late = [] if how else ["-metadata:s:v", "rotate=90"]
    head = [str(program), "-v", "error", "-y", *how, "-i", str(film)]
    subprocess.run([*head, "-map", "0", "-map", "-0:d", "-c", "copy", *late, str(out)], check=True)
    return out


def render(film: Path, out: Path, track: Path) -> RenderReport:
    job = make_job(film, [track], speech=(Span(0.5, 1.5),))
    return render_film(probe(film), job.sheet, out, track_paths=job.track_paths)


TOLD = {  # (from, into): what is not as it was, and is said to be so
    (".mp4", ".mp4"): (),
    (".mov", ".mov"): (),
    (".mkv", ".mkv"): (),
    (".mp4", ".mov"): ("flags: comment",),
    (".mov", ".mp4"): (),
    (".mp4", ".mkv"): ("mov_text) converted to srt",),
    (".mov", ".mkv"): ("mov_text) converted to srt",),
    (".mkv", ".mp4"): ("subrip) converted to mov_text", "attachment stream 4 (unknown) omitted"),
    (".mkv", ".mov"): ("subrip) converted to mov_text", "attachment stream 4 (unknown) omitted", "roles: comment"),
}


@pytest.mark.parametrize(("source", "target"), list(TOLD))
def test_nothing_is_lost_that_is_not_told(
    tmp_path: Path, films: dict[str, Path], track: Path, source: str, target: str
) -> None:
    film, out = films[source], tmp_path / f"out{target}"
    report = render(film, out, track)
    told = TOLD[source, target]
    assert len(report.warnings) == len(told), report.warnings
    assert all(any(words in line for line in report.warnings) for words in told), report.warnings
    assert picture_hash(out) == picture_hash(film)
    assert probe(out).rotation_deg == probe(film).rotation_deg == 270
    np.testing.assert_allclose(frame_times_s(out), frame_times_s(film), atol=0.0015)
    assert len(np.unique(np.round(np.diff(frame_times_s(film)), 2))) > 1, "the frames were to come at varying times"
    print_ = film_print(out)
    assert [c[2] for c in print_.chapters] == ["One", "Two"]
    assert print_.tags["title"] == "The Film"
    sounds = [s for s in print_.streams if s.kind is StreamKind.AUDIO]
    assert [(s.language, "default" in s.flags) for s in sounds] == [("eng", True), ("ger", False)]
    assert (sounds[1].codec, sounds[1].title) == ("ac3", "Kommentar")
    assert ("comment" in sounds[1].flags) == (target != ".mov" and source != ".mov")
    words = [s.texts for s in print_.streams if s.kind is StreamKind.SUBTITLE]
    assert words == [((5, "Good evening"), (16, "and good night"))]
    n_fonts = sum(s.kind is StreamKind.ATTACHMENT for s in print_.streams)
    assert n_fonts == ((source, target) == (".mkv", ".mkv"))
    found = compare_streams(film, out)
    assert found.is_same, found.differences
    assert any("video stream 0 (h264)" in line for line in found.unchanged)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_film_cut_off_a_key_frame_keeps_its_cut(
    tmp_path: Path, films: dict[str, Path], track: Path, suffix: str
) -> None:
    film, out = tmp_path / f"cut{suffix}", tmp_path / f"out{suffix}"
    ffmpeg("-ss", 0.7, "-i", films[suffix], "-map", 0, "-map", "-0:d", "-c", "copy", film)
    assert probe(film).hides_head
    render(film, out, track)
    assert picture_hash(out) == picture_hash(film)
    np.testing.assert_allclose(frame_times_s(out), frame_times_s(film), atol=0.0015)
    assert compare_streams(film, out).is_same
    with pytest.raises(OutputError, match="hidden first frames") as refused:
        render(film, tmp_path / "out.mkv", track)
    assert f"use {suffix}" in (refused.value.hint or "")
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("target", [".avi", ".ts"])
def test_a_turned_picture_is_refused_where_it_would_lie_on_its_side(
    tmp_path: Path, films: dict[str, Path], track: Path, target: str
) -> None:
    with pytest.raises(OutputError, match="a rotation of 270 degrees") as refused:
        render(films[".mp4"], tmp_path / f"out{target}", track)
    assert "use .mp4" in (refused.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_the_nearest_container_that_holds_all_is_taken(tmp_path: Path, films: dict[str, Path]) -> None:
    for suffix, film in films.items():
        assert default_suffix(probe(film)) == suffix
    odd = tmp_path / "odd.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-c:v", "libvpx", odd)
    assert default_suffix(probe(odd)) == ".mkv"
    plain = make_film(tmp_path / "plain.avi", seconds=1.0)
    assert default_suffix(probe(plain)) == ".avi"


def test_the_streams_that_a_muxer_writes_by_itself_are_known_by_what_they_are(
    tmp_path: Path, films: dict[str, Path]
) -> None:
    clocked = tmp_path / "clocked.mov"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-timecode", "01:00:00:00", clocked)
    assert [s.codec for s in probe(clocked).streams] == ["h264", "tmcd"]
    assert probe(films[".mp4"]).streams[-1].codec == "text"
