"""Exports and the files they name: where they are, what they hold, and how the film's own sound goes along."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio
import pytest
from scipy.io import wavfile

from films import RATE, ffmpeg
from made_up import sheet, small_library
from soundtrack.documents import cuesheet
from soundtrack.errors import InputError
from soundtrack.export import export, not_carried
from soundtrack.export.timeline import Media, Sound, timeline_of
from soundtrack.pipeline.sheets.exports import find_media
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet

NAME = "Été à 東京 #1 100%.mp4"


@pytest.fixture(scope="module")
def cues() -> CueSheet:
    found = spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5), ("Sad", 60.0)]), small_library())
    return replace(found, mix=replace(found.mix, music_gain_db=0.0, master_gain_db=0.0))


@pytest.fixture
def folder(tmp_path: Path, cues: CueSheet) -> Path:
    """A film with sound of six channels, music of one and of two, and their sheet, under names of any script."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-f", "lavfi", "-i", "anullsrc=5.1:44100:d=1", "-t", "1",
           "-c:v", "libx264", "-c:a", "aac", "-timecode", "10:00:00:12", tmp_path / NAME)  # fmt: skip
    tracks = []
    for i, track in enumerate(cues.tracks):
        path = tmp_path / "müzik" / f"piste é {i}.wav"
        path.parent.mkdir(exist_ok=True)
        wavfile.write(path, 22_050 if i else RATE, np.zeros((100, 1 + i % 2), np.int16))
        tracks.append(replace(track, path=str(path)))
    named = replace(cues, tracks=tuple(tracks), film=replace(cues.film, name=NAME))
    (tmp_path / "film.cues.json").write_text(cuesheet.dumps(named), encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``soundtrack cues export`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "soundtrack", "cues", "export", *arguments],
        capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def named_files(text: str, name: str) -> list[str]:
    """All files that an export names, as they are written."""
    if name == "otio":
        return list(_values(json.loads(text), "target_url"))
    if name in ("m3u", "edl"):
        lines = text.splitlines()
        return lines[3::2] if name == "m3u" else [t.split(": ", 1)[1] for t in lines if "SOURCE FILE" in t]
    root = ElementTree.fromstring(text)
    if name == "mlt":
        return [p.findtext("property[@name='resource']") or "" for p in root.iter("producer")]
    return (
        [a.attrib["src"] for a in root.iter("asset")]
        if name == "fcpxml"
        else [p.text or "" for p in root.iter("pathurl")]
    )


def _values(data: object, key: str) -> Iterator[str]:
    """The values of a key, wherever it is."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in items:
        if name == key:
            yield value
        yield from _values(value, key)


FORMATS = ("otio", "xml", "fcpxml", "mlt", "edl", "m3u")


@pytest.mark.parametrize("name", FORMATS)
def test_files_are_found_from_any_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Reported as: the film is named by a relative path that is wrong in any other folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    out = elsewhere / f"cut.{name}"
    done = run(elsewhere, os.path.relpath(folder / "film.cues.json", elsewhere), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert "no such file" not in done.stderr
    written = named_files(out.read_text(encoding="utf-8"), name)
    urls = name in ("otio", "xml", "fcpxml")
    assert all(text.startswith("file://") for text in written) is urls
    paths = {Path(unquote(urlsplit(text).path) if urls else text) for text in written}
    assert all(path.is_absolute() and path.is_file() for path in paths)
    assert (folder / NAME in paths) is (name not in ("edl", "m3u"))


@pytest.mark.parametrize("name", FORMATS)
def test_relative_files_are_seen_from_the_folder_of_the_export(folder: Path, name: str) -> None:
    (folder / "cuts").mkdir()
    done = run(folder, "film.cues.json", "-o", f"cuts/cut.{name}", "--relative")
    assert done.returncode == 0, done.stderr
    written = named_files((folder / "cuts" / f"cut.{name}").read_text(encoding="utf-8"), name)
    assert written
    for text in written:
        path = Path(unquote(text) if name in ("otio", "xml", "fcpxml") else text)
        assert not path.is_absolute()
        assert (folder / "cuts" / path).is_file()


def test_the_film_is_where_the_option_says_and_a_missing_one_is_named(folder: Path) -> None:
    moved = folder / "other" / "renamed.mp4"
    moved.parent.mkdir()
    (folder / NAME).rename(moved)
    done = run(folder, "film.cues.json", "--to", "fcpxml")
    assert done.returncode == 0
    assert f"{NAME}: no such file; use --film PATH" in done.stderr
    done = run(folder, "film.cues.json", "--to", "fcpxml", "--film", "other/renamed.mp4")
    assert (done.returncode, "no such file" in done.stderr) == (0, False)
    assert named_files(done.stdout, "fcpxml")[0] == moved.as_uri()
    done = run(folder, "film.cues.json", "--to", "fcpxml", "--film", "nowhere.mp4", "-o", "x.fcpxml")
    assert done.returncode == 3
    assert "nowhere.mp4: no such file" in done.stderr
    assert not (folder / "x.fcpxml").exists()


def test_channels_and_start_timecode_come_from_the_files(folder: Path) -> None:
    made = cuesheet.loads((folder / "film.cues.json").read_text(encoding="utf-8"))
    found = find_media(made, folder=folder)
    assert found.warnings == ()
    assert found.media.film_sound == Sound(6, 44_100)
    assert found.media.start_timecode == "10:00:00:12"
    assert {s.channels for s in found.media.sounds.values()} <= {1, 2}
    assert {s.sample_rate_hz for s in found.media.sounds.values()} <= {22_050, RATE}
    with pytest.raises(InputError, match="no such file"):
        find_media(made, folder=folder, film=folder)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_film_s_own_sound_is_in_final_cut_7_xml_with_links(cues: CueSheet, channels: int, keep: bool) -> None:
    """Reported as: the film keeps its own sound, and xml has the picture and the music only."""
    made = replace(cues, mix=replace(cues.mix, keep_original=keep))
    media = Media(film="/f.mp4", film_sound=Sound(channels, 44_100))
    root = ElementTree.fromstring(export(made, "xml", media=media))
    items = {item.attrib["id"]: item for item in root.iter("clipitem")}
    own = [name for name in items if name.startswith("film-sound")]
    n_tracks = max(2, channels)
    assert len(own) == (n_tracks if keep else 0)
    sources = [items[name].findtext("sourcetrack/trackindex") for name in own]
    assert sources == [str(min(i, channels - 1) + 1) for i in range(n_tracks)][: len(own)]
    file = root.find(".//file[@id='file-film']")
    assert file is not None
    assert file.findtext("media/audio/channelcount") == str(channels)
    assert file.findtext("media/audio/samplecharacteristics/samplerate") == "44100"
    assert file.findtext("media/video/samplecharacteristics/width") == str(cues.film.width_px)
    tracks = root.findall(".//sequence/media/audio/track")
    for item in items.values():
        links = [link.findtext("linkclipref") for link in item.iterfind("link")]
        assert item.attrib["id"] in links
        assert set(links) <= set(items)
        for link in item.iterfind("link"):
            if link.findtext("mediatype") == "audio":
                linked = tracks[int(link.findtext("trackindex") or 0) - 1].findall("clipitem")
                place = int(link.findtext("clipindex") or 0) - 1
                assert linked[place].attrib["id"] == link.findtext("linkclipref")
    for track in tracks:
        ends = [(int(i.findtext("start") or -1), int(i.findtext("end") or -1)) for i in track.iterfind("clipitem")]
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))


def test_the_film_s_own_sound_is_in_opentimelineio_and_fades_are_transitions(cues: CueSheet) -> None:
    timeline = otio.adapters.read_from_string(export(cues, "otio"), "otio_json")
    sound = [c for t in timeline.audio_tracks() for c in t.find_clips() if c.name == cues.film.name]
    picture = timeline.video_tracks()[0].find_clips()
    assert [c.metadata["Resolve_OTIO"]["Link Group ID"] for c in (*sound, *picture)] == [1, 1]
    line = timeline_of(cues)
    fades = [
        (round(x.in_offset.value), round(x.out_offset.value))
        for t in timeline.audio_tracks()
        for x in t.find_children(descended_from_type=otio.schema.Transition)
    ]
    fps = cues.film.fps
    lengths = [round(s * fps) for c in cues.cues for s in (Fraction(c.fade_in_s), Fraction(c.fade_out_s))]
    assert sum(a + b for a, b in fades) == sum(n for n in lengths if n > 1)
    for track in timeline.audio_tracks():
        for clip in track.find_clips():
            start = track.range_of_child(clip).start_time.to_frames()
            assert clip.name == cues.film.name or start in {c.record_in for c in line.clips}
    assert not_carried(cues, "otio") == not_carried(replace(cues, cues=cues.cues[:1]), "otio") != []
    assert not_carried(replace(cues, cues=()), "otio") == []


def test_levels_in_fcpxml_have_their_unit_and_elements_their_order(cues: CueSheet) -> None:
    root = ElementTree.fromstring(export(cues, "fcpxml"))
    amounts = [e.attrib["amount"] for e in root.iter("adjust-volume")] + [
        e.attrib["value"] for e in root.iter("keyframe")
    ]
    assert amounts
    for amount in amounts:
        assert amount.endswith("dB")
        assert -96 <= float(amount[:-2]) <= 12
    order = ["note", "timeMap", "adjust-volume", "asset-clip"]
    for clip in root.iter("asset-clip"):
        places = [order.index(child.tag) for child in clip]
        assert places == sorted(places)
    ids = {e.attrib["id"] for e in root.find("resources") or ()}
    assert {e.attrib[k] for e in root.iter() for k in ("ref", "format") if k in e.attrib} <= ids


@pytest.mark.parametrize("name", ["xml", "fcpxml"])
def test_gains_above_what_a_format_holds_lower_everything_alike(cues: CueSheet, name: str) -> None:
    loud = replace(cues, cues=tuple(replace(c, gain_db=20.0 + i, fade_in_s=0.0) for i, c in enumerate(cues.cues)))
    line = timeline_of(loud, highest_db=12.0)
    assert max(key.gain_db for clip in line.clips for key in line.keys(clip)) == pytest.approx(12.0)
    assert line.original_gain_db == pytest.approx(12.0 - max(c.gain_db for c in loud.cues))
    assert any(f"lowered by {line.lowered_db:.1f} dB" in text for text in not_carried(loud, name))
    assert not any("lower" in text for text in (*not_carried(loud, "mlt"), *not_carried(cues, name)))


def test_an_edit_list_says_what_it_cannot_hold(cues: CueSheet) -> None:
    """Reported as: edl loses the fades."""
    text = export(cues, "edl")
    assert any("FADE OUT" in line for line in text.splitlines())
    assert any("cannot store levels" in line for line in not_carried(cues, "edl"))


def test_every_time_line_has_the_gains_of_the_mix(cues: CueSheet) -> None:
    """Reported as: the balance gain and the master gain are in no export."""
    one = replace(cues.cues[0], gain_db=-6.0, fade_in_s=0.0, fade_out_s=0.0)
    mixed = replace(cues, cues=(one,), ducking=(), mix=replace(cues.mix, music_gain_db=-7.5, master_gain_db=2.25))
    factors = {round(10 ** (db / 20), 5) for db in (-11.25, 2.25)}
    old = ElementTree.fromstring(export(mixed, "xml"))
    assert {float(p.findtext("value") or 0) for p in old.iter("parameter")} == factors
    new = ElementTree.fromstring(export(mixed, "fcpxml"))
    assert {e.attrib["amount"] for e in new.iter("adjust-volume")} == {"2.25dB", "-11.25dB"}
    mlt = ElementTree.fromstring(export(mixed, "mlt"))
    levels = [p.text or "" for p in mlt.iterfind(".//filter/property[@name='level']")]
    assert {pair.split("=")[1] for text in levels for pair in text.split(";")} == {"2.25", "-11.25"}
    timeline = otio.adapters.read_from_string(export(mixed, "otio"), "otio_json")
    gains = [c.metadata["soundtrack"]["gain_db"] for t in timeline.audio_tracks() for c in t.find_clips()]
    assert gains == [2.25, -11.25]
    assert "GAIN -11.2 DB" in export(mixed, "edl")
    unmixed = replace(cues, mix=replace(cues.mix, music_gain_db=None, master_gain_db=None))
    assert any("no mix gains" in text for text in not_carried(unmixed, "mlt"))
    assert not_carried(unmixed, "csv") == not_carried(cues, "mlt") == []
