"""Ordinary films that were once refused after all the work, or lost something without a word."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from films import ffmpeg, make_film, make_job, write_track
from soundtrack.media.checking.fingerprint import film_print
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import default_suffix
from soundtrack.mix.render import RenderReport, render_film
from soundtrack.types import StreamKind

HEVC = ["-c:v", "libx265", "-x265-params", "log-level=error"]


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_track(tmp_path_factory.mktemp("music") / "t.wav", seconds=4.0)


def render(film: Path, out: Path, track: Path) -> RenderReport:
    """Score it, and let `verify` agree with the summary that nothing else was lost."""
    job = make_job(film, [track])
    report = render_film(probe(film), job.sheet, out, track_paths=job.track_paths)
    found = compare_streams(film, out)
    assert found.is_same, found.differences
    return report


def with_subtitles(path: Path, text: str, kind: str) -> Path:
    """A film of two seconds with one kind of subtitles."""
    words = path.with_suffix({"webvtt": ".vtt", "ass": ".ass"}.get(kind, ".srt"))
    words.write_text(text)
    codec = "mov_text" if kind == "mov_text" else "copy"
    return make_film(path, seconds=2.0, inputs=["-i", words], more=["-map", 0, "-map", 1, "-c:s", codec])


def srt(*lines: str) -> str:
    return "\n".join(
        f"{n + 1}\n00:00:00,{200 + 300 * n} --> 00:00:00,{400 + 300 * n}\n{line}\n" for n, line in enumerate(lines)
    )


ASS = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Arial,20,&H00FFFFFF,2
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.20,0:00:00.60,Default,,0,0,0,,{\\k20}Ka{\\k30}ra{\\kf10}oke
Dialogue: 0,0:00:00.20,0:00:00.60,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}
Dialogue: 1,0:00:00.80,0:00:01.60,Default,,0,0,0,,Hello\\hworld\\Nsecond {\\i1}li{\\i0}ne, with, commas
"""
VTT = (
    "WEBVTT\n\n00:00.200 --> 00:00.600 line:0\n<v Bob>Hi <c.red>you</c> <00:00.400>now &amp;&nbsp;then\n\n"
    "00:01.000 --> 00:01.400\n<i>Wo</i>rd &lrm;left\n"
)


@pytest.mark.parametrize(
    ("text", "kind", "source", "target"),
    [
        (srt("<i>Titanic</i>, she said.", "Hello <i>world</i>!"), "srt", ".mkv", ".mp4"),
        (srt("{\\an8}Top<br>and <b>bo</b>ttom", '<font color="#f00">red</font>, not blue'), "srt", ".mkv", ".mov"),
        (srt("a < b, and {so} on", "fish &amp; chips", "- one\n- two"), "srt", ".mkv", ".mp4"),
        (srt("Go, <b>now</b>.", "♪ <i>la</i> ♪"), "mov_text", ".mp4", ".mkv"),
        (ASS, "ass", ".mkv", ".mp4"),
        (VTT, "webvtt", ".mkv", ".mp4"),
    ],
    ids=["italics", "colour and place", "signs", "mp4 to mkv", "karaoke and drawings", "voices of webvtt"],
)
def test_subtitles_with_marks_inside_a_line_are_not_refused(
    tmp_path: Path, track: Path, text: str, kind: str, source: str, target: str
) -> None:
    film = with_subtitles(tmp_path / f"film{source}", text, kind)
    report = render(film, tmp_path / f"out{target}", track)
    assert [line for line in report.warnings if "converted to" not in line] == []


def test_a_line_that_the_conversion_spoils_is_shown_and_the_film_is_kept(tmp_path: Path, track: Path) -> None:
    spoilt = "WEBVTT\n\n00:00.200 --> 00:00.600\nPress &lt;enter&gt; now\n\n00:01.000 --> 00:01.400\nWord\n"
    film = with_subtitles(tmp_path / "film.mkv", spoilt, "webvtt")
    report = render(film, tmp_path / "out.mp4", track)
    assert any("1 of 2 texts changed: 'Press <enter> now' became" in line for line in report.warnings)
    assert any("1 of 2 texts changed" in line for line in compare_streams(film, tmp_path / "out.mp4").expected)


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv"])
def test_hevc_of_a_broadcast_is_kept_and_has_the_tag_that_players_open(
    tmp_path: Path, track: Path, target: str
) -> None:
    film = make_film(tmp_path / "film.ts", seconds=2.0, more=HEVC)
    render(film, tmp_path / f"out{target}", track)
    tag = film_print(tmp_path / f"out{target}").streams[0].tag
    assert tag == "hvc1" or target == ".mkv"


def test_hevc_of_matroska_has_the_tag_that_players_open(tmp_path: Path, track: Path) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=2.0, more=HEVC)
    render(film, tmp_path / "out.mp4", track)
    assert film_print(tmp_path / "out.mp4").streams[0].tag == "hvc1"


