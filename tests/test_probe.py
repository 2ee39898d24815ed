"""What a file is, and why it is refused."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from soundtrack.errors import InputError, Reason
from soundtrack.media.process import file_arg, run_ffmpeg
from soundtrack.media.reading.probe import probe, probe_audio
from soundtrack.types import StreamKind

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=2")
SOUND = ("-f", "lavfi", "-i", "sine=f=440:r=44100:d=2")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def make(path: Path, *args: str) -> Path:
    """A file by ffmpeg."""
    run_ffmpeg([*args, "-y", file_arg(path)], task="making a test file")
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of picture and sound, header first."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make(path, *PICTURE, *SOUND, *X264, "-c:a", "aac", "-movflags", "+faststart")


def refused(path: Path, *, audio: bool = False) -> Reason:
    """The reason for which a file is refused; message and hint must be of use."""
    with pytest.raises(InputError) as caught:
        probe_audio(path) if audio else probe(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    return caught.value.reason


def test_an_ordinary_film(film: Path) -> None:
    info = probe(film)
    assert info.duration_s == pytest.approx(2.0, abs=0.001)
    assert (info.fps, info.width_px, info.height_px) == (Fraction(25), 160, 120)
    assert (info.rotation_deg, info.start_s, info.video_stream) == (0, 0.0, 0)
    assert "mp4" in info.container
    assert [(s.kind, s.codec) for s in info.streams] == [(StreamKind.VIDEO, "h264"), (StreamKind.AUDIO, "aac")]
    assert info.main_audio is not None
    assert (info.main_audio.channels, info.main_audio.sample_rate_hz) == (1, 44100)


def test_cover_art_is_not_the_film(tmp_path: Path, film: Path) -> None:
    cover = make(tmp_path / "c.png", "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04", "-frames:v", "1")
    both = make(
        tmp_path / "both.mp4",
        *("-i", file_arg(cover), "-i", file_arg(film), "-map", "0", "-map", "1", "-c", "copy"),
        *("-disposition:v:0", "attached_pic"),
    )
    info = probe(both)
    assert (info.width_px, info.streams[info.video_stream].codec) == (160, "h264")
    assert sum(s.is_attached_picture for s in info.streams) == 1


def test_the_default_picture_is_taken(tmp_path: Path) -> None:
    two = make(
        tmp_path / "two.mkv",
        *("-f", "lavfi", "-i", "color=red:s=80x60:r=10:d=1", *PICTURE, "-map", "0", "-map", "1", *X264),
        *("-disposition:v:0", "0", "-disposition:v:1", "default"),
    )
    assert (probe(two).video_stream, probe(two).width_px) == (1, 160)


def test_pixels_that_are_not_square_and_a_late_start(tmp_path: Path) -> None:
    wide = make(tmp_path / "a.ts", *PICTURE, "-vf", "setsar=2", *X264, "-output_ts_offset", "90000", "-f", "mpegts")
    info = probe(wide)
    assert (info.width_px, info.height_px) == (320, 120)
    assert info.start_s == pytest.approx(90_001.4, abs=0.2)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)


def test_a_clock_that_jumps_does_not_make_a_film_of_hours(tmp_path: Path, film: Path) -> None:
    parts = [
        make(tmp_path / f"{i}.ts", "-i", file_arg(film), "-c", "copy", "-output_ts_offset", at, "-f", "mpegts")
        for i, at in enumerate(("0", "50000"))
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert probe(joined).duration_s == pytest.approx(4.0, abs=0.1)


def test_a_stream_without_a_header_is_counted(tmp_path: Path) -> None:
    assert probe(make(tmp_path / "raw.h264", *PICTURE, *X264)).duration_s == pytest.approx(2.0, abs=0.05)


def test_stamps_below_zero(tmp_path: Path, film: Path) -> None:
    shifted = ("-output_ts_offset", "-1", "-avoid_negative_ts", "disabled")
    info = probe(make(tmp_path / "a.mkv", "-i", file_arg(film), "-c", "copy", *shifted))
    assert info.start_s == pytest.approx(-1.0, abs=0.03)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)


def test_subtitles_that_outlast_the_picture_do_not_count(tmp_path: Path, film: Path) -> None:
    (tmp_path / "s.srt").write_text("1\n00:00:00,000 --> 00:00:09,000\nhello\n")
    args = ("-i", file_arg(film), "-f", "srt", "-i", file_arg(tmp_path / "s.srt"), "-c", "copy", "-c:s", "srt")
    info = probe(make(tmp_path / "a.mkv", *args))
    assert info.duration_s == pytest.approx(2.0, abs=0.05)
    assert info.streams[-1].kind is StreamKind.SUBTITLE


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"", Reason.EMPTY),
        ("a.mp4", b"this is not a film\n" * 9, Reason.NOT_MEDIA),
        ("a.mp4", bytes(range(256)) * 300, Reason.NOT_MEDIA),
        ("a.mp4", b"ffconcat version 1.0\nfile other.mp4\n", Reason.NOT_MEDIA),
        ("a.mp4", b"#EXTM3U\n#EXTINF:6,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", Reason.NOT_MEDIA),
        ("a.y4m", b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420\nFRAME\n", Reason.TOO_LARGE),
        ("a.y4m", b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420\nFRAME\n", Reason.UNSUPPORTED),
        ("a.mp3", b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10, Reason.NO_AUDIO),
    ],
    ids=["empty", "text", "bytes", "concat", "playlist", "huge", "raw", "tag only"],
)
def test_what_is_no_film_is_refused(tmp_path: Path, name: str, content: bytes, reason: Reason) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refused(path) is reason
    assert refused(path, audio=True) is reason


def test_a_film_without_its_header_is_corrupt(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mp4", *PICTURE, *X264)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert refused(cut) is Reason.CORRUPT


def test_a_header_without_pictures_is_corrupt(tmp_path: Path, film: Path) -> None:
    raw = film.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(raw[: raw.index(b"mdat") + 4])
    assert refused(broken) is Reason.CORRUPT


def test_stills_are_no_films(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.bmp"):
        assert refused(make(tmp_path / name, *PICTURE, "-frames:v", "1")) is Reason.STILL_IMAGE
    assert refused(make(tmp_path / "a.gif", *PICTURE, "-frames:v", "1")) is Reason.STILL_IMAGE
    assert probe(make(tmp_path / "b.gif", *PICTURE)).duration_s == pytest.approx(2.0, abs=0.1)


def test_sound_is_no_film_and_film_may_have_no_sound(tmp_path: Path) -> None:
    assert refused(make(tmp_path / "a.m4a", *SOUND)) is Reason.NO_VIDEO
    silent = make(tmp_path / "a.mp4", *PICTURE, *X264)
    assert refused(silent, audio=True) is Reason.NO_AUDIO
    assert probe(silent).main_audio is None


def test_music_with_a_cover_is_no_film(tmp_path: Path) -> None:
    song = make(tmp_path / "a.mp3", *SOUND)
    cover = make(tmp_path / "c.jpg", "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04", "-frames:v", "1")
    args = ("-i", file_arg(song), "-i", file_arg(cover), "-map", "0", "-map", "1", "-c", "copy")
    both = make(tmp_path / "b.mp3", *args, "-disposition:v", "attached_pic")
    assert refused(both) is Reason.NO_VIDEO
    assert probe_audio(both).duration_s == pytest.approx(2.0, abs=0.1)


def test_encrypted_films_are_refused(tmp_path: Path, film: Path) -> None:
    key = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    locked = make(tmp_path / "a.mp4", "-i", file_arg(film), "-c", "copy", "-encryption_scheme", "cenc-aes-ctr", *key)
    assert refused(locked) is Reason.ENCRYPTED
    assert refused(locked, audio=True) is Reason.ENCRYPTED


def test_bought_music_with_protection_is_refused(tmp_path: Path) -> None:
    song = make(tmp_path / "a.m4a", *SOUND)
    raw = song.read_bytes()
    place = raw.index(b"mp4a", raw.index(b"stsd"))
    song.write_bytes(raw[:place] + b"drms" + raw[place + 4 :])
    assert refused(song, audio=True) is Reason.ENCRYPTED


def test_a_picture_of_gigapixels_is_never_decoded(tmp_path: Path) -> None:
    huge = tmp_path / "a.avi"
    small = make(tmp_path / "small.avi", "-f", "lavfi", "-i", "color=red:s=64x64:r=1:d=2", "-c:v", "mjpeg")
    raw = bytearray(small.read_bytes())
    header = raw.index(b"strf") + 8
    raw[header + 4 : header + 12] = struct.pack("<ii", 30_000, 30_000)
    for place in (i for i in range(len(raw) - 9) if raw[i : i + 2] == b"\xff\xc0"):
        raw[place + 5 : place + 9] = struct.pack(">HH", 30_000, 30_000)
    huge.write_bytes(raw)
    assert refused(huge) is Reason.TOO_LARGE


def test_what_is_no_regular_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        for name in ("pipe.mp4", "zero.mp4", "s", "."):
            assert refused(tmp_path / name) is Reason.NOT_REGULAR
            assert refused(tmp_path / name, audio=True) is Reason.NOT_REGULAR
    for name in ("gone.mp4", "self.mp4", "absent.mp4", "x" * 300):
        assert refused(tmp_path / name) is Reason.MISSING


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_says_so(tmp_path: Path, film: Path) -> None:
    locked = tmp_path / "a.mp4"
    locked.write_bytes(film.read_bytes())
    locked.chmod(0)
    assert refused(locked) is Reason.PERMISSION


# --- sound ----


def write_wav(path: Path, *, rate_hz: int, channels: int, n: int, claimed_bytes: int | None = None) -> Path:
    """A 16-bit wav with any header."""
    data = np.full(n * channels, 1000, "<i2").tobytes()
    size = len(data) if claimed_bytes is None else claimed_bytes
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, rate_hz * channels * 2, channels * 2, 16)
    riff = struct.pack("<I", min(36 + size, 0xFFFFFFFF))
    path.write_bytes(b"RIFF" + riff + b"WAVEfmt " + form + b"data" + struct.pack("<I", size) + data)
    return path


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.flac", "a.m4a", "a.wav", "a.wma", "a.aiff"])
def test_ordinary_music(tmp_path: Path, name: str) -> None:
    strict = ("-strict", "-2") if name == "a.ogg" else ()
    info = probe_audio(make(tmp_path / name, *SOUND, "-ac", "2", *strict))
    assert (info.sample_rate_hz, info.channels) == (44100, 2)
    assert info.duration_s == pytest.approx(2.0, abs=0.08)


def test_the_length_is_what_is_there_and_not_what_the_header_claims(tmp_path: Path) -> None:
    lying = write_wav(tmp_path / "a.wav", rate_hz=44100, channels=1, n=44100, claimed_bytes=0xFFFFFFF0)
    assert probe_audio(lying).duration_s == pytest.approx(1.0)
    song = make(tmp_path / "a.mp3", *SOUND)
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(song.read_bytes()[: song.stat().st_size // 2])
    assert probe_audio(cut).duration_s == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "n", "reason"),
    [
        (1, 1, 400, Reason.BAD_FORMAT),
        (44100, 64, 100, Reason.BAD_FORMAT),
        (0, 1, 400, Reason.CORRUPT),
        (44100, 1, 0, Reason.NO_AUDIO),
    ],
)
def test_odd_headers(tmp_path: Path, rate_hz: int, channels: int, n: int, reason: Reason) -> None:
    assert refused(write_wav(tmp_path / "a.wav", rate_hz=rate_hz, channels=channels, n=n), audio=True) is reason


def test_a_cover_of_a_gigapixel_does_no_harm(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(3751 * 300)))
        + chunk(b"IEND", b"")
    )
    body = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 127 for shift in (21, 14, 7, 0))
    song = make(tmp_path / "a.mp3", *SOUND, "-write_id3v1", "0", "-id3v2_version", "0")
    (tmp_path / "b.mp3").write_bytes(b"ID3\x03\0\0" + size + frame + song.read_bytes())
    assert probe_audio(tmp_path / "b.mp3").duration_s == pytest.approx(2.0, abs=0.1)
