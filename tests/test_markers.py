"""Markers in exports: where hit points, scenes, sections, bars and beats fall in the film, in every time line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from made_up import sheet, small_library
from media_made import make_track
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import UsageError
from soundtrack.export import FORMATS, export
from soundtrack.export.markers import KINDS, Marker, TrackMarks, heard_at, is_derived, markers_of
from soundtrack.export.timeline import Media
from soundtrack.pipeline.sheets.exports import find_media
from soundtrack.spotting.merit.constraints import Constraints
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.timebase import frames
from soundtrack.types import CueSheet, Section, Span

TIME_LINES = [name for name, made in FORMATS.items() if made.is_time_line]


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    film = sheet([("Relaxation", 40.0), ("Tension", 60.0), ("Sad", 50.0)])
    return spot_cues(film, small_library(), constraints=Constraints(hits=(20.5,)))


@pytest.fixture(scope="module")
def marks(cues: CueSheet) -> dict[str, TrackMarks]:
    tracks = small_library().tracks()
    found = {t.track_id: tracks[t.track_id].analysis for t in cues.tracks}
    return {name: TrackMarks((0.0, 40.0), made.downbeats_s, made.beats_s) for name, made in found.items()}


def test_bars_are_marked_where_they_are_heard_through_seams_and_at_other_tempos(cues: CueSheet) -> None:
    cue = replace(
        cues.cues[0],
        span=Span(10.0, 16.0),
        speed=2.0,
        sections=(Section(Span(4.0, 10.0), 0.06, 0.9), Section(Span(30.0, 36.0))),
        landings=(),
    )
    made = replace(cues, cues=(cue,), film=replace(cues.film, fps=Fraction(25)))
    marks = {cue.track_id: TrackMarks(bars_s=tuple(float(t) for t in range(0, 60, 2)))}
    found = markers_of(made, marks, kinds=["bars"], n_frames=100_000)
    assert [m.frame / 25 for m in found] == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    assert found[0] == Marker(250, "bars", f"{cue.cue_id} bar 1")


def test_a_bar_line_that_a_cue_starts_on_is_heard_though_samples_fall_beside_it(cues: CueSheet) -> None:
    bars_s = (4.9910941, 6.8093, 8.6275)
    cue = replace(cues.cues[0], span=Span(10.0, 16.0), speed=1.0, sections=(Section(Span(4.9911042, 10.9911042)),))
    assert [round(t, 3) for t in heard_at(cue, bars_s)] == [10.0, 11.818, 13.636]


def test_of_what_falls_on_one_frame_the_largest_is_marked(cues: CueSheet, marks: dict[str, TrackMarks]) -> None:
    every = markers_of(cues, marks, kinds=KINDS, n_frames=frames(150.0, fps=cues.film.fps))
    assert len({m.frame for m in every}) == len(every)
    kinds = {m.frame: m.kind for m in every}
    assert {*kinds.values()} == {*KINDS}
    assert kinds[frames(20.5, fps=cues.film.fps)] == "hits"
    for bar in markers_of(cues, marks, kinds=["bars"], n_frames=frames(150.0, fps=cues.film.fps)):
        assert kinds[bar.frame] != "beats"


def test_scene_changes_are_marked_with_the_mood_that_begins_and_do_not_come_back_as_own_markers(cues: CueSheet) -> None:
    found = markers_of(cues, {}, kinds=["scenes"], n_frames=frames(150.0, fps=cues.film.fps))
    assert [m.text for m in found] == ["scene 1: Relaxation", "scene 2: Tension", "scene 3: Sad"]
    assert [m.frame for m in found] == [frames(s.span.start_s, fps=cues.film.fps) for s in cues.scenes]
    assert all(is_derived(m.text, []) for m in found) and not is_derived("scene 2: the storm", [])


def _from_otio(text: str) -> list[tuple[int, str]]:
    read = otio.adapters.read_from_string(text, "otio_json")
    return [(round(m.marked_range.start_time.value), m.name) for m in read.tracks.markers]


def _from_xml(text: str) -> list[tuple[int, str]]:
    root = ElementTree.fromstring(text)
    return [(int(m.findtext("in") or -1), m.findtext("name") or "") for m in root.iter("marker")]


def _from_edl(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"^\* LOC: (\d\d):(\d\d):(\d\d):(\d\d) \w+ +(.*)$", text, re.MULTILINE)
    rate = 24
    return [(((int(h) * 60 + int(m)) * 60 + int(s)) * rate + int(f), name) for h, m, s, f, name in found]


def _from_fcpxml(text: str) -> list[tuple[int, str]]:
    root = ElementTree.fromstring(text.split("<!DOCTYPE fcpxml>")[1])
    fps = Fraction(24000, 1001)
    return [(round(_seconds(m.get("start")) * fps), m.get("value") or "") for m in root.iter("marker")]


def _seconds(text: str | None) -> Fraction:
    return Fraction((text or "").rstrip("s"))


def _from_mlt(text: str) -> list[tuple[int, str]]:
    root = ElementTree.fromstring(text)
    group = next(e for e in root.iter("properties") if e.get("name") == "shotcut:markers")
    result = []
    for one in group.findall("properties"):
        said = {e.get("name"): e.text or "" for e in one}
        hours, minutes, seconds = said["start"].split(":")
        at = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        result.append((round(at * 24000 / 1001), said["text"]))
    return result


READERS: dict[str, Callable[[str], list[tuple[int, str]]]] = {
    "otio": _from_otio,
    "xml": _from_xml,
    "edl": _from_edl,
    "fcpxml": _from_fcpxml,
    "mlt": _from_mlt,
}


@pytest.mark.parametrize("name", TIME_LINES)
def test_every_time_line_carries_the_markers_at_their_frames(
    cues: CueSheet, marks: dict[str, TrackMarks], name: str
) -> None:
    media = Media(film="film.mp4", marked=("hits", "scenes", "sections", "bars"), marks=marks)
    wanted = markers_of(cues, marks, kinds=media.marked, n_frames=frames(150.0, fps=cues.film.fps))
    assert len(wanted) > 20
    text = export(cues, name, media=media)
    assert READERS[name](text) == [(m.frame, m.text) for m in wanted]
    assert text != export(cues, name, media=Media(film="film.mp4"))


@pytest.mark.parametrize("name", TIME_LINES)
def test_without_the_option_a_time_line_has_no_markers(cues: CueSheet, marks: dict[str, TrackMarks], name: str) -> None:
    plain = export(cues, name, media=Media(film="film.mp4"))
    assert plain == export(cues, name, media=Media(film="film.mp4", marks=marks))


def test_tracks_that_no_index_knows_are_analysed_for_their_markers(cues: CueSheet, tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.flac", tempo_bpm=120, notes_hz=[220.0, 330.0], seconds=20.0)
    cue = cues.cues[0]
    own = next(t for t in cues.tracks if t.track_id == cue.track_id)
    made = replace(cues, tracks=(replace(own, path=str(song)),), cues=(cue,))
    nowhere = tmp_path / "nowhere"
    found = find_media(made, folder=tmp_path, probed=False, marked=["beats"], index=nowhere)
    assert len(found.media.marks[own.track_id].beats_s) > 30 and not nowhere.exists()
    song.unlink()
    lost = find_media(made, folder=tmp_path, probed=False, marked=["beats"], index=nowhere)
    assert not lost.media.marks and any("no markers" in line for line in lost.warnings)


def test_markers_by_the_command_and_what_it_refuses(
    cues: CueSheet, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.cues.json"
    path.write_text(cuesheet.dumps(cues), encoding="utf-8")
    assert run_commands(["cues", "export", str(path), "--to", "otio", "--markers", "hits"]) == 0
    read = json.loads(capfd.readouterr().out)
    assert [m["name"] for m in read["tracks"]["markers"]] == [
        f"{cue.cue_id} hit: {hit.on}" for cue in cues.cues for hit in cue.landings
    ]
    with pytest.raises(UsageError, match="unknown kind of marker 'bras'"):
        run_commands(["cues", "export", str(path), "--to", "otio", "--markers", "hits,bras"])
    with pytest.raises(UsageError, match="csv cannot hold markers"):
        run_commands(["cues", "export", str(path), "--to", "csv", "--markers", "hits"])