def test_verify_sees_another_tag_of_the_picture(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=1.0, more=[*HEVC, "-tag:v", "hvc1"])
    ffmpeg("-i", film, "-c", "copy", "-tag:v", "hev1", tmp_path / "worse.mp4")
    assert "codec tag: hvc1 became hev1" in str(compare_streams(film, tmp_path / "worse.mp4").differences[0])


MATRICES = {  # rows of ISO/IEC 14496-12 section 8.3.2: turned or mirrored, then moved back into view
    "portrait": (0, 1, 0, -1, 0, 0, 90, 0, 1),
    "portrait, other hand": (0, -1, 0, 1, 0, 0, 0, 160, 1),
    "upside down": (-1, 0, 0, 0, -1, 0, 160, 90, 1),
}


def with_matrix(film: Path, matrix: tuple[int, ...]) -> Path:
    """The film, its first track shown through a matrix."""
    content = bytearray(film.read_bytes())
    upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    place = content.index(upright, content.index(b"tkhd"))
    fixed = [value << (30 if n % 3 == 2 else 16) for n, value in enumerate(matrix)]
    content[place : place + 36] = struct.pack(">9i", *fixed)
    film.write_bytes(content)
    return film


@pytest.mark.parametrize("name", list(MATRICES))
def test_a_film_of_a_phone_goes_into_matroska_turned_as_before(tmp_path: Path, track: Path, name: str) -> None:
    film = with_matrix(make_film(tmp_path / "film.mp4", seconds=2.0), MATRICES[name])
    render(film, tmp_path / "out.mkv", track)
    assert probe(tmp_path / "out.mkv").rotation_deg == probe(film).rotation_deg != 0


@pytest.mark.parametrize(("source", "target"), [(".mp4", ".mp4"), (".mkv", ".mp4"), (".mkv", ".mov"), (".mp4", ".mkv")])
def test_subtitles_that_were_off_stay_off(tmp_path: Path, track: Path, source: str, target: str) -> None:
    on = with_subtitles(tmp_path / f"on{source}", srt("one"), "mov_text" if source == ".mp4" else "srt")
    film = tmp_path / f"film{source}"
    off = [] if source == ".mp4" else ["-disposition:s:0", "0", "-default_mode", "passthrough"]
    ffmpeg("-i", on, "-map", 0, "-map", "0:s", "-c", "copy", *off, film)
    if source == ".mp4":
        switched_off(film)
    assert switched(film)[0] is False
    render(film, tmp_path / f"out{target}", track)
    assert switched(tmp_path / f"out{target}") == switched(film)


def switched_off(film: Path) -> None:
    """Clear the flag of the second track, which ffmpeg sets whatever it is asked."""
    content = bytearray(film.read_bytes())
    place = content.index(b"tkhd", content.index(b"tkhd") + 4)
    content[place + 7] &= ~1
    film.write_bytes(content)


def switched(film: Path) -> list[bool]:
    """Which subtitles are on."""
    return ["default" in s.flags for s in film_print(film).streams if s.kind is StreamKind.SUBTITLE]


def test_verify_sees_that_subtitles_were_switched(tmp_path: Path) -> None:
    on = with_subtitles(tmp_path / "on.mp4", srt("one"), "mov_text")
    off = tmp_path / "off.mp4"
    off.write_bytes(on.read_bytes())
    switched_off(off)
    assert "default: off became on" in str(compare_streams(off, on).differences[0])


def test_verify_sees_another_attached_file(tmp_path: Path) -> None:
    films = []
    for content, name in ((b"one" * 50, "a.ttf"), (b"two" * 50, "a.ttf"), (b"one" * 50, "b.ttf")):
        (tmp_path / "font").write_bytes(content)
        words = ["-metadata:s:t:0", "mimetype=font/ttf", "-metadata:s:t:0", f"filename={name}"]
        films.append(
            make_film(tmp_path / f"{len(films)}.mkv", seconds=1.0, more=["-attach", tmp_path / "font", *words])
        )
    assert "content" in str(compare_streams(films[0], films[1]).differences[0])
    assert "file name: a.ttf became b.ttf" in str(compare_streams(films[0], films[2]).differences[0])
    assert compare_streams(films[0], films[0]).is_same


SCC = (
    "Scenarist_SCC V1.0\n\n00:00:00:05\t9420 9420 94ae 94ae 9470 9470 c8e5 ecec ef80 942f 942f\n\n"
    "00:00:03:00\t942c 942c\n"
)


def with_captions(path: Path) -> Path:
    """Closed captions in a track of their own; the last one ends after the picture."""
    path.with_suffix(".scc").write_text(SCC)
    return make_film(
        path, seconds=2.0, inputs=["-i", path.with_suffix(".scc")], more=["-map", 0, "-map", 1, "-c:s", "copy"]
    )


