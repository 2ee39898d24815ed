"""Edits of FCPXML and MLT documents, element by element, as Final Cut Pro, Resolve and Shotcut make them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from soundtrack.documents import cuesheet
from soundtrack.export import export
from soundtrack.export.clips import shown_name
from soundtrack.export.edited.fcpxml_file import read_fcpxml
from soundtrack.pipeline.edit_import import import_edit
from soundtrack.types import CueSheet, SheetTrack
from test_edit_import import HALF, cues, of  # noqa: F401 - a fixture

RATE = 25


class Fcpxml:
    """An FCPXML document, and edits of its clips."""

    name = "fcpxml"

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text.partition("<!DOCTYPE fcpxml>")[2])

    def text(self) -> str:
        return f"<?xml version='1.0'?><!DOCTYPE fcpxml>{ElementTree.tostring(self.root, encoding='unicode')}"

    def clip(self, track: SheetTrack) -> Element:
        return next(c for c in self.root.iter("asset-clip") if c.get("name") == shown_name(track))

    @staticmethod
    def add(item: Element, key: str, n_frames: int) -> None:
        item.set(key, f"{Fraction(item.get(key, '0s').removesuffix('s')) + Fraction(n_frames, RATE)}s")

    def move(self, track: SheetTrack, n_frames: int) -> None:
        self.add(self.clip(track), "offset", n_frames)

    def trim_start(self, track: SheetTrack, n_frames: int) -> None:
        clip = self.clip(track)
        self.add(clip, "offset", n_frames)
        self.add(clip, "start", n_frames)
        self.add(clip, "duration", -n_frames)

    def trim_end(self, track: SheetTrack, n_frames: int) -> None:
        self.add(self.clip(track), "duration", -n_frames)

    def replace(self, track: SheetTrack, other: SheetTrack, from_frame: int) -> None:
        clip = self.clip(track)
        asset = Element(
            "asset", id="r99", name=shown_name(other), src=other.path, start="0s", duration="120s", hasAudio="1"
        )
        resources = self.root.find("resources")
        assert resources is not None
        resources.append(asset)
        clip.set("ref", "r99")
        clip.set("name", shown_name(other))
        clip.set("start", f"{Fraction(from_frame, RATE)}s")


class Mlt:
    """An MLT document, and edits of its clips; blanks make the place of a clip."""

    name = "mlt"

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)

    def text(self) -> str:
        return ElementTree.tostring(self.root, encoding="unicode")

    def entry(self, track: SheetTrack) -> tuple[Element, int]:
        ids = {p.get("id") for p in self.root.iter("producer") if any(q.text == shown_name(track) for q in p)}
        return next(
            (playlist, i)
            for playlist in self.root.iter("playlist")
            for i, item in enumerate(playlist)
            if item.get("producer") in ids
        )

    @staticmethod
    def blank(playlist: Element, at: int, n_frames: int) -> None:
        """Make the blank at a place longer; one that would be empty is an error of the test."""
        if 0 <= at < len(playlist) and playlist[at].tag == "blank":
            length = int(playlist[at].get("length", "0")) + n_frames
            assert length > 0
            playlist[at].set("length", str(length))

    def move(self, track: SheetTrack, n_frames: int) -> None:
        playlist, at = self.entry(track)
        self.blank(playlist, at - 1, n_frames)
        self.blank(playlist, at + 1, -n_frames)

    def trim_start(self, track: SheetTrack, n_frames: int) -> None:
        playlist, at = self.entry(track)
        self.blank(playlist, at - 1, n_frames)
        playlist[at].set("in", str(int(playlist[at].get("in", "0")) + n_frames))

    def trim_end(self, track: SheetTrack, n_frames: int) -> None:
        playlist, at = self.entry(track)
        self.blank(playlist, at + 1, n_frames)
        playlist[at].set("out", str(int(playlist[at].get("out", "0")) - n_frames))

    def replace(self, track: SheetTrack, other: SheetTrack, from_frame: int) -> None:
        playlist, at = self.entry(track)
        length = int(playlist[at].get("out", "0")) - int(playlist[at].get("in", "0"))
        producer = ElementTree.Element("producer", {"id": "other", "in": "0", "out": "2999"})
        for key, value in (
            ("resource", other.path),
            ("mlt_service", "avformat"),
            ("shotcut:caption", shown_name(other)),
        ):
            ElementTree.SubElement(producer, "property", name=key).text = value
        self.root.insert(1, producer)
        playlist[at].set("producer", "other")
        playlist[at].set("in", str(from_frame))
        playlist[at].set("out", str(from_frame + length))


FORMATS = [Fcpxml, Mlt]
Format = Callable[[str], "Fcpxml | Mlt"]


def own_track(sheet: CueSheet, number: int) -> SheetTrack:
    return next(t for t in sheet.tracks if t.track_id == sheet.cues[number].track_id)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("n_frames", [1, 30, -30])
def test_a_cue_that_was_moved_is_locked_where_it_is_now(cues: CueSheet, kind: Format, n_frames: int) -> None:  # noqa: F811
    document = kind(export(cues, kind.name))  # type: ignore[attr-defined] # of both
    document.move(own_track(cues, 2), n_frames)
    found = import_edit(cues, document.text())
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.locked
    assert now.span.start_s == pytest.approx(before.span.start_s + n_frames / RATE, abs=1e-5)
    assert now.sections == before.sections
    assert (now.gain_db, now.fade_in_s, now.fade_out_s) == (before.gain_db, before.fade_in_s, before.fade_out_s)
    assert [c for c in found.sheet.cues if not c.locked] == [c for c in cues.cues if c is not before]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cue_whose_start_was_trimmed_stays_in_step(cues: CueSheet, kind: Format) -> None:  # noqa: F811
    document = kind(export(cues, kind.name))  # type: ignore[attr-defined] # of both
    document.trim_start(own_track(cues, 2), 50)
    found = import_edit(cues, document.text())
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    later = now.span.start_s - before.span.start_s
    assert now.locked
    assert now.span.end_s == before.span.end_s
    assert later == pytest.approx(2.0, abs=HALF)
    assert now.sections[0].track.start_s - before.sections[0].track.start_s == pytest.approx(later, abs=1e-4)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cue_whose_end_was_trimmed_ends_earlier(cues: CueSheet, kind: Format) -> None:  # noqa: F811
    document = kind(export(cues, kind.name))  # type: ignore[attr-defined] # of both
    document.trim_end(own_track(cues, 2), 50)
    found = import_edit(cues, document.text())
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.locked
    assert now.span.start_s == before.span.start_s
    assert now.span.end_s == pytest.approx(before.span.end_s - 2.0, abs=HALF)
    assert now.sections[0].track.start_s == before.sections[0].track.start_s


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cue_that_was_replaced_plays_the_other_track(cues: CueSheet, kind: Format) -> None:  # noqa: F811
    other = next(t for t in cues.tracks if t.track_id not in {c.track_id for c in cues.cues})
    document = kind(export(cues, kind.name))  # type: ignore[attr-defined] # of both
    document.replace(own_track(cues, 2), other, 250)
    found = import_edit(cues, document.text())
    before, now = cues.cues[2], of(found, cues.cues[2].cue_id)
    assert now.track_id == other.track_id
    assert now.locked
    assert now.span == before.span
    assert now.sections[0].track.start_s == pytest.approx(10.0, abs=HALF)
    cuesheet.check(found.sheet)


def test_a_clip_made_of_a_whole_file_was_two_pictures_at_once() -> None:
    """`<clip>` around `<video>`, as Final Cut Pro writes some media: the clip says which stretch is seen."""
    clips = "".join(
        f"<clip name='c{k}' offset='{at}s' start='{start}s' duration='{length}s'>"
        f"<video ref='r{k}' offset='0s' duration='60s'><audio lane='-1' ref='r9' offset='0s' duration='60s'/></video>"
        f"<video lane='1' ref='r8' offset='{start}s' duration='30s'/></clip>"
        for k, at, start, length in ((1, 0, 5, 10), (2, 10, 20, 12))
    )
    assets = "".join(f"<asset id='r{k}' src='{k}.mp4' hasVideo='{int(k != 9)}'/>" for k in (1, 2, 8, 9))
    root = ElementTree.fromstring(
        f"<fcpxml><resources><format id='r0' frameDuration='1/24s'/>{assets}</resources><project>"
        f"<sequence format='r0'><spine>{clips}</spine></sequence></project></fcpxml>"
    )
    line = read_fcpxml(root)
    seen = [(clip.file, clip.start_s, clip.end_s, clip.source_s) for clip in line.pictures]
    assert seen == [("1.mp4", 0, 10, 5), ("2.mp4", 10, 22, 20)]
    others = [(clip.file, clip.start_s, clip.end_s, clip.source_s) for clip in line.clips]
    assert others == [("8.mp4", 0, 30, 0), ("9.mp4", 0, 10, 5), ("8.mp4", 10, 40, 0), ("9.mp4", 10, 22, 20)]
