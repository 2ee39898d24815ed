"""Odd and hostile sound files that tests make for themselves, each with what must become of it in an index.

Every file has a tone of its own, so that no two are the same track. The expected result is ``ok``, ``warn:`` and the
warning, or ``skip:`` and the reason.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from odd_files import ffmpeg

Make = Callable[[Path, int], None]
"""Writes a file; the number is the pitch of its tone."""


@dataclass(frozen=True)
class OddMusic:
    """One odd sound file."""

    name: str
    """Name of the file."""
    make: Make
    """Writes it."""
    becomes: str = "ok"
    """What the index makes of it."""


def sound(*args: str, seconds: float = 4.0, rate_hz: int = 44_100) -> Make:
    """A tone over a little noise, coded as `args` say."""

    def make(path: Path, pitch: int) -> None:
        tone = f"sine=f={pitch}:r={rate_hz}:d={seconds}"
        hiss = f"anoisesrc=r={rate_hz}:d={seconds}:a=0.05:seed={pitch}"
        mixed = ["-f", "lavfi", "-i", tone, "-f", "lavfi", "-i", hiss, "-filter_complex", "amix=2,volume=2"]
        ffmpeg(*mixed, *(args or ("-ac", "2")), f"file:{path}")

    return make


def changed(kind: str, change: Callable[[bytes], bytes]) -> Make:
    """A sound file of a kind whose bytes are changed."""

    def make(path: Path, pitch: int) -> None:
        whole = path.with_name(f".whole.{kind}")
        sound()(whole, pitch)
        path.write_bytes(change(whole.read_bytes()))
        whole.unlink()

    return make


def _bytes(data: bytes) -> Make:
    def make(path: Path, _pitch: int) -> None:
        path.write_bytes(data)

    return make


def _picture(path: Path, _pitch: int) -> None:
    """A film without sound."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=1", "-f", "mp4", path)


def _flip(data: bytes) -> bytes:
    """Every thousandth byte turned over, behind the header."""
    flipped = bytearray(data)
    for place in range(3_000, len(flipped), 997):
        flipped[place] ^= 0xFF
    return bytes(flipped)


def id3(body: bytes) -> bytes:
    """A tag in front of the sound."""
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def _frame(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">IH", len(content), 0) + content


def _cover_bomb(data: bytes) -> bytes:
    """Art of 30,000 x 30,000 in front."""
    chunks = b""
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)), (b"IDAT", b"")):
        chunks += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return id3(_frame(b"APIC", b"\0image/png\0\3\0\x89PNG\r\n\x1a\n" + chunks)) + data


def _evil_tags(data: bytes) -> bytes:
    """Words that steer terminals, pages, databases and numbers."""
    title = b"\3\x1b]0;owned\x07\xe2\x80\xae<script>alert(1)</script>'; DROP TABLE tracks;--%n%s"
    return id3(_frame(b"TIT2", title) + _frame(b"TBPM", b"\0NaN") + _frame(b"TLEN", b"\0-1")) + data


def wav(*, channels: int = 1, rate_hz: int = 44_100, n: int = 176_400, size: int | None = None, sample: bytes) -> bytes:
    """A float wav of the same sample over and over, with a header of our own."""
    data = sample * (n * channels)
    head = struct.pack("<HHIIHH", 3, channels, rate_hz, rate_hz * channels * 4 & 0xFFFFFFFF, channels * 4 & 0xFFFF, 32)
    size = len(data) if size is None else size
    return (
        b"RIFF" + struct.pack("<I", min(size + 36, 0xFFFFFFFF)) + b"WAVEfmt " + struct.pack("<I", 16) + head + b"data"
        + struct.pack("<I", size) + data
    )  # fmt: skip


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">Q", len(body)) + body


def dsf(*, rate_hz: int, seconds: float = 2.0) -> bytes:
    """A one-bit sound of nothing, as DSF."""
    n = int(rate_hz / 8 * seconds) // 4096 * 4096
    form = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 2, 2, rate_hz, 1, n * 8, 4096, 0)
    data = b"data" + struct.pack("<Q", 12 + 2 * n) + b"\x69" * (2 * n)
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(form) + len(data), 0) + form + data


def dff(*, rate_hz: int, seconds: float = 2.0) -> bytes:
    """A one-bit sound of nothing, as DSDIFF."""
    channels = _chunk(b"CHNL", struct.pack(">H", 2) + b"SLFTSRGT")
    coding = _chunk(b"CMPR", b"DSD \x0enot compressed\0")
    about = _chunk(b"PROP", b"SND " + _chunk(b"FS  ", struct.pack(">I", rate_hz)) + channels + coding)
    body = b"DSD " + _chunk(b"FVER", b"\1\5\0\0") + about + _chunk(b"DSD ", b"\x69" * int(rate_hz / 4 * seconds))
    return _chunk(b"FRM8", body)


