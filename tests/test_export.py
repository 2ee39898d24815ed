"""Exports: read back by readers that are not ours, times equal to a frame, and nothing that tags can break."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from made_up import sheet, small_library
from soundtrack.errors import UsageError
from soundtrack.export import FORMATS, export, not_carried
from soundtrack.export.clips import music_clips, one_line
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import frames, round_half_up
from soundtrack.types import CueSheet

EVIL = "=cmd|' /C calc'!A0\nC,\"x\" <b>&\x1b[31m\u202e\udcff"


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 200.0)])
    found = spot_cues(film, small_library())
    return replace(found, mix=replace(found.mix, music_gain_db=0.0, master_gain_db=0.0))


@pytest.fixture(scope="module")
def evil(cues: CueSheet) -> CueSheet:
    """The same sheet with hostile names everywhere."""
    tracks = tuple(
        replace(t, title=EVIL, artist=EVIL, licence=EVIL, isrc=EVIL, path=f"#{EVIL}.mp3") for t in cues.tracks
    )
    return replace(cues, tracks=tracks, film=replace(cues.film, name=EVIL))


def test_the_csv_says_what_the_sheet_says(cues: CueSheet) -> None:
    rows = list(csv.DictReader(io.StringIO(export(cues, "csv"), newline="")))
    tracks = {t.track_id: t for t in cues.tracks}
    assert [r["cue"] for r in rows] == [c.cue_id for c in cues.cues]
    for row, cue in zip(rows, cues.cues, strict=True):
        assert float(row["start_s"]) == cue.span.start_s
        assert float(row["duration_s"]) == pytest.approx(cue.span.duration_s, abs=1e-6)
        assert row["title"] == tracks[cue.track_id].title
        assert row["file"] == tracks[cue.track_id].path
        assert int(row["seams"]) == len(cue.sections) - 1


def test_no_cell_of_the_csv_is_a_formula(evil: CueSheet) -> None:
    text = export(evil, "csv")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(evil.cues) + 1
    names = rows[0]
    for row in rows[1:]:
        assert len(row) == len(names)
        for name, cell in zip(names, row, strict=True):
            if name not in ("gain_db", "merit"):
                assert not cell.startswith(("=", "+", "-", "@", "\t"))
            assert "\n" not in cell
    assert text.encode("utf-8")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_survives_hostile_names_and_is_the_same_twice(evil: CueSheet, name: str) -> None:
    text = export(evil, name)
    assert text == export(evil, name)
    assert text.encode("utf-8")
    assert "\x1b" not in text
    if name in ("m3u", "edl", "txt"):
        assert len(text.splitlines()) == len(export(replace(evil, tracks=_plain(evil)), name).splitlines())


def _plain(of: CueSheet) -> tuple[object, ...]:
    """The tracks with harmless names, still present."""
    return tuple(replace(t, title="t", artist="a", licence="l", isrc="i", path="p.mp3") for t in of.tracks)


def test_the_playlist_names_every_track_once(cues: CueSheet) -> None:
    lines = export(cues, "m3u").splitlines()
    assert lines[:2] == ["#EXTM3U", "# Written by soundtrack"]
    assert lines[3::2] == list(
        dict.fromkeys(next(t.path for t in cues.tracks if t.track_id == c.track_id) for c in cues.cues)
    )
    assert all(line.startswith("#EXTINF:121,") for line in lines[2::2])


def test_the_credits_name_who_made_the_music(cues: CueSheet) -> None:
    tagged = replace(cues, tracks=tuple(replace(t, licence="CC-BY 4.0", isrc="XX1234567890") for t in cues.tracks))
    text = export(tagged, "txt")
    used = {c.track_id for c in cues.cues}
    for track in cues.tracks:
        assert (f'"{track.title}" by {track.artist}' in text) is (track.track_id in used)
    assert text.count("licence: CC-BY 4.0") == text.count("ISRC: XX1234567890") == len(used)


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)])
def test_the_clips_lie_where_the_cues_lie_to_the_frame(cues: CueSheet, fps: Fraction) -> None:
    made = replace(cues, film=replace(cues.film, fps=fps))
    clips = music_clips(made)
    for cue in made.cues:
        own = [c for c in clips if c.cue.cue_id == cue.cue_id]
        assert own[0].record_in == frames(cue.span.start_s, fps=fps)
        assert own[-1].record_out == frames(cue.span.end_s, fps=fps)
        assert own[0].is_first
        assert own[-1].is_last
        assert all(a.record_out == b.record_in for a, b in itertools.pairwise(own))
    for lane in (0, 1):
        row = [c for c in clips if c.lane == lane]
        assert all(a.record_out <= b.record_in for a, b in itertools.pairwise(row))


# The FCPXML reader counts on whole rates only; test_export_levels.py looks at the others.
@pytest.mark.parametrize(
    ("name", "fps"),
    [
        *itertools.product(["edl", "otio", "xml"], [Fraction(24), Fraction(25), Fraction(30000, 1001)]),
        *itertools.product(["fcpxml"], [Fraction(24), Fraction(25)]),
    ],
)
def test_another_reader_finds_the_music_at_the_same_frames(cues: CueSheet, name: str, fps: Fraction) -> None:
    adapter = {"edl": "cmx_3600", "otio": "otio_json", "xml": "fcp_xml", "fcpxml": "fcpx_xml"}[name]
    if adapter not in otio.adapters.available_adapter_names():
        pytest.skip(f"the reader {adapter} is not installed")
    made = replace(cues, film=replace(cues.film, fps=fps))
    options = {"rate": float(fps)} if name == "edl" else {}
    timeline = otio.adapters.read_from_string(export(made, name), adapter, **options)
    if not hasattr(timeline, "tracks"):
        timeline = next(c for c in timeline if hasattr(c, "tracks"))
    found = []
    for track in timeline.tracks:
        # The FCPXML reader takes music without a picture for video; the lanes below the film are ours.
        if track.kind != "Audio" and not (name == "fcpxml" and track.name.startswith("-")):
            continue
        # The EDL reader leaves out the gap before a track's first clip and gives the track's start instead.
        offset = -track.source_range.start_time.to_frames() if track.source_range else 0
        offset = offset if name == "edl" else 0
        for clip in track.find_clips():
            if clip.name == made.film.name:
                continue
            place = track.range_of_child(clip)
            start = place.start_time.to_frames() + offset
            found.append(
                (start, start + place.duration.to_frames(), clip.source_range.start_time.to_frames(), clip.name)
            )
    wanted = [
        (c.record_in, c.record_out, c.source_in, f"{c.track.artist} - {c.track.title}") for c in music_clips(made)
    ]
    # In Final Cut Pro 7 XML every audio track is one channel.
    assert sorted(found) == sorted(wanted * (2 if name == "xml" else 1))


def test_the_xml_is_well_formed_whatever_the_tags_say(evil: CueSheet) -> None:
    root = ElementTree.fromstring(export(evil, "xml"))  # our own text
    assert root.tag == "xmeml"
    assert root.find(".//rate/timebase") is not None


def test_the_level_of_the_music_travels_with_the_time_line(cues: CueSheet) -> None:
    timeline = otio.adapters.read_from_string(export(cues, "otio"), "otio_json")
    clips = [c for t in timeline.audio_tracks() for c in t.find_clips() if c.name != cues.film.name]
    assert {c.metadata["soundtrack"]["gain_db"] for c in clips} == {c.gain_db for c in cues.cues}
    picture = timeline.video_tracks()[0]
    assert picture.duration().to_frames() == round_half_up(Fraction(cues.film.duration_s) * cues.film.fps)


def test_a_format_nobody_knows_is_refused(cues: CueSheet) -> None:
    with pytest.raises(UsageError, match="unknown format 'mp3'"):
        export(cues, "mp3")


def test_one_line_is_one_line() -> None:
    assert one_line("a\r\n\u2028 b\x00") == "a b"


def faster(cues: CueSheet) -> CueSheet:
    """The sheet with its first cue a little faster than recorded."""
    return replace(cues, cues=(replace(cues.cues[0], speed=1.02), *cues.cues[1:]))


def test_a_cue_s_speed_travels(cues: CueSheet) -> None:
    made = faster(cues)
    clip = music_clips(made)[0]
    assert clip.source_frames == round_half_up(clip.n_frames * Fraction(1.02)) > clip.n_frames
    timeline = otio.adapters.read_from_string(export(made, "otio"), "otio_json")
    scalars = [e.time_scalar for t in timeline.audio_tracks() for c in t.find_clips() for e in c.effects]
    assert scalars == [1.02] * len(made.cues[0].sections)
    for name in ("xml", "otio"):
        assert not_carried(made, name) == not_carried(cues, name)
    rows = list(csv.DictReader(io.StringIO(export(made, "csv"))))
    assert [float(row["speed"]) for row in rows] == [c.speed for c in made.cues]


def test_the_edl_has_a_motion_effect_that_another_reader_understands(cues: CueSheet) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("the reader cmx_3600 is not installed")
    made = replace(faster(cues), film=replace(cues.film, fps=Fraction(25)))
    timeline = otio.adapters.read_from_string(export(made, "edl"), "cmx_3600", rate=25.0)
    warps = [e.time_scalar for t in timeline.tracks for c in t.find_clips() for e in c.effects]
    assert warps == pytest.approx([1.02] * len(made.cues[0].sections))


def test_mlt_and_fcpxml_play_the_warped_clip_over_the_same_frames(cues: CueSheet) -> None:
    made = faster(cues)
    clip = music_clips(made)[0]
    root = ElementTree.fromstring(export(made, "mlt"))  # our own text
    warped = [p for p in root.iter("producer") if p.findtext("property[@name='mlt_service']") == "timewarp"]
    assert [p.findtext("property[@name='warp_speed']") for p in warped] == ["1.020000"]
    entry = next(e for e in root.iter("entry") if e.get("producer") == warped[0].get("id"))
    assert int(entry.get("in", "")) == round_half_up(clip.source_in / Fraction(1.02))
    assert int(entry.get("out", "")) - int(entry.get("in", "")) + 1 == clip.n_frames
    points = ElementTree.fromstring(export(made, "fcpxml").split("\n", 2)[2]).findall(".//timeMap/timept")
    ends = [Fraction(points[1].get(name, "").rstrip("s")) for name in ("value", "time")]
    assert float(ends[0] / ends[1]) == pytest.approx(1.02, abs=1e-3)


def test_final_cut_pro_7_plays_a_faster_cue_from_the_same_moment_of_the_music(cues: CueSheet) -> None:
    """Reported as: what is played at another speed has its in point and length at the old one."""
    made = faster(cues)
    clip = music_clips(made)[0]
    items = ElementTree.fromstring(export(made, "xml").split("\n", 2)[2]).iter("clipitem")
    speeds = {
        item.get("id"): [p.findtext("value") for p in item.iter("parameter") if p.findtext("parameterid") == "speed"]
        for item in items
    }
    n_faster = 2 * len(made.cues[0].sections)
    assert sum(value == ["102.0000"] for value in speeds.values()) == n_faster
    assert all(not value for name, value in speeds.items() if str(name).startswith("film"))
    items = ElementTree.fromstring(export(made, "xml").split("\n", 2)[2]).iter("clipitem")
    first = next(item for item in items if speeds[item.get("id")])
    ends = [int(first.findtext(name) or 0) for name in ("start", "end", "in", "out")]
    assert ends == [clip.record_in, clip.record_out, clip.warped_in, clip.warped_in + clip.n_frames]
    assert ends[2] * 1.02 == pytest.approx(clip.source_in, abs=1)
    timeline = otio.adapters.read_from_string(export(made, "xml"), "fcp_xml")
    line = timeline if hasattr(timeline, "tracks") else timeline[0]
    starts = [c.range_in_parent().start_time.value for t in line.audio_tracks() for c in t.find_clips()]
    assert starts.count(clip.record_in) >= 2
