"""Every ending that is listened to: the file is opened, or refused by the name of what it is."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from odd_files import ffmpeg
from odd_music import dff, dsf
from soundtrack.errors import InputError, Reason
from soundtrack.library.tags import read_header
from soundtrack.library.update.scan import AUDIO_EXTENSIONS
from soundtrack.media.opening import open_container
from soundtrack.media.reading.audio import iter_audio
from soundtrack.media.reading.probe import probe, probe_audio
from soundtrack.media.reading.sound import iter_stereo

CODED: dict[str, list[str]] = {
    "3ga": ["-c:a", "aac", "-f", "3gp"],
    "aac": [],
    "ac3": [],
    "aif": [],
    "aifc": ["-c:a", "pcm_mulaw", "-f", "aiff"],
    "aiff": [],
    "alac": ["-c:a", "alac", "-f", "caf"],
    "au": [],
    "caf": [],
    "dts": ["-c:a", "dca", "-strict", "-2"],
    "eac3": [],
    "flac": [],
    "m4a": [],
    "m4b": ["-f", "ipod"],
    "m4r": ["-f", "ipod"],
    "mka": [],
    "mlp": ["-c:a", "mlp", "-strict", "-2"],
    "mp2": [],
    "mp3": [],
    "mpa": ["-f", "mp2"],
    "mpga": ["-f", "mp3"],
    "oga": ["-c:a", "flac", "-f", "ogg"],
    "ogg": ["-c:a", "libvorbis"],
    "ogx": ["-c:a", "flac", "-f", "ogg"],
    "opus": [],
    "ra": ["-c:a", "real_144", "-ar", "8000", "-ac", "1", "-f", "rm"],
    "rf64": ["-rf64", "always", "-f", "wav"],
    "snd": ["-f", "au"],
    "thd": ["-c:a", "truehd", "-strict", "-2", "-f", "truehd"],
    "tta": [],
    "voc": [],
    "w64": [],
    "wav": [],
    "wave": ["-c:a", "adpcm_ms", "-f", "wav"],
    "weba": ["-c:a", "libopus", "-f", "webm"],
    "wma": ["-c:a", "wmav2", "-f", "asf"],
    "wv": [],
}
"""What makes ffmpeg write a file of each ending; the others have no encoder here."""

UNMADE = {
    "amr",
    "ape",
    "awb",
    "gsm",
    "m4p",
    "mp+",
    "mp1",
    "mpc",
    "oma",
    "ram",
    "rmj",
    "shn",
    "spx",
    "tak",
    "vqf",
    "xwma",
}


def test_every_ending_is_tried_here() -> None:
    assert {*CODED, *UNMADE, "dsf", "dff"} == AUDIO_EXTENSIONS


def lengths_s(path: Path) -> tuple[float, float, float]:
    """Length as its header has it, as the index decodes it, and as the mix decodes it."""
    alike = sum(block.shape[1] for block in iter_stereo(path, sample_rate_hz=44_100)) / 44_100
    mixed = sum(block.shape[1] for block in iter_audio(path, sample_rate_hz=44_100, channels=2)) / 44_100
    return probe_audio(path, counted=False).duration_s, alike, mixed


@pytest.mark.parametrize("ending", sorted(CODED))
def test_files_of_every_ending_are_opened_not_called_no_media(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"song.{ending}"
    ffmpeg("-f", "lavfi", "-i", "sine=f=300:r=48000:d=4", *CODED[ending], path)
    for length_s in lengths_s(path):
        assert length_s == pytest.approx(4.0, abs=0.08)


@pytest.mark.parametrize("rate_hz", [2_822_400, 5_644_800, 11_289_600, 22_579_200])
def test_one_bit_sound_of_any_usual_rate_is_opened(tmp_path: Path, rate_hz: int) -> None:
    for path, data in (
        (tmp_path / "song.dsf", dsf(rate_hz=rate_hz, seconds=1.5)),
        (tmp_path / "song.dff", dff(rate_hz=rate_hz, seconds=1.5)),
    ):
        path.write_bytes(data)
        for length_s in lengths_s(path):
            assert length_s == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize(
    ("name", "head", "says"),
    [
        ("a.mid", b"MThd\0\0\0\6\0\1\0\2\0\xe0", "MIDI"),
        ("a.rmi", b"RIFF\0\1\0\0RMIDdata", "MIDI"),
        ("a.it", b"IMPMsong", "tracker module"),
        ("a.xm", b"Extended Module: song", "tracker module"),
        ("a.ofr", b"OFR \x0f\0\0\0", "OptimFROG"),
        ("a.tta", b"TTA2\0\0", "True Audio 2"),
        ("a.la", b"LA04\0\0", "Lossless Audio"),
        ("a.ram", b"rtsp://radio.example/live.rm\r\n", "a list of addresses"),
        ("b.ram", b"http://radio.example/live.rm\r\n", "a list of addresses"),
        ("a.edl", b"TITLE: cut\r\nFCM: NON-DROP FRAME\r\n", "an edit decision list"),
        ("a.xml", b'<?xml version="1.0"?>\n<!DOCTYPE xmeml>\n<xmeml version="5">', "Final Cut Pro 7"),
        ("a.mlt", b'<?xml version="1.0"?>\n<mlt LC_NUMERIC="C">', "MLT project"),
    ],
)
def test_what_is_known_but_holds_no_readable_sound_is_refused_by_name(
    tmp_path: Path, name: str, head: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(head + bytes(range(1, 200)) * 20)
    with pytest.raises(InputError, match=says) as caught:
        probe_audio(tmp_path / name)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert "ffmpeg" not in caught.value.hint  # which reads none of them


@pytest.mark.parametrize("head", [b"tBaK", b"ajkg\2", b"TWIN97012000", b".RMF\0\0\0\x12", b"ea3\3\0", b"MAC \x96\x0f"])
def test_a_damaged_file_of_a_rare_kind_is_called_damaged_not_no_media(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "song.tak"
    path.write_bytes(head + b"\xfe" * 5_000)
    with pytest.raises(InputError) as caught:
        probe_audio(path)
    assert caught.value.reason in (Reason.CORRUPT, Reason.NO_AUDIO)


def test_a_film_in_mxf_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "film.mxf"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2:r=48000"]
    ffmpeg(*picture, "-c:v", "mpeg2video", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le", path)
    info = probe(path)
    assert (info.container, info.duration_s) == ("mxf", pytest.approx(2.0, abs=0.05))
    with open_container(path) as container:
        assert len(container.streams.audio) == 1


@pytest.mark.parametrize("ending", ["wv", "tta", "mka", "caf", "au", "rf64"])
def test_wavpack_matroska_and_caf_had_neither_title_nor_artist(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    said = {
        "title": "Żółty",
        "artist": "Anna",
        "album": "One",
        "date": "1999",
        "genre": "Audiobook",
        "copyright": "CC0",
    }
    as_tags = [word for name, text in said.items() for word in ("-metadata", f"{name}={text}")]
    extra = ("-rf64", "always", "-f", "wav") if ending == "rf64" else ()
    ffmpeg("-f", "lavfi", "-i", "sine=f=300:d=1", *as_tags, *extra, path)
    tags = read_header(path).tags
    assert (tags.title, tags.artist, tags.album, tags.genre) == ("Żółty", "Anna", "One", "Audiobook")
    if ending != "au":  # which has no fields for these
        assert (tags.year, tags.licence) == ("1999", "CC0")


def ape_tags(fields: Mapping[str, str]) -> bytes:
    """APEv2 tags as foobar2000 and Mp3tag append them to a file."""
    items = b"".join(
        struct.pack("<II", len(text.encode()), 0) + name.encode() + b"\0" + text.encode()
        for name, text in fields.items()
    )
    head, foot = (
        b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, len(fields), flags) + bytes(8)
        for flags in (0xA0000000, 0x80000000)
    )
    return head + items + foot


def test_mp3_with_tags_of_monkeys_audio_only_had_neither_title_nor_artist(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=2:c=pink", "-b:a", "128k", "-write_id3v2", "0", "-write_xing", "0", path)
    sound = path.read_bytes()
    said = {"Title": "Žluťoučký kůň", "Artist": "Anna", "Album Artist": "Various", "Genre": "Jazz", "Year": "1999"}
    path.write_bytes(sound + ape_tags(said))
    tags = read_header(path).tags
    assert (tags.title, tags.artist, tags.album_artist) == ("Žluťoučký kůň", "Anna", "Various")
    assert (tags.genre, tags.year) == ("Jazz", "1999")
    assert read_header(path).duration_s == pytest.approx(2.0, abs=0.1)
    for damaged in (ape_tags(said)[:-32] + b"APETAGEX" + bytes(24), b"APETAGEX" + b"\xff" * 24):
        path.write_bytes(sound + damaged)
        assert read_header(path).tags.title is None


def test_gain_in_tags_of_monkeys_audio_hides_no_title(tmp_path: Path) -> None:
    """mp3gain appends such tags to files that have tags already."""
    path = tmp_path / "a.mp3"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=2", "-metadata", "title=One", "-b:a", "128k", path)
    path.write_bytes(path.read_bytes() + ape_tags({"MP3GAIN_MINMAX": "120,200", "Title": "Two", "Artist": "Anna"}))
    tags = read_header(path).tags
    assert (tags.title, tags.artist) == ("One", None)
