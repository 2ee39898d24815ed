"""Odd and hostile files that tests make for themselves, each with what must become of it as a film.

Everything comes from ffmpeg's own test pictures and a few bytes written by hand. A recipe gets the folder to write to
and the two plain films that most oddities are cut from.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soundtrack.errors import ExitCode
from soundtrack.media.locate import ffmpeg_path

SECONDS = 3
"""Length of the plain films."""

_PICTURE = ["-f", "lavfi", "-i", f"testsrc2=s=160x120:r=25:d={SECONDS}"]
_TONE = ["-f", "lavfi", "-i", f"sine=f=440:r=44100:d={SECONDS}"]
_H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
_AAC = ["-c:a", "aac", "-b:a", "64k"]


def ffmpeg(*args: str | Path, cwd: Path | None = None) -> None:
    """Run ffmpeg or fail the test with what it said."""
    command = [str(ffmpeg_path()), "-nostdin", "-hide_banner", "-v", "error", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()


@dataclass(frozen=True)
class Plain:
    """The ordinary files that odd ones are made from."""

    mp4: Path
    """H.264 and AAC, the index in front."""
    late_index: Path
    """The same, the index at the end."""
    mkv: Path
    """The same in Matroska."""
    mp3: Path
    """Ten seconds of a tone."""
    flac: Path
    """The same without loss."""


def make_plain(folder: Path) -> Plain:
    """All of them."""
    plain = Plain(*(folder / name for name in ("plain.mp4", "late.mp4", "plain.mkv", "tone.mp3", "tone.flac")))
    ffmpeg(*_PICTURE, *_TONE, *_H264, *_AAC, "-movflags", "+faststart", plain.mp4)
    ffmpeg("-i", plain.mp4, "-c", "copy", plain.late_index)
    ffmpeg("-i", plain.mp4, "-c", "copy", plain.mkv)
    for path in (plain.mp3, plain.flac):
        ffmpeg("-f", "lavfi", "-i", "sine=f=330:r=22050:d=10", "-ac", "2", path)
    return plain


@dataclass(frozen=True)
class Odd:
    """One odd file."""

    name: str
    """Name of the file as a film."""
    make: Callable[[Path, Plain], None]
    """Writes it."""
    code: ExitCode = ExitCode.OK
    """How `score` ends."""
    says: str = ""
    """Part of the first line on stderr when it is refused, of any line when it is taken."""
    in_quick_set: bool = False
    """Whether it is tried in the quick set although it is taken."""

    @property
    def label(self) -> str:
        """For the name of the test."""
        return ascii(self.name)[1:-1][:40]


def _bytes(data: bytes) -> Callable[[Path, Plain], None]:
    """A recipe for a file of these bytes."""

    def make(path: Path, _plain: Plain) -> None:
        path.write_bytes(data)

    return make


def _made(*args: str) -> Callable[[Path, Plain], None]:
    """A recipe that runs ffmpeg; ``MP4`` stands for the plain film."""

    def make(path: Path, plain: Plain) -> None:
        ffmpeg(*(str(plain.mp4) if arg == "MP4" else arg for arg in args), f"file:{path}")

    return make


def _copy(path: Path, plain: Plain) -> None:
    """The plain film under another name."""
    path.write_bytes(plain.mp4.read_bytes())


def _head(share: float, kind: str) -> Callable[[Path, Plain], None]:
    """The first part of a plain file."""

    def make(path: Path, plain: Plain) -> None:
        data = getattr(plain, kind).read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def _flipped(start: int, count: int, step: int) -> Callable[[Path, Plain], None]:
    """The plain film with bytes turned over."""

    def make(path: Path, plain: Plain) -> None:
        data = bytearray(plain.mp4.read_bytes())
        for place in range(start, min(start + count * step, len(data)), step):
            data[place] ^= 0x5A
        path.write_bytes(data)

    return make


def _clock_jumps(path: Path, plain: Plain) -> None:
    """Two broadcasts one after the other, 5,000 s apart on the clock."""
    parts = [path.with_suffix(f".part{i}") for i in range(2)]
    for part, offset in zip(parts, ("0", "5000"), strict=True):
        ffmpeg("-i", plain.mp4, "-c", "copy", "-output_ts_offset", offset, "-f", "mpegts", part)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()


def _size_changes(path: Path, plain: Plain) -> None:
    """Two broadcasts one after the other, the second twice as large."""
    parts = [path.with_suffix(f".part{i}") for i in range(2)]
    ffmpeg("-i", plain.mp4, "-c", "copy", "-f", "mpegts", parts[0])
    ffmpeg("-i", plain.mp4, "-s", "320x240", *_H264, "-c:a", "copy", "-f", "mpegts", parts[1])
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()


def _cover_first(path: Path, plain: Plain) -> None:
    """Cover art as the first stream."""
    cover = path.with_suffix(".png")
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:d=0.04", "-frames:v", "1", cover)
    ffmpeg(
        "-i", cover, "-i", plain.mp4, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", path
    )
    cover.unlink()


def _turned(path: Path, plain: Plain) -> None:
    """A film whose header says that it stands on its side, written into the matrix of its picture track."""
    data = plain.mp4.read_bytes()
    upright = b"\0\1\0\0" + b"\0" * 12 + b"\0\1\0\0" + b"\0" * 12 + b"\x40\0\0\0"
    turned = b"\0\0\0\0" + b"\0\1\0\0" + b"\0" * 4 + b"\xff\xff\0\0" + b"\0" * 16 + b"\x40\0\0\0"
    assert len(upright) == len(turned) == 36
    place = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:place] + turned + data[place + 36 :])


_SEGMENT = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"
_DASH = b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/passwd</BaseURL></MPD>'
_SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
_NOISE = ["-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:a=0.1:seed=1"]

REFUSED = (
    Odd("empty.mp4", _bytes(b""), ExitCode.INPUT, "the file is empty"),
    Odd("text.mp4", _bytes(b"this is no film, just words\n"), ExitCode.INPUT, "not a film"),
    Odd("page.mp4", _bytes(b"<!doctype html><title>404</title>\n" * 90), ExitCode.INPUT, "not a film"),
    Odd("zeros.mkv", _bytes(bytes(200_000)), ExitCode.INPUT, "not a film"),
    Odd("hash.mp4", _bytes(bytes(i * i % 251 for i in range(100_000))), ExitCode.INPUT, "not a film"),
    Odd("hls.mp4", _bytes(_SEGMENT % b"plain.mp4"), ExitCode.INPUT, "not a film"),
    Odd("hls-passwd.mp4", _bytes(_SEGMENT % b"file:///etc/passwd"), ExitCode.INPUT, "not a film"),
    Odd("hls-net.mp4", _bytes(_SEGMENT % b"http://127.0.0.1:9/a.ts"), ExitCode.INPUT, "not a film"),
    Odd("concat.mp4", _bytes(b"ffconcat version 1.0\nfile plain.mp4\n"), ExitCode.INPUT, "not a film"),
    Odd("concat.mkv", _bytes(b"ffconcat version 1.0\nfile /etc/passwd\n"), ExitCode.INPUT, "not a film"),
    Odd("sdp.mp4", _bytes(_SDP), ExitCode.INPUT, "not a film"),
    Odd("dash.mp4", _bytes(_DASH), ExitCode.INPUT, "not a film"),
    Odd("no-index.mp4", _head(0.5, "late_index"), ExitCode.INPUT, "damaged"),
    Odd("sound.mp4", _made("-i", "MP4", "-vn", "-c", "copy"), ExitCode.INPUT, "no video stream"),
    Odd("song.mp3", _made("-i", "MP4", "-vn"), ExitCode.INPUT, "no video stream"),
    Odd("still.png", _made("-i", "MP4", "-frames:v", "1"), ExitCode.INPUT, "still image"),
    Odd("still.mp4", _made("-i", "MP4", "-frames:v", "1", "-f", "mjpeg"), ExitCode.INPUT, "still image"),
    Odd("one.gif", _made("-i", "MP4", "-frames:v", "1"), ExitCode.INPUT, "still image"),
    Odd("bomb.y4m", _bytes(b"YUV4MPEG2 W30000 H30000 F25:1\nFRAME\n" + bytes(99)), ExitCode.INPUT, "megapixels"),
    Odd("new\nline.mp4", _bytes(b"nothing"), ExitCode.INPUT, "not a film"),
    Odd("\x1b]0;owned\x07\u202e.mp4", _bytes(b"nothing"), ExitCode.INPUT, "not a film"),
    Odd(os.fsdecode(b"bytes-\xff\xfe.mp4"), _bytes(b"nothing"), ExitCode.INPUT, "not a film"),
)
"""Films that cannot be one."""

TAKEN = (
    Odd("broken-off.mp4", _head(0.5, "mp4"), says="the header promises", in_quick_set=True),
    Odd("broken-off.mkv", _head(0.4, "mkv"), says="the header promises"),
    Odd("flipped.mp4", _flipped(8000, 40, 997)),
    Odd("one.mp4", _made("-i", "MP4", "-frames:v", "1", "-t", "0.04", *_H264), in_quick_set=True),
    Odd("five.mp4", _made("-i", "MP4", "-frames:v", "5", "-an", *_H264)),
    Odd("odd.mkv", _made("-f", "lavfi", "-i", "testsrc2=s=161x121:r=25:d=1", "-c:v", "ffv1")),
    Odd("tiny.mp4", _made("-f", "lavfi", "-i", "testsrc2=s=16x16:r=25:d=1", *_H264)),
    Odd("wide.mp4", _made("-f", "lavfi", "-i", "testsrc2=s=2048x32:r=25:d=1", *_H264)),
    Odd("vfr.mkv", _made("-i", "MP4", "-vf", "select='lt(t,1)+not(mod(n,7))'", "-fps_mode", "vfr", *_H264, *_AAC)),
    Odd("slow.mp4", _made("-f", "lavfi", "-i", "testsrc2=s=64x48:r=1/5:d=30", *_H264)),
    Odd("fast.mp4", _made("-f", "lavfi", "-i", "testsrc2=s=64x48:r=240:d=1", *_H264)),
    Odd("turned.mp4", _turned),
    Odd("early.mkv", _made("-i", "MP4", "-c", "copy", "-output_ts_offset", "-1", "-avoid_negative_ts", "disabled")),
    Odd("late.ts", _made("-i", "MP4", "-c", "copy", "-output_ts_offset", "90000")),
    Odd("edit-list.mp4", _made("-ss", "0.7", "-i", "MP4", "-c", "copy")),
    Odd("jump.ts", _clock_jumps, says="timestamps of the film jump"),
    Odd("sizes.ts", _size_changes, says="the video size changes"),
    Odd("two.mkv", _made("-i", "MP4", *_PICTURE, "-map", "0", "-map", "1", *_H264, "-c:a", "copy")),
    Odd("5.1.mp4", _made(*_PICTURE, *_NOISE, "-af", "aformat=channel_layouts=5.1", *_H264, *_AAC)),
    Odd("7.1.mkv", _made(*_PICTURE, *_NOISE, "-af", "aformat=channel_layouts=7.1", *_H264, "-c:a", "flac")),
    Odd("mono.mov", _made(*_PICTURE, *_TONE, *_H264, "-c:a", "pcm_s16le", "-ar", "8000", "-ac", "1")),
    Odd("mute.mp4", _made("-i", "MP4", "-an", "-c", "copy")),
    Odd("long-sound.mkv", _made(*_PICTURE, "-f", "lavfi", "-i", "sine=d=5", *_H264, "-c:a", "flac")),
    Odd("short-sound.mp4", _made(*_PICTURE, "-f", "lavfi", "-i", "sine=d=0.5", *_H264, *_AAC)),
    Odd("black.mp4", _made("-f", "lavfi", "-i", "color=black:s=160x120:r=25:d=2", *_H264)),
    Odd("static.mp4", _made("-f", "lavfi", "-i", "color=0x336699:s=160x120:r=25:d=8", *_TONE, *_H264, *_AAC)),
    Odd("strobe.mp4", _made(*_PICTURE, "-vf", "geq=lum='if(mod(N,2),235,16)':cb=128:cr=128", *_H264)),
    Odd("moving.gif", _made("-i", "MP4", "-t", "1", "-r", "10"), says="converted", in_quick_set=True),
    Odd("raw.h264", _made("-i", "MP4", "-an", "-c:v", "copy")),
    Odd("programme.mpg", _made("-i", "MP4", "-c:v", "mpeg2video", "-c:a", "mp2")),
    Odd("cover.mp4", _cover_first),
    Odd("-y.mp4", _copy),
    Odd("a\nb.mp4", _copy, in_quick_set=True),
    Odd("%03d%s.mp4", _copy),
    Odd("'\"$(touch x)`;&|.mp4", _copy),
    Odd("pipe:0.mp4", _copy),
    Odd("concat:a|b.mp4", _copy),
    Odd("[v]scale=1:1,drawtext.mp4", _copy),
    Odd(os.fsdecode(b"caf\xe9-\xff.mp4"), _copy),
    Odd("L" * 251 + ".mp4", _copy),
)
"""Films that are odd and must come out scored."""


def make_pipe(path: Path) -> None:
    """A named pipe, which blocks whoever opens it."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """A socket in the file system; bound by its short name, since such names have a small limit."""
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as unix:
        os.chdir(path.parent)
        try:
            unix.bind(path.name)
        finally:
            os.chdir(here)


NOT_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (make_pipe, "not a regular file"),
    "socket": (make_socket, "not a regular file"),
    "folder": (Path.mkdir, "the folder is empty"),
    "dangling link": (lambda path: path.symlink_to("nowhere.mp4"), "no such file"),
    "link to itself": (lambda path: path.symlink_to(path.name), "no such file"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "link to words": (lambda path: path.symlink_to("/etc/passwd"), "not a film"),
    "missing": (lambda path: None, "no such file"),  # noqa: ARG005
}
"""What stands in the file system and is no file, and what is said of it."""
