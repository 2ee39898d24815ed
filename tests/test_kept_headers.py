"""What headers say beside the streams: kept where ffmpeg can, named in the summary and by `verify` where it cannot."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from films import ffmpeg, make_film, make_job, write_track
from soundtrack.errors import OutputError
from soundtrack.media.checking.fingerprint import film_print
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.locate import ffmpeg_path, newer_ffmpeg
from soundtrack.media.reading.headers import header_facts, matroska_facts
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.mp4_tags import needs_own_names, tags_left_out
from soundtrack.mix.render import RenderReport, output_plan, render_film

DOLBY_VISION = bytes.fromhex("0100102540") + bytes(19)
CLAP = struct.pack(">8I", 160, 1, 60, 1, 0, 1, 0, 1)
PLACES = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8, b"stsd": 16}


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("music") / "t.wav", seconds=4.0)


def render(film: Path, out: Path, track: Path) -> RenderReport:
    """Score it, and let `verify` say the same as the summary, and the summary what was said before the work."""
    job = make_job(film, [track])
    planned = output_plan(probe(film), out, keeps_original=True, layout="auto", music_track=False).warnings
    report = render_film(probe(film), job.sheet, out, track_paths=job.track_paths)
    found = compare_streams(film, out)
    assert found.is_same, found.differences
    assert set(found.lost) <= set(report.warnings)
    assert len(report.warnings) == len(set(report.warnings))
    late = [line for line in found.lost if line not in planned]
    assert not [line for line in late if "programme" not in line and not line.startswith("tag ")], late
    return report


def with_box(film: Path, entry: bytes, name: bytes, payload: bytes) -> Path:
    """A box more at the end of a sample entry; the boxes around it grow, and the movie box comes last."""
    content = bytearray(film.read_bytes())
    chain = _path_to(content, entry, 0, len(content)) or []
    box = struct.pack(">I4s", 8 + len(payload), name) + payload
    end = chain[-1] + struct.unpack_from(">I", content, chain[-1])[0]
    content[end:end] = box
    for place in chain:
        struct.pack_into(">I", content, place, struct.unpack_from(">I", content, place)[0] + len(box))
    film.write_bytes(content)
    return film


def _path_to(content: bytearray, wanted: bytes, begin: int, end: int) -> list[int] | None:
    """Where the boxes around a box begin, and the box itself."""
    while begin + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, begin)
        if name == wanted:
            return [begin]
        if name in PLACES and (found := _path_to(content, wanted, begin + PLACES[name], begin + size)):
            return [begin, *found]
        begin += size
    return None


def hevc(path: Path) -> Path:
    return make_film(path, seconds=2.0, more=["-c:v", "libx265", "-x265-params", "log-level=error", "-tag:v", "hvc1"])


def facts(film: Path) -> dict[str, str]:
    return dict(film_print(film).streams[0].facts)


@pytest.mark.parametrize("target", [".mp4", ".mov"])
def test_dolby_vision_of_a_phone_is_kept_or_its_loss_is_named(tmp_path: Path, track: Path, target: str) -> None:
    film = with_box(hevc(tmp_path / "film.mov"), b"hvc1", b"dvvC", DOLBY_VISION)
    assert "profile: 8" in facts(film)["Dolby Vision record"]
    report = render(film, tmp_path / f"out{target}", track)
    kept = "Dolby Vision record" in facts(tmp_path / f"out{target}")
    assert kept != any("Dolby Vision record not kept" in line for line in report.warnings)
    assert kept or target == ".mov"


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv"])
def test_a_cropped_film_stays_cropped(tmp_path: Path, track: Path, target: str) -> None:
    if newer_ffmpeg((7, 1)) is None:
        pytest.skip("needs an ffmpeg of 7.1 or newer, and SOUNDTRACK_FFMPEG names an older one")
    film = with_box(make_film(tmp_path / "film.mp4", seconds=2.0), b"avc1", b"clap", CLAP)
    assert facts(film)["cropping"]
    report = render(film, tmp_path / f"out{target}", track)
    assert facts(tmp_path / f"out{target}")["cropping"] == facts(film)["cropping"]
    assert report.warnings == ()
    render(tmp_path / f"out{target}", tmp_path / "again.mkv", track)
    assert facts(tmp_path / "again.mkv")["cropping"] == facts(film)["cropping"]


def test_with_an_old_ffmpeg_cropping_is_named_or_refused_before_the_work(
    tmp_path: Path, track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if newer_ffmpeg((7, 1)) is None or newer_ffmpeg((7, 1)) == ffmpeg_path():
        pytest.skip("needs an older ffmpeg beside a newer one")
    film = with_box(make_film(tmp_path / "film.mp4", seconds=2.0), b"avc1", b"clap", CLAP)
    render(film, tmp_path / "film.mkv", track)
    monkeypatch.setenv("SOUNDTRACK_FFMPEG", str(ffmpeg_path()))
    assert any("cropping not kept" in line for line in render(film, tmp_path / "out.mp4", track).warnings)
    with pytest.raises(OutputError, match="cannot copy the cropping"):
        render(tmp_path / "film.mkv", tmp_path / "out.mkv", track)
    assert not (tmp_path / "out.mkv").exists()


def test_one_tag_of_the_owners_own_does_not_hide_the_others(tmp_path: Path, track: Path) -> None:
    tags = {
        "title": "Mein Film",
        "artist": "Jemand",
        "show": "Serie",
        "season_number": "2",
        "itunextc": "de|FSK 12|300|",
    }
    words = [part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")]
    film = make_film(tmp_path / "film.mkv", seconds=2.0, more=words)
    report = render(film, tmp_path / "out.mp4", track)
    content = (tmp_path / "out.mp4").read_bytes()
    assert all(name in content for name in (b"\xa9nam", b"\xa9ART", b"tvsh", b"tvsn", b"mdir"))
    assert "tag itunextc not kept: 'de|FSK 12|300|'" in report.warnings


def test_tags_of_phones_keep_their_names(tmp_path: Path, track: Path) -> None:
    words = ["-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.model=Phone"]
    film = make_film(tmp_path / "film.mov", seconds=2.0, more=words)
    assert render(film, tmp_path / "out.mov", track).warnings == ()
    assert film_print(tmp_path / "out.mov").tags["com.apple.quicktime.model"] == "Phone"


def test_tags_of_ones_own_are_written_where_they_hide_no_others() -> None:
    assert needs_own_names(["encoder", "my tag"])
    assert needs_own_names(["title", "com.android.version"])
    assert not needs_own_names(["title", "artist"])
    assert tags_left_out(["title", "my tag", "encoder"]) == {"my tag"}
    assert tags_left_out(["my tag", "encoder"]) == frozenset()


def element(name: int, content: bytes) -> bytes:
    """One element of Matroska with a size of eight bytes."""
    n_bytes = (name.bit_length() + 7) // 8
    return name.to_bytes(n_bytes, "big") + (1 << 56 | len(content)).to_bytes(8, "big") + content


def named(name: str, language: str) -> bytes:
    return element(0x80, element(0x85, name.encode()) + element(0x437C, language.encode()))


def test_chapters_in_two_languages_and_regions_are_read_from_matroska(tmp_path: Path) -> None:
    inner = element(0xB6, named("Szene 1a", "ger"))
    chapters = element(
        0x1043A770, element(0x45B9, element(0xB6, named("Akt 1", "ger") + named("Act 1", "eng") + inner))
    )
    tracks = element(0x1654AE6B, element(0xAE, b"") + element(0xAE, element(0x22B59D, b"pt-BR")))
    path = tmp_path / "a.mkv"
    path.write_bytes(b"\x1aE\xdf\xa3\x80" + element(0x18538067, tracks + chapters))
    assert matroska_facts(path) == {
        1: (("language tag", "pt-BR"),),
        -1: (("chapter names", "Akt 1 [ger], Act 1 [eng], > Szene 1a [ger]"),),
    }


@pytest.mark.parametrize("n_bytes", [0, 3, 4, 5, 9, 30, 60, 90])
def test_a_broken_header_of_matroska_says_nothing(tmp_path: Path, n_bytes: int) -> None:
    whole = b"\x1aE\xdf\xa3\x80" + element(0x18538067, element(0x1654AE6B, element(0xAE, element(0x22B59D, b"pt-BR"))))
    path = tmp_path / "a.mkv"
    path.write_bytes(whole[:n_bytes] + b"\xff" * 20)
    assert isinstance(matroska_facts(path), dict)


CHAPTERS = """<?xml version="1.0"?><Chapters><EditionEntry><ChapterAtom><ChapterTimeStart>00:00:00.0</ChapterTimeStart>
<ChapterTimeEnd>00:00:02.0</ChapterTimeEnd><ChapterDisplay><ChapterString>Akt 1</ChapterString>
<ChapterLanguage>ger</ChapterLanguage></ChapterDisplay><ChapterDisplay><ChapterString>Act 1</ChapterString>
<ChapterLanguage>eng</ChapterLanguage></ChapterDisplay></ChapterAtom></EditionEntry></Chapters>"""


def test_a_lost_region_and_a_lost_name_of_a_chapter_are_named(tmp_path: Path, track: Path) -> None:
    if shutil.which("mkvmerge") is None:
        pytest.skip("needs mkvmerge, as ffmpeg writes neither")
    plain = make_film(tmp_path / "plain.mkv", seconds=2.0, inputs=["-f", "lavfi", "-i", "sine=d=2"])
    (tmp_path / "c.xml").write_text(CHAPTERS)
    film = tmp_path / "film.mkv"
    words = ["--chapters", tmp_path / "c.xml", "--language", "0:pt-BR"]
    subprocess.run(["mkvmerge", "-q", "-o", film, *words, plain], check=True)
    report = render(film, tmp_path / "out.mkv", track)
    assert any("language tag not kept: pt-BR" in line for line in report.warnings)
    assert any("chapter names not kept: Akt 1 [ger], Act 1 [eng]" in line for line in report.warnings)


def test_lost_programmes_of_a_broadcast_are_named(tmp_path: Path, track: Path) -> None:
    one = make_film(tmp_path / "one.ts", seconds=2.0, inputs=["-f", "lavfi", "-i", "sine=d=2"])
    film = tmp_path / "film.ts"
    two = ["-program", "title=First:st=0:st=1", "-program", "title=Second:st=2:st=3"]
    ffmpeg("-i", one, "-map", 0, "-map", 0, "-c", "copy", *two, film)
    assert header_facts(film)[-1] == (("programme 1", "First"), ("programme 2", "Second"))
    report = render(film, tmp_path / "out.ts", track)
    assert any("programme 2 not kept: Second" in line for line in report.warnings)