ZERO, HALF = struct.pack("<f", 0.0), struct.pack("<f", 0.5)
NAN, INF = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"

ODD_MUSIC = (
    OddMusic("ok.mp3", sound()),
    OddMusic("ok.flac", sound()),
    OddMusic("ok.ogg", sound("-c:a", "flac")),
    OddMusic("ok.opus", sound("-c:a", "libopus", "-ar", "48000")),
    OddMusic("ok.m4a", sound()),
    OddMusic("alac.m4a", sound("-c:a", "alac")),
    OddMusic("ok.wma", sound()),
    OddMusic("ok.aiff", sound()),
    OddMusic("UPPER.MP3", sound()),
    OddMusic("flac-named.mp3", sound("-f", "flac")),
    OddMusic("mono8k.wav", sound("-ac", "1", "-ar", "8000", rate_hz=8_000)),
    OddMusic("hires.flac", sound("-ar", "192000", "-sample_fmt", "s32")),
    OddMusic("7.1.flac", sound("-ac", "8")),
    OddMusic("u8.wav", sound("-c:a", "pcm_u8")),
    OddMusic("f64.wav", sound("-c:a", "pcm_f64le")),
    OddMusic("big.w64", sound()),
    OddMusic("headerless.mp3", sound("-write_xing", "0", "-q:a", "4")),
    OddMusic("evil-tags.mp3", changed("mp3", _evil_tags)),
    OddMusic("-y.mp3", sound()),
    OddMusic("a\nb.mp3", sound()),
    OddMusic("%03d%s.mp3", sound()),
    OddMusic("'\"$(touch x)`;&|.mp3", sound()),
    OddMusic("concat:a|b.mp3", sound()),
    OddMusic(os.fsdecode(b"caf\xe9-\xff.mp3"), sound()),
    OddMusic("L" * 251 + ".mp3", sound()),
    OddMusic("cut.mp3", changed("mp3", lambda data: data[: len(data) // 2]), "warn:truncated"),
    OddMusic("cut.flac", changed("flac", lambda data: data[: len(data) // 2]), "warn:truncated"),
    OddMusic("flipped.mp3", changed("mp3", _flip), "warn:damaged"),
    OddMusic("cover-bomb.mp3", changed("mp3", _cover_bomb), "warn:cover_skipped"),
    OddMusic("silence.wav", _bytes(wav(sample=ZERO)), "warn:silent"),
    OddMusic("constant.wav", _bytes(wav(sample=HALF)), "warn:offset"),
    OddMusic("no-numbers.wav", _bytes(wav(sample=NAN)), "warn:damaged"),
    OddMusic("endless-numbers.wav", _bytes(wav(sample=INF, n=90_000)), "warn:damaged"),
    OddMusic("claims-4-gigabytes.wav", _bytes(wav(sample=HALF, n=150_000, size=0xFFFFFFF0)), "warn:truncated"),
    OddMusic("empty.mp3", _bytes(b""), "skip:empty"),
    OddMusic("words.mp3", _bytes(b"this is no music, just words\n" * 9), "skip:not_media"),
    OddMusic("page.mp3", _bytes(b"<!doctype html><title>404</title>\n" * 90), "skip:not_media"),
    OddMusic("hls.mp3", _bytes(PLAYLIST), "skip:not_media"),
    OddMusic("concat.mp3", _bytes(b"ffconcat version 1.0\nfile /etc/passwd\n"), "skip:not_media"),
    OddMusic("no-index.m4a", changed("m4a", lambda data: data[: len(data) // 2]), "skip:corrupt"),
    OddMusic("tag-only.mp3", _bytes(id3(_frame(b"TIT2", b"\0silence"))), "skip:no_audio"),
    OddMusic("tag-of-256-megabytes.mp3", _bytes(b"ID3\3\0\0\x7f\x7f\x7f\x7f" + bytes(99)), "skip:corrupt"),
    OddMusic("one-sample.wav", _bytes(wav(sample=HALF, n=1)), "skip:too_short"),
    OddMusic("no-sample.wav", _bytes(wav(sample=HALF, n=0)), "skip:no_audio"),
    OddMusic("1-hertz.wav", _bytes(wav(sample=HALF, rate_hz=1, n=400)), "skip:bad_format"),
    OddMusic("255-channels.wav", _bytes(wav(sample=HALF, channels=255, n=100)), "skip:bad_format"),
    OddMusic("no-channel.wav", _bytes(wav(sample=HALF, channels=0, n=100)), "skip:corrupt"),
    OddMusic("picture.m4a", _picture, "skip:no_audio"),
)  # fmt: skip
"""Sound files, and what becomes of each."""
