"""Nothing of a film is lost on the way through the muxer; what a container can't hold is named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from films import Job, ffmpeg, make_film, make_job, write_track, write_voice
from soundtrack.errors import FfmpegError, InputError, OutputError, Reason
from soundtrack.media.checking.fingerprint import film_print
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.locate import ffmpeg_path, ffmpeg_version
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import default_suffix
from soundtrack.media.writing.own_mark import FILM
from soundtrack.mix.render import render_film
from soundtrack.mix.report import RenderReport
from soundtrack.types import Span, StreamKind

SUBTITLES = (
    "1\n00:00:00,500 --> 00:00:01,500\nGood <i>evening</i>\n\n2\n00:00:02,000 --> 00:00:02,800\nand good night\n"
)
CHAPTERS = (
    ";FFMETADATA1\ntitle=The Film\nartist=Somebody\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n"
)


def render(job: Job, out: Path) -> RenderReport:
    return render_film(probe(job.film), job.sheet, out, track_paths=job.track_paths)


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("music") / "t.wav", seconds=6.0)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "voice.wav", seconds=3.0, spans=(Span(0.5, 2.0),))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory, voice: Path) -> Path:
    """Matroska with two sounds, subtitles, chapters, tags, an attachment and cover art, B-frames and varying rate."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "s.srt").write_text(SUBTITLES)
    (folder / "c.txt").write_text(CHAPTERS)
    (folder / "font.ttf").write_bytes(b"not really a font" * 50)
    picture = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=3"]
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", 1, folder / "cover.png")
    ffmpeg(
        *picture, "-i", voice, "-f", "lavfi", "-i", "sine=440:duration=3",
        "-i", folder / "s.srt", "-i", folder / "c.txt",
        "-map", 0, "-map", 1, "-map", 2, "-map", 3, "-map_metadata", 4, "-c:v", "libx264", "-bf", 2,
        "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr", "-c:a:0", "aac", "-c:a:1", "ac3", "-c:s", "srt",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:1", "title=Kommentar",
        "-disposition:a:0", "default", "-disposition:a:1", "comment", "-metadata:s:s:0", "language=eng",
        "-attach", folder / "font.ttf", "-metadata:s:t:0", "mimetype=font/ttf",
        "-attach", folder / "cover.png", "-metadata:s:t:1", "mimetype=image/png",
        "-metadata:s:t:1", "filename=cover.png",
        folder / "rich.mkv",
    )  # fmt: skip
    return folder / "rich.mkv"


