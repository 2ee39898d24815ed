"""Edits made in other programs come back into the cue sheet: times to a frame, levels to a tenth of a decibel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio
import pytest

from made_up import sheet, small_library
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError, UsageError
from soundtrack.export import export
from soundtrack.export.edited.changes import Edited
from soundtrack.export.edited.read import READABLE
from soundtrack.export.keyframes import fade_db
from soundtrack.export.markers import TrackMarks
from soundtrack.export.timeline import Media
from soundtrack.pipeline.edit_import import import_edit
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import Cue, CueSheet, GainPoint, Marker, Section, Span

FPS = Fraction(25)
HALF = 0.5 / 25 + 1e-5
"""Half a frame in seconds."""
ADAPTERS = {"otio": "otio_json", "xml": "fcp_xml", "edl": "cmx_3600"}


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    """Four cues at 25 frames a second; the second and third are apart, with air on both sides of the third."""
    film = sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 200.0)])
    found = spot_cues(film, small_library())
    found = replace(found, film=replace(found.film, fps=FPS))
    mix = replace(found.mix, music_gain_db=-2.0, master_gain_db=1.5)
    ducking = (GainPoint(3.0, 0.0), GainPoint(3.3, -9.0), GainPoint(7.0, -9.0), GainPoint(8.0, 0.0))
    third = found.cues[2]
    later = Span(third.span.start_s + 4.0, third.span.end_s - 6.0)
    n = cuesheet.length_in_samples(later) / 48_000
    first_s = third.sections[0].track.start_s + 4.0
    third = replace(third, span=later, sections=(Section(Span(first_s, first_s + n)),), landings=())
    made = replace(found, mix=mix, ducking=ducking, cues=(*found.cues[:2], third, *found.cues[3:]))
    made = cuesheet.rounded(made)
    cuesheet.check(made)
    return made


def edited_by(cues: CueSheet, name: str, edit: Callable[[Any], None]) -> str:
    """An export after an edit that OpenTimelineIO made and wrote."""
    options = {"rate": float(FPS)} if name == "edl" else {}
    line = otio.adapters.read_from_string(export(cues, name), ADAPTERS[name], **options)
    edit(line)
    if name == "edl":  # an edit list is of one track
        return edl_of(line)
    return str(otio.adapters.write_to_string(line, ADAPTERS[name]))


def edl_of(line: Any) -> str:
    """The events of all tracks of a time line as an edit list."""
    events = []
    for track in line.tracks:
        later = -track.source_range.start_time.to_frames() if track.source_range else 0
        for clip in track.find_clips():
            place = track.range_of_child(clip)
            start = place.start_time.to_frames() + later
            source = clip.source_range.start_time.to_frames()
            n = place.duration.to_frames()
            times = [
                otio.opentime.to_timecode(otio.opentime.RationalTime(f, 25), 25)
                for f in (source, source + n, start, start + n)
            ]
            channel = {"A1": "A"}.get(track.name, track.name)
            note = f"* FROM CLIP NAME: {clip.name}\n" + "\n".join(
                f"* {text}" for text in clip.metadata["cmx_3600"]["comments"]
            )
            events.append(f"{len(events) + 1:03d}  AX       {channel:<5} C        {' '.join(times)}\n{note}")
    return "TITLE: edited\nFCM: NON-DROP FRAME\n\n" + "\n".join(events) + "\n"


def music(line: Any, cues: CueSheet, number: int) -> list[tuple[Any, Any]]:
    """The clips of a cue with their tracks."""
    tracks = {t.track_id: t for t in cues.tracks}
    own = tracks[cues.cues[number].track_id]
    return [(c, t) for t in line.tracks for c in t.find_clips() if c.name == f"{own.artist} - {own.title}"]


def shift(clip: Any, track: Any, n_frames: int) -> None:
    """Move a clip on its track: the gap before it grows, what follows stays."""
    at = track.index(clip)
    rate = clip.source_range.duration.rate
    more = otio.opentime.RationalTime(n_frames, rate)
    before, after = (
        next((track[i] for i in way if isinstance(track[i], otio.schema.Gap)), None)
        for way in (range(at - 1, -1, -1), range(at + 1, len(track)))
    )
    assert before is not None
    before.source_range = otio.opentime.TimeRange(before.source_range.start_time, before.source_range.duration + more)
    if after is not None:
        after.source_range = otio.opentime.TimeRange(after.source_range.start_time, after.source_range.duration - more)


def of(found: Edited, cue_id: str) -> Cue:
    """A cue of the result."""
    return next(c for c in found.sheet.cues if c.cue_id == cue_id)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("fps", [FPS, Fraction(30000, 1001), Fraction(1254253, 42036)])
@pytest.mark.parametrize("start", [None, "01:00:00:00"])
def test_what_was_not_edited_comes_back_as_it_went(cues: CueSheet, name: str, fps: Fraction, start: str | None) -> None:
    made = replace(cues, film=replace(cues.film, fps=fps, start_timecode=start))
    found = import_edit(made, export(made, name))
    assert found.sheet is made
    assert found.changes == ()
    assert found.warnings == ()


def with_marker(text: str, name: str, frame: int, said: str) -> str:
    """A document with a marker more, as an editing program writes it."""
    if name == "otio":
        line = otio.adapters.read_from_string(text, "otio_json")
        at = otio.opentime.TimeRange(otio.opentime.RationalTime(frame, 25), otio.opentime.RationalTime(1, 25))
        line.tracks.markers.append(otio.schema.Marker(said, at))
        return str(otio.adapters.write_to_string(line, "otio_json"))
    if name == "edl":
        return text + f"* LOC: 00:00:{frame // 25:02d}:{frame % 25:02d} RED     {said}\n"
    root = ElementTree.fromstring(text.rpartition("<!DOCTYPE ")[2].partition(">")[2] if "<!DOCTYPE " in text else text)
    if name == "xml":
        sequence = next(root.iter("sequence"))
        sequence.append(ElementTree.fromstring(f"<marker><name>{said}</name><in>{frame}</in><out>-1</out></marker>"))
    elif name == "fcpxml":
        main = next(root.iter("spine"))[0]
        ElementTree.SubElement(main, "marker", start=f"{frame}/25s", duration="1/25s", value=said)
    else:
        tractor = root.findall("tractor")[-1]
        group = ElementTree.SubElement(tractor, "properties", name="shotcut:markers")
        one = ElementTree.SubElement(group, "properties", name="0")
        for key, value in (("text", said), ("start", f"00:00:{frame // 25:02d}.{frame % 25 * 40:03d}")):
            ElementTree.SubElement(one, "property", name=key).text = value
    doctype = f"<!DOCTYPE {'xmeml' if name == 'xml' else name}>" if name != "mlt" else ""
    return f'<?xml version="1.0"?>{doctype}{ElementTree.tostring(root, encoding="unicode")}'


@pytest.mark.parametrize("name", READABLE)
def test_a_marker_of_the_editing_program_comes_back_and_goes_out_again(cues: CueSheet, name: str) -> None:
    found = import_edit(cues, with_marker(export(cues, name), name, 131, "door slams"))
    assert found.sheet.markers == (Marker(5.24, "door slams"),)
    assert replace(found.sheet, markers=()) == cues
    assert found.changes == ("markers: 1, before 0",)
    assert cuesheet.loads(cuesheet.dumps(found.sheet)) == found.sheet
    for other in READABLE:
        again = import_edit(found.sheet, export(found.sheet, other))
        assert again.sheet is found.sheet
        assert import_edit(found.sheet, export(cues, other)).sheet == cues


@pytest.mark.parametrize("name", READABLE)
def test_a_comment_on_a_clip_comes_back_as_a_marker(cues: CueSheet, name: str) -> None:
    text, cue = export(cues, name), cues.cues[1]
    if name == "mlt":
        root = ElementTree.fromstring(text)
        file = next(Path(track.path).name for track in cues.tracks if track.track_id == cue.track_id)
        producer = next(one for one in root if file in "".join(one.itertext()) and one.tag in {"producer", "chain"})
        ElementTree.SubElement(producer, "property", name="shotcut:comment").text = "too loud here?"
        text = ElementTree.tostring(root, encoding="unicode")
    elif name == "edl":
        said = f"* COMMENT: CUE {cue.cue_id} "
        text = "\n".join(f"{line}\n* COMMENT: too loud here?" if said in line else line for line in text.split("\n"))
    elif name == "otio":
        timeline = otio.adapters.read_from_string(text, "otio_json")
        clip = next(c for c in timeline.find_clips() if c.metadata.get("soundtrack", {}).get("cue_id") == cue.cue_id)
        clip.metadata["Resolve_OTIO"] = {"Comments": "too loud here?"}
        text = otio.adapters.write_to_string(timeline, "otio_json")
    else:
        text = text.replace(f">cue {cue.cue_id}<", f">cue {cue.cue_id}: too loud here?<")
    found = import_edit(cues, text)
    assert {m.text for m in found.sheet.markers} == {"too loud here?"}
    assert any(abs(m.time_s - cue.span.start_s) <= 0.04 for m in found.sheet.markers)
    assert replace(found.sheet, markers=()) == cues
    for other in READABLE:
        assert import_edit(found.sheet, export(found.sheet, other)).sheet is found.sheet


@pytest.mark.parametrize("name", READABLE)
def test_markers_that_the_export_wrote_itself_do_not_become_markers_of_the_sheet(cues: CueSheet, name: str) -> None:
    marks = {t.track_id: TrackMarks(sections_s=(0.0, 8.0), bars_s=(0.0, 2.0, 4.0)) for t in cues.tracks}
    media = Media(film=cues.film.name, marked=("scenes", "sections", "bars"), marks=marks)
    text = export(cues, name, media=media)
    assert text != export(cues, name)
    assert import_edit(cues, text).sheet is cues


@pytest.mark.parametrize("name", ["otio", "xml", "edl"])
def test_a_cue_that_was_moved_is_locked_where_it_is_now(cues: CueSheet, name: str) -> None:
    def edit(line: Any) -> None:
        for clip, track in music(line, cues, 2):
            shift(clip, track, 30)

    found = import_edit(cues, edited_by(cues, name, edit))
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.locked
    assert now.span.start_s == pytest.approx(before.span.start_s + 1.2, abs=1e-5)
    assert now.sections == before.sections
    assert (now.gain_db, now.fade_in_s, now.fade_out_s) == (before.gain_db, before.fade_in_s, before.fade_out_s)
    assert [c for c in found.sheet.cues if not c.locked] == [c for c in cues.cues if c is not before]
    assert found.sheet.mix.music_gain_db is None
    cuesheet.check(found.sheet)


@pytest.mark.parametrize("name", ["otio", "xml", "edl"])
def test_a_cue_that_was_trimmed_stays_in_step(cues: CueSheet, name: str) -> None:
    def edit(line: Any) -> None:
        for clip, track in music(line, cues, 2):
            gap = next(g for g in reversed(track[: track.index(clip)]) if isinstance(g, otio.schema.Gap))
            rate = clip.source_range.duration.rate
            n = otio.opentime.RationalTime(50, rate)
            gap.source_range = otio.opentime.TimeRange(gap.source_range.start_time, gap.source_range.duration + n)
            clip.source_range = otio.opentime.TimeRange(
                clip.source_range.start_time + n, clip.source_range.duration - n
            )

    found = import_edit(cues, edited_by(cues, name, edit))
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.locked
    assert now.span.end_s == before.span.end_s
    later = now.span.start_s - before.span.start_s
    assert later == pytest.approx(2.0, abs=HALF)
    assert now.sections[0].track.start_s - before.sections[0].track.start_s == pytest.approx(later, abs=1e-4)
    assert now.gain_db == before.gain_db


@pytest.mark.parametrize("name", ["otio", "xml", "edl"])
def test_a_cue_that_was_deleted_is_silence(cues: CueSheet, name: str) -> None:
    def edit(line: Any) -> None:
        for clip, track in music(line, cues, 2):
            at = track.index(clip)
            track[at] = otio.schema.Gap(source_range=otio.opentime.TimeRange(duration=clip.source_range.duration))

    found = import_edit(cues, edited_by(cues, name, edit))
    assert [c.cue_id for c in found.sheet.cues] == [c.cue_id for c in cues.cues if c is not cues.cues[2]]
    middle = (cues.cues[2].span.start_s + cues.cues[2].span.end_s) / 2
    assert any(s.span.start_s < middle < s.span.end_s for s in found.sheet.silences)
    assert found.changes == (f"cue {cues.cues[2].cue_id} removed",)


@pytest.mark.parametrize("name", READABLE)
def test_a_cue_that_was_muted_is_removed(cues: CueSheet, name: str) -> None:
    text = export(cues, name)
    track = next(t for t in cues.tracks if t.track_id == cues.cues[2].track_id)
    if name == "otio":
        text = edited_by(cues, name, lambda line: [setattr(c, "enabled", False) for c, _ in music(line, cues, 2)])
    elif name == "xml":
        root = ElementTree.fromstring(text.split("\n", 2)[2])
        for item in root.iter("clipitem"):
            if item.findtext("name") == f"{track.artist} - {track.title}":
                switch = item.find("enabled")
                assert switch is not None
                switch.text = "FALSE"
        text = ElementTree.tostring(root, encoding="unicode")
    elif name == "fcpxml":
        at = text.index(f'name="{track.artist} - {track.title}" offset')
        text = f'{text[:at]}enabled="0" {text[at:]}'
    elif name == "edl":
        lines = text.split("\n")
        at = next(i for i, line in enumerate(lines) if line.endswith(f"{track.artist} - {track.title}"))
        text = "\n".join(lines[: at - 1] + lines[at + 3 :])
    else:
        root = ElementTree.fromstring(text)
        at = next(
            p.get("id") for p in root.iter("producer") if any(q.text == f"{track.artist} - {track.title}" for q in p)
        )
        for playlist in root.iter("playlist"):
            for i, item in enumerate(list(playlist)):
                if item.get("producer") == at:
                    n = int(item.get("out", "")) - int(item.get("in", "")) + 1
                    playlist[i] = ElementTree.Element("blank", length=str(n))
        text = ElementTree.tostring(root, encoding="unicode")
    found = import_edit(cues, text)
    assert found.changes == (f"cue {cues.cues[2].cue_id} removed",)


@pytest.mark.parametrize("name", ["otio", "xml", "edl"])
def test_a_cue_that_was_replaced_plays_the_other_track(cues: CueSheet, name: str) -> None:
    """By another track of the sheet, from its tenth second."""
    other = next(t for t in cues.tracks if t.track_id not in {c.track_id for c in cues.cues})

    def edit(line: Any) -> None:
        for clip, _ in music(line, cues, 2):
            clip.name = f"{other.artist} - {other.title}"
            clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(250, 25), clip.source_range.duration)
            if name == "edl":
                said = list(clip.metadata["cmx_3600"]["comments"])
                said[0] = f"SOURCE FILE: {other.path}"
                clip.metadata["cmx_3600"]["comments"] = said
            else:
                known = otio.opentime.TimeRange(
                    otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(9_000, 25)
                )
                clip.media_reference = otio.schema.ExternalReference(target_url=other.path, available_range=known)

    found = import_edit(cues, edited_by(cues, name, edit))
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.track_id == other.track_id
    assert now.locked
    assert now.span == before.span
    assert now.sections[0].track.start_s == pytest.approx(10.0, abs=HALF)
    cuesheet.check(found.sheet)


def test_a_cue_that_was_cut_in_two_and_pulled_apart_is_two_cues(cues: CueSheet) -> None:
    def edit(line: Any) -> None:
        ((clip, track),) = music(line, cues, 2)
        at, whole = track.index(clip), clip.source_range
        time = otio.opentime.RationalTime
        second = clip.deepcopy()
        gone = time(75, 25)
        clip.source_range = otio.opentime.TimeRange(whole.start_time, time(200, 25))
        second.source_range = otio.opentime.TimeRange(
            whole.start_time + time(200, 25) + gone, whole.duration - time(200, 25) - gone
        )
        track.insert(at + 1, otio.schema.Gap(source_range=otio.opentime.TimeRange(time(0, 25), gone)))
        track.insert(at + 2, second)

    found = import_edit(cues, edited_by(cues, "otio", edit))
    name = cues.cues[2].cue_id
    first, second = of(found, name), of(found, f"{name}b")
    assert first.span.duration_s == pytest.approx(8.0, abs=HALF)
    assert second.span.start_s - first.span.end_s == pytest.approx(3.0, abs=1e-4)
    assert second.span.end_s == cues.cues[2].span.end_s
    gap_s = second.sections[0].track.start_s - first.sections[-1].track.end_s
    assert gap_s == pytest.approx(3.0, abs=1e-4)


@pytest.mark.parametrize("name", READABLE)
def test_a_gain_that_was_changed_comes_back_to_a_tenth_of_a_decibel(cues: CueSheet, name: str) -> None:
    """The export of a louder sheet is what an editing program writes after a change of gain."""
    louder = replace(
        cues, cues=tuple(replace(c, gain_db=c.gain_db - 3.4) if i == 2 else c for i, c in enumerate(cues.cues))
    )
    found = import_edit(cues, export(louder, name))
    assert [c.gain_db for c in found.sheet.cues] == pytest.approx([c.gain_db for c in louder.cues], abs=0.1)
    assert [c.locked for c in found.sheet.cues] == [i == 2 for i in range(len(cues.cues))]
    assert [c.span for c in found.sheet.cues] == [c.span for c in cues.cues]
    assert found.sheet.mix == cues.mix


def level_db(cues: CueSheet, number: int, times_s: np.ndarray) -> np.ndarray:
    """Level of a cue by the sheet."""
    cue = cues.cues[number]
    level = (
        cue.gain_db
        + fade_db(times_s - cue.span.start_s, cue.fade_in_s)
        + fade_db(cue.span.end_s - times_s, cue.fade_out_s)
    )
    return level + np.interp(times_s, [p.time_s for p in cues.ducking], [p.gain_db for p in cues.ducking])


@pytest.mark.parametrize("name", ["otio", "xml", "fcpxml", "mlt"])
def test_level_keyframes_come_back_to_a_tenth_of_a_decibel(cues: CueSheet, name: str) -> None:
    """A swell and a dip that were drawn in the editing program."""
    cue = cues.cues[2]
    middle = cue.span.start_s + cue.span.duration_s / 2
    drawn = (
        *cues.ducking,
        *(GainPoint(middle + t, g) for t, g in ((-6.0, 0.0), (-2.0, -7.0), (1.0, -7.0), (4.0, 0.0))),
    )
    found = import_edit(cues, export(replace(cues, ducking=drawn), name))
    assert len(found.changes) == 1
    assert "level keyframes" in found.changes[0]
    times_s = np.arange(cue.span.start_s + 2.0, cue.span.end_s - 3.0, 0.04)
    wanted = level_db(replace(cues, ducking=drawn), 2, times_s)
    assert level_db(found.sheet, 2, times_s) == pytest.approx(wanted, abs=0.1)
    assert level_db(found.sheet, 0, np.arange(4.0, 15.0, 0.1)) == pytest.approx(
        level_db(cues, 0, np.arange(4.0, 15.0, 0.1)), abs=0.1
    )


def test_a_fade_that_was_drawn_longer_in_opentimelineio_is_longer(cues: CueSheet) -> None:
    louder = replace(cues, cues=tuple(replace(c, fade_out_s=4.0) if i == 2 else c for i, c in enumerate(cues.cues)))
    edited = otio.adapters.read_from_string(export(louder, "otio"), "otio_json")
    plain = otio.adapters.read_from_string(export(cues, "otio"), "otio_json")
    for (clip, _), (before, _) in zip(music(edited, cues, 2), music(plain, cues, 2), strict=True):
        clip.metadata["soundtrack"] = before.metadata["soundtrack"]  # only the transition is other
    found = import_edit(cues, otio.adapters.write_to_string(edited, "otio_json"))
    assert of(found, cues.cues[2].cue_id).fade_out_s == pytest.approx(4.0, abs=HALF)


def test_a_picture_that_was_cut_is_said(cues: CueSheet) -> None:
    def edit(line: Any) -> None:
        track = line.video_tracks()[0]
        clip = track[0]
        clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(100, 25), clip.source_range.duration)

    found = import_edit(cues, edited_by(cues, "otio", edit), name="cut.otio")
    assert found.warnings == (
        "cut.otio: the picture was cut; render the new picture, then run `soundtrack conform` on it",
    )


BOMB = '<?xml version="1.0"?><!DOCTYPE {0} [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><{0}>&b;</{0}>'
BAD = {
    "empty.otio": "",
    "text.txt": "hello",
    "cut.otio": '{"OTIO_SCHEMA": "Timeline.1", "tracks": ',
    "no-line.otio": '{"OTIO_SCHEMA": "SerializableCollection.1", "metadata": {}, "name": "", "children": []}',
    "deep.otio": '{"OTIO_SCHEMA": ' + "[" * 100_000,
    "cut.fcpxml": "<?xml version='1.0'?><fcpxml><resources>",
    "no-line.fcpxml": "<fcpxml version='1.8'/>",
    "zero.fcpxml": "<fcpxml><project><sequence tcStart='1/0s'/></project></fcpxml>",
    "no-line.mlt": "<mlt><profile frame_rate_num='25' frame_rate_den='1'/></mlt>",
    "rate.mlt": "<mlt><profile frame_rate_num='0' frame_rate_den='0'/><tractor/></mlt>",
    "loop.mlt": "<mlt><profile frame_rate_num='25'/><tractor id='a'><track producer='a'/></tractor></mlt>",
    "cut.xml": "<xmeml><sequence>",
    "times.edl": "TITLE: x\nFCM: NON-DROP FRAME\n\n001  AX A C 00:00:00:99 00:00:99:00 xx yy\n",
    **{f"bomb.{tag}": BOMB.format(tag) for tag in ("fcpxml", "xmeml", "mlt")},
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_document_that_cannot_be_read_is_named_in_two_lines(cues: CueSheet, name: str) -> None:
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
        import_edit(cues, BAD[name], name=name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert caught.value.hint


def test_music_that_is_nowhere_is_named(cues: CueSheet) -> None:
    def edit(line: Any) -> None:
        for clip, _ in music(line, cues, 2):
            clip.media_reference = otio.schema.ExternalReference(target_url="file:///nowhere/other.wav")

    with pytest.raises(InputError, match=r"/nowhere/other\.wav: no such file"):
        import_edit(cues, edited_by(cues, "otio", edit))


def test_two_pieces_at_once_are_refused(cues: CueSheet) -> None:
    def edit(line: Any) -> None:
        ((clip, track),) = music(line, cues, 2)
        more = otio.schema.Track("MX C", kind="Audio")
        at = track.range_of_child(clip).start_time + otio.opentime.RationalTime(100, 25)
        more.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), at)))
        inside = clip.deepcopy()
        inside.source_range = otio.opentime.TimeRange(clip.source_range.start_time, otio.opentime.RationalTime(200, 25))
        more.append(inside)
        line.tracks.append(more)

    with pytest.raises(InputError, match="sound at once"):
        import_edit(cues, edited_by(cues, "otio", edit))


def test_the_two_files_of_an_import_in_the_wrong_order_are_named(cues: CueSheet, tmp_path: Path) -> None:
    sheet, edit = tmp_path / "film.cues.json", tmp_path / "an edit.otio"
    sheet.write_text(cuesheet.dumps(cues), encoding="utf-8")
    edit.write_text(export(cues, "otio"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"film\.cues\.json is a cue sheet, and .*an edit\.otio is none") as caught:
        run_commands(["cues", "import", str(sheet), str(edit)])
    assert f"`soundtrack cues import '{edit}' {sheet}`" in caught.value.hint


def test_the_command_writes_a_sheet_and_says_what_changed(
    cues: CueSheet, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    louder = replace(
        cues, cues=tuple(replace(c, gain_db=c.gain_db + 2) if i == 1 else c for i, c in enumerate(cues.cues))
    )
    (tmp_path / "film.cues.json").write_text(cuesheet.dumps(cues))
    (tmp_path / "edited.fcpxml").write_text(export(louder, "fcpxml"))
    names = [str(tmp_path / n) for n in ("edited.fcpxml", "film.cues.json", "new.json")]
    assert run_commands(["cues", "import", *names[:2], "-o", names[2]]) == 0
    said = capfd.readouterr().err
    assert f"cue {cues.cues[1].cue_id}: gain +2.0 dB" in said
    assert "1 change" in said
    made = cuesheet.loads((tmp_path / "new.json").read_text())
    assert made.cues[1].locked
    assert made.cues[1].gain_db == pytest.approx(louder.cues[1].gain_db, abs=0.1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.otio").write_text("{}")
    with pytest.raises(InputError, match=r"bad\.otio: not an edited time line"):
        run_commands(["cues", "import", "bad.otio", names[1], "-o", "other.json"])
    assert not (tmp_path / "other.json").exists()


def by_shotcut(text: str) -> str:
    """An MLT file as Shotcut saves it: a clock in place of frames, files as chains, one for each clip."""

    def clock(frame: int) -> str:
        ms = frame * 40
        return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"

    root = ElementTree.fromstring(text)  # our own text
    for item in root.iter():
        for name in ("in", "out", "length"):
            if item.tag != "tractor" and name in item.attrib:
                item.set(name, clock(int(item.get(name, ""))))
        if item.tag == "producer":
            item.tag = "chain"
    return ElementTree.tostring(root, encoding="unicode")


def test_an_mlt_file_that_shotcut_saved_is_read(cues: CueSheet) -> None:
    found = import_edit(cues, by_shotcut(export(cues, "mlt")))
    assert found.changes == ()
    assert found.sheet is cues


def test_a_crossfade_that_shotcut_made_is_two_cues_that_overlap(cues: CueSheet) -> None:
    """The fourth cue enters two seconds before the third one ends, over a time line of its own."""
    moved = Span(cues.cues[2].span.end_s - 2.0, cues.cues[2].span.end_s + 98.0)
    n_s = moved.duration_s
    fourth = replace(cues.cues[3], span=moved, sections=(Section(Span(5.0, 5.0 + n_s)),), fade_in_s=2.0)
    third = replace(cues.cues[2], fade_out_s=2.0)
    both = replace(cues, cues=(*cues.cues[:2], third, fourth))
    root = ElementTree.fromstring(export(both, "mlt"))  # our own text
    lane = {p.get("id"): p for p in root.iter("playlist")}
    ends = []
    for playlist in (lane["mxa"], lane["mxb"]):
        ends += [(playlist, e) for e in playlist.iter("entry")]
    last = {e.get("producer"): (p, e) for p, e in ends}
    a, b = [last[f"music{i}"] for i in (2, 3)]
    assert a[0] is not b[0]
    out, into = int(a[1].get("out", "")), int(b[1].get("in", ""))
    mix = ElementTree.Element("tractor", {"id": "mix", "in": "0", "out": "49"})
    for entry, first in ((a[1], out - 49), (b[1], into)):
        ElementTree.SubElement(
            mix, "track", {"producer": entry.get("producer", ""), "in": str(first), "out": str(first + 49)}
        )
    at = list(a[0]).index(a[1])
    a[1].set("out", str(out - 50))
    a[0].insert(at + 1, ElementTree.Element("entry", {"producer": "mix", "in": "0", "out": "49"}))
    b[1].set("in", str(into + 50))
    gap = list(b[0])[list(b[0]).index(b[1]) - 1]
    gap.set("length", str(int(gap.get("length", "")) + 50))
    root.insert(list(root).index(root.find("playlist")), mix)  # type: ignore[arg-type]
    found = import_edit(cues, ElementTree.tostring(root, encoding="unicode"))
    now = {c.cue_id: c for c in found.sheet.cues}
    before, after = now[third.cue_id], now[fourth.cue_id]
    assert len(now) == 4
    assert before.span.end_s - after.span.start_s == pytest.approx(2.0, abs=2 * HALF)
    assert max(before.fade_out_s, after.fade_in_s) >= before.span.end_s - after.span.start_s - 1e-5
    assert after.span.end_s == pytest.approx(moved.end_s, abs=HALF)