def with_unknown_sound(film: Path) -> Path:
    """The last sound gets a name and a description that ffmpeg does not know."""
    content = bytearray(film.read_bytes())
    entry = content.rindex(b"stsd") + 16
    content[entry : entry + 4] = b"apac"
    while (place := content.find(b"esds", entry)) >= 0:
        content[place : place + 4] = b"dapa"
    film.write_bytes(content)
    return film


def with_telemetry(path: Path) -> Path:
    """Motion data of a camera: a track of time code under another name."""
    code = make_film(path.with_suffix(".mov"), seconds=2.0, more=["-timecode", "01:02:03:04"])
    content = bytearray(code.read_bytes())
    entry = content.index(b"tmcd", content.rindex(b"stsd"))
    content[entry : entry + 4] = b"gpmd"
    handler = content.index(b"tmcd", content.rindex(b"mdhd", 0, entry))
    content[handler : handler + 4] = b"meta"
    code.write_bytes(content)
    ffmpeg("-i", code, "-map", 0, "-c", "copy", path)
    return path


def n_kept(path: Path, name: bytes) -> int:
    return path.read_bytes().count(name)


@pytest.mark.parametrize(("suffix", "name"), [(".mov", b"c608"), (".mp4", b"gpmd")], ids=["captions", "telemetry"])
def test_what_ffmpeg_can_copy_is_not_said_to_be_impossible(
    tmp_path: Path, track: Path, suffix: str, name: bytes
) -> None:
    film = (with_captions if suffix == ".mov" else with_telemetry)(tmp_path / f"film{suffix}")
    report = render(film, tmp_path / f"out{suffix}", track)
    assert n_kept(tmp_path / f"out{suffix}", name) == n_kept(film, name) > 0
    assert report.warnings == ()


@pytest.mark.parametrize("suffix", [".mov", ".mp4"], ids=["captions", "telemetry"])
def test_what_matroska_cannot_hold_is_named(tmp_path: Path, track: Path, suffix: str) -> None:
    film = (with_captions if suffix == ".mov" else with_telemetry)(tmp_path / f"film{suffix}")
    report = render(film, tmp_path / "out.mkv", track)
    assert any("omitted: not supported by .mkv" in line for line in report.warnings)


@pytest.mark.parametrize("target", [None, ".mov", ".mkv", ".mp4"])
def test_a_sound_that_nobody_knows_is_left_out_and_named(tmp_path: Path, track: Path, target: str | None) -> None:
    extra = ["-f", "lavfi", "-i", "aevalsrc=0|0|0|0:d=2", "-f", "lavfi", "-i", "sine=d=2"]
    maps = ["-map", 0, "-map", 2, "-map", 1, "-c:a", "aac"]
    film = with_unknown_sound(make_film(tmp_path / "film.mov", seconds=2.0, inputs=extra, more=maps))
    assert default_suffix(probe(film)) == ".mov"
    report = render(film, tmp_path / f"out{target or '.mov'}", track)
    assert any("audio stream 2 (unknown) omitted" in line for line in report.warnings)


def test_sound_of_a_broadcast_that_matroska_cannot_hold_is_converted(tmp_path: Path, track: Path) -> None:
    two = ["-f", "lavfi", "-i", "sine=d=2", "-f", "lavfi", "-i", "sine=330:d=2"]
    latm = ["-map", 0, "-map", 1, "-map", 2, "-c:a", "aac", "-mpegts_flags", "latm"]
    film = make_film(tmp_path / "film.ts", seconds=2.0, inputs=two, more=latm)
    report = render(film, tmp_path / "out.mkv", track)
    assert [s.codec for s in film_print(tmp_path / "out.mkv").streams] == ["h264", "flac", "flac"]
    assert any("(aac_latm) converted to flac" in line for line in report.warnings)


def test_data_of_a_transport_stream_is_named_or_kept(tmp_path: Path, track: Path) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=2.0, inputs=[], more=["-timecode", "01:00:00:00"])
    report = render(film, tmp_path / "out.ts", track)
    assert all("omitted" in line for line in report.warnings)


@pytest.mark.parametrize(
    "flag", ["forced", "hearing_impaired", "forced+hearing_impaired", "captions", "comment", "dub"]
)
def test_roles_that_mp4_writes_in_another_way_are_no_reason_to_refuse(tmp_path: Path, track: Path, flag: str) -> None:
    plain = with_subtitles(tmp_path / "plain.mkv", srt("one"), "srt")
    ffmpeg("-i", plain, "-map", 0, "-c", "copy", "-disposition:s:0", flag, tmp_path / "film.mkv")
    report = render(tmp_path / "film.mkv", tmp_path / "out.mp4", track)
    flags = film_print(tmp_path / "out.mp4").streams[-1].flags
    told = any("roles" in line for line in report.warnings)
    assert told or flags >= film_print(tmp_path / "film.mkv").streams[-1].flags - {"default"}
    render(tmp_path / "out.mp4", tmp_path / "again.mkv", track)