def test_cover_art_and_tags_stay(tmp_path: Path, rich: Path, track: Path) -> None:
    out = tmp_path / "out.mkv"
    report = render(make_job(rich, [track], speech=(Span(0.5, 2.0),)), out)
    assert report.warnings == ()
    print_ = film_print(out)
    assert print_.tags["artist"] == "Somebody"
    assert [s.kind.value for s in print_.streams].count("attachment") == 1
    assert any("attached_pic" in s.flags for s in print_.streams)
    assert compare_streams(rich, out).is_same


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_rotation_and_colour_survive(tmp_path: Path, track: Path, suffix: str) -> None:
    plain = make_film(
        tmp_path / "plain.mp4", seconds=2.0, more=["-color_primaries", "bt2020", "-color_trc", "smpte2084"]
    )
    turned = tmp_path / f"turned{suffix}"
    if (ffmpeg_version(ffmpeg_path()) or (0, 0)) >= (6, 0):
        ffmpeg("-display_rotation", 90, "-i", plain, "-c", "copy", turned)
    else:
        ffmpeg("-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    assert probe(turned).rotation_deg in (90, 270)
    out = tmp_path / f"out{suffix}"
    render(make_job(turned, [track]), out)
    assert probe(out).rotation_deg == probe(turned).rotation_deg
    before, after = film_print(turned).picture, film_print(out).picture
    assert before is not None
    assert before == after


def test_a_gif_becomes_an_mp4_and_says_so(tmp_path: Path, track: Path) -> None:
    film = tmp_path / "film.gif"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=81x45:rate=10:duration=2", film)
    assert default_suffix(probe(film)) == ".mp4"
    report = render(make_job(film, [track]), tmp_path / "out.mp4")
    assert [s.codec for s in probe(tmp_path / "out.mp4").streams] == ["h264", "aac"]
    assert "converted" in report.warnings[0]


def test_sound_that_starts_late_and_a_clock_that_does_not_start_at_zero(
    tmp_path: Path, track: Path, voice: Path
) -> None:
    film = tmp_path / "film.ts"
    make_film(tmp_path / "plain.mp4", sound=voice, seconds=3.0)
    ffmpeg("-i", tmp_path / "plain.mp4", "-c", "copy", "-output_ts_offset", 5000, film)
    assert probe(film).start_s > 4999
    for name in ("out.mp4", "out.mkv", "out.ts"):
        render(make_job(film, [track]), tmp_path / name)
        print_ = film_print(tmp_path / name)
        sound = next(s for s in print_.streams if s.kind is StreamKind.AUDIO)
        assert sound.start_s is not None
        assert abs(sound.start_s) < 0.03


def test_the_kept_sound_is_the_same_to_the_sample(tmp_path: Path, rich: Path, track: Path) -> None:
    out = tmp_path / "out.mkv"
    render(make_job(rich, [track]), out)
    kept, source = probe(out).audio_streams[1], probe(rich).audio_streams[1]
    np.testing.assert_array_equal(
        read_audio(out, sample_rate_hz=48000, channels=1, stream=kept.index),
        read_audio(rich, sample_rate_hz=48000, channels=1, stream=source.index),
    )


def test_nothing_of_this_machine_is_in_the_file(tmp_path: Path, track: Path, voice: Path) -> None:
    film = make_film(tmp_path / "film.mp4", sound=voice, seconds=2.0)
    render(make_job(film, [track]), tmp_path / "out.mp4")
    content = (tmp_path / "out.mp4").read_bytes()
    assert str(tmp_path).encode() not in content
    assert track.name.encode() not in content
    assert b".part" not in content


def test_a_disk_that_fills_up_is_an_error_that_leaves_nothing(
    tmp_path: Path, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=3.0)
    job = make_job(film, [track])
    from soundtrack.mix import render as module

    class CutShort:
        """A muxer on a full disk: its file ends early and ffmpeg says nothing."""

        def __init__(self, info: object, part: Path, **options: object) -> None:
            self._part = part
            self._context = real(info, part, **options)

        def __enter__(self) -> object:
            return self._context.__enter__()

        def __exit__(self, *what: object) -> None:
            self._context.__exit__(*what)
            self._part.write_bytes(self._part.read_bytes()[: self._part.stat().st_size // 2])

    real = module.mux
    monkeypatch.setattr(module, "mux", CutShort)
    with pytest.raises(OutputError, match=r"failed verification|cannot read back"):
        render(job, tmp_path / "out.mkv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mkv"]


def test_any_fault_of_reading_back_was_called_a_full_disk(
    tmp_path: Path, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from soundtrack.media.checking import verify as module

    job = make_job(make_film(tmp_path / "film.mkv", seconds=2.0), [track])
    bug, unreadable = KeyError("stream"), InputError("out.mkv: damaged", hint="copy it again", reason=Reason.CORRUPT)
    for error, expected in ((bug, KeyError), (unreadable, OutputError)):
        monkeypatch.setattr(module, "film_print", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
        with pytest.raises(expected) as raised:
            render(job, tmp_path / "out.mkv")
        assert "free disk space" not in getattr(raised.value, "hint", "")


def test_a_full_disk_of_stems_was_called_a_fault_of_the_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from soundtrack.files import safe_write
    from soundtrack.files.safe_write import Together
    from soundtrack.mix import stems as module

    real = safe_write.shutil.disk_usage
    for when in ("write", "finish"):
        monkeypatch.setattr(safe_write.shutil, "disk_usage", real)
        with (
            pytest.raises(OutputError, match=r"film\.MX\.flac: the disk is full"),
            Together() as files,
            module.StemWriter(tmp_path / when, "film", files=files, force=False) as writer,
        ):
            writer.restart()

            def failing(*_: object) -> None:
                monkeypatch.setattr(safe_write.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
                raise FfmpegError("closing: No space left on device", hint="")

            if when == "finish":
                writer._encoders.callback(failing)
                writer.finish()
            else:
                monkeypatch.setattr(writer._pipes[0], "write", failing)
                writer.write(np.zeros((2, 4_800), np.float32), None)
        assert not (tmp_path / when).exists()


def test_a_full_disk_is_called_by_its_name(tmp_path: Path, track: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=1.0)
    job = make_job(film, [track])
    from soundtrack.files import safe_write
    from soundtrack.mix import render as module

    def failing(*_: object, **__: object) -> None:
        monkeypatch.setattr(safe_write.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        raise FfmpegError("writing: No space left on device", hint="")

    monkeypatch.setattr(module, "mux", failing)
    with pytest.raises(OutputError, match=r"out\.mkv: the disk is full"):
        render(job, tmp_path / "out.mkv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mkv"]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts"])
def test_force_replaces_a_scored_film_and_never_another_film(tmp_path: Path, track: Path, suffix: str) -> None:
    """`--force` with the name of another film replaced a film of the user."""
    codec = "libvpx" if suffix == ".webm" else "libx264"
    film = tmp_path / f"film{suffix}"
    tag = "genre" if suffix.endswith("ts") else "title"
    said = ["-metadata", "artist=soundtrack", "-metadata", f"{tag}=soundtrack"]
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2", "-c:v", codec, *said, film)
    other = tmp_path / f"holiday{suffix}"
    other.write_bytes(film.read_bytes())
    job = make_job(film, [track])
    with pytest.raises(OutputError, match="already exists and is not a film written by soundtrack"):
        render_film(probe(film), job.sheet, other, track_paths=job.track_paths, force=True)
    assert other.read_bytes() == film.read_bytes()

    out = tmp_path / f"out{suffix}"
    for force in (False, True):
        report = render_film(probe(film), job.sheet, out, track_paths=job.track_paths, force=force)
        assert report.warnings == ()
    again = tmp_path / f"again{suffix}"
    render(make_job(out, [track]), again)
    assert FILM.is_one(out)
    assert FILM.is_one(again), "a scored film that was scored again"
    ffmpeg("-i", out, "-c", "copy", "-map_metadata", "-1", tmp_path / f"copy{suffix}")
    assert not FILM.is_one(tmp_path / f"copy{suffix}"), "a copy by another program"


def test_a_film_keeps_who_encoded_it(tmp_path: Path, track: Path) -> None:
    film = tmp_path / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2", "-c:v", "mpeg4"),
        *("-metadata", "encoded_by=Somebody", film),
    )
    for name in ("out.mkv", "out.avi"):
        render(make_job(film, [track]), tmp_path / name)
        assert film_print(tmp_path / name).tags["encoded_by"] == "Somebody"
