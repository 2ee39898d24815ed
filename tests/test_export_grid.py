"""Frame rates and timecode of exports: what films are really labelled with, and what editing programs count in."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from films import ffmpeg
from made_up import sheet, small_library
from soundtrack.export import FORMATS, export, not_carried
from soundtrack.export.frame_rate import STANDARD, grid_of, standard_rate
from soundtrack.export.timeline import timeline_of
from soundtrack.media.reading.probe import probe
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import frame_timecode, parse_timecode
from soundtrack.types import CueSheet

NTSC = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    found = spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), small_library())
    return replace(found, mix=replace(found.mix, music_gain_db=-3.0, master_gain_db=2.0))


def of(cues: CueSheet, fps: Fraction, start: str | None = None) -> CueSheet:
    """The sheet of a film of another rate and start."""
    return replace(cues, film=replace(cues.film, fps=fps, start_timecode=start))


@pytest.mark.parametrize("fps", STANDARD)
def test_a_standard_rate_is_kept_however_it_is_written(fps: Fraction) -> None:
    for other in (
        fps,
        Fraction(round(fps * 100), 100),
        Fraction(round(fps * 1000), 1000),
        fps * Fraction(10_001, 10_000),
    ):
        assert standard_rate(other) == fps


@pytest.mark.parametrize(
    ("fps", "wanted"),
    [
        ("19001/317", "60000/1001"),  # 59.94 in Matroska
        ("15", "30"),
        ("12.5", "25"),
        ("12", "24"),
        ("10", "30"),
        ("120", "60"),
        ("120000/1001", "60000/1001"),
        ("240", "60"),
        ("100", "50"),
        ("1000/33", "30"),
        ("15000/1001", "30000/1001"),
        ("1254253/42036", "30"),  # a phone's average
        ("23.5", "24"),
        ("59.1", "60"),
        ("1/1000", "24"),
        ("500", "50"),
    ],
)
def test_any_other_rate_becomes_one_that_editing_programs_share(fps: str, wanted: str) -> None:
    assert standard_rate(Fraction(fps)) == Fraction(wanted)


@pytest.mark.parametrize("name", [name for name, made in FORMATS.items() if made.is_time_line])
@pytest.mark.parametrize("fps", ["1254253/42036", "15", "120", "1000/33", "2997/100", "23.977"])
def test_cues_stay_at_their_time_at_any_rate_of_the_film(cues: CueSheet, name: str, fps: str) -> None:
    """Reported as: a cue at 80.00 s is at 79.60 s in the edit list; xml crashes; FCPXML has 1254253/20472000s."""
    made = of(cues, Fraction(fps))
    line = timeline_of(made)
    assert export(made, name)
    own = {c.cue.cue_id: c for c in reversed(line.clips)}
    for cue in made.cues:
        assert abs(own[cue.cue_id].record_in / line.fps - Fraction(cue.span.start_s)) <= 1 / line.fps / 2
    said = [text for text in not_carried(made, name) if "times are kept" in text]
    assert len(said) == (0 if line.grid.is_own else 1)


@pytest.mark.parametrize("fps", [NTSC, Fraction(60000, 1001)])
def test_drop_frame_timecode_runs_with_the_clock(fps: Fraction) -> None:
    nominal = round(fps)
    for frame in (*range(0, 40_000, 7), *range(nominal * 3600, nominal * 3600 + 4_000)):
        text = frame_timecode(frame, fps=fps, drop=True)
        assert parse_timecode(text, fps=fps) == frame
        hours, minutes, rest = text.split(":")
        seconds = int(hours) * 3600 + int(minutes) * 60 + int(rest[:2]) + int(rest[3:]) / nominal
        assert abs(seconds - frame / fps) < 0.08
    assert frame_timecode(-1, fps=fps, drop=True) == f"23:59:59;{nominal - 1}"


@pytest.mark.parametrize(
    ("fps", "start", "frame", "is_drop"),
    [
        (NTSC, "01:00:00;00", 107_892, True),
        (NTSC, "01:00:00:00", 108_000, False),
        (Fraction(60000, 1001), "00:59:59;58", 215_782, True),
        (Fraction(25), "23:59:59:20", 2_159_995, False),
        (Fraction(24000, 1001), "10:00:00:23", 864_023, False),
        (Fraction(50), "01:00:00:49", 180_049, False),
        (Fraction(15), "00:00:01:07", 44, False),
        (Fraction(120), "00:00:01:90", 105, False),
        (Fraction(2984, 100), "01:00:00;00", 107_892, True),
        (Fraction(25), "00:00:00:25", 0, False),
        (NTSC, "00:01:00;01", 0, False),
    ],
)
def test_the_start_timecode_of_a_film_as_a_frame(
    fps: Fraction, start: str, frame: int, is_drop: bool, cues: CueSheet
) -> None:
    grid = grid_of(replace(cues.film, fps=fps, start_timecode=start), start_timecode=start)
    assert (grid.start, grid.is_drop) == (frame, is_drop)
    assert grid.is_start_known is (frame != 0)


def test_every_format_starts_at_the_film_s_timecode(cues: CueSheet) -> None:
    """Reported as: a camera film that starts at 01:00:00;00 starts at zero, non-drop, in every export."""
    made = of(cues, NTSC, "01:00:00;00")
    start_s = Fraction(107_892) / NTSC
    fcpx = ElementTree.fromstring(export(made, "fcpxml"))
    main, sequence = fcpx.find(".//spine/asset-clip"), fcpx.find(".//sequence")
    assert main is not None
    assert sequence is not None
    asset = fcpx.find("resources/asset[@id='r2']")
    assert asset is not None
    for text in (main.attrib["offset"], main.attrib["start"], asset.attrib["start"], sequence.attrib["tcStart"]):
        assert Fraction(text.rstrip("s")) == start_s
    assert main.attrib["tcFormat"] == sequence.attrib["tcFormat"] == "DF"
    first = timeline_of(made).clips[0]
    connected = fcpx.find(".//asset-clip/asset-clip")
    assert connected is not None
    assert Fraction(connected.attrib["offset"].rstrip("s")) == start_s + first.record_in / NTSC
    old = ElementTree.fromstring(export(made, "xml"))
    for place in ("sequence/timecode", ".//clipitem/file/timecode"):
        assert old.findtext(f"{place}/string") == "01:00:00;00"
        assert old.findtext(f"{place}/frame") == "107892"
        assert old.findtext(f"{place}/displayformat") == "DF"
    edl = export(made, "edl").splitlines()
    assert edl[1] == "FCM: DROP FRAME"
    events = [line.split() for line in edl if line[:3].isdigit()]
    assert events[0][6] == frame_timecode(107_892 + first.record_in, fps=NTSC, drop=True)
    timeline = otio.adapters.read_from_string(export(made, "otio"), "otio_json")
    assert timeline.global_start_time.to_frames() == 107_892
    clip = timeline.video_tracks()[0].find_clips()[0]
    assert clip.source_range.start_time == clip.media_reference.available_range.start_time == timeline.global_start_time
    assert export(made, "csv").splitlines()[1].split(",")[2] == frame_timecode(
        107_892 + first.record_in, fps=NTSC, drop=True
    )
    assert any("cannot store a start timecode" in text for text in not_carried(made, "mlt"))


def test_a_timecode_that_the_rate_does_not_have_is_named(cues: CueSheet) -> None:
    assert any("start timecode '00:00:00:25'" in t for t in not_carried(of(cues, Fraction(25), "00:00:00:25"), "edl"))
    assert not_carried(of(cues, Fraction(25), "10:00:00:24"), "fcpxml") == []


@pytest.mark.parametrize(
    ("suffix", "rate", "timecode", "more"),
    [
        (".mov", "30000/1001", "01:00:00;00", ["-c:v", "libx264"]),
        (".mp4", "25", "10:00:00:12", ["-c:v", "libx264"]),
        (".mkv", "24000/1001", "23:59:59:20", ["-c:v", "libx264"]),
        (".mxf", "25", "09:59:30:00", ["-c:v", "mpeg2video"]),
        (".mpg", "30000/1001", "01:02:03;04", ["-c:v", "mpeg2video"]),
        (".ts", "25", "10:00:00:24", ["-c:v", "mpeg2video"]),
    ],
)
def test_the_start_timecode_is_read_from_the_film(
    tmp_path: Path, suffix: str, rate: str, timecode: str, more: list[str]
) -> None:
    film = tmp_path / f"film{suffix}"
    option = ["-metadata", f"timecode={timecode}"] if suffix == ".mkv" else ["-timecode", timecode]
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={rate}:d=1", *more, "-pix_fmt", "yuv420p", *option, film)
    assert probe(film).start_timecode == timecode


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "libx264"), (".mpg", "mpeg2video")])
def test_a_film_without_timecode_has_none(tmp_path: Path, suffix: str, codec: str) -> None:
    film = tmp_path / f"a{suffix}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-c:v", codec, "-pix_fmt", "yuv420p", film)
    assert probe(film).start_timecode is None
